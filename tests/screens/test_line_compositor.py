"""The app's compositor draws what Textual's own draws, and asks for no line that has not changed."""

from __future__ import annotations

import random
from typing import Any

import pytest
from textual._compositor import Compositor, LayoutUpdate
from textual.geometry import Region
from textual.strip import Strip

from perftui.widgets.detail_pane import DetailPane
from perftui.widgets.line_compositor import LineCompositor
from perftui.widgets.line_scroll_bar import LineScrollBar
from perftui.widgets.row_list import RowList
from perftui.widgets.transport import Transport
from tests.screens.conftest import MakeApp, opened, press


def drawn(chops: Any, lines: list[int]) -> list[list[tuple[int, str, Any]]]:
    """Each of the lines cell by cell, with styles."""
    return [
        [
            (cell, segment.text, segment.style)
            for cell in sorted(chops[y])
            for segment in _of(chops[y][cell])
        ]
        for y in lines
    ]


def _of(strip: Strip | None) -> list[Any]:
    assert strip is not None, "a cell that nothing was drawn into"
    return list(strip.simplify())


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (40, 12)], ids=str)
@pytest.mark.parametrize("screen", ["replay", "sessions", "waterfall"])
async def test_draws_what_textual_draws(
    make_app: MakeApp, screen: str, size: tuple[int, int]
) -> None:
    app = make_app("replay" if screen == "waterfall" else screen)
    chance = random.Random(5)
    async with opened(app, size) as pilot:
        if screen == "waterfall":
            await press(pilot, "w")
        ours = app.screen._compositor
        assert isinstance(ours, LineCompositor)
        whole = Region(0, 0, *size)
        for _ in range(20):
            lines = sorted(chance.sample(range(size[1]), chance.randint(1, size[1])))
            theirs = Compositor._render_chops(ours, whole, set(lines).__contains__)
            assert drawn(ours._render_chops(whole, set(lines).__contains__), lines) == drawn(
                theirs, lines
            )


async def test_a_cursor_that_moves_draws_two_rows(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app()
    async with opened(app) as pilot:
        rows = app.screen.query_one(RowList)
        asked: list[Region] = []
        render_lines = RowList.render_lines

        def noted(self: RowList, crop: Region) -> list[Strip]:
            asked.append(crop)
            return render_lines(self, crop)

        monkeypatch.setattr(RowList, "render_lines", noted)
        drawn_for_a_key: list[list[tuple[int, int]]] = []
        for place in range(1, 6):
            asked.clear()
            await press(pilot, "j")
            assert rows.cursor == place
            drawn_for_a_key.append([(crop.y, crop.height) for crop in asked])
        # What is found out about the session in the meantime may draw the whole list once.
        assert sum(drawn == [(place, 2)] for place, drawn in enumerate(drawn_for_a_key)) >= 4


async def test_after_a_pause_a_key_draws_row_and_detail_at_once(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app()
    async with opened(app) as pilot:
        drawn: list[frozenset[int]] = []
        render = LineCompositor.render_partial_update

        def noted(self: LineCompositor) -> Any:
            update = render(self)
            if update is not None:
                drawn.append(frozenset(y for y, _, _ in update.spans))
            return update

        monkeypatch.setattr(LineCompositor, "render_partial_update", noted)
        row = app.screen.query_one(RowList).region.y
        pane = app.screen.query_one(DetailPane).region.y
        together = 0
        for place in range(1, 6):
            drawn.clear()
            await press(pilot, "j")
            first = next(lines for lines in drawn if row + place in lines)
            together += pane in first
        # What is found out about the session in the meantime may draw the list before.
        assert together >= 4


async def test_a_key_that_scrolls_is_one_repaint_without_the_scrollbar(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app()
    async with opened(app) as pilot:
        rows = app.screen.query_one(RowList)
        repaints: list[object] = []
        bars: list[Region] = []
        display, of_bar = type(app)._display, LineScrollBar.render_lines

        def shown(self: Any, screen: Any, renderable: Any) -> None:
            if renderable is not None:
                repaints.append(renderable)
            display(self, screen, renderable)

        def drawn_bar(self: LineScrollBar, crop: Region) -> list[Strip]:
            bars.append(crop)
            return of_bar(self, crop)

        for _ in range(rows.size.height - 1):
            await press(pilot, "j")
        # In the sample a row is more than an eighth of the scrollbar's cell.
        bar = rows.vertical_scrollbar
        assert isinstance(bar, LineScrollBar)
        monkeypatch.setattr(LineScrollBar, "handle", bar.handle)
        monkeypatch.setattr(type(app), "_display", shown)
        monkeypatch.setattr(LineScrollBar, "render_lines", drawn_bar)
        once = 0
        for _ in range(5):
            top = rows.scroll_offset.y
            repaints.clear()
            bars.clear()
            await press(pilot, "j")
            assert rows.scroll_offset.y == top + 1
            once += len(repaints) == 1 and not bars
        # The chart's window may move on, and the bars of all rows with it.
        assert once >= 3


async def test_all_of_the_screen_can_be_drawn_between_hiding_a_widget_and_the_layout(
    make_app: MakeApp,
) -> None:
    app = make_app()
    async with opened(app):
        ours = app.screen._compositor
        app.screen.query_one(Transport).display = False
        app.screen.query_one("#moment").display = True
        ours._full_map_invalidated = True
        assert ours.full_map
        update = ours.render_update(full=True)
        assert isinstance(update, LayoutUpdate)
        assert len(update.render_segments(app.console)) > 120 * 40


async def test_a_widget_may_ask_where_it_stands_while_it_is_drawn(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which makes the map of widgets anew where a layout is to follow: what is drawn now is still
    all of the old one."""
    app = make_app()
    async with opened(app, (120, 24)) as pilot:
        await press(pilot, "d")
        ours = app.screen._compositor
        render_lines = RowList.render_lines

        def asking(self: RowList, crop: Region) -> list[Strip]:
            ours._full_map_invalidated = True
            assert ours.full_map
            return render_lines(self, crop)

        monkeypatch.setattr(RowList, "render_lines", asking)
        for shown in (not app.screen.query_one(DetailPane).display, True, False):
            app.screen.query_one(DetailPane).display = shown
            app.screen.query_one(RowList).styles.scrollbar_size_vertical = 1 + shown
            whole = ours._render_chops(Region(0, 0, 120, 24), lambda y: True)
            assert [sum(strip.cell_length for strip in line.values()) for line in whole] == (
                [120] * 24
            )
            ours._dirty_regions = {Region(0, 0, 120, 24)}
            update = ours.render_partial_update()
            assert update is not None
            assert all(
                len(chop) == len(ends)
                for chop, ends in zip(update.chops, update.chop_ends, strict=True)
            )
