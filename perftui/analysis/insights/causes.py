"""Questions 7 and 8: what affects page speed, and how performance goes with analytics events."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from math import nan

import msgspec
import numpy as np

from perftui.analysis.critical_path import target_of
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
from perftui.analysis.insights.lcp_chain import chain_of
from perftui.analysis.insights.loading import MOST_ROWS
from perftui.analysis.insights.requests import is_kind
from perftui.analysis.insights.sentences import events_headline
from perftui.analysis.insights.study import Study
from perftui.analysis.insights.values import share, told_ms
from perftui.analysis.resource_type import API_TYPES, ResourceType
from perftui.analysis.statistics import FEWEST_SAMPLES, spearman
from perftui.analysis.text import format_duration
from perftui.model import JSON, Record
from perftui.request_columns import Flags, Floats, Integers

LCP_PARTS = Shape(
    "lcp_parts",
    "The LCP in its parts",
    "A part of the time to the LCP, in their order (web.dev, Optimize LCP).",
    (
        Column(
            "part",
            "part",
            Unit.TEXT,
            "Time to first byte, load delay, load duration, render delay.",
            100,
        ),
        Column("p50_ms", "p50", Unit.MILLISECONDS, "Median over the page loads that have it.", 90),
        Column("p75_ms", "p75", Unit.MILLISECONDS, "Three of four are shorter.", 95),
        Column("share", "of LCP", Unit.SHARE, "Its part of the sum of the medians.", 80),
        Column("page_views", "pages", Unit.COUNT, "Page loads that tell it.", 50),
    ),
)

FACTORS = Shape(
    "factors",
    "What goes with a slow page",
    "A property of page loads, by how closely it goes with their LCP; the closest first.",
    (
        Column("factor", "factor", Unit.TEXT, "The property.", 100),
        Column(
            "rho",
            "correlation",
            Unit.NUMBER,
            "Spearman's rank correlation with the LCP, -1 to 1.",
            95,
        ),
        Column("low", "from", Unit.NUMBER, "Lower end of its 95 % interval.", 70),
        Column("high", "to", Unit.NUMBER, "Upper end of its 95 % interval.", 70),
        Column("certain", "certain", Unit.FLAG, "Whether the interval keeps clear of 0.", 85),
        Column("page_views", "pages", Unit.COUNT, "Page loads it rests on.", 60),
    ),
)

CHAIN = Shape(
    "chain",
    "The chain of requests to the LCP",
    "A request that the next one waited for, of the page load with the slowest LCP.",
    (
        Column("url", "url", Unit.TEXT, "The request.", 100),
        Column("start_ms", "start", Unit.MILLISECONDS, "Since the navigation began.", 80),
        Column("duration_ms", "took", Unit.MILLISECONDS, "How long it was in flight.", 90),
        Column(
            "wait_ms", "idle before", Unit.MILLISECONDS, "Between the one before and its start.", 70
        ),
        Column("told", "told", Unit.FLAG, "Named by the source; else inferred from the times.", 40),
    ),
)

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

SHAPES = {
    Question.FACTORS: (LCP_PARTS, FACTORS, CHAIN),
    Question.EVENTS: (EVENTS, BANDS),
}


class LcpParts(msgspec.Struct, frozen=True):
    """The time to the LCP in its four parts, µs. Source: https://web.dev/articles/optimize-lcp."""

    time_to_first_byte: int
    load_delay: int
    load_duration: int
    render_delay: int


def lcp_parts(study: Study, page: int) -> LcpParts | None:
    """The parts for a page load; None where the LCP or the first byte is not known. Of an LCP
    without a resource (text) the two parts of loading are 0."""
    lcp, ttfb = study.loading_vitals[page].lcp, study.loading_vitals[page].ttfb
    if lcp is None or ttfb is None:
        return None
    requests = study.requests
    first_byte = min(ttfb.at_us, lcp.at_us)
    resource = None
    if lcp.url:
        rows = study.rows_before_lcp(page)
        urls = requests.urls[rows].tolist()
        resource = next(
            (
                row
                for row, url in zip(rows.tolist(), urls, strict=True)
                if requests.url_texts[url] == lcp.url
            ),
            None,
        )
    if resource is None:
        return LcpParts(first_byte, 0, 0, lcp.at_us - first_byte)
    start, end = float(requests.starts[resource]), float(requests.ends[resource])
    asked = start + float(np.nan_to_num(requests.numbers("request_start_us")[resource]))
    started = min(max(first_byte, round(asked)), lcp.at_us)
    ended = min(max(started, started if end != end else round(end)), lcp.at_us)
    return LcpParts(first_byte, started - first_byte, ended - started, lcp.at_us - ended)


def _number(value: JSON) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return nan
    return float(value)


