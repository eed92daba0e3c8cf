"""Questions 7, 8 and 9: what affects page speed, how performance goes with analytics events, and
what was happening at a moment."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from perftui.analysis.critical_path import critical_chain
from perftui.analysis.endpoints import short_url
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
from perftui.analysis.insights.study import PageKey, Study, kind_of, page_key, share
from perftui.analysis.phases import is_cached, request_duration_us, request_end_us
from perftui.analysis.resource_type import API_TYPES, ResourceType
from perftui.analysis.statistics import FEWEST_SAMPLES, Sample, spearman
from perftui.analysis.text import format_duration
from perftui.analysis.text_log import event_words
from perftui.model import JSON, Record

# --- what affects page speed --------------------------------------------------------------------

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

IN_FLIGHT = Shape(
    "in_flight",
    "In flight",
    "A request that was under way, the longest first.",
    (
        Column("url", "url", Unit.TEXT, "The request.", 100),
        Column("type", "type", Unit.TEXT, "Kind of request.", 60),
        Column("running_ms", "since", Unit.MILLISECONDS, "How long it had been in flight.", 95),
        Column(
            "left_ms",
            "left",
            Unit.MILLISECONDS,
            "How much longer it took; null where it never ended.",
            90,
        ),
        Column("status", "status", Unit.COUNT, "Its status in the end.", 50),
    ),
)

SITUATION = Shape(
    "situation",
    "The situation",
    "What was so at that moment.",
    (
        Column("what", "what", Unit.TEXT, "What is told.", 100),
        Column("value", "was", Unit.TEXT, "How it was.", 95),
    ),
)

RECENT = Shape(
    "recent",
    "Just before",
    "What had happened in the 10 s before, the latest first.",
    (
        Column("ago_ms", "ago", Unit.MILLISECONDS, "How long before the moment.", 100),
        Column("what", "what", Unit.TEXT, "What it was.", 95),
    ),
)

SHAPES = {
    Question.FACTORS: (LCP_PARTS, FACTORS, CHAIN),
    Question.EVENTS: (EVENTS, BANDS),
    Question.MOMENT: (SITUATION, IN_FLIGHT, RECENT),
}


class LcpParts(msgspec.Struct, frozen=True):
    """The time to the LCP in its four parts, µs. Source: https://web.dev/articles/optimize-lcp."""

    time_to_first_byte: int
    load_delay: int
    load_duration: int
    render_delay: int


def lcp_parts(study: Study, key: PageKey) -> LcpParts | None:
    """The parts for a page load; None where the LCP or the first byte is not known. Of an LCP
    without a resource (text) the two parts of loading are 0."""
    lcp = study.vitals(key).lcp
    ttfb = study.vitals(key).ttfb
    if lcp is None or ttfb is None:
        return None
    first_byte = min(ttfb.at_us, lcp.at_us)
    resource = next(
        (
            record.entry
            for record in study.by_page[key]
            if lcp.url and record.entry.is_request and record.entry.name == lcp.url
        ),
        None,
    )
    if resource is None:
        return LcpParts(first_byte, 0, 0, lcp.at_us - first_byte)
    started = min(max(first_byte, resource.request_start_us or resource.start_us), lcp.at_us)
    ended = min(max(started, request_end_us(resource) or started), lcp.at_us)
    return LcpParts(first_byte, started - first_byte, ended - started, lcp.at_us - ended)


def _number(value: JSON) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value)


def _client(study: Study, key: PageKey) -> Mapping[str, JSON]:
    summary = study.summaries.get(key[0])
    return summary.client if summary is not None else {}


def _round_trip(study: Study, key: PageKey) -> float | None:
    connection = _client(study, key).get("connection")
    return _number(connection.get("rtt")) if isinstance(connection, dict) else None


def _script_bytes(records: Sequence[Record]) -> float:
    return sum(
        record.entry.decoded_body_size or 0
        for record in records
        if record.entry.is_request and kind_of(record) is ResourceType.SCRIPT
    )


def _before(study: Study, key: PageKey) -> list[Record]:
    """Requests that began before the LCP."""
    lcp = study.lcp_us(key) or 0
    return [one for one in study.by_page[key] if one.entry.is_request and one.entry.start_us <= lcp]


