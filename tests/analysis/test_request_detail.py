"""Everything known of one entry, and why the rest is not."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from msgspec.structs import replace

from perftui.analysis.phases import PhaseName
from perftui.analysis.request_detail import (
    NO_ALLOW_ORIGIN,
    NOT_REPORTED,
    Fact,
    header_groups,
    phase_facts,
    raw_lines,
    request_facts,
    server_timing,
    size_facts,
)
from perftui.model import Entry, Usual
from tests.analysis.strategies import absurd_entries, record

PAGE = "https://shop.test/"
ORIGIN_US = 1_700_000_000_000_000

CALL = Entry(
    entry_type="resource",
    name="https://shop.test/api/cart",
    start_us=1_000_000,
    duration_us=200_000,
    initiator_type="fetch",
    response_status=200,
    fetch_start_us=1_000_000,
    domain_lookup_start_us=1_000_000,
    domain_lookup_end_us=1_000_000,
    connect_start_us=1_000_000,
    connect_end_us=1_000_000,
    request_start_us=1_010_000,
    response_start_us=1_150_000,
    response_end_us=1_200_000,
    transfer_size=1_500,
    encoded_body_size=1_200,
    decoded_body_size=4_800,
    content_encoding="br",
)
OPAQUE = Entry(
    entry_type="resource", name="https://t.example/p.gif", start_us=0, duration_us=70_000
)


def facts(entry: Entry, **more: Any) -> dict[str, Fact]:
    return {fact.label: fact for fact in request_facts(record(entry), ORIGIN_US, PAGE, **more)}


def test_without_timing_allow_origin_the_reason_is_said() -> None:
    found = facts(OPAQUE)
    for label in ("status", "time to first byte", "cache", "transferred", "body decoded"):
        assert found[label].value is None
        assert found[label].note == NO_ALLOW_ORIGIN
    assert found["party"].value == "third"
    assert {(fact.duration_us, fact.note) for fact in phase_facts(OPAQUE, PAGE)} == {
        (None, NO_ALLOW_ORIGIN)
    }


def test_of_the_pages_own_origin_that_is_not_the_reason() -> None:
    silent = replace(OPAQUE, name="https://shop.test/x")
    assert facts(silent)["status"].note == NOT_REPORTED


def test_phases_without_length_say_why() -> None:
    notes = {fact.name: fact.note for fact in phase_facts(CALL, PAGE)}
    assert notes[PhaseName.DNS] == notes[PhaseName.CONNECT] == "reused connection"
    cached = replace(CALL, transfer_size=0)
    assert {fact.name: fact.note for fact in phase_facts(cached, PAGE)}[PhaseName.DNS] == "cached"


def test_sizes_are_exact_and_say_what_compression_gave() -> None:
    transferred, encoded, decoded = size_facts(CALL)
    assert (transferred.value, transferred.note) == ("1.5k", "1,500 bytes")
    assert encoded.note == "1,200 bytes, br"
    assert decoded.note == "4.0 times the wire"


def test_a_duration_is_set_beside_what_is_usual() -> None:
    assert facts(CALL, usual=Usual(6, 50_000))["duration"].note == ("usually 50ms (6 calls), 4.0×")
    assert facts(CALL, usual=Usual(1, 50_000))["duration"].note == ""
    assert facts(replace(CALL, duration_us=None))["duration"] == Fact("duration", None, "in flight")


def test_what_the_server_says_it_did() -> None:
    told = [
        {"name": "db", "duration": 12.5, "description": "orders"},
        {"name": "cache", "duration": 0, "description": "hit"},
        "nonsense",
        {"duration": True},
    ]
    assert server_timing(replace(CALL, extra={"serverTiming": told})) == [
        Fact("db", "13ms", "orders"),
        Fact("cache", None, "hit"),
        Fact("?", None),
    ]
    assert server_timing(CALL) == []


@pytest.mark.parametrize(
    "told",
    [
        {"accept": "*/*", "x-a": "1"},
        [{"name": "accept", "value": "*/*"}, {"name": "x-a", "value": "1"}],
        [["accept", "*/*"], ["x-a", "1"]],
    ],
)
def test_headers_in_every_form_a_source_has(told: object) -> None:
    ((title, found),) = header_groups(replace(CALL, extra={"requestHeaders": told}))
    assert title == "request headers"
    assert found == [Fact("accept", "*/*"), Fact("x-a", "1")]


@given(entry=absurd_entries())
def test_every_entry_can_be_described_and_shown_raw(entry: Entry) -> None:
    found = facts(entry)
    assert all(
        fact.value is not None or fact.note for fact in found.values() if fact.label != "party"
    )
    told = msgspec.json.decode("\n".join(raw_lines(entry)))
    assert told["entryType"] == entry.entry_type
    assert told["startTime"] == entry.start_us / 1000
    if entry.transfer_size is not None:
        assert told["transferSize"] == entry.transfer_size


def test_what_only_a_proxy_tells_is_there_where_it_is_told() -> None:
    stream = replace(
        CALL,
        next_hop_protocol="http/1.1",
        extra={
            "messages": {"sent": 2, "received": 1_500, "bytes": 70_006},
            "requestedUrl": "https://shop.test/old",
            "proxy": {"startTime": 5.0, "nextHopProtocol": "h2"},
            "policyExtension": "connect-src https://shop.test/__perftui/",
        },
    )
    told = facts(stream)
    assert told["messages"] == Fact("messages", "2 sent, 1,500 received", "70.0k of payload")
    assert told["asked for"].value == "https://shop.test/old"
    assert told["app's protocol"].value == "h2"
    assert told["policy"].value == "connect-src https://shop.test/__perftui/"
    assert not {"messages", "asked for", "app's protocol", "policy"} & facts(CALL).keys()
    same = replace(stream, extra={"messages": "many", "proxy": {"nextHopProtocol": "http/1.1"}})
    assert not {"messages", "app's protocol"} & facts(same).keys()
