"""The scrollbar of long lists is drawn when its handle stands elsewhere, and only then."""

from __future__ import annotations

from math import ceil
from unittest.mock import PropertyMock, patch

from hypothesis import given
from hypothesis import strategies as st
from rich.color import Color
from textual.geometry import Size
from textual.scrollbar import ScrollBarRender

from perftui.widgets.line_scroll_bar import LineScrollBar


def textual_draws(size: int, rows: int, window: int, position: float) -> list[tuple[str, str]]:
    """Each line of the bar: its text and its style with what a click does."""
    drawn = ScrollBarRender.render_bar(
        size=size,
        virtual_size=rows,
        window_size=window if window < rows else 0,
        position=position,
        back_color=Color.parse("#111111"),
        bar_color=Color.parse("#eeeeee"),
    )
    return [(part.text, f"{part.style} {part.style.meta}") for part in drawn.segments if part.style]


@given(
    size=st.integers(1, 60),
    rows=st.integers(1, 2_000_000),
    places=st.tuples(st.floats(0, 1), st.floats(0, 1)),
)
def test_the_handle_tells_what_is_drawn(size: int, rows: int, places: tuple[float, float]) -> None:
    drawn, handles = [], []
    for place in places:
        bar = LineScrollBar()
        position = bar.validate_position(place * max(0, rows - size))
        bar.set_reactive(LineScrollBar.window_size, size)
        bar.set_reactive(LineScrollBar.window_virtual_size, rows)
        bar.set_reactive(LineScrollBar.position, position)
        with patch.object(LineScrollBar, "size", PropertyMock(return_value=Size(1, size))):
            handles.append(bar.handle)
        drawn.append(textual_draws(size, ceil(rows), size, position))
    if handles[0] == handles[1]:
        assert drawn[0] == drawn[1]


def test_a_handle_that_moves_on_is_told() -> None:
    handles = set()
    for position in (0, 500_000, 999_978):
        bar = LineScrollBar()
        bar.set_reactive(LineScrollBar.window_size, 22)
        bar.set_reactive(LineScrollBar.window_virtual_size, 1_000_000)
        bar.set_reactive(LineScrollBar.position, float(position))
        with patch.object(LineScrollBar, "size", PropertyMock(return_value=Size(1, 22))):
            handles.add(bar.handle)
    assert handles == {(0, 8), (84, 92), (168, 176)}
