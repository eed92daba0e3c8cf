"""The replay's arithmetic: what is in flight, played time, and a cursor that can go anywhere."""

from __future__ import annotations

from array import array
from typing import Any, NamedTuple

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from perftui.analysis import timeline as timeline_module
from perftui.analysis.timeline import (
    LONG_LIVED_US,
    SPEEDS,
    Cursor,
    Idle,
    Marker,
    Markers,
    Timeline,
    advance,
    begin,
    carry_over,
    faster,
    pause,
    play,
    seek,
    seek_by,
    seek_fraction,
    seek_marker,
    seek_row,
    slower,
    step,
    toggle,
    with_speed,
)
from perftui.model import IN_FLIGHT, EntryIndex

Spans = list[tuple[int, int]]


def timeline(spans: Spans, idle_limit_us: int | None = None, base_us: int = 0) -> Timeline:
    ordered = sorted(spans, key=lambda span: span[0])
    index = EntryIndex(
        array("q", range(1, len(ordered) + 1)),
        array("q", [start for start, _ in ordered]),
        array("q", [end for _, end in ordered]),
        base_us,
    )
    return Timeline(index, idle_limit_us)


@st.composite
def some_spans(draw: st.DrawFn, minimum: int = 0) -> Spans:
    """Spans of a session: short ones, streams, and some that have not ended."""
    starts = draw(st.lists(st.integers(0, 100_000_000), min_size=minimum, max_size=40))
    lengths = st.one_of(
        st.integers(0, 2_000_000),
        st.integers(LONG_LIVED_US, 2 * LONG_LIVED_US),
        st.just(IN_FLIGHT),
    )
    found = []
    for start in starts:
        length = draw(lengths)
        found.append((start, IN_FLIGHT if length == IN_FLIGHT else start + length))
    return found


limits = st.one_of(st.none(), st.integers(0, 3_000_000))
moments = st.integers(-1_000_000, 200_000_000)


@given(spans=some_spans(), at_us=moments)
def test_in_flight_is_what_has_started_and_not_ended(spans: Spans, at_us: int) -> None:
    line = timeline(spans)
    ordered = sorted(spans, key=lambda span: span[0])
    expected = [row for row, (start, end) in enumerate(ordered) if start <= at_us < end]
    assert line.in_flight(at_us) == expected
    assert line.in_flight(at_us, limit=3) == expected[-3:]
    assert line.visible_count(at_us) == sum(start <= at_us for start, _ in spans)


def test_in_flight_over_many_blocks_finds_the_old_request_that_still_runs() -> None:
    spans: Spans = [(number * 1_000, number * 1_000 + 500) for number in range(5_000)]
    spans[7] = (7_000, 4_999_900)
    assert timeline(spans).in_flight(4_999_100) == [7, 4_999]


def test_an_index_out_of_order_is_refused() -> None:
    index = EntryIndex(array("q", [1, 2]), array("q", [5, 4]), array("q", [6, 6]), 0)
    with pytest.raises(ValueError, match="order of start"):
        Timeline(index)


def test_an_empty_session_lasts_nothing_and_answers_all_the_same() -> None:
    empty = timeline([])
    assert (empty.start_us, empty.end_us, empty.played_us) == (0, 0, 0)
    assert empty.in_flight(5) == []
    assert empty.fraction(5) == 0.0
    assert empty.density(4) == [0, 0, 0, 0]
    assert step(begin(empty), empty) == begin(empty)
    assert advance(play(begin(empty), empty), empty, 1_000).playing is False


def test_an_idle_stretch_lasts_its_limit_when_played() -> None:
    line = timeline([(0, 1_000_000), (11_000_000, 12_000_000)], idle_limit_us=2_000_000)
    assert line.idles == (Idle(1_000_000, 11_000_000, 1_000_000),)
    assert line.played_us == 4_000_000
    assert line.to_played(6_000_000) == 2_000_000, "half of the stretch is half of its limit"
    assert line.to_session(2_000_000) == 6_000_000
    assert line.with_idle_limit(None).played_us == 12_000_000


def test_a_stream_is_no_activity_in_between() -> None:
    line = timeline([(0, 60_000_000), (59_000_000, 59_500_000)], idle_limit_us=1_000_000)
    assert [(idle.start_us, idle.end_us) for idle in line.idles] == [(0, 59_000_000)]


