"""Question 7: what affects page speed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from math import nan
from typing import NamedTuple

import msgspec
import numpy as np

from perftui.analysis.critical_path import target_of
from perftui.analysis.groups import percentile
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
from perftui.analysis.insights.requests import is_kind
from perftui.analysis.insights.study import Study
from perftui.analysis.insights.values import told_ms
from perftui.analysis.marks import page_marks
from perftui.analysis.resource_type import API_TYPES, ResourceType
from perftui.analysis.statistics import FEWEST_SAMPLES, spearman
from perftui.analysis.text import counted, format_duration
from perftui.analysis.vitals import Vitals
from perftui.model import JSON
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
    "A property of page loads, by how closely it goes with their LCP; the closest first. Where no"
    " page load has an LCP, the load event stands for it.",
    (
        Column("factor", "factor", Unit.TEXT, "The property.", 100),
        Column(
            "rho",
            "correlation",
            Unit.NUMBER,
            "Spearman's rank correlation with that moment, -1 to 1.",
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
    "The chain of requests that the slowest page waited for",
    "A request that the next one waited for, of the page load with the slowest LCP, or load event.",
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

SHAPES = {Question.FACTORS: (LCP_PARTS, FACTORS, CHAIN)}


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


class Outcome(NamedTuple):
    """The moment that page loads are held against.

    Attributes:
        name: of the metric.
        at_us: of each pageview, µs since its time origin; NaN where it is not known.
    """

    name: str
    at_us: Floats


def outcome_of(study: Study) -> Outcome:
    """The LCP; where no page load has one, as in HAR files and in browsers that do not tell it, the
    load event."""
    if not np.isnan(study.lcp_us[study.loads]).all():
        return Outcome("LCP", study.lcp_us)
    found = np.full(len(study.page_views), nan)
    for page in study.loads:
        for mark in page_marks(study.records_of(page), Vitals()):
            if mark.name == "load":
                found[page] = mark.at_us
    return Outcome("load event", found)


class _Factors:
    """Properties of page loads, one value each; NaN where it is not known.

    Args:
        pages: the places of the page loads.
        outcome: what they are held against: "before" is before that.
    """

    def __init__(self, study: Study, pages: Integers, outcome: Outcome) -> None:
        self.study = study
        self.pages = pages
        self.outcome = outcome
        requests = study.requests
        self.count = len(study.page_views)
        self.rows = np.flatnonzero(requests.starts <= outcome.at_us[requests.pages])
        self.of = requests.pages[self.rows]

    def summed(self, values: Floats) -> Floats:
        """Of the requests before it; what is not known adds nothing."""
        weights = np.nan_to_num(values[self.rows])
        found = np.bincount(self.of, weights=weights, minlength=self.count)[self.pages]
        return found.astype(np.float64)

    def counted(self, flags: Flags) -> Floats:
        """How many of the requests before it."""
        return self.summed(flags.astype(np.float64))

    @cached_property
    def number(self) -> Floats:
        """Requests before it."""
        return np.bincount(self.of, minlength=self.count)[self.pages].astype(np.float64)

    def longest(self, flags: Flags) -> Floats:
        """The longest of the requests before it that are so."""
        rows = self.rows[flags[self.rows]]
        found = np.zeros(self.count)
        durations = np.nan_to_num(self.study.requests.durations[rows])
        np.maximum.at(found, self.study.requests.pages[rows], durations)
        return found[self.pages]

    def long_tasks(self) -> Floats:
        """Time of long tasks that began before it."""
        found = np.zeros(self.count)
        for page, record in self.study.happenings("longtask"):
            if record.entry.start_us <= self.outcome.at_us[page]:
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
    "requests before the {}": lambda of: of.number,
    "bytes before the {}": lambda of: of.summed(of.study.requests.numbers("transfer_size")),
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
    "third-party requests before the {}": lambda of: of.counted(of.study.requests.is_third_party),
    "third-party time before the {}": lambda of: of.summed(
        np.where(of.study.requests.is_third_party, of.study.requests.durations, 0)
    ),
    "render-blocking requests": lambda of: of.counted(of.study.requests.is_blocking),
    "render-blocking time": lambda of: of.longest(of.study.requests.is_blocking),
    "API time before the {}": lambda of: of.summed(
        np.where(is_kind(of.study.requests.kinds, API_TYPES), of.study.requests.durations, 0)
    ),
    "long-task time before the {}": lambda of: of.long_tasks(),
    "round-trip time": lambda of: of.client(_round_trip),
    "device memory": lambda of: of.client(lambda client: _number(client.get("deviceMemory"))),
    "processor cores": lambda of: of.client(
        lambda client: _number(client.get("hardwareConcurrency"))
    ),
}
"""Factor, with the outcome left open -> its values for page loads."""

_PARTS = (
    ("time to first byte", "time_to_first_byte"),
    ("load delay", "load_delay"),
    ("load duration", "load_duration"),
    ("render delay", "render_delay"),
)


def factors(study: Study) -> Answer:
    """Question 7: what affects page speed?"""
    study.will_need(*FACTOR_COLUMNS)
    outcome = outcome_of(study)
    loads = [page for page in study.loads if not np.isnan(outcome.at_us[page])]
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
    rows = _factor_rows(study, np.array(loads, dtype=np.int64), outcome)
    certain = [row for row in rows if row[4]]
    cause, headline = None, "No page load has a Largest Contentful Paint."
    notes = [
        Note(
            NoteKind.CAVEAT,
            "What goes with a slow page need not cause it: two factors may move together, and what"
            " never varies shows nothing.",
        )
    ]
    if outcome.name != "LCP" and loads:
        median = format_duration(round(percentile(outcome.at_us[loads], 0.5) or 0.0))
        headline = (
            f"No page load tells of an LCP; the {outcome.name} comes after {median} (median of"
            f" {counted(len(loads), 'page load')})."
        )
        notes.append(
            Note(
                NoteKind.CAVEAT,
                "HAR files and some browsers do not tell the Largest Contentful Paint: the"
                f" {outcome.name} stands for it here.",
            )
        )
    longest = max(medians, key=lambda words: medians[words])
    part_words = (
        f"{longest} is the longest part of the LCP: {format_duration(round(medians[longest]))} of"
        f" {format_duration(round(whole))}"
    )
    if certain:
        first = certain[0]
        cause = Cause("factor", str(first[0]), first[1] if isinstance(first[1], float) else None)
        headline = (
            f"{str(first[0]).capitalize()} goes most closely with the {outcome.name} (correlation"
            f" {first[1]:+.2f} over {first[5]} page loads)" + (f"; {part_words}." if parts else ".")
        )
    elif parts:
        cause = Cause("part", longest, told_ms(medians[longest]), Unit.MILLISECONDS)
        headline = f"{part_words[0].upper()}{part_words[1:]}."
    if 0 < len(loads) < FEWEST_SAMPLES:
        notes.append(
            Note(
                NoteKind.CAVEAT,
                f"{len(loads)} page {'load is' if len(loads) == 1 else 'loads are'} too few to"
                " say what goes with a slow one;"
                f" at least {FEWEST_SAMPLES} are needed.",
            )
        )
    elif rows and not certain:
        headline += f" No factor goes with the {outcome.name} by more than chance."
    return Answer(
        question=Question.FACTORS.value,
        asked=Question.FACTORS.words,
        headline=headline,
        cause=cause,
        tables=(
            make_table(LCP_PARTS, part_rows),
            make_table(FACTORS, rows),
            make_table(CHAIN, _chain_rows(study, loads, outcome)),
        ),
        coverage=study.coverage,
        notes=tuple(notes),
    )


def _factor_rows(study: Study, loads: Integers, outcome: Outcome) -> list[tuple[Value, ...]]:
    if len(loads) < FEWEST_SAMPLES:
        return []
    ranked: list[tuple[float, tuple[Value, ...]]] = []
    of = _Factors(study, loads, outcome)
    times = outcome.at_us[loads]
    for name, values_of in FACTOR_VALUES.items():
        values = values_of(of)
        known = ~np.isnan(values)
        found = spearman(values[known].tolist(), times[known].tolist())
        if found is not None:
            row = (
                *(
                    name.format(outcome.name),
                    round(found.rho, 4),
                    round(found.low, 4),
                    round(found.high, 4),
                ),
                *(found.certain, found.count),
            )
            ranked.append((-abs(found.rho), row))
    return [row for _, row in sorted(ranked, key=lambda pair: (pair[0], str(pair[1][0])))]


def _chain_rows(study: Study, loads: Sequence[int], outcome: Outcome) -> list[tuple[Value, ...]]:
    """The chain of the slowest load."""
    if not loads:
        return []
    slowest = max(loads, key=lambda page: float(outcome.at_us[page]))
    lcp = study.loading_vitals[slowest].lcp
    target, url = (
        (round(outcome.at_us[slowest]), None) if lcp is None else (target_of(lcp), lcp.url)
    )
    requests = study.requests
    rows_before = np.flatnonzero((requests.pages == slowest) & (requests.starts <= target))
    rows_before = rows_before[np.argsort(requests.starts[rows_before], kind="stable")]
    chain = chain_of(study, rows_before, target, url)
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
