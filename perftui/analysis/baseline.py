"""What a pageview is held against: another load of its page, the median of all of them, or what
each endpoint usually takes.

A request is found again in the baseline as in :mod:`perftui.analysis.aggregate`: by its endpoint,
and by being the first, second, … call of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from perftui.analysis.aggregate import AggregatedPage, occurrences
from perftui.analysis.marks import Mark
from perftui.analysis.phases import request_duration_us
from perftui.analysis.statistics import percentile
from perftui.model import Record

EVERY_CALL = 0
"""In place of the number of a call: holds for all calls of the endpoint."""


class Baseline(msgspec.Struct, frozen=True, kw_only=True):
    """One of them.

    Attributes:
        name: for people, such as ``P3 /checkout`` or ``median of 12 loads``; from outside.
        durations: (endpoint, number of the call) -> µs; None where it did not end.
        is_load: whether it is a load of the page (or their median), so that requests, bytes and
            marks can be held against it too.
        transfer_bytes: known sizes in all.
        marks: ``FCP``, ``LCP``, ``DCL``, ``load`` -> µs since the time origin.
    """

    name: str
    durations: Mapping[tuple[str, int], int | None]
    is_load: bool = True
    transfer_bytes: int = 0
    marks: Mapping[str, int] = {}

    def was_us(self, endpoint: str, occurrence: int) -> int | None:
        """How long a call took; None where it was not there or did not end."""
        key = (endpoint, occurrence)
        if key not in self.durations:
            key = (endpoint, EVERY_CALL)
        return self.durations.get(key)


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """How a pageview differs from a baseline.

    Attributes:
        marks: name -> µs later (negative: earlier); those that both have.
        new, gone: endpoints of calls that only the pageview, or only the baseline, has.
        transfer_bytes: how much more was transferred.
        slowest: the endpoint that took the most longer, and by how many µs; None for none.
    """

    marks: Mapping[str, int]
    new: tuple[str, ...]
    gone: tuple[str, ...]
    transfer_bytes: int
    slowest: tuple[str, int] | None = None


def load_baseline(name: str, records: Iterable[Record], marks: Iterable[Mark]) -> Baseline:
    """Another load of the page."""
    requests = [record for record in records if record.entry.is_request]
    return Baseline(
        name=name,
        durations={
            (endpoint, occurrence): request_duration_us(record.entry)
            for endpoint, occurrence, record in occurrences(requests)
        },
        transfer_bytes=sum(record.entry.transfer_size or 0 for record in requests),
        marks={mark.name: mark.at_us for mark in marks},
    )


def median_baseline(name: str, page: AggregatedPage, marks: Iterable[Sequence[Mark]]) -> Baseline:
    """The median of all loads of the page. What most loads do not have is not part of it.

    Args:
        marks: those of each load.
    """
    usual = [row for row in page.rows if row.share >= 0.5]
    return Baseline(
        name=name,
        durations={
            (row.endpoint, row.occurrence): None if row.duration is None else row.duration.median_us
            for row in usual
        },
        transfer_bytes=sum(row.transfer_size or 0 for row in usual),
        marks={mark.name: mark.at_us for mark in median_marks(marks)},
    )


def usual_baseline(medians: Mapping[str, int]) -> Baseline:
    """What each endpoint usually takes, in whatever page: endpoint -> median in µs."""
    return Baseline(
        name="what each endpoint usually takes",
        durations={(endpoint, EVERY_CALL): median for endpoint, median in medians.items()},
        is_load=False,
    )


def median_marks(marks: Iterable[Sequence[Mark]]) -> tuple[Mark, ...]:
    """The median of each mark over the loads that have it, in order of time; without rating."""
    found: dict[str, list[int]] = {}
    for one in marks:
        for mark in one:
            found.setdefault(mark.name, []).append(mark.at_us)
    medians = [Mark(name, round(percentile(sorted(at), 0.5))) for name, at in found.items()]
    return tuple(sorted(medians, key=lambda mark: mark.at_us))


def difference(
    baseline: Baseline, records: Iterable[Record], marks: Iterable[Mark]
) -> Difference | None:
    """Hold a pageview against a load of its page; None where the baseline is no load."""
    if not baseline.is_load:
        return None
    now = load_baseline("", records, marks)
    longer = {
        endpoint: took - was
        for (endpoint, occurrence), took in now.durations.items()
        if took is not None
        and (was := baseline.durations.get((endpoint, occurrence))) is not None
        and took > was
    }
    return Difference(
        marks={
            name: at_us - baseline.marks[name]
            for name, at_us in now.marks.items()
            if name in baseline.marks
        },
        new=tuple([name for name, call in now.durations if (name, call) not in baseline.durations]),
        gone=tuple(
            [name for name, call in baseline.durations if (name, call) not in now.durations]
        ),
        transfer_bytes=now.transfer_bytes - baseline.transfer_bytes,
        slowest=max(longer.items(), key=lambda item: item[1], default=None),
    )
