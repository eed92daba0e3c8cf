"""A small HTTP server: pages with the SDK's script tag, and every batch that reaches ``/batch``."""

from __future__ import annotations

import gzip
import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from perftui_server.assets import sdk_asset
from playwright.sync_api import Page

WAIT_S = 30.0
"""How long a condition may take on a loaded machine."""


class QuietServer(ThreadingHTTPServer):
    """Says nothing of a tab that is closed while it is answered."""

    def handle_error(self, *_: Any) -> None:
        """What goes wrong shows in what arrived."""


def unpacked(body: bytes) -> bytes:
    """The JSON of a batch that may be compressed."""
    return gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body


def batch_of(body: bytes) -> dict[str, Any]:
    """A batch, its rows as the objects that they stand for."""
    batch: dict[str, Any] = json.loads(unpacked(body))
    batch["entries"] = [
        dict(zip(batch["fields"], entry, strict=True)) if isinstance(entry, list) else entry
        for entry in batch["entries"]
    ]
    return batch


class Recorder:
    """Serves pages and takes batches.

    Attributes:
        batches: bodies of the batches that were answered 200, in the order of arrival.
        refused: bodies of those that were not.
        status: what batches are answered; others than 200 are not taken.
        retry_after: the header's value beside such a status.
        bodies: of all batches, as they were on the wire.
        told: what pages of a test posted to ``/told``, parsed.
        settings: the answer of ``/config``; none, and the path is not there.
        script: do the pages carry the SDK's tag?
        policy: the pages' Content-Security-Policy.
        files: path -> script to serve there.
        closing: set at the end; until then an answer at ``/endless/<type>`` has only begun.
        head, body: what the page at every path but the SDK's consists of.
    """

    def __init__(self, attributes: str = "") -> None:
        self.batches: list[dict[str, Any]] = []
        self.refused: list[dict[str, Any]] = []
        self.bodies: list[bytes] = []
        self.told: list[Any] = []
        self.settings: dict[str, Any] | None = None
        self.files: dict[str, str] = {}
        self.status = 200
        self.retry_after = ""
        self.script = True
        self.policy = ""
        self.head = ""
        self.body = "<h1>Page</h1>"
        self.attributes = attributes
        self.closing = threading.Event()
        recorder = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self, status: int, body: bytes, kind: str, **headers: str) -> None:
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                for name, value in headers.items():
                    self.send_header(name.replace("_", "-"), value)
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self) -> None:
                path = self.path.split("?")[0]
                if path in {"/perftui.js", "/perftui-detail.js"}:
                    self.answer(200, sdk_asset(path[1:]).content, "text/javascript")
                elif path in recorder.files:
                    self.answer(200, recorder.files[path].encode(), "text/javascript")
                elif path.startswith("/endless/"):
                    self.send_response(200)
                    self.send_header("Content-Type", path.removeprefix("/endless/"))
                    self.send_header("Transfer-Encoding", "chunked")
                    self.end_headers()
                    self.wfile.write(b"c\r\nThe beginnin\r\n")
                    recorder.closing.wait()
                elif path.startswith("/api/"):
                    self.answer(200, b"{}", "application/json")
                elif path == "/config" and recorder.settings is not None:
                    self.answer(200, json.dumps(recorder.settings).encode(), "application/json")
                elif path in ("/config", "/favicon.ico"):
                    self.answer(404, b"", "text/plain")
                else:
                    policy = {"Content_Security_Policy": recorder.policy} if recorder.policy else {}
                    self.answer(200, recorder.page().encode(), "text/html", **policy)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.path == "/told":
                    recorder.told.append(json.loads(body))
                    self.answer(200, b"", "text/plain")
                    return
                recorder.bodies.append(body)
                batch = batch_of(body)
                if recorder.status == 200:
                    recorder.batches.append(batch)
                else:
                    recorder.refused.append(batch)
                extra = {"Retry_After": recorder.retry_after} if recorder.retry_after else {}
                self.answer(recorder.status, b"{}", "application/json", **extra)

            def log_message(self, *_: Any) -> None:
                """Keep the tests' output clean."""

        self.http = QuietServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"
        self.thread = threading.Thread(target=self.http.serve_forever, daemon=True)
        self.thread.start()

    def page(self) -> str:
        tag = f"<script src=/perftui.js {self.attributes}></script>" if self.script else ""
        return (
            "<!doctype html><title>Page</title><link rel=icon href=data:,>"
            f"{self.head}{tag}{self.body}"
        )

    def close(self) -> None:
        self.closing.set()
        self.http.shutdown()
        self.http.server_close()

    def entries(self, entry_type: str = "") -> list[dict[str, Any]]:
        """Entries that arrived, each with its batch's ``pageViewId`` and ``sessionId``."""
        return [
            {**entry, "pageViewId": batch["pageViewId"], "sessionId": batch["sessionId"]}
            for batch in list(self.batches)
            for entry in batch["entries"]
            if entry_type in ("", entry["entryType"])
        ]

    def wait(self, condition: Callable[[], Any], what: str) -> Any:
        """What ``condition`` gives once it is true.

        Raises:
            AssertionError: it was not within ``WAIT_S`` seconds.
        """
        end = time.monotonic() + WAIT_S
        while time.monotonic() < end:
            if found := condition():
                return found
            time.sleep(0.02)
        raise AssertionError(f"waited in vain for {what}; entries: {self.entries()!r:.2000}")


def names(recorder: Recorder, entry_type: str) -> list[str]:
    """Names of the entries of a type that arrived."""
    return [entry.get("name", "") for entry in recorder.entries(entry_type)]


def capture(page: Page, recorder: Recorder, name: str) -> dict[str, Any]:
    """Records an analytics event and waits until it has arrived."""
    page.evaluate("name => perftui.capture(name)", name)
    found: list[dict[str, Any]] = recorder.wait(
        lambda: [entry for entry in recorder.entries("capture") if entry.get("name") == name], name
    )
    return found[0]
