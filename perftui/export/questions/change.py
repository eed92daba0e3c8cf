"""Question 6: how speed and size have changed, and whether that is more than chance."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from perftui.analysis.endpoints import url_endpoint
from perftui.analysis.insights.answer import (
    Answer,
    Cause,
    Note,
    NoteKind,
    Question,
    Table,
    Trend,
    Unit,
    Value,
    make_table,
)
from perftui.analysis.insights.change import MOST_POINTS, SIZES, SPEED, VITALS
from perftui.analysis.insights.loading import MOST_ROWS
from perftui.analysis.insights.sentences import change_headline, change_notes
from perftui.analysis.statistics import (
    MOST_RANKED,
    Difference,
    Sample,
    difference,
    with_adjusted,
)
from perftui.export.clickhouse_schema import ENTRIES, quoted
from perftui.export.columns import BATCH_PLACE
from perftui.export.questions.asking import Asking, in_milliseconds
from perftui.export.questions.requests import NOT_CACHED
from perftui.model import Record

MOST_NAMES = 5_000
"""Endpoints and assets that are compared: the most requested. Each is a test, and a table of 30
rows has no use for the rare ones."""

Name = tuple[str, str]
"""``endpoint``, ``asset`` or ``page``; and which one."""

_KIND = "if(is_api, 'endpoint', 'asset')"
_NAME = "if(is_api, called, plain_url)"
_NAMED = "(is_api OR is_asset)"


@dataclass(frozen=True, slots=True)
class _Side:
    """Values of a name on one side.

    Attributes:
        requests: how many, also such without a value.
        count: how many values.
        median: of all of them.
        values: all, or where they are many, evenly spread ones.
    """

    requests: int
    count: int
    median: float | None
    values: Sequence[float]


def change(asking: Asking, *, since_us: int | None = None, baseline: str | None = None) -> Answer:
    """Question 6: has speed or size changed over time?

    Args:
        since_us: moment of start that divides, µs since the epoch.
        baseline: the session that the others are compared with.
    """
    is_before, sides, moment = _split(asking, since_us, baseline)
    speeds = _sides(asking, is_before, "took_us", "1")
    found = [
        (name, _difference(before, after))
        for name, (before, after) in speeds.items()
        if before.requests and after.requests
    ]
    found += _page_metrics(asking, moment, baseline)
    found.sort(key=lambda pair: pair[0])
    tested = with_adjusted([one for _, one in found])
    ranked = sorted(
        zip([name for name, _ in found], tested, strict=True), key=lambda pair: _weight(pair[1])
    )
    ranked = [pair for pair in ranked if pair[1].change is not None]
    shown = ranked[:MOST_ROWS]
    order = _sessions(asking)
    names = [name for name, _ in shown]
    series = {
        **_series(asking, order, names),
        **_page_series(asking, order, names, _is_before(moment, baseline)),
    }
    no_points = (None,) * _points(order)[1]
    speed = Table(
        SPEED,
        tuple(_speed_row(name, one, speeds, series.get(name, no_points)) for name, one in shown),
        len(ranked),
    )
    first = ranked[0] if ranked and ranked[0][1].significant else None
    return Answer(
        question=Question.CHANGE.value,
        asked=Question.CHANGE.words,
        headline=change_headline(
            None if first is None else first[1], None if first is None else first[0][1], speed
        ),
        cause=None
        if first is None
        else Cause(*first[0], in_milliseconds(first[1].change), Unit.MILLISECONDS_CHANGE),
        tables=(speed, _sizes(asking, is_before)),
        trends=_trends(asking, speed, order, None if baseline is not None else since_us),
        coverage=asking.coverage,
        notes=asking.notes(
            *change_notes(speed, *sides), *_left_out(asking, speeds), from_page_loads=True
        ),
    )


def _split(
    asking: Asking, since_us: int | None, baseline: str | None
) -> tuple[str, tuple[str, str], int | None]:
    """SQL that tells the first side, both sides in words, and the moment between them."""
    if baseline is not None:
        return (
            f"(session_id = {quoted(baseline)})",
            (f"session {baseline}", "the others"),
            None,
        )
    words = "before the chosen moment", "after it"
    if since_us is None:
        order = _starts(asking)
        if len(order) > 1:
            since_us = order[len(order) // 2]
            words = "the earlier half of the sessions", "the later half"
        else:
            rows = asking.clickhouse.rows(
                "SELECT toUnixTimestamp64Micro(timestamp) AS start"
                f" FROM {ENTRIES} FINAL WHERE {_entries(asking)} ORDER BY start"
            )
            since_us = int(rows[len(rows) // 2][0]) if rows else 0
            words = "the first half of the session", "the second half"
    return f"(toUnixTimestamp64Micro(timestamp) < {int(since_us)})", words, since_us


def _entries(asking: Asking) -> str:
    return f"{asking.where} AND is_deleted = 0 AND entry_type != {quoted(BATCH_PLACE)}"


def _starts(asking: Asking) -> list[int]:
    rows = asking.clickhouse.rows(
        "SELECT toUnixTimestamp64Micro(min(timestamp)) AS start"
        f" FROM {ENTRIES} FINAL WHERE {_entries(asking)} GROUP BY session_id ORDER BY start"
    )
    return [int(row[0]) for row in rows]


def _sides(
    asking: Asking, is_before: str, value: str, condition: str
) -> dict[Name, tuple[_Side, _Side]]:
    """Name -> its values before and after."""
    parts: list[str] = []
    for number, side in enumerate((is_before, f"NOT {is_before}")):
        known = f"{side} AND {value} IS NOT NULL AND {condition}"
        step = f"intDiv(countIf({known}) + {MOST_RANKED - 1}, {MOST_RANKED})"
        ordered = f"arraySort(groupArrayIf(assumeNotNull({value}), {known})) AS ordered_{number}"
        parts += [
            f"countIf({side})",
            f"countIf({known})",
            f"{asking.quantiles(value, 0.5, condition=known)}[1]",
            # Evenly spread over the order of the values, as `statistics.thinned` takes them.
            f"arrayFilter((one, place) -> {step} < 2 OR (place - 1) % {step} = intDiv({step}, 2),"
            f" {ordered}, arrayEnumerate(ordered_{number}))",
        ]
    rows = asking.rows(
        f"SELECT {_KIND} AS kind, {_NAME} AS named, {', '.join(parts)} FROM requests"
        f" WHERE {_NAMED} GROUP BY kind, named ORDER BY count() DESC, named LIMIT {MOST_NAMES}"
    )
    return {(str(row[0]), str(row[1])): (_side(row[2:6]), _side(row[6:10])) for row in rows}


def _side(told: Sequence[Any]) -> _Side:
    requests, count, median, values = told
    return _Side(requests, count, median if count else None, values[:MOST_RANKED])


def _difference(before: _Side, after: _Side) -> Difference:
    """As ``statistics.difference``, with the medians of all values."""
    found = difference(Sample(before.values), Sample(after.values), always_interval=False)
    was, now = before.median, after.median
    return replace(
        found,
        before=was,
        after=now,
        before_count=before.count,
        after_count=after.count,
        change=None if was is None or now is None else now - was,
    )


def _is_before(moment: int | None, baseline: str | None) -> Callable[[Record], bool]:
    def is_before(record: Record) -> bool:
        if baseline is not None:
            return record.session_id == baseline
        return record.start_epoch_us < (moment or 0)

    return is_before


def _metrics(asking: Asking, belongs: Callable[[Record], bool]) -> dict[Name, list[float]]:
    """The Web Vitals by page, µs, of the page loads that were fetched."""
    values: dict[Name, list[float]] = {}
    for url, vital in asking.page_loads.metrics(belongs):
        if vital.name in VITALS:
            name = ("page", f"{url_endpoint(url)} {vital.name}")
            values.setdefault(name, []).append(vital.value * 1000)
    return values


def _page_metrics(
    asking: Asking, moment: int | None, baseline: str | None
) -> list[tuple[Name, Difference]]:
    """How the Web Vitals of each page differ."""
    is_before = _is_before(moment, baseline)
    before, after = (
        _metrics(asking, belongs) for belongs in (is_before, lambda record: not is_before(record))
    )
    return [
        (name, difference(Sample(before[name]), Sample(after[name]), always_interval=False))
        for name in before.keys() & after.keys()
    ]


def _page_series(
    asking: Asking, sessions: int, names: Sequence[Name], is_before: Callable[[Record], bool]
) -> dict[Name, tuple[float | None, ...]]:
    """Name of a page's metric -> medians in order of time, ms."""
    wanted = [name for name in names if name[0] == "page"]
    if not wanted:
        return {}
    by_place: dict[int, set[str]] = {}
    for session_id, place in asking.clickhouse.rows(
        f"SELECT session_id, place FROM {_places(asking, sessions)} AS places"
    ):
        by_place.setdefault(int(place), set()).add(str(session_id))
    found: dict[Name, list[float | None]] = {name: [None] * _points(sessions)[1] for name in wanted}
    for place, here in by_place.items():
        # A pageview that lies on both sides counts on both, each time with its entries there.
        before, after = (
            _metrics(
                asking,
                lambda record, here=here, side=side: (  # type: ignore[misc]
                    record.session_id in here and is_before(record) is side
                ),
            )
            for side in (True, False)
        )
        for name in wanted:
            values = [*before.get(name, ()), *after.get(name, ())]
            found[name][place] = in_milliseconds(Sample(values).median) if values else None
    return {name: tuple(points) for name, points in found.items()}


