"""The waterfall screen: every key, and pictures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from perftui.analysis.severity import Level
from perftui.analysis.waterfall_list import WaterfallRow
from perftui.screens.menu import Menu
from perftui.screens.request import RequestScreen
from perftui.screens.waterfall import SORTS, WaterfallScreen
from perftui.widgets.row_list import RowList
from perftui.widgets.waterfall_frame import Axis, Foot
from perftui.widgets.waterfall_rows import Columns
from tests.screens.conftest import MakeApp, opened, press, settle, until
from tests.screens.sample_store import SESSION, add_earlier_load
from tests.screens.test_snapshots import LOOKS, SIZES, Compare, keys


def waterfall(app: Any) -> WaterfallScreen:
    assert isinstance(app.screen, WaterfallScreen)
    return app.screen


def rows(app: Any) -> list[WaterfallRow]:
    source = waterfall(app).query_one(RowList).source
    return [source.row(place) for place in range(len(source))]


def foot(app: Any) -> str:
    lines = waterfall(app).query_one(Foot).lines
    return "\n".join("".join(text for text, _style in line) for line in lines)


def row_of(app: Any, path: str) -> WaterfallRow:
    return next(row for row in rows(app) if row.record and path in row.record.entry.name)


def numbers(app: Any) -> list[int]:
    return [row.number for row in rows(app) if not row.heading]


async def test_rows_are_the_requests_of_the_pageview_by_start(make_app: MakeApp) -> None:
    app = make_app("waterfall", session_id=SESSION)
    async with opened(app):
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
    async with opened(app) as pilot:
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
    async with opened(app) as pilot:
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
    async with opened(app, (80, 24)) as pilot:
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
    async with opened(app) as pilot:
        screen = waterfall(app)
        assert any(row.on_chain for row in rows(app))
        await press(pilot, "c")
        assert screen._painter.chain
        await press(pilot, "t")
        assert screen._painter.by_type
        assert "doc" in foot(app)
        await press(pilot, "c", "t")
        assert not screen._painter.chain
        assert not screen._painter.by_type


async def test_a_baseline_is_chosen(make_app: MakeApp, own_store: Path) -> None:
    app = make_app("waterfall", store=add_earlier_load(own_store), session_id=SESSION)
    async with opened(app, (160, 40)) as pilot:
        await press(pilot, "b")
        assert isinstance(app.screen, Menu)
        labels = [choice.label for choice in app.screen.choices]
        assert any("chk" in one or "Checkout" in one for one in labels)
        await press(pilot, "1")
        price = row_of(app, "/api/cart/price")
        assert price.was_us == 210_000
        assert price.difference_us == 1_370_000 - 210_000
        assert "against P1 /checkout of Checkout · Acme" in foot(app)
        assert "1 new" in foot(app), "the banner"
        assert "1 gone" in foot(app), "the old script"
        for _ in SORTS:
            await press(pilot, "s")
        assert rows(app)[0].record == price.record, "sorted by the difference"

        await press(pilot, "b", "m")
        assert "against the median of 2 loads" in foot(app)
        assert row_of(app, "/api/cart/price").was_us == (1_370_000 + 210_000) // 2
        await press(pilot, "b", "u")
        assert "what each endpoint usually takes" in foot(app)
        await press(pilot, "b", "0")
        assert all(row.was_us is None and not row.compared for row in rows(app))
        await press(pilot, "b", "escape")
        assert isinstance(app.screen, WaterfallScreen)


@pytest.mark.parametrize("then", ["b", "enter", "q"])
async def test_loads_to_choose_from_are_offered_once_and_only_where_they_were_asked_for(
    make_app: MakeApp, own_store: Path, then: str
) -> None:
    app = make_app("replay", store=add_earlier_load(own_store), session_id=SESSION)
    async with opened(app, (160, 40)) as pilot:
        await press(pilot, "w")
        waterfall = app.screen
        assert isinstance(waterfall, WaterfallScreen)
        waterfall.action_baseline()
        if then == "b":
            waterfall.action_baseline()
        elif then == "enter":
            waterfall.perftui.open_screen("request", waterfall.here())
        else:
            waterfall.action_back()
        front = app.screen
        await settle(pilot)
        menus = [screen for screen in app.screen_stack if isinstance(screen, Menu)]
        assert len(menus) == (1 if then == "b" else 0)
        assert app.screen is (menus[0] if menus else front)


async def test_a_filter_narrows_the_rows(make_app: MakeApp) -> None:
    app = make_app("waterfall", session_id=SESSION)
    async with opened(app) as pilot:
        everything = numbers(app)
        await press(pilot, "slash", *"is:duplicate", "enter")
        assert [row.record.entry.name for row in rows(app) if row.record] == [
            "https://shop.acme.dev/api/stock?sku=8812"
        ] * 3
        await press(pilot, "F")
        assert numbers(app) == everything
        await press(pilot, "F")
        assert len(numbers(app)) == 3
        await press(pilot, "escape")
        assert numbers(app) == everything
        assert isinstance(app.screen, WaterfallScreen)


async def test_bad_rows_one_after_the_other(make_app: MakeApp) -> None:
    app = make_app("waterfall", session_id=SESSION)
    async with opened(app, (80, 24)) as pilot:
        listed = waterfall(app).query_one(RowList)
        bad = [
            place
            for place, row in enumerate(rows(app))
            if row.severity is not None and row.severity.level >= Level.SLOW
        ]
        met = []
        for _ in bad:
            await press(pilot, "e")
            met.append(listed.cursor)
        assert met == bad
        await press(pilot, "e")
        assert listed.cursor == bad[-1], "there are no more"
        await press(pilot, "E")
        assert listed.cursor == bad[-2]


async def test_grouping_at_the_top_shows_the_first_heading(make_app: MakeApp) -> None:
    app = make_app("waterfall", session_id=SESSION)
    async with opened(app, (80, 24)) as pilot:
        await press(pilot, "p")
        assert rows(app)[0].heading
        assert waterfall(app).query_one(RowList).scroll_offset.y == 0


async def test_the_overview_takes_the_mouse(make_app: MakeApp) -> None:
    app = make_app("waterfall", session_id=SESSION)
    async with opened(app) as pilot:
        screen = waterfall(app)
        await press(pilot, "plus", "plus", "plus")
        assert screen._viewport is not None
        before = screen._viewport
        chart = Columns.of(120).chart
        await pilot.mouse_down(Axis, offset=(chart + 40, 0))
        await settle(pilot)
        assert screen._viewport.start_us > before.start_us
        assert screen._viewport.duration_us == before.duration_us
        await pilot.hover(Axis, offset=(chart + 5, 0))
        await settle(pilot)
        assert screen._viewport.start_us < before.duration_us
        await pilot.mouse_up(Axis, offset=(chart + 5, 0))


@pytest.mark.parametrize(
    ("keys_pressed", "suffix"), [(("x", "t"), "txt"), (("x", "h"), "har"), (("x", "s"), "svg")]
)
async def test_export(
    make_app: MakeApp,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    keys_pressed: tuple[str, ...],
    suffix: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    app = make_app("waterfall", session_id=SESSION)
    async with opened(app) as pilot:
        await press(pilot, *keys_pressed)
        path = tmp_path / f"perftui-{SESSION}.{suffix}"
        await until(pilot, path.exists, "the file is there")
        await settle(pilot)
        text = path.read_text()
        assert "price" in text
        if suffix == "har":
            document = json.loads(text)
            assert len(document["log"]["entries"]) == len(rows(app))


async def test_copy_of_a_row(make_app: MakeApp) -> None:
    app = make_app("waterfall", session_id=SESSION)
    async with opened(app) as pilot:
        await press(pilot, "j", "y")
        assert isinstance(app.screen, Menu)
        await press(pilot, "escape", "a", "y")
        assert isinstance(app.screen, WaterfallScreen), (
            "an aggregated row is many requests: nothing to copy"
        )


async def test_all_loads_of_the_page_as_one_and_back(make_app: MakeApp) -> None:
    app = make_app("waterfall", session_id=SESSION)
    async with opened(app) as pilot:
        before = numbers(app)
        await press(pilot, "a")
        assert rows(app)
        assert all(row.resource is not None for row in rows(app))
        await press(pilot, "a")
        assert numbers(app) == before


async def test_other_pageviews_and_the_request(make_app: MakeApp) -> None:
    app = make_app("waterfall", session_id=SESSION)
    async with opened(app) as pilot:
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
    async with opened(app, (160, 40)) as pilot:
        listed = waterfall(app).query_one(RowList)
        lit = next(
            place for place, row in enumerate(rows(app)) if row.severity and row.severity.is_slow
        )
        listed.move_to(lit)
        await settle(pilot)
        row = listed.selected_row
        assert isinstance(row, WaterfallRow)
        assert row.severity is not None
        assert all(reason.words in foot(app) for reason in row.severity.reasons)


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("size", SIZES)
def test_picture(snap_compare: Compare, make_app: MakeApp, size: str, look: str) -> None:
    app = make_app("waterfall", session_id=SESSION, **LOOKS[look])
    assert snap_compare(app, terminal_size=SIZES[size], run_before=keys("j", "j", "c"))


@pytest.mark.parametrize("size", SIZES)
def test_picture_of_all_loads(snap_compare: Compare, make_app: MakeApp, size: str) -> None:
    app = make_app("waterfall", session_id=SESSION)
    assert snap_compare(app, terminal_size=SIZES[size], run_before=keys("a"))


@pytest.mark.parametrize("size", SIZES)
def test_picture_against_a_baseline(
    snap_compare: Compare, make_app: MakeApp, own_store: Path, size: str
) -> None:
    app = make_app("waterfall", store=add_earlier_load(own_store), session_id=SESSION)
    assert snap_compare(app, terminal_size=SIZES[size], run_before=keys("b", "1", "z", "minus"))


def test_picture_of_groups_by_type(snap_compare: Compare, make_app: MakeApp) -> None:
    app = make_app("waterfall", session_id=SESSION)
    assert snap_compare(app, terminal_size=(120, 40), run_before=keys("p", "p", "t", "plus"))
