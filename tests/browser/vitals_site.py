"""Pages that differ in what decides their Web Vitals, each with the SDK and with web-vitals."""

from __future__ import annotations

import json
import random
import struct
import threading
import time
import zlib
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

COLLECT = """
import { onCLS, onFCP, onINP, onLCP, onTTFB } from 'web-vitals';
const { pathname } = location;
const reports = [];
const report = ({ name, value, navigationType, entries }) =>
  reports.push({ pathname, name, value, navigationType, url: entries.at(-1)?.url });
for (const on of [onCLS, onFCP, onINP, onLCP, onTTFB]) on(report, { reportAllChanges: true });
addEventListener('pagehide', () => {
  navigator.sendBeacon('/web-vitals', JSON.stringify(reports.splice(0)));
});
"""
"""What is bundled: every change of every metric is told to the site when the page goes, and the last
one counts. Not sooner: what is done in the callback of one metric delays the next one's."""

TOOLS = """
const later = (ms) => new Promise((done) => setTimeout(done, ms));
const frames = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
const busy = (ms) => { const end = performance.now() + ms; while (performance.now() < end); };
const push = (height) => { const box = document.createElement('div');
  box.style.height = height + 'px'; document.body.prepend(box); };
const image = (delay) => Object.assign(document.body.appendChild(new Image()),
  { width: 500, height: 400, src: '/noise.png?delay=' + delay }).decode();
const painted = (type) => new Promise((done) => new PerformanceObserver((list, observer) => {
  observer.disconnect(); done(list.getEntries()); }).observe({ type, buffered: true }));
"""

FRAME = """addEventListener('pageshow', ({ persisted, timeStamp }) => persisted &&
  requestAnimationFrame(() => requestAnimationFrame(() => {
    navigator.sendBeacon('/frame' + location.pathname, performance.now() - timeStamp) })), true);"""
"""Tells the site how long after a restore the second frame's callbacks began, where it is the first
script of a page, and how long after it they ended, where it is the last."""

TEXT = "<h1>A page</h1><p>With a line of text, and another one that is longer.</p>"

PAGES: dict[str, str] = {
    "/elsewhere": TEXT,
    "/text": TEXT + "<script>done = true</script>",
    "/slow-answer": TEXT + "<script>done = true</script>",
    "/late-lcp": TEXT + "<script>image(500).then(frames).then(() => { done = true })</script>",
    "/many-candidates": "<p>a</p>"
    + """<script>(async () => {
      for (const size of [20, 40, 60, 80]) {
        await later(120);
        document.body.append(Object.assign(document.createElement('p'),
          { textContent: 'Words', style: `font-size: ${size}px` }));
      }
      await image(200); await frames(); done = true;
    })()</script>""",
    "/lcp-after-input": TEXT
    + """<button>Show</button><script>
      document.querySelector('button').onclick = async () => {
        await image(300); await frames(); done = true; };
    </script>""",
    "/shifts": TEXT
    + """<script>(async () => {
      await painted('paint');
      for (const height of [40, 90, 15]) { push(height); await later(150); }
      done = true;
    })()</script>""",
    "/shift-after-input": TEXT
    + """<button>More</button><script>
      document.querySelector('button').onclick = async () => {
        push(200); await later(800); push(30); await frames(); done = true; };
    </script>""",
    "/session-windows": TEXT
    + """<script>(async () => {
      await painted('paint');
      for (const [height, wait] of [[30, 200], [30, 1200], [60, 300], [60, 300], [20, 1200], [90, 50]]) {
        push(height); await later(wait);
      }
      done = true;
    })()</script>""",
    "/interactions": TEXT
    + """<button id=a>A</button><button id=b>B</button><button id=c>C</button><input><script>
      a.onclick = () => busy(70); b.onclick = () => busy(160); c.onclick = () => busy(110);
      onkeydown = () => busy(90);
    </script>""",
    "/short-interaction": TEXT + "<button>Quick</button>",
    "/prerendering": TEXT
    + """<script type=speculationrules>{"prerender": [{"source": "list",
      "urls": ["/prerendered"], "eagerness": "immediate"}]}</script>
    <script>fetch('/heard/prerendered').then(() => { location = '/prerendered' })</script>""",
    "/prerendered": TEXT
    + """<script>(async () => {
      await later(50);
      // Painting waits for the activation; the other page navigates when it hears this.
      navigator.sendBeacon('/tell/prerendered');
      if (document.prerendering) await new Promise((done) => {
        document.addEventListener('prerenderingchange', done) });
      await painted('paint'); push(50); await image(200); await frames(); await later(100);
      navigator.sendBeacon('/tell/activated');
      setTimeout(() => { location = 'about:blank' }, 200);
    })()</script>""",
    "/hidden-at-start": TEXT
    + """<script>(async () => {
      await painted('paint'); push(50); await image(50); await frames(); done = true;
    })()</script>""",
    "/hidden-early": TEXT
    + """<script>(async () => {
      await painted('largest-contentful-paint'); ready = true;
      await new Promise((gone) => document.addEventListener('visibilitychange', gone, {once: true}));
      push(30); await image(300); waiting = true;
      await new Promise((back) => document.addEventListener('visibilitychange', back, {once: true}));
      await frames(); await later(100); push(40); await frames(); done = true;
    })()</script>""",
    "/restored": TEXT
    + """<button>Busy</button><script>
      document.querySelector('button').onclick = () => busy(60);
      addEventListener('pageshow', async ({ persisted }) => {
        if (!persisted) return;
        await frames(); await frames(); push(70); await frames(); restored = true;
      });
      painted('paint').then(() => { push(20); done = true; });
    </script>""",
    "/route": TEXT
    + """<button>Next</button><script>
      document.querySelector('button').onclick = async () => {
        history.pushState({}, '', '/route/next');
        busy(80); await later(700); push(60); await frames(); done = true; };
    </script>""",
}


