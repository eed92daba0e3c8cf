"""Live: a real capture server on a socket, real batches, and the screen that follows."""

from __future__ import annotations

import asyncio
import http.client
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from perftui_server.run import CaptureServer, listening_socket
from textual.pilot import Pilot

from perftui.app import PerftuiApp
from perftui.clock import SystemClock
from perftui.commands.context import Context
from perftui.config import ServerSettings, Settings
from perftui.screens.registry import Subject
from perftui.screens.replay import ReplayScreen
from perftui.store.writer import StoreWriter
from perftui.widgets.row_list import RowList
from tests.screens.conftest import until


@pytest.fixture
def server(tmp_path: Path) -> Iterator[CaptureServer]:
    """A capture server in a thread, over a store of its own."""
    settings = Settings(server=ServerSettings(port=0))
    listener = listening_socket(settings)
    started = threading.Event()
    running: list[CaptureServer] = []

    def run() -> None:
        writer = StoreWriter(tmp_path / "live.db")
        capture = CaptureServer(writer, settings, listener)
        running.append(capture)
        asyncio.run(capture.serve(on_started=started.set))

    thread = threading.Thread(target=run)
    thread.start()
    assert started.wait(30)
    yield running[0]
    running[0].stop()
    thread.join(30)
    assert not thread.is_alive()


def post(
    url: str, names: list[str], number: int, *, session: str = "live-1", start: float = 0
) -> int:
    """Send a batch as a page does; the status."""
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=30)
    now_ms = SystemClock().now_us() / 1000
    body = {
        "sessionId": session,
        "pageViewId": "view-1",
        "batchId": f"batch-{session}-{number}",
        "timeOrigin": now_ms - 60_000,
        "sentAt": now_ms,
        "page": {"url": "http://localhost:3000/", "title": "Shop"},
        "entries": [
            {
                "entryType": "resource",
                "name": name,
                "initiatorType": "fetch",
                "startTime": start + 10 * place,
                "duration": 40.5,
                "responseStatus": 200,
            }
            for place, name in enumerate(names)
        ],
    }
    try:
        connection.request("POST", "/batch", json.dumps(body), {"Content-Type": "text/plain"})
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


def live_app(server: CaptureServer, store: Path) -> PerftuiApp:
    context = Context(Settings(), store, True)
    return PerftuiApp(
        context.new_reader,
        context.settings,
        context.clock,
        start_screen="replay",
        subject=Subject(live=True),
        server_url=server.url,
    )


def on_screen(app: Any, text: str) -> bool:
    """Whether a text is among the lines that are drawn now."""
    log = app.screen.query_one(RowList)
    return bool(log.display) and any(
        text in "".join(segment.text for segment in log.render_line(y))
        for y in range(log.size.height)
    )


async def send(*args: Any, **more: Any) -> int:
    return await asyncio.to_thread(post, *args, **more)


async def with_one_call(server: CaptureServer, app: PerftuiApp, pilot: Pilot[Any]) -> ReplayScreen:
    """The live screen, once a call of ``/api/one`` stands on it."""
    assert await send(server.url, ["http://localhost:3000/api/one"], 1) == 200
    await until(pilot, lambda: on_screen(app, "/api/one"))
    assert isinstance(app.screen, ReplayScreen)
    return app.screen


async def test_a_batch_is_on_the_screen_and_followed(server: CaptureServer, tmp_path: Path) -> None:
    app = live_app(server, tmp_path / "live.db")
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, ReplayScreen))
        assert await send(server.url, ["http://localhost:3000/api/first"], 1) == 200
        await until(pilot, lambda: on_screen(app, "/api/first"))
        names = [f"http://localhost:3000/api/item{number}" for number in range(60)]
        assert await send(server.url, names, 2, start=100) == 200
        await until(pilot, lambda: on_screen(app, "/api/item59"))
        log = app.screen.query_one(RowList)
        assert log.follow
        assert log.cursor == 60


async def test_what_arrives_never_moves_the_selection(
    server: CaptureServer, tmp_path: Path
) -> None:
    app = live_app(server, tmp_path / "live.db")
    async with app.run_test(size=(120, 30)) as pilot:
        names = [f"http://localhost:3000/api/item{number}" for number in range(60)]
        assert await send(server.url, names, 1) == 200
        await until(pilot, lambda: on_screen(app, "/api/item59"))
        screen = app.screen
        assert isinstance(screen, ReplayScreen)
        log = screen.query_one(RowList)
        await pilot.press("k", "k")
        await pilot.pause()
        key, scrolled = log.selected_key, log.scroll_offset.y
        assert await send(server.url, ["http://localhost:3000/api/late"], 2, start=900) == 200
        await until(pilot, lambda: len(log.source) == 61)
        assert log.selected_key == key
        assert log.scroll_offset.y == scrolled
        title = "".join(segment.text for segment in screen.query_one("TitleBar").render_line(0))
        assert "+1 new" in title
        await pilot.press("f")
        await until(pilot, lambda: on_screen(app, "/api/late"))


async def test_frozen_holds_back_and_letting_go_shows_it(
    server: CaptureServer, tmp_path: Path
) -> None:
    app = live_app(server, tmp_path / "live.db")
    async with app.run_test(size=(120, 30)) as pilot:
        screen = await with_one_call(server, app, pilot)
        await pilot.press("space")
        await until(pilot, lambda: screen.frozen)
        assert await send(server.url, ["http://localhost:3000/api/two"], 2, start=900) == 200
        await until(pilot, lambda: screen._held is not None)
        assert not on_screen(app, "/api/two")
        await pilot.press("space")
        await until(pilot, lambda: on_screen(app, "/api/two"))


async def test_the_overview_knows_the_last_that_arrived(
    server: CaptureServer, tmp_path: Path
) -> None:
    app = live_app(server, tmp_path / "live.db")
    async with app.run_test(size=(120, 30)) as pilot:
        screen = await with_one_call(server, app, pilot)
        await until(pilot, lambda: screen._around_count == 1)
        # Sooner than it is made anew, and nothing after it.
        assert await send(server.url, ["http://localhost:3000/api/one"], 2, start=9) == 200
        await until(pilot, lambda: screen._around_count == 2)
        assert len(screen._around.requests or ()) == 2


async def test_it_stays_with_its_session(server: CaptureServer, tmp_path: Path) -> None:
    app = live_app(server, tmp_path / "live.db")
    async with app.run_test(size=(120, 30)) as pilot:
        assert await send(server.url, ["http://localhost:3000/api/mine"], 1) == 200
        await until(pilot, lambda: on_screen(app, "/api/mine"))
        other = ["http://localhost:3000/api/theirs"]
        assert await send(server.url, other, 1, session="live-2") == 200
        assert await send(server.url, ["http://localhost:3000/api/more"], 2, start=50) == 200
        await until(pilot, lambda: on_screen(app, "/api/more"))
        assert not on_screen(app, "/api/theirs")
