"""What the questions are asked about: the requests, pageviews and metrics of some sessions, sorted
out once.

Every figure of an answer comes from here, so that two answers never disagree about what a
request, an API call or a third party is.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from math import nan
from typing import Self

import numpy as np

from perftui.analysis.endpoints import registrable_domain, split_url
from perftui.analysis.insights.answer import Coverage
from perftui.analysis.insights.requests import ALWAYS, Requests, parted
from perftui.analysis.vitals import Vitals, loading_vitals, vitals
from perftui.config import Thresholds
from perftui.model import PageView, Record, SessionSummary
from perftui.request_columns import ColumnSource, Floats, Integers

DEFAULT_THRESHOLDS = Thresholds()

PAINT_TYPES = (
    *("navigation", "paint", "largest-contentful-paint", "event", "first-input", "action"),
    *("visibility", "visibility-state", "pageview"),
)
"""Entries that LCP, FCP, INP and TTFB are made of."""

LOAD_KINDS = frozenset({None, "load", "bfcache"})
"""Kinds of pageviews that loaded a document, or showed one again; not changes of route."""


class Study:
    """Entries of some sessions.

    Args:
        source: their columns.
        summaries: of the sessions.
        first_party: registrable domains of the page's own company.
    """

    def __init__(
        self,
        source: ColumnSource,
        summaries: Sequence[SessionSummary],
        *,
        thresholds: Thresholds = DEFAULT_THRESHOLDS,
        first_party: Sequence[str] = (),
    ) -> None:
        self.source = source
        self.summaries = {summary.session_id: summary for summary in summaries}
        self.page_views: Sequence[PageView] = source.page_views
        self.thresholds = thresholds
        self.first_party = frozenset(first_party)
        self._happenings: dict[tuple[str, ...], list[tuple[int, Record]]] = {}
        self._columns: tuple[str, ...] = ALWAYS

    def will_need(self, *names: str) -> Self:
        """Name columns that an answer needs, so that they are read together with the first."""
        if "requests" in self.__dict__:
            self.requests.load(*names)
        else:
            self._columns = tuple(dict.fromkeys((*self._columns, *names)))
        return self

    @cached_property
    def requests(self) -> Requests:
        """All requests."""
        return Requests(self, self.source, self.source.requests(*parted(self._columns)))

    def happenings(self, *types: str) -> list[tuple[int, Record]]:
        """Entries of these types, each with the place of its pageview, in order of arrival."""
        if types not in self._happenings:
            # The source finds them between the requests once it has read these.
            _ = self.requests
            self._happenings[types] = self.source.happenings(types)
        return self._happenings[types]

    @property
    def coverage(self) -> Coverage:
        """What the answers rest on."""
        received = [summary.received_us for summary in self.summaries.values()]
        return Coverage(
            sessions=len(self.summaries),
            page_views=len(np.unique(self.source.batch_pages)),
            entries=len(self.requests) + self.source.happening_count(),
            requests=len(self.requests),
            first_epoch_ms=min(received) / 1000 if received else None,
            last_epoch_ms=max(received) / 1000 if received else None,
        )

    @cached_property
    def page_domains(self) -> list[str]:
        """The registrable domain of each pageview; empty where its URL is not known."""
        hosts = [split_url(view.url).host if view.url else "" for view in self.page_views]
        return [registrable_domain(host) if host else "" for host in hosts]

    @cached_property
    def sessions_of_pages(self) -> Integers:
        """The place of each pageview's session in :attr:`summaries`."""
        place = {session_id: number for number, session_id in enumerate(self.summaries)}
        return np.array([place[view.session_id] for view in self.page_views], dtype=np.int64)

    @cached_property
    def loads(self) -> list[int]:
        """The places of pageviews that loaded a document (not changes of route), by start."""
        found = [
            place
            for place in sorted(set(self.source.batch_pages.tolist()))
            if self.page_views[place].kind in LOAD_KINDS
        ]
        return sorted(found, key=lambda place: self.page_views[place].start_epoch_us)

    @cached_property
    def _records_by_page(self) -> dict[int, list[Record]]:
        by_page: dict[int, list[Record]] = {}
        for page, record in self.happenings(*PAINT_TYPES):
            by_page.setdefault(page, []).append(record)
        return by_page

    def records_of(self, page: int) -> Sequence[Record]:
        """The entries that the metrics of a pageview are made of."""
        return self._records_by_page.get(page, ())

    @cached_property
    def vitals(self) -> list[Vitals]:
        """The metrics of each pageview but for CLS, which takes entries that are not read here."""
        return [
            vitals(self.records_of(place), view, self.thresholds)
            for place, view in enumerate(self.page_views)
        ]

    @cached_property
    def loading_vitals(self) -> list[Vitals]:
        """LCP, FCP and TTFB of each pageview."""
        return [
            loading_vitals(self.records_of(place), view, self.thresholds)
            for place, view in enumerate(self.page_views)
        ]

    @cached_property
    def lcp_us(self) -> Floats:
        """The moment of each pageview's LCP, µs since the time origin; NaN where there is none."""
        return np.array(
            [nan if one.lcp is None else one.lcp.at_us for one in self.loading_vitals],
            dtype=np.float64,
        )

    @cached_property
    def before_lcp(self) -> Floats:
        """Whether each request was over before its page's LCP: 1, 0, or NaN."""
        requests = self.requests
        lcp, ends = self.lcp_us[requests.pages], requests.ends
        return np.where(np.isnan(lcp) | np.isnan(ends), nan, (ends <= lcp).astype(np.float64))

    @cached_property
    def _before_lcp_by_page(self) -> tuple[Integers, Integers]:
        """The places of the requests that began before the LCP of their pageview, by pageview and
        start, and where each pageview's begin."""
        requests = self.requests
        rows = np.flatnonzero(requests.starts <= self.lcp_us[requests.pages])
        order = rows[np.lexsort((requests.starts[rows], requests.pages[rows]))]
        return order, np.searchsorted(requests.pages[order], np.arange(len(self.page_views) + 1))

    def rows_before_lcp(self, page: int) -> Integers:
        """The requests of a pageview that began before its LCP, by start."""
        order, begins = self._before_lcp_by_page
        return order[begins[page] : begins[page + 1]]