FACTOR_VALUES: dict[str, Callable[[Study, PageKey], float | None]] = {
    "time to first byte": lambda study, key: (
        None if (ttfb := study.vitals(key).ttfb) is None else ttfb.value
    ),
    "requests before the LCP": lambda study, key: len(_before(study, key)),
    "bytes before the LCP": lambda study, key: sum(
        one.entry.transfer_size or 0 for one in _before(study, key)
    ),
    "bytes of script": lambda study, key: _script_bytes(_before(study, key)),
    "share from the cache": lambda study, key: share(
        sum(bool(is_cached(one.entry)) for one in _before(study, key)), len(_before(study, key))
    ),
    "third-party requests before the LCP": lambda study, key: sum(
        study.is_third_party(one) for one in _before(study, key)
    ),
    "third-party time before the LCP": lambda study, key: sum(
        request_duration_us(one.entry) or 0
        for one in _before(study, key)
        if study.is_third_party(one)
    ),
    "render-blocking requests": lambda study, key: sum(
        one.entry.render_blocking_status == "blocking" for one in _before(study, key)
    ),
    "render-blocking time": lambda study, key: max(
        [
            request_duration_us(one.entry) or 0
            for one in _before(study, key)
            if one.entry.render_blocking_status == "blocking"
        ],
        default=0,
    ),
    "API time before the LCP": lambda study, key: sum(
        request_duration_us(one.entry) or 0
        for one in _before(study, key)
        if kind_of(one) in API_TYPES
    ),
    "long-task time before the LCP": lambda study, key: sum(
        one.entry.duration_us or 0
        for one in study.by_page[key]
        if one.entry.entry_type == "longtask" and one.entry.start_us <= (study.lcp_us(key) or 0)
    ),
    "round-trip time": _round_trip,
    "device memory": lambda study, key: _number(_client(study, key).get("deviceMemory")),
    "processor cores": lambda study, key: _number(_client(study, key).get("hardwareConcurrency")),
}
"""Factor -> its value for a page load; None where it is not known."""

_PARTS = (
    ("time to first byte", "time_to_first_byte"),
    ("load delay", "load_delay"),
    ("load duration", "load_duration"),
    ("render delay", "render_delay"),
)


def factors(study: Study) -> Answer:
    """Question 7: what factors affect page speed?"""
    loads = [key for key in study.loads() if study.lcp_us(key) is not None]
    parts = [found for key in loads if (found := lcp_parts(study, key)) is not None]
    medians = {
        words: Sample([getattr(one, name) for one in parts]).percentile(0.5) or 0
        for words, name in _PARTS
    }
    whole = sum(medians.values())
    part_rows: list[tuple[Value, ...]] = [
        (
            words,
            round(medians[words] / 1000, 3),
            round((Sample([getattr(one, name) for one in parts]).percentile(0.75) or 0) / 1000, 3),
            round(medians[words] / whole, 4) if whole else None,
            len(parts),
        )
        for words, name in _PARTS
        if parts
    ]
    rows = _factor_rows(study, loads)
    certain = [row for row in rows if row[4]]
    cause, headline = None, "No page load has a Largest Contentful Paint."
    notes = [
        Note(
            NoteKind.CAVEAT,
            "What goes with a slow page need not cause it: two factors may move together, and what"
            " never varies shows nothing.",
        )
    ]
    if certain:
        first = certain[0]
        cause = Cause("factor", str(first[0]), first[1] if isinstance(first[1], float) else None)
        headline = f"{str(first[0]).capitalize()} goes most closely with the LCP (correlation {first[1]:+.2f})."
    elif parts:
        longest = max(medians, key=lambda words: medians[words])
        cause = Cause("part", longest, round(medians[longest] / 1000, 3), Unit.MILLISECONDS)
        headline = (
            f"{longest.capitalize()} is the longest part of the LCP:"
            f" {format_duration(round(medians[longest]))} of {format_duration(round(whole))}."
        )
        if len(loads) < FEWEST_SAMPLES:
            notes.append(
                Note(
                    NoteKind.CAVEAT,
                    f"{len(loads)} page loads are too few to say what goes with a slow one;"
                    f" at least {FEWEST_SAMPLES} are needed.",
                )
            )
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


def _factor_rows(study: Study, loads: Sequence[PageKey]) -> list[tuple[Value, ...]]:
    ranked: list[tuple[float, tuple[Value, ...]]] = []
    for name, value_of in FACTOR_VALUES.items():
        pairs = [
            (value, lcp)
            for key in loads
            if (value := value_of(study, key)) is not None
            and (lcp := study.lcp_us(key)) is not None
        ]
        found = spearman([value for value, _ in pairs], [lcp for _, lcp in pairs])
        if found is not None:
            row = (
                *(name, round(found.rho, 4), round(found.low, 4), round(found.high, 4)),
                *(found.certain, found.count),
            )
            ranked.append((-abs(found.rho), row))
    return [row for _, row in sorted(ranked, key=lambda pair: (pair[0], str(pair[1][0])))]


