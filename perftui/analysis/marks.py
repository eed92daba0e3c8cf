"""Moments worth a line in the waterfall or a sign on the transport."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from perftui.analysis.severity import Level, is_error, judge
from perftui.analysis.timeline import Marker, Markers
from perftui.analysis.vitals import Rating, Vitals
from perftui.analysis.waterfall import Viewport
from perftui.config import Thresholds
from perftui.model import Record

DEFAULT_THRESHOLDS = Thresholds()


class Mark(msgspec.Struct, frozen=True):
    """A vertical mark of a pageview.

    Attributes:
        name: ``FCP``, ``LCP``, ``DCL`` or ``load``.
        at_us: µs since the time origin.
        rating: of FCP and LCP; None for the others.
    """

    name: str
    at_us: int
    rating: Rating | None = None


def page_marks(records: Iterable[Record], vitals: Vitals) -> tuple[Mark, ...]:
    """FCP, LCP, DOMContentLoaded and load of a pageview, in order of time; those that are known.

    Source of the latter two: ``domContentLoadedEventEnd`` and ``loadEventEnd`` of Navigation
    Timing.
    """
    marks = [
        Mark(vital.name, vital.at_us, vital.rating)
        for vital in (vitals.fcp, vitals.lcp)
        if vital is not None
    ]
    navigation = next((one for one in records if one.entry.entry_type == "navigation"), None)
    if navigation is not None:
        for name, field in (("DCL", "domContentLoadedEventEnd"), ("load", "loadEventEnd")):
            value = navigation.entry.extra.get(field)
            if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
                marks.append(Mark(name, round(value * 1000)))
    return tuple(sorted(marks, key=lambda mark: mark.at_us))


MARK_RANKS = ("LCP", "FCP", "load", "DCL")
"""Which mark is named first where there is no room for all names."""


class MarkLabel(NamedTuple):
    """The name of a mark in its place on the axis."""

    cell: int
    text: str
    mark: Mark


def mark_labels(
    marks: Iterable[Mark], viewport: Viewport, text: Callable[[Mark], Sequence[str]]
) -> list[MarkLabel]:
    """Names for the marks that a viewport shows, left to right, none over another one or beyond
    the edge. The most important mark gets its longest name, the next one the longest that still
    fits, and one that finds no room stays without.

    Args:
        text: the names of a mark, the longest first, each with the sign that stands in the
            mark's own cell; one cell a character.
    """
    ranked = sorted(marks, key=lambda mark: (mark_rank(mark), mark.at_us))
    placed: list[MarkLabel] = []
    for mark in ranked:
        cell = viewport.cell(mark.at_us)
        if not 0 <= cell < viewport.width:
            continue
        right = min([one.cell for one in placed if one.cell > cell], default=viewport.width + 1)
        left = max([one.cell + len(one.text) for one in placed if one.cell <= cell], default=-1)
        if left >= cell:
            continue
        name = next((one for one in text(mark) if cell + len(one) + 1 <= right), None)
        if name is not None:
            placed.append(MarkLabel(cell, name, mark))
    return sorted(placed)


def mark_rank(mark: Mark) -> int:
    """Its place in :data:`MARK_RANKS`; marks of other names come after those."""
    return MARK_RANKS.index(mark.name) if mark.name in MARK_RANKS else len(MARK_RANKS)


def markers(
    records: Iterable[Record],
    session_start_us: int,
    thresholds: Thresholds = DEFAULT_THRESHOLDS,
    page_urls: Mapping[str, str | None] | None = None,
) -> Markers:
    """The markers of a session: errors, slow requests, long tasks from the length that counts as
    slow, route changes, poor shifts and interactions, analytics events.

    Args:
        records: all entries, or those of them that can be markers at all (``is:slow OR is:error``
            and the entry types that are no requests), in any order.
        session_start_us: µs since the epoch that session time counts from.
        page_urls: pageview ID -> its URL, to recognise failed requests of the page's own origin.
    """
    urls = page_urls or {}
    return Markers(
        Marker(record.start_epoch_us - session_start_us, kind, label, record.seq)
        for record in records
        for kind, label in _markers_of(record, thresholds, urls.get(record.page_view_id))
    )


def _markers_of(
    record: Record, thresholds: Thresholds, page_url: str | None
) -> list[tuple[str, str]]:
    entry = record.entry
    if entry.entry_type == "pageview":
        return [("route", entry.name)] if record.page_view_number > 1 else []
    if entry.entry_type == "capture":
        return [("capture", entry.name)]
    if entry.entry_type == "largest-contentful-paint":
        # Candidates are no markers: which of them is the LCP is known at the end only.
        return []
    if is_error(entry, page_url):
        words = judge(entry, thresholds, page_url=page_url).words
        return [("error", words or entry.name)]
    severity = judge(entry, thresholds, page_url=page_url)
    if severity.level < Level.SLOW:
        return []
    kind = {
        "longtask": "task",
        "long-animation-frame": "task",
        "event": "inp",
        "first-input": "inp",
        "layout-shift": "cls",
    }.get(entry.entry_type, "slow")
    return [(kind, severity.reasons[0].words)]


def vital_markers(vitals: Iterable[tuple[int, Vitals]]) -> Markers:
    """LCP and INP of pageviews as markers.

    Args:
        vitals: for each pageview the session time of its time origin (µs), and its metrics.
    """
    return Markers(
        Marker(
            origin + vital.at_us,
            vital.name.lower(),
            f"{vital.name} {vital.value:.0f} ms",
            vital.records[0].seq if vital.records else None,
        )
        for origin, one in vitals
        for vital in (one.lcp, one.inp)
        if vital is not None
    )
