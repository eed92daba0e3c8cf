"""Sessions laid over each other: two lines each, and below them the median and its quartiles."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import ClassVar, NamedTuple

from textual.strip import Strip

from perftui.analysis.overlay import MOST_SHOWN, Lane, Overlay, levels_of
from perftui.analysis.overlay_text import (
    ASCII_LEVELS,
    LEVELS,
    QuartileRow,
    columns,
    figures,
    quartile_rows,
)
from perftui.analysis.text import fit
from perftui.analysis.waterfall import Viewport, ticks
from perftui.widgets.line import Line
from perftui.widgets.painted import Painted
from perftui.widgets.palette import Palette
from perftui.widgets.row_list import RowList
from perftui.widgets.transport import MARKERS

INDENT = 1
"""The cursor bar."""

LINES_OF_A_SESSION = 2
"""Requests in flight, and marks."""


class Layout(NamedTuple):
    """Where things stand in each line, cells.

    Attributes:
        start: first cell of the band.
        slots: cells of the band.
        right: first cell of the figures.
    """

    name: int
    start: int
    slots: int
    right: int
    figures: int

    @classmethod
    def of(cls, width: int) -> Layout:
        """For a screen of a width: one cell is the scrollbar's."""
        name, band, room = columns(width - INDENT - 1)
        start = INDENT + name + 1
        return cls(name, start, band, start + band + 1, room)


class OverlayRow(NamedTuple):
    """One line of a session.

    Attributes:
        marks: it is the line of the marks.
        peak: what has the full height, requests in flight.
    """

    lane: Lane
    marks: bool
    peak: int


class OverlaySource:
    """The lines of the sessions that have rows."""

    def __init__(self, told: Overlay) -> None:
        self._told = told
        self._lanes = told.lanes[:MOST_SHOWN]

    def __len__(self) -> int:
        return len(self._lanes) * LINES_OF_A_SESSION

    def key(self, place: int) -> Hashable:
        """The session's ID, and which of its lines."""
        number, line = divmod(place, LINES_OF_A_SESSION)
        return self._lanes[number].track.summary.session_id, line

    def row(self, place: int) -> OverlayRow:
        """One of the lines of a session."""
        number, line = divmod(place, LINES_OF_A_SESSION)
        return OverlayRow(self._lanes[number], line > 0, self._told.peak)

    def find(self, key: Hashable) -> int:
        """Where the line is; the first place where its session has gone."""
        return next((place for place in range(len(self)) if self.key(place) == key), 0)


class OverlayPainter:
    """Paints one line of a session."""

    def __init__(self, palette: Palette) -> None:
        self.palette = palette
        self.told: Overlay | None = None
        self.layout = Layout.of(0)

    def variant(self, row: OverlayRow) -> Hashable:
        """A change of anything comes as another overlay."""
        return id(self.told)

    def paint_head(self, width: int) -> Strip:
        """The shared axis."""
        line = Line(width)
        if self.told is not None:
            layout, style = self.layout, self.palette.style("muted")
            for tick in ticks(Viewport(0, max(1, self.told.duration_us), layout.slots)):
                line.to(layout.start + tick.cell).put(tick.label, style)
        return line.strip()

    def paint(self, row: OverlayRow, width: int, *, selected: bool) -> Line:
        palette, layout = self.palette, self.layout
        line = Line(width)
        line.put(palette.glyphs.cursor if selected else " ", palette.style("primary", "bold"))
        if row.marks:
            for slot, mark in sorted(row.lane.marks.items()):
                kind = "route" if mark.kind == "pageview" else mark.kind
                glyph, style = MARKERS[kind]
                line.to(layout.start + slot)
                line.put(getattr(palette.glyphs, glyph), palette.style(style, "bold"))
        else:
            bold = "bold" if selected else ""
            line.outside(
                fit(row.lane.name, layout.name, "middle"), palette.style("foreground", bold)
            )
            line.to(layout.start)
            put_heights(line, palette, row.lane.in_flight, row.peak, "primary")
            words = figures(row.lane, layout.figures)
            line.to(layout.right).outside(words, palette.style("muted"))
        return line


def put_heights(
    line: Line, palette: Palette, values: Sequence[float | None], peak: int, style: str
) -> None:
    """Put the height of each slot; nothing in flight has a dot, and what is unknown a blank."""
    glyphs = ASCII_LEVELS if palette.ascii else LEVELS
    for level in levels_of(values, len(glyphs) - 1, peak):
        if level is None:
            line.gap()
        else:
            line.put(glyphs[level], palette.style(style if level else "faint"))


class OverlayList(RowList):
    """The lines of the sessions; the cursor moves by sessions."""

    def action_move(self, by: int) -> None:
        """So many sessions down (or up)."""
        super().action_move(by * LINES_OF_A_SESSION)


class QuartileLines(Painted):
    """The median of all sessions and its quartiles, always in view, and what the glyphs are."""

    DEFAULT_CSS: ClassVar[str] = """
    QuartileLines {
        height: 5;
        background: $background;
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[QuartileRow] = []
        self._told: Overlay | None = None
        self._layout = Layout.of(0)

    def tell(self, told: Overlay, layout: Layout) -> None:
        """Show those of an overlay."""
        self._told, self._rows, self._layout = told, quartile_rows(told), layout
        self.refresh()

    def paint(self, line: Line, y: int) -> None:
        palette, told = self.palette, self._told
        if told is None:
            return
        muted = palette.style("muted")
        if y == len(self._rows) + 1:
            line.gap(INDENT)
            for kind, words in LEGEND:
                glyph, style = MARKERS[kind]
                line.put(getattr(palette.glyphs, glyph), palette.style(style, "bold"))
                line.gap().put(words, muted).gap(2)
            idle = (ASCII_LEVELS if palette.ascii else LEVELS)[0]
            line.put(idle, palette.style("faint")).gap().put("idle  blank: ended", muted)
            left_out = len(told.lanes) - MOST_SHOWN
            if left_out > 0:
                line.gap(2).put(f"{left_out} more in the median only", muted)
        elif 1 <= y <= len(self._rows):
            row = self._rows[y - 1]
            middle = y == (len(self._rows) + 1) // 2
            line.gap(INDENT).put(row.words, palette.style("foreground" if middle else "muted"))
            line.to(self._layout.start)
            put_heights(line, palette, row.values, told.peak, "accent" if middle else "muted")
            line.to(self._layout.right).put(row.figures, muted)


LEGEND: tuple[tuple[str, str], ...] = (
    ("route", "pageview"),
    ("lcp", "LCP"),
    ("slow", "slow"),
    ("error", "error"),
)
"""Kind of a marker, and what it is called."""
