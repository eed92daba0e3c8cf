"""Questions 1 and 2: how quickly assets load, and how fast API responses are."""

from __future__ import annotations

from typing import Any

from perftui.analysis.insights.answer import Answer, Cause, Distribution, Question, Table, Unit
from perftui.analysis.insights.loading import (
    BINS,
    BY_ENDPOINT,
    BY_TYPE,
    BY_URL,
    MOST_ROWS,
    opaque_note,
)
from perftui.analysis.insights.sentences import api_headline, assets_headline
from perftui.analysis.statistics import logarithmic_edges
from perftui.export.questions.asking import Asking, in_milliseconds, of
from perftui.export.questions.requests import PHASE_COLUMNS

_SERVER_TIMING = (
    # The durations above 0 of each metric of Server-Timing, and their names.
    "arrayFilter(metric -> JSONExtractFloat(metric, 'duration') > 0"
    " AND JSONType(metric, 'name') = 'String', JSONExtractArrayRaw(extra, 'serverTiming'))"
)
SERVER_US = (
    f"arrayMap(metric -> (JSONExtractString(metric, 'name'), JSONExtractFloat(metric, 'duration')),"
    f" {_SERVER_TIMING}) AS server_metrics,"
    " arrayFilter(metric -> metric.1 = 'total', server_metrics) AS server_totals,"
    " if(empty(server_metrics), NULL, round(arraySum(arrayMap(metric -> metric.2,"
    " if(empty(server_totals), server_metrics, server_totals))) * 1000)) AS server_us"
)
"""``loading.server_time_us``."""


def _means() -> str:
    return ", ".join(f"avg({column})" for column in PHASE_COLUMNS)


def assets(asking: Asking) -> Answer:
    """Question 1: how quickly do my assets load?"""
    quantiles = asking.quantiles("took_us", 0.5, 0.75, 0.95)
    types = asking.rows(
        f"SELECT resource_type, count(), {quantiles} AS told, {_means()},"
        " countIf(is_cached = 1), count(is_cached), countIf(is_blocking), countIf(is_opaque)"
        " FROM requests WHERE is_asset GROUP BY resource_type"
        " ORDER BY isNaN(told[2]), told[2] DESC, resource_type",
        phases=True,
    )
    urls = asking.rows(
        f"SELECT plain_url, argMin(resource_type, arrival), count(), {quantiles} AS told,"
        f" {_means()}, countIf(is_cached = 1), count(is_cached), max(is_blocking),"
        " count() OVER () FROM requests WHERE is_asset GROUP BY plain_url"
        f" ORDER BY isNaN(told[2]), told[2] DESC, plain_url LIMIT {MOST_ROWS}",
        phases=True,
    )
    before = asking.page_loads.column(Question.ASSETS, BY_URL.key, "before_lcp_share")
    type_rows = tuple(
        (
            *(row[0], row[1]),
            *map(in_milliseconds, (*row[2], *row[3:9])),
            *(of(row[9], row[10]), row[11], row[12]),
        )
        for row in types
    )
    url_rows = tuple(
        (
            *row[:3],
            *map(in_milliseconds, (*row[3], *row[4:10])),
            *(of(row[10], row[11]), bool(row[12]), before.get(str(row[0]))),
        )
        for row in urls
    )
    cause, headline = None, "No assets were loaded."
    if urls:
        everything = asking.value(
            f"SELECT {asking.quantiles('took_us', 0.75)}[1] FROM requests WHERE is_asset"
        )
        first = url_rows[0]
        cause = Cause("asset", str(first[0]), first[4], Unit.MILLISECONDS)
        headline = assets_headline(in_milliseconds(everything), first, first[6:12])
    opaque = sum(row[12] for row in types)
    return Answer(
        question=Question.ASSETS.value,
        asked=Question.ASSETS.words,
        headline=headline,
        cause=cause,
        tables=(
            Table(BY_TYPE, type_rows, len(type_rows)),
            Table(BY_URL, url_rows, urls[0][13] if urls else 0),
        ),
        coverage=asking.coverage,
        notes=asking.notes(*opaque_note(opaque), from_page_loads=True),
        unknown={"phases": opaque} if opaque else {},
    )


def api(asking: Asking) -> Answer:
    """Question 2: how fast are my API responses?"""
    slow_us = asking.thresholds.api_slow_ms * 1000
    calls = asking.rows(
        f"SELECT called, count(), {asking.quantiles('took_us', 0.5, 0.75, 0.95)} AS told,"
        f" max(took_us), {asking.quantiles('server_us', 0.5)},"
        f" {asking.quantiles('waiting_us', 0.5)}, countIf(is_error), countIf(took_us >= {slow_us}),"
        f" count() OVER () FROM (SELECT *, {SERVER_US} FROM requests WHERE is_api)"
        " GROUP BY called"
        f" ORDER BY isNaN(told[2]), told[2] DESC, called LIMIT {MOST_ROWS}"
    )
    rows = tuple(
        (
            *row[:2],
            *map(in_milliseconds, row[2]),
            None if row[3] is None else row[3] / 1000,
            *(in_milliseconds(row[4][0]), in_milliseconds(row[5][0]), row[6], row[7]),
        )
        for row in calls
    )
    count, errors, opaque, least, most, told = asking.rows(
        "SELECT count(), countIf(is_error), countIf(is_opaque), min(took_us), max(took_us),"
        f" {asking.quantiles('took_us', 0.5, 0.75, 0.95)} FROM requests WHERE is_api"
    )[0]
    cause, headline = None, "No API calls were made."
    if calls:
        cause = Cause("endpoint", str(rows[0][0]), rows[0][3], Unit.MILLISECONDS)
        headline = api_headline(in_milliseconds(told[1]), rows[0], errors, count)
    return Answer(
        question=Question.API.value,
        asked=Question.API.words,
        headline=headline,
        cause=cause,
        tables=(Table(BY_ENDPOINT, rows, calls[0][8] if calls else 0),),
        distributions=_distribution(asking, least, most, told),
        coverage=asking.coverage,
        notes=asking.notes(*opaque_note(opaque)),
    )


def _distribution(asking: Asking, least: Any, most: Any, told: Any) -> tuple[Distribution, ...]:
    counted = int(asking.value("SELECT count(took_us) FROM requests WHERE is_api"))
    if counted < 2 or not most:
        return ()
    smallest = max(1.0, float(least or 1))
    edges = logarithmic_edges(smallest / 1000, max(most / 1000, smallest / 1000 * 1.01), BINS)
    counts = [0] * (len(edges) - 1)
    bounds = ", ".join(repr(edge) for edge in edges)
    for place, number in asking.rows(
        f"SELECT arrayCount(edge -> edge <= took_us / 1000, [{bounds}]) AS place, count()"
        " FROM requests WHERE is_api AND took_us IS NOT NULL GROUP BY place"
    ):
        counts[min(len(edges) - 2, max(0, place - 1))] += number
    return (
        Distribution(
            "durations_ms",
            "Durations of all API calls",
            Unit.MILLISECONDS,
            tuple(edges),
            tuple(counts),
            tuple(
                (f"p{name}", in_milliseconds(value) or 0.0)
                for name, value in zip((50, 75, 95), told, strict=True)
            ),
        ),
    )
