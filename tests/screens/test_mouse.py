"""The mouse, on every thing that takes it."""

from __future__ import annotations

from typing import Any, cast

import pytest
from textual.pilot import Pilot

from perftui.analysis.band import rail
from perftui.screens.help import HelpScreen
from perftui.screens.replay import ReplayScreen
from perftui.screens.request import RequestScreen
from perftui.screens.sessions import SessionsScreen
from perftui.screens.waterfall import WaterfallScreen
from perftui.widgets.detail_pane import DetailPane
from perftui.widgets.key_bar import KeyBar
from perftui.widgets.overview import Overview
from perftui.widgets.row_list import RowList
from perftui.widgets.transport import Transport
from perftui.widgets.waterfall_frame import Axis
from tests.screens.conftest import MakeApp, opened, press, settle, until
from tests.screens.sample_store import SESSION


def text_of(pilot: Pilot[Any], y: int) -> str:
    """A line of the screen."""
    strips = pilot.app.screen._compositor.render_strips()
    return strips[y].text


def place_of(pilot: Pilot[Any], y: int, word: str) -> tuple[int, int]:
    """Where a word stands on a line of the screen."""
    line = text_of(pilot, y)
    assert word in line, line
    return line.index(word), y


async def test_click_wheel_and_a_second_click_in_the_list_of_sessions(make_app: MakeApp) -> None:
    app = make_app("sessions")
    async with opened(app) as pilot:
        await pilot.click(RowList, offset=(20, 1))
        await settle(pilot)
        screen = cast("SessionsScreen", app.screen)
        assert screen.query_one(RowList).cursor == 1
        await pilot.click(RowList, offset=(20, 1), times=2)
        await until(pilot, lambda: isinstance(app.screen, ReplayScreen))


async def test_the_wheel_scrolls_and_leaves_the_selection(make_app: MakeApp) -> None:
    app = make_app(session_id=SESSION)
    async with opened(app, (100, 24)) as pilot:
        rows = app.screen.query_one(RowList)
        await press(pilot, "g")
        cursor = rows.cursor
        for _ in range(2):
            await pilot._post_mouse_events([_scroll(True)], RowList, offset=(10, 2))
        await settle(pilot)
        assert rows.scroll_offset.y == 6
        assert rows.cursor == cursor
        await pilot._post_mouse_events([_scroll(False)], RowList, offset=(10, 2))
        await settle(pilot)
        assert rows.scroll_offset.y == 3


def _scroll(down: bool) -> type[Any]:
    from textual import events

    return events.MouseScrollDown if down else events.MouseScrollUp


async def test_three_clicks_open_one_request(make_app: MakeApp) -> None:
    app = make_app(session_id=SESSION)
    async with opened(app) as pilot:
        await pilot.click(RowList, offset=(20, 5), times=3)
        await until(pilot, lambda: isinstance(app.screen, RequestScreen))
        await settle(pilot)
        names = [screen.name for screen in app.screen_stack]
        assert names.count("request") == 1


async def test_a_click_on_a_marker_goes_to_what_it_stands_for(make_app: MakeApp) -> None:
    app = make_app(session_id=SESSION)
    async with opened(app) as pilot:
        screen = cast("ReplayScreen", app.screen)
        transport = screen.query_one(Transport)
        start, _ = transport._rail
        cell, marker = next(iter(sorted(transport._state.markers.items())))
        await pilot.click(transport, offset=(start + cell, 0))
        await settle(pilot)
        assert screen.player.at_us == marker.at_us
        assert screen.selected is not None
        assert screen.selected.seq == marker.seq


async def test_a_click_on_what_went_wrong_goes_there(make_app: MakeApp) -> None:
    app = make_app(session_id=SESSION)
    async with opened(app) as pilot:
        screen = cast("ReplayScreen", app.screen)
        overview = screen.query_one(Overview)
        start, _ = rail(overview.size.width)
        cell, marker = overview._state.bad[-1]
        await pilot.click(overview, offset=(start + cell, 1))
        await settle(pilot)
        assert screen.player.at_us == marker.at_us
        assert screen.selected is not None
        assert screen.selected.seq == marker.seq


@pytest.mark.parametrize("name", ["Headers", "Raw"])
async def test_a_click_on_a_tab_turns_to_it(make_app: MakeApp, name: str) -> None:
    app = make_app(session_id=SESSION)
    async with opened(app) as pilot:
        await press(pilot, "e")
        pane = app.screen.query_one(DetailPane)
        x, y = place_of(pilot, pane.region.y, name)
        await pilot.click(offset=(x, y))
        await settle(pilot)
        assert pane.tab == name


@pytest.mark.parametrize(
    ("word", "sort"), [("dur", "duration"), ("type", "type"), ("url", "domain"), ("#", "start")]
)
async def test_a_click_on_a_column_sorts_by_it(make_app: MakeApp, word: str, sort: str) -> None:
    app = make_app("waterfall", session_id=SESSION)
    async with opened(app) as pilot:
        await press(pilot, "s", "s", "s") if sort == "start" else None
        axis = app.screen.query_one(Axis)
        await pilot.click(offset=place_of(pilot, axis.region.bottom - 1, word))
        await settle(pilot)
        screen = cast("WaterfallScreen", app.screen)
        assert screen._sort == sort
        assert len(screen.query_one(RowList).source) > 10


async def test_a_click_on_a_hint_is_its_key(make_app: MakeApp) -> None:
    app = make_app(session_id=SESSION)
    async with opened(app) as pilot:
        bar = app.screen.query_one(KeyBar)
        await pilot.click(offset=place_of(pilot, bar.region.y, "help"))
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
