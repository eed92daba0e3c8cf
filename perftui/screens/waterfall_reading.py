"""What the waterfall screen reads of the store, in threads: immutable messages come out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from textual.message import Message

from perftui.analysis.aggregate import AggregatedPage, aggregate
from perftui.analysis.baseline import (
    Baseline,
    load_baseline,
    median_baseline,
    median_marks,
    usual_baseline,
)
from perftui.analysis.critical_path import Chain, critical_chain
from perftui.analysis.endpoints import endpoint, url_endpoint
from perftui.analysis.frames import with_frames
from perftui.analysis.marks import Mark, page_marks
from perftui.analysis.vitals import vitals
from perftui.config import Thresholds
from perftui.model import PageView, Reader, Record, SessionSummary, Usual
from perftui.screens.base import StoreTrouble

MOST_LOADS = 200
"""Loads of a page that are laid over each other: the latest ones."""

MOST_CHOICES = 9
"""Loads to choose a baseline from: the latest ones, one for each of the keys 1 to 9."""

MOST_SESSIONS = 2_000
"""Sessions that are looked through for loads of a page, the latest first."""


class WaterfallTold(Message):
    """A pageview with its entries.

    Attributes:
        page_views: of the session.
        marks: of the pageview, by time; none where it is no load.
        chain: what led to the LCP; None where there is none.
        baseline: what it is held against.
    """

    def __init__(
        self,
        summary: SessionSummary,
        page_views: Sequence[PageView],
        view: PageView,
        records: Sequence[Record],
        marks: tuple[Mark, ...],
        chain: Chain | None,
        baseline: Baseline | None,
    ) -> None:
        super().__init__()
        self.summary = summary
        self.page_views = tuple(page_views)
        self.view = view
        self.records = tuple(records)
        self.marks = marks
        self.chain = chain
        self.baseline = baseline


class AggregateTold(Message):
    """All loads of a page.

    Attributes:
        marks: the medians.
    """

    def __init__(self, page: str, aggregated: AggregatedPage, marks: tuple[Mark, ...]) -> None:
        super().__init__()
        self.page = page
        self.aggregated = aggregated
        self.marks = marks


class LoadsTold(Message):
    """Loads of the same page to choose a baseline from, the latest first; without the one that is
    looked at."""

    def __init__(self, loads: Sequence[tuple[SessionSummary, PageView]]) -> None:
        super().__init__()
        self.loads = tuple(loads)


FindBaseline = Callable[[Reader, PageView, Sequence[Record]], Baseline | None]
"""Reads what a pageview (with its entries) is to be held against."""


def look_up(
    reader: Reader,
    session_id: str,
    page_view_id: str | None,
    thresholds: Thresholds,
    find_baseline: FindBaseline | None = None,
) -> WaterfallTold | StoreTrouble:
    """Read a pageview: the one asked for, else the first with requests."""
    views = reader.page_views(session_id)
    chosen = next((view for view in views if view.page_view_id == page_view_id), None)
    if chosen is None:
        chosen = next((view for view in views if view.request_count), views[0] if views else None)
    if chosen is None:
        return StoreTrouble("This session has no pageview yet.")
    records = with_frames(reader.iter_records(session_id, page_view_id=chosen.page_view_id))
    measured = vitals(records, chosen, thresholds)
    marks = _marks(chosen, records, thresholds)
    load_us = next((mark.at_us for mark in marks if mark.name == "load"), None)
    return WaterfallTold(
        reader.session(session_id),
        views,
        chosen,
        records,
        marks,
        critical_chain(records, measured.lcp, load_us),
        find_baseline(reader, chosen, records) if find_baseline is not None else None,
    )


def _usual(reader: Reader, records: Sequence[Record]) -> dict[str, Usual]:
    names = {
        endpoint(record.entry.method, record.entry.name)
        for record in records
        if record.entry.is_request
    }
    return {name: reader.usual(name) for name in sorted(names)}


def _marks(view: PageView, records: Sequence[Record], limits: Thresholds) -> tuple[Mark, ...]:
    if view.kind not in {None, "load"}:
        return ()
    return page_marks(records, vitals(records, view, limits))


def loads_of(reader: Reader, page: str) -> Iterator[tuple[SessionSummary, PageView]]:
    """The pageviews of a page (host and path template) with requests, those of the most recently
    received session first."""
    for session_id, page_view_id, url in reader.page_view_urls(sessions=MOST_SESSIONS):
        if url_endpoint(url) != page:
            continue
        views = reader.page_views(session_id)
        view = next((one for one in views if one.page_view_id == page_view_id), None)
        if view is not None:
            yield reader.session(session_id), view


def find_loads(reader: Reader, view: PageView) -> LoadsTold:
    """Loads to choose a baseline from."""
    found: list[tuple[SessionSummary, PageView]] = []
    for summary, other in loads_of(reader, url_endpoint(view.url or "")):
        if (other.session_id, other.page_view_id) != (view.session_id, view.page_view_id):
            found.append((summary, other))
        if len(found) == MOST_CHOICES:
            break
    return LoadsTold(found)


def _read_loads(
    reader: Reader, page: str, thresholds: Thresholds
) -> tuple[AggregatedPage, list[tuple[Mark, ...]]]:
    loads: list[tuple[PageView, list[Record]]] = []
    for summary, view in loads_of(reader, page):
        records = with_frames(
            reader.iter_records(summary.session_id, page_view_id=view.page_view_id)
        )
        loads.append((view, records))
        if len(loads) == MOST_LOADS:
            break
    return aggregate(loads), [_marks(view, records, thresholds) for view, records in loads]


def look_up_page(reader: Reader, page: str, thresholds: Thresholds) -> AggregateTold:
    """Read all loads of a page, of all sessions, the latest ones."""
    aggregated, marks = _read_loads(reader, page, thresholds)
    return AggregateTold(page, aggregated, median_marks(marks))


def against_load(name: str, session_id: str, page_view_id: str, limits: Thresholds) -> FindBaseline:
    """The baseline is another load."""

    def find(reader: Reader, view: PageView, records: Sequence[Record]) -> Baseline | None:
        views = reader.page_views(session_id)
        other = next((one for one in views if one.page_view_id == page_view_id), None)
        if other is None:
            return None
        theirs = with_frames(reader.iter_records(session_id, page_view_id=page_view_id))
        return load_baseline(name, theirs, _marks(other, theirs, limits))

    return find


def against_median(limits: Thresholds) -> FindBaseline:
    """The baseline is the median of all loads of the page."""

    def find(reader: Reader, view: PageView, records: Sequence[Record]) -> Baseline | None:
        aggregated, marks = _read_loads(reader, url_endpoint(view.url or ""), limits)
        count = aggregated.page_view_count
        return median_baseline(f"the median of {count} loads", aggregated, marks)

    return find


def against_usual(reader: Reader, view: PageView, records: Sequence[Record]) -> Baseline:
    """The baseline is what each endpoint usually takes."""
    usual = _usual(reader, records)
    return usual_baseline(
        {name: one.median_us for name, one in usual.items() if one.median_us is not None}
    )
