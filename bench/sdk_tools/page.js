// What the measured page does: 400 calls in groups of eight, and after each group a task of 55 ms.
// The other 100 requests are the images of its HTML.
const busy = (milliseconds) => {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
};

(async () => {
  for (let group = 0; group < 50; group++) {
    await Promise.all(
      Array.from({ length: 8 }, async (_, index) =>
        (await fetch(`/api/item-${group * 8 + index}?page=2&sort=price`)).json(),
      ),
    );
    // A task of its own, so that it is long by itself.
    await new Promise((done) =>
      setTimeout(() => {
        busy(55);
        done();
      }),
    );
  }
  window.isDone = true;
})();
