"""The timelines of several sessions laid over each other, each from its own start.

All share one axis, as long as the longest session, in equal slots. Nothing is cut: an idle stretch is
as long as it was. After the end of a session nothing is known of it: its slots there are None, and
do not enter the quartiles. All times are µs since the session's own start.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple

from perftui.analysis.band import edges
from perftui.analysis.session_names import names_apart
from perftui.analysis.sparkline import heights
from perftui.analysis.statistics import percentile
from perftui.analysis.timeline import Marker
from perftui.model import IN_FLIGHT, SessionSummary

MOST_SHOWN = 12
"""So many sessions have a row of their own; the quartiles are of all of them."""

MARK_KINDS: tuple[str, ...] = ("error", "slow", "lcp", "pageview")
"""What is marked; of several marks in a slot the first of these is shown."""


class Track(NamedTuple):
    """A session as it was read.

    Attributes:
        starts, ends: of its requests, in any order; the end is ``IN_FLIGHT`` where it is not known.
        duration_us: from its start to its last end.
        marks: of :data:`MARK_KINDS`, in any order.
    """

    summary: SessionSummary
    starts: Sequence[int]
    ends: Sequence[int]
    duration_us: int
    marks: Sequence[Marker] = ()


class Lane(NamedTuple):
    """A session on the shared axis.

    Attributes:
        name: what it is called beside the others; not sanitised.
        in_flight: how many requests were in flight at some time within each slot; None once the
            session has ended.
        marks: slot -> the mark to show there.
        counts: kind -> how many marks of it there are, shown or not.
    """

    track: Track
    name: str
    in_flight: tuple[int | None, ...]
    marks: Mapping[int, Marker]
    counts: Mapping[str, int]

    @property
    def peak(self) -> int:
        """The most that were in flight within one slot."""
        return max((count for count in self.in_flight if count is not None), default=0)


class SlotQuartiles(NamedTuple):
    """Requests in flight within a slot over the sessions that have reached it."""

    p25: float
    median: float
    p75: float
    sessions: int


class Overlay(NamedTuple):
    """Sessions on one axis.

    Attributes:
        borders: of the slots, µs; one more than there are slots.
        lanes: in the order given.
        quartiles: of each slot; None where no session has come that far.
    """

    borders: tuple[int, ...]
    lanes: tuple[Lane, ...]
    quartiles: tuple[SlotQuartiles | None, ...]

    @property
    def duration_us(self) -> int:
        """Of the longest session."""
        return self.borders[-1] if self.borders else 0

    @property
    def peak(self) -> int:
        """What has the full height in every row, so that rows can be compared."""
        return max((lane.peak for lane in self.lanes), default=0)


def overlay(tracks: Iterable[Track], slots: int) -> Overlay:
    """Lay sessions over each other.

    Args:
        slots: how many the axis has.

    Raises:
        ValueError: there is no slot.
    """
    if slots < 1:
        raise ValueError("an axis has at least one slot")
    tracks = list(tracks)
    longest = max((track.duration_us for track in tracks), default=0)
    borders = edges(slots, longest)
    names = names_apart([track.summary for track in tracks])
    lanes = tuple(_lane(track, name, borders) for track, name in zip(tracks, names, strict=True))
    return Overlay(
        tuple(borders),
        lanes,
        tuple(_quartiles([lane.in_flight[slot] for lane in lanes]) for slot in range(slots)),
    )


def in_flight_counts(
    starts: Sequence[int], ends: Sequence[int], borders: Sequence[int], until_us: int
) -> list[int]:
    """How many of the requests were in flight at some time within each slot. One that takes no time
    is in flight in the slot of its start.

    Args:
        starts, ends: in any order.
        until_us: where a request ends whose end is not known.
    """
    slots = len(borders) - 1
    changes = array("q", bytes(8 * (slots + 1)))
    inner = borders[1:-1]
    for start, end in zip(starts, ends, strict=True):
        if end == IN_FLIGHT:
            end = until_us
        changes[bisect_right(inner, start)] += 1
        changes[bisect_right(inner, max(start, end - 1)) + 1] -= 1
    return list(accumulate(changes[:slots]))


def reached_slots(duration_us: int, borders: Sequence[int]) -> int:
    """How many slots a session has reached that lasted so long: at least the first."""
    return max(1, sum(border < duration_us for border in borders[:-1]))


def _lane(track: Track, name: str, borders: Sequence[int]) -> Lane:
    reached = reached_slots(track.duration_us, borders)
    counts = in_flight_counts(track.starts, track.ends, borders, track.duration_us)
    slots = len(borders) - 1
    shown: dict[int, Marker] = {}
    totals = dict.fromkeys(MARK_KINDS, 0)
    for mark in sorted(track.marks, key=lambda mark: (MARK_KINDS.index(mark.kind), mark.at_us)):
        totals[mark.kind] += 1
        # A vital is told of a page that was left; it is shown where the session ends.
        shown.setdefault(min(reached - 1, bisect_right(borders[1:-1], mark.at_us)), mark)
    return Lane(track, name, (*counts[:reached], *[None] * (slots - reached)), shown, totals)


def _quartiles(counts: Iterable[int | None]) -> SlotQuartiles | None:
    known = sorted(count for count in counts if count is not None)
    if not known:
        return None
    p25, median, p75 = (percentile(known, share) for share in (0.25, 0.5, 0.75))
    return SlotQuartiles(p25, median, p75, len(known))


def levels_of(values: Sequence[float | None], levels: int, peak: float) -> list[int | None]:
    """The height of each slot, 0 to ``levels``; None where nothing is known.

    Args:
        peak: what has the full height.
    """
    drawn = heights([value or 0 for value in values], levels, most=peak)
    return [None if value is None else height for value, height in zip(values, drawn, strict=True)]
