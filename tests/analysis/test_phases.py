"""Raw timings made into phases: named examples from the specifications, and what always holds."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from perftui.analysis.phases import (
    Phase,
    PhaseName,
    is_cached,
    phase_durations,
    phases,
    request_duration_us,
    request_end_us,
    reused_connection,
    time_to_first_byte_us,
)
from perftui.model import Entry
from tests.analysis.strategies import absurd_entries, ordinary_requests

FRESH = Entry(
    entry_type="resource",
    name="https://shop.test/a.js",
    start_us=100_000,
    duration_us=90_000,
    fetch_start_us=100_000,
    domain_lookup_start_us=105_000,
    domain_lookup_end_us=115_000,
    connect_start_us=115_000,
    secure_connection_start_us=125_000,
    connect_end_us=140_000,
    request_start_us=141_000,
    response_start_us=171_000,
    response_end_us=190_000,
    transfer_size=1200,
    encoded_body_size=900,
    decoded_body_size=2000,
)
"""A script over a connection of its own."""

OPAQUE = Entry(
    entry_type="resource",
    name="https://t.example/pixel.gif",
    start_us=50_000,
    duration_us=70_000,
    fetch_start_us=50_000,
    response_end_us=120_000,
)
"""Another origin's, without Timing-Allow-Origin."""


def spans(entry: Entry, until_us: int | None = None) -> list[tuple[str, int, int]]:
    return [(phase.name.value, phase.start_us, phase.end_us) for phase in phases(entry, until_us)]


def test_a_connection_of_its_own_has_every_phase() -> None:
    assert spans(FRESH) == [
        ("queue", 100_000, 105_000),
        ("dns", 105_000, 115_000),
        ("connect", 115_000, 125_000),
        ("tls", 125_000, 140_000),
        ("queue", 140_000, 141_000),
        ("wait", 141_000, 171_000),
        ("receive", 171_000, 190_000),
    ]


def test_a_reused_connection_has_no_dns_connect_and_tls_but_knows_them_to_be_nothing() -> None:
    reused = replace(
        FRESH,
        domain_lookup_start_us=100_000,
        domain_lookup_end_us=100_000,
        connect_start_us=100_000,
        connect_end_us=100_000,
        secure_connection_start_us=100_000,
    )
    assert [name for name, _, _ in spans(reused)] == ["queue", "wait", "receive"]
    durations = phase_durations(reused)
    assert durations[PhaseName.DNS] == durations[PhaseName.CONNECT] == durations[PhaseName.TLS] == 0
    assert reused_connection(reused) is True
    assert reused_connection(FRESH) is False


def test_without_timing_allow_origin_there_is_one_phase_and_every_duration_is_unknown() -> None:
    assert spans(OPAQUE) == [("opaque", 50_000, 120_000)]
    assert set(phase_durations(OPAQUE).values()) == {None}
    assert time_to_first_byte_us(OPAQUE) is None
    assert is_cached(OPAQUE) is None
    assert reused_connection(OPAQUE) is None


def test_a_redirect_comes_first() -> None:
    redirected = replace(FRESH, redirect_start_us=100_000, redirect_end_us=103_000)
    assert spans(redirected)[:2] == [("redirect", 100_000, 103_000), ("queue", 103_000, 105_000)]


def test_the_start_of_a_service_worker_is_told_from_waiting_for_a_connection() -> None:
    woken = replace(FRESH, worker_start_us=101_000, fetch_start_us=104_000)
    assert spans(woken)[:3] == [
        ("queue", 100_000, 101_000),
        ("service_worker", 101_000, 104_000),
        ("queue", 104_000, 105_000),
    ]


def test_an_interim_response_does_not_end_the_waiting() -> None:
    hinted = replace(
        FRESH,
        first_interim_response_start_us=150_000,
        response_start_us=150_000,
        final_response_headers_start_us=171_000,
    )
    assert spans(hinted)[-2:] == [("wait", 141_000, 171_000), ("receive", 171_000, 190_000)]


def test_where_the_source_tells_when_the_request_was_sent_sending_is_a_phase() -> None:
    sent = replace(FRESH, extra={"requestEnd": 144.0})
    assert spans(sent)[-3:] == [
        ("request", 141_000, 144_000),
        ("wait", 144_000, 171_000),
        ("receive", 171_000, 190_000),
    ]
    assert phase_durations(sent)[PhaseName.REQUEST] == 3_000
    assert phase_durations(FRESH)[PhaseName.REQUEST] is None


