"""What the questions are asked about: the entries of some sessions, sorted out once.

Every figure of an answer comes from here, so that two answers never disagree about what a
request, an API call or a third party is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property

from perftui.analysis.endpoints import endpoint, is_third_party, registrable_domain, split_url
from perftui.analysis.insights.answer import Coverage, Value
from perftui.analysis.phases import request_duration_us
from perftui.analysis.resource_type import API_TYPES, STREAM_TYPES, ResourceType, resource_type
from perftui.analysis.statistics import Sample
from perftui.analysis.vitals import Vitals, vitals
from perftui.config import Thresholds
from perftui.model import PageView, Record, SessionSummary

PageKey = tuple[str, str]
"""Session ID and pageview ID."""

DEFAULT_THRESHOLDS = Thresholds()


class Study:
    """Entries of some sessions.

    Args:
        summaries: of the sessions.
        page_views: of all of them.
        records: their entries, in any order.
        first_party: registrable domains of the page's own company.
    """

    def __init__(
        self,
        summaries: Sequence[SessionSummary],
        page_views: Iterable[PageView],
        records: Iterable[Record],
        *,
        thresholds: Thresholds = DEFAULT_THRESHOLDS,
        first_party: Sequence[str] = (),
    ) -> None:
        self.summaries = {summary.session_id: summary for summary in summaries}
        self.page_views: dict[PageKey, PageView] = {
            (view.session_id, view.page_view_id): view for view in page_views
        }
        self.thresholds = thresholds
        self.first_party = tuple(first_party)
        self.requests: list[Record] = []
        self.happenings: list[Record] = []
        self.by_page: dict[PageKey, list[Record]] = {}
        for record in records:
            (self.requests if record.entry.is_request else self.happenings).append(record)
            self.by_page.setdefault(page_key(record), []).append(record)

    @property
    def coverage(self) -> Coverage:
        """What the answers rest on."""
        received = [summary.received_us for summary in self.summaries.values()]
        return Coverage(
            sessions=len(self.summaries),
            page_views=len(self.by_page),
            entries=len(self.requests) + len(self.happenings),
            requests=len(self.requests),
            first_epoch_ms=min(received) / 1000 if received else None,
            last_epoch_ms=max(received) / 1000 if received else None,
        )

    def page_url(self, record: Record) -> str | None:
        """The URL of the page that made a request."""
        view = self.page_views.get(page_key(record))
        return None if view is None else view.url

    def is_third_party(self, record: Record) -> bool:
        """Whether it went to somebody else's server."""
        return is_third_party(record.entry.name, self.page_url(record), self.first_party)

    def vitals(self, key: PageKey) -> Vitals:
        """The metrics of a pageview."""
        return self._vitals[key]

    @cached_property
    def _vitals(self) -> dict[PageKey, Vitals]:
        return {
            key: vitals(records, self.page_views.get(key), self.thresholds)
            for key, records in self.by_page.items()
        }

    def lcp_us(self, key: PageKey) -> int | None:
        """The moment of the LCP, µs since the time origin; None where it was not measured."""
        measured = self.vitals(key).lcp
        return None if measured is None else measured.at_us

    def is_before_lcp(self, record: Record) -> bool | None:
        """Whether a request was over before its page's LCP; None where there was none."""
        lcp = self.lcp_us(page_key(record))
        duration = request_duration_us(record.entry)
        if lcp is None or duration is None:
            return None
        return record.entry.start_us + duration <= lcp

    @cached_property
    def api_calls(self) -> list[Record]:
        """Requests of fetch and XMLHttpRequest."""
        return [record for record in self.requests if kind_of(record) in API_TYPES]

    @cached_property
    def assets(self) -> list[Record]:
        """Documents and what they are made of: no API calls, streams and beacons."""
        left_out = API_TYPES | STREAM_TYPES | {ResourceType.BEACON}
        return [record for record in self.requests if kind_of(record) not in left_out]

    def loads(self) -> list[PageKey]:
        """Pageviews that loaded a document (not changes of route), in order of start."""
        found = [
            key
            for key in self.by_page
            if (view := self.page_views.get(key)) is not None
            and view.kind in {None, "load", "bfcache"}
        ]
        return sorted(found, key=lambda key: self.page_views[key].start_epoch_us)


def page_key(record: Record) -> PageKey:
    """The pageview of an entry."""
    return record.session_id, record.page_view_id


def kind_of(record: Record) -> ResourceType:
    """The kind of a request."""
    return resource_type(record.entry)


def domain_of(record: Record) -> str:
    """The registrable domain of a request; empty for ``data:`` and such."""
    host = split_url(record.entry.name).host
    return registrable_domain(host) if host else ""


def endpoint_of(record: Record) -> str:
    """Method, host and path template."""
    return endpoint(record.entry.method, record.entry.name)


def plain_url(record: Record) -> str:
    """The URL without query and fragment: what one asset is called over several loads."""
    return record.entry.name.partition("#")[0].partition("?")[0]


def durations(records: Iterable[Record]) -> Sample:
    """The durations that are known, µs."""
    return Sample(
        duration
        for record in records
        if (duration := request_duration_us(record.entry)) is not None
    )


def grouped(records: Iterable[Record], key: object) -> dict[str, list[Record]]:
    """Records by a key of each."""
    assert callable(key)
    groups: dict[str, list[Record]] = {}
    for record in records:
        groups.setdefault(str(key(record)), []).append(record)
    return groups


def known_sum(values: Iterable[int | None]) -> tuple[int, int]:
    """The sum of what is known, and how many are not."""
    total = unknown = 0
    for value in values:
        if value is None:
            unknown += 1
        else:
            total += value
    return total, unknown


def sum_or_none(values: Iterable[int | None]) -> tuple[int | None, int]:
    """The sum of what is known, None where nothing is; and how many are not."""
    told = list(values)
    total, unknown = known_sum(told)
    return (total if unknown < len(told) else None), unknown


def share(part: int, whole: int) -> float | None:
    """A part of a whole; None of nothing."""
    return round(part / whole, 4) if whole else None


def percentiles(sample: Sample, *shares: float) -> Iterator[Value]:
    """Percentiles of µs in milliseconds."""
    for one in shares:
        value = sample.percentile(one)
        yield None if value is None else round(value / 1000, 3)


def worst_first(rows: Mapping[str, float | None]) -> list[str]:
    """Names by value, the largest first, the unknown last."""
    return sorted(rows, key=lambda name: (rows[name] is None, -(rows[name] or 0), name))
