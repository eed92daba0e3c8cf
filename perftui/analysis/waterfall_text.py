"""The waterfall of a pageview as plain lines: what ``perftui waterfall`` prints.

Phases are glyphs, so that no colour is needed to tell them apart. Every string from outside goes
through ``text.sanitise``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from perftui.analysis.aggregate import AggregatedPage, AggregateRow, place_row
from perftui.analysis.ascii_text import to_ascii
from perftui.analysis.describe import Surroundings, severity_of
from perftui.analysis.endpoints import short_url
from perftui.analysis.marks import Mark, mark_labels, mark_rank, page_marks
from perftui.analysis.phases import PhaseName, request_duration_us, request_end_us
from perftui.analysis.resource_type import label, resource_type
from perftui.analysis.severity import Level
from perftui.analysis.text import cell_width, counted, fit, format_bytes, format_duration, sanitise
from perftui.analysis.vitals import RATING_GLYPHS, Vitals, vitals
from perftui.analysis.waterfall import (
    EIGHTHS,
    Bar,
    Cell,
    Viewport,
    Whisker,
    cells,
    fit_viewport,
    layout,
    ticks,
)
from perftui.model import PageView, Record

MINIMUM_WIDTH = 60

BESIDE = 22
"""Cells beside number, URL and bar: status 4, type 6, duration 8, glyph 2, and spaces around."""

PHASE_GLYPHS: Mapping[PhaseName, str] = {
    PhaseName.REDIRECT: "↪",
    PhaseName.WORKER: "w",
    PhaseName.QUEUE: "·",
    PhaseName.DNS: "─",
    PhaseName.CONNECT: "╌",
    PhaseName.TLS: "═",
    PhaseName.REQUEST: "▪",
    PhaseName.WAIT: "░",
    PhaseName.RECEIVE: "█",
    PhaseName.OPAQUE: "▒",
    PhaseName.SPAN: "▓",
}

ASCII_PHASE_GLYPHS: Mapping[PhaseName, str] = {
    PhaseName.REDIRECT: ">",
    PhaseName.WORKER: "w",
    PhaseName.QUEUE: ".",
    PhaseName.DNS: "-",
    PhaseName.CONNECT: "~",
    PhaseName.TLS: "=",
    PhaseName.REQUEST: "+",
    PhaseName.WAIT: ":",
    PhaseName.RECEIVE: "#",
    PhaseName.OPAQUE: "%",
    PhaseName.SPAN: "|",
}

LEFT_BLOCKS = " ▏▎▍▌▋▊▉█"
"""So many eighths of a cell filled from the left (Unicode, Block Elements)."""

RIGHT_BLOCKS = " ▕▕▐▐▐▐██"
"""The same from the right, by the nearest character that there is: one eighth, a half, all."""

GROWING = "▷"
MARK_LINE = "┊"


class WaterfallLine(NamedTuple):
    """A line, safe for a terminal.

    Attributes:
        level: how bad what it shows is.
    """

    text: str
    level: Level = Level.OK


class _Columns(NamedTuple):
    """Cells of each column."""

    number: int
    url: int
    bar: int

    @classmethod
    def of(cls, width: int, rows: int) -> _Columns:
        number = max(4, len(str(rows)))
        rest = max(MINIMUM_WIDTH, width) - BESIDE - number
        url = max(16, rest * 2 // 5)
        return cls(number, url, rest - url)

    @property
    def indent(self) -> str:
        """What stands before the bar's column in lines that have nothing else."""
        return " " * (BESIDE + self.number + self.url)


def page_waterfall(
    page_view: PageView,
    records: Sequence[Record],
    around: Surroundings,
    *,
    width: int,
    ascii_only: bool = False,
) -> list[WaterfallLine]:
    """The requests of a pageview, phase by phase, with marks, a legend and the vitals.

    Args:
        records: its entries, in any order.
        width: cells of a line; at least :data:`MINIMUM_WIDTH`.
    """
    requests = sorted(
        [record for record in records if record.entry.is_request],
        key=lambda record: (record.entry.start_us, record.seq),
    )
    columns = _Columns.of(width, len(requests))
    measured = vitals(records, page_view, around.thresholds)
    marks = page_marks(records, measured) if page_view.kind in {None, "load"} else ()
    viewport = page_viewport(page_view, requests, marks, columns.bar)
    lines = [WaterfallLine(_head(page_view, requests))]
    if summary := vitals_line(measured):
        lines.append(WaterfallLine(summary))
    if not requests:
        lines.append(WaterfallLine("no requests in this pageview"))
        return _finished(lines, ascii_only)
    lines.append(WaterfallLine(columns.indent + _axis(viewport, page_view.start_us)))
    placed = _mark_cells(marks, viewport)
    if placed:
        lines.append(WaterfallLine(columns.indent + _mark_line(marks, placed, viewport)))
    glyphs = ASCII_PHASE_GLYPHS if ascii_only else PHASE_GLYPHS
    for number, record in enumerate(requests, start=1):
        lines.append(_row(number, record, page_view, around, viewport, columns, glyphs, placed))
    lines += _legend_lines(legend(glyphs), width)
    return _finished(lines, ascii_only)


