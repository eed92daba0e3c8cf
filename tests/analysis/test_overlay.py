"""Sessions over each other: the geometry against a naive count, the quartiles against numpy."""

from __future__ import annotations

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perftui.analysis.overlay import (
    MOST_SHOWN,
    Track,
    in_flight_counts,
    levels_of,
    overlay,
    reached_slots,
)
from perftui.analysis.overlay_text import (
    MINIMUM_WIDTH,
    columns,
    overlay_documents,
    overlay_lines,
)
from perftui.analysis.text import cell_width
from perftui.analysis.timeline import Marker
from perftui.model import IN_FLIGHT, SessionSummary

START_US = 1_795_451_678_400_000


def track(
    name: str, duration_us: int, spans: list[tuple[int, int]], marks: tuple[Marker, ...] = ()
) -> Track:
    summary = SessionSummary(
        session_id=name,
        started_us=START_US,
        ended_us=START_US + duration_us,
        received_us=START_US,
        page_view_count=0,
        entry_count=len(spans),
        request_count=len(spans),
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
    starts, ends = [start for start, _ in spans], [end for _, end in spans]
    return Track(summary, starts, ends, duration_us, marks)


@st.composite
def tracks(draw: st.DrawFn) -> Track:
    duration = draw(st.integers(0, 5_000))
    spans = []
    for _ in range(draw(st.integers(0, 12))):
        start = draw(st.integers(0, duration))
        end = draw(st.one_of(st.integers(start, duration), st.just(IN_FLIGHT)))
        spans.append((start, end))
    kinds = st.sampled_from(["error", "slow", "lcp", "pageview"])
    marks = draw(st.lists(st.builds(Marker, st.integers(0, duration + 10), kinds), max_size=6))
    return track(draw(st.text(max_size=40)), duration, spans, tuple(marks))


def naive(one: Track, left: int, right: int, *, last: bool) -> int:
    """Requests in flight at some µs of a slot; what is at the very end belongs to the last."""
    found = 0
    for start, end in zip(one.starts, one.ends, strict=True):
        end = one.duration_us if end == IN_FLIGHT else end
        moments_end = max(start + 1, end)
        found += start < (right + 1 if last else right) and moments_end > left
    return found


@given(st.lists(tracks(), min_size=1, max_size=6), st.integers(1, 40))
def test_counts_are_those_of_a_naive_count(given_tracks: list[Track], slots: int) -> None:
    told = overlay(given_tracks, slots)
    assert len(told.borders) == slots + 1
    if len(set(told.borders)) != slots + 1:
        return  # Slots of less than a µs: which of the empty ones has a moment says nothing.
    for lane in told.lanes:
        for slot, count in enumerate(lane.in_flight):
            left, right = told.borders[slot], told.borders[slot + 1]
            if slot and left >= lane.track.duration_us:
                assert count is None
            else:
                assert count == naive(lane.track, left, right, last=slot == slots - 1)


@given(st.lists(tracks(), min_size=1, max_size=6), st.integers(1, 40))
def test_quartiles_are_numpys_over_the_sessions_that_have_come_so_far(
    given_tracks: list[Track], slots: int
) -> None:
    told = overlay(given_tracks, slots)
    for slot, quartiles in enumerate(told.quartiles):
        counts = [lane.in_flight[slot] for lane in told.lanes]
        known = [count for count in counts if count is not None]
        assert quartiles is None or quartiles.sessions == len(known)
        if quartiles is None:
            assert not known
            continue
        expected = numpy.percentile(numpy.array(known), [25, 50, 75])
        assert [*quartiles[:3]] == [float(value) for value in expected]


@given(st.lists(tracks(), min_size=1, max_size=15), st.integers(MINIMUM_WIDTH, 150), st.booleans())
def test_lines_are_no_wider_than_asked_and_no_session_goes_on_after_its_end(
    given_tracks: list[Track], width: int, ascii_only: bool
) -> None:
    name, band, _figures = columns(width)
    told = overlay(given_tracks, band)
    lines = overlay_lines(told, width=width, ascii_only=ascii_only)
    shown = told.lanes[:MOST_SHOWN]
    rows = lines[1 : 2 + 2 * len(shown)]
    assert all(cell_width(line) <= width for line in lines)
    assert not ascii_only or all(line.isascii() for line in lines)
    for lane, marks in zip(shown, rows[2::2], strict=True):
        reached = sum(count is not None for count in lane.in_flight)
        assert len(marks) <= name + 1 + reached
        assert sum(lane.counts.values()) == len(lane.track.marks)


def test_a_request_is_in_flight_in_each_slot_that_it_touches() -> None:
    borders = (0, 100, 200, 300)
    assert in_flight_counts([0], [100], borders, 300) == [1, 0, 0]
    assert in_flight_counts([99], [201], borders, 300) == [1, 1, 1]
    assert in_flight_counts([100], [100], borders, 300) == [0, 1, 0]
    assert in_flight_counts([300], [300], borders, 300) == [0, 0, 1]
    assert in_flight_counts([150], [IN_FLIGHT], borders, 250) == [0, 1, 1]


def test_a_session_that_has_ended_is_unknown_and_not_nothing() -> None:
    long = track("long", 400, [(0, 400)])
    idle = track("idle", 400, [(0, 100), (399, 400)])
    short = track("short", 150, [(0, 150), (0, 150)])
    told = overlay([long, idle, short], 4)
    assert [lane.in_flight for lane in told.lanes] == [
        (1, 1, 1, 1),
        (1, 0, 0, 1),
        (2, 2, None, None),
    ]
    assert [slot.median for slot in told.quartiles if slot] == [1, 1, 0.5, 1]
    assert [slot.sessions for slot in told.quartiles if slot] == [3, 3, 2, 2]
    assert reached_slots(0, told.borders) == 1


def test_of_several_marks_in_a_slot_the_worst_is_shown_and_all_are_counted() -> None:
    marks = tuple(Marker(10, kind) for kind in ("pageview", "lcp", "slow", "error"))
    late = Marker(900, "lcp")
    told = overlay([track("a", 200, [(0, 50)], (*marks, late)), track("b", 400, [])], 4)
    assert {slot: mark.kind for slot, mark in told.lanes[0].marks.items()} == {
        0: "error",
        1: "lcp",
    }
    assert told.lanes[0].counts == {"error": 1, "slow": 1, "lcp": 2, "pageview": 1}


def test_heights_share_one_scale_and_tell_nothing_from_unknown() -> None:
    assert levels_of([0, None, 0.25, 8, 4], 8, 8) == [0, None, 1, 8, 4]
    assert levels_of([0, None], 8, 0) == [0, None]


def test_what_has_no_row_is_said_and_is_in_the_median() -> None:
    many = [track(f"s{number}", 100, [(0, 100)] * number) for number in range(15)]
    told = overlay(many, columns(80)[1])
    lines = overlay_lines(told, width=80)
    assert lines[0].startswith("12 of 15 sessions")
    assert "3 more have no row" in lines[-1]
    assert len(overlay_documents(told)) == 16
    assert told.quartiles[0] is not None
    assert told.quartiles[0].median == 7


def test_an_axis_without_slots_is_refused() -> None:
    with pytest.raises(ValueError, match="slot"):
        overlay([track("a", 1, [])], 0)
