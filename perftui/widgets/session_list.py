"""The rows of the list of sessions."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass

from textual.strip import Strip

from perftui.analysis import columns as layout
from perftui.analysis.age import format_age
from perftui.analysis.columns import SESSION_COLUMNS, Column
from perftui.analysis.endpoints import short_url
from perftui.analysis.session_facts import SessionFacts, is_live, rebin
from perftui.analysis.sparkline import heights
from perftui.analysis.text import cell_width, format_bytes, format_count, format_duration
from perftui.model import SessionSummary
from perftui.widgets.line import Line
from perftui.widgets.palette import Palette
from perftui.widgets.vital_badge import badge

INDENT = 2
"""Cells on the left: the cursor bar and a blank."""


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session, and what is known of it beyond its summary.

    Attributes:
        facts: None while they are being gathered.
        marked: chosen for a comparison.
        now_us: this machine's time, to tell its age; coarse enough that rows are not painted
            anew for nothing.
    """

    summary: SessionSummary
    facts: SessionFacts | None
    marked: bool
    now_us: int


class SessionSource:
    """Sessions as rows, each made when it comes into view: there may be very many.

    Args:
        summaries: the sessions, in the order shown.
        facts: session ID -> how many entries it had, and what was found out then; may grow.
        marked: IDs of those chosen for a comparison.
        now_us: this machine's time.
    """

    def __init__(
        self,
        summaries: Sequence[SessionSummary],
        facts: Mapping[str, tuple[int, SessionFacts]],
        marked: Collection[str],
        now_us: int,
    ) -> None:
        self.summaries = summaries
        self._facts = facts
        self._marked = marked
        self._now_us = now_us

    def __len__(self) -> int:
        return len(self.summaries)

    def key(self, place: int) -> str:
        """The session's ID."""
        return self.summaries[place].session_id

    def row(self, place: int) -> SessionRow:
        """The session."""
        summary = self.summaries[place]
        known = self._facts.get(summary.session_id)
        return SessionRow(
            summary,
            None if known is None else known[1],
            summary.session_id in self._marked,
            self._now_us,
        )

    def find(self, key: Hashable) -> int:
        """Where the session is; the first place where it has gone."""
        for place, summary in enumerate(self.summaries):
            if summary.session_id == key:
                return place
        return 0


class SessionPainter:
    """Paints one session per line."""

    def __init__(self, palette: Palette) -> None:
        self.palette = palette

    def paint_head(self, width: int) -> Strip:
        """The titles of the columns."""
        line = Line(width)
        style = self.palette.style("muted")
        for column in layout.place(SESSION_COLUMNS, width, indent=INDENT):
            line.to(column.x)
            line.cell(column.title, style, column.width, right=column.right)
        return line.strip()

    def variant(self, row: SessionRow) -> Hashable:
        """Everything about the session that may change."""
        summary, facts = row.summary, row.facts
        known = facts and (
            facts.slow_count,
            facts.activity,
            tuple([(name, vital.value) for name, vital in facts.worst.items()]),
        )
        return (
            *(summary.received_us, summary.entry_count, summary.request_count),
            *(summary.label, summary.title, summary.pinned, summary.exported),
            *(row.marked, row.now_us, known),
        )

    def paint(self, row: SessionRow, width: int, *, selected: bool) -> Line:
        palette, glyphs, summary = self.palette, self.palette.glyphs, row.summary
        line = Line(width)
        line.put(glyphs.cursor if selected else " ", palette.style("primary", "bold"))
        muted = palette.style("muted")
        for column in layout.place(SESSION_COLUMNS, width, indent=INDENT):
            line.to(column.x)
            match column.name:
                case "state":
                    self._state(line, row)
                case "age":
                    age = format_age(row.now_us - summary.received_us)
                    live = is_live(summary, row.now_us)
                    line.cell(
                        "now" if live else age,
                        palette.style("success" if live else "muted"),
                        column.width,
                        right=True,
                    )
                case "name":
                    self._name(line, row, column, selected)
                case "duration":
                    line.cell(format_duration(summary.duration_us), muted, column.width, right=True)
                case "pages":
                    line.cell(
                        format_count(summary.page_view_count), muted, column.width, right=True
                    )
                case "requests":
                    line.cell(
                        format_count(summary.request_count),
                        palette.style("foreground"),
                        column.width,
                        right=True,
                    )
                case "errors":
                    self._count(line, column, summary.error_count, glyphs.error, "error")
                case "slow":
                    slow = None if row.facts is None else row.facts.slow_count
                    self._count(line, column, slow, glyphs.slow, "warning")
                case "LCP" | "INP" | "CLS":
                    self._vital(line, row, column)
                case "bytes":
                    line.cell(format_bytes(summary.transfer_bytes), muted, column.width, right=True)
                case "activity":
                    self._activity(line, row, column)
                case "flags":
                    line.put(glyphs.pinned if summary.pinned else " ", palette.style("warning"))
                    line.put(glyphs.exported if summary.exported else " ", palette.style("success"))
                case _:
                    pass
        line.ground = palette.row("selected" if selected else "")
        return line

    def _state(self, line: Line, row: SessionRow) -> None:
        glyphs = self.palette.glyphs
        if row.marked:
            line.put(glyphs.mark, self.palette.style("accent", "bold"))
        elif is_live(row.summary, row.now_us):
            line.put(glyphs.live, self.palette.style("success", "bold"))

    def _name(self, line: Line, row: SessionRow, column: Column, selected: bool) -> None:
        """What a person calls it, and where it was, as far as there is room."""
        summary, palette = row.summary, self.palette
        name = summary.label or summary.title or summary.url or summary.session_id
        rest = short_url(summary.url or "") if name != summary.url else summary.session_id
        strong = palette.style("foreground", "bold" if selected or summary.label else "")
        cells = min(cell_width(name), column.width)
        line.cell(name, strong, cells, where="middle")
        left = column.end - line.used - 2
        if rest and rest != name and left >= 8:
            line.gap(2).cell(rest, palette.style("muted"), left)

    def _count(self, line: Line, column: Column, count: int | None, glyph: str, style: str) -> None:
        palette = self.palette
        if count is None:
            line.cell(palette.glyphs.ellipsis, palette.style("faint"), column.width, right=True)
        elif count == 0:
            line.cell(palette.glyphs.separator, palette.style("faint"), column.width, right=True)
        else:
            text = f"{glyph} {format_count(count)}"
            line.cell(text, palette.style(style, "bold"), column.width, right=True)

    def _vital(self, line: Line, row: SessionRow, column: Column) -> None:
        """The worst of the session's pageviews, with the sign of its rating."""
        if row.facts is not None:
            text, style = badge(row.facts.worst.get(column.name), self.palette.glyphs)
            line.cell(text, self.palette.style(style), column.width, right=True)

    def _activity(self, line: Line, row: SessionRow, column: Column) -> None:
        if row.facts is None:
            return
        levels = self.palette.glyphs.levels
        drawn = heights(rebin(row.facts.activity, column.width), len(levels) - 1)
        line.put("".join([levels[height] for height in drawn]), self.palette.style("primary"))
