"""Another size of the terminal never loses the place: row, scroll, filter and playhead."""

from __future__ import annotations

from tests.screens.conftest import MakeApp, press, settle, until
from tests.screens.replaying import replay, rows
from tests.screens.sample_store import FrozenClock


async def test_resizing_keeps_the_place_in_a_filtered_list(make_app: MakeApp) -> None:
    async with replay(make_app) as (pilot, screen):
        await press(pilot, "slash", *"type:fetch", "enter", "j", "j", "j")
        here, shown, at_us = screen.selected, len(rows(screen).source), screen.player.at_us
        assert here is not None
        assert 3 < shown < 29
        for size in ((300, 100), (80, 24), (40, 8), (120, 40)):
            await pilot.resize_terminal(*size)
            await settle(pilot)
            assert (screen.selected, len(rows(screen).source)) == (here, shown)
            first, end = rows(screen).window
            assert first <= rows(screen).cursor < end
            assert (screen.filter_text, screen.player.at_us) == ("type:fetch", at_us)


async def test_resizing_keeps_playing_from_where_it_was(make_app: MakeApp) -> None:
    clock = FrozenClock()
    async with replay(make_app, clock=clock, at="30%") as (pilot, screen):
        await press(pilot, "space", "f")
        for size in ((80, 24), (300, 100), (120, 40)):
            before = screen.player.at_us
            clock.advance(0.5)
            await until(pilot, lambda at_us=before: screen.player.at_us > at_us)  # type: ignore[misc]
            at_us = screen.player.at_us
            await pilot.resize_terminal(*size)
            await settle(pilot)
            assert screen.player.playing
            assert screen.player.at_us == at_us
            log = rows(screen)
            assert log.cursor == len(log.source) - 1
            first, end = log.window
            assert first <= log.cursor < end


async def test_resizing_stays_where_the_wheel_has_gone(make_app: MakeApp) -> None:
    async with replay(make_app) as (pilot, screen):
        await pilot.resize_terminal(80, 24)
        await settle(pilot)
        log = rows(screen)
        log.scroll_to(y=7, animate=False, force=True, immediate=True)
        await settle(pilot)
        assert (log.window[0], log.cursor) == (7, 0)
        for size in ((80, 20), (120, 24), (80, 24)):
            await pilot.resize_terminal(*size)
            await settle(pilot)
            assert (log.window[0], log.cursor) == (7, 0)
