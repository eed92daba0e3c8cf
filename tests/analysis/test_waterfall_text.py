"""The line with the names of the marks in the printed waterfall."""

from __future__ import annotations

import pytest

from perftui.analysis.marks import Mark
from perftui.analysis.waterfall import Viewport
from perftui.analysis.waterfall_text import _mark_cells, _mark_line


@pytest.mark.parametrize(
    ("marks", "line"),
    [
        ([("FCP", 10), ("LCP", 60)], " " * 4 + "┊FCP" + " " * 16 + "┊LCP"),
        ([("FCP", 10), ("LCP", 14)], " " * 5 + "┊LCP"),
        ([("FCP", 10), ("LCP", 10)], " " * 4 + "┊LCP/FCP"),
        ([("FCP", 10), ("LCP", 10), ("load", 25)], " " * 4 + "┊LCP/FCP"),
        ([("DCL", 95), ("LCP", 99)], ""),
        ([], ""),
    ],
    ids=["apart", "the more important one", "one cell", "the ranks decide", "no room", "none"],
)
def test_names_that_find_no_room_give_way_to_those_that_rank_first(
    marks: list[tuple[str, int]], line: str
) -> None:
    viewport = Viewport(0, 100_000, 40)
    told = [Mark(name, at * 1_000) for name, at in marks]
    assert _mark_line(told, _mark_cells(told, viewport), viewport) == line