FACTOR_COLUMNS = (
    *("transfer_size", "decoded_body_size", "request_start_us"),
    *("is_cached", "render_blocking_status"),
)


class _Factors:
    """Properties of page loads, one value each; NaN where it is not known.

    Args:
        pages: the places of the page loads.
    """

    def __init__(self, study: Study, pages: Integers) -> None:
        self.study = study
        self.pages = pages
        requests = study.requests
        self.count = len(study.page_views)
        # Requests that began before the LCP of their page.
        self.rows = np.flatnonzero(requests.starts <= study.lcp_us[requests.pages])
        self.of = requests.pages[self.rows]

    def summed(self, values: Floats) -> Floats:
        """Of the requests before the LCP; what is not known adds nothing."""
        weights = np.nan_to_num(values[self.rows])
        found = np.bincount(self.of, weights=weights, minlength=self.count)[self.pages]
        return found.astype(np.float64)

    def counted(self, flags: Flags) -> Floats:
        """How many of the requests before the LCP."""
        return self.summed(flags.astype(np.float64))

    @cached_property
    def number(self) -> Floats:
        """Requests before the LCP."""
        return np.bincount(self.of, minlength=self.count)[self.pages].astype(np.float64)

    def longest(self, flags: Flags) -> Floats:
        """The longest of the requests before the LCP that are so."""
        rows = self.rows[flags[self.rows]]
        found = np.zeros(self.count)
        durations = np.nan_to_num(self.study.requests.durations[rows])
        np.maximum.at(found, self.study.requests.pages[rows], durations)
        return found[self.pages]

    def long_tasks(self) -> Floats:
        """Time of long tasks that began before the LCP."""
        found = np.zeros(self.count)
        for page, record in self.study.happenings("longtask"):
            if record.entry.start_us <= self.study.lcp_us[page]:
                found[page] += record.entry.duration_us or 0
        return found[self.pages]

    def client(self, value_of: Callable[[Mapping[str, JSON]], float]) -> Floats:
        """What the browser tells of itself."""
        values = [value_of(summary.client) for summary in self.study.summaries.values()]
        return np.array(values, dtype=np.float64)[self.study.sessions_of_pages[self.pages]]


def _round_trip(client: Mapping[str, JSON]) -> float:
    connection = client.get("connection")
    return _number(connection.get("rtt")) if isinstance(connection, dict) else nan


FACTOR_VALUES: dict[str, Callable[[_Factors], Floats]] = {
    "time to first byte": lambda of: np.array(
        [
            nan if (ttfb := of.study.loading_vitals[page].ttfb) is None else ttfb.value
            for page in of.pages.tolist()
        ]
    ),
    "requests before the LCP": lambda of: of.number,
    "bytes before the LCP": lambda of: of.summed(of.study.requests.numbers("transfer_size")),
    "bytes of script": lambda of: of.summed(
        np.where(
            is_kind(of.study.requests.kinds, {ResourceType.SCRIPT}),
            of.study.requests.numbers("decoded_body_size"),
            0,
        )
    ),
    "share from the cache": lambda of: np.where(
        of.number > 0, of.counted(of.study.requests.cached == 1) / np.maximum(of.number, 1), nan
    ),
    "third-party requests before the LCP": lambda of: of.counted(of.study.requests.is_third_party),
    "third-party time before the LCP": lambda of: of.summed(
        np.where(of.study.requests.is_third_party, of.study.requests.durations, 0)
    ),
    "render-blocking requests": lambda of: of.counted(of.study.requests.is_blocking),
    "render-blocking time": lambda of: of.longest(of.study.requests.is_blocking),
    "API time before the LCP": lambda of: of.summed(
        np.where(is_kind(of.study.requests.kinds, API_TYPES), of.study.requests.durations, 0)
    ),
    "long-task time before the LCP": lambda of: of.long_tasks(),
    "round-trip time": lambda of: of.client(_round_trip),
    "device memory": lambda of: of.client(lambda client: _number(client.get("deviceMemory"))),
    "processor cores": lambda of: of.client(
        lambda client: _number(client.get("hardwareConcurrency"))
    ),
}
"""Factor -> its values for page loads."""

_PARTS = (
    ("time to first byte", "time_to_first_byte"),
    ("load delay", "load_delay"),
    ("load duration", "load_duration"),
    ("render delay", "render_delay"),
)


