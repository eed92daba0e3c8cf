"""What the list of sessions shows beyond a session's summary."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from perftui.analysis.session_facts import is_live, rebin, session_facts, worst_vitals
from perftui.config import Thresholds
from perftui.model import Entry, PageView, Record, SessionSummary
from tests.analysis.strategies import record

NOW_US = 1_700_000_100_000_000
SESSION = SessionSummary(
    session_id="s",
    started_us=NOW_US - 60_000_000,
    ended_us=NOW_US - 20_000_000,
    received_us=NOW_US - 29_999_999,
    page_view_count=2,
    entry_count=3,
    request_count=1,
    error_count=0,
    transfer_bytes=0,
    unknown_size_count=0,
    byte_count=0,
    dropped={},
    clock_error_us=None,
    label=None,
    pinned=False,
    exported=False,
    url=None,
    title=None,
    client={},
    source="sdk",
)


def view(name: str) -> PageView:
    return PageView(
        session_id="s",
        page_view_id=name,
        number=1,
        url=None,
        title=None,
        kind="load",
        referrer=None,
        navigation_type=None,
        time_origin_us=0,
        start_us=0,
        end_us=0,
        entry_count=0,
        request_count=0,
        error_count=0,
        transfer_bytes=0,
    )


def lcp(page_view_id: str, start_ms: int) -> Record:
    entry = Entry(
        entry_type="largest-contentful-paint", name="", start_us=start_ms * 1000, duration_us=0
    )
    return replace(record(entry), page_view_id=page_view_id)


@pytest.mark.parametrize(
    ("fields", "live"),
    [
        ({}, True),
        ({"received_us": NOW_US - 30_000_000}, False),
        ({"source": "har"}, False),
        ({"source": "proxy"}, True),
    ],
)
def test_a_session_is_live_while_something_arrives(fields: dict[str, Any], live: bool) -> None:
    assert is_live(replace(SESSION, **fields), NOW_US) is live


def test_the_worst_pageview_stands_for_the_session() -> None:
    worst = worst_vitals(
        [lcp("a", 900), lcp("b", 3_000), lcp("elsewhere", 9_000)],
        [view("a"), view("b")],
        Thresholds(),
    )
    assert {name: vital.value for name, vital in worst.items()} == {"LCP": 3_000.0}


def test_activity_counts_every_start() -> None:
    facts = session_facts([0, 1, 39_999_999], 1, [], SESSION, [], Thresholds())
    assert sum(facts.activity) == 3
    assert facts.activity[0] == 2
    assert facts.activity[-1] == 1
    assert facts.slow_count == 1


@given(counts=st.lists(st.integers(0, 1_000), max_size=60), width=st.integers(0, 60))
def test_fewer_stretches_hold_the_same_counts(counts: list[int], width: int) -> None:
    found = rebin(counts, width)
    assert len(found) == min(width, len(counts))
    if width:
        assert sum(found) == sum(counts)
