"""A set of positions is a set."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from perftui.analysis.position_set import PositionSet

POSITIONS = st.lists(st.integers(1, 3_000))


@given(POSITIONS, st.integers(-10, 3_100))
def test_holds_what_it_was_given(positions: list[int], asked: int) -> None:
    found = PositionSet(positions)
    assert len(found) == len(set(positions))
    assert (asked in found) == (asked in positions)
    assert all(position in found for position in positions)


def test_is_empty_without_positions() -> None:
    assert len(PositionSet()) == 0
    assert 0 not in PositionSet()
