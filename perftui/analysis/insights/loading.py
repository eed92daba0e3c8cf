"""Questions 1 and 2: how quickly assets load, and how fast API responses are."""

from __future__ import annotations

from collections.abc import Sequence

from perftui.analysis.insights.answer import (
    Answer,
    Cause,
    Column,
    Distribution,
    Note,
    NoteKind,
    Question,
    Shape,
    Table,
    Unit,
    Value,
    make_table,
)
from perftui.analysis.insights.study import (
    Study,
    durations,
    endpoint_of,
    grouped,
    kind_of,
    percentiles,
    plain_url,
    share,
    worst_first,
)
from perftui.analysis.phases import PhaseName, is_cached, phase_durations
from perftui.analysis.statistics import Sample, logarithmic_edges
from perftui.analysis.text import format_duration
from perftui.model import JSON, Entry, Record

MOST_ROWS = 30
"""Rows of a table by URL or endpoint: the ones that matter come first."""

BINS = 24

_PHASES = (
    (PhaseName.QUEUE, "blocked"),
    (PhaseName.DNS, "dns"),
    (PhaseName.CONNECT, "connect"),
    (PhaseName.TLS, "tls"),
    (PhaseName.WAIT, "waiting"),
    (PhaseName.RECEIVE, "download"),
)

_LATENCY = (
    Column("p50_ms", "p50", Unit.MILLISECONDS, "Median duration.", 80),
    Column("p75_ms", "p75", Unit.MILLISECONDS, "Three of four are faster.", 90),
    Column("p95_ms", "p95", Unit.MILLISECONDS, "All but one of twenty are faster.", 85),
)

_PHASE_COLUMNS = tuple(
    Column(f"{name}_ms", name, Unit.MILLISECONDS, f"Mean time in {name}, of those that tell.", 40)
    for _, name in _PHASES
)

BY_TYPE = Shape(
    "by_type",
    "By type",
    "A kind of asset; the slowest by p75 first.",
    (
        Column("type", "type", Unit.TEXT, "Kind of asset.", 100),
        Column("requests", "requests", Unit.COUNT, "How many were loaded.", 95),
        *_LATENCY,
        *_PHASE_COLUMNS,
        Column(
            "cached_share",
            "cached",
            Unit.SHARE,
            "From the browser's cache, of those that tell.",
            60,
        ),
        Column("render_blocking", "blocking", Unit.COUNT, "How many blocked rendering.", 55),
        Column("opaque", "opaque", Unit.COUNT, "How many withhold their phases.", 30),
    ),
)

BY_URL = Shape(
    "by_url",
    "By URL",
    "An asset by its URL without the query; the slowest by p75 first.",
    (
        Column("url", "url", Unit.TEXT, "The asset.", 100),
        Column("type", "type", Unit.TEXT, "Kind of asset.", 70),
        Column("requests", "requests", Unit.COUNT, "How many times it was loaded.", 75),
        *_LATENCY,
        *_PHASE_COLUMNS,
        Column(
            "cached_share",
            "cached",
            Unit.SHARE,
            "From the browser's cache, of those that tell.",
            50,
        ),
        Column("render_blocking", "blocking", Unit.FLAG, "Whether it blocks rendering.", 60),
        Column(
            "before_lcp_share", "before LCP", Unit.SHARE, "Over before the LCP of its page.", 55
        ),
    ),
)

BY_ENDPOINT = Shape(
    "by_endpoint",
    "By endpoint",
    "An endpoint: method, host and path template; the slowest by p75 first.",
    (
        Column(
            "endpoint", "endpoint", Unit.TEXT, "Method (where told), host and path template.", 100
        ),
        Column("calls", "calls", Unit.COUNT, "How many there were.", 95),
        *_LATENCY,
        Column("max_ms", "max", Unit.MILLISECONDS, "The slowest.", 60),
        Column(
            "server_p50_ms", "server", Unit.MILLISECONDS, "Median of Server-Timing's total.", 50
        ),
        Column(
            "waiting_p50_ms", "waiting", Unit.MILLISECONDS, "Median from request to first byte.", 55
        ),
        Column("errors", "errors", Unit.COUNT, "Status of 400 or more, or failed.", 70),
        Column("slow", "slow", Unit.COUNT, "As slow as the thresholds say, or slower.", 65),
    ),
)

