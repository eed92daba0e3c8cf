"""The lanes below a waterfall, held to the plain definition of each."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perftui.analysis.lanes import concurrency, lanes, levels, longest, spread, task_level
from perftui.analysis.waterfall import Viewport
from perftui.model import Entry
from tests.analysis.strategies import record

ORIGIN_US = 1_700_000_000_000_000
SECOND = Viewport(0, 1_000_000, 10)

spans = st.lists(
    st.tuples(st.integers(-500_000, 1_500_000), st.integers(0, 800_000)).map(
        lambda drawn: (drawn[0], drawn[0] + drawn[1])
    ),
    max_size=20,
)


def entry(entry_type: str, start_ms: float, duration_ms: float = 0, **fields: Any) -> Entry:
    return Entry(
        entry_type=entry_type,
        name=fields.pop("name", ""),
        start_us=round(start_ms * 1000),
        duration_us=round(duration_ms * 1000),
        **fields,
    )


@given(spans=spans)
def test_the_longest_task_of_a_cell_is_in_it(spans: list[tuple[int, int]]) -> None:
    answer = longest(spans, SECOND)
    for cell, value in enumerate(answer):
        left, right = cell * 100_000, (cell + 1) * 100_000
        expected = [
            end - start for start, end in spans if start < right and end > left and end > start
        ]
        assert value == max(expected, default=0)


@given(spans=spans)
def test_in_flight_is_the_most_that_were_open_at_one_moment_of_the_cell(
    spans: list[tuple[int, int]],
) -> None:
    answer = concurrency(spans, SECOND)
    seen = [(start, max(end, start + 1)) for start, end in spans]
    for cell, value in enumerate(answer):
        left, right = cell * 100_000, (cell + 1) * 100_000
        # The number of open spans changes upwards at a start only.
        moments = [left, *[start for start, _ in seen if left <= start < right]]
        expected = max(sum(start <= at < end for start, end in seen) for at in moments)
        assert value == expected


@given(spans=spans, amount=st.integers(1, 10**6))
def test_bytes_are_neither_lost_nor_made(spans: list[tuple[int, int]], amount: int) -> None:
    inside = [(start, end, amount) for start, end in spans if start >= 0 and end <= SECOND.end_us]
    inside = [one for one in inside if one[0] < SECOND.end_us]
    assert sum(spread(inside, SECOND)) == pytest.approx(len(inside) * amount)


def test_what_arrives_evenly_is_spread_evenly() -> None:
    assert spread([(100_000, 300_000, 800)], SECOND)[:4] == pytest.approx([0, 400, 400, 0])
    assert spread([(250_000, 250_000, 800)], SECOND)[:4] == [0, 0, 800, 0]


@given(values=st.lists(st.floats(0, 1e9), max_size=50))
def test_levels_show_whatever_is_more_than_nothing(values: list[float]) -> None:
    found = levels(values)
    assert len(found) == len(values)
    for value, level in zip(values, found, strict=True):
        assert (level > 0) == (value > 0)
        assert 0 <= level <= 8
    if any(values):
        assert max(found) == 8


@pytest.mark.parametrize(
    ("milliseconds", "height"), [(0, 0), (50, 3), (99.9, 3), (100, 6), (149.9, 6), (150, 8)]
)
def test_a_task_is_as_high_as_it_is_long(milliseconds: float, height: int) -> None:
    assert task_level(round(milliseconds * 1000)) == height


def test_the_lanes_of_a_page() -> None:
    request = entry(
        "resource",
        100,
        300,
        name="https://shop.test/a.js",
        request_start_us=110_000,
        response_start_us=200_000,
        response_end_us=400_000,
        transfer_size=2_000,
    )
    unknown = entry("resource", 150, 20, name="https://t.example/p.gif")
    flying = Entry(entry_type="resource", name="https://shop.test/b", start_us=800_000)
    entries = [
        request,
        unknown,
        flying,
        entry("longtask", 420, 120),
        entry("action", 500, name="click", extra={"selector": "button.buy"}),
        entry("layout-shift", 610, extra={"value": 0.04}),
        entry("action", 5_000, name="click"),
    ]
    found = lanes([record(one, seq) for seq, one in enumerate(entries, 1)], SECOND, ORIGIN_US)
    assert found.main_thread == [0, 0, 0, 0, 120_000, 120_000, 0, 0, 0, 0]
    assert found.in_flight == [0, 2, 1, 1, 0, 0, 0, 0, 1, 1]
    assert found.received_bytes == pytest.approx([0, 0, 1_000, 1_000, 0, 0, 0, 0, 0, 0])
    assert found.unknown_size_count == 1, "one in flight has no size yet; it is not unknown"
    assert [(one.cell, one.label) for one in found.inputs] == [(5, "click button.buy")]
    assert [(one.cell, one.label, one.seq) for one in found.shifts] == [(6, "0.040", 6)]