def page_viewport(
    page_view: PageView, requests: Sequence[Record], marks: Sequence[Mark], width: int
) -> Viewport:
    """From the pageview's start to the end of its last request or mark, by its time origin."""
    begin = min([page_view.start_us, *(record.entry.start_us for record in requests)])
    ends = [request_end_us(record.entry) or record.entry.start_us for record in requests]
    last = max([begin, *ends, *(mark.at_us for mark in marks)])
    return fit_viewport(begin, last, width)


def vitals_line(measured: Vitals) -> str:
    """``LCP 0.94s ✓  INP 312ms !``; empty where nothing was measured."""
    parts: list[str] = []
    for vital in measured.all():
        value = (
            f"{vital.value:.3f}"
            if vital.name == "CLS"
            else format_duration(round(vital.value * 1000))
        )
        parts.append(f"{vital.name} {value} {RATING_GLYPHS[vital.rating]}")
    return "  ".join(parts)


def legend(glyphs: Mapping[PhaseName, str]) -> str:
    """What the glyphs of the phases mean."""
    names = {
        PhaseName.QUEUE: "queue",
        PhaseName.DNS: "dns",
        PhaseName.CONNECT: "connect",
        PhaseName.TLS: "tls",
        PhaseName.WAIT: "wait",
        PhaseName.RECEIVE: "receive",
        PhaseName.OPAQUE: "no Timing-Allow-Origin: only the total is known",
    }
    return "  ".join(f"{glyphs[name]} {words}" for name, words in names.items())


def _legend_lines(text: str, width: int) -> list[WaterfallLine]:
    """The legend in as many lines as it needs, no glyph apart from its words."""
    lines: list[str] = []
    for part in text.split("  "):
        if lines and cell_width(lines[-1]) + 2 + cell_width(part) <= max(MINIMUM_WIDTH, width):
            lines[-1] += f"  {part}"
        else:
            lines.append(part)
    return [WaterfallLine(line) for line in lines]


def _head(page_view: PageView, requests: Sequence[Record]) -> str:
    known = [record.entry.transfer_size for record in requests]
    unknown = sum(size is None for size in known)
    size = format_bytes(sum(size or 0 for size in known))
    more = f" (+{unknown} of unknown size)" if unknown else ""
    kind = f" ({sanitise(page_view.kind)})" if page_view.kind else ""
    return (
        f"P{page_view.number} {sanitise(page_view.url or '?')}{kind}"
        f"  {counted(len(requests), 'request')}, {size} transferred{more}"
    )


def _axis(viewport: Viewport, origin_us: int) -> str:
    row = [" "] * viewport.width
    for tick in ticks(viewport, origin_us):
        row[tick.cell : tick.cell + len(tick.label)] = tick.label
    return "".join(row[: viewport.width]).rstrip()


def _mark_cells(marks: Sequence[Mark], viewport: Viewport) -> dict[int, list[Mark]]:
    found: dict[int, list[Mark]] = {}
    for mark in marks:
        cell = viewport.cell(mark.at_us)
        if 0 <= cell < viewport.width:
            found.setdefault(cell, []).append(mark)
    return found


def _mark_line(
    marks: Sequence[Mark], placed: Mapping[int, Sequence[Mark]], viewport: Viewport
) -> str:
    """The names of the marks, those of one cell together; where there is no room for all, those
    that rank first. A mark without a name leaves its line to the rows below."""

    def names(mark: Mark) -> Sequence[str]:
        together = sorted(placed[viewport.cell(mark.at_us)], key=mark_rank)
        return [
            MARK_LINE + "/".join(one.name for one in together[:count])
            for count in range(len(together), 0, -1)
        ]

    row = ""
    for found in mark_labels(marks, viewport, names):
        row = row.ljust(found.cell) + found.text
    return row


def _row(
    number: int,
    record: Record,
    page_view: PageView,
    around: Surroundings,
    viewport: Viewport,
    columns: _Columns,
    glyphs: Mapping[PhaseName, str],
    placed: Mapping[int, Sequence[Mark]],
) -> WaterfallLine:
    entry = record.entry
    severity = severity_of(record, around)
    status = "?" if entry.response_status is None else str(entry.response_status)
    url = _fitted(short_url(entry.name, page_view.url), columns.url, glyphs)
    glyph = severity.reasons[0].glyph if severity.reasons else " "
    bar = bar_text(layout(entry, viewport), viewport.width, glyphs, placed)
    text = (
        f"{number:>{columns.number}} {fit(f'{status:>3}', 3)} {label(resource_type(entry)):5} {url}"
        f" {format_duration(request_duration_us(entry)):>7} {fit(glyph, 1)} {bar}"
    )
    return WaterfallLine(text.rstrip(), severity.level)


