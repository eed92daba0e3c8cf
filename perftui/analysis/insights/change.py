"""Question 6 and the comparison: what has changed, and whether it is more than chance."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from math import inf
from typing import NamedTuple

import numpy as np

from perftui.analysis.endpoints import url_endpoint
from perftui.analysis.groups import Samples, counts, dense, mann_whitney_of_pairs, thinned
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
from perftui.analysis.insights.sentences import change_headline, change_notes
from perftui.analysis.insights.study import Study
from perftui.analysis.insights.values import told, told_ms
from perftui.analysis.rendering.cells import moment_words
from perftui.analysis.statistics import (
    SIGNIFICANT,
    Difference,
    adjusted,
    median_difference_interval,
)
from perftui.analysis.text import format_count
from perftui.analysis.vitals import Vitals, vitals
from perftui.request_columns import Floats, Integers

MOST_POINTS = 60
"""Points of a trend; more sessions than that are taken together by day, or else evenly."""

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


class Side(NamedTuple):
    """One of two sets of entries.

    Attributes:
        rows: the places of its requests.
        pages: the places of its pageviews.
        words: what it is, such as ``the earlier half of the sessions``.
        since_us, until_us: moments of start of its entries, half-open, µs since the epoch.
    """

    study: Study
    rows: Integers
    pages: Integers
    words: str
    since_us: float = -inf
    until_us: float = inf

    def vitals(self, page: int) -> Vitals:
        """The metrics of a pageview, of its entries within the side's bounds."""
        view = self.study.page_views[page]
        end_us = view.time_origin_us + view.end_us
        if self.since_us <= view.start_epoch_us and end_us < self.until_us:
            return self.study.vitals[page]
        own = [
            record
            for record in self.study.records_of(page)
            if self.since_us <= record.start_epoch_us < self.until_us
        ]
        return vitals(own, view, self.study.thresholds)

    @property
    def sessions(self) -> int:
        """How many sessions it has."""
        return len(np.unique(self.study.sessions_of_pages[self.pages])) if len(self.pages) else 0


class Sides(NamedTuple):
    """Two sets of entries that are compared."""

    before: Side
    after: Side


NEEDED = ("method", "transfer_size", "is_cached")


def whole(study: Study, words: str) -> Side:
    """All of a study as one side."""
    study.will_need(*NEEDED)
    return Side(study, np.arange(len(study.requests)), np.unique(study.source.batch_pages), words)


