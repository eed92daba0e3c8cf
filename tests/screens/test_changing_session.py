"""A session that changes while it is replayed: it grows, is followed live, or is deleted."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.screens.conftest import MakeApp, press, settle, until
from tests.screens.replaying import END, replay, rows
from tests.screens.sample_store import SESSION, START_US, batch, request, write


async def test_live_and_back(make_app: MakeApp) -> None:
    async with replay(make_app) as (pilot, screen):
        await press(pilot, "L")
        await until(pilot, lambda: screen.live and rows(screen).follow)
        assert rows(screen).cursor == 28
        await press(pilot, "space")
        assert screen.frozen
        await press(pilot, "space")
        assert not screen.frozen
        await press(pilot, "0")
        await until(pilot, lambda: not screen.live and screen.timeline is not None)
        assert screen.player.at_us == 0


async def test_a_deleted_session_says_so(make_app: MakeApp, own_store: Path) -> None:
    from perftui.store.retention import delete_sessions
    from perftui.store.writer import StoreWriter

    async with replay(make_app, store=own_store) as (pilot, screen):
        writer = StoreWriter(own_store)
        delete_sessions(writer, [SESSION])
        writer.close_now()
        await until(pilot, lambda: "deleted" in screen._trouble)


MORE = START_US + 30_000_000
"""When something more of the sample session begins, µs."""


@pytest.mark.parametrize(
    ("at", "start_us", "at_us"),
    [
        ("3.0", MORE, 3_000_000),
        # What is older moves the moment from which all count.
        ("3.0", START_US - 9_000_000, 12_000_000),
        (None, MORE, 30_400_000),
    ],
)
async def test_a_session_that_grows_while_it_is_replayed_leaves_the_playhead_where_it_is(
    make_app: MakeApp, own_store: Path, at: str | None, start_us: int, at_us: int
) -> None:
    async with replay(make_app, store=own_store, at=at) as (pilot, screen):
        before = screen.timeline
        entries = (request("https://shop.test/api/late", 0, 400),)
        more = batch(SESSION, "chk-3", entries, url="https://shop.test/", title="More",
                     start_us=start_us, received_us=MORE + 1_000_000)  # fmt: skip
        write(own_store, [more])
        await until(pilot, lambda: screen.timeline is not before)
        await settle(pilot)
        assert screen.timeline is not None
        assert len(screen.timeline.index) == 30
        assert screen.player.at_us == at_us
        assert not screen.player.playing
        await press(pilot, "full_stop", "comma", "9")
        assert screen.selected is not None


async def test_a_session_that_grows_while_it_plays_plays_on(
    make_app: MakeApp, own_store: Path
) -> None:
    async with replay(make_app, store=own_store, at="1.0", play=True) as (pilot, screen):
        assert screen.player.playing
        before = screen.timeline
        more = batch(SESSION, "chk-3", (request("https://shop.test/api/late", 0, 400),),
                     url="https://shop.test/", title="More", start_us=MORE,
                     received_us=MORE + 1_000_000)  # fmt: skip
        write(own_store, [more])
        await until(pilot, lambda: screen.timeline is not before)
        assert screen.player.playing
        assert 1_000_000 <= screen.player.at_us < END


async def test_a_live_session_that_has_grown_by_the_time_it_is_replayed(
    make_app: MakeApp, own_store: Path
) -> None:
    async with replay(make_app, store=own_store, live=True) as (pilot, screen):
        await until(pilot, lambda: len(rows(screen).source) == 29)
        entries = tuple(request(f"https://shop.test/api/{n}", n, 400) for n in range(100))
        more = batch(SESSION, "chk-3", entries, url="https://shop.test/", title="More",
                     received_us=MORE)  # fmt: skip
        write(own_store, [more])
        await press(pilot, "9")
        await until(pilot, lambda: screen.timeline is not None)
        await settle(pilot)
        assert not screen.live
        assert screen.selected is not None
        assert len(rows(screen).source) > 100
