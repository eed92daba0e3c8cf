"""Plots: what is drawn has the size that was asked for, and nothing but text."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perftui.analysis.insights.answer import Answer, Coverage, Distribution, Trend, Unit
from perftui.analysis.text import cell_width
from perftui.widgets.plots import plot_lines

NOTHING = Coverage(
    sessions=0, page_views=0, entries=0, requests=0, first_epoch_ms=None, last_epoch_ms=None
)
numbers = st.floats(0, 1e7, allow_nan=False)
known_or_not = st.none() | numbers


def answer(**told: Any) -> Answer:
    return Answer(
        question="api",
        asked="?",
        headline=".",
        cause=None,
        tables=(),
        coverage=NOTHING,
        **told,
    )


def trend(values: list[float | None], since: int | None = None, title: str = "t") -> Trend:
    lows = tuple(None if value is None else value / 2 for value in values)
    return Trend(
        key="t",
        title=title,
        unit=Unit.MILLISECONDS,
        labels=tuple(f"session-{number}" for number in range(len(values))),
        medians=tuple(values),
        lows=lows,
        highs=tuple(None if value is None else value * 2 for value in values),
        counts=(1,) * len(values),
        since=since,
    )


def texts(told: Answer, width: int, height: int, *, ascii_only: bool = False) -> list[str]:
    lines = plot_lines(told, width, height, ascii_only=ascii_only)
    return ["".join(part for part, _style in line) for line in lines]


@given(
    values=st.lists(known_or_not, min_size=2, max_size=60),
    since=st.none() | st.integers(0, 1),
    width=st.integers(20, 200),
    height=st.integers(6, 20),
)
@settings(max_examples=30, deadline=None)
def test_a_trend_fills_its_place_whatever_is_known(
    values: list[float | None], since: int | None, width: int, height: int
) -> None:
    heading, *plot = texts(answer(trends=(trend(values, since),)), width, height)
    assert len(plot) <= height - 1
    assert {cell_width(line) for line in plot} <= set(range(width + 1))
    assert ("the chosen moment" in heading) is (since is not None)


@given(
    counts=st.lists(st.integers(0, 10**6), min_size=24, max_size=24).filter(any),
    marks=st.lists(numbers, max_size=3),
    width=st.integers(20, 200),
)
@settings(max_examples=30, deadline=None)
def test_a_distribution_fills_its_place(counts: list[int], marks: list[float], width: int) -> None:
    told = Distribution(
        "d",
        "Durations",
        Unit.MILLISECONDS,
        tuple(float(2**place) for place in range(25)),
        tuple(counts),
        tuple((f"p{place}", value) for place, value in enumerate(marks)),
    )
    lines = texts(answer(distributions=(told,)), width, 14)
    assert len(lines) <= 14
    assert all(cell_width(line) <= width for line in lines[1:])
    assert any("█" in line for line in lines)
    in_ascii = texts(answer(distributions=(told,)), width, 14, ascii_only=True)
    assert any("#" in line for line in in_ascii)


def test_a_line_breaks_where_nothing_is_known() -> None:
    whole = texts(answer(trends=(trend([1.0, 2.0, 3.0, 4.0]),)), 60, 12)
    broken = texts(answer(trends=(trend([1.0, 2.0, None, 4.0]),)), 60, 12)
    drawn = [sum(not one.isascii() for one in "".join(lines[2:-2])) for lines in (whole, broken)]
    assert drawn[1] < drawn[0]


@pytest.mark.parametrize("title", ["a\x1b]52;c;!\x07b", "\u202ebidi", "[red]x[/red]"])
def test_a_title_from_outside_is_text(title: str) -> None:
    joined = "".join(texts(answer(trends=(trend([1.0, 2.0], title=title),)), 60, 12))
    assert "\x1b" not in joined
    assert "\x07" not in joined
    assert "\u202e" not in joined


def test_without_anything_to_plot_it_says_where_there_is_something() -> None:
    (line,) = texts(answer(), 80, 14)
    assert "Nothing to plot" in line