def split(study: Study, since_us: int | None, baseline: str | None) -> Sides:
    """The two sides of a study: before and after a moment of start, or a baseline session and the
    rest; without either, the first and the second half of the sessions (of the entries, where
    there is one session)."""
    requests = study.will_need(*NEEDED).requests
    pages = np.unique(study.source.batch_pages)
    if baseline is not None:
        place = list(study.summaries).index(baseline) if baseline in study.summaries else -1
        chosen = study.sessions_of_pages == place
        return Sides(
            Side(
                study,
                np.flatnonzero(chosen[requests.pages]),
                pages[chosen[pages]],
                f"session {baseline}",
            ),
            Side(
                study,
                np.flatnonzero(~chosen[requests.pages]),
                pages[~chosen[pages]],
                "the others",
            ),
        )
    names = ("before the chosen moment", "after it")
    if since_us is None:
        sessions = sorted(summary.started_us for summary in study.summaries.values())
        if len(sessions) > 1:
            since_us = sessions[len(sessions) // 2]
            names = "the earlier half of the sessions", "the later half"
        else:
            since_us = study.source.middle_us()
            names = "the first half of the session", "the second half"
    later = requests.start_epochs >= since_us
    views = [study.page_views[page] for page in pages.tolist()]
    begins = np.array([view.start_epoch_us for view in views], dtype=np.int64)
    ends = np.array([view.time_origin_us + view.end_us for view in views], dtype=np.int64)
    return Sides(
        Side(
            study,
            np.flatnonzero(~later),
            pages[begins < since_us],
            names[0],
            until_us=since_us,
        ),
        Side(study, np.flatnonzero(later), pages[ends >= since_us], names[1], since_us=since_us),
    )


VITALS = ("LCP", "INP", "FCP", "TTFB")

Name = tuple[str, str]
"""``endpoint``, ``asset`` or ``page``, and which one."""


class _Names:
    """Names of both sides, each with its place."""

    def __init__(self) -> None:
        self.place: dict[Name, int] = {}

    def of(self, kind: str, names: Sequence[str], groups: Integers) -> Integers:
        """The places of a side's groups."""
        here, codes = dense(groups)
        if not len(here):
            return groups
        places = [
            self.place.setdefault((kind, names[one]), len(self.place)) for one in here.tolist()
        ]
        return np.array(places, dtype=np.int64)[codes]


class _Values:
    """The values of one side: durations of requests by endpoint or asset, and metrics of pages.

    Attributes:
        names: the place of each one's name.
        values: µs.
        sessions: the place of each one's session in the study.
        rows: of the requests among them, which come first.
        requests: the places of the names of requests.
    """

    def __init__(self, side: Side, names: _Names) -> None:
        study, requests = side.study, side.study.requests
        rows, places = [], []
        for kind, flags, (texts, groups) in (
            ("endpoint", requests.is_api, requests.by_endpoint),
            ("asset", requests.is_asset, requests.by_asset),
        ):
            chosen = side.rows[flags[side.rows]]
            rows.append(chosen)
            places.append(names.of(kind, texts, groups[chosen]))
        self.rows = np.concatenate(rows)
        self.requests = np.concatenate(places).astype(np.int64)
        pages, metrics, values = [], [], []
        for page in side.pages.tolist():
            url = study.page_views[page].url
            for vital in side.vitals(page).all() if url is not None else ():
                if vital.name in VITALS:
                    name = "page", f"{url_endpoint(url)} {vital.name}"
                    metrics.append(names.place.setdefault(name, len(names.place)))
                    values.append(vital.value * 1000)
                    pages.append(page)
        self.names = np.concatenate([self.requests, np.array(metrics, dtype=np.int64)])
        self.values = np.concatenate([requests.durations[self.rows], np.array(values, np.float64)])
        of_pages = np.concatenate([requests.pages[self.rows], np.array(pages, dtype=np.int64)])
        self.sessions = (
            study.sessions_of_pages[of_pages] if len(of_pages) else of_pages.astype(np.int64)
        )

    def transfers(self, side: Side) -> Floats:
        """The sizes of the requests that came over the network; NaN for the others."""
        requests = side.study.requests
        sizes = np.where(requests.from_network, requests.numbers("transfer_size"), np.nan)
        return sizes[self.rows]


class _Pairs:
    """The values of each name before and after, tested against each other.

    Args:
        first, second: of both sides, over the same names.
    """

    def __init__(self, first: Samples, second: Samples) -> None:
        self.first, self.second = first, second
        self.change = second.median - first.median
        p_values = mann_whitney_of_pairs(first, second)
        tested = np.flatnonzero(~np.isnan(p_values))
        self.p_values = np.full(len(p_values), np.nan)
        self.p_values[tested] = adjusted(p_values[tested].tolist())
        self._raw = p_values
        self._known: dict[int, Difference] = {}

    @cached_property
    def both(self) -> list[int]:
        """The names that have values on both sides."""
        return np.flatnonzero((self.first.counts > 0) & (self.second.counts > 0)).tolist()

    def verdict(self, place: int) -> Difference:
        """The comparison of a name, with the interval of its change where there is a p-value."""
        if place not in self._known:
            low = high = None
            if (p_value := told(self._raw[place])) is not None:
                low, high = median_difference_interval(
                    thinned(self.first.of(place)), thinned(self.second.of(place))
                )
            self._known[place] = Difference(
                before=told(self.first.median[place]),
                after=told(self.second.median[place]),
                before_count=int(self.first.counts[place]),
                after_count=int(self.second.counts[place]),
                change=told(self.change[place]),
                low=low,
                high=high,
                p_value=p_value,
                adjusted_p=told(self.p_values[place]),
            )
        return self._known[place]

    def ranked(self, names: Sequence[Name]) -> list[int]:
        """Names with values on both sides: significant changes first, the slower ones of them
        before the faster, then those with too few values, then the others; each by its length.
        Intervals are drawn for as many as a table shows."""
        moved = self.change
        order = sorted(self.both, key=lambda place: (-abs(moved[place]), names[place]))
        ranks: list[list[int]] = [[], [], [], []]
        for place in order:
            if self.p_values[place] != self.p_values[place]:
                ranks[2].append(place)
                continue
            rank = 0 if moved[place] > 0 else 1
            if self.p_values[place] < SIGNIFICANT and (
                len(ranks[rank]) >= MOST_ROWS or self.verdict(place).significant
            ):
                ranks[rank].append(place)
            else:
                ranks[3].append(place)
        return [place for rank in ranks for place in rank]


class _Compared(NamedTuple):
    """Tables side by side, and the change that matters most.

    Attributes:
        first: the name of that change; None where none is more than chance.
        names: of all that was compared.
        values: of both sides, over these names.
    """

    speed: Table
    sizes: Table
    presence: Table
    change: Difference | None
    first: Name | None
    names: _Names
    values: tuple[_Values, _Values]


def _transfers(
    sides: Sides, values: tuple[_Values, _Values], count: int
) -> tuple[tuple[Samples, Samples], _Pairs]:
    """The sizes of each name before and after, and the tests of these."""
    first, second = (
        Samples(of.requests, count, of.transfers(side))
        for of, side in zip(values, sides, strict=True)
    )
    return (first, second), _Pairs(first, second)


def _compared(sides: Sides, points: _Points | None) -> _Compared:
    names = _Names()
    was, now = _Values(sides.before, names), _Values(sides.after, names)
    found = list(names.place)
    count = len(found)
    # Speed and size at once: numpy sorts and ranks without the interpreter.
    with ThreadPoolExecutor(1, "sizes") as pool:
        of_sizes = pool.submit(_transfers, sides, (was, now), count)
        pairs = _Pairs(*(Samples(side.names, count, side.values) for side in (was, now)))
        transfers, size_pairs = of_sizes.result()
    order = pairs.ranked(found)
    shown = order[:MOST_ROWS]
    series = points.medians(shown, count, (was, now)) if points is not None else {}
    speed: list[tuple[Value, ...]] = []
    for place in shown:
        change = pairs.verdict(place)
        p_value = change.adjusted_p
        kind, name = found[place]
        speed.append(
            (
                *(name, kind, _ms(change.before), _ms(change.after), _ms(change.change)),
                *(_ms(change.low), _ms(change.high)),
                None if p_value is None else round(p_value, 5),
                *(change.significant, change.before_count, change.after_count),
                series.get(place, ()),
            )
        )
    first = shown[0] if shown and pairs.verdict(shown[0]).significant else None
    return _Compared(
        Table(SPEED, tuple(speed), len(order)),
        _size_table(size_pairs, found),
        _presence_table(found, transfers, [counts(one.requests, count) for one in (was, now)]),
        None if first is None else pairs.verdict(first),
        None if first is None else found[first],
        names,
        (was, now),
    )


def _ms(us: float | None) -> float | None:
    return None if us is None else told_ms(us)


def _size_table(pairs: _Pairs, names: Sequence[Name]) -> Table:
    moved = [place for place in pairs.both if pairs.change[place]]
    moved.sort(key=lambda place: (-abs(pairs.change[place]), names[place][1]))
    rows: list[tuple[Value, ...]] = []
    for place in moved[:MOST_ROWS]:
        change = pairs.verdict(place)
        kind, name = names[place]
        rows.append(
            (
                *(name, kind, change.before, change.after, change.change),
                *(change.significant, change.before_count, change.after_count),
            )
        )
    return Table(SIZES, tuple(rows), len(moved))


def _presence_table(
    names: Sequence[Name], transfers: Sequence[Samples], calls: Sequence[Integers]
) -> Table:
    rows: list[tuple[Value, ...]] = []
    for side, having, lacking in (("added", 1, 0), ("gone", 0, 1)):
        medians = transfers[having].median
        rows += [
            (name, kind, side, int(calls[having][place]), told(medians[place]))
            for place, (kind, name) in enumerate(names)
            if calls[having][place] and not calls[lacking][place]
        ]
    rows.sort(key=lambda row: (-(row[3] if isinstance(row[3], int) else 0), str(row[0])))
    return make_table(PRESENCE, rows, MOST_ROWS)


class _Points:
    """The points of a trend: each session; where there are more than :data:`MOST_POINTS`, each day;
    where there are more of these, too, sessions in a row.

    Attributes:
        labels: what each point is, in order of time.
        of_session: the point of each session of the study.
    """

    def __init__(self, study: Study) -> None:
        summaries = list(study.summaries.values())
        order = sorted(range(len(summaries)), key=lambda place: summaries[place].started_us)
        days = [moment_words(summaries[place].started_us / 1000)[:10] for place in order]
        if len(order) <= MOST_POINTS:
            names = [summaries[place].label or summaries[place].session_id[:8] for place in order]
            points = list(range(len(order)))
        elif len(distinct := list(dict.fromkeys(days))) <= MOST_POINTS and len(distinct) > 1:
            names, points = distinct, [distinct.index(day) for day in days]
        else:
            step = -(-len(order) // MOST_POINTS)
            points = [number // step for number in range(len(order))]
            names = days[::step]
        self.labels = tuple(names)
        self.of_session = np.zeros(len(order), dtype=np.int64)
        self.of_session[order] = points
        self._starts = [(summaries[place].started_us, points[n]) for n, place in enumerate(order)]

    def since(self, moment_us: int | None) -> int | None:
        """The first point that begins at a moment or after it; None where none does."""
        if moment_us is None:
            return None
        return next((point for start, point in self._starts if start >= moment_us), None)

    def samples(self, shown: Sequence[int], count: int, sides: Sequence[_Values]) -> Samples:
        """The values of some names by point: of the n-th name and a point, group
        ``n * len(labels) + point``."""
        table = np.full(count, -1, dtype=np.int64)
        table[list(shown)] = np.arange(len(shown))
        groups, values = [], []
        for side in sides:
            places = table[side.names]
            here = places >= 0
            groups.append(places[here] * len(self.labels) + self.of_session[side.sessions[here]])
            values.append(side.values[here])
        return Samples(
            np.concatenate(groups), len(shown) * len(self.labels), np.concatenate(values)
        )

    def medians(
        self, shown: Sequence[int], count: int, sides: Sequence[_Values]
    ) -> dict[int, tuple[float | None, ...]]:
        """Place of a name -> its median at each point, ms."""
        if not shown:
            return {}
        medians = self.samples(shown, count, sides).median.reshape(len(shown), -1)
        return {
            place: tuple(told_ms(value) for value in row)
            for place, row in zip(shown, medians.tolist(), strict=True)
        }


def change(study: Study, *, since_us: int | None = None, baseline: str | None = None) -> Answer:
    """Question 6: how do speed and size change over time?"""
    sides = split(study, since_us, baseline)
    points = _Points(study)
    compared = _compared(sides, points)
    return Answer(
        question=Question.CHANGE.value,
        asked=Question.CHANGE.words,
        headline=change_headline(
            compared.change, None if compared.first is None else compared.first[1], compared.speed
        ),
        cause=_cause(compared.change, compared.first),
        tables=(compared.speed, compared.sizes),
        trends=_trends(compared, points, None if baseline is not None else since_us),
        coverage=study.coverage,
        notes=change_notes(compared.speed, sides.before.words, sides.after.words),
    )


def compare(sides: Sides) -> Answer:
    """Two sets of sessions side by side."""
    compared = _compared(sides, None)
    return Answer(
        question="compare",
        asked=f"What differs: {sides.before.words} against {sides.after.words}?",
        headline=change_headline(
            compared.change, None if compared.first is None else compared.first[1], compared.speed
        ),
        cause=_cause(compared.change, compared.first),
        tables=(compared.speed, compared.sizes, compared.presence),
        coverage=sides.after.study.coverage,
        coverage_before=sides.before.study.coverage,
        notes=(
            *_sides_note(sides),
            *change_notes(compared.speed, *(side.words for side in sides))[1:],
        ),
    )


def _sides_note(sides: Sides) -> tuple[Note, ...]:
    words = " with ".join(
        f"{side.words} ({format_count(len(side.rows))} requests of {side.sessions}"
        f" {'session' if side.sessions == 1 else 'sessions'})"
        for side in sides
    )
    return (Note(NoteKind.ASSUMPTION, f"Compared: {words}."),)


def _cause(first: Difference | None, name: Name | None) -> Cause | None:
    if first is None or name is None or first.change is None:
        return None
    return Cause(name[0], name[1], told_ms(first.change), Unit.MILLISECONDS_CHANGE)


def _trends(compared: _Compared, points: _Points, since_us: int | None) -> tuple[Trend, ...]:
    """How the first endpoint or asset of the table moved.

    Args:
        since_us: the moment that was chosen, µs since the epoch.
    """
    row = next((row for row in compared.speed.rows if row[1] != "page"), None)
    if len(points.labels) < 2 or row is None:
        return ()
    names = compared.names.place
    samples = points.samples([names[str(row[1]), str(row[0])]], len(names), compared.values)
    return (
        Trend(
            key="first_row",
            title=str(row[0]),
            unit=Unit.MILLISECONDS,
            labels=points.labels,
            medians=tuple(map(told_ms, samples.median.tolist())),
            lows=tuple(map(told_ms, samples.percentile(0.25).tolist())),
            highs=tuple(map(told_ms, samples.percentile(0.75).tolist())),
            counts=tuple(samples.counts.tolist()),
            since=points.since(since_us),
        ),
    )
