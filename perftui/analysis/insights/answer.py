"""The shape of an answer: the same for all nine questions and for a comparison.

An answer names its first cause in a sentence, and holds the figures as tables whose columns say
their unit and meaning. The text, Markdown, JSON and HTML renderings, the JSON schema and the app's
screen are all made from these declarations, so a figure cannot differ between two of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum

import msgspec

Value = str | int | float | bool | None | tuple[float | None, ...]
"""What a cell holds, in the unit of its column. None is unknown or not applicable, never zero."""


class Question(Enum):
    """The nine questions, by the name that ``--question`` takes."""

    ASSETS = "assets"
    API = "api"
    THIRD_PARTY = "third-party"
    SIZE = "size"
    COMPRESSION = "compression"
    CHANGE = "change"
    FACTORS = "factors"
    EVENTS = "events"
    MOMENT = "moment"

    @property
    def words(self) -> str:
        """The question as a person asks it."""
        return _WORDS[self]


_WORDS = {
    Question.ASSETS: "How quickly do my assets load?",
    Question.API: "How fast are my API responses?",
    Question.THIRD_PARTY: "What do third parties cost?",
    Question.SIZE: "How large is what is loaded?",
    Question.COMPRESSION: "Is it compressed?",
    Question.CHANGE: "How do speed and size change over time?",
    Question.FACTORS: "What affects page speed?",
    Question.EVENTS: "How does performance go with analytics events?",
    Question.MOMENT: "What was happening at that moment?",
}


class Unit(Enum):
    """What a column's numbers are. The name of the column ends accordingly."""

    TEXT = "text"
    """Words; a URL, a name."""
    COUNT = "count"
    """How many; no suffix."""
    MILLISECONDS = "ms"
    """``…_ms``."""
    BYTES = "bytes"
    """``…_bytes``."""
    SHARE = "share"
    """``…_share``: 0 to 1 of a whole."""
    CHANGE = "change"
    """``…_change``: relative; 0.25 is a quarter more, -0.5 half of it."""
    MILLISECONDS_CHANGE = "ms change"
    """``…_ms``: a difference, shown with its sign."""
    BYTES_CHANGE = "bytes change"
    """``…_bytes``: a difference, shown with its sign."""
    NUMBER = "number"
    """No unit: CLS, a correlation, a p-value."""
    MOMENT = "moment"
    """``…_ms``: since the start of the session."""
    EPOCH = "epoch"
    """``…_epoch_ms``: since the Unix epoch."""
    FLAG = "flag"
    """Yes or no."""
    SERIES = "series"
    """Numbers in order of time, drawn as a sparkline; null where there is nothing to tell."""


class Column(msgspec.Struct, frozen=True):
    """A column of a table.

    Attributes:
        key: the name in JSON, snake_case with the unit.
        title: the head in a terminal: short.
        unit: what the cells are.
        description: what it says, as a sentence for the documentation.
        importance: when there is no room the least important go; 100 never does.
    """

    key: str
    title: str
    unit: Unit
    description: str
    importance: int = 50


class Shape(msgspec.Struct, frozen=True):
    """A table's declaration; its rows come with the answer.

    Attributes:
        key: the name in JSON, snake_case.
        title: the heading.
        description: what a row is, and in which order they stand.
        columns: left to right.
    """

    key: str
    title: str
    description: str
    columns: tuple[Column, ...]


class Table(msgspec.Struct, frozen=True):
    """Rows of a shape.

    Attributes:
        shape: the declaration.
        rows: one value per column each.
        total: how many rows there are in all, where only the first are given.
    """

    shape: Shape
    rows: tuple[tuple[Value, ...], ...]
    total: int

    def __post_init__(self) -> None:
        width = len(self.shape.columns)
        for row in self.rows:
            if len(row) != width:
                raise ValueError(f"{self.shape.key}: a row of {len(row)} for {width} columns")

    def records(self) -> list[dict[str, Value]]:
        """The rows as they stand in JSON."""
        keys = [column.key for column in self.shape.columns]
        return [dict(zip(keys, row, strict=True)) for row in self.rows]


