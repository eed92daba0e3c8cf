"""Entries by column are the same entries."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from perftui.analysis.severity import count_errors, is_error
from perftui.entry_columns import EntryColumns, once_for_each
from perftui.entry_fields import REQUEST_ENTRY_TYPES
from perftui.model import Entry
from tests.store.builders import entries, request

some = st.lists(entries, max_size=6)


@given(some)
def test_they_are_the_entries_that_they_are_made_of(told: list[Entry]) -> None:
    columns = EntryColumns.of(told)
    assert len(columns) == len(told)
    assert list(columns) == told
    assert [EntryColumns.of(told)[place] for place in range(len(told))] == told
    assert columns[1:] == tuple(told[1:])
    assert columns == told
    assert told == columns
    assert EntryColumns.of(columns) is columns


@given(some, some, some)
def test_parts_are_put_together_in_their_order(
    first: list[Entry], second: list[Entry], third: list[Entry]
) -> None:
    parts = [EntryColumns.of(part) for part in (first, second, third)]
    assert EntryColumns.concatenated(parts) == first + second + third


@given(st.data(), some)
def test_some_are_taken_in_any_order(data: st.DataObject, told: list[Entry]) -> None:
    places = data.draw(
        st.lists(st.sampled_from(range(len(told))), max_size=8) if told else st.just([])
    )
    assert EntryColumns.of(told).taken(places) == [told[place] for place in places]


@given(some)
def test_their_span_is_from_the_first_start_to_the_last_end(told: list[Entry]) -> None:
    span = EntryColumns.of(told).span_us()
    if not told:
        assert span is None
        return
    assert span == (
        min(entry.start_us for entry in told),
        max(entry.start_us + (entry.duration_us or 0) for entry in told),
    )


@given(some)
def test_their_types_are_counted_also_of_changed_ones(told: list[Entry]) -> None:
    columns = EntryColumns.of(told)
    others = columns.replaced(name=["x"] * len(told))
    for one in (columns, columns.replaced(name=["x"] * len(told)), others):
        assert one.counts_by_type() == Counter(entry.entry_type for entry in told)
        assert one.are_requests == all(entry.entry_type in REQUEST_ENTRY_TYPES for entry in told)
    marks = columns.replaced(entry_type=["mark"] * len(told))
    assert marks.counts_by_type() == Counter({"mark": len(told)} if told else {})


@given(st.lists(st.sampled_from([[1], [2], [1, 2], []]), max_size=8))
def test_what_several_share_is_worked_out_once(told: list[list[int]]) -> None:
    asked: list[list[int]] = []

    def function(one: list[int]) -> int:
        asked.append(one)
        return sum(one)

    assert once_for_each(function, told) == list(map(sum, told))
    assert len(asked) == len(set(map(id, told)))


_failing: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {"url": st.sampled_from(["https://a.test/x", "https://b.test/x", "https://u@A.test/y", "/z"])},
    optional={
        "entry_type": st.sampled_from(["resource", "error", "console", "mark", "request"]),
        "response_status": st.sampled_from([None, 200, 399, 400, 503]),
        "request_start_us": st.none(),
        "response_start_us": st.none(),
        "transfer_size": st.sampled_from([None, 0, 5]),
        "encoded_body_size": st.none(),
        "decoded_body_size": st.none(),
        "extra": st.sampled_from(
            [{}, {"error": "net::ERR_FAILED"}, {"error": ""}, {"level": "error"}, {"error": 3}]
        ),
    },
)


@given(st.lists(_failing, max_size=8), st.sampled_from([None, "https://a.test/", "about:blank"]))
def test_errors_are_counted_as_each_is_judged(
    told: list[dict[str, Any]], page_url: str | None
) -> None:
    some = [request(**fields) for fields in told]
    assert count_errors(EntryColumns.of(some), page_url) == sum(
        is_error(entry, page_url) for entry in some
    )


def test_an_entry_tells_who_it_is() -> None:
    columns = EntryColumns.of([Entry(entry_type="mark", name="m", start_us=1)])
    assert repr(columns) == f"EntryColumns.of([{columns[0]!r}])"
    assert columns != [columns[0], columns[0]]
    assert columns != 5
