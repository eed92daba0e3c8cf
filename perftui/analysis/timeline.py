"""The replay: what had begun, what was in flight, and how played time maps to session time.

A :class:`Timeline` is made once from an index (in a worker: a million entries take about a
second); a :class:`Cursor` is a frozen state that the functions here turn into the next one. Time
is never read: the caller says how much of it has passed.

Session time is µs since the index's ``base_us``. Played time is session time with idle stretches
cut to the idle limit: what the transport shows, and what passes at speed 1.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from itertools import islice, pairwise
from operator import gt
from typing import NamedTuple

from perftui.model import IN_FLIGHT, EntryIndex

SPEEDS: tuple[float, ...] = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)

LONG_LIVED_US = 30_000_000
"""What stays open longer than this is a stream (EventSource, WebSocket, long polling): it counts
as activity at its start and its end only, or no session with one would have an idle stretch."""

_BLOCK = 512
"""Entries in a block of the index of ends; each block knows its latest end."""


class Idle(NamedTuple):
    """A stretch of session time without activity, longer than the idle limit."""

    start_us: int
    end_us: int
    played_start_us: int
    """Where it begins in played time; it lasts exactly the idle limit there."""


class Timeline:
    """The entries of a session by start, ready to be asked what was going on at any moment.

    Attributes:
        index: what it was made of, by start.
        start_us, end_us: session time of the first start and of the last end.
        idle_limit_us: how long an idle stretch lasts at most when played; None leaves them whole.
        idles: the stretches that are cut, in order.
        played_us: how long the whole session lasts when played.
    """

    def __init__(self, index: EntryIndex, idle_limit_us: int | None = None) -> None:
        """Raises ValueError where the index is not in order of start."""
        self.index = index
        self._starts = index.starts
        self._ends = index.ends
        count = len(index)
        if any(map(gt, self._starts, islice(self._starts, 1, None))):
            raise ValueError("a timeline needs the index in order of start")
        self._latest = array(
            "q", [max(self._ends[at : at + _BLOCK]) for at in range(0, count, _BLOCK)]
        )
        self.start_us = self._starts[0] if count else 0
        last_end = max(self._latest, default=self.start_us)
        if last_end == IN_FLIGHT:
            last_end = max((end for end in self._ends if end != IN_FLIGHT), default=self.start_us)
        self.end_us = max(last_end, self._starts[-1]) if count else self.start_us
        self.idle_limit_us = idle_limit_us
        self.idles: tuple[Idle, ...] = ()
        if idle_limit_us is not None:
            self.idles = tuple(self._find_idles(max(0, idle_limit_us)))
        self._idle_starts = [idle.start_us for idle in self.idles]
        self._idle_played = [idle.played_start_us for idle in self.idles]
        self.played_us = self.to_played(self.end_us)

    def with_idle_limit(self, idle_limit_us: int | None) -> Timeline:
        """The same session with another idle limit."""
        return Timeline(self.index, idle_limit_us)

    def _find_idles(self, limit: int) -> Iterable[Idle]:
        """Stretches longer than ``limit`` that no entry covers."""
        starts, ends = self._starts, self._ends
        covered = self.start_us
        saved = 0
        blocks = [
            (first, min(first + _BLOCK, len(starts)), latest)
            for first, latest in zip(range(0, len(starts), _BLOCK), self._latest, strict=True)
        ]
        # Ends of streams stand alone: they are moments of activity like starts.
        stream_ends = sorted(
            end
            for first, last, latest in blocks
            if latest - starts[first] > LONG_LIVED_US
            for start, end in zip(starts[first:last], ends[first:last], strict=True)
            if end != IN_FLIGHT and end - start > LONG_LIVED_US
        )
        pending = iter([*stream_ends, IN_FLIGHT])
        next_end = next(pending)
        for first, last, latest in blocks:
            if (
                latest - starts[first] <= LONG_LIVED_US
                and starts[last - 1] - covered <= limit
                and starts[last - 1] < next_end
            ):
                # No stream in it, and nowhere room for an idle stretch: most blocks are like this.
                covered = max(covered, latest)
                continue
            for start, end in zip(starts[first:last], ends[first:last], strict=True):
                while next_end <= start:
                    if next_end - covered > limit:
                        yield Idle(covered, next_end, covered - self.start_us - saved)
                        saved += next_end - covered - limit
                    covered = max(covered, next_end)
                    next_end = next(pending)
                if start - covered > limit:
                    yield Idle(covered, start, covered - self.start_us - saved)
                    saved += start - covered - limit
                if end == IN_FLIGHT or end - start > LONG_LIVED_US:
                    end = start
                if end > covered:
                    covered = end
        while next_end != IN_FLIGHT:
            if next_end - covered > limit:
                yield Idle(covered, next_end, covered - self.start_us - saved)
                saved += next_end - covered - limit
            covered = max(covered, next_end)
            next_end = next(pending)

    # --- session time and played time -----------------------------------------------------

    def to_played(self, at_us: int) -> int:
        """Played time of a moment of session time, both µs; monotone."""
        at_us = min(max(at_us, self.start_us), self.end_us)
        number = bisect_right(self._idle_starts, at_us) - 1
        if number < 0:
            return at_us - self.start_us
        idle = self.idles[number]
        limit = self.idle_limit_us or 0
        if at_us < idle.end_us:
            into = (at_us - idle.start_us) * limit // (idle.end_us - idle.start_us)
            return idle.played_start_us + into
        return idle.played_start_us + limit + at_us - idle.end_us

    def to_session(self, played_us: int) -> int:
        """Session time of a moment of played time, both µs; monotone."""
        if played_us <= 0:
            return self.start_us
        number = bisect_right(self._idle_played, played_us) - 1
        if number < 0:
            return min(self.start_us + played_us, self.end_us)
        idle = self.idles[number]
        limit = self.idle_limit_us or 0
        into = played_us - idle.played_start_us
        if into < limit:
            return idle.start_us + into * (idle.end_us - idle.start_us) // limit
        return min(idle.end_us + into - limit, self.end_us)

    def fraction(self, at_us: int) -> float:
        """Where a moment of session time stands on the transport, 0 to 1."""
        return self.to_played(at_us) / self.played_us if self.played_us else 0.0

    # --- what there is at a moment --------------------------------------------------------

    def visible_count(self, at_us: int) -> int:
        """How many entries have started by then: the first so many rows by start."""
        return bisect_right(self._starts, at_us)

    def in_flight(self, at_us: int, limit: int | None = None) -> list[int]:
        """Positions (in the index) of what had started by then and ended later, ascending.

        Reads the latest end of each block of entries and only the blocks that reach beyond the
        moment: what it costs depends on what is in flight, not on the session's length.

        Args:
            limit: at most so many, the last started.
        """
        count = bisect_right(self._starts, at_us)
        if not count:
            return []
        ends = self._ends
        found: list[int] = []
        candidates = [
            block
            for block, latest in enumerate(self._latest[: -(-count // _BLOCK)])
            if latest > at_us
        ]
        for block in reversed(candidates):
            first = block * _BLOCK
            last = min(first + _BLOCK, count)
            found.extend(
                [first + number for number, end in enumerate(ends[first:last]) if end > at_us][::-1]
            )
            if limit is not None and len(found) >= limit:
                del found[limit:]
                break
        found.reverse()
        return found

    def start_of(self, row: int) -> int:
        """Session time at which a row's entry started."""
        return self._starts[row]

    def number_of(self, seq: int, at_us: int) -> int:
        """The number of an entry by start, from 1, whatever a filter leaves out: the row that
        :meth:`start_of` takes, plus 1.

        Args:
            seq: its position in the store.
            at_us: its start, session time.
        """
        row = bisect_left(self._starts, at_us)
        seqs = self.index.seqs
        while row + 1 < len(seqs) and seqs[row] != seq and self._starts[row + 1] == at_us:
            row += 1
        return row + 1

    def next_start(self, at_us: int) -> int | None:
        """The first start after a moment; None after the last."""
        number = bisect_right(self._starts, at_us)
        return self._starts[number] if number < len(self._starts) else None

    def previous_start(self, at_us: int) -> int | None:
        """The last start before a moment; None before the first."""
        number = bisect_left(self._starts, at_us) - 1
        return self._starts[number] if number >= 0 else None

    def density(self, buckets: int) -> list[int]:
        """How many entries start in each of ``buckets`` equal parts of the played session."""
        if buckets <= 0 or not len(self._starts):
            return [0] * max(0, buckets)
        edges = [
            bisect_left(self._starts, self.to_session(self.played_us * number // buckets))
            for number in range(1, buckets)
        ]
        edges = [0, *edges, len(self._starts)]
        return [right - left for left, right in pairwise(edges)]


class Marker(NamedTuple):
    """A moment worth jumping to.

    Attributes:
        at_us: session time.
        kind: ``error``, ``slow``, ``lcp``, ``inp``, ``cls``, ``route``, ``capture``, …
        label: a few words; not sanitised.
        seq: the entry it stands for, if any.
    """

    at_us: int
    kind: str
    label: str = ""
    seq: int | None = None


class Markers:
    """Markers in order of time."""

    def __init__(self, markers: Iterable[Marker] = ()) -> None:
        self._markers = sorted(markers, key=lambda marker: marker.at_us)
        self._moments = [marker.at_us for marker in self._markers]

    def __len__(self) -> int:
        return len(self._markers)

    def __iter__(self) -> Iterator[Marker]:
        return iter(self._markers)

    def of(self, *kinds: str) -> Markers:
        """Those of some kinds only."""
        return Markers(marker for marker in self._markers if marker.kind in kinds)

    def after(self, at_us: int) -> Marker | None:
        """The first one later than a moment."""
        number = bisect_right(self._moments, at_us)
        return self._markers[number] if number < len(self._markers) else None

    def before(self, at_us: int) -> Marker | None:
        """The last one earlier than a moment."""
        number = bisect_left(self._moments, at_us) - 1
        return self._markers[number] if number >= 0 else None

    def at_cells(self, timeline: Timeline, width: int) -> dict[int, Marker]:
        """The marker to show in each cell of a transport bar of ``width`` cells, in played time;
        the first of a cell, errors before all others."""
        found: dict[int, Marker] = {}
        for marker in self._markers:
            cell = min(width - 1, int(timeline.fraction(marker.at_us) * width))
            known = found.get(cell)
            if known is None or (marker.kind == "error" and known.kind != "error"):
                found[cell] = marker
        return found


class Cursor(NamedTuple):
    """Where a replay stands.

    Attributes:
        at_us: session time of the playhead.
        played_us: the same in played time.
        playing: whether time passes.
        speed: one of :data:`SPEEDS`.
    """

    at_us: int = 0
    played_us: int = 0
    playing: bool = False
    speed: float = 1.0


def begin(timeline: Timeline, speed: float = 1.0, *, playing: bool = False) -> Cursor:
    """A cursor at the start of a session."""
    return Cursor(timeline.start_us, 0, playing, speed)


def play(cursor: Cursor, timeline: Timeline) -> Cursor:
    """Let time pass; at the end, from the beginning."""
    if cursor.at_us >= timeline.end_us:
        cursor = seek(cursor, timeline, timeline.start_us)
    return cursor._replace(playing=True)


def pause(cursor: Cursor) -> Cursor:
    """Stop where it is."""
    return cursor._replace(playing=False)


def toggle(cursor: Cursor, timeline: Timeline) -> Cursor:
    """Play where paused, pause where playing."""
    return pause(cursor) if cursor.playing else play(cursor, timeline)


def faster(cursor: Cursor) -> Cursor:
    """The next higher speed, if there is one."""
    number = bisect_right(SPEEDS, cursor.speed)
    return cursor._replace(speed=SPEEDS[min(number, len(SPEEDS) - 1)])


def slower(cursor: Cursor) -> Cursor:
    """The next lower speed, if there is one."""
    number = bisect_left(SPEEDS, cursor.speed) - 1
    return cursor._replace(speed=SPEEDS[max(number, 0)])


def with_speed(cursor: Cursor, speed: float) -> Cursor:
    """Any speed, held between the lowest and the highest of :data:`SPEEDS`."""
    return cursor._replace(speed=min(max(speed, SPEEDS[0]), SPEEDS[-1]))


def advance(cursor: Cursor, timeline: Timeline, elapsed_us: int) -> Cursor:
    """What ``elapsed_us`` of real time make of it: nothing while paused; at the end it pauses."""
    if not cursor.playing or elapsed_us <= 0:
        return cursor
    played = cursor.played_us + int(elapsed_us * cursor.speed)
    if played >= timeline.played_us:
        return cursor._replace(at_us=timeline.end_us, played_us=timeline.played_us, playing=False)
    at = max(cursor.at_us, timeline.to_session(played))
    return cursor._replace(at_us=at, played_us=played)


def seek(cursor: Cursor, timeline: Timeline, at_us: int) -> Cursor:
    """Move to a moment of session time, held within the session; playing goes on."""
    at = min(max(at_us, timeline.start_us), timeline.end_us)
    return cursor._replace(at_us=at, played_us=timeline.to_played(at))


def carry_over(cursor: Cursor, before: Timeline, now: Timeline) -> Cursor:
    """The cursor in a session of which more is known now: at the same moment, also where something
    older has come so that moments count from another one; who was at the end is at the end."""
    if cursor.at_us >= before.end_us:
        return seek(cursor, now, now.end_us)
    return seek(cursor, now, cursor.at_us + before.index.base_us - now.index.base_us)


def seek_by(cursor: Cursor, timeline: Timeline, by_us: int) -> Cursor:
    """Move by so much played time (the arrow keys), negative to go back."""
    played = min(max(cursor.played_us + by_us, 0), timeline.played_us)
    if by_us > 0 and played == timeline.played_us:
        # Where all of it is idle and cut to nothing, its end is no other moment of played time.
        return seek(cursor, timeline, timeline.end_us)
    return cursor._replace(at_us=timeline.to_session(played), played_us=played)


def seek_fraction(cursor: Cursor, timeline: Timeline, fraction: float) -> Cursor:
    """Move to a part (0 to 1) of the played session: percent, the number keys, the mouse."""
    if fraction >= 1.0:
        return seek(cursor, timeline, timeline.end_us)
    played = round(max(fraction, 0.0) * timeline.played_us)
    return cursor._replace(at_us=timeline.to_session(played), played_us=played)


def seek_row(cursor: Cursor, timeline: Timeline, row: int) -> Cursor:
    """Move to the start of a row's entry; rows outside of the session are its first or last."""
    if not len(timeline.index):
        return cursor
    return seek(cursor, timeline, timeline.start_of(min(max(row, 0), len(timeline.index) - 1)))


def seek_marker(cursor: Cursor, timeline: Timeline, marker: Marker | None) -> Cursor:
    """Move to a marker; stays where there is none."""
    return cursor if marker is None else seek(cursor, timeline, marker.at_us)


def step(cursor: Cursor, timeline: Timeline, by: int = 1) -> Cursor:
    """Pause, and move to the next start (``by`` 1) or the previous one (-1), or so many on."""
    cursor = pause(cursor)
    for _ in range(abs(by)):
        at = cursor.at_us
        found = timeline.next_start(at) if by > 0 else timeline.previous_start(at)
        if found is None:
            return seek(cursor, timeline, timeline.end_us if by > 0 else timeline.start_us)
        cursor = seek(cursor, timeline, found)
    return cursor
