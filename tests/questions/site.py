"""A site whose every delay, size, coding, third party and regression is planted here.

Each visit is a session of its own. The table of what is planted:

- the document waits :data:`WAITS_MS` of the visit: the one factor that drives the LCP;
- ``tag.js`` of a third party (with Timing-Allow-Origin) blocks rendering for 150 ms;
- ``bundle.js`` is the largest, and the only compressible one that is sent uncompressed;
- ``good.css`` is sent as gzip; ``hero.png`` is the LCP and the slowest asset;
- ``pixel.js`` of another third party withholds everything (no Timing-Allow-Origin);
- ``GET /api/report`` is the slowest endpoint; ``/api/cart`` is 300 ms slower in the later half;
- ``/api/pay`` is slow in each third visit, which then captures ``gave_up`` instead of ``bought``;
- ``/api/twice`` is fetched twice by each pageview.
"""

from __future__ import annotations

import gzip
import random
import struct
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

WAITS_MS = (300, 20, 540, 140, 420, 80, 600, 260, 40, 480, 180, 360)
"""The wait of the document, by visit: in no order, so that nothing else rises with it."""

VISITS = len(WAITS_MS)
TAG_MS, HERO_MS, REPORT_MS, CART_MS, SLOWER_MS, USER_MS = 150, 400, 900, 40, 300, 60
PAY_MS, SLOW_PAY_MS, TWICE_MS = 30, 600, 10

BUNDLE = b"/* not compressed */\n" + b"function planted(value) { return value + 1; }\n" * 9_000
CSS = b"body { margin: 0; font-family: sans-serif } img { width: 600px; height: 400px }\n" * 300
TWICE = b'{"padding":"' + b"0123456789" * 150 + b'"}'


def _png(width: int, height: int) -> bytes:
    """A picture of noise: enough bytes a pixel for browsers to take it as content."""
    noise = random.Random(1)
    rows = b"".join(b"\0" + noise.randbytes(width * 3) for _ in range(height))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


HERO = _png(200, 133)

PAGE = """<!doctype html><html><head><meta charset="utf-8"><title>Planted</title>
<link rel="icon" href="data:,"><script src="{sdk}"></script>
<link rel="stylesheet" href="/good.css"><script src="{tag}/tag.js"></script></head>
<body><img src="/hero.png" alt="" width="600" height="400">
<script src="/bundle.js" defer></script><script src="{opaque}/pixel.js" async></script>
<script>
const get = (path) => fetch(path, {{cache: 'no-store'}}).then((answer) => answer.text());
addEventListener('load', async () => {{
  await get('/api/pay?visit={visit}');
  perftui.capture('{event}', {{visit: {visit}}});
  for (let call = 0; call < 3; call++) await get('/api/cart?visit={visit}');
  await get('/api/user/{user}');
  await get('/api/twice'); await get('/api/twice');
  await get('/api/report');
  window.done = true;
}});
</script></body></html>"""


def is_later(visit: int) -> bool:
    """Whether a visit is one of those after the regression."""
    return visit >= VISITS // 2


def gives_up(visit: int) -> bool:
    """Whether the visit's payment is slow."""
    return visit % 3 == 0


@dataclass
class Served:
    """One answer: how long the server took from the end of the request's head, ms."""

    path: str
    took_ms: float


@dataclass
class QuestionSite:
    """Three servers: the site, a third party that tells, and one that does not."""

    sdk_url: str
    url: str = ""
    tag_url: str = ""
    opaque_url: str = ""
    served: list[Served] = field(default_factory=list)

    def took_ms(self, path: str) -> list[float]:
        """How long the answers at a path took, in order."""
        return [one.took_ms for one in self.served if one.path == path]

    def answer(self, path: str, visit: int) -> tuple[float, str, bytes, dict[str, str]]:
        """Delay in ms, content type, body and further headers."""
        headers: dict[str, str] = {}
        if path == "/":
            page = PAGE.format(
                sdk=self.sdk_url,
                tag=self.tag_url,
                opaque=self.opaque_url,
                visit=visit,
                user=1000 + visit,
                event="gave_up" if gives_up(visit) else "bought",
            )
            return WAITS_MS[visit], "text/html; charset=utf-8", page.encode(), headers
        if path == "/good.css":
            return 0, "text/css", gzip.compress(CSS, mtime=0), {"Content-Encoding": "gzip"}
        if path in ("/tag.js", "/pixel.js"):
            return (TAG_MS if path == "/tag.js" else 0), "text/javascript", b"/* tag */", headers
        if path == "/bundle.js":
            return 0, "text/javascript", BUNDLE, headers
        if path == "/hero.png":
            return HERO_MS, "image/png", HERO, headers
        delay = {
            "/api/pay": SLOW_PAY_MS if gives_up(visit) else PAY_MS,
            "/api/cart": CART_MS + (SLOWER_MS if is_later(visit) else 0),
            "/api/twice": TWICE_MS,
            "/api/report": REPORT_MS,
        }.get(path, USER_MS)
        headers["Server-Timing"] = f"total;dur={delay}"
        return delay, "application/json", TWICE if path == "/api/twice" else b"{}", headers


def _server(site: QuestionSite, extra: dict[str, str]) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            began = time.perf_counter()
            parts = urlsplit(self.path)
            visit = int(parse_qs(parts.query).get("visit", ["0"])[0])
            delay, content_type, body, headers = site.answer(parts.path, visit)
            time.sleep(delay / 1000)  # The delay is what is planted.
            self.send_response(200)
            for name, value in {
                "Content-Type": content_type,
                "Content-Length": str(len(body)),
                "Cache-Control": "no-store",
                **headers,
                **extra,
            }.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
            site.served.append(Served(parts.path, (time.perf_counter() - began) * 1000))

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    return server


@contextmanager
def question_site(sdk_url: str) -> Iterator[QuestionSite]:
    """The site, for as long as the ``with`` block lasts."""
    site = QuestionSite(sdk_url)
    own, tag, opaque = (
        _server(site, {}),
        _server(site, {"Timing-Allow-Origin": "*"}),
        _server(site, {}),
    )
    site.url = f"http://127.0.0.1:{own.server_port}"
    # For a browser `localhost` is another site than 127.0.0.1, as third parties are.
    site.tag_url = f"http://localhost:{tag.server_port}"
    site.opaque_url = f"http://localhost:{opaque.server_port}"
    threads = [
        threading.Thread(target=server.serve_forever, daemon=True) for server in (own, tag, opaque)
    ]
    for thread in threads:
        thread.start()
    try:
        yield site
    finally:
        for server in (own, tag, opaque):
            server.shutdown()
            server.server_close()
        for thread in threads:
            thread.join(10)
