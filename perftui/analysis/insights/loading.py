"""Questions 1 and 2: how quickly assets load, and how fast API responses are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from perftui.analysis.groups import Samples, counts, dense, firsts, percentile, sums
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
from perftui.analysis.insights.phase_columns import PHASE_COLUMNS, phase_columns
from perftui.analysis.insights.requests import KINDS, Requests
from perftui.analysis.insights.sentences import api_headline, assets_headline
from perftui.analysis.insights.study import Study
from perftui.analysis.insights.values import share, told_ms
from perftui.analysis.phases import PhaseName
from perftui.analysis.statistics import logarithmic_edges
from perftui.analysis.text import counted
from perftui.model import JSON
from perftui.request_columns import Flags, Floats, Integers

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


class _Sums:
    """Sums of columns by two groupings at once, so that each value is looked at once for both.

    Args:
        by_first, by_second: the groups of each value.
        counts: how many groups each has.
    """

    def __init__(self, by_first: Integers, by_second: Integers, counts: tuple[int, int]) -> None:
        keys, self._places = dense(by_first * counts[1] + by_second)
        self._groups = tuple(zip(np.divmod(keys, counts[1]), counts, strict=True))
        self._count = len(keys)

    def means(self, values: Floats) -> tuple[Floats, Floats]:
        """The mean of the known values of each group of either grouping; NaN where it has none.
        They are whole numbers, so that their sum is the same in any order."""
        total, known = sums(self._places, self._count, values)
        found = []
        for groups, count in self._groups:
            number = np.bincount(groups, known, count)
            mean = np.bincount(groups, total, count) / np.maximum(number, 1)
            found.append(np.where(number > 0, mean, np.nan))
        return found[0], found[1]


class _Table(NamedTuple):
    """Requests in groups, and what a row says of each group.

    Attributes:
        rows: which requests.
        groups: the group of each.
        total: how many groups there are.
        samples: their durations, µs.
    """

    rows: Integers
    groups: Integers
    total: int
    samples: Samples

    def counted(self, flags: Flags) -> Integers:
        """How many of each group are so."""
        return counts(self.groups, self.total, flags[self.rows])

    @property
    def sizes(self) -> Integers:
        """How many requests each group has."""
        return counts(self.groups, self.total)

    def slowest_first(self, names: Sequence[str]) -> list[int]:
        """The groups that have any request, by p75; those that tell no duration come last."""
        slow = self.samples.percentile(0.75).tolist()
        there = self.sizes.tolist()
        return sorted(
            (place for place in range(self.total) if there[place]),
            key=lambda place: (slow[place] != slow[place], -slow[place], names[place]),
        )


def _grouped(requests: Requests, chosen: Flags, groups: Integers, count: int) -> _Table:
    rows = np.flatnonzero(chosen)
    taken = groups[rows]
    return _Table(rows, taken, count, Samples(taken, count, requests.durations[rows]))


def _latency(table: _Table) -> list[Floats]:
    return [table.samples.percentile(one) for one in (0.5, 0.75, 0.95)]


ASSET_COLUMNS = (*PHASE_COLUMNS, "is_cached", "is_silent", "render_blocking_status")


def assets(study: Study) -> Answer:
    """Question 1: how quickly do my assets load?"""
    requests = study.will_need(*ASSET_COLUMNS).requests
    chosen = requests.is_asset
    names, groups = requests.by_asset
    by_url = _grouped(requests, chosen, groups, len(names))
    by_type = _grouped(requests, chosen, requests.kinds, len(KINDS))
    opaque = requests.is_opaque
    phases = phase_columns(requests, by_url.rows)
    means_by = _Sums(by_type.groups, by_url.groups, (by_type.total, by_url.total)).means
    phase_means = [means_by(phases[name]) for name, _ in _PHASES]
    cached_means = means_by(requests.cached[by_url.rows])
    before_lcp = means_by(study.before_lcp[by_url.rows])[1]
    tables = []
    url_rows: list[tuple[Value, ...]] = []
    order: list[int] = []
    for number, (table, titles) in enumerate(
        ((by_type, [kind.value for kind in KINDS]), (by_url, names))
    ):
        order = table.slowest_first(titles)
        latency = _latency(table)
        means = [one[number] for one in phase_means]
        cached = cached_means[number]
        sizes = table.sizes
        blocking = table.counted(requests.is_blocking)
        if table is by_type:
            withheld = table.counted(opaque)
            tables.append(
                make_table(
                    BY_TYPE,
                    [
                        (
                            *(titles[place], int(sizes[place])),
                            *(told_ms(one[place]) for one in latency),
                            *(told_ms(one[place]) for one in means),
                            *(_share(cached[place]), int(blocking[place]), int(withheld[place])),
                        )
                        for place in order
                    ],
                )
            )
            continue
        kinds = firsts(table.groups, table.total, requests.kinds[table.rows])
        url_rows = [
            (
                *(titles[place], KINDS[kinds[place]].value, int(sizes[place])),
                *(told_ms(one[place]) for one in latency),
                *(told_ms(one[place]) for one in means),
                *(_share(cached[place]), bool(blocking[place]), _share(before_lcp[place])),
            )
            for place in order[:MOST_ROWS]
        ]
        tables.append(Table(BY_URL, tuple(url_rows), len(order)))
    cause = None
    headline = "No assets were loaded."
    if url_rows:
        everything = percentile(requests.durations[chosen], 0.75)
        first = url_rows[0]
        cause = Cause("asset", str(first[0]), first[4], Unit.MILLISECONDS)  # type: ignore[arg-type]
        headline = assets_headline(
            None if everything is None else told_ms(everything),
            first,
            first[6 : 6 + len(_PHASES)],
        )
    unknown = int((opaque & chosen).sum())
    return Answer(
        question=Question.ASSETS.value,
        asked=Question.ASSETS.words,
        headline=headline,
        cause=cause,
        tables=tuple(tables),
        coverage=study.coverage,
        notes=opaque_note(unknown),
        unknown={"phases": unknown} if unknown else {},
    )


def _share(value: float) -> float | None:
    return None if value != value else share(value, 1)


API_COLUMNS = (
    *("method", "request_start_us", "response_start_us"),
    *("is_refused", "is_unanswered"),
)


def api(study: Study) -> Answer:
    """Question 2: how fast are my API responses?"""
    requests = study.will_need(*API_COLUMNS).requests
    calls = requests.is_api
    names, groups = requests.by_endpoint
    table = _grouped(requests, calls, groups, len(names))
    order = table.slowest_first(names)
    latency = _latency(table)
    server = Samples(
        table.groups, table.total, requests.detail("serverTiming", server_time_us)[table.rows]
    ).median
    waiting = Samples(table.groups, table.total, requests.waiting[table.rows]).median
    sizes, errors = table.sizes, table.counted(requests.failed)
    slow = table.counted(requests.durations >= study.thresholds.api_slow_ms * 1000)
    largest = table.samples.largest
    rows: list[tuple[Value, ...]] = [
        (
            *(names[place], int(sizes[place])),
            *(told_ms(one[place]) for one in latency),
            told_ms(largest[place]),
            *(told_ms(server[place]), told_ms(waiting[place])),
            *(int(errors[place]), int(slow[place])),
        )
        for place in order[:MOST_ROWS]
    ]
    durations = requests.durations[calls]
    durations = np.sort(durations[~np.isnan(durations)])
    cause, headline = None, "No API calls were made."
    if rows:
        everything = percentile(durations, 0.75)
        cause = Cause("endpoint", str(rows[0][0]), rows[0][3], Unit.MILLISECONDS)  # type: ignore[arg-type]
        headline = api_headline(
            None if everything is None else told_ms(everything),
            rows[0],
            int(errors.sum()),
            int(calls.sum()),
        )
    unknown = int((requests.is_opaque & calls).sum())
    return Answer(
        question=Question.API.value,
        asked=Question.API.words,
        headline=headline,
        cause=cause,
        tables=(Table(BY_ENDPOINT, tuple(rows), len(order)),),
        distributions=_distribution(durations),
        coverage=study.coverage,
        notes=opaque_note(unknown),
    )


def whole(us: float | None) -> int | None:
    """µs to the microsecond; None for None and NaN."""
    return None if us is None or us != us else round(us)


def opaque_note(count: int) -> tuple[Note, ...]:
    if not count:
        return ()
    return (
        Note(
            NoteKind.UNKNOWN,
            f"Of {counted(count, 'request')} only the total is known, the phases"
            " and sizes are not (another origin without Timing-Allow-Origin, or no answer): counted"
            " as neither fast nor small.",
        ),
    )


def server_time_us(metrics: JSON) -> float | None:
    """What the server says it took: ``total`` of its Server-Timing, else the sum of its metrics;
    µs, None where it tells nothing."""
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


def _distribution(durations: Floats) -> tuple[Distribution, ...]:
    if len(durations) < 2 or not durations[-1]:
        return ()
    smallest, largest = max(1.0, float(durations[0])), float(durations[-1])
    edges = logarithmic_edges(smallest / 1000, max(largest / 1000, smallest / 1000 * 1.01), BINS)
    # What lies below the first edge or above the last one by rounding is in the outermost bins.
    places = np.clip(np.searchsorted(edges, durations / 1000, side="right") - 1, 0, BINS - 1)
    marks = tuple(
        (f"p{round(one * 100)}", round((percentile(durations, one) or 0) / 1000, 3))
        for one in (0.5, 0.75, 0.95)
    )
    return (
        Distribution(
            "durations_ms",
            "Durations of all API calls",
            Unit.MILLISECONDS,
            tuple(edges),
            tuple(np.bincount(places, minlength=BINS).tolist()),
            marks,
        ),
    )