SHAPES = {
    Question.ASSETS: (BY_TYPE, BY_URL),
    Question.API: (BY_ENDPOINT,),
}


def _phase_means(records: Sequence[Record]) -> list[Value]:
    told: dict[PhaseName, list[int]] = {name: [] for name, _ in _PHASES}
    for record in records:
        for name, duration in phase_durations(record.entry).items():
            if duration is not None and name in told:
                told[name].append(duration)
    return [
        round(sum(values) / len(values) / 1000, 3) if values else None
        for values in (told[name] for name, _ in _PHASES)
    ]


def cached_share(records: Sequence[Record]) -> float | None:
    told = [cached for record in records if (cached := is_cached(record.entry)) is not None]
    return share(sum(told), len(told))


def assets(study: Study) -> Answer:
    """Question 1: how quickly do my assets load?"""
    records = study.assets
    types = grouped(records, lambda record: kind_of(record).value)
    type_rows = []
    for name in worst_first(
        {name: durations(group).percentile(0.75) for name, group in types.items()}
    ):
        group = types[name]
        type_rows.append(
            (
                name,
                len(group),
                *percentiles(durations(group), 0.5, 0.75, 0.95),
                *_phase_means(group),
                cached_share(group),
                sum(record.entry.render_blocking_status == "blocking" for record in group),
                sum(record.entry.is_timing_opaque for record in group),
            )
        )
    urls = grouped(records, plain_url)
    order = worst_first({url: durations(group).percentile(0.75) for url, group in urls.items()})
    url_rows = []
    for url in order[:MOST_ROWS]:
        group = urls[url]
        before = [told for record in group if (told := study.is_before_lcp(record)) is not None]
        url_rows.append(
            (
                url,
                kind_of(group[0]).value,
                len(group),
                *percentiles(durations(group), 0.5, 0.75, 0.95),
                *_phase_means(group),
                cached_share(group),
                any(record.entry.render_blocking_status == "blocking" for record in group),
                share(sum(before), len(before)),
            )
        )
    cause = None
    headline = "No assets were loaded."
    if order:
        slowest = durations(urls[order[0]]).percentile(0.75)
        everything = durations(records).percentile(0.75)
        cause = Cause(
            "asset", order[0], None if slowest is None else slowest / 1000, Unit.MILLISECONDS
        )
        headline = (
            f"Three of four assets load within {format_duration(whole(everything))}; the slowest is"
            f" {order[0]}, with {format_duration(whole(slowest))}."
        )
    opaque = sum(record.entry.is_timing_opaque for record in records)
    return Answer(
        question=Question.ASSETS.value,
        asked=Question.ASSETS.words,
        headline=headline,
        cause=cause,
        tables=(make_table(BY_TYPE, type_rows), Table(BY_URL, tuple(url_rows), len(order))),
        coverage=study.coverage,
        notes=opaque_note(opaque),
        unknown={"phases": opaque} if opaque else {},
    )


