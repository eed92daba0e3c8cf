"""Question 6 and the comparison: what has changed, and whether it is more than chance."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from perftui.analysis.endpoints import url_endpoint
from perftui.analysis.insights.answer import (
    Answer,
    Cause,
    Column,
    Note,
    NoteKind,
    Question,
    Shape,
    Table,
    Trend,
    Unit,
    Value,
    make_table,
)
from perftui.analysis.insights.loading import MOST_ROWS
from perftui.analysis.insights.study import Study, endpoint_of, grouped, kind_of, plain_url
from perftui.analysis.insights.weight import from_network
from perftui.analysis.phases import request_duration_us
from perftui.analysis.resource_type import API_TYPES
from perftui.analysis.statistics import Difference, Sample, difference, with_adjusted
from perftui.analysis.text import format_duration
from perftui.model import Record

MOST_POINTS = 60
"""Points of a trend; more sessions than that are taken together."""

_COMPARED = (
    Column("before_count", "n before", Unit.COUNT, "Values before.", 40),
    Column("after_count", "n after", Unit.COUNT, "Values after.", 40),
)

SPEED = Shape(
    "speed",
    "Speed",
    "An endpoint, asset or page metric; significant changes first, then the largest.",
    (
        Column("name", "what", Unit.TEXT, "Endpoint, asset without query, or page and vital.", 100),
        Column("kind", "kind", Unit.TEXT, "endpoint, asset or page.", 60),
        Column("before_ms", "before", Unit.MILLISECONDS, "Median before.", 85),
        Column("after_ms", "after", Unit.MILLISECONDS, "Median after.", 90),
        Column("change_ms", "change", Unit.MILLISECONDS_CHANGE, "Difference of the medians.", 95),
        Column(
            "low_ms",
            "from",
            Unit.MILLISECONDS_CHANGE,
            "Lower end of its 95 % interval (bootstrap).",
            45,
        ),
        Column("high_ms", "to", Unit.MILLISECONDS_CHANGE, "Upper end of its 95 % interval.", 45),
        Column(
            "p_value",
            "p",
            Unit.NUMBER,
            "Mann-Whitney, adjusted for many tests; null: too few values.",
            50,
        ),
        Column(
            "significant",
            "real",
            Unit.FLAG,
            "More than chance; null where there are too few values.",
            80,
        ),
        *_COMPARED,
        Column("series_ms", "by session", Unit.SERIES, "Medians in order of time.", 70),
    ),
)

SIZES = Shape(
    "sizes",
    "Size",
    "An asset or endpoint whose median transfer changed; the largest change first.",
    (
        Column("name", "what", Unit.TEXT, "Endpoint, or asset without query.", 100),
        Column("kind", "kind", Unit.TEXT, "endpoint or asset.", 60),
        Column("before_bytes", "before", Unit.BYTES, "Median before.", 85),
        Column("after_bytes", "after", Unit.BYTES, "Median after.", 90),
        Column("change_bytes", "change", Unit.BYTES_CHANGE, "Difference of the medians.", 95),
        Column(
            "significant",
            "real",
            Unit.FLAG,
            "More than chance; null where there are too few values.",
            80,
        ),
        *_COMPARED,
    ),
)

PRESENCE = Shape(
    "presence",
    "Added and gone",
    "A request that one side has and the other has not; the most frequent first.",
    (
        Column("name", "what", Unit.TEXT, "Endpoint, or asset without query.", 100),
        Column("kind", "kind", Unit.TEXT, "endpoint or asset.", 60),
        Column("side", "side", Unit.TEXT, "added or gone.", 95),
        Column("requests", "requests", Unit.COUNT, "How many on the side that has it.", 80),
        Column("transfer_bytes", "bytes", Unit.BYTES, "Median transfer.", 70),
    ),
)

SHAPES = {Question.CHANGE: (SPEED, SIZES)}
COMPARE_SHAPES = (SPEED, SIZES, PRESENCE)

VITALS = ("LCP", "INP", "FCP", "TTFB")


class Sides(msgspec.Struct, frozen=True):
    """Two sets of entries.

    Attributes:
        before, after: the two.
        words: what they are, such as ``before and after 2026-11-23 14:00``.
    """

    before: Study
    after: Study
    words: str


def _names(study: Study) -> dict[tuple[str, str], list[Record]]:
    """(kind, name) -> its requests."""
    found: dict[tuple[str, str], list[Record]] = {}
    for record in study.requests:
        if kind_of(record) in API_TYPES:
            found.setdefault(("endpoint", endpoint_of(record)), []).append(record)
    for record in study.assets:
        found.setdefault(("asset", plain_url(record)), []).append(record)
    return found


def _page_metrics(study: Study) -> dict[tuple[str, str], list[float]]:
    """(``page``, page and vital) -> its values, µs."""
    found: dict[tuple[str, str], list[float]] = {}
    for key in study.by_page:
        view = study.page_views.get(key)
        if view is None or view.url is None:
            continue
        page = url_endpoint(view.url)
        for vital in study.vitals(key).all():
            if vital.name in VITALS:
                found.setdefault(("page", f"{page} {vital.name}"), []).append(vital.value * 1000)
    return found


def _durations(records: Iterable[Record]) -> list[float]:
    return [
        duration
        for record in records
        if (duration := request_duration_us(record.entry)) is not None
    ]


def _sizes(records: Iterable[Record]) -> list[float]:
    return [
        record.entry.transfer_size
        for record in from_network(records)
        if record.entry.transfer_size is not None
    ]


def change_tables(
    sides: Sides, series: Callable[[str, str], tuple[float | None, ...]]
) -> tuple[Table, Table, Table, Difference | None, tuple[str, str] | None]:
    """Speed, size and presence side by side; and the change that matters most."""
    before, after = _names(sides.before), _names(sides.after)
    was: dict[tuple[str, str], list[float]] = {
        **{key: _durations(group) for key, group in before.items()},
        **_page_metrics(sides.before),
    }
    now: dict[tuple[str, str], list[float]] = {
        **{key: _durations(group) for key, group in after.items()},
        **_page_metrics(sides.after),
    }
    both = sorted(set(was) & set(now))
    found = with_adjusted(
        [difference(Sample(was[key]), Sample(now[key]), always_interval=False) for key in both]
    )
    ranked = sorted(zip(both, found, strict=True), key=lambda pair: _weight(pair[1]))
    speed: list[tuple[Value, ...]] = []
    for (kind, name), change in ranked:
        if change.change is None:
            continue
        low, high = change.low, change.high
        if len(speed) < MOST_ROWS and not change.too_few and low is None:
            whole = difference(Sample(was[kind, name]), Sample(now[kind, name]))
            low, high = whole.low, whole.high
        told = change.p_value if change.adjusted_p is None else change.adjusted_p
        speed.append(
            (
                *(name, kind, _ms(change.before), _ms(change.after), _ms(change.change)),
                *(_ms(low), _ms(high), None if told is None else round(told, 5)),
                *(change.significant, change.before_count, change.after_count),
                series(kind, name) if len(speed) < MOST_ROWS else (),
            )
        )
    sizes = _size_rows(before, after)
    presence = _presence_rows(before, after)
    first = ranked[0] if ranked and ranked[0][1].significant else None
    return (
        make_table(SPEED, speed, MOST_ROWS),
        make_table(SIZES, sizes, MOST_ROWS),
        make_table(PRESENCE, presence, MOST_ROWS),
        first[1] if first else None,
        first[0] if first else None,
    )


def _weight(change: Difference) -> tuple[int, float]:
    """Significant ones first, the slower ones of them before the faster; each by its length."""
    rank = {True: 0, None: 2, False: 3}[change.significant]
    moved = change.change or 0
    if rank == 0 and moved < 0:
        rank = 1
    return rank, -abs(moved)


def _ms(us: float | None) -> float | None:
    return None if us is None else round(us / 1000, 3)


def _size_rows(
    before: Mapping[tuple[str, str], Sequence[Record]],
    after: Mapping[tuple[str, str], Sequence[Record]],
) -> list[tuple[Value, ...]]:
    keys = sorted(set(before) & set(after))
    found = with_adjusted(
        [
            difference(
                Sample(_sizes(before[key])), Sample(_sizes(after[key])), always_interval=False
            )
            for key in keys
        ]
    )
    rows: list[tuple[float, tuple[Value, ...]]] = []
    for (kind, name), change in zip(keys, found, strict=True):
        if change.change:
            row = (
                *(name, kind, change.before, change.after, change.change),
                *(change.significant, change.before_count, change.after_count),
            )
            rows.append((-abs(change.change), row))
    return [row for _, row in sorted(rows, key=lambda pair: (pair[0], str(pair[1][0])))]


def _presence_rows(
    before: Mapping[tuple[str, str], Sequence[Record]],
    after: Mapping[tuple[str, str], Sequence[Record]],
) -> list[tuple[Value, ...]]:
    rows: list[tuple[int, tuple[Value, ...]]] = []
    for side, having, lacking in (("added", after, before), ("gone", before, after)):
        for (kind, name), group in having.items():
            if (kind, name) not in lacking:
                median = Sample(_sizes(group)).percentile(0.5)
                rows.append((-len(group), (name, kind, side, len(group), median)))
    return [row for _, row in sorted(rows, key=lambda pair: (pair[0], str(pair[1][0])))]


def split(study: Study, since_us: int | None, baseline: str | None) -> Sides:
    """The two sides of a study: before and after a moment of start, or a baseline session and the
    rest; without either, the first and the second half of the sessions (of the requests, where
    there is one session)."""
    if baseline is not None:
        return Sides(
            _part(study, lambda record: record.session_id == baseline),
            _part(study, lambda record: record.session_id != baseline),
            f"session {baseline} against the others",
        )
    words = "before and after the chosen moment"
    if since_us is None:
        starts = sorted(record.start_epoch_us for record in [*study.requests, *study.happenings])
        sessions = sorted(summary.started_us for summary in study.summaries.values())
        if len(sessions) > 1:
            since_us = sessions[len(sessions) // 2]
            words = "the earlier half of the sessions against the later"
        elif starts:
            since_us = starts[len(starts) // 2]
            words = "the first half of the session against the second"
        else:
            since_us = 0
    moment = since_us
    return Sides(
        _part(study, lambda record: record.start_epoch_us < moment),
        _part(study, lambda record: record.start_epoch_us >= moment),
        words,
    )


def _part(study: Study, belongs: Callable[[Record], bool]) -> Study:
    records = [record for record in [*study.requests, *study.happenings] if belongs(record)]
    sessions = {record.session_id for record in records}
    return Study(
        [one for key, one in study.summaries.items() if key in sessions],
        [view for view in study.page_views.values() if view.session_id in sessions],
        records,
        thresholds=study.thresholds,
        first_party=study.first_party,
    )


def series_of(study: Study) -> Callable[[str, str], tuple[float | None, ...]]:
    """Medians of a name by session, in order of time, ms."""
    order = sorted(study.summaries.values(), key=lambda one: one.started_us)
    if len(order) > MOST_POINTS:
        step = -(-len(order) // MOST_POINTS)
        places = {one.session_id: number // step for number, one in enumerate(order)}
    else:
        places = {one.session_id: number for number, one in enumerate(order)}
    count = max(places.values(), default=-1) + 1
    names = _names(study)

    def series(kind: str, name: str) -> tuple[float | None, ...]:
        points: list[list[float]] = [[] for _ in range(count)]
        for record in names.get((kind, name), ()):
            duration = request_duration_us(record.entry)
            if duration is not None:
                points[places[record.session_id]].append(duration)
        return tuple(_ms(Sample(values).percentile(0.5)) for values in points)

    return series


def change(study: Study, *, since_us: int | None = None, baseline: str | None = None) -> Answer:
    """Question 6: has speed or size changed over time?"""
    sides = split(study, since_us, baseline)
    series = series_of(study)
    speed, sizes, _, first, name = change_tables(sides, series)
    return Answer(
        question=Question.CHANGE.value,
        asked=Question.CHANGE.words,
        headline=_headline(first, name, speed, sides),
        cause=_cause(first, name),
        tables=(speed, sizes),
        trends=_trends(speed, study),
        coverage=study.coverage,
        notes=_notes(speed, sides),
    )


def compare(sides: Sides) -> Answer:
    """Two sets of sessions side by side."""
    speed, sizes, presence, first, name = change_tables(sides, lambda kind, name: ())
    coverage = sides.after.coverage
    return Answer(
        question="compare",
        asked=f"What differs: {sides.words}?",
        headline=_headline(first, name, speed, sides),
        cause=_cause(first, name),
        tables=(speed, sizes, presence),
        coverage=coverage,
        notes=_notes(speed, sides),
    )


def _cause(first: Difference | None, name: tuple[str, str] | None) -> Cause | None:
    if first is None or name is None or first.change is None:
        return None
    return Cause(name[0], name[1], round(first.change / 1000, 3), Unit.MILLISECONDS_CHANGE)


def _headline(
    first: Difference | None, name: tuple[str, str] | None, speed: Table, sides: Sides
) -> str:
    if first is not None and name is not None and first.change is not None:
        way = "slower" if first.change > 0 else "faster"
        return (
            f"{name[1]} became {format_duration(round(abs(first.change)))} {way}"
            f" (from {format_duration(round(first.before or 0))} to"
            f" {format_duration(round(first.after or 0))}); it is the largest change that is more"
            " than chance."
        )
    if not speed.rows:
        return f"Nothing is on both sides ({sides.words})."
    at = [column.key for column in SPEED.columns].index("significant")
    if all(row[at] is None for row in speed.rows):
        return "There are too few values for a verdict: the medians alone can be compared."
    return "Nothing changed by more than chance."


def _notes(speed: Table, sides: Sides) -> tuple[Note, ...]:
    notes = [Note(NoteKind.ASSUMPTION, f"Compared: {sides.words}.")]
    at = [column.key for column in SPEED.columns].index("significant")
    few = sum(row[at] is None for row in speed.rows)
    if few:
        notes.append(
            Note(
                NoteKind.CAVEAT,
                f"{few} of {len(speed.rows)} rows have too few values for a verdict: medians only.",
            )
        )
    return tuple(notes)


def _trends(speed: Table, study: Study) -> tuple[Trend, ...]:
    order = sorted(study.summaries.values(), key=lambda one: one.started_us)
    if not 2 <= len(order) <= MOST_POINTS or not speed.rows:
        return ()
    keys = [column.key for column in SPEED.columns]
    row = next((row for row in speed.rows if row[keys.index("kind")] != "page"), None)
    if row is None:
        return ()
    name, kind = str(row[0]), str(row[1])
    group = _names(study).get((kind, name), [])
    by_session = grouped(group, lambda record: record.session_id)
    samples = [Sample(_durations(by_session.get(one.session_id, ()))) for one in order]

    def points(share: float) -> tuple[float | None, ...]:
        return tuple(_ms(sample.percentile(share)) for sample in samples)

    return (
        Trend(
            key="first_row",
            title=name,
            unit=Unit.MILLISECONDS,
            labels=tuple(one.session_id[:8] for one in order),
            medians=points(0.5),
            lows=points(0.25),
            highs=points(0.75),
            counts=tuple(sample.count for sample in samples),
        ),
    )