@example(spans=[(0, 0), (1, 30_000_002)], limit=0, first=2, second=0)
@given(spans=some_spans(minimum=1), limit=limits, first=moments, second=moments)
def test_played_time_is_monotone_and_finds_its_way_back(
    spans: Spans, limit: int | None, first: int, second: int
) -> None:
    line = timeline(spans, limit)
    low, high = sorted((first, second))
    assert line.to_played(low) <= line.to_played(high)
    assert line.to_session(low) <= line.to_session(high)
    assert line.to_played(line.start_us) == 0
    assert line.to_played(line.end_us) == line.played_us
    assert 0.0 <= line.fraction(first) <= 1.0
    held = min(max(first, line.start_us), line.end_us)
    back = line.to_session(line.to_played(held))
    # Within an idle stretch played time is coarser than session time.
    idle = next((one for one in line.idles if one.start_us <= held <= one.end_us), None)
    if idle is None:
        assert back == held
    else:
        # Cut to nothing, stretches that follow each other are one moment of played time.
        played = line.to_played(held)
        alike = [
            one
            for one in line.idles
            if one is idle or (limit == 0 and one.played_start_us == played)
        ]
        assert alike[0].start_us <= back <= alike[-1].end_us


@given(spans=some_spans(minimum=1), limit=limits)
def test_only_idle_time_is_cut(spans: Spans, limit: int | None) -> None:
    line = timeline(spans, limit)
    cut = sum(idle.end_us - idle.start_us - (limit or 0) for idle in line.idles)
    assert line.played_us == line.end_us - line.start_us - cut
    for idle in line.idles:
        assert idle.end_us - idle.start_us > (limit or 0)
        assert not any(idle.start_us < start < idle.end_us for start, _ in spans)


@given(spans=some_spans(), limit=limits, buckets=st.integers(0, 60))
def test_density_counts_every_start_once(spans: Spans, limit: int | None, buckets: int) -> None:
    counts = timeline(spans, limit).density(buckets)
    assert len(counts) == buckets
    if buckets:
        assert sum(counts) == len(spans)


@given(
    spans=some_spans(minimum=1),
    limit=limits,
    start=moments,
    speed=st.sampled_from(SPEEDS),
    elapsed=st.lists(st.integers(0, 5_000_000), max_size=20),
)
def test_seeking_and_then_playing_shows_what_playing_there_shows(
    spans: Spans, limit: int | None, start: int, speed: float, elapsed: list[int]
) -> None:
    line = timeline(spans, limit)
    cursor = seek(begin(line, speed, playing=True), line, start)
    for part in elapsed:
        before = cursor
        cursor = advance(cursor, line, part)
        assert cursor.at_us >= before.at_us
        sought = seek(begin(line), line, cursor.at_us)
        assert sought.at_us == cursor.at_us
        assert line.in_flight(sought.at_us) == line.in_flight(cursor.at_us)
        assert line.visible_count(sought.at_us) == line.visible_count(cursor.at_us)
    played = seek(begin(line), line, start).played_us + sum(int(part * speed) for part in elapsed)
    if start <= line.end_us:
        assert cursor.played_us == min(played, line.played_us) or not elapsed


@given(
    spans=some_spans(minimum=1),
    more=some_spans(),
    limit=limits,
    at_us=moments,
    older_us=st.integers(0, 50_000_000),
    playing=st.booleans(),
)
def test_a_session_that_grows_leaves_the_cursor_at_its_moment(
    spans: Spans, more: Spans, limit: int | None, at_us: int, older_us: int, playing: bool
) -> None:
    before = timeline(spans, limit, base_us=older_us)
    # What was known, counted from the older moment, and something more.
    moved = [
        (start + older_us, end if end == IN_FLIGHT else end + older_us) for start, end in spans
    ]
    now = timeline([(0, 0), *moved, *more], limit)
    cursor = seek(begin(before, playing=playing), before, at_us)
    carried = carry_over(cursor, before, now)
    assert carried == seek(carried, now, carried.at_us)
    assert carried.playing == playing
    if cursor.at_us < before.end_us:
        assert carried.at_us == cursor.at_us + older_us
    else:
        assert carried.at_us == now.end_us


class Shown(NamedTuple):
    """All that a replay shows of a moment."""

    at_us: int
    visible: int
    in_flight: list[int]
    next_start: int | None
    previous_start: int | None

    @classmethod
    def of(cls, line: Timeline, cursor: Cursor) -> Shown:
        at = cursor.at_us
        return cls(
            at,
            line.visible_count(at),
            line.in_flight(at),
            line.next_start(at),
            line.previous_start(at),
        )


