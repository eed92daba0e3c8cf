"""The chain of requests that led to the LCP, or without one to the load event: each waited for the
one before it.

What caused a request is told by some sources (an initiator URL); where it is not, the request
before it in the chain is taken to be the one that ended last before it began, among those that
can cause requests. Each step says which of the two it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from perftui.analysis.phases import request_end_us
from perftui.analysis.resource_type import ResourceType, resource_type
from perftui.analysis.vitals import Vital
from perftui.model import JSON, Record

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
            resource, the last request that the rendering waited for; likewise for the load event).
        target: the name of the moment that it led to: ``LCP`` or ``load``.
        target_us: that moment, µs since the time origin.
        covered_us: how much of the time from the first start to the target requests of the chain
            were in flight.
        target_has_resource: whether the last step is the LCP's own resource.
    """

    steps: tuple[Step, ...]
    target: str
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


class Spans(NamedTuple):
    """The requests of a pageview that the chain is looked for in, field by field.

    Attributes:
        starts: µs since the time origin.
        ends: the same; None while in flight.
        kinds: what each was for.
        navigations: whether it is the navigation itself.
        blocking: ``renderBlockingStatus``; None where it is not told.
        urls: of each.
        initiator: the URL of what caused the request at a place, where the source tells it.
    """

    starts: Sequence[int]
    ends: Sequence[int | None]
    kinds: Sequence[ResourceType]
    navigations: Sequence[bool]
    blocking: Sequence[str | None]
    urls: Sequence[str]
    initiator: Callable[[int], str | None]


def chain_places(spans: Spans, target_us: int, lcp_url: str | None) -> list[tuple[int, bool]]:
    """The places of the chain's requests, the first one first, each with whether the source names
    it as the cause of the next; empty where there is none.

    Args:
        spans: requests that began up to the target.
        lcp_url: of the LCP's resource.
    """
    by_url: dict[str, int] = {}
    for place in sorted(range(len(spans.starts)), key=lambda place: -spans.starts[place]):
        by_url[spans.urls[place]] = place
    last = by_url.get(lcp_url) if lcp_url else None
    if last is None:
        last = _last_before(spans, target_us, blocking_only=True)
    if last is None:
        return []
    chain = [(last, True)]
    used = {last}
    while True:
        cause, told = _cause(spans, chain[-1][0], by_url)
        if cause is None or cause in used:
            break
        used.add(cause)
        chain.append((cause, told))
    chain.reverse()
    return chain


def critical_chain(
    records: Sequence[Record], lcp: Vital | None, load_us: int | None = None
) -> Chain | None:
    """The chain to the LCP of a pageview, or where none is told, as in HAR files, to its load event;
    None where neither is known, or no request before it.

    Args:
        records: the entries of the pageview, in any order, all of one document.
        load_us: when the load event was over, µs since the time origin.
    """
    target = load_us if lcp is None else target_of(lcp)
    if target is None:
        return None
    url = None if lcp is None else lcp.url
    requests = [
        record for record in records if record.entry.is_request and record.entry.start_us <= target
    ]
    entries = [record.entry for record in requests]
    found = chain_places(
        Spans(
            starts=[entry.start_us for entry in entries],
            ends=[request_end_us(entry) for entry in entries],
            kinds=[resource_type(entry) for entry in entries],
            navigations=[entry.entry_type == "navigation" for entry in entries],
            blocking=[entry.render_blocking_status for entry in entries],
            urls=[entry.name for entry in entries],
            initiator=lambda place: initiator_url(entries[place].extra),
        ),
        target,
        url,
    )
    if not found:
        return None
    chain = [(requests[place], told) for place, told in found]
    return Chain(
        steps=_steps(chain),
        target="load" if lcp is None else "LCP",
        target_us=target,
        covered_us=_covered([record for record, _ in chain], target),
        target_has_resource=bool(url) and chain[-1][0].entry.name == url,
    )


def target_of(lcp: Vital) -> int:
    """The moment that a chain leads to, µs since the time origin."""
    return lcp.records[0].entry.start_us if lcp.records else lcp.at_us


def initiator_url(extra: Mapping[str, JSON]) -> str | None:
    """The URL of what caused a request, where its source tells it."""
    for field in INITIATOR_FIELDS:
        told = extra.get(field)
        if isinstance(told, str):
            return told
    return None


def _cause(spans: Spans, place: int, by_url: dict[str, int]) -> tuple[int | None, bool]:
    start = spans.starts[place]
    told = spans.initiator(place)
    named = None if told is None else by_url.get(told)
    if named is not None and named != place and spans.starts[named] <= start:
        return named, True
    if spans.navigations[place]:
        return None, False
    found = _last_before(spans, start, but=place)
    if found is not None:
        return found, False
    # A parser starts requests while the document still arrives.
    documents = [
        one
        for one, kind in enumerate(spans.kinds)
        if kind is ResourceType.DOCUMENT and one != place and spans.starts[one] <= start
    ]
    return min(documents, key=lambda one: spans.starts[one], default=None), False


def _last_before(
    spans: Spans, at_us: int, *, but: int | None = None, blocking_only: bool = False
) -> int | None:
    """The request that ended last before a moment, among those that can cause something."""
    best: int | None = None
    best_end = 0
    for place, end in enumerate(spans.ends):
        if end is None or end > at_us or (best is not None and end <= best_end):
            continue
        kind = spans.kinds[place]
        if kind not in _CAUSES or place == but:
            continue
        if (
            blocking_only
            and kind is ResourceType.SCRIPT
            and spans.blocking[place] not in {"blocking", None}
        ):
            continue
        best, best_end = place, end
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
