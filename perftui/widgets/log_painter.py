"""The rows of the network log and the waterfall: one entry per line, with its bar."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from perftui.analysis.columns import LOG_COLUMNS, Column, ColumnSpec, place
from perftui.analysis.describe import Surroundings
from perftui.analysis.log_row import LogRow, log_row
from perftui.analysis.resource_type import API_TYPES
from perftui.analysis.severity import Level
from perftui.analysis.text import cell_width, sanitise
from perftui.analysis.waterfall import EIGHTHS, TICK_MARK, Viewport, layout, ticks
from perftui.model import IN_FLIGHT, Record
from perftui.widgets.bars import paint_bar
from perftui.widgets.line import Line
from perftui.widgets.name_cell import LEVEL_GROUNDS, LEVEL_STYLES, put_marks, put_name
from perftui.widgets.palette import Palette

KNOWN_KEPT = 128
"""Records of which is kept what they were: those in view, however often their charts are drawn."""

INDENT = 2
"""Cells on the left: the cursor bar and a blank."""

_HAPPENINGS: dict[str, tuple[str, str]] = {
    # entry type -> glyph and theme variable
    "pageview": ("page_view", "primary"),
    "paint": ("lcp", "success"),
    "largest-contentful-paint": ("lcp", "success"),
    "layout-shift": ("shift", "phase-span"),
    "longtask": ("long_task", "phase-span"),
    "long-animation-frame": ("long_task", "phase-span"),
    "event": ("action", "primary"),
    "first-input": ("action", "primary"),
    "action": ("action", "primary"),
    "capture": ("capture", "type-fetch"),
    "error": ("error", "error"),
    "console": ("console", "muted"),
    "mark": ("other", "muted"),
    "measure": ("other", "phase-span"),
    "visibility": ("other", "muted"),
}


class Words(NamedTuple):
    """A row without its chart.

    Attributes:
        segments, used: what is put into the line, and how many cells of it that is.
    """

    segments: tuple[Segment, ...]
    used: int


class Known(NamedTuple):
    """What a record was the last time it was drawn.

    Attributes:
        record, around, palette: what that was made of; with any other it is made anew.
        row: the record described.
        words: by the selection, the width, the number and the flags.
    """

    record: Record
    around: Surroundings
    palette: Palette
    row: LogRow
    words: dict[Hashable, Words]


def _position(record: Record) -> int:
    return record.seq


class LogPainter:
    """Paints records. What all rows depend on is set on it, and part of each row's variant.

    Attributes:
        around: what rows are judged by; set a new one when more is known.
        window: the stretch of time of the chart, µs since the session's start.
        now_us: the playhead, µs since the session's start; None where everything is over.
        origin_us: what the labels of the axis count from, µs since the session's start.
        by_type: bars in the colour of the resource type instead of the phases.
        number_of: the number of a record, as the person may type it to go there.
        has_window: whether :attr:`window` was made from what is shown.
    """

    def __init__(
        self,
        palette: Palette,
        around: Surroundings,
        specs: Sequence[ColumnSpec] = LOG_COLUMNS,
    ) -> None:
        self.palette = palette
        self.around = around
        self.specs = specs
        self._columns: dict[int, tuple[Column, ...]] = {}
        self.window: tuple[int, int] = (0, 1_000_000)
        self.now_us: int | None = None
        self.origin_us = 0
        self.by_type = False
        self.by_level = True
        self.number_of: Callable[[Record], int] = _position
        self.has_window = False
        self.flags: Callable[[int], str] | None = None
        self.grid: tuple[tuple[int, str, str], ...] = ()
        """Vertical marks: moment, glyph, theme variable."""
        self._known: dict[Hashable, Known] = {}

    def columns(self, width: int) -> tuple[Column, ...]:
        """The columns at a width."""
        known = self._columns.get(width)
        if known is None:
            known = self._columns[width] = place(self.specs, width, indent=INDENT)
        return known

    def viewport(self, width: int) -> Viewport | None:
        """What the chart shows at a width of the whole line; None where it has no room."""
        for column in self.columns(width):
            if column.name == "chart":
                return Viewport(*self.window, column.width)
        return None

    # ---- the head -------------------------------------------------------------------------

    def paint_head(self, width: int) -> Strip:
        """The titles of the columns, and the ticks of the chart."""
        palette = self.palette
        line = Line(width)
        style = palette.style("muted")
        for column in self.columns(width):
            line.to(column.x)
            if column.name == "chart":
                self._ticks(line, column)
            else:
                line.cell(column.title, style, column.width, right=column.right)
        return line.strip()

    def _ticks(self, line: Line, column: Column) -> None:
        palette = self.palette
        viewport = Viewport(*self.window, column.width)
        for tick in ticks(viewport, self.origin_us):
            line.to(column.x + tick.cell)
            line.put(palette.glyphs.tick, palette.style("faint"))
            line.put(tick.label.removeprefix(TICK_MARK), palette.style("muted"))
        if self.now_us is not None:
            cell = viewport.cell(self.now_us)
            if 0 <= cell < column.width and column.x + cell >= line.used:
                line.to(column.x + cell)
                line.put(palette.glyphs.playhead, palette.style("accent", "bold"))

    # ---- the rows -------------------------------------------------------------------------

    def variant(self, row: Record | None) -> Hashable:
        """The window and, for what is in flight at the playhead, the playhead."""
        flags = "" if self.flags is None or row is None else self.flags(row.seq)
        return (self.window, self._flying_at(row), flags, self.by_type, self.grid)

    def _flying_at(self, row: Record | None) -> int | None:
        """The playhead, where the record is in flight at it."""
        if row is None or self.now_us is None:
            return None
        end = row.end_epoch_us
        end_us = IN_FLIGHT if end is None else end - self.around.session_start_us
        return self.now_us if end_us > self.now_us else None

    def paint(self, row: Record | None, width: int, *, selected: bool) -> Line:
        """One record."""
        palette = self.palette
        line = Line(width)
        if row is None:
            self._cursor(line, selected)
            return line.to(INDENT).put("deleted meanwhile", palette.style("faint", "italic"))
        known = self._know(row)
        if row.entry.is_request:
            self._request(line, known, selected)
        else:
            self._cursor(line, selected)
            self._happening(line, row, known.row, self.columns(width))
        ground = "selected" if selected else LEVEL_GROUNDS.get(known.row.severity.level, "")
        if ground:
            line.ground = palette.row(ground)
        return line

    def _know(self, record: Record) -> Known:
        key = (record.seq, self._flying_at(record))
        known = self._known.get(key)
        if (
            known is None
            or known.record is not record
            or known.around is not self.around
            or known.palette is not self.palette
        ):
            row = log_row(record, self.around, self.now_us)
            if len(self._known) >= KNOWN_KEPT:
                del self._known[next(iter(self._known))]
            known = self._known[key] = Known(record, self.around, self.palette, row, {})
        return known

    def _cursor(self, line: Line, selected: bool) -> None:
        palette = self.palette
        line.put(palette.glyphs.cursor if selected else " ", palette.style("primary", "bold"))

    def _request(self, line: Line, known: Known, selected: bool) -> None:
        """Where nothing but the stretch of time of the charts has changed, which it does for all
        rows in view at once, only the chart is drawn anew."""
        record, row, columns = known.record, known.row, self.columns(line.width)
        flags = "" if self.flags is None else self.flags(record.seq)
        key = (selected, line.width, self.number_of(record), flags)
        if (words := known.words.get(key)) is not None:
            line.segments, line.used = [*words.segments], words.used
        else:
            self._cursor(line, selected)
            self._cells(line, record, row, columns, selected)
            known.words[key] = Words(tuple(line.segments), line.used)
        if columns and columns[-1].name == "chart":
            chart = columns[-1]
            self._chart(line.to(chart.x), record, row, chart)

    def _cells(
        self,
        line: Line,
        record: Record,
        row: LogRow,
        columns: Sequence[Column],
        selected: bool,
    ) -> None:
        """All columns but the chart, which is the last."""
        palette = self.palette
        level = row.severity.level
        lit = LEVEL_STYLES.get(level, "foreground")
        muted = palette.style("muted")
        for column in columns:
            line.to(column.x)
            match column.name:
                case "name":
                    self._name(line, row, column, selected)
                case "chart":
                    pass
                case "marks":
                    self._marks(line, record, row)
                case "duration":
                    style = palette.style(lit, "bold" if level >= Level.SLOW else "")
                    line.cell(row.cells["duration"], style, column.width, right=True)
                case "status":
                    line.cell(row.cells["status"], self._status(row), column.width)
                case "number":
                    self._number(line, record, column)
                case "method":
                    told = record.entry.method is not None
                    style = palette.style("muted" if told else "faint")
                    line.cell(row.cells["method"], style, column.width)
                case "type":
                    style = palette.style("foreground" if row.kind in API_TYPES else "muted")
                    line.cell(row.cells["type"], style, column.width)
                case name:
                    line.cell(row.cells.get(name, ""), muted, column.width, right=column.right)

    def _number(self, line: Line, record: Record, column: Column) -> None:
        number = str(self.number_of(record))
        line.cell(number, self.palette.style("faint"), column.width, right=True)

    def _status(self, row: LogRow) -> Style:
        text, palette = row.cells["status"], self.palette
        if text[:1] in {"4", "5"}:
            return palette.style("error", "bold")
        return palette.style("muted" if text[:1] in {"2", "3"} else "faint")

    def _name(self, line: Line, row: LogRow, column: Column, selected: bool) -> None:
        palette = self.palette
        strong = palette.style("foreground", "bold" if selected else "")
        soft = palette.style("muted")
        put_name(line, row.host + row.directory, row.leaf, column.width, soft, strong)

    def _marks(self, line: Line, record: Record, row: LogRow) -> None:
        """The signs of what is notable, the worst first."""
        glyphs = self.palette.glyphs
        flags = "" if self.flags is None else self.flags(record.seq)
        put_marks(
            line,
            row.severity,
            self.palette,
            first=[(glyphs.growing, "accent")] if row.growing else (),
            last=[(self.palette.glyph(flag), "accent") for flag in flags],
        )

    def _chart(self, line: Line, record: Record, row: LogRow, column: Column) -> None:
        palette = self.palette
        viewport = Viewport(*self.window, min(column.width, line.left))
        x, width = line.used, viewport.width
        pieces: dict[int, Segment] = {}
        for moment, glyph, style in self.grid:
            cell = viewport.cell(moment)
            if 0 <= cell < width:
                pieces[cell] = Segment(glyph, palette.style(style))
        bar = layout(record.entry, viewport, row.offset_us, self.now_us)
        first, last = 0, 0
        if bar is not None:
            color = f"type-{row.kind.value}" if self.by_type and row.kind is not None else ""
            drawn = paint_bar(bar, width, palette, color)
            if pieces:
                for cell, segment in drawn:
                    for covered in range(cell, cell + len(segment.text)):
                        pieces.pop(covered, None)
            pieces.update(drawn)
            first, last = bar.start // EIGHTHS, -(-bar.end // EIGHTHS)
            if row.growing and last < width:
                pieces[last] = Segment(palette.glyphs.growing, palette.style("accent", "bold"))
                last += 1
        elif row.start_us >= viewport.end_us:
            pieces[width - 1] = Segment(palette.glyphs.chevron, palette.style("muted"))
            first, last = width - 1, width
        else:
            pieces[0] = Segment(palette.glyphs.chevron_left, palette.style("muted"))
            last = 1
        if row.remarks:
            self._remark(pieces, row, first, last, width)
        for cell in sorted(pieces):
            line.to(x + cell)
            segment = pieces[cell]
            line.put(segment.text, segment.style or Style.null())

    def _remark(
        self, pieces: dict[int, Segment], row: LogRow, first: int, last: int, width: int
    ) -> None:
        """Why the row is lit, right of the bar where it fits, else left of it."""
        for remark in row.remarks:
            text = f" {sanitise(remark)} "
            cells = cell_width(text)
            if width - last >= cells:
                at = last
                break
            if first >= cells:
                at = first - cells
                break
        else:
            return
        for cell in range(at, at + cells):
            pieces.pop(cell, None)
        style = LEVEL_STYLES.get(row.severity.level, "muted")
        pieces[at] = Segment(text, self.palette.style(style))

    def _happening(
        self, line: Line, record: Record, row: LogRow, columns: Sequence[Column]
    ) -> None:
        """Something that is no request: a glyph and words across the columns, its moment in the
        chart."""
        palette = self.palette
        glyph_name, style_name = _HAPPENINGS.get(record.entry.entry_type, ("other", "muted"))
        level = row.severity.level
        style_name = LEVEL_STYLES.get(level, style_name)
        glyph = getattr(palette.glyphs, glyph_name)
        style = palette.style(style_name, "bold" if level >= Level.SLOW else "")
        by_name = {column.name: column for column in columns}
        if number := by_name.get("number"):
            line.to(number.x)
            self._number(line, record, number)
        if time := by_name.get("time"):
            line.to(time.x).cell(row.cells["time"], palette.style("muted"), time.width, right=True)
        chart = by_name.get("chart")
        begin = next(
            (column.x for column in columns if column.name not in {"number", "time"}), INDENT
        )
        end = line.width if chart is None else chart.x - 1
        duration = by_name.get("duration")
        line.to(begin).put(glyph, style).gap()
        words_end = duration.x - 1 if duration and row.cells["duration"] else end
        words = row.leaf
        if level >= Level.SLOW and record.entry.entry_type != "error":
            words = f"{words} {palette.glyphs.separator} {row.severity.reasons[0].words}"
        line.cell(
            words,
            palette.style(style_name if style_name != "muted" else "muted"),
            words_end - line.used,
        )
        if duration and row.cells["duration"]:
            line.to(duration.x)
            line.cell(row.cells["duration"], style, duration.width, right=True)
        if chart is None:
            return
        line.to(chart.x)
        if record.entry.duration_us:
            self._chart(line, record, row, chart)
            return
        viewport = Viewport(*self.window, min(chart.width, line.left))
        cell = viewport.cell(row.start_us)
        if 0 <= cell < viewport.width:
            line.to(chart.x + cell).put(glyph, style)
