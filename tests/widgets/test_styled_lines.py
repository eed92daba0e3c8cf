"""Blocks of lines side by side."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from perftui.analysis.text import cell_width
from perftui.widgets.styled_lines import StyledLine, beside

TEXTS = st.text("abc 漢é", min_size=1, max_size=12)
PARTS = st.tuples(TEXTS, st.sampled_from(["muted", "!error", "@1 muted", "@9 foreground"]))
BLOCKS = st.lists(st.lists(PARTS, max_size=4), max_size=4)


def cells(line: StyledLine) -> list[tuple[int, int]]:
    """First cell and cells of each part."""
    used, found = 0, []
    for text, style in line:
        if style.startswith("@"):
            used = max(used, int(style[1:].partition(" ")[0]))
        found.append((used, cell_width(text)))
        used += cell_width(text)
    return found


@given(BLOCKS, BLOCKS)
def test_the_left_block_never_reaches_into_the_right_one(
    left: list[StyledLine], right: list[StyledLine]
) -> None:
    at = 14
    merged = beside(left, right, at)
    assert len(merged) == max(len(left), len(right))
    for number, line in enumerate(merged):
        theirs = right[number] if number < len(right) else []
        if not theirs:
            assert line == (left[number] if number < len(left) else [])
            continue
        placed = cells(line)
        split = len(placed) - len(theirs)
        assert all(x + width < at for x, width in placed[:split])
        shifted = [(x + at, width) for x, width in cells(theirs)]
        assert placed[split:] == shifted


def test_what_is_cut_says_so() -> None:
    (line,) = beside(
        [[("label", "@1 muted"), ("a long value", "@8 foreground")]], [[("r", "x")]], 14
    )
    assert line == [("label", "@1 muted"), ("a lo…", "@8 foreground"), ("r", "@14 x")]
