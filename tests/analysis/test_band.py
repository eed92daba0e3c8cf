from __future__ import annotations

from array import array

from hypothesis import given
from hypothesis import strategies as st

from perftui.analysis.band import bad_cells, counts, edges, marker_cells, rail
from perftui.analysis.timeline import Marker, Timeline
from perftui.model import EntryIndex

STARTS = st.lists(st.integers(0, 10**7), min_size=1, max_size=60).map(sorted)


@given(STARTS, st.integers(1, 120), st.none() | st.integers(0, 10**6))
def test_every_start_is_in_one_cell(starts: list[int], width: int, idle: int | None) -> None:
    ends = array("q", [start + 1000 for start in starts])
    index = EntryIndex(array("q", range(len(starts))), array("q", starts), ends, 0)
    for borders in (
        edges(width, max(starts)),
        edges(width, 0, Timeline(index, idle)),
    ):
        assert len(borders) == width + 1
        assert borders == sorted(borders)
        assert sum(counts(starts, borders)) == len(starts) - sum(
            start < borders[0] for start in starts
        )


def test_an_error_wins_over_a_slow_one() -> None:
    borders = edges(4, 400)
    assert bad_cells([150], [20, 150, 399], borders) == [(0, "slow"), (1, "error"), (3, "slow")]
    assert bad_cells([], [], borders) == []


def test_markers_in_their_cells() -> None:
    borders = edges(4, 400)
    first, second, error = Marker(0, "lcp"), Marker(10, "route"), Marker(120, "error")
    other, last = Marker(110, "slow"), Marker(400, "route")
    assert marker_cells([first, second, other, error, last], borders) == {
        0: first,
        1: error,
        3: last,
    }
    assert marker_cells([first], []) == {}


def test_no_width_no_cells() -> None:
    assert edges(0, 100) == []
    assert counts([1, 2], []) == []


@given(st.integers(60, 400))
def test_the_rail_leaves_room_for_words_on_both_sides(width: int) -> None:
    start, cells = rail(width)
    assert start >= 16, "state, speed and moment"
    assert width - start - cells >= 22, "the end, and something more"
    assert cells * 4 >= width, "most is not for words"