actions = st.one_of(
    st.tuples(st.just("play"), st.integers(0, 8_000_000)),
    st.tuples(st.just("speed"), st.sampled_from(SPEEDS)),
    st.tuples(st.sampled_from(["faster", "slower"]), st.just(0)),
    st.tuples(st.just("limit"), limits),
)


@given(spans=some_spans(minimum=1), limit=limits, done=st.lists(actions, max_size=25))
def test_played_at_changing_speeds_and_idle_limits_it_shows_what_seeking_there_shows(
    spans: Spans, limit: int | None, done: list[tuple[str, Any]]
) -> None:
    line = timeline(spans, limit)
    cursor = begin(line, playing=True)
    for action, value in done:
        before = cursor
        match action:
            case "play":
                cursor = advance(cursor, line, value)
                expected = min(before.played_us + int(value * before.speed), line.played_us)
                assert cursor.played_us == (expected if before.playing else before.played_us)
            case "speed":
                cursor = with_speed(cursor, value)
            case "faster":
                cursor = faster(cursor)
            case "slower":
                cursor = slower(cursor)
            case "limit":
                line = line.with_idle_limit(value)
                cursor = seek(cursor, line, cursor.at_us)
        if action != "play":
            assert cursor.at_us == before.at_us, "the moment stays while something else changes"
        assert cursor.at_us >= before.at_us
        # Whatever the limit was on the way: what there is at a moment is the session's.
        fresh = timeline(spans, value if action == "limit" else line.idle_limit_us)
        sought = seek(begin(fresh), fresh, cursor.at_us)
        assert Shown.of(fresh, sought) == Shown.of(line, cursor)
        assert abs(sought.played_us - cursor.played_us) <= played_room(line, cursor.at_us)


def played_room(line: Timeline, at_us: int) -> int:
    """How far apart two moments of played time may be that are one moment of session time, µs:
    within an idle stretch both are rounded."""
    return 1 if any(one.start_us <= at_us <= one.end_us for one in line.idles) else 0


@given(
    spans=some_spans(minimum=1),
    limit=limits,
    speeds=st.lists(st.sampled_from(SPEEDS), min_size=1, max_size=12),
    elapsed=st.integers(4, 4_000_000),
)
def test_playing_ends_where_its_speeds_add_up_to(
    spans: Spans, limit: int | None, speeds: list[float], elapsed: int
) -> None:
    line = timeline(spans, limit)
    cursor = begin(line, playing=True)
    for speed in speeds:
        cursor = advance(with_speed(cursor, speed), line, elapsed)
    played = sum(int(elapsed * speed) for speed in speeds)
    assert cursor.played_us == min(played, line.played_us)
    assert cursor.playing is (played < line.played_us)
    by_key = seek_by(begin(line), line, played)
    assert Shown.of(line, by_key) == Shown.of(line, cursor)


def test_the_end_is_reached_where_all_is_idle_and_cut_to_nothing() -> None:
    line = timeline([(0, LONG_LIVED_US + 1)], 0)
    assert line.played_us == 0
    for cursor in (
        seek_by(begin(line), line, 1),
        seek_fraction(begin(line), line, 1.0),
        advance(begin(line, playing=True), line, 1),
    ):
        assert cursor.at_us == line.end_us
    assert seek_by(begin(line), line, -1).at_us == line.start_us
    assert seek_fraction(begin(line), line, 0.0).at_us == line.start_us


@given(
    spans=some_spans(minimum=1),
    moves=st.lists(
        st.sampled_from(["step", "back", "left", "right", "row", "half", "faster", "slower"])
    ),
)
def test_no_move_leaves_the_session(spans: Spans, moves: list[str]) -> None:
    line = timeline(spans, 1_000_000)
    cursor = begin(line, playing=True)
    for move in moves:
        match move:
            case "step":
                cursor = step(cursor, line)
            case "back":
                cursor = step(cursor, line, -1)
            case "left":
                cursor = seek_by(cursor, line, -5_000_000)
            case "right":
                cursor = seek_by(cursor, line, 5_000_000)
            case "row":
                cursor = seek_row(cursor, line, 10_000)
            case "half":
                cursor = seek_fraction(cursor, line, 0.5)
            case "faster":
                cursor = faster(cursor)
            case "slower":
                cursor = slower(cursor)
        assert line.start_us <= cursor.at_us <= line.end_us
        assert 0 <= cursor.played_us <= line.played_us
        assert cursor.speed in SPEEDS