class Cause(msgspec.Struct, frozen=True):
    """What an answer names first.

    Attributes:
        kind: ``asset``, ``endpoint``, ``domain``, ``factor``, ``event``, ``request``, ….
        name: which one: a URL, an endpoint, a domain, the key of a factor.
        value: how much, in ``unit``; None where no figure sums it up.
        unit: the unit of the value.
    """

    kind: str
    name: str
    value: float | int | None = None
    unit: Unit = Unit.NUMBER


class NoteKind(Enum):
    """What a note is for."""

    UNKNOWN = "unknown"
    """What could not be known, counted."""
    ASSUMPTION = "assumption"
    """What an estimate rests on."""
    CAVEAT = "caveat"
    """How the figures can mislead."""
    PARTIAL = "partial"
    """Not everything has been looked at."""


class Note(msgspec.Struct, frozen=True):
    """A sentence beside the figures."""

    kind: NoteKind
    text: str


class Distribution(msgspec.Struct, frozen=True):
    """How values spread.

    Attributes:
        key: the name in JSON.
        title: of what.
        unit: of the edges.
        edges: ascending, one more than counts; bins widen by an equal factor.
        counts: how many values lie in each bin.
        marks: named values to point out, such as p50.
    """

    key: str
    title: str
    unit: Unit
    edges: tuple[float, ...]
    counts: tuple[int, ...]
    marks: tuple[tuple[str, float], ...] = ()


class Trend(msgspec.Struct, frozen=True):
    """How a median moves.

    Attributes:
        key: the name in JSON.
        title: of what.
        unit: of medians, lows and highs.
        labels: what each point is: a day, a session.
        medians: by point; None where nothing was measured.
        lows, highs: p25 and p75 of each point.
        counts: values of each point.
        since: index of the first point after the chosen moment; None where none was chosen.
    """

    key: str
    title: str
    unit: Unit
    labels: tuple[str, ...]
    medians: tuple[float | None, ...]
    lows: tuple[float | None, ...]
    highs: tuple[float | None, ...]
    counts: tuple[int, ...]
    since: int | None = None


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """What an answer rests on.

    Attributes:
        sessions, page_views, entries, requests: how many were looked at.
        first_epoch_ms, last_epoch_ms: moments of receipt of the first and last batch looked at;
            None where there is none.
    """

    sessions: int
    page_views: int
    entries: int
    requests: int
    first_epoch_ms: float | None
    last_epoch_ms: float | None


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """An answer to one question.

    Attributes:
        question: which one; ``compare`` for a comparison.
        asked: the question in words.
        headline: the answer in a sentence, with the first cause in it.
        cause: the first cause, for programs; None where there is nothing to name.
        tables: the figures.
        distributions, trends: what can be drawn.
        notes: unknowns, assumptions, caveats.
        unknown: how many requests (or pageviews) lack a figure, by what is lacking.
        coverage: what it rests on; of a comparison, the side after.
        coverage_before: of a comparison, what the side before is; None of any other answer.
        complete: False while the rest is still being read.
    """

    question: str
    asked: str
    headline: str
    cause: Cause | None
    tables: tuple[Table, ...]
    coverage: Coverage
    coverage_before: Coverage | None = None
    distributions: tuple[Distribution, ...] = ()
    trends: tuple[Trend, ...] = ()
    notes: tuple[Note, ...] = ()
    unknown: Mapping[str, int] = {}
    complete: bool = True

    def table(self, key: str) -> Table:
        """The table of that key.

        Raises:
            KeyError: there is none.
        """
        for table in self.tables:
            if table.shape.key == key:
                return table
        raise KeyError(key)


def make_table(shape: Shape, rows: Sequence[tuple[Value, ...]], limit: int | None = None) -> Table:
    """A table of the first ``limit`` rows (of all where None), knowing how many there are."""
    kept = rows if limit is None else rows[:limit]
    return Table(shape, tuple(kept), len(rows))


def milliseconds(us: float | None) -> float | None:
    """Microseconds as milliseconds, with every digit that was stored; None stays None."""
    return None if us is None else us / 1000


def mean_milliseconds(us: float | None) -> float | None:
    """A mean of microseconds as milliseconds, to the microsecond; None stays None."""
    return None if us is None else round(us / 1000, 3)