@lru_cache(maxsize=1)
def noise() -> bytes:
    """A PNG of 250x200 pixels that no browser takes for a placeholder: noise has much entropy."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    numbers = random.Random(7)
    rows = b"".join(b"\0" + numbers.randbytes(250 * 3) for _ in range(200))
    header = struct.pack(">IIBBBBB", 250, 200, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


class VitalsSite:
    """Serves the pages, and takes what web-vitals reports.

    Attributes:
        reports: what came in, in order.
        frames: by path, when the callbacks of the second frame after its restore began and ended,
            in ms since the restore.
    """

    def __init__(self, sdk_url: str, library: str) -> None:
        self.reports: list[dict[str, Any]] = []
        self.frames: dict[str, list[float]] = {}
        self.heard = {name: threading.Event() for name in ("prerendered", "activated")}
        site = self
        head = (
            "<!doctype html><meta charset=utf-8><link rel=icon href=data:,>"
            f'<script>{FRAME}</script><script src="{sdk_url}" data-flush-interval=100></script>'
            f"<script src=/web-vitals.js></script><script>done = ready = waiting = restored = false;{TOOLS}{FRAME}</script>"
        )

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self, body: str | bytes, kind: str = "text/html") -> None:
                content = body.encode() if isinstance(body, str) else body
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def do_GET(self) -> None:
                url = urlsplit(self.path)
                if url.path == "/web-vitals.js":
                    self.answer(library, "text/javascript")
                elif url.path == "/noise.png":
                    time.sleep(int(parse_qs(url.query)["delay"][0]) / 1000)
                    self.answer(noise(), "image/png")
                elif url.path.startswith("/heard/"):
                    site.heard[url.path[7:]].wait(30)
                    self.answer("")
                else:
                    if url.path == "/slow-answer":
                        time.sleep(0.3)
                    self.answer(head + PAGES[url.path])

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.path == "/web-vitals":
                    site.reports.extend(json.loads(body))
                elif self.path.startswith("/frame/"):
                    site.frames.setdefault(self.path[6:], []).append(float(body))
                else:
                    site.heard[self.path[6:]].set()
                self.answer("")

            def log_message(self, *_: Any) -> None:
                """Keep the tests' output clean."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.http.shutdown()
        self.http.server_close()

    def largest(self, path: str) -> str:
        """The URL of the resource that was the largest paint of a page's load; empty for text."""
        urls: list[str] = [
            report["url"]
            for report in self.reports
            if (report["pathname"], report["name"]) == (path, "LCP")
        ]
        return urls[-1]

    def reported(self, path: str, *, restored: bool = False) -> dict[str, float]:
        """The last value of each metric of a page (ms; CLS has no unit): of its load, or of its
        restore from the back/forward cache."""
        values: dict[str, float] = {}
        for report in self.reports:
            is_restore = report["navigationType"] == "back-forward-cache"
            if report["pathname"] == path and is_restore is restored:
                values[report["name"]] = report["value"]
        return values
