"""What the list of sessions shows beyond a session's summary."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from perftui.analysis.sparkline import bins
from perftui.analysis.vitals import Rating, Vital, vitals
from perftui.config import Thresholds
from perftui.model import PageView, Record, SessionSummary

LIVE_SECONDS = 30.0
"""A session is live while its last batch is younger than this: the SDK sends every few seconds."""

FROM_FILES = frozenset({"har", "import"})
"""Sources of sessions that are over when they come in."""

VITAL_ENTRY_TYPES: tuple[str, ...] = (
    "navigation",
    "paint",
    "largest-contentful-paint",
    "layout-shift",
    "event",
    "first-input",
    "action",
    "visibility",
    "visibility-state",
    "pageview",
)
"""Entry types that ``analysis.vitals`` looks at."""

ACTIVITY_BINS = 40
"""Stretches that the activity of a session is counted in: the widest sparkline."""

_BADNESS = {Rating.GOOD: 0, Rating.NEEDS_IMPROVEMENT: 1, Rating.POOR: 2}


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """What takes a look at the entries to know.

    Attributes:
        slow_count: requests that are slow or large.
        worst: metric name -> its worst value among the pageviews.
        activity: entries that start in each of :data:`ACTIVITY_BINS` equal stretches.
    """

    slow_count: int
    worst: Mapping[str, Vital]
    activity: tuple[int, ...]


def is_live(summary: SessionSummary, now_us: int) -> bool:
    """Whether something arrived for it within :data:`LIVE_SECONDS`, and not from a file."""
    return (
        summary.source not in FROM_FILES and now_us - summary.received_us < LIVE_SECONDS * 1_000_000
    )


def worst_vitals(
    records: Iterable[Record], page_views: Sequence[PageView], thresholds: Thresholds
) -> dict[str, Vital]:
    """Metric name -> its worst value among the pageviews; those that none has are left out."""
    by_view: dict[str, list[Record]] = {view.page_view_id: [] for view in page_views}
    for record in records:
        if record.page_view_id in by_view:
            by_view[record.page_view_id].append(record)
    worst: dict[str, Vital] = {}
    for view in page_views:
        for vital in vitals(by_view[view.page_view_id], view, thresholds).all():
            known = worst.get(vital.name)
            if known is None or _badness(vital) > _badness(known):
                worst[vital.name] = vital
    return worst


def _badness(vital: Vital) -> tuple[int, float]:
    return _BADNESS[vital.rating], vital.value


def session_facts(
    starts: Iterable[int],
    slow_count: int,
    records: Iterable[Record],
    summary: SessionSummary,
    page_views: Sequence[PageView],
    thresholds: Thresholds,
) -> SessionFacts:
    """Put the facts together.

    Args:
        starts: of all its entries, µs since the session's start.
        records: its entries of :data:`VITAL_ENTRY_TYPES`.
    """
    return SessionFacts(
        slow_count=slow_count,
        worst=worst_vitals(records, page_views, thresholds),
        activity=tuple(bins(starts, 0, max(1, summary.duration_us), ACTIVITY_BINS)),
    )


def rebin(counts: Sequence[int], width: int) -> list[int]:
    """The same counts in fewer stretches; as they are where there are not more than ``width``."""
    if width <= 0:
        return []
    if len(counts) <= width:
        return list(counts)
    found = [0] * width
    for place, count in enumerate(counts):
        found[place * width // len(counts)] += count
    return found