def factors(study: Study) -> Answer:
    """Question 7: what affects page speed?"""
    study.will_need(*FACTOR_COLUMNS)
    loads = [page for page in study.loads if study.lcp_us[page] == study.lcp_us[page]]
    parts = [found for page in loads if (found := lcp_parts(study, page)) is not None]
    values = {
        words: np.array([getattr(one, name) for one in parts], dtype=np.float64)
        for words, name in _PARTS
    }
    medians = {words: percentile(one, 0.5) or 0.0 for words, one in values.items()}
    whole = sum(medians.values())
    part_rows: list[tuple[Value, ...]] = [
        (
            words,
            told_ms(medians[words]),
            told_ms(percentile(values[words], 0.75) or 0.0),
            round(medians[words] / whole, 4) if whole else None,
            len(parts),
        )
        for words, _ in _PARTS
        if parts
    ]
    rows = _factor_rows(study, np.array(loads, dtype=np.int64))
    certain = [row for row in rows if row[4]]
    cause, headline = None, "No page load has a Largest Contentful Paint."
    notes = [
        Note(
            NoteKind.CAVEAT,
            "What goes with a slow page need not cause it: two factors may move together, and what"
            " never varies shows nothing.",
        )
    ]
    longest = max(medians, key=lambda words: medians[words])
    part_words = (
        f"{longest} is the longest part of the LCP: {format_duration(round(medians[longest]))} of"
        f" {format_duration(round(whole))}"
    )
    if certain:
        first = certain[0]
        cause = Cause("factor", str(first[0]), first[1] if isinstance(first[1], float) else None)
        headline = (
            f"{str(first[0]).capitalize()} goes most closely with the LCP (correlation"
            f" {first[1]:+.2f} over {first[5]} page loads)" + (f"; {part_words}." if parts else ".")
        )
    elif parts:
        cause = Cause("part", longest, told_ms(medians[longest]), Unit.MILLISECONDS)
        headline = f"{part_words[0].upper()}{part_words[1:]}."
        if len(loads) < FEWEST_SAMPLES:
            notes.append(
                Note(
                    NoteKind.CAVEAT,
                    f"{len(loads)} page {'load is' if len(loads) == 1 else 'loads are'} too few to"
                    " say what goes with a slow one;"
                    f" at least {FEWEST_SAMPLES} are needed.",
                )
            )
        elif rows:
            headline += " No factor goes with the LCP by more than chance."
    return Answer(
        question=Question.FACTORS.value,
        asked=Question.FACTORS.words,
        headline=headline,
        cause=cause,
        tables=(
            make_table(LCP_PARTS, part_rows),
            make_table(FACTORS, rows),
            make_table(CHAIN, _chain_rows(study, loads)),
        ),
        coverage=study.coverage,
        notes=tuple(notes),
    )


def _factor_rows(study: Study, loads: Integers) -> list[tuple[Value, ...]]:
    if len(loads) < FEWEST_SAMPLES:
        return []
    ranked: list[tuple[float, tuple[Value, ...]]] = []
    of = _Factors(study, loads)
    lcp = study.lcp_us[loads]
    for name, values_of in FACTOR_VALUES.items():
        values = values_of(of)
        known = ~np.isnan(values)
        found = spearman(values[known].tolist(), lcp[known].tolist())
        if found is not None:
            row = (
                *(name, round(found.rho, 4), round(found.low, 4), round(found.high, 4)),
                *(found.certain, found.count),
            )
            ranked.append((-abs(found.rho), row))
    return [row for _, row in sorted(ranked, key=lambda pair: (pair[0], str(pair[1][0])))]


def _chain_rows(study: Study, loads: Sequence[int]) -> list[tuple[Value, ...]]:
    """The chain of the load with the slowest LCP."""
    if not loads:
        return []
    slowest = max(loads, key=lambda page: float(study.lcp_us[page]))
    lcp = study.loading_vitals[slowest].lcp
    if lcp is None:
        return []
    target = target_of(lcp)
    requests = study.requests
    rows_before = study.rows_before_lcp(slowest)
    rows_before = rows_before[requests.starts[rows_before] <= target]
    chain = chain_of(study, rows_before, target, lcp.url)
    rows: list[tuple[Value, ...]] = []
    before = 0.0
    for row, is_told in chain:
        start, end = float(requests.starts[row]), float(requests.ends[row])
        rows.append(
            (
                requests.url_texts[int(requests.urls[row])],
                start / 1000,
                told_ms(float(requests.durations[row])),
                max(0.0, start - before) / 1000,
                is_told,
            )
        )
        before = start if end != end else end
    return rows


# --- analytics events ---------------------------------------------------------------------------

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
    rows.sort(key=lambda row: (row[5] is None, -_difference(row), str(row[0])))
    cause = None
    if rows:
        cause = Cause(
            "event", str(rows[0][0]), round(_difference(rows[0]), 3), Unit.MILLISECONDS_CHANGE
        )
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
        notes=(
            Note(
                NoteKind.CAVEAT,
                "An event and a slow pageview may have the same cause: what people do there.",
            ),
        ),
    )


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