def bar_text(
    bar: Bar | None,
    width: int,
    glyphs: Mapping[PhaseName, str],
    placed: Mapping[int, object] | None = None,
) -> str:
    """A bar as characters, with the lines of the marks where nothing else is."""
    row = [MARK_LINE if cell in (placed or {}) else " " for cell in range(width)]
    if bar is None:
        return "".join(row)
    drawn = [place for place, cell in enumerate(cells(bar.spans, width)) if cell.left or cell.right]
    for place, cell in enumerate(cells(bar.spans, width)):
        if cell.left or cell.right:
            row[place] = _character(cell, glyphs)
    if bar.growing and drawn:
        row[drawn[-1]] = GROWING
    return "".join(row)


def _character(cell: Cell, glyphs: Mapping[PhaseName, str]) -> str:
    """One character for what a cell shows: of two phases the one that fills more of it, and what
    is received, at an edge of the bar, in its true width."""
    left, right = cell.left, cell.right
    if left is not None and right is None:
        if left is PhaseName.RECEIVE and glyphs is PHASE_GLYPHS:
            return LEFT_BLOCKS[cell.eighths]
        return glyphs[left]
    if left is None:
        assert right is not None
        if right is PhaseName.RECEIVE and glyphs is PHASE_GLYPHS:
            return RIGHT_BLOCKS[EIGHTHS - cell.eighths]
        return glyphs[right]
    assert right is not None
    return glyphs[left if cell.eighths * 2 >= EIGHTHS else right]


def _finished(lines: list[WaterfallLine], ascii_only: bool) -> list[WaterfallLine]:
    if not ascii_only:
        return lines
    return [line._replace(text=to_ascii(line.text)) for line in lines]


def _fitted(text: str, width: int, glyphs: Mapping[PhaseName, str]) -> str:
    """A text from outside in exactly so many cells, the escapes that ASCII needs included."""
    safe = sanitise(text)
    if glyphs is ASCII_PHASE_GLYPHS:
        safe = to_ascii(safe)
    return fit(safe, width, where="middle")


# --- aggregated over the pageviews of a page ----------------------------------------------------


def aggregate_waterfall(
    page: str, aggregated: AggregatedPage, *, width: int, ascii_only: bool = False
) -> list[WaterfallLine]:
    """All loads of a page as one waterfall: each resource's median, with the middle half of its
    starts and ends as whiskers, and how often it is there."""
    rows = aggregated.rows
    columns = _Columns.of(width, len(rows))
    lines = [
        WaterfallLine(
            f"{sanitise(page)}  {counted(aggregated.page_view_count, 'pageview')},"
            f" {counted(len(rows), 'resource')}"
        )
    ]
    if not rows:
        lines.append(WaterfallLine("no requests in these pageviews"))
        return _finished(lines, ascii_only)
    end = aggregated.end_us
    viewport = fit_viewport(min(0, *(row.start.p25_us for row in rows)), end, columns.bar)
    lines.append(WaterfallLine(columns.indent + _axis(viewport, 0)))
    glyphs = ASCII_PHASE_GLYPHS if ascii_only else PHASE_GLYPHS
    lines += [
        WaterfallLine(_aggregate_row(number, row, aggregated, viewport, columns, glyphs))
        for number, row in enumerate(rows, start=1)
    ]
    lines += _legend_lines(legend(glyphs) + "  ├┤ middle half of starts and ends", width)
    return _finished(lines, ascii_only)


def _aggregate_row(
    number: int,
    row: AggregateRow,
    aggregated: AggregatedPage,
    viewport: Viewport,
    columns: _Columns,
    glyphs: Mapping[PhaseName, str],
) -> str:
    bar, whisker = place_row(row, viewport)
    text = list(bar_text(bar, viewport.width, glyphs))
    if whisker is not None:
        _draw_whisker(text, whisker)
    share = f"{100 * row.share:.0f}%"
    again = f" (call {row.occurrence})" if row.occurrence > 1 else ""
    url = _fitted(row.endpoint + again, columns.url, glyphs)
    return (
        f"{number:>{columns.number}} {share:>4} {label(row.kind):5} {url}"
        f" {format_duration(row.duration.median_us if row.duration else None):>7}  {''.join(text)}"
    ).rstrip()


def _draw_whisker(row: list[str], whisker: Whisker) -> None:
    for low, high in ((whisker.start_low, whisker.start_high), (whisker.end_low, whisker.end_high)):
        first, last = low // EIGHTHS, min(len(row) - 1, high // EIGHTHS)
        for cell in range(first, last + 1):
            if row[cell] == " ":
                row[cell] = "├" if cell == first else "┤" if cell == last else "─"
