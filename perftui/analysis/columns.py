"""Which columns a table has at a width, and where each of them stands.

All tables of the app come from here. Cells are terminal cells; the last column ends where the
width does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

GAP = 1
"""Empty cells between two columns."""


@dataclass(frozen=True, slots=True)
class ColumnSpec:
    """What a column needs.

    Attributes:
        name: what the cells are looked up by.
        title: the head.
        minimum: cells without which it is of no use.
        maximum: cells beyond which more are wasted.
        importance: columns are dropped from the lowest up until the rest fit.
        stretch: its share of what is left over once all have their minimum.
        right: aligned to the right.
    """

    name: str
    title: str
    minimum: int
    maximum: int
    importance: int
    stretch: int = 0
    right: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    """A column in its place: it covers the cells ``x`` to ``x + width - 1``."""

    name: str
    title: str
    x: int
    width: int
    right: bool

    @property
    def end(self) -> int:
        """The first cell after it."""
        return self.x + self.width


def place(specs: Sequence[ColumnSpec], width: int, *, indent: int = 0) -> tuple[Column, ...]:
    """Choose and place the columns for a width.

    Args:
        specs: in the order in which they are to stand.
        width: cells in all.
        indent: cells kept free on the left.

    Returns:
        The columns that fit, left to right. The most important one always stays, cut to the width
        if need be; none only where there is no room for a single cell.
    """
    room = width - indent
    if room <= 0 or not specs:
        return ()
    kept = list(specs)
    while len(kept) > 1 and _minimum(kept) > room:
        kept.remove(min(kept, key=lambda spec: spec.importance))
    widths = {spec.name: min(spec.minimum, room) for spec in kept}
    _stretch(kept, widths, room - sum(widths.values()) - GAP * (len(kept) - 1))
    columns: list[Column] = []
    x = indent
    for spec in kept:
        columns.append(Column(spec.name, spec.title, x, widths[spec.name], spec.right))
        x += widths[spec.name] + GAP
    return tuple(columns)


def _minimum(specs: Sequence[ColumnSpec]) -> int:
    return sum(spec.minimum for spec in specs) + GAP * (len(specs) - 1)


def _stretch(specs: Sequence[ColumnSpec], widths: dict[str, int], left: int) -> None:
    """Hand out what is left over, by share, until all are at their maximum or nothing is left."""
    while left > 0:
        hungry = [spec for spec in specs if spec.stretch and widths[spec.name] < spec.maximum]
        if not hungry:
            return
        shares = sum(spec.stretch for spec in hungry)
        before = left
        for spec in hungry:
            more = min(before * spec.stretch // shares, spec.maximum - widths[spec.name], left)
            widths[spec.name] += more
            left -= more
        if left == before:
            # Less than one cell each: the first ones get what there is.
            for spec in hungry[:left]:
                widths[spec.name] += 1
            return


def tab_widths(lengths: Sequence[int], width: int) -> list[int]:
    """How many cells each of some labels gets in a line, each after one free cell: its length;
    where that is too much for the line, the longest are cut, to one length."""
    longest = max(lengths, default=0)
    while longest > 1 and sum(min(length, longest) for length in lengths) + len(lengths) > width:
        longest -= 1
    return [min(length, longest) for length in lengths]


UNBOUNDED = 10_000
"""A maximum that no terminal reaches."""

LOG_COLUMNS = (
    ColumnSpec("number", "#", 5, 7, 10, right=True),
    ColumnSpec("time", "t+", 8, 8, 70, right=True),
    ColumnSpec("method", "method", 7, 7, 25),
    ColumnSpec("status", "st", 3, 3, 80),
    ColumnSpec("type", "type", 8, 8, 30),
    ColumnSpec("name", "url", 28, 90, 100, stretch=5),
    ColumnSpec("size", "size", 7, 7, 40, right=True),
    ColumnSpec("duration", "dur", 7, 7, 90, right=True),
    ColumnSpec("marks", "", 2, 2, 85),
    ColumnSpec("chart", "", 24, UNBOUNDED, 60, stretch=6),
)
"""The network log: the browser's own columns, most telling last to go."""

WATERFALL_COLUMNS = (
    ColumnSpec("number", "#", 4, 5, 10, right=True),
    ColumnSpec("status", "st", 3, 3, 40),
    ColumnSpec("type", "type", 8, 8, 30),
    ColumnSpec("name", "url", 20, 48, 90, stretch=1),
    ColumnSpec("duration", "dur", 7, 7, 70, right=True),
    ColumnSpec("marks", "", 2, 2, 65),
    ColumnSpec("chart", "", 24, UNBOUNDED, 100, stretch=4),
)
"""The waterfall: the same rows, with most of the room for time."""

SESSION_COLUMNS = (
    ColumnSpec("state", "", 1, 1, 100),
    ColumnSpec("flags", "", 2, 2, 82),
    ColumnSpec("age", "seen", 6, 6, 80, right=True),
    ColumnSpec("name", "session", 21, 60, 95, stretch=3),
    ColumnSpec("duration", "length", 6, 6, 50, right=True),
    ColumnSpec("pages", "pages", 5, 5, 60, right=True),
    ColumnSpec("requests", "requests", 8, 8, 75, right=True),
    ColumnSpec("errors", "errors", 6, 6, 85, right=True),
    ColumnSpec("slow", "slow", 5, 5, 84, right=True),
    ColumnSpec("LCP", "LCP ", 7, 7, 55, right=True),
    ColumnSpec("INP", "INP ", 7, 7, 46, right=True),
    ColumnSpec("CLS", "CLS ", 6, 6, 45, right=True),
    ColumnSpec("bytes", "bytes", 6, 6, 40, right=True),
    ColumnSpec("activity", "activity", 8, 48, 42, stretch=2),
)
"""The list of sessions; of 80 cells the LCP has the last."""