def _weight(change: Difference) -> tuple[int, float]:
    """Significant ones first, the slower ones of them before the faster; each by its length."""
    rank = {True: 0, None: 2, False: 3}[change.significant]
    moved = change.change or 0
    return 1 if rank == 0 and moved < 0 else rank, -abs(moved)


def _speed_row(
    name: Name,
    change: Difference,
    speeds: Mapping[Name, tuple[_Side, _Side]],
    points: tuple[float | None, ...],
) -> tuple[Value, ...]:
    low, high = change.low, change.high
    if low is None and not change.too_few and name in speeds:
        before, after = speeds[name]
        again = difference(Sample(before.values), Sample(after.values))
        low, high = again.low, again.high
    told = change.p_value if change.adjusted_p is None else change.adjusted_p
    return (
        *(name[1], name[0]),
        *map(in_milliseconds, (change.before, change.after, change.change, low, high)),
        None if told is None else round(told, 5),
        *(change.significant, change.before_count, change.after_count),
        points,
    )


def _sizes(asking: Asking, is_before: str) -> Table:
    sides = _sides(asking, is_before, "transfer_size", NOT_CACHED)
    found = sorted(
        (name, _difference(before, after))
        for name, (before, after) in sides.items()
        if before.requests and after.requests
    )
    tested = with_adjusted([one for _, one in found])
    rows: list[tuple[Value, ...]] = [
        (
            *(name[1], name[0], one.before, one.after, one.change),
            *(one.significant, one.before_count, one.after_count),
        )
        for (name, _), one in zip(found, tested, strict=True)
        if one.change
    ]
    rows.sort(key=lambda row: (-abs(row[4]) if isinstance(row[4], float) else 0, str(row[0])))
    return make_table(SIZES, rows, MOST_ROWS)


