"""Question 8: how performance goes with analytics events."""

from __future__ import annotations

from perftui.analysis.insights.answer import (
    Answer,
    Question,
    Value,
    make_table,
)
from perftui.analysis.insights.events import BANDS, BEFORE_US, EVENTS, SAME_CAUSE, slowest_first
from perftui.analysis.insights.loading import MOST_ROWS
from perftui.analysis.insights.sentences import events_headline
from perftui.export.clickhouse_schema import ENTRIES, quoted
from perftui.export.questions.asking import Asking, in_milliseconds, of

MOST_EVENTS = 200
"""Kinds of events that are looked at: the most frequent ones."""


def events(asking: Asking) -> Answer:
    """Question 8: how does performance go with my analytics events?"""
    captured = (
        "(SELECT session_id, page_view_id, name AS event, toUnixTimestamp64Micro(timestamp) AS at"
        f" FROM {ENTRIES} FINAL WHERE {asking.where} AND entry_type = 'capture' AND is_deleted = 0)"
    )
    kinds = asking.clickhouse.rows(
        "SELECT event, count() AS times, uniqExact(session_id, page_view_id),"
        f" uniqExact(session_id) FROM {captured} GROUP BY event"
        f" ORDER BY times DESC, event LIMIT {MOST_EVENTS}"
    )
    around = _around(asking, captured)
    lcp_with = asking.page_loads.column(Question.EVENTS, EVENTS.key, "lcp_with_ms")
    lcp_without = asking.page_loads.column(Question.EVENTS, EVENTS.key, "lcp_without_ms")
    rows: list[tuple[Value, ...]] = []
    for event, times, views, sessions in kinds:
        name = str(event)
        is_with = (
            "(session_id, page_view_id) IN (SELECT session_id, page_view_id FROM"
            f" {captured} WHERE event = {quoted(name)})"
        )
        medians = asking.rows(
            f"SELECT {asking.quantiles('took_us', 0.5, condition=is_with)}[1],"
            f" {asking.quantiles('took_us', 0.5, condition=f'NOT {is_with}')}[1]"
            " FROM requests WHERE is_api"
        )[0]
        slow, in_flight = around.get(name, (0, 0))
        rows.append(
            (
                *(name, times, views, lcp_with.get(name), lcp_without.get(name)),
                *map(in_milliseconds, medians),
                *(slow, round(in_flight / times), of(sessions, asking.coverage.sessions)),
            )
        )
    cause = slowest_first(rows)
    return Answer(
        question=Question.EVENTS.value,
        asked=Question.EVENTS.words,
        headline=events_headline(rows),
        cause=cause,
        tables=(make_table(EVENTS, rows, MOST_ROWS), make_table(BANDS, _bands(asking, captured))),
        coverage=asking.coverage,
        notes=asking.notes(
            SAME_CAUSE,
            from_page_loads=True,
        ),
    )


def _around(asking: Asking, captured: str) -> dict[str, tuple[int, int]]:
    """Event -> slow requests just before it, and requests in flight at it, in all."""
    limits = asking.thresholds
    slow = f"took_us >= if(is_api, {limits.api_slow_ms * 1000}, {limits.asset_slow_ms * 1000})"
    rows = asking.rows(
        f"SELECT event, countIf({slow}), countIf(end > at) FROM {captured} AS events"
        " JOIN (SELECT session_id, is_api, took_us, toUnixTimestamp64Micro(timestamp) AS begin"
        " FROM requests) AS asked USING (session_id)"
        " WHERE begin <= at"
        f" AND (if(took_us IS NULL, at + 1, begin + took_us) AS end) >= at - {BEFORE_US}"
        " GROUP BY event"
    )
    return {str(event): (before, flying) for event, before, flying in rows}


def _bands(asking: Asking, captured: str) -> list[tuple[Value, ...]]:
    """Sessions by their median API duration in three equal parts, and how many have each event."""
    median = asking.quantiles("took_us", 0.5)
    rows = asking.rows(
        "SELECT band, total, band_size, event, uniqExact(session_id) FROM ("
        "SELECT session_id, total, band, count() OVER (PARTITION BY band) AS band_size FROM ("
        "SELECT session_id, total, multiIf(place < round(total / 3), 0,"
        " place < round(2 * (total / 3)), 1, 2) AS band FROM ("
        "SELECT session_id, count() OVER () AS total,"
        f" row_number() OVER (ORDER BY {median}[1], session_id) - 1 AS place"
        " FROM requests WHERE is_api AND took_us IS NOT NULL GROUP BY session_id))) AS ordered"
        f" LEFT JOIN (SELECT DISTINCT session_id, event FROM {captured}) AS having"
        " USING (session_id) GROUP BY band, total, band_size, event"
    )
    if not rows or rows[0][1] < 3:
        return []
    sizes = {band: size for band, _, size, _, _ in rows}
    names = sorted(
        str(row[0]) for row in asking.clickhouse.rows(f"SELECT DISTINCT event FROM {captured}")
    )
    having = {(str(event), band): count for band, _, _, event, count in rows if event}
    return [
        (
            name,
            *(of(having.get((name, band), 0), sizes.get(band, 0)) for band in range(3)),
            rows[0][1],
        )
        for name in names
    ]
