"""Reading the positions and spans of very many entries piece by piece.

A million entries are 24 MB as arrays; as one answer of SQLite, or as Python's own numbers to be
sorted, they would be ten times that for a moment. So they are read by some thousands, and put in
order of start while they come: batches know their earliest start, which says how much of what has
been read is final.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from operator import gt
from typing import NamedTuple

FIRST_ENTRIES = 4_096
"""Entries examined by the first statement: some screens full, to be seen at once. Each further
statement examines twice as many …"""

MOST_ENTRIES = 16_384
"""… up to so many: 15 ms of work, after which somebody who waits for another answer may break it off,
and 4 MB in all the forms that they take between SQLite and an array (JSON, text, Python's numbers)."""


class BatchRange(NamedTuple):
    """A batch of the selection.

    Attributes:
        row: its row in the table.
        first_seq, last_seq: its entries.
        start_us: µs since the epoch; nothing in it starts earlier. None where that is not known.
    """

    row: int
    first_seq: int
    last_seq: int
    start_us: int | None

    @property
    def entry_count(self) -> int:
        """How many entries it has, or had before some were taken away."""
        return self.last_seq - self.first_seq + 1


class Spans(NamedTuple):
    """Parallel arrays: positions, starts and ends."""

    seqs: array[int]
    starts: array[int]
    ends: array[int]

    @classmethod
    def none(cls) -> Spans:
        """Of no entry."""
        return cls(array("q"), array("q"), array("q"))

    def extend(self, other: Spans) -> None:
        """Append others. The positions come last: their length says how many there are."""
        self.starts.extend(other.starts)
        self.ends.extend(other.ends)
        self.seqs.extend(other.seqs)

    def taken(self, places: Sequence[int]) -> Spans:
        """Those at some places, in that order."""
        return Spans(
            array("q", map(self.seqs.__getitem__, places)),
            array("q", map(self.starts.__getitem__, places)),
            array("q", map(self.ends.__getitem__, places)),
        )

    def split(self, at: int) -> tuple[Spans, Spans]:
        """The first ones, and the rest."""
        return (
            Spans(self.seqs[:at], self.starts[:at], self.ends[:at]),
            Spans(self.seqs[at:], self.starts[at:], self.ends[at:]),
        )


def in_groups(batches: Iterable[BatchRange]) -> Iterator[list[BatchRange]]:
    """Neighbouring batches: :data:`FIRST_ENTRIES` entries of them or little more, then twice as many
    each time."""
    group: list[BatchRange] = []
    count, most = 0, FIRST_ENTRIES
    for batch in batches:
        group.append(batch)
        count += batch.entry_count
        if count >= most:
            yield group
            group, count, most = [], 0, min(most * 2, MOST_ENTRIES)
    if group:
        yield group


def floors(groups: Sequence[Sequence[BatchRange]], base_us: int) -> list[int | None]:
    """For each group, before what moment (µs since ``base_us``) nothing of the later groups starts;
    None where nothing comes later."""
    found: list[int | None] = []
    floor: int | None = None
    for group in reversed(groups):
        found.append(floor)
        starts = [
            -(2**63) if batch.start_us is None else batch.start_us - base_us for batch in group
        ]
        floor = min(starts) if floor is None else min(floor, *starts)
    found.reverse()
    return found


def by_start(pieces: Iterable[tuple[Spans, int | None]]) -> Iterator[Spans]:
    """The entries of pieces in order of start; of one moment, in order of arrival.

    Args:
        pieces: in order of arrival, each with the moment before which nothing of the later ones
            starts (None for the last one). Where one starts earlier all the same, the order holds
            within what is handed out at once only.
    """
    waiting = Spans.none()
    for piece, floor in pieces:
        waiting.extend(piece)
        starts = waiting.starts
        if floor is not None and (not starts or floor < min(starts)):
            continue
        if is_falling(starts):
            waiting = waiting.taken(sorted(range(len(starts)), key=starts.__getitem__))
        at = len(starts) if floor is None else bisect_right(waiting.starts, floor)
        final, waiting = waiting.split(at)
        yield final


def is_falling(numbers: array[int]) -> bool:
    """Whether a number is less than the one before it, anywhere."""
    return any(map(gt, numbers, islice(numbers, 1, None)))
