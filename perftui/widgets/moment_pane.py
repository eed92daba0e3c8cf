"""What was happening at the playhead: requests in flight, and what had just happened."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Vertical

from perftui.analysis.describe import Surroundings
from perftui.analysis.log_row import log_row
from perftui.analysis.moment import Recent, recent
from perftui.analysis.text import format_clock, format_duration
from perftui.analysis.waterfall import EIGHTHS
from perftui.model import Record
from perftui.widgets.line import Line
from perftui.widgets.painted import Painted, palette_of
from perftui.widgets.palette import LEFT_EIGHTHS, Palette
from perftui.widgets.styled_lines import StyledLine, StyledLines


class _Head(Painted):
    """Which moment, and how much was going on."""

    DEFAULT_CSS: ClassVar[str] = "_Head { height: 1; background: $surface; }"

    at_us = 0
    flying = 0

    def paint(self, line: Line, y: int) -> None:
        palette = self.palette
        line.gap().put("now ", palette.style("muted"))
        line.put(format_clock(self.at_us), palette.style("accent", "bold"))
        words = "nothing in flight" if not self.flying else f"{self.flying} in flight"
        line.gap(3).put(words, palette.style("foreground", "bold" if self.flying else ""))
        hint = "n back to the detail"
        line.to(self.size.width - len(hint) - 1).put(hint, palette.style("faint"))


class MomentPane(Vertical):
    """See the module's docstring."""

    DEFAULT_CSS: ClassVar[str] = """
    MomentPane {
        height: 11;
        background: $background;
    }
    """

    def compose(self) -> ComposeResult:
        yield _Head()
        yield StyledLines()

    def tell(
        self, at_us: int, flying: Sequence[Record], before: Sequence[Record], around: Surroundings
    ) -> None:
        """Show a moment.

        Args:
            at_us: the playhead, µs since the session's start.
            flying: the requests in flight, by start; everything else is left out.
            before: the last entries that had begun, by start.
        """
        requests = [record for record in flying if record.entry.is_request]
        head = self.query_one(_Head)
        head.at_us, head.flying = at_us, len(requests)
        head.refresh()
        palette = palette_of(self.app)
        width = max(40, self.size.width)
        lines = [_flight(record, at_us, around, palette, width) for record in requests]
        events = [_event(one, palette) for one in recent(before, at_us, around)]
        if lines and events:
            lines.append([])
        self.query_one(StyledLines).tell([*lines, *events], keep=True)


def _flight(
    record: Record, at_us: int, around: Surroundings, palette: Palette, width: int
) -> StyledLine:
    """One request: how long it has been under way, of how long in the end."""
    row = log_row(record, around, at_us)
    whole = log_row(record, around)
    so_far = max(0, at_us - row.start_us)
    end = record.end_epoch_us
    total = None if end is None else end - around.session_start_us - row.start_us
    bar = 20
    done = 0 if not total else min(bar * EIGHTHS, so_far * bar * EIGHTHS // max(1, total))
    blocks, rest = divmod(done, EIGHTHS)
    drawn = (
        palette.glyphs.textures["receive"] * blocks
        if palette.plain or palette.ascii
        else LEFT_EIGHTHS[8] * blocks + (LEFT_EIGHTHS[rest] if rest else "")
    )
    of = "" if total is None else f" of {format_duration(total)}"
    name_at = 46
    return [
        (palette.glyphs.growing, "@1 !accent"),
        (format_duration(so_far).rjust(8), "@3 foreground"),
        (of, "muted"),
        (drawn, "@24 phase-receive"),
        (whole.cells.get("method", "")[:6], f"@{name_at} muted"),
        (row.host + row.directory, f"@{name_at + 7} muted"),
        (row.leaf, "foreground"),
        (f"  {whole.remarks[0]}" if whole.remarks and width >= 100 else "", "warning"),
    ]


def _event(one: Recent, palette: Palette) -> StyledLine:
    """Something that had happened before."""
    return [
        (palette.glyphs.separator, "@1 faint"),
        (f"{format_duration(one.ago_us)} ago".rjust(12), "@3 muted"),
        (one.words, "@24 foreground"),
    ]
