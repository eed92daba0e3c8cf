"""Moments worth a line in the waterfall or a sign on the transport."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from perftui.analysis.marks import Mark, mark_labels, markers, page_marks, vital_markers
from perftui.analysis.vitals import Rating, vitals
from perftui.analysis.waterfall import Viewport
from perftui.model import Entry
from tests.analysis.strategies import absurd_entries, record

ORIGIN_US = 1_700_000_000_000_000


def entry(entry_type: str, start_ms: float, name: str = "", **fields: Any) -> Entry:
    told: dict[str, Any] = {"duration_us": 0} | fields
    return Entry(entry_type=entry_type, name=name, start_us=round(start_ms * 1000), **told)


NAVIGATION = entry(
    "navigation",
    0,
    "https://shop.test/",
    response_start_us=50_000,
    extra={"domContentLoadedEventEnd": 700.0, "loadEventEnd": 1_900.0},
)
FCP = entry("paint", 400, "first-contentful-paint")
LCP = entry("largest-contentful-paint", 2_600, extra={"size": 900})


def test_the_marks_of_a_page_stand_in_order_of_time() -> None:
    records = [record(one, seq) for seq, one in enumerate((LCP, NAVIGATION, FCP), 1)]
    assert page_marks(records, vitals(records)) == (
        Mark("FCP", 400_000, Rating.GOOD),
        Mark("DCL", 700_000),
        Mark("load", 1_900_000),
        Mark("LCP", 2_600_000, Rating.NEEDS_IMPROVEMENT),
    )


def test_a_mark_that_has_not_come_is_not_at_zero() -> None:
    loading = replace(NAVIGATION, extra={"domContentLoadedEventEnd": 0, "loadEventEnd": None})
    records = [record(loading)]
    assert page_marks(records, vitals(records)) == ()


def test_what_is_worth_jumping_to() -> None:
    session = [
        entry("pageview", 0, "https://shop.test/"),
        entry("resource", 10, "https://shop.test/a", duration_us=1_000, response_status=200),
        entry("resource", 20, "https://shop.test/b", duration_us=1_000, response_status=503),
        entry(
            "resource",
            30,
            "https://shop.test/c",
            duration_us=3_000_000,
            initiator_type="fetch",
            response_status=200,
        ),
        entry("longtask", 40, duration_us=200_000),
        entry("longtask", 45, duration_us=60_000),
        entry("event", 50, "click", duration_us=600_000),
        entry("layout-shift", 60, extra={"value": 0.3}),
        entry("capture", 70, "added_to_cart"),
        entry("error", 80, "TypeError: x is undefined"),
        LCP,
    ]
    records = [record(one, seq) for seq, one in enumerate(session, 1)]
    route = entry("pageview", 90, "https://shop.test/cart")
    records.append(replace(record(route, 12), page_view_number=2))
    found = [
        (marker.kind, marker.at_us // 1000, marker.seq) for marker in markers(records, ORIGIN_US)
    ]
    assert found == [
        ("error", 20, 3),
        ("slow", 30, 4),
        ("task", 40, 5),
        ("inp", 50, 7),
        ("cls", 60, 8),
        ("capture", 70, 9),
        ("error", 80, 10),
        ("route", 90, 12),
    ]


def test_a_vital_is_marked_at_its_own_moment() -> None:
    records = [record(NAVIGATION, 1), record(LCP, 2), record(FCP, 3)]
    (marker,) = vital_markers([(5_000_000, vitals(records))])
    assert (marker.at_us, marker.kind, marker.label, marker.seq) == (
        7_600_000,
        "lcp",
        "LCP 2600 ms",
        2,
    )


@given(entries=st.lists(absurd_entries(), max_size=12))
def test_markers_are_in_order_and_of_entries_that_are_there(entries: list[Entry]) -> None:
    records = [record(one, seq) for seq, one in enumerate(entries, 1)]
    found = list(markers(records, ORIGIN_US))
    assert [marker.at_us for marker in found] == sorted(marker.at_us for marker in found)
    assert {marker.seq for marker in found} <= {one.seq for one in records}


def names(mark: Mark) -> list[str]:
    return [f"┊{mark.name} {mark.at_us // 1000}ms", f"┊{mark.name}"]


def test_names_of_marks_give_way_to_more_important_ones() -> None:
    view = Viewport(0, 1_000_000, 50)
    near = (Mark("FCP", 100_000), Mark("LCP", 300_000), Mark("DCL", 310_000), Mark("load", 900_000))
    assert [(one.cell, one.text) for one in mark_labels(near, view, names)] == [
        (5, "┊FCP"),
        (15, "┊LCP 300ms"),
        (45, "┊load"),
    ]


@given(
    st.lists(
        st.builds(
            Mark,
            st.sampled_from(["FCP", "LCP", "DCL", "load", "other"]),
            st.integers(-1_000, 2_000_000),
        ),
        max_size=8,
    ),
    st.integers(1, 120),
)
def test_names_of_marks_never_overlap_or_leave_the_axis(marks: list[Mark], width: int) -> None:
    view = Viewport(0, 1_000_000, width)
    end = -1
    for one in mark_labels(marks, view, names):
        assert one.cell == view.cell(one.mark.at_us)
        assert end < one.cell
        end = one.cell + len(one.text)
        assert end <= width
