"""Verdicts, each with its reason in words."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perftui.analysis.severity import (
    ASCII_GLYPHS,
    GLYPHS,
    REASON_CODES,
    Level,
    is_error,
    is_slow,
    judge,
)
from perftui.config import Thresholds
from perftui.model import Entry, Usual
from tests.analysis.strategies import absurd_entries

PAGE = "https://shop.test/checkout"


def request(**fields: Any) -> Entry:
    told: dict[str, Any] = {
        "entry_type": "resource",
        "name": "https://shop.test/api/cart",
        "start_us": 0,
        "duration_us": 80_000,
        "initiator_type": "fetch",
        "request_start_us": 1_000,
        "response_start_us": 60_000,
        "response_status": 200,
        "transfer_size": 900,
        "encoded_body_size": 600,
        "decoded_body_size": 600,
    }
    return Entry(**(told | fields))


def happening(entry_type: str, **fields: Any) -> Entry:
    told: dict[str, Any] = {"entry_type": entry_type, "name": "", "start_us": 0}
    return Entry(**(told | fields))


def codes(entry: Entry, usual: Usual | None = None, page_url: str | None = PAGE) -> list[str]:
    return [reason.code for reason in judge(entry, usual=usual, page_url=page_url).reasons]


@pytest.mark.parametrize(
    ("milliseconds", "initiator", "code"),
    [
        (499.999, "fetch", None),
        (500, "fetch", "slow-api"),
        (1999.999, "xmlhttprequest", "slow-api"),
        (2000, "xmlhttprequest", "very-slow-api"),
        (999.999, "img", None),
        (1000, "img", "slow-asset"),
        (3000, "script", "very-slow-asset"),
        (60_000, "websocket", None),
    ],
)
def test_a_threshold_is_slow_from_its_first_microsecond(
    milliseconds: float, initiator: str, code: str | None
) -> None:
    entry = request(duration_us=round(milliseconds * 1000), initiator_type=initiator)
    assert codes(entry) == ([code] if code else [])
    assert is_slow(entry) is (code is not None)


def test_thresholds_can_be_set() -> None:
    strict = Thresholds(api_slow_ms=50.0)
    assert judge(request(), strict).words == "80 ms: API call of 50 ms or more"


@pytest.mark.parametrize(
    ("calls", "median_ms", "took_ms", "slower"),
    [
        (5, 100, 200, True),
        (4, 100, 400, False),
        (5, 100, 199.999, False),
        (5, 60, 150, False),
        (50, 0, 100, True),
        (50, 0, 99, False),
    ],
)
def test_slower_than_usual_needs_calls_a_factor_and_an_excess(
    calls: int, median_ms: int, took_ms: float, slower: bool
) -> None:
    entry = request(duration_us=round(took_ms * 1000))
    assert ("slower-than-usual" in codes(entry, Usual(calls, median_ms * 1000))) is slower


def test_the_factor_is_said_in_words() -> None:
    severity = judge(request(duration_us=420_000), usual=Usual(9, 100_000))
    assert severity.words == "4.2 times its usual 100 ms"
    assert severity.level is Level.SLOW


def test_size_counts_as_transferred() -> None:
    assert codes(request(transfer_size=500_000, encoded_body_size=499_700)) == ["large"]
    assert codes(request(transfer_size=499_999, encoded_body_size=499_700)) == []
    assert codes(request(transfer_size=None, decoded_body_size=9_000_000)) == []


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"response_status": 404}, "status-error"),
        ({"response_status": 500, "duration_us": 9_000_000}, "status-error"),
        ({"extra": {"error": "net::ERR_BLOCKED_BY_CLIENT"}}, "blocked"),
        ({"extra": {"error": "net::ERR_ABORTED"}}, "aborted"),
        ({"extra": {"error": "connection refused"}}, "failed"),
    ],
)
def test_failures_come_before_all_else(fields: dict[str, Any], code: str) -> None:
    entry = request(**fields)
    assert judge(entry).reasons[0].code == code
    assert judge(entry).level is Level.ERROR
    assert is_error(entry)


def silent(**fields: Any) -> Entry:
    """A request of which the browser tells nothing but that it ended."""
    told = {
        "request_start_us": None,
        "response_start_us": None,
        "response_status": None,
        "transfer_size": 0,
        "encoded_body_size": 0,
        "decoded_body_size": 0,
    }
    return request(**(told | fields))


def test_silence_is_failure_on_the_pages_own_origin_alone() -> None:
    assert codes(silent()) == ["failed"]
    assert codes(silent(name="https://cdn.shop.test/a.js")) == ["opaque"]
    assert codes(silent(), page_url=None) == ["opaque"]
    assert codes(silent(initiator_type="beacon")) == ["opaque"], "whose answer is never told"
    assert codes(silent(duration_us=None)) == [], "it has not ended: nothing is withheld yet"


def test_only_another_origin_can_want_a_timing_allow_origin() -> None:
    beacon = judge(silent(initiator_type="beacon"), page_url=PAGE)
    assert beacon.words == "not told by the browser: only the total is known"
    foreign = judge(silent(name="https://cdn.shop.test/a.js"), page_url=PAGE)
    assert foreign.words.startswith("no Timing-Allow-Origin")


def test_of_a_third_party_the_words_say_so() -> None:
    foreign = silent(name="https://t.example/p.gif")
    assert codes(foreign) == ["opaque", "third-party"]
    assert judge(foreign, page_url=PAGE).words.endswith("third party: t.example")
    known = judge(foreign, page_url=PAGE, first_party=("t.example",))
    assert [reason.code for reason in known.reasons] == ["opaque"]


def test_notes_are_no_fault() -> None:
    blocking = request(render_blocking_status="blocking", delivery_type="cache")
    assert codes(blocking) == ["render-blocking", "cached"]
    assert judge(blocking).level is Level.NOTE
    assert not is_slow(blocking)


def blocking_frame(milliseconds: float) -> Entry:
    return happening(
        "long-animation-frame", duration_us=314_300, extra={"blockingDuration": milliseconds}
    )


def test_a_long_frame_is_no_busy_main_thread() -> None:
    assert judge(blocking_frame(22.8)).words == "frame of 314 ms, 23 ms of it blocking"
    waiting = happening("long-animation-frame", duration_us=161_000)
    assert judge(waiting).words == "frame of 161 ms, none of it blocking"


@pytest.mark.parametrize(
    ("entry", "code", "level"),
    [
        (happening("error", name="TypeError: x"), "script-error", Level.ERROR),
        (happening("console", extra={"level": "error"}), "script-error", Level.ERROR),
        (happening("console", extra={"level": "warn"}), "warning", Level.NOTE),
        (happening("longtask", duration_us=51_000), "long-task", Level.NOTE),
        (happening("longtask", duration_us=150_000), "long-task", Level.SLOW),
        (happening("long-animation-frame", duration_us=900_000), "long-task", Level.NOTE),
        (blocking_frame(99.9), "long-task", Level.NOTE),
        (blocking_frame(100), "long-task", Level.SLOW),
        (happening("event", duration_us=200_001), "vital", Level.SLOW),
        (happening("event", duration_us=500_001), "poor-vital", Level.VERY_SLOW),
        (happening("layout-shift", extra={"value": 0.26}), "poor-vital", Level.VERY_SLOW),
        (happening("largest-contentful-paint", start_us=2_500_001), "vital", Level.SLOW),
        (
            happening("paint", name="first-contentful-paint", start_us=3_000_001),
            "poor-vital",
            Level.VERY_SLOW,
        ),
    ],
)
def test_what_is_no_request_is_judged_too(entry: Entry, code: str, level: Level) -> None:
    severity = judge(entry)
    assert [reason.code for reason in severity.reasons] == [code]
    assert severity.level is level


@pytest.mark.parametrize(
    "entry",
    [
        happening("event", duration_us=200_000),
        happening("layout-shift", extra={"value": 0.5, "hadRecentInput": True}),
        happening("largest-contentful-paint", start_us=2_500_000),
        happening("console", extra={"level": "log"}),
        happening("mark", duration_us=9_000_000),
    ],
)
def test_a_vital_is_good_up_to_and_with_its_limit(entry: Entry) -> None:
    assert judge(entry).level is Level.OK


usuals = st.one_of(
    st.none(),
    st.builds(Usual, calls=st.integers(0, 20), median_us=st.none() | st.integers(0, 10**7)),
)


@given(entry=absurd_entries(), usual=usuals, page_url=st.sampled_from([None, PAGE]))
def test_every_verdict_has_its_reasons_the_worst_first(
    entry: Entry, usual: Usual | None, page_url: str | None
) -> None:
    severity = judge(entry, usual=usual, page_url=page_url)
    levels = [reason.level for reason in severity.reasons]
    assert levels == sorted(levels, reverse=True)
    assert severity.level is (levels[0] if levels else Level.OK)
    assert len({reason.code for reason in severity.reasons}) == len(levels)
    for reason in severity.reasons:
        assert reason.words
        assert reason.code in REASON_CODES
    assert is_error(entry, page_url) is (severity.level is Level.ERROR)


def test_every_code_has_a_glyph_and_every_glyph_stands_for_ascii() -> None:
    assert set(GLYPHS) == set(REASON_CODES)
    for glyph in GLYPHS.values():
        assert glyph.isascii() or ASCII_GLYPHS[glyph].isascii()