def _chain_rows(study: Study, loads: Sequence[PageKey]) -> list[tuple[Value, ...]]:
    if not loads:
        return []
    slowest = max(loads, key=lambda key: study.lcp_us(key) or 0)
    chain = critical_chain(study.by_page[slowest], study.vitals(slowest).lcp)
    if chain is None:
        return []
    return [
        (
            step.record.entry.name,
            step.record.entry.start_us / 1000,
            None
            if (duration := request_duration_us(step.record.entry)) is None
            else duration / 1000,
            step.wait_us / 1000,
            step.told,
        )
        for step in chain.steps
    ]


# --- analytics events ---------------------------------------------------------------------------

BEFORE_US = 5_000_000
"""How long before an event a slow request counts as one that may have had to do with it."""


def events(study: Study) -> Answer:
    """Question 8: how does performance go with my analytics events?"""
    captured: dict[str, list[Record]] = {}
    for record in study.happenings:
        if record.entry.entry_type == "capture":
            captured.setdefault(record.entry.name, []).append(record)
    api = _api_by_page(study)
    rows: list[tuple[Value, ...]] = []
    for name, records in captured.items():
        with_it = {page_key(record) for record in records}
        sessions = {record.session_id for record in records}
        without = set(study.by_page) - with_it
        slow, in_flight = _around(study, records)
        rows.append(
            (
                *(name, len(records), len(with_it)),
                *(_lcp_median(study, keys) for keys in (with_it, without)),
                *(
                    _ms_median([value for key in keys for value in api.get(key, ())])
                    for keys in (with_it, without)
                ),
                *(slow, round(in_flight / len(records))),
                share(len(sessions), len(study.summaries)),
            )
        )
    rows.sort(key=lambda row: (row[5] is None, -_difference(row), str(row[0])))
    cause, headline = None, "No analytics events were captured; perftui.capture(name) sends them."
    if rows:
        first = rows[0]
        moved = _difference(first)
        cause = Cause("event", str(first[0]), round(moved, 3), Unit.MILLISECONDS_CHANGE)
        headline = f"{len(rows)} kinds of events"
        if first[5] is not None and first[6] is not None:
            way = "slower" if moved > 0 else "faster"
            headline += (
                f"; on pageviews with {first[0]} the median API call is"
                f" {format_duration(round(abs(moved) * 1000))} {way} than on the others."
            )
        else:
            headline += "; none is on pageviews both with and without API calls."
    return Answer(
        question=Question.EVENTS.value,
        asked=Question.EVENTS.words,
        headline=headline,
        cause=cause,
        tables=(make_table(EVENTS, rows, MOST_ROWS), make_table(BANDS, _bands(study, captured))),
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


def _api_by_page(study: Study) -> dict[PageKey, list[float]]:
    found: dict[PageKey, list[float]] = {}
    for record in study.api_calls:
        duration = request_duration_us(record.entry)
        if duration is not None:
            found.setdefault(page_key(record), []).append(duration)
    return found


def _lcp_median(study: Study, keys: set[PageKey]) -> float | None:
    return _ms_median([lcp for key in keys if (lcp := study.lcp_us(key)) is not None])


def _ms_median(values: Sequence[float]) -> float | None:
    median = Sample(values).percentile(0.5)
    return None if median is None else round(median / 1000, 3)


def _around(study: Study, records: Sequence[Record]) -> tuple[int, int]:
    """Slow requests within :data:`BEFORE_US` before the events, and requests in flight at them."""
    by_session: dict[str, list[Record]] = {}
    for record in study.requests:
        by_session.setdefault(record.session_id, []).append(record)
    slow = in_flight = 0
    for event in records:
        at = event.start_epoch_us
        for record in by_session.get(event.session_id, ()):
            begin = record.start_epoch_us
            duration = request_duration_us(record.entry)
            end = at + 1 if duration is None else begin + duration
            if begin > at or end < at - BEFORE_US:
                continue
            in_flight += end > at
            limit = (
                study.thresholds.api_slow_ms
                if kind_of(record) in API_TYPES
                else study.thresholds.asset_slow_ms
            )
            slow += duration is not None and duration >= limit * 1000
    return slow, in_flight


def _bands(study: Study, captured: Mapping[str, Sequence[Record]]) -> list[tuple[Value, ...]]:
    calls: dict[str, list[float]] = {}
    for record in study.api_calls:
        duration = request_duration_us(record.entry)
        if duration is not None:
            calls.setdefault(record.session_id, []).append(duration)
    order = sorted(
        calls, key=lambda session: (Sample(calls[session]).percentile(0.5) or 0, session)
    )
    if len(order) < 3:
        return []
    third = len(order) / 3
    bands = [order[round(place * third) : round((place + 1) * third)] for place in range(3)]
    rows: list[tuple[Value, ...]] = []
    for name, records in sorted(captured.items()):
        having = {record.session_id for record in records}
        rows.append(
            (
                name,
                *(share(sum(one in having for one in band), len(band)) for band in bands),
                len(order),
            )
        )
    return rows


# --- a moment -----------------------------------------------------------------------------------

RECENT_US = 10_000_000
MOST_RECENT = 12


def moment(study: Study, session_id: str, at_us: int) -> Answer:
    """Question 9: what was happening in the browser at a given moment?

    Args:
        at_us: µs since the session's start.
    """
    start = study.summaries[session_id].started_us
    at = start + at_us
    requests = [record for record in study.requests if record.session_id == session_id]
    happenings = [record for record in study.happenings if record.session_id == session_id]
    running = [
        record for record in requests if record.start_epoch_us <= at < _end(record, default=at + 1)
    ]
    running.sort(key=lambda record: (record.start_epoch_us, record.seq))
    rows: list[tuple[Value, ...]] = [
        (
            record.entry.name,
            kind_of(record).value,
            (at - record.start_epoch_us) / 1000,
            None
            if request_duration_us(record.entry) is None
            else (_end(record, default=at) - at) / 1000,
            record.entry.response_status,
        )
        for record in running
    ]
    situation = _situation(study, session_id, at, happenings, running)
    recent = [record for record in happenings if at - RECENT_US <= record.start_epoch_us <= at]
    recent.sort(key=lambda record: (-record.start_epoch_us, -record.seq))
    recent_rows: list[tuple[Value, ...]] = [
        ((at - record.start_epoch_us) / 1000, event_words(record))
        for record in recent[:MOST_RECENT]
    ]
    cause, headline = None, "Nothing was in flight."
    if running:
        oldest = running[0]
        cause = Cause(
            "request",
            oldest.entry.name,
            rows[0][2] if isinstance(rows[0][2], float) else None,
            Unit.MILLISECONDS,
        )
        view = study.page_url(oldest)
        headline = (
            f"{len(running)} request{'s' if len(running) > 1 else ''} in flight; the longest,"
            f" {short_url(oldest.entry.name, view)}, for {format_duration(at - oldest.start_epoch_us)}."
        )
    busy = _main_thread(happenings, at)
    if busy is not None:
        headline += f" The main thread was busy with {busy}."
    return Answer(
        question=Question.MOMENT.value,
        asked=f"{Question.MOMENT.words} ({format_duration(at_us)})",
        headline=headline,
        cause=cause,
        tables=(
            make_table(SITUATION, situation),
            make_table(IN_FLIGHT, rows),
            make_table(RECENT, recent_rows),
        ),
        coverage=study.coverage,
    )


def _end(record: Record, *, default: int) -> int:
    duration = request_duration_us(record.entry)
    return default if duration is None else record.start_epoch_us + duration


def _main_thread(happenings: Sequence[Record], at: int) -> str | None:
    for record in happenings:
        if record.entry.entry_type in {"longtask", "long-animation-frame"}:
            duration = record.entry.duration_us or 0
            if record.start_epoch_us <= at < record.start_epoch_us + duration:
                return f"{event_words(record)} of {format_duration(duration)}"
    return None


def _situation(
    study: Study, session_id: str, at: int, happenings: Sequence[Record], running: Sequence[Record]
) -> list[tuple[Value, ...]]:
    views = sorted(
        (
            view
            for view in study.page_views.values()
            if view.session_id == session_id and view.start_epoch_us <= at
        ),
        key=lambda view: view.start_epoch_us,
    )
    rows: list[tuple[Value, ...]] = []
    if views:
        view = views[-1]
        rows.append(("pageview", f"P{view.number} {view.url or '?'}"))
        rows.append(("since its start", format_duration(at - view.start_epoch_us)))
        known = [
            f"{vital.name} {vital.value:.3f}"
            if vital.name == "CLS"
            else f"{vital.name} {format_duration(round(vital.value * 1000))}"
            for vital in study.vitals((session_id, view.page_view_id)).all()
            if view.time_origin_us + vital.at_us <= at
        ]
        rows.append(("vitals so far", ", ".join(known) or "none yet"))
    rows.append(("requests in flight", str(len(running))))
    rows.append(("main thread", _main_thread(happenings, at) or "no long task"))
    for words, types in (
        ("last action", {"action"}),
        ("last error", {"error"}),
        ("last event", {"capture"}),
    ):
        last = max(
            (
                one
                for one in happenings
                if one.entry.entry_type in types and one.start_epoch_us <= at
            ),
            key=lambda one: one.start_epoch_us,
            default=None,
        )
        if last is not None:
            ago = format_duration(at - last.start_epoch_us)
            rows.append((words, f"{event_words(last)}, {ago} before"))
    return rows
