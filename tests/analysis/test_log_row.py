"""One entry as the row of a list."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from perftui.analysis.describe import Surroundings, record_to_json
from perftui.analysis.endpoints import short_url
from perftui.analysis.log_row import (
    IN_FLIGHT_STATUS,
    INITIATOR_LABELS,
    LogRow,
    initiator_label,
    log_row,
    name_parts,
    remarks,
)
from perftui.analysis.severity import judge
from perftui.analysis.text import UNKNOWN
from perftui.model import Entry, Usual
from tests.analysis.strategies import URLS, absurd_entries, record

ORIGIN_US = 1_700_000_000_000_000
PAGE = "https://shop.test/checkout"
AROUND = Surroundings(session_start_us=ORIGIN_US, page_urls={"p": PAGE})

CALL = Entry(
    entry_type="resource",
    name="https://shop.test/api/cart?x=1",
    start_us=1_500_000,
    duration_us=620_000,
    initiator_type="fetch",
    method="POST",
    response_status=200,
    request_start_us=1_501_000,
    response_start_us=2_000_000,
    response_end_us=2_120_000,
    transfer_size=2_048,
)


def row(entry: Entry, now_us: int | None = None, **around: Any) -> LogRow:
    return log_row(record(entry), replace(AROUND, **around), now_us)


def test_a_request_in_its_columns() -> None:
    found = row(CALL)
    assert found.cells == {
        "time": "1.500",
        "number": "1",
        "method": "POST",
        "status": "200",
        "type": "fetch",
        "size": "2.0k",
        "duration": "620ms",
    }
    assert (found.host, found.directory, found.leaf) == ("", "/api/", "cart?x=1")
    assert found.remarks == ("API call of 500 ms or more", "slow")
    assert not found.growing


def test_what_is_not_told_is_unknown_never_zero() -> None:
    opaque = Entry(
        entry_type="resource",
        name="https://t.example/p.gif",
        start_us=0,
        duration_us=90_000,
        initiator_type="img",
    )
    found = row(opaque)
    assert found.cells["status"] == UNKNOWN
    assert found.cells["size"] == UNKNOWN
    assert found.host == "t.example"


def test_at_the_playhead_a_request_has_no_answer_yet() -> None:
    found = row(CALL, now_us=1_700_000)
    assert found.growing
    assert found.cells["status"] == IN_FLIGHT_STATUS
    assert found.cells["size"] == ""
    assert found.cells["duration"] == "200ms…"
    assert found.remarks == ()
    assert row(CALL, now_us=2_120_000) == row(CALL), "it is over at its end"


def test_what_took_longer_than_usual_says_that_first() -> None:
    usual = {"POST shop.test/api/cart": Usual(8, 100_000)}
    assert row(CALL, usual=usual).remarks == ("6.2 times its usual 100 ms", "slower than usual")


def test_an_error_comes_with_what_else_is_wrong() -> None:
    failed = replace(CALL, response_status=500)
    assert remarks(judge(failed)) == ("status 500, slow", "status 500")


def test_what_is_no_request_says_so_in_words() -> None:
    task = Entry(entry_type="longtask", name="self", start_us=0, duration_us=80_000)
    found = row(task)
    assert found.kind is None
    assert found.cells == {"time": "0.000", "number": "1", "duration": "80ms"}
    assert "80 ms" in found.leaf or "long task" in found.leaf


@given(url=st.sampled_from(URLS), page=st.sampled_from([None, PAGE, "https://cdn.shop.test/"]))
def test_the_parts_of_a_name_are_the_name(url: str, page: str | None) -> None:
    assert "".join(name_parts(url, page)) == short_url(url, page)


@given(entry=absurd_entries(), now_us=st.one_of(st.none(), st.integers(-(2**41), 2**41)))
def test_every_entry_has_a_row(entry: Entry, now_us: int | None) -> None:
    found = row(entry, now_us)
    assert set(found.cells) <= {"time", "number", "method", "status", "type", "size", "duration"}
    assert all(isinstance(text, str) for text in found.cells.values())
    if found.growing:
        assert found.remarks == ()


@pytest.mark.parametrize(
    ("field", "key"),
    [("transfer_size", "transfer_bytes"), ("response_status", "status"), ("method", "method")],
)
def test_unknown_is_null_in_json(field: str, key: str) -> None:
    assert record_to_json(record(CALL), AROUND)[key] is not None
    assert record_to_json(record(replace(CALL, **{field: None})), AROUND)[key] is None


def test_json_counts_from_the_start_of_the_session_in_milliseconds() -> None:
    told = record_to_json(record(CALL), replace(AROUND, session_start_us=ORIGIN_US - 250_000))
    assert (told["start_ms"], told["duration_ms"], told["ttfb_ms"]) == (1_750.0, 620.0, 500.0)
    assert told["phases"] == {"queue_ms": 1.0, "wait_ms": 499.0, "receive_ms": 120.0}
    assert told["third_party"] is False
    assert told["severity"] == "slow"


def test_of_the_pages_own_company_json_says_first_party() -> None:
    foreign = record(replace(CALL, name="https://static.shopcdn.test/a.js"))
    assert record_to_json(foreign, AROUND)["third_party"] is True
    ours = replace(AROUND, first_party=("shopcdn.test",))
    assert record_to_json(foreign, ours)["third_party"] is False


def test_where_the_method_is_not_told_stands_what_made_the_request() -> None:
    assert row(CALL).cells["method"] == "POST"
    assert row(replace(CALL, method=None)).cells["method"] == "fetch"
    assert row(replace(CALL, method=None, initiator_type=None)).cells["method"] == ""
    assert initiator_label("xmlhttprequest") == "xhr"
    assert all(len(label) <= 7 for label in INITIATOR_LABELS.values())
