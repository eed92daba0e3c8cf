"""The rows of the waterfall: painting what ``analysis`` placed."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

from rich.segment import Segment
from rich.style import Style

from perftui.analysis.aggregate import AggregateRow, place_row
from perftui.analysis.log_row import name_parts
from perftui.analysis.resource_type import API_TYPES, label
from perftui.analysis.severity import Level
from perftui.analysis.text import UNKNOWN, format_duration
from perftui.analysis.waterfall import EIGHTHS, Bar, Viewport, Whisker, layout
from perftui.analysis.waterfall_list import WaterfallRow
from perftui.widgets.bars import paint_bar
from perftui.widgets.line import Line
from perftui.widgets.name_cell import LEVEL_GROUNDS, LEVEL_STYLES, put_marks, put_name
from perftui.widgets.palette import Palette

NARROW = 100
"""Cells below which status and type are left out."""

SMALL_DIFFERENCE_US = 10_000
"""Differences to the baseline below this are shown, but not lit: no two loads are the same."""


class Rows:
    """A list of rows as a source."""

    def __init__(self, rows: Sequence[WaterfallRow]) -> None:
        self._rows = tuple(rows)
        self._places: dict[Hashable, int] = {row.key: place for place, row in enumerate(rows)}

    def __len__(self) -> int:
        return len(self._rows)

    def key(self, place: int) -> Hashable:
        """What the row is known by."""
        return self._rows[place].key

    def row(self, place: int) -> WaterfallRow:
        """The row at a place."""
        return self._rows[place]

    def find(self, key: Hashable) -> int:
        """The place of a row; 0 where it is not among them."""
        return self._places.get(key, 0)


@dataclass(frozen=True, slots=True)
class Columns:
    """Where things stand in a row of some width: the first cell of each column."""

    status: int
    kind: int
    url: int
    url_width: int
    duration: int
    glyph: int
    chart: int
    chart_width: int
    wide: bool

    @classmethod
    def of(cls, width: int) -> Columns:
        """The columns for a width."""
        wide = width >= NARROW
        url = 18 if wide else 6
        url_width = min(60, max(12, (width - url - 12) * 2 // 5))
        duration = url + url_width + 1
        glyph = duration + 8
        chart = glyph + 3
        return cls(6, 11, url, url_width, duration, glyph, chart, max(1, width - chart), wide)


class WaterfallPainter:
    """Paints the rows.

    Attributes:
        viewport: the time that the chart shows; its width is the chart's.
        grid: cell of the chart -> whether a mark stands there.
        by_type: colour by kind of request instead of by phase.
        chain: light up the chain to the LCP.
    """

    def __init__(self) -> None:
        self.viewport = Viewport(0, 1_000_000, 1)
        self.grid: Mapping[int, str] = {}
        self.by_type = False
        self.chain = False
        self.palette: Palette | None = None

    def variant(self, row: WaterfallRow) -> Hashable:
        """What the looks of a row depend on besides itself."""
        severity = None if row.severity is None else row.severity.words
        look = (self.viewport, self.by_type, self.chain, tuple(self.grid))
        return (*look, row.number, row.was_us, row.compared, row.on_chain, severity)

    def paint(self, row: WaterfallRow, width: int, *, selected: bool) -> Line:
        """One row."""
        palette = self.palette
        assert palette is not None
        line = Line(width)
        columns = Columns.of(width)
        line.put(palette.glyphs.cursor if selected else " ", palette.style("primary", "bold"))
        if row.heading:
            self._heading(line, row, columns, palette)
            line.ground = palette.row("selected" if selected else "")
            return line
        line.cell(str(row.number), palette.style("faint"), 4, right=True)
        level = row.severity.level if row.severity is not None else Level.OK
        if row.record is not None:
            self._request(line, row, columns, level, selected, palette)
        elif row.resource is not None:
            self._resource(line, row, row.resource, columns, palette)
        line.ground = palette.row("selected" if selected else LEVEL_GROUNDS.get(level, ""))
        return line

    def _heading(self, line: Line, row: WaterfallRow, columns: Columns, palette: Palette) -> None:
        name, _, rest = row.heading.partition("  ")
        line.gap().outside(name, palette.style("primary", "bold"))
        line.gap(2).outside(rest, palette.style("muted")).gap()
        line.put(
            palette.glyphs.rule * max(0, columns.chart - 1 - line.used), palette.style("faint")
        )
        self._chart(line, columns, None, None, "", palette)

    def _request(
        self,
        line: Line,
        row: WaterfallRow,
        columns: Columns,
        level: Level,
        selected: bool,
        palette: Palette,
    ) -> None:
        record, kind = row.record, row.kind
        assert record is not None
        assert kind is not None
        entry = record.entry
        glyphs = palette.glyphs
        dimmed = self.chain and not row.on_chain and not selected
        if columns.wide:
            status = UNKNOWN if entry.response_status is None else str(entry.response_status)
            bad = status[:1] in {"4", "5"}
            tone = "error" if bad else "faint" if status == UNKNOWN else "muted"
            line.to(columns.status).cell(status, palette.style(tone, "bold" if bad else ""), 4)
            tone = "foreground" if kind in API_TYPES and not dimmed else "muted"
            line.to(columns.kind).cell(label(kind), palette.style(tone), 6)
        line.to(columns.url)
        weight = "bold" if selected or (self.chain and row.on_chain) else ""
        tone = "faint" if dimmed else "foreground"
        host, directory, leaf = name_parts(entry.name, row.page_url)
        put_name(
            line,
            host + directory,
            leaf,
            columns.url_width,
            palette.style("faint" if dimmed else "muted"),
            palette.style(tone, weight),
        )
        lit = LEVEL_STYLES.get(level, tone)
        took = row.duration_us
        line.to(columns.duration)
        line.cell(
            format_duration(took),
            palette.style(lit, "bold" if level >= Level.SLOW else ""),
            7,
            right=True,
        )
        line.to(columns.glyph)
        put_marks(
            line,
            row.severity,
            palette,
            last=[
                *([(glyphs.lcp, "success")] if row.is_lcp else []),
                *([(glyphs.duplicate, "accent")] if row.duplicate else []),
            ],
        )
        bar = layout(entry, self.viewport)
        color = f"type-{kind.value}" if self.by_type else ""
        self._chart(line, columns, bar, None, color, palette, _against_baseline(row))

    def _resource(
        self,
        line: Line,
        row: WaterfallRow,
        resource: AggregateRow,
        columns: Columns,
        palette: Palette,
    ) -> None:
        if columns.wide:
            always = resource.share >= 0.995
            line.to(columns.status)
            line.cell(f"{resource.share:.0%}", palette.style("faint" if always else "warning"), 4)
            line.to(columns.kind).cell(label(resource.kind), palette.style("muted"), 6)
        line.to(columns.url)
        host, directory, leaf = name_parts(resource.url, row.page_url)
        again = f" ({resource.occurrence})" if resource.occurrence > 1 else ""
        put_name(
            line,
            host + directory,
            leaf + again,
            columns.url_width,
            palette.style("muted"),
            palette.style("foreground"),
        )
        line.to(columns.duration)
        line.cell(format_duration(row.duration_us), palette.style("foreground"), 7, right=True)
        if resource.error_count:
            line.to(columns.glyph).put(palette.glyphs.error, palette.style("error", "bold"))
        bar, whisker = place_row(resource, self.viewport)
        color = f"type-{resource.kind.value}" if self.by_type else ""
        self._chart(line, columns, bar, whisker, color, palette)

    def _chart(
        self,
        line: Line,
        columns: Columns,
        bar: Bar | None,
        whisker: Whisker | None,
        color: str,
        palette: Palette,
        remark: tuple[str, str] | None = None,
    ) -> None:
        width = min(columns.chart_width, self.viewport.width)
        pieces: dict[int, Segment] = {
            cell: Segment(palette.glyphs.grid, palette.style("faint"))
            for cell in self.grid
            if 0 <= cell < width
        }
        if whisker is not None:
            pieces |= _whiskers(whisker, width, palette)
        last = 0
        if bar is not None:
            for cell, segment in paint_bar(bar, width, palette, color):
                for covered in range(cell, cell + len(segment.text)):
                    pieces.pop(covered, None)
                pieces[cell] = segment
            last = -(-bar.end // EIGHTHS)
        if remark is not None and bar is not None:
            _put_remark(pieces, *remark, bar.start // EIGHTHS, last, width, palette)
        for cell in sorted(pieces):
            line.to(columns.chart + cell)
            segment = pieces[cell]
            line.put(segment.text, segment.style or Style.null())


def _against_baseline(row: WaterfallRow) -> tuple[str, str] | None:
    """What is said of a request beside its bar, and its theme variable."""
    if not row.compared:
        return None
    moved = row.difference_us
    if moved is None:
        return ("new", "accent") if row.was_us is None else None
    if abs(moved) < 1_000:
        return "=", "faint"
    sign = "+" if moved >= 0 else "-"
    style = "faint" if abs(moved) < SMALL_DIFFERENCE_US else "warning" if moved > 0 else "success"
    return f"{sign}{format_duration(abs(moved))}", style


def _put_remark(
    pieces: dict[int, Segment],
    text: str,
    style: str,
    first: int,
    last: int,
    width: int,
    palette: Palette,
) -> None:
    """Right of the bar where it fits, else left of it."""
    cells = len(text) + 2
    if width - last >= cells:
        at = last
    elif first >= cells:
        at = first - cells
    else:
        return
    for cell in range(at, at + cells):
        pieces.pop(cell, None)
    pieces[at] = Segment(f" {text} ", palette.style(style))


def _whiskers(whisker: Whisker, width: int, palette: Palette) -> dict[int, Segment]:
    """The middle half of the starts and of the ends; nothing where all loads agree."""
    pieces: dict[int, Segment] = {}
    style = palette.style("muted")
    glyphs = palette.glyphs
    for low, high in (
        (whisker.start_low, whisker.start_high),
        (whisker.end_low, whisker.end_high),
    ):
        if high - low < 2:
            continue
        first, last = low // EIGHTHS, min(width - 1, (high - 1) // EIGHTHS)
        for cell in range(first, last + 1):
            pieces[cell] = Segment(glyphs.rule, style)
        pieces[first] = Segment(glyphs.whisker_left, style)
        pieces[last] = Segment(glyphs.whisker_right, style)
    return pieces
