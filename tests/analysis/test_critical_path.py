"""The chain of requests that led to the LCP."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from perftui.analysis.critical_path import Chain, critical_chain
from perftui.analysis.vitals import Vital, vitals
from perftui.model import Entry, Record
from tests.analysis.strategies import ordinary_requests, record

PAGE = "https://shop.test/"


def request(name: str, start_ms: int, end_ms: int, initiator: str, **extra: Any) -> Entry:
    blocking = extra.pop("blocking", None)
    return Entry(
        entry_type="navigation" if initiator == "navigation" else "resource",
        name=PAGE + name,
        start_us=start_ms * 1000,
        duration_us=(end_ms - start_ms) * 1000,
        response_end_us=end_ms * 1000,
        request_start_us=start_ms * 1000,
        response_start_us=end_ms * 1000,
        initiator_type=initiator,
        render_blocking_status=blocking,
        extra=extra,
    )


def painted(at_ms: int, url: str | None = None) -> list[Entry]:
    extra = {"size": 5_000} | ({"url": PAGE + url} if url else {})
    return [
        Entry(entry_type="paint", name="first-contentful-paint", start_us=100_000, duration_us=0),
        Entry(
            entry_type="largest-contentful-paint",
            name="",
            start_us=at_ms * 1000,
            duration_us=0,
            extra=extra,
        ),
    ]


def chain(*entries: Entry) -> Chain | None:
    records = [record(entry, seq) for seq, entry in enumerate(entries, 1)]
    return critical_chain(records, vitals(records).lcp)


def names(found: Chain | None) -> list[tuple[str, bool]]:
    assert found is not None
    return [(step.record.entry.name.removeprefix(PAGE), step.told) for step in found.steps]


DOCUMENT = request("", 0, 100, "navigation")


def test_what_the_source_names_as_the_cause_is_followed() -> None:
    found = chain(
        DOCUMENT,
        request("app.js", 110, 300, "script", initiatorUrl=PAGE),
        request("other.js", 110, 580, "script"),
        request("api/hero", 320, 600, "fetch", initiatorUrl=PAGE + "app.js"),
        request("hero.avif", 610, 900, "img", initiatorUrl=PAGE + "api/hero"),
        *painted(920, "hero.avif"),
    )
    assert names(found) == [
        ("", True),
        ("app.js", True),
        ("api/hero", True),
        ("hero.avif", True),
    ]
    assert found is not None
    assert [step.wait_us for step in found.steps] == [0, 10_000, 20_000, 10_000]
    assert found.target_has_resource
    assert found.total_us == 920_000
    assert found.covered_us == 860_000
    assert found.share == 860 / 920


def test_where_nothing_is_told_the_last_that_ended_before_is_taken_and_said_to_be() -> None:
    found = chain(
        DOCUMENT,
        request("app.js", 110, 300, "script"),
        request("quick.js", 110, 200, "script"),
        request("bg.png", 110, 305, "img"),
        request("hero.avif", 310, 500, "img"),
        *painted(510, "hero.avif"),
    )
    assert names(found) == [("", False), ("app.js", False), ("hero.avif", True)]


def test_without_a_resource_the_last_that_rendering_waited_for_ends_the_chain() -> None:
    found = chain(
        DOCUMENT,
        request("site.css", 50, 400, "link", blocking="blocking"),
        request("late.js", 50, 480, "script", blocking="non-blocking"),
        *painted(500),
    )
    # The style sheet began while the document still arrived.
    assert names(found) == [("", False), ("site.css", True)]
    assert found is not None
    assert not found.target_has_resource


def test_without_a_paint_or_a_request_there_is_no_chain() -> None:
    assert chain(DOCUMENT) is None
    assert critical_chain([], None) is None
    assert chain(*painted(500)) is None


def test_without_an_lcp_the_chain_leads_to_the_load_event() -> None:
    entries = [
        DOCUMENT,
        request("app.js", 110, 300, "script"),
        request("data.json", 320, 500, "fetch"),
        request("late.js", 900, 950, "script"),
    ]
    records = [record(entry, seq) for seq, entry in enumerate(entries, 1)]
    found = critical_chain(records, None, 800_000)
    assert names(found) == [("", False), ("app.js", False), ("data.json", True)]
    assert found is not None
    assert (found.target, found.target_us, found.target_has_resource) == ("load", 800_000, False)
    with_lcp = [*records, *(record(entry, 9) for entry in painted(310, "app.js"))]
    told = critical_chain(with_lcp, vitals(with_lcp).lcp, 800_000)
    assert told is not None
    assert told.target == "LCP"


def test_a_circle_of_initiators_ends() -> None:
    found = chain(
        DOCUMENT,
        request("a.js", 110, 200, "script", initiatorUrl=PAGE + "b.js"),
        request("b.js", 110, 300, "script", initiatorUrl=PAGE + "a.js"),
        *painted(310, "b.js"),
    )
    assert found is not None
    assert len({step.record.seq for step in found.steps}) == len(found.steps)


@given(entries=st.lists(ordinary_requests(), max_size=12), target=st.integers(0, 12_000_000))
def test_a_chain_goes_forward_in_time_and_covers_no_more_than_there_is(
    entries: list[Entry], target: int
) -> None:
    records = [
        record(replace(entry, name=f"{PAGE}{seq}"), seq) for seq, entry in enumerate(entries, 1)
    ]
    candidate: Record = record(
        Entry(
            entry_type="largest-contentful-paint",
            name="",
            start_us=target,
            duration_us=0,
            extra={"url": f"{PAGE}3"},
        ),
        99,
    )
    lcp: Vital | None = vitals([*records, candidate]).lcp
    found = critical_chain(records, lcp)
    if found is None:
        return
    starts = [step.record.entry.start_us for step in found.steps]
    assert starts == sorted(starts)
    assert all(step.wait_us >= 0 for step in found.steps)
    assert 0 <= found.covered_us <= found.total_us
    assert 0.0 <= found.share <= 1.0