def test_a_navigation_ends_with_its_response_not_with_the_load_event() -> None:
    document = replace(FRESH, entry_type="navigation", duration_us=3_000_000)
    assert request_end_us(document) == 190_000
    assert request_duration_us(document) == 90_000
    assert spans(document)[-1] == ("receive", 171_000, 190_000)


def test_what_is_no_request_is_one_span() -> None:
    task = Entry(entry_type="longtask", name="self", start_us=10, duration_us=80_000)
    assert spans(task) == [("span", 10, 80_010)]


def test_in_flight_it_ends_for_now_at_the_moment_asked_for() -> None:
    waiting = replace(FRESH, duration_us=None, response_start_us=None, response_end_us=None)
    assert request_end_us(waiting) is None
    assert spans(waiting, 160_000)[-1] == ("wait", 141_000, 160_000)
    assert spans(waiting)[-1] == ("queue", 140_000, 141_000), "up to what is known"
    assert phase_durations(waiting)[PhaseName.RECEIVE] is None


@pytest.mark.parametrize(
    ("fields", "cached"),
    [
        ({"transfer_size": 1200, "encoded_body_size": 900}, False),
        ({"transfer_size": 0, "decoded_body_size": 2000}, True),
        ({"transfer_size": 0, "encoded_body_size": 0, "decoded_body_size": 0}, False),
        ({"transfer_size": 300, "encoded_body_size": 900}, True),
        ({"transfer_size": 300, "response_status": 304}, True),
        ({"transfer_size": None, "delivery_type": "cache"}, True),
        ({"transfer_size": None}, None),
    ],
)
def test_what_came_from_a_cache(fields: dict[str, Any], cached: bool | None) -> None:
    assert is_cached(replace(FRESH, **fields)) is cached


@given(entry=absurd_entries())
def test_phases_adjoin_from_the_start_to_the_end_whatever_the_entry_says(entry: Entry) -> None:
    found = phases(entry)
    assert found
    assert found[0].start_us == entry.start_us
    assert all(one.end_us == other.start_us for one, other in pairwise(found))
    assert all(phase.duration_us > 0 for phase in found) or len(found) == 1
    assert all(one.name is not other.name for one, other in pairwise(found))
    end = request_end_us(entry)
    if end is not None:
        assert found[-1].end_us == max(end, entry.start_us)
        assert sum(phase.duration_us for phase in found) == found[-1].end_us - entry.start_us


@given(entry=absurd_entries(), later=st.integers(0, 2**40))
def test_an_entry_in_flight_never_ends_before_the_moment_asked_for(
    entry: Entry, later: int
) -> None:
    flying = replace(entry, duration_us=None, response_end_us=None)
    until = flying.start_us + later
    assert phases(flying, until)[-1].end_us >= until


@given(entry=ordinary_requests())
def test_told_moments_are_shown_to_the_microsecond(entry: Entry) -> None:
    durations = phase_durations(entry)
    assert entry.domain_lookup_start_us is not None
    assert entry.domain_lookup_end_us is not None
    assert entry.request_start_us is not None
    assert entry.response_start_us is not None
    assert entry.response_end_us is not None
    assert durations[PhaseName.DNS] == entry.domain_lookup_end_us - entry.domain_lookup_start_us
    assert durations[PhaseName.WAIT] == entry.response_start_us - entry.request_start_us
    assert durations[PhaseName.RECEIVE] == entry.response_end_us - entry.response_start_us
    assert sum(value or 0 for value in durations.values()) == request_duration_us(entry)
    assert time_to_first_byte_us(entry) == entry.response_start_us - entry.start_us


@given(entry=absurd_entries())
def test_a_duration_that_is_known_is_the_sum_of_its_phases(entry: Entry) -> None:
    durations = phase_durations(entry)
    found: dict[PhaseName, int] = {}
    for phase in phases(entry):
        found[phase.name] = found.get(phase.name, 0) + phase.duration_us
    for name, value in durations.items():
        if value is not None:
            assert value == found.get(name, 0)
    if entry.is_timing_opaque:
        assert set(durations.values()) == {None}


def test_a_phase_tells_its_duration() -> None:
    assert Phase(PhaseName.WAIT, 5, 12).duration_us == 7
