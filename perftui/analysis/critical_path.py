"""The chain of requests that led to the LCP: each waited for the one before it.

What caused a request is told by some sources (an initiator URL); where it is not, the request
before it in the chain is taken to be the one that ended last before it began, among those that
can cause requests. Each step says which of the two it is.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from perftui.analysis.phases import request_end_us
from perftui.analysis.resource_type import ResourceType, resource_type
from perftui.analysis.vitals import Vital
from perftui.model import Record

INITIATOR_FIELDS = ("initiatorUrl", "initiatorURL")
"""Fields of :attr:`Entry.extra` that hold the URL of what caused a request: Resource Timing's own
(https://w3c.github.io/resource-timing), also filled from a HAR file's ``_initiator``."""

_CAUSES = frozenset(
    {
        ResourceType.DOCUMENT,
        ResourceType.SCRIPT,
        ResourceType.STYLESHEET,
        ResourceType.FETCH,
        ResourceType.XMLHTTPREQUEST,
        ResourceType.IFRAME,
    }
)
"""What can cause other requests: an image or a font does not."""


class Step(msgspec.Struct, frozen=True):
    """One request of the chain.

    Attributes:
        told: whether the source names it as the cause of the next one; False where it is
            inferred from the times; True for the last.
        wait_us: between the end of the request before it (or the start of the pageview) and its
            own start; never negative.
    """

    record: Record
    told: bool
    wait_us: int


class Chain(msgspec.Struct, frozen=True, kw_only=True):
    """The critical chain of a pageview.

    Attributes:
        steps: the document first, the request of the LCP's resource last (for an LCP without a
            resource, the last request that the rendering waited for).
        target_us: the moment that it led to (the LCP), µs since the time origin.
        covered_us: how much of the time from the first start to the target requests of the chain
            were in flight.
        target_has_resource: whether the last step is the LCP's own resource.
    """

    steps: tuple[Step, ...]
    target_us: int
    covered_us: int
    target_has_resource: bool

    @property
    def total_us(self) -> int:
        """From the start of the first step to the target, µs."""
        return self.target_us - self.steps[0].record.entry.start_us if self.steps else 0

    @property
    def share(self) -> float:
        """``covered_us`` as a part of ``total_us``, 0 to 1."""
        return self.covered_us / self.total_us if self.total_us > 0 else 0.0


def critical_chain(records: Sequence[Record], lcp: Vital | None) -> Chain | None:
    """The chain to the LCP of a pageview; None where there is no LCP or no request before it.

    Args:
        records: the entries of the pageview, in any order, all of one document.
    """
    if lcp is None:
        return None
    target = lcp.records[0].entry.start_us if lcp.records else lcp.at_us
    requests = [
        record for record in records if record.entry.is_request and record.entry.start_us <= target
    ]
    if not requests:
        return None
    by_url = {record.entry.name: record for record in sorted(requests, key=_newest_first)}
    last = by_url.get(lcp.url) if lcp.url else None
    has_resource = last is not None
    if last is None:
        last = _last_before(requests, target, blocking_only=True)
    if last is None:
        return None
    chain = [(last, True)]
    used = {last.seq}
    while True:
        current = chain[-1][0]
        cause, told = _cause(current, requests, by_url)
        if cause is None or cause.seq in used:
            break
        used.add(cause.seq)
        chain.append((cause, told))
    chain.reverse()
    return Chain(
        steps=_steps(chain),
        target_us=target,
        covered_us=_covered([record for record, _ in chain], target),
        target_has_resource=has_resource,
    )


def _newest_first(record: Record) -> int:
    return -record.entry.start_us


def _cause(
    record: Record, requests: Sequence[Record], by_url: dict[str, Record]
) -> tuple[Record | None, bool]:
    for field in INITIATOR_FIELDS:
        told = record.entry.extra.get(field)
        if isinstance(told, str) and told in by_url:
            cause = by_url[told]
            if cause.seq != record.seq and cause.entry.start_us <= record.entry.start_us:
                return cause, True
    if record.entry.entry_type == "navigation":
        return None, False
    found = _last_before([one for one in requests if one.seq != record.seq], record.entry.start_us)
    if found is not None:
        return found, False
    # A parser starts requests while the document still arrives.
    documents = [
        one
        for one in requests
        if one.seq != record.seq
        and resource_type(one.entry) is ResourceType.DOCUMENT
        and one.entry.start_us <= record.entry.start_us
    ]
    return (
        (min(documents, key=lambda one: one.entry.start_us), False) if documents else (None, False)
    )


def _last_before(
    requests: Sequence[Record], at_us: int, *, blocking_only: bool = False
) -> Record | None:
    """The request that ended last before a moment, among those that can cause something."""
    best: Record | None = None
    best_end = 0
    for record in requests:
        entry = record.entry
        end = request_end_us(entry)
        if end is None or end > at_us or resource_type(entry) not in _CAUSES:
            continue
        if blocking_only and not (
            entry.render_blocking_status == "blocking"
            or resource_type(entry) is not ResourceType.SCRIPT
            or entry.render_blocking_status is None
        ):
            continue
        if best is None or end > best_end:
            best, best_end = record, end
    return best


def _steps(chain: Sequence[tuple[Record, bool]]) -> tuple[Step, ...]:
    steps: list[Step] = []
    previous_end = 0
    for record, told in chain:
        steps.append(Step(record, told, max(0, record.entry.start_us - previous_end)))
        previous_end = request_end_us(record.entry) or record.entry.start_us
    return tuple(steps)


def _covered(chain: Sequence[Record], target_us: int) -> int:
    covered = 0
    reached: int | None = None
    for record in sorted(chain, key=lambda one: one.entry.start_us):
        start = record.entry.start_us
        end = min(request_end_us(record.entry) or start, target_us)
        if reached is not None:
            start = max(start, reached)
        if end > start:
            covered += end - start
        reached = end if reached is None else max(reached, end)
    return covered
