"""Question 8: how performance goes with analytics events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from perftui.analysis.groups import Samples, counts, percentile
from perftui.analysis.insights.answer import (
    Answer,
    Cause,
    Column,
    Note,
    NoteKind,
    Question,
    Shape,
    Unit,
    Value,
    make_table,
)
from perftui.analysis.insights.loading import MOST_ROWS
from perftui.analysis.insights.sentences import events_headline
from perftui.analysis.insights.study import Study
from perftui.analysis.insights.values import share, told_ms
from perftui.model import Record
from perftui.request_columns import Floats, Integers

EVENTS = Shape(
    "events",
    "By event",
    "An analytics event; those on the slowest pageviews first.",
    (
        Column("event", "event", Unit.TEXT, "Its name.", 100),
        Column("count", "times", Unit.COUNT, "How often.", 90),
        Column("page_views", "pages", Unit.COUNT, "Pageviews with it.", 60),
        Column(
            "lcp_with_ms", "LCP with", Unit.MILLISECONDS, "Median LCP of pageviews with it.", 80
        ),
        Column("lcp_without_ms", "without", Unit.MILLISECONDS, "Median LCP of the others.", 75),
        Column(
            "api_with_ms",
            "API with",
            Unit.MILLISECONDS,
            "Median API duration on pageviews with it.",
            85,
        ),
        Column("api_without_ms", "without", Unit.MILLISECONDS, "On the others.", 70),
        Column(
            "slow_before",
            "slow before",
            Unit.COUNT,
            "Slow requests that ended or were in flight in the 5 s before it.",
            65,
        ),
        Column(
            "in_flight",
            "in flight",
            Unit.COUNT,
            "Requests in flight at it, on average rounded.",
            40,
        ),
        Column("session_share", "sessions", Unit.SHARE, "Sessions with it.", 55),
    ),
)

BANDS = Shape(
    "bands",
    "Conversion by speed",
    "Sessions by their median API duration, the fastest third first, and how many have each event.",
    (
        Column("event", "event", Unit.TEXT, "Its name.", 100),
        Column("fast_share", "fast", Unit.SHARE, "Of the fastest third of sessions.", 90),
        Column("middle_share", "middle", Unit.SHARE, "Of the middle third.", 85),
        Column("slow_share", "slow", Unit.SHARE, "Of the slowest third.", 95),
        Column("sessions", "sessions", Unit.COUNT, "Sessions with API calls.", 60),
    ),
)

SAME_CAUSE = Note(
    NoteKind.CAVEAT, "An event and a slow pageview may have the same cause: what people do there."
)

SHAPES = {Question.EVENTS: (EVENTS, BANDS)}

BEFORE_US = 5_000_000
"""How long before an event a slow request counts as one that may have had to do with it."""


def events(study: Study) -> Answer:
    """Question 8: how does performance go with my analytics events?"""
    captured: dict[str, list[tuple[int, Record]]] = {}
    for page, record in study.happenings("capture"):
        captured.setdefault(record.entry.name, []).append((page, record))
    requests = study.requests
    around = _Around(study)
    calls = np.flatnonzero(requests.is_api & ~np.isnan(requests.durations))
    call_pages, durations = requests.pages[calls], requests.durations[calls]
    views = np.unique(study.source.batch_pages)
    rows: list[tuple[Value, ...]] = []
    for name, found in captured.items():
        has_it = np.zeros(len(study.page_views), dtype=np.bool_)
        has_it[[page for page, _ in found]] = True
        with_it = views[has_it[views]]
        without = views[~has_it[views]]
        is_call_with = has_it[call_pages]
        slow, in_flight = around.told(found)
        sessions = len({record.session_id for _, record in found})
        rows.append(
            (
                *(name, len(found), len(with_it)),
                *(_median_ms(study.lcp_us[pages]) for pages in (with_it, without)),
                *(_median_ms(durations[flags]) for flags in (is_call_with, ~is_call_with)),
                *(slow, round(in_flight / len(found))),
                share(sessions, len(study.summaries)),
            )
        )
    cause = slowest_first(rows)
    return Answer(
        question=Question.EVENTS.value,
        asked=Question.EVENTS.words,
        headline=events_headline(rows),
        cause=cause,
        tables=(
            make_table(EVENTS, rows, MOST_ROWS),
            make_table(BANDS, _bands(study, captured, calls)),
        ),
        coverage=study.coverage,
        notes=(SAME_CAUSE,),
    )


def slowest_first(rows: list[tuple[Value, ...]]) -> Cause | None:
    """Put rows of :data:`EVENTS` in order, by how much slower API calls are on pageviews with the
    event, and return what the first of them says."""
    rows.sort(key=lambda row: (row[5] is None, -_difference(row), str(row[0])))
    if not rows:
        return None
    slower_ms = round(_difference(rows[0]), 3)
    return Cause("event", str(rows[0][0]), slower_ms, Unit.MILLISECONDS_CHANGE)


def _difference(row: tuple[Value, ...]) -> float:
    with_it, without = row[5], row[6]
    if isinstance(with_it, (int, float)) and isinstance(without, (int, float)):
        return float(with_it - without)
    return 0.0


def _median_ms(values: Floats) -> float | None:
    median = percentile(values, 0.5)
    return None if median is None else told_ms(median)


class _Around:
    """The requests of each session, to be asked what was going on at a moment."""

    def __init__(self, study: Study) -> None:
        requests = study.requests
        self.starts = requests.start_epochs
        self.durations = requests.durations
        limits = np.where(
            requests.is_api, study.thresholds.api_slow_ms, study.thresholds.asset_slow_ms
        )
        self.slow = requests.durations >= limits * 1000
        sessions = study.sessions_of_pages[requests.pages] if len(requests) else requests.pages
        self.order = np.argsort(sessions, kind="stable")
        self.begins = np.searchsorted(sessions[self.order], np.arange(len(study.summaries) + 1))
        self.place = {session_id: place for place, session_id in enumerate(study.summaries)}

    def told(self, found: Sequence[tuple[int, Record]]) -> tuple[int, int]:
        """Slow requests within :data:`BEFORE_US` before some events, and requests in flight at
        them, in all."""
        slow = in_flight = 0
        by_session: dict[str, list[int]] = {}
        for _, record in found:
            by_session.setdefault(record.session_id, []).append(record.start_epoch_us)
        for session_id, moments in by_session.items():
            place = self.place[session_id]
            rows = self.order[self.begins[place] : self.begins[place + 1]]
            starts, is_slow = self.starts[rows], self.slow[rows]
            ends = starts + self.durations[rows]
            ends[np.isnan(ends)] = np.inf
            for at in moments:
                here = (starts <= at) & (ends >= at - BEFORE_US)
                in_flight += int((here & (ends > at)).sum())
                slow += int((here & is_slow).sum())
        return slow, in_flight


def _bands(
    study: Study, captured: Mapping[str, Sequence[tuple[int, Record]]], calls: Integers
) -> list[tuple[Value, ...]]:
    requests = study.requests
    if not len(calls):
        return []
    sessions = study.sessions_of_pages[requests.pages[calls]]
    count = len(study.summaries)
    medians = Samples(sessions, count, requests.durations[calls]).median
    identifiers = list(study.summaries)
    order = sorted(
        np.flatnonzero(counts(sessions, count)).tolist(),
        key=lambda place: (medians[place], identifiers[place]),
    )
    if len(order) < 3:
        return []
    third = len(order) / 3
    bands = [order[round(place * third) : round((place + 1) * third)] for place in range(3)]
    rows: list[tuple[Value, ...]] = []
    for name, found in sorted(captured.items()):
        having = {record.session_id for _, record in found}
        rows.append(
            (
                name,
                *(
                    share(sum(identifiers[one] in having for one in band), len(band))
                    for band in bands
                ),
                len(order),
            )
        )
    return rows