def _sessions(asking: Asking) -> int:
    """How many sessions there are in order of start."""
    return len(_starts(asking))


def _points(sessions: int) -> tuple[int, int]:
    """Sessions of one point, and how many points there are."""
    step = -(-sessions // MOST_POINTS) if sessions > MOST_POINTS else 1
    return step, -(-sessions // step) if sessions else 0


def _places(asking: Asking, sessions: int) -> str:
    """A query of session -> place of its point."""
    return (
        f"(SELECT session_id, intDiv(row_number() OVER (ORDER BY min(timestamp), session_id) - 1,"
        f" {_points(sessions)[0]}) AS place FROM {ENTRIES} FINAL WHERE {_entries(asking)}"
        " GROUP BY session_id)"
    )


def _series(
    asking: Asking, sessions: int, names: Sequence[Name]
) -> dict[Name, tuple[float | None, ...]]:
    """Name -> medians in order of time, ms."""
    wanted = [name for name in names if name[0] != "page"]
    if not wanted:
        return {}
    listed = ", ".join(f"({quoted(kind)}, {quoted(name)})" for kind, name in wanted)
    found: dict[Name, list[float | None]] = {name: [None] * _points(sessions)[1] for name in wanted}
    for kind, name, place, median in asking.rows(
        f"SELECT {_KIND} AS kind, {_NAME} AS named, place,"
        f" {asking.quantiles('took_us', 0.5)}[1] FROM requests"
        f" JOIN {_places(asking, sessions)} AS places USING (session_id)"
        f" WHERE {_NAMED} AND (kind, named) IN ({listed}) AND took_us IS NOT NULL"
        " GROUP BY kind, named, place"
    ):
        found[str(kind), str(name)][place] = in_milliseconds(median)
    return {name: tuple(points) for name, points in found.items()}


def _trends(asking: Asking, speed: Table, sessions: int, since_us: int | None) -> tuple[Trend, ...]:
    if not 2 <= sessions <= MOST_POINTS or not speed.rows:
        return ()
    row = next((row for row in speed.rows if row[1] != "page"), None)
    if row is None:
        return ()
    name, kind = str(row[0]), str(row[1])
    by_place = {
        place: (session, count, told)
        for place, session, count, told in asking.rows(
            f"SELECT place, session_id, countIf(named = {quoted(name)} AND kind = {quoted(kind)}"
            " AND took_us IS NOT NULL),"
            + asking.quantiles(
                "took_us",
                *(0.25, 0.5, 0.75),
                condition=f"named = {quoted(name)} AND kind = {quoted(kind)}",
            )
            + f" FROM {_places(asking, sessions)} AS places LEFT JOIN"
            f" (SELECT session_id, {_KIND} AS kind, {_NAME} AS named, took_us FROM requests"
            f" WHERE {_NAMED}) AS asked USING (session_id) GROUP BY place, session_id"
        )
    }
    ordered = [by_place[place] for place in sorted(by_place)]

    def points(at: int) -> tuple[float | None, ...]:
        return tuple(in_milliseconds(told[at]) for _, _, told in ordered)

    return (
        Trend(
            key="first_row",
            title=name,
            unit=Unit.MILLISECONDS,
            labels=tuple(str(session)[:8] for session, _, _ in ordered),
            medians=points(1),
            lows=points(0),
            highs=points(2),
            counts=tuple(count for _, count, _ in ordered),
            since=None
            if since_us is None
            else next(
                (place for place, start in enumerate(_starts(asking)) if start >= since_us), None
            ),
        ),
    )


def _left_out(asking: Asking, speeds: Mapping[Name, object]) -> tuple[Note, ...]:
    if len(speeds) < MOST_NAMES:
        return ()
    return (
        Note(
            NoteKind.PARTIAL,
            f"Compared are the {MOST_NAMES} endpoints and assets that were requested most.",
        ),
    )