def api(study: Study) -> Answer:
    """Question 2: how fast are my API responses?"""
    calls = study.api_calls
    endpoints = grouped(calls, endpoint_of)
    order = worst_first(
        {name: durations(group).percentile(0.75) for name, group in endpoints.items()}
    )
    rows = []
    for name in order[:MOST_ROWS]:
        group = endpoints[name]
        sample = durations(group)
        rows.append(
            (
                name,
                len(group),
                *percentiles(sample, 0.5, 0.75, 0.95),
                None if sample.largest is None else sample.largest / 1000,
                *percentiles(Sample(_server_us(group)), 0.5),
                *percentiles(Sample(_waiting_us(group)), 0.5),
                sum(failed(study, record) for record in group),
                sum(value >= study.thresholds.api_slow_ms * 1000 for value in sample),
            )
        )
    sample = durations(calls)
    cause, headline = None, "No API calls were made."
    if order:
        slowest = durations(endpoints[order[0]]).percentile(0.75)
        cause = Cause(
            "endpoint", order[0], None if slowest is None else slowest / 1000, Unit.MILLISECONDS
        )
        errors = sum(failed(study, record) for record in calls)
        headline = (
            f"Three of four API calls are answered within"
            f" {format_duration(whole(sample.percentile(0.75)))}; the slowest endpoint is {order[0]},"
            f" with {format_duration(whole(slowest))}"
            + (f"; {errors} of {len(calls)} calls failed." if errors else ".")
        )
    return Answer(
        question=Question.API.value,
        asked=Question.API.words,
        headline=headline,
        cause=cause,
        tables=(Table(BY_ENDPOINT, tuple(rows), len(order)),),
        distributions=_distribution(sample),
        coverage=study.coverage,
        notes=opaque_note(sum(record.entry.is_timing_opaque for record in calls)),
    )


def whole(us: float | None) -> int | None:
    return None if us is None else round(us)


def opaque_note(count: int) -> tuple[Note, ...]:
    if not count:
        return ()
    return (
        Note(
            NoteKind.UNKNOWN,
            f"Of {count} {'request' if count == 1 else 'requests'} only the total is known, the phases"
            " and sizes are not (another origin without Timing-Allow-Origin, or no answer): counted"
            " as neither fast nor small.",
        ),
    )


def failed(study: Study, record: Record) -> bool:
    from perftui.analysis.severity import is_error

    return is_error(record.entry, study.page_url(record))


def _server_us(records: Sequence[Record]) -> list[float]:
    return [told for record in records if (told := server_time_us(record.entry)) is not None]


def server_time_us(entry: Entry) -> int | None:
    """What the server says it took: ``total`` of its Server-Timing, else the sum of its metrics;
    µs, None where it tells nothing."""
    metrics: JSON = entry.extra.get("serverTiming")
    if not isinstance(metrics, list):
        return None
    told: dict[str, float] = {}
    for metric in metrics:
        if isinstance(metric, dict):
            name, duration = metric.get("name"), metric.get("duration")
            if isinstance(name, str) and isinstance(duration, (int, float)) and duration > 0:
                told[name] = told.get(name, 0) + duration
    if not told:
        return None
    return round(told.get("total", sum(told.values())) * 1000)


def _waiting_us(records: Sequence[Record]) -> list[float]:
    found: list[float] = []
    for record in records:
        entry = record.entry
        if entry.request_start_us is not None and entry.response_start_us is not None:
            found.append(max(0, entry.response_start_us - entry.request_start_us))
    return found


def _distribution(sample: Sample) -> tuple[Distribution, ...]:
    if sample.count < 2 or not sample.largest:
        return ()
    smallest = max(1.0, sample.smallest or 1.0)
    edges = logarithmic_edges(
        smallest / 1000, max(sample.largest / 1000, smallest / 1000 * 1.01), BINS
    )
    counts = [0] * (len(edges) - 1)
    for value in sample:
        counts[_bin(edges, value / 1000)] += 1
    marks = tuple(
        (f"p{round(one * 100)}", round((sample.percentile(one) or 0) / 1000, 3))
        for one in (0.5, 0.75, 0.95)
    )
    return (
        Distribution(
            "durations_ms",
            "Durations of all API calls",
            Unit.MILLISECONDS,
            tuple(edges),
            tuple(counts),
            marks,
        ),
    )


def _bin(edges: Sequence[float], value: float) -> int:
    from bisect import bisect_right

    return min(len(edges) - 2, max(0, bisect_right(edges, value) - 1))
