"""Moments as typed."""

from __future__ import annotations

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perftui.analysis.playhead import parse_moment
from perftui.analysis.timeline import Timeline
from perftui.model import EntryIndex


def timeline(*starts: int, end: int) -> Timeline:
    index = EntryIndex(
        array("q", range(1, len(starts) + 1)),
        array("q", starts),
        array("q", [end] * len(starts)),
        0,
    )
    return Timeline(index)


MINUTES = timeline(0, 1_000_000, 90_000_000, end=100_000_000)


@pytest.mark.parametrize(
    ("text", "at_us"),
    [
        ("12.4", 12_400_000),
        ("12.4s", 12_400_000),
        ("t+12.4", 12_400_000),
        ("1:05", 65_000_000),
        ("0:01:05.5", 65_500_000),
        ("300ms", 300_000),
        ("1 min", 60_000_000),
        ("50%", 50_000_000),
        ("250%", 100_000_000),
        ("#2", 1_000_000),
        ("#99", 90_000_000),
        ("#0", 0),
        ("2h", 100_000_000),
    ],
)
def test_what_can_be_typed(text: str, at_us: int) -> None:
    assert parse_moment(text, MINUTES) == at_us


@pytest.mark.parametrize("text", ["", "soon", "-3", "1:2:3:4", "%", "#", "1e9999x"])
def test_what_cannot_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="no moment"):
        parse_moment(text, MINUTES)


@given(seconds=st.floats(0, 1e12, allow_nan=False))
def test_every_number_is_held_within_the_session(seconds: float) -> None:
    at_us = parse_moment(f"{seconds:.3f}", MINUTES)
    assert MINUTES.start_us <= at_us <= MINUTES.end_us
