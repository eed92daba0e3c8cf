"""The rows, the axis and the lanes of the waterfall screen: painting what ``analysis`` placed."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from perftui.analysis.aggregate import AggregateRow, place_row
from perftui.analysis.endpoints import short_url
from perftui.analysis.lanes import Lanes, levels, task_level
from perftui.analysis.marks import Mark
from perftui.analysis.phases import PhaseName, request_duration_us
from perftui.analysis.resource_type import label, resource_type
from perftui.analysis.severity import Level, Severity
from perftui.analysis.text import format_bytes, format_duration
from perftui.analysis.vitals import RATING_GLYPHS
from perftui.analysis.waterfall import EIGHTHS, Bar, Viewport, Whisker, layout, ticks
from perftui.model import Record
from perftui.widgets.bars import paint_bar
from perftui.widgets.line import Line
from perftui.widgets.painted import Painted
from perftui.widgets.palette import LOWER_EIGHTHS, Palette

NARROW = 100
"""Cells below which status and type are left out."""

_LEVEL_STYLE = {
    Level.SLOW: "warning",
    Level.VERY_SLOW: "error",
    Level.ERROR: "error",
}
_LEVEL_ROW = {Level.SLOW: "slow", Level.VERY_SLOW: "very-slow", Level.ERROR: "error"}


@dataclass(frozen=True, slots=True)
class WaterfallRow:
    """One request (or one resource of all pageviews) in its row.

    Attributes:
        number: in order of start, from 1.
        record: the request; None for an aggregated one.
        resource: the aggregated one; None for a request.
        heading: of a group, in place of both.
        on_chain: whether it lies on the chain to the LCP.
        was_us: how long the same took in the baseline; None where there is none.
    """

    number: int
    record: Record | None = None
    resource: AggregateRow | None = None
    severity: Severity | None = None
    page_url: str | None = None
    heading: str = ""
    on_chain: bool = False
    was_us: int | None = None

    @property
    def key(self) -> Hashable:
        """What it is known by."""
        if self.record is not None:
            return self.record.seq
        if self.resource is not None:
            return self.resource.endpoint, self.resource.occurrence
        return "heading", self.heading


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
    """Where things stand in a row of some width."""

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
        url = 16 if wide else 6
        url_width = min(44, max(12, (width - url - 11) * 2 // 5))
        duration = url + url_width + 1
        glyph = duration + 8
        chart = glyph + 2
        return cls(url, url_width, duration, glyph, chart, max(1, width - chart), wide)


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
        return self.viewport, self.by_type, self.chain, tuple(self.grid), row.was_us

    def paint(self, row: WaterfallRow, width: int, *, selected: bool) -> Strip:
        """One row."""
        palette = self.palette
        assert palette is not None
        line = Line(width)
        columns = Columns.of(width)
        line.put(palette.glyphs.cursor if selected else " ", palette.style("primary", "bold"))
        if row.heading:
            line.gap().outside(row.heading, palette.style("primary", "bold"))
            return line.strip().apply_style(palette.row("selected" if selected else ""))
        line.cell(str(row.number), palette.style("faint"), 4, right=True)
        level = row.severity.level if row.severity is not None else Level.OK
        if row.record is not None:
            self._request(line, row, columns, level, selected, palette)
        elif row.resource is not None:
            self._resource(line, row.resource, columns, palette)
        ground = "selected" if selected else _LEVEL_ROW.get(level, "")
        return line.strip().apply_style(palette.row(ground))

    def _request(
        self,
        line: Line,
        row: WaterfallRow,
        columns: Columns,
        level: Level,
        selected: bool,
        palette: Palette,
    ) -> None:
        record = row.record
        assert record is not None
        entry = record.entry
        kind = resource_type(entry)
        if columns.wide:
            status = "?" if entry.response_status is None else str(entry.response_status)
            bad = status[:1] in {"4", "5"}
            line.gap().cell(
                status, palette.style("error" if bad else "muted", "bold" if bad else ""), 3
            )
            line.gap().cell(label(kind), palette.style("muted"), 5)
        line.to(columns.url)
        weight = "bold" if selected or (self.chain and row.on_chain) else ""
        tone = "faint" if self.chain and not row.on_chain else "foreground"
        line.cell(
            short_url(entry.name, row.page_url),
            palette.style(tone, weight),
            columns.url_width,
            where="middle",
        )
        lit = _LEVEL_STYLE.get(level, tone)
        duration = request_duration_us(entry)
        line.to(columns.duration)
        line.cell(format_duration(duration), palette.style(lit), 7, right=True)
        if row.severity is not None and row.severity.reasons:
            line.to(columns.glyph)
            glyph = palette.glyph(row.severity.reasons[0].glyph)
            line.put(glyph, palette.style(_LEVEL_STYLE.get(level, "muted"), "bold"))
        bar = layout(entry, self.viewport)
        color = f"type-{kind.value}" if self.by_type else ""
        difference = ""
        if row.was_us is not None and duration is not None:
            moved = duration - row.was_us
            sign = "+" if moved >= 0 else "-"
            difference = f"{sign}{format_duration(abs(moved))}"
        self._chart(line, columns, bar, None, color, palette, difference)

    def _resource(
        self, line: Line, resource: AggregateRow, columns: Columns, palette: Palette
    ) -> None:
        if columns.wide:
            line.gap().cell(f"{resource.share:.0%}", palette.style("muted"), 4, right=True)
            line.gap().cell(label(resource.kind), palette.style("muted"), 5)
        line.to(columns.url)
        again = f" ({resource.occurrence})" if resource.occurrence > 1 else ""
        line.cell(
            resource.endpoint + again,
            palette.style("foreground"),
            columns.url_width,
            where="middle",
        )
        line.to(columns.duration)
        median = None if resource.duration is None else resource.duration.median_us
        line.cell(format_duration(median), palette.style("foreground"), 7, right=True)
        bar, whisker = place_row(resource, self.viewport)
        color = f"type-{resource.kind.value}" if self.by_type else ""
        self._chart(line, columns, bar, whisker, color, palette, "")

    def _chart(
        self,
        line: Line,
        columns: Columns,
        bar: Bar | None,
        whisker: Whisker | None,
        color: str,
        palette: Palette,
        remark: str,
    ) -> None:
        width = min(columns.chart_width, self.viewport.width)
        pieces: dict[int, Segment] = {
            cell: Segment(palette.glyphs.grid, palette.style("faint"))
            for cell in self.grid
            if 0 <= cell < width
        }
        if whisker is not None:
            for low, high in (
                (whisker.start_low, whisker.start_high),
                (whisker.end_low, whisker.end_high),
            ):
                for cell in range(low // EIGHTHS, min(width - 1, high // EIGHTHS) + 1):
                    pieces[cell] = Segment(palette.glyphs.rule, palette.style("muted"))
        last = 0
        if bar is not None:
            for cell, segment in paint_bar(bar, width, palette, color):
                for covered in range(cell, cell + len(segment.text)):
                    pieces.pop(covered, None)
                pieces[cell] = segment
            last = -(-bar.end // EIGHTHS)
        if remark and width - last > len(remark) + 1:
            for cell in range(last, last + len(remark) + 1):
                pieces.pop(cell, None)
            slower = remark.startswith("+")
            pieces[last + 1] = Segment(remark, palette.style("warning" if slower else "success"))
        for cell in sorted(pieces):
            line.to(columns.chart + cell)
            segment = pieces[cell]
            line.put(segment.text, segment.style or Style.null())


class Axis(Painted):
    """Two lines: round moments, and the names of the marks."""

    DEFAULT_CSS: ClassVar[str] = "Axis { height: 2; background: $panel; }"

    def __init__(self) -> None:
        super().__init__()
        self._viewport = Viewport(0, 1, 1)
        self._marks: tuple[Mark, ...] = ()
        self._words = ""

    def tell(self, viewport: Viewport, marks: Sequence[Mark], words: str) -> None:
        """Show this stretch of time, these marks, and what the rows are."""
        self._viewport, self._marks, self._words = viewport, tuple(marks), words
        self.refresh()

    def paint(self, line: Line, y: int) -> None:
        columns = Columns.of(self.size.width)
        palette = self.palette
        if y == 0:
            line.gap().outside(self._words, palette.style("muted"))
            for tick in ticks(self._viewport):
                if columns.chart + tick.cell >= line.used:
                    line.to(columns.chart + tick.cell)
                    line.put(palette.glyphs.tick + tick.label[1:], palette.style("muted"))
            return
        heads = "   #  st  type   url" if columns.wide else "   #  url"
        line.put(heads, palette.style("faint")).to(columns.duration)
        line.cell("dur", palette.style("faint"), 7, right=True)
        for mark in self._marks:
            cell = columns.chart + self._viewport.cell(mark.at_us)
            if not line.used <= cell < line.width:
                continue
            rating = palette.glyph(RATING_GLYPHS[mark.rating]) if mark.rating is not None else ""
            line.to(cell).put(
                f"{palette.glyphs.grid}{mark.name} {rating}".rstrip(), palette.style("accent")
            )
            line.gap()


class LanesView(Painted):
    """What else was going on: main thread, requests in flight, bytes, input and shifts."""

    DEFAULT_CSS: ClassVar[str] = "LanesView { height: 4; background: $background; }"

    def __init__(self) -> None:
        super().__init__()
        self._lanes: Lanes | None = None

    def tell(self, lanes: Lanes | None) -> None:
        """Show these lanes."""
        self._lanes = lanes
        self.refresh()

    def paint(self, line: Line, y: int) -> None:
        found, palette = self._lanes, self.palette
        if found is None:
            return
        columns = Columns.of(self.size.width)
        muted = palette.style("muted")
        steps = " .:-=+*#@" if palette.ascii else LOWER_EIGHTHS
        if y == 0:
            longest = max(found.main_thread, default=0)
            line.put("  main thread", muted).gap(2)
            line.put(
                f"longest {format_duration(longest)}" if longest else "free", palette.style("faint")
            )
            line.to(columns.chart)
            for duration in found.main_thread[: line.left]:
                level = task_level(duration)
                line.put(steps[min(8, level)], palette.style("warning" if level > 5 else "accent"))
        elif y == 1:
            line.put("  in flight", muted).gap(4)
            line.put(f"most {max(found.in_flight, default=0)}", palette.style("faint"))
            line.to(columns.chart)
            heights = levels(found.in_flight)
            line.put(
                "".join([steps[height] for height in heights[: line.left]]),
                palette.style("primary"),
            )
        elif y == 2:
            line.put("  bytes", muted).gap(8)
            known = format_bytes(round(sum(found.received_bytes)))
            unknown = f" (+{found.unknown_size_count} ?)" if found.unknown_size_count else ""
            line.put(f"{known}{unknown}", palette.style("faint")).to(columns.chart)
            heights = levels(found.received_bytes)
            line.put(
                "".join([steps[height] for height in heights[: line.left]]),
                palette.style("success"),
            )
        else:
            line.put("  input", muted).gap().put(palette.glyphs.action, palette.style("accent"))
            line.gap().put("shift", muted).gap().put(palette.glyphs.tick, palette.style("warning"))
            cells = {moment.cell: (palette.glyphs.tick, "warning") for moment in found.shifts}
            cells |= {moment.cell: (palette.glyphs.action, "accent") for moment in found.inputs}
            for cell, (glyph, style) in sorted(cells.items()):
                if columns.chart + cell >= line.used:
                    line.to(columns.chart + cell).put(glyph, palette.style(style))


class Foot(Painted):
    """Lines of text below the lanes: the selected row, the chain, the legend."""

    DEFAULT_CSS: ClassVar[str] = "Foot { height: 3; background: $panel; }"

    def __init__(self) -> None:
        super().__init__()
        self._lines: tuple[Sequence[tuple[str, str]], ...] = ()

    def tell(self, lines: Sequence[Sequence[tuple[str, str]]]) -> None:
        """Show lines of texts (which may come from outside) with their theme variables."""
        self._lines = tuple(lines)
        self.refresh()

    def paint(self, line: Line, y: int) -> None:
        line.gap()
        for text, style in self._lines[y] if y < len(self._lines) else ():
            line.outside(text, self.palette.style(style))


def legend(palette: Palette) -> list[tuple[str, str]]:
    """The phases as they are drawn."""
    names = (
        (PhaseName.QUEUE, "queue"),
        (PhaseName.DNS, "dns"),
        (PhaseName.CONNECT, "tcp"),
        (PhaseName.TLS, "tls"),
        (PhaseName.WAIT, "wait"),
        (PhaseName.RECEIVE, "receive"),
        (PhaseName.OPAQUE, "opaque"),
    )
    parts: list[tuple[str, str]] = []
    for name, words in names:
        sample = palette.glyphs.textures[name.value] if palette.plain or palette.ascii else "█"
        parts += [(sample, f"phase-{name.value}"), (f" {words}  ", "muted")]
    return parts
