"""Web Vitals by the rules of the web-vitals library; each test names the rule it holds.

That the library itself agrees on real pages is tested in ``tests/browser``.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perftui.analysis.vitals import Rating, Vitals, interaction_count, loading_vitals, rate, vitals
from perftui.config import Thresholds
from perftui.model import Entry, PageView, Record
from tests.analysis.strategies import absurd_entries, record


def entry(entry_type: str, start_ms: float, name: str = "", **fields: Any) -> Entry:
    duration_ms = fields.pop("duration_ms", 0)
    told: dict[str, Any] = {"duration_us": round(duration_ms * 1000)} | fields
    return Entry(entry_type=entry_type, name=name, start_us=round(start_ms * 1000), **told)


def load(**fields: Any) -> Entry:
    """The navigation of a page whose first byte came after 180 ms."""
    return entry("navigation", 0, "https://shop.test/", **({"response_start_us": 180_000} | fields))


def fcp(start_ms: float) -> Entry:
    return entry("paint", start_ms, "first-contentful-paint")


def candidate(start_ms: float, size: int = 100, **extra: Any) -> Entry:
    return entry("largest-contentful-paint", start_ms, extra={"size": size} | extra)


def shift(start_ms: float, value: float, **extra: Any) -> Entry:
    return entry("layout-shift", start_ms, extra={"value": value} | extra)


def event(start_ms: float, duration_ms: float, interaction: int, name: str = "click") -> Entry:
    return entry(
        "event", start_ms, name, duration_ms=duration_ms, extra={"interactionId": interaction}
    )


def hidden(start_ms: float) -> Entry:
    return entry("visibility", start_ms, "hidden")


def measured(*entries: Entry, page_view: PageView | None = None) -> Vitals:
    records = [record(one, seq) for seq, one in enumerate(entries, 1)]
    return vitals(records, page_view)


def values(*entries: Entry, page_view: PageView | None = None) -> dict[str, float]:
    return {one.name: round(one.value, 4) for one in measured(*entries, page_view=page_view).all()}


def page_view(kind: str, start_ms: float = 0) -> PageView:
    return PageView(
        session_id="s",
        page_view_id="p",
        number=1,
        url="https://shop.test/",
        title=None,
        kind=kind,
        referrer=None,
        navigation_type=None,
        time_origin_us=1_700_000_000_000_000,
        start_us=round(start_ms * 1000),
        end_us=round(start_ms * 1000),
        entry_count=0,
        request_count=0,
        error_count=0,
        transfer_bytes=0,
    )


def test_a_plain_load() -> None:
    found = measured(load(), fcp(400), candidate(400), candidate(900, 200, url="https://s/h.avif"))
    assert {vital.name: vital.value for vital in found.all()} == {
        "LCP": 900.0,
        "FCP": 400.0,
        "TTFB": 180.0,
    }
    assert found.lcp is not None
    assert found.lcp.url == "https://s/h.avif"
    assert found.cls is None, "no browser that reports shifts: unknown, not perfect"


def test_lcp_ends_with_the_first_input() -> None:
    entries = (load(), fcp(300), candidate(300), candidate(2_000, 500))
    assert values(*entries)["LCP"] == 2_000
    for cause in (event(1_000, 16, 7, "pointerdown"), entry("action", 1_000, "click")):
        assert values(*entries, cause)["LCP"] == 300
    assert values(*entries, entry("event", 1_000, "pointermove"))["LCP"] == 2_000


def test_what_is_painted_after_the_page_was_hidden_does_not_count() -> None:
    assert values(load(), fcp(300), candidate(300), hidden(500), candidate(900, 9)) == {
        "LCP": 300,
        "FCP": 300,
        "TTFB": 180,
    }
    assert set(values(load(), hidden(100), fcp(300), candidate(300))) == {"TTFB"}


def test_a_page_that_was_hidden_from_the_start_has_no_paints() -> None:
    begun = entry("pageview", 0, extra={"kind": "load", "hidden": True})
    assert set(values(begun, load(), fcp(300), candidate(300), shift(350, 0.1))) == {"TTFB"}


def test_of_a_prerendered_page_only_what_the_user_waited_for_counts() -> None:
    prerendered = load(extra={"activationStart": 150.0})
    assert values(hidden(0), prerendered, fcp(400), candidate(100)) == {
        "LCP": 0,
        "FCP": 250,
        "TTFB": 30,
    }


def test_a_navigation_read_before_the_activation_is_helped_by_visibility() -> None:
    begun = entry("pageview", 0, extra={"kind": "load", "hidden": True, "prerendered": True})
    shown = entry("visibility", 1_000, "visible")
    assert values(begun, load(), shown, fcp(1_020))["FCP"] == 20


def test_session_windows_of_shifts() -> None:
    begun = (load(), fcp(100))
    assert values(*begun, shift(200, 0.1), shift(1_199, 0.1))["CLS"] == 0.2
    assert values(*begun, shift(200, 0.1), shift(1_200, 0.1))["CLS"] == 0.1, "a gap of a second"
    steps = [shift(200 + 900 * number, 0.05) for number in range(7)]
    assert values(*begun, *steps)["CLS"] == 0.3, "a window of five seconds at most"
    assert values(*begun, shift(200, 0.5, hadRecentInput=True), shift(300, 0.02))["CLS"] == 0.02


def test_no_shift_is_a_perfect_score_where_the_browser_reports_them() -> None:
    blocking = entry("resource", 5, "https://s/a.css", render_blocking_status="blocking")
    assert values(load(), fcp(100), blocking)["CLS"] == 0
    assert values(load(), fcp(100), entry("long-animation-frame", 5))["CLS"] == 0
    assert values(load(render_blocking_status="non-blocking"), fcp(100))["CLS"] == 0


def test_no_shift_in_a_har_is_an_unknown_score() -> None:
    told: dict[str, Any] = {
        "render_blocking_status": "blocking",
        "extra": {"renderBlocking": "in_body_parser_blocking"},
    }
    blocking = entry("resource", 5, "https://s/a.css", **told)
    assert "CLS" not in values(load(**told), fcp(100), blocking)
    assert values(load(**told), fcp(100), blocking, shift(120, 0.3))["CLS"] == 0.3


def test_the_element_of_the_worst_shift_is_named() -> None:
    large = {"selector": "#banner", "currentRect": {"width": 300, "height": 100}}
    small = {"selector": "p", "currentRect": {"width": 10, "height": 10}}
    found = measured(load(), fcp(100), shift(200, 0.2, sources=[small, large])).cls
    assert found is not None
    assert (found.element, found.at_us) == ("#banner", 200_000)


def test_inp_is_the_longest_interaction() -> None:
    found = measured(
        event(1_000, 80, 7, "pointerdown"),
        event(1_000, 120, 7),
        event(5_000, 64, 14, "keydown"),
        entry("event", 9_000, "pointermove", duration_ms=900, extra={"interactionId": 0}),
    ).inp
    assert found is not None
    assert (found.value, found.at_us) == (120.0, 1_000_000)


def test_one_of_fifty_interactions_is_an_outlier() -> None:
    events = [event(number * 100, 40 + number, number * 7) for number in range(1, 51)]
    assert values(*events)["INP"] == 89, "the second longest of fifty"
    assert values(*events[1:])["INP"] == 90


def test_interactions_too_short_to_be_reported_are_counted_by_their_ids() -> None:
    assert interaction_count([]) == 0
    reported = [event(0, 40, 7), event(9_000, 300, 7 + 7 * 99)]
    assert interaction_count([record(one) for one in reported]) == 100
    assert values(*reported)["INP"] == 40, "two of a hundred are left out, one is there"


def test_a_first_input_counts_as_an_interaction() -> None:
    first = entry("first-input", 100, "keydown", duration_ms=48)
    assert values(first) == {"INP": 48}


def test_a_restore_from_the_back_forward_cache_begins_anew() -> None:
    restored = page_view("bfcache", 10_000)
    assert values(
        load(), fcp(400), fcp(10_030), shift(500, 0.4), shift(10_100, 0.1), page_view=restored
    ) == {"LCP": 30, "CLS": 0.1, "FCP": 30, "TTFB": 0}


def test_a_route_change_has_neither_load_nor_paint_but_keeps_shifts_and_interactions() -> None:
    route = page_view("route", 5_000)
    assert values(shift(5_100, 0.1), event(6_000, 240, 7), page_view=route) == {
        "INP": 240,
        "CLS": 0.1,
    }


def test_no_entries_no_metrics() -> None:
    assert measured() == Vitals()


@pytest.mark.parametrize(
    ("name", "value", "rating"),
    [
        ("LCP", 2500, Rating.GOOD),
        ("LCP", 2500.1, Rating.NEEDS_IMPROVEMENT),
        ("LCP", 4000.1, Rating.POOR),
        ("CLS", 0.1, Rating.GOOD),
        ("CLS", 0.2501, Rating.POOR),
        ("INP", 200, Rating.GOOD),
        ("FCP", 1801, Rating.NEEDS_IMPROVEMENT),
        ("TTFB", 1801, Rating.POOR),
    ],
)
def test_a_rating_is_good_up_to_and_with_its_limit(name: str, value: float, rating: Rating) -> None:
    assert rate(name, value) is rating


def test_limits_can_be_set() -> None:
    assert rate("LCP", 1_200, Thresholds(lcp_ms=(1_000, 2_000))) is Rating.NEEDS_IMPROVEMENT


KINDS = (
    "navigation",
    "paint",
    "largest-contentful-paint",
    "layout-shift",
    "event",
    "first-input",
    "visibility",
    "pageview",
    "action",
    "resource",
)


@given(
    entries=st.lists(absurd_entries(KINDS), max_size=12),
    kind=st.sampled_from([None, "load", "route", "bfcache", "manual"]),
    shuffled=st.randoms(use_true_random=False),
)
def test_any_entries_in_any_order_have_the_same_metrics(
    entries: list[Entry], kind: str | None, shuffled: Any
) -> None:
    records: list[Record] = [record(one, seq) for seq, one in enumerate(entries, 1)]
    view = page_view(kind) if kind else None
    before = vitals(records, view)
    loading = loading_vitals(records, view)
    assert (loading.lcp, loading.fcp, loading.ttfb) == (before.lcp, before.fcp, before.ttfb)
    for vital in before.all():
        assert vital.value >= 0 or vital.name in {"CLS", "INP"}
    # Entries of one moment keep their order: only a later one replaces an earlier one.
    starts = [one.start_us for one in entries]
    navigations = [one for one in entries if one.entry_type in {"navigation", "pageview"}]
    if len(set(starts)) == len(starts) and len(navigations) <= 1:
        shuffled.shuffle(records)
        after = vitals(records, view)
        assert [(one.name, one.value) for one in after.all()] == [
            (one.name, one.value) for one in before.all()
        ]
