"""The rows of a waterfall, their order and their groups."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perftui.analysis.aggregate import aggregate
from perftui.analysis.describe import Surroundings
from perftui.analysis.waterfall_list import (
    GROUPS,
    SORTS,
    WaterfallRow,
    arranged,
    request_rows,
    resource_rows,
    total_size_words,
)
from perftui.model import Record
from tests.analysis.strategies import absurd_entries, record
from tests.analysis.test_aggregate import ORIGIN_US, request, view

AROUND = Surroundings(session_start_us=ORIGIN_US, page_urls={})

LOAD = [
    record(request("/", 0, 100, 0, initiator_type="navigation", transfer_size=2_000), 1),
    record(request("/a.js", 120, 300, 0, initiator_type="script", transfer_size=None), 2),
    record(request("/api", 110, 50, 0, transfer_size=9_000), 3),
    record(request("/api", 200, 20, 0, transfer_size=0), 4),
]


def rows(records: list[Record] = LOAD) -> list[WaterfallRow]:
    return request_rows(records, AROUND, "https://shop.test/")


def test_rows_are_numbered_by_start_and_know_what_comes_again() -> None:
    assert [(row.number, row.record.seq) for row in rows() if row.record] == [
        (1, 1),
        (2, 3),
        (3, 2),
        (4, 4),
    ]
    assert [row.duplicate for row in rows()] == [False, True, False, True]


@pytest.mark.parametrize(
    ("sort", "numbers"),
    [
        ("start", [1, 2, 3, 4]),
        ("duration", [3, 1, 2, 4]),
        ("size", [2, 1, 4, 3]),  # what is not known comes after nothing at all
        ("type", [1, 2, 4, 3]),
        ("domain", [1, 2, 3, 4]),
        ("difference", [1, 2, 3, 4]),
    ],
)
def test_orders(sort: str, numbers: list[int]) -> None:
    assert [row.number for row in arranged(rows(), sort)] == numbers


def test_groups_have_headings_with_their_size() -> None:
    listed = arranged(rows(), "start", "type")
    assert [row.heading for row in listed if row.heading] == [
        "document  1 request, 2.0k",
        "fetch  2 requests, 9.0k",
        "script  1 request, size unknown",
    ]


@given(
    st.lists(absurd_entries(), max_size=12),
    st.sampled_from(sorted(SORTS)),
    st.sampled_from(["", *GROUPS]),
)
def test_every_arrangement_has_every_row_once(entries: list[object], sort: str, group: str) -> None:
    records = [record(entry, seq) for seq, entry in enumerate(entries, 1)]  # type: ignore[arg-type]
    made = rows(records)
    listed = arranged(made, sort, group)
    assert sorted(row.number for row in listed if not row.heading) == [row.number for row in made]
    keys = [row.key for row in listed]
    assert len(keys) == len(set(keys))


def test_resources_can_be_arranged_too() -> None:
    page = aggregate([(view(1), LOAD), (view(2), LOAD)])
    made = resource_rows(page, "https://shop.test/")
    assert [row.number for row in arranged(made, "duration")] == [3, 1, 2, 4]
    assert made[0].duration_us == 100_000
    assert made[2].transfer_size is None


def test_sizes_in_all_say_what_is_not_known() -> None:
    assert total_size_words([1_000, None, 2_000]) == "3.0k (+1 ?)"
    assert total_size_words([None, None]) == "size unknown"
    assert total_size_words([]) == "0"
