"""Record ``perftui/demo/session.jsonl``: a visit to the example shop in real Chromium.

The visit goes the whole way: the shop with perftui's script tag, the SDK, batches by HTTP. What
records them is the capture server's own application with a sink that keeps the documents as they
came; the file is what ``perftui import`` and ``perftui demo`` read.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import shutil
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from perftui_server.run import CaptureServer, listening_socket
from playwright.sync_api import Page, Request, sync_playwright

from examples.shop.server import Shop
from perftui.clock import SystemClock
from perftui.config import ServerSettings, Settings
from perftui.model import Batch, Receipt

REPOSITORY = Path(__file__).resolve().parent.parent
RECORDING = REPOSITORY / "perftui" / "demo" / "session.jsonl"

CHROMIUM_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""Keep it offline and the same everywhere."""


class Recorder:
    """Keeps the documents that the capture server takes, with the moment of each."""

    def __init__(self) -> None:
        self.documents: list[dict[str, Any]] = []

    async def write(self, batch: Batch) -> Receipt:
        """The sink's side: everything is taken."""
        return Receipt(len(batch.entries))

    async def close(self) -> None:
        """There is nothing to finish."""

    def wrap(self, app: Any) -> Any:
        """The application, with each batch's body kept as it comes in."""

        async def recording(
            scope: Mapping[str, Any],
            receive: Callable[[], Awaitable[Any]],
            send: Callable[[Any], Awaitable[None]],
        ) -> None:
            pieces: list[bytes] = []

            async def listen() -> Any:
                event = await receive()
                if event["type"] == "http.request":
                    pieces.append(event.get("body", b""))
                    if not event.get("more_body", False):
                        self._keep(b"".join(pieces))
                return event

            posts = scope["type"] == "http" and scope["method"] == "POST"
            await app(scope, listen if posts else receive, send)

        return recording

    def _keep(self, body: bytes) -> None:
        if body[:2] == b"\x1f\x8b":
            body = gzip.decompress(body)
        document = msgspec.json.decode(body)
        document["receivedAt"] = SystemClock().now_us() / 1000
        self.documents.append(document)


@contextmanager
def recording_server(recorder: Recorder) -> Iterator[str]:
    """A capture server on any port in a thread; gives its URL."""
    settings = Settings(server=ServerSettings(port=0))
    server = CaptureServer(recorder, settings, listening_socket(settings))
    server.replace_app(recorder.wrap(server.app))
    started = threading.Event()
    thread = threading.Thread(
        target=lambda: asyncio.run(server.serve(on_started=started.set)), daemon=True
    )
    thread.start()
    started.wait(10)
    try:
        yield server.url
    finally:
        server.stop()
        thread.join(10)


def visit(page: Page, shop: Shop) -> None:
    """Somebody looks around, searches, and orders a lamp. Pauses are a person's."""
    page.goto(shop.url, wait_until="load")
    page.wait_for_function("document.querySelector('#recommendations .card')")
    page.wait_for_timeout(900)
    page.fill("#newsletter input[type=email]", "anna@example.test")
    page.press("#newsletter input[type=email]", "Enter")
    page.wait_for_timeout(1200)
    page.click("#search")
    page.keyboard.type("lamp", delay=140)
    page.wait_for_selector("#search-results li")
    page.wait_for_timeout(900)
    page.click("#search-results li a")
    page.wait_for_load_state("load")
    page.wait_for_function("document.querySelector('#related .card')")
    page.wait_for_timeout(1000)
    for tab in ("reviews", "delivery", "description"):
        page.click(f"#tabs [data-tab={tab}]")
        page.wait_for_timeout(1500)
    page.go_back()
    page.wait_for_timeout(1200)
    page.click("#add")
    page.wait_for_function("!document.querySelector('#add').disabled")
    page.wait_for_timeout(700)
    page.goto(f"{shop.url}/checkout", wait_until="load")
    page.fill("[name=name]", "Anna Berg")
    page.wait_for_timeout(400)
    page.fill("[name=street]", "Long Street 12")
    page.fill("#postcode", "1012")
    page.fill("#town", "Amsterdam")
    page.fill("#voucher-code", "SPRING")
    page.click("#voucher button")
    page.wait_for_selector("#voucher-answer:not(:empty)")
    page.wait_for_selector("#shipping label:nth-of-type(3)")
    page.wait_for_timeout(600)
    page.click("#address .button")
    page.wait_for_timeout(700)
    for field, text in (("#card", "1"), ("#until", "12/28"), ("#code", "1")):
        page.fill(field, text)
        page.wait_for_timeout(300)
    page.click("#pay")
    page.wait_for_selector("#failure:not([hidden])")
    page.wait_for_timeout(1500)
    page.click("#pay")
    page.wait_for_selector("#thank-you:not([hidden])")
    page.wait_for_function("document.querySelector('#order-status').textContent")
    page.wait_for_timeout(3000)


def main() -> int:
    """Record, and write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=RECORDING)
    options = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        print("needs Chromium: apt-get install chromium", file=sys.stderr)
        return 1
    recorder = Recorder()
    with (
        recording_server(recorder) as url,
        Shop(
            sdk_url=f"{url}/perftui.js",
            port=8080,
            third_party_port=8081,
            opaque_third_party_port=8082,
        ) as shop,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(
            executable_path=chromium, headless=True, args=list(CHROMIUM_ARGUMENTS)
        )
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.on("requestfailed", lambda request: _say(request))
        visit(page, shop)
        page.close(run_before_unload=False)
        browser.close()
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_bytes(
        b"".join(msgspec.json.encode(document) + b"\n" for document in recorder.documents)
    )
    entries = sum(len(document["entries"]) for document in recorder.documents)
    print(f"{options.output}: {len(recorder.documents)} batches, {entries} entries")
    return 0


def _say(request: Request) -> None:
    print(f"failed: {request.method} {request.url}: {request.failure}")


if __name__ == "__main__":
    sys.exit(main())
