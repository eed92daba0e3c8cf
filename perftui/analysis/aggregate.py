"""One page over all its pageviews: each resource's usual place in the waterfall.

A resource is recognised by its method and endpoint (host and path template), and by being the
first, second, … of that endpoint in its pageview. All times are µs since the start of the
pageview.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from perftui.analysis.endpoints import endpoint
from perftui.analysis.phases import Phase, PhaseName, phase_durations, phases, request_end_us
from perftui.analysis.resource_type import ResourceType, resource_type
from perftui.analysis.statistics import percentile
from perftui.analysis.waterfall import Bar, Viewport, Whisker, place, place_whisker
from perftui.model import PageView, Record


class Quartiles(msgspec.Struct, frozen=True):
    """The middle half of some durations or moments, µs."""

    p25_us: int
    median_us: int
    p75_us: int


class AggregateRow(msgspec.Struct, frozen=True, kw_only=True):
    """One resource over all pageviews.

    Attributes:
        endpoint: method (where known), host and path template.
        occurrence: 1 for the first call of the endpoint within a pageview, and so on.
        url: of the newest of them.
        present: in how many pageviews it was there.
        share: the same as a part of all pageviews, 0 to 1.
        start, duration, end: over the pageviews that have it; duration and end are of the calls
            that have ended, and None where none has. No quartile of ``end`` is before that of
            ``start``: a call that is still in flight ends after it began.
        phases: the median of each phase, laid end to end from the median start and brought to
            the median duration; one OPAQUE phase where most calls are opaque.
        transfer_size: median of the known sizes, bytes; None where none is known.
        error_count: how many of the calls had a status of 400 or more.
        seqs: the calls themselves.
    """

    endpoint: str
    occurrence: int
    url: str
    kind: ResourceType
    present: int
    share: float
    start: Quartiles
    duration: Quartiles | None
    end: Quartiles | None
    phases: tuple[Phase, ...]
    transfer_size: int | None
    error_count: int
    seqs: tuple[int, ...]


class AggregatedPage(msgspec.Struct, frozen=True):
    """The rows by median start, and over how many pageviews they are."""

    rows: tuple[AggregateRow, ...]
    page_view_count: int

    @property
    def end_us(self) -> int:
        """The latest third quartile of an end, µs since the start of the pageview."""
        return max(
            [(row.end or row.start).p75_us for row in self.rows],
            default=0,
        )


def aggregate(page_views: Iterable[tuple[PageView, Sequence[Record]]]) -> AggregatedPage:
    """Lay the pageviews of a page over each other.

    Args:
        page_views: each with its entries, in any order; entries that are no requests are ignored.
    """
    calls: dict[tuple[str, int], list[tuple[int, Record]]] = {}
    count = 0
    for page_view, records in page_views:
        count += 1
        for name, occurrence, record in occurrences(records):
            offset = record.time_origin_us - page_view.start_epoch_us
            calls.setdefault((name, occurrence), []).append((offset, record))
    rows = [_row(name, number, found, count) for (name, number), found in calls.items()]
    rows.sort(key=lambda row: (row.start.median_us, row.endpoint, row.occurrence))
    return AggregatedPage(tuple(rows), count)


def occurrences(records: Iterable[Record]) -> Iterator[tuple[str, int, Record]]:
    """The requests among some entries of a pageview, by start: each with its endpoint, and as
    which call of it (from 1)."""
    seen: dict[str, int] = {}
    requests = [record for record in records if record.entry.is_request]
    requests.sort(key=lambda record: (record.entry.start_us, record.seq))
    for record in requests:
        name = endpoint(record.entry.method, record.entry.name)
        seen[name] = occurrence = seen.get(name, 0) + 1
        yield name, occurrence, record


def _row(
    name: str, occurrence: int, calls: list[tuple[int, Record]], page_view_count: int
) -> AggregateRow:
    starts = [offset + record.entry.start_us for offset, record in calls]
    ended = [
        (offset + end, end - record.entry.start_us)
        for offset, record in calls
        if (end := request_end_us(record.entry)) is not None
    ]
    newest = max([record for _, record in calls], key=lambda record: record.seq)
    sizes = sorted(
        record.entry.transfer_size for _, record in calls if record.entry.transfer_size is not None
    )
    start = _quartiles(starts)
    duration = _quartiles([took for _, took in ended]) if ended else None
    return AggregateRow(
        endpoint=name,
        occurrence=occurrence,
        url=newest.entry.name,
        kind=resource_type(newest.entry),
        present=len(calls),
        share=len(calls) / page_view_count,
        start=start,
        duration=duration,
        end=_not_before(start, _quartiles([at for at, _ in ended])) if ended else None,
        phases=_median_phases(
            [record for _, record in calls],
            start.median_us,
            duration.median_us if duration is not None else 0,
        ),
        transfer_size=round(percentile(sizes, 0.5)) if sizes else None,
        error_count=sum((record.entry.response_status or 0) >= 400 for _, record in calls),
        seqs=tuple(sorted(record.seq for _, record in calls)),
    )


def _quartiles(values: Iterable[int]) -> Quartiles:
    ordered = sorted(values)
    return Quartiles(
        round(percentile(ordered, 0.25)),
        round(percentile(ordered, 0.5)),
        round(percentile(ordered, 0.75)),
    )


def _not_before(start: Quartiles, end: Quartiles) -> Quartiles:
    return Quartiles(
        max(start.p25_us, end.p25_us),
        max(start.median_us, end.median_us),
        max(start.p75_us, end.p75_us),
    )


def _median_phases(calls: Sequence[Record], start_us: int, duration_us: int) -> tuple[Phase, ...]:
    """The medians of the phases, in the order in which phases come, filling the duration."""
    told = [record.entry for record in calls if not record.entry.is_timing_opaque]
    told = [entry for entry in told if request_end_us(entry) is not None]
    if len(told) * 2 < len(calls) or duration_us <= 0 or not told:
        name = PhaseName.OPAQUE if len(told) * 2 < len(calls) else phases(calls[0].entry)[-1].name
        return (Phase(name, start_us, start_us + duration_us),)
    medians: dict[PhaseName, float] = {}
    durations = [phase_durations(entry) for entry in told]
    for name in PhaseName:
        values = sorted(known.get(name) or 0 for known in durations)
        if (median := percentile(values, 0.5)) > 0:
            medians[name] = median
    total = sum(medians.values())
    if total <= 0:
        return (Phase(PhaseName.WAIT, start_us, start_us + duration_us),)
    found: list[Phase] = []
    at = start_us
    covered = 0.0
    for name, median in medians.items():
        covered += median
        until = start_us + round(duration_us * covered / total)
        found.append(Phase(name, at, until))
        at = until
    return tuple(found)


def place_row(row: AggregateRow, viewport: Viewport) -> tuple[Bar | None, Whisker | None]:
    """The bar of an aggregated resource (median start and phases) and its whiskers (quartiles of
    start and end); None where they lie outside."""
    end = row.end or row.start
    return (
        place(row.phases, viewport, growing=row.end is None),
        place_whisker(row.start.p25_us, row.start.p75_us, end.p25_us, end.p75_us, viewport),
    )