STEADY: Spans = [(0, 10), (1_000_000, 1_000_010), (2_000_000, 2_000_010)]


def test_time_passes_at_the_chosen_speed_and_stops_at_the_end() -> None:
    line = timeline(STEADY)
    cursor = advance(begin(line, 2.0, playing=True), line, 400_000)
    assert (cursor.at_us, cursor.playing) == (800_000, True)
    cursor = advance(cursor, line, 10_000_000)
    assert cursor == Cursor(2_000_010, 2_000_010, playing=False, speed=2.0)
    assert toggle(cursor, line).at_us == 0, "from the beginning again"
    assert advance(pause(cursor), line, 1_000_000) == cursor


def test_stepping_pauses_on_the_next_and_the_last_start() -> None:
    line = timeline(STEADY)
    cursor = step(begin(line, playing=True), line)
    assert (cursor.at_us, cursor.playing) == (1_000_000, False)
    assert step(cursor, line, 2).at_us == line.end_us, "after the last start there is the end"
    assert step(cursor, line, -1).at_us == 0


def test_speeds_go_up_and_down_one_by_one_between_their_limits() -> None:
    line = timeline(STEADY)
    cursor = begin(line)
    assert faster(cursor).speed == 2.0
    assert slower(cursor).speed == 0.5
    assert faster(with_speed(cursor, 1000)).speed == 64.0
    assert slower(with_speed(cursor, 0)).speed == 0.25


def test_markers_are_found_by_time_whatever_their_order() -> None:
    markers = Markers([Marker(30, "slow"), Marker(10, "error"), Marker(20, "route")])
    assert [marker.at_us for marker in markers] == [10, 20, 30]
    after, before = markers.after(10), markers.before(10)
    assert after is not None
    assert after.at_us == 20
    assert before is None
    assert markers.after(30) is None
    assert len(markers.of("slow", "error")) == 2
    line = timeline(STEADY)
    assert seek_marker(begin(line), line, None) == begin(line)
    assert seek_marker(begin(line), line, markers.after(25)).at_us == 30


def test_an_error_is_shown_before_its_neighbours_in_one_cell() -> None:
    line = timeline([(0, 100)])
    shown = Markers([Marker(50, "slow"), Marker(51, "error"), Marker(99, "slow")]).at_cells(line, 2)
    assert {cell: marker.kind for cell, marker in shown.items()} == {1: "error"}


@given(st.lists(st.integers(0, 12), min_size=1, max_size=40))
def test_the_number_of_an_entry_is_its_row_plus_one(starts: list[int]) -> None:
    made = timeline([(start, start + 1) for start in starts])
    for row, seq in enumerate(made.index.seqs):
        assert made.number_of(seq, made.start_of(row)) == row + 1


def naive_idles(spans: Spans, limit: int) -> list[tuple[int, int]]:
    """Stretches without activity, found moment by moment from all that is an activity."""
    active = []
    for start, end in spans:
        if end == IN_FLIGHT:
            active.append((start, start))
        elif end - start > LONG_LIVED_US:
            active += [(start, start), (end, end)]
        else:
            active.append((start, end))
    found = []
    covered = min((start for start, _end in spans), default=0)
    for start, end in sorted(active):
        if start - covered > limit:
            found.append((covered, start))
        covered = max(covered, end)
    return found


@given(
    st.lists(
        st.tuples(
            st.integers(0, 4_000).map(lambda second: second * 100_000),
            st.sampled_from([0, 50_000, 900_000, 20_000_000, 31_000_000, 90_000_000, -1]),
        ),
        min_size=1,
        max_size=60,
    ),
    st.sampled_from([1, 3, 7, 512]),
    st.sampled_from([0, 1_000_000, 5_000_000]),
)
def test_idle_stretches_are_the_same_in_blocks_of_any_size(
    entries: list[tuple[int, int]], block: int, limit: int
) -> None:
    spans = sorted(
        (start, IN_FLIGHT if duration < 0 else start + duration) for start, duration in entries
    )
    before = timeline_module._BLOCK
    timeline_module._BLOCK = block
    try:
        line = timeline(spans, idle_limit_us=limit)
    finally:
        timeline_module._BLOCK = before
    assert [(idle.start_us, idle.end_us) for idle in line.idles] == naive_idles(spans, limit)
