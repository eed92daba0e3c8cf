"""The waterfall screen: every key, and pictures."""

from __future__ import annotations

from typing import Any

import pytest

from perftui.screens.request import RequestScreen
from perftui.screens.waterfall import SORTS, WaterfallScreen
from perftui.widgets.row_list import RowList
from perftui.widgets.waterfall_rows import Columns, Foot, WaterfallRow
from tests.screens.conftest import MakeApp, press, settle
from tests.screens.sample_store import SESSION
from tests.screens.test_snapshots import LOOKS, SIZES, Compare, keys


def waterfall(app: Any) -> WaterfallScreen:
    assert isinstance(app.screen, WaterfallScreen)
    return app.screen


def rows(app: Any) -> list[WaterfallRow]:
    source = waterfall(app).query_one(RowList).source
    return [source.row(place) for place in range(len(source))]


def numbers(app: Any) -> list[int]:
    return [row.number for row in rows(app) if not row.heading]


async def test_rows_are_the_requests_of_the_pageview_by_start(make_app: MakeApp) -> None:
    app = make_app("waterfall", session_id=SESSION)
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        screen = waterfall(app)
        assert screen._told is not None
        requests = [record for record in screen._told.records if record.entry.is_request]
        assert numbers(app) == list(range(1, len(requests) + 1))
        starts = [row.record.entry.start_us for row in rows(app) if row.record is not None]
        assert starts == sorted(starts)
        assert screen._viewport is not None
        assert screen._viewport.width == Columns.of(120).chart_width


async def test_pan_zoom_fit_and_zoom_to_the_row(make_app: MakeApp) -> None:
    app = make_app("waterfall", session_id=SESSION)
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        screen = waterfall(app)
        whole = screen._viewport
        assert whole is not None
        await press(pilot, "l")
        assert screen._viewport is not None
        assert screen._viewport.start_us > whole.start_us
        await press(pilot, "h")
        assert screen._viewport == whole
        await press(pilot, "plus")
        assert screen._viewport.duration_us < whole.duration_us
        await press(pilot, "0")
        assert screen._viewport == whole
        await press(pilot, "minus")
        assert screen._viewport.duration_us > whole.duration_us
        await press(pilot, "j", "z")
        row = screen.query_one(RowList).selected_row
        assert isinstance(row, WaterfallRow)
        assert row.record is not None
        assert screen._viewport.start_us <= row.record.entry.start_us < screen._viewport.end_us
        assert screen._viewport.duration_us < whole.duration_us


async def test_every_order_holds_every_row(make_app: MakeApp) -> None:
    app = make_app("waterfall", session_id=SESSION)
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        everything = sorted(numbers(app))
        for _ in SORTS:
            await press(pilot, "s")
            assert sorted(numbers(app)) == everything
        for headings in (True, True, False):
            await press(pilot, "p")
            assert sorted(numbers(app)) == everything
            assert any(row.heading for row in rows(app)) is headings


async def test_the_selection_stays_on_its_request_when_the_order_changes(make_app: MakeApp) -> None:
    app = make_app("waterfall", session_id=SESSION)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "j", "j", "j")
        listed = waterfall(app).query_one(RowList)
        selected = listed.selected_key
        await press(pilot, "s", "s", "p")
        assert listed.selected_key == selected
        await pilot.resize_terminal(130, 30)
        await settle(pilot)
        assert listed.selected_key == selected


async def test_chain_colour_and_baseline(make_app: MakeApp) -> None:
    app = make_app("waterfall", session_id=SESSION)
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        screen = waterfall(app)
        assert any(row.on_chain for row in rows(app))
        await press(pilot, "c")
        assert screen._painter.chain
        await press(pilot, "t")
        assert screen._painter.by_type
        await press(pilot, "b")
        assert any(row.was_us is not None for row in rows(app))
        await press(pilot, "b")
        assert all(row.was_us is None for row in rows(app))


async def test_all_loads_of_the_page_as_one_and_back(make_app: MakeApp) -> None:
    app = make_app("waterfall", session_id=SESSION)
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        before = numbers(app)
        await press(pilot, "a")
        assert rows(app)
        assert all(row.resource is not None for row in rows(app))
        await press(pilot, "a")
        assert numbers(app) == before


async def test_other_pageviews_and_the_request(make_app: MakeApp) -> None:
    app = make_app("waterfall", session_id=SESSION)
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        screen = waterfall(app)
        assert screen._told is not None
        first = screen._told.view.number
        await press(pilot, "n")
        assert screen._told.view.number > first
        await press(pilot, "N")
        assert screen._told.view.number == first
        await press(pilot, "enter")
        assert isinstance(app.screen, RequestScreen)
        await press(pilot, "q")
        assert waterfall(app) is screen


async def test_the_foot_says_why_a_row_is_lit(make_app: MakeApp) -> None:
    app = make_app("waterfall", session_id=SESSION)
    async with app.run_test(size=(160, 40)) as pilot:
        await settle(pilot)
        listed = waterfall(app).query_one(RowList)
        lit = next(
            place for place, row in enumerate(rows(app)) if row.severity and row.severity.is_slow
        )
        listed.move_to(lit)
        await settle(pilot)
        row = listed.selected_row
        assert isinstance(row, WaterfallRow)
        assert row.severity is not None
        words = "".join(text for text, _ in waterfall(app).query_one(Foot)._lines[0])
        assert row.severity.words in words


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("size", SIZES)
def test_picture(snap_compare: Compare, make_app: MakeApp, size: str, look: str) -> None:
    app = make_app("waterfall", session_id=SESSION, **LOOKS[look])
    assert snap_compare(app, terminal_size=SIZES[size], run_before=keys("j", "j", "c"))


@pytest.mark.parametrize("size", SIZES)
def test_picture_of_all_loads(snap_compare: Compare, make_app: MakeApp, size: str) -> None:
    app = make_app("waterfall", session_id=SESSION)
    assert snap_compare(app, terminal_size=SIZES[size], run_before=keys("a"))
