"""A real capture server on a socket, over a real store."""

from __future__ import annotations

import asyncio
import http.client
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from perftui_server.run import CaptureServer, listening_socket

from perftui.config import ServerSettings, Settings, StoreSettings
from perftui.store.writer import StoreWriter


@dataclass
class Running:
    """A server in a thread."""

    server: CaptureServer
    port: int
    path: Path

    @property
    def url(self) -> str:
        return self.server.url

    def request(
        self,
        method: str,
        path: str,
        body: bytes | str | None = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers (names in lower case) and body of one answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return (
                answer.status,
                {name.lower(): value for name, value in answer.getheaders()},
                answer.read(),
            )
        finally:
            connection.close()

    def post(self, document: Any, headers: dict[str, str] | None = None) -> tuple[int, Any]:
        """Status and JSON of the answer to a batch."""
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        status, _, answer = self.request(
            "POST", "/batch", body, {"Content-Type": "text/plain", **(headers or {})}
        )
        return status, json.loads(answer)


Start = Callable[..., Running]


@contextmanager
def servers(folder: Path) -> Iterator[Start]:
    """Starts servers with settings of their own and a store each in ``folder``; all end with it."""
    running: list[tuple[CaptureServer, threading.Thread]] = []

    def begin(*, min_free_bytes: int = 0, **limits: Any) -> Running:
        path = folder / f"store-{len(running)}.db"
        settings = Settings(
            server=ServerSettings(port=0, **limits),
            store=StoreSettings(min_free_bytes=min_free_bytes),
        )
        listener = listening_socket(settings)
        port = listener.getsockname()[1]
        server = CaptureServer(StoreWriter(path, settings=settings.store), settings, listener)
        started = threading.Event()
        thread = threading.Thread(
            target=lambda: asyncio.run(server.serve(on_started=started.set)), daemon=True
        )
        thread.start()
        assert started.wait(30)
        running.append((server, thread))
        return Running(server, port, path)

    yield begin
    for server, thread in running:
        server.stop()
        thread.join(30)
        assert not thread.is_alive()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts servers with settings of their own; all end with the test."""
    with servers(tmp_path) as begin:
        yield begin


@pytest.fixture
def capture(start: Start) -> Running:
    """A server with the settings as they come."""
    return start()


def batch(*entries: dict[str, Any], **envelope: Any) -> dict[str, Any]:
    """A batch of the wire."""
    return {"sessionId": "s", "pageViewId": "p", "entries": list(entries), **envelope}


def mark(name: str = "m", start_time: float = 1.0) -> dict[str, Any]:
    """A small entry."""
    return {"entryType": "mark", "name": name, "startTime": start_time, "duration": 0}
