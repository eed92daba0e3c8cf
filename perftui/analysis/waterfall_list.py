"""The rows of a waterfall: which there are, in which order, in which groups. No width, no colour."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from perftui.analysis.aggregate import AggregatedPage, AggregateRow, occurrences
from perftui.analysis.baseline import Baseline
from perftui.analysis.critical_path import Chain
from perftui.analysis.describe import Surroundings, severity_of
from perftui.analysis.endpoints import split_url
from perftui.analysis.filters import find_duplicates
from perftui.analysis.phases import request_duration_us
from perftui.analysis.resource_type import ResourceType, resource_type
from perftui.analysis.severity import Severity
from perftui.analysis.text import counted, format_bytes, format_count
from perftui.model import Record


@dataclass(frozen=True, slots=True)
class WaterfallRow:
    """One request (or one resource of all loads of a page) in its row, or the head of a group.

    Attributes:
        number: in order of start, from 1; 0 for a heading.
        record: the request; None for an aggregated one.
        resource: the aggregated one; None for a request.
        severity: of the request, and why.
        page_url: of the page that asked for it.
        heading: of a group, in place of both; from outside, not sanitised.
        on_chain: whether it lies on the chain to the LCP.
        is_lcp: whether the LCP's element came with it.
        duplicate: whether another request of the pageview is the same.
        compared: whether there is a baseline.
        was_us: how long the same took in the baseline; None where it was not there.
    """

    number: int
    record: Record | None = None
    resource: AggregateRow | None = None
    severity: Severity | None = None
    page_url: str | None = None
    heading: str = ""
    on_chain: bool = False
    is_lcp: bool = False
    duplicate: bool = False
    compared: bool = False
    was_us: int | None = None

    @property
    def key(self) -> Hashable:
        """What it is known by."""
        if self.record is not None:
            return self.record.seq
        if self.resource is not None:
            return self.resource.endpoint, self.resource.occurrence
        return "heading", self.heading.partition("  ")[0]

    @property
    def url(self) -> str:
        """Of the request, or of the newest call of the resource."""
        if self.record is not None:
            return self.record.entry.name
        return "" if self.resource is None else self.resource.url

    @property
    def kind(self) -> ResourceType | None:
        """What was asked for; None for a heading."""
        if self.record is not None:
            return resource_type(self.record.entry)
        return None if self.resource is None else self.resource.kind

    @property
    def start_us(self) -> int:
        """When it began, µs since the time origin (aggregated: since the start of the pageview)."""
        if self.record is not None:
            return self.record.entry.start_us
        return 0 if self.resource is None else self.resource.start.median_us

    @property
    def duration_us(self) -> int | None:
        """How long it took; None where it has not ended."""
        if self.record is not None:
            return request_duration_us(self.record.entry)
        if self.resource is None or self.resource.duration is None:
            return None
        return self.resource.duration.median_us

    @property
    def transfer_size(self) -> int | None:
        """Bytes on the wire; None where it is not known."""
        if self.record is not None:
            return self.record.entry.transfer_size
        return None if self.resource is None else self.resource.transfer_size

    @property
    def difference_us(self) -> int | None:
        """How much longer it took than in the baseline; None where one of the two is not known."""
        took = self.duration_us
        return None if took is None or self.was_us is None else took - self.was_us


def request_rows(
    records: Iterable[Record],
    around: Surroundings,
    page_url: str | None,
    chain: Chain | None = None,
    baseline: Baseline | None = None,
) -> list[WaterfallRow]:
    """The requests among the entries of a pageview, by start."""
    requests = [record for record in records if record.entry.is_request]
    on_chain = {step.record.seq for step in chain.steps} if chain else set()
    lcp = chain.steps[-1].record.seq if chain and chain.target_has_resource else None
    duplicates = find_duplicates(requests)
    return [
        WaterfallRow(
            number,
            record,
            severity=severity_of(record, around),
            page_url=page_url,
            on_chain=record.seq in on_chain,
            is_lcp=record.seq == lcp,
            duplicate=record.seq in duplicates,
            compared=baseline is not None,
            was_us=None if baseline is None else baseline.was_us(name, occurrence),
        )
        for number, (name, occurrence, record) in enumerate(occurrences(requests), start=1)
    ]


def resource_rows(page: AggregatedPage, page_url: str | None) -> list[WaterfallRow]:
    """The resources of all loads of a page, by their usual start."""
    return [
        WaterfallRow(number, resource=row, page_url=page_url)
        for number, row in enumerate(page.rows, start=1)
    ]


def _longest_first(row: WaterfallRow) -> tuple[object, ...]:
    took = row.duration_us
    return (took is None, -(took or 0), row.number)


def _largest_first(row: WaterfallRow) -> tuple[object, ...]:
    size = row.transfer_size
    return (size is None, -(size or 0), row.number)


def _by_kind(row: WaterfallRow) -> tuple[object, ...]:
    return ("" if row.kind is None else row.kind.value, row.number)


def _by_domain(row: WaterfallRow) -> tuple[object, ...]:
    return (split_url(row.url).host, row.number)


def _most_slower_first(row: WaterfallRow) -> tuple[object, ...]:
    difference = row.difference_us
    return (difference is None, -(difference or 0), row.number)


SORTS: Mapping[str, Callable[[WaterfallRow], tuple[object, ...]]] = {
    "start": lambda row: (row.number,),
    "duration": _longest_first,
    "size": _largest_first,
    "type": _by_kind,
    "domain": _by_domain,
    "difference": _most_slower_first,
}
"""Name -> key of the order; what is unknown comes last. ``difference`` needs a baseline."""

GROUPS: Mapping[str, Callable[[WaterfallRow], str]] = {
    "domain": lambda row: split_url(row.url).host,
    "type": lambda row: "" if row.kind is None else row.kind.value,
}
"""Name -> what the rows of a group have in common."""


def arranged(rows: Iterable[WaterfallRow], sort: str, group: str = "") -> list[WaterfallRow]:
    """The rows in an order, and in groups with a heading each: the group whose first row comes
    first is the first.

    Args:
        sort: one of :data:`SORTS`.
        group: one of :data:`GROUPS`; empty for none.
    """
    ordered = sorted(rows, key=SORTS[sort])
    if not group:
        return ordered
    groups: dict[str, list[WaterfallRow]] = {}
    for row in ordered:
        groups.setdefault(GROUPS[group](row), []).append(row)
    listed: list[WaterfallRow] = []
    for name, members in groups.items():
        listed.append(WaterfallRow(0, heading=f"{name or '?'}  {_size_words(members)}"))
        listed += members
    return listed


def _size_words(rows: Sequence[WaterfallRow]) -> str:
    count = counted(len(rows), "request")
    return f"{count}, {total_size_words(row.transfer_size for row in rows)}"


def total_size_words(sizes: Iterable[int | None]) -> str:
    """``864k (+6 ?)``: the known sizes in all, and how many are not known."""
    listed = list(sizes)
    unknown = sum(size is None for size in listed)
    known = format_bytes(sum(size or 0 for size in listed))
    if unknown == len(listed) and unknown:
        return "size unknown"
    return f"{known} (+{format_count(unknown)} ?)" if unknown else known
