from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from perftui.analysis.sparkline import bins, heights


@given(
    st.lists(st.integers(-100, 1100)),
    st.integers(0, 1000),
    st.integers(0, 1000),
    st.integers(1, 200),
)
def test_every_moment_inside_is_counted_once(
    moments: list[int], start: int, length: int, width: int
) -> None:
    counts = bins(moments, start, start + length, width)
    assert len(counts) == width
    assert sum(counts) == sum(start <= moment <= start + length for moment in moments)


def test_bins_are_equal_stretches() -> None:
    assert bins([0, 1, 24, 25, 50, 99, 100, 101], 0, 100, 4) == [3, 1, 1, 2]
    assert bins([7, 7], 7, 7, 3) == [2, 0, 0]
    assert bins([1], 0, 10, 0) == []
    assert bins([1], 10, 0, 2) == [0, 0]


@given(st.lists(st.floats(0, 1e9), max_size=50), st.integers(1, 8))
def test_heights_show_whatever_is_there(values: list[float], levels: int) -> None:
    drawn = heights(values, levels)
    assert [height > 0 for height in drawn] == [value > 0 for value in values]
    assert all(height <= levels for height in drawn)
    if max(values, default=0) > 0:
        assert max(drawn) == levels


def test_heights_against_a_given_most() -> None:
    assert heights([0, 5, 10, 20], 8, most=10) == [0, 4, 8, 8]
    assert heights([0, 0], 8) == [0, 0]
