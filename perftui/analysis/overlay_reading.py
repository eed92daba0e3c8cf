"""From a Reader to the sessions of an overlay: the same way for the command and the screen."""

from __future__ import annotations

from collections.abc import Iterator

from perftui.analysis.filter_fields import FilterSettings
from perftui.analysis.filters import parse
from perftui.analysis.marks import vital_markers
from perftui.analysis.overlay import Track
from perftui.analysis.session_facts import VITAL_ENTRY_TYPES
from perftui.analysis.timeline import Marker
from perftui.analysis.vitals import vitals
from perftui.config import Settings
from perftui.model import Order, PageView, Reader, Record, SessionSummary

MOST_MARKED = 200
"""Pageviews of a session that have their LCP found: the first so many."""


def read_track(reader: Reader, summary: SessionSummary, settings: Settings) -> Track:
    """Read a session: what its requests were in flight, and what is marked.

    Args:
        settings: what is slow, and whose servers are the person's own.

    Raises:
        StoreError: the store cannot be read.
    """
    session_id, base_us = summary.session_id, summary.started_us
    words = FilterSettings(settings.thresholds, settings.sites.first_party)
    requests = reader.index(session_id, order=Order.ARRIVAL, predicate=parse("is:request", words))
    marks: list[Marker] = []
    for kind, expression in (("error", "is:error"), ("slow", "is:slow is:request")):
        found = reader.index(session_id, order=Order.ARRIVAL, predicate=parse(expression, words))
        marks += [
            Marker(start, kind, "", seq)
            for start, seq in zip(found.starts, found.seqs, strict=True)
        ]
    views = reader.page_views(session_id)
    marks += [Marker(view.start_epoch_us - base_us, "pageview", view.url or "") for view in views]
    marks += vital_markers(
        (
            view.time_origin_us - base_us,
            vitals(_vital_records(reader, view), view, settings.thresholds),
        )
        for view in views[:MOST_MARKED]
    ).of("lcp")
    return Track(summary, requests.starts, requests.ends, summary.duration_us, marks)


def _vital_records(reader: Reader, view: PageView) -> Iterator[Record]:
    return reader.iter_records(
        view.session_id, page_view_id=view.page_view_id, entry_types=VITAL_ENTRY_TYPES
    )
