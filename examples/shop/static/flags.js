// Which experiments run. In the head without async or defer: the parser waits for it.
window.LumenFlags = { roomPreview: true, wishList: false, promotion: "autumn-light" };
performance.mark("flags-ready");
