"""What is put on a widget's ground at once is what Textual makes of it step by step."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.segment import Segment
from rich.style import Style
from textual.app import App
from textual.filter import LineFilter, Monochrome, NoColor
from textual.strip import Strip
from textual.widget import Widget

from perftui.widgets.ascii_filter import AsciiFilter
from perftui.widgets.line import Line
from perftui.widgets.looks import Looks

STYLES = st.one_of(
    st.none(),
    st.builds(
        Style,
        color=st.sampled_from([None, "red", "#8b98a8", "bright_black"]),
        bgcolor=st.sampled_from([None, "blue", "#0f1318"]),
        bold=st.sampled_from([None, True]),
        dim=st.sampled_from([None, True]),
        reverse=st.sampled_from([None, True]),
    ),
)
SEGMENTS = st.lists(
    st.tuples(st.text("ab ·█…", min_size=1, max_size=4), STYLES).map(lambda part: Segment(*part)),
    min_size=1,
    max_size=8,
)


class Thing(Widget):
    """A widget with colours of its own."""

    DEFAULT_CSS = "Thing { background: #101418; color: #d6dde6; }"


class Plain(App[None]):
    """An app with one widget."""

    def compose(self) -> Any:
        yield Thing()


@pytest.mark.parametrize(
    "more", [[], [NoColor()], [Monochrome()], [AsciiFilter()], [NoColor(), AsciiFilter()]]
)
async def test_a_finished_line_is_what_textual_makes_of_it(more: list[LineFilter]) -> None:
    app = Plain()
    async with app.run_test():
        app._filters.extend(more)
        widget = app.query_one(Thing)
        looks = Looks(widget)
        background = widget.background_colors[1]

        @given(st.lists(SEGMENTS, min_size=1, max_size=4))
        def check(lines: list[list[Segment]]) -> None:
            for segments in lines:
                expected = Strip(segments).apply_style(looks.ground)
                for one in widget.get_line_filters():
                    expected = expected.apply_filter(one, background)
                assert list(looks.finish(Strip(segments)).simplify()) == list(expected.simplify())

        check()


async def test_what_a_click_does_is_kept_apart_where_the_looks_are_the_same() -> None:
    app = Plain()
    async with app.run_test():
        looks = Looks(app.query_one(Thing))
        clicks = [Style.from_meta({"@click": f"app.go({number})"}) for number in range(2)]
        done = looks.finish(Strip([Segment("x", Style.null()), *[Segment("x", c) for c in clicks]]))
        assert [segment.style.meta.get("@click") for segment in done if segment.style] == [
            None,
            "app.go(0)",
            "app.go(1)",
        ]


@given(
    painted=SEGMENTS,
    ground=st.one_of(st.none(), st.just(Style(bgcolor="#302010"))),
    cells=st.integers(1, 20),
)
def test_a_line_is_cut_where_the_scrollbar_begins(
    painted: list[Segment], ground: Style | None, cells: int
) -> None:
    line = Line(20)
    line.segments, line.used = [*painted], sum(segment.cell_length for segment in painted)
    line.width = max(20, line.used)
    line.ground = ground
    looks = Looks.__new__(Looks)
    looks.ground, looks._of_styles, looks._of_lines = Style(color="#d6dde6"), [], []
    looks._finished = {}
    found = looks.finish_line(line, cells)
    assert found.cell_length == sum(segment.cell_length for segment in found) == cells
    whole = looks.finish(line.strip()).crop(0, cells)
    assert list(found.simplify()) == list(whole.simplify())
