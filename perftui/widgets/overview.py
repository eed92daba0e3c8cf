"""The session at a glance: how much was going on when, where it went wrong, and the vitals. A click
on what went wrong goes there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events

from perftui.analysis.band import rail
from perftui.analysis.sparkline import heights
from perftui.analysis.text import cell_width
from perftui.analysis.timeline import Marker
from perftui.widgets.line import Line
from perftui.widgets.painted import Painted
from perftui.widgets.transport import MARKERS, Transport


@dataclass(frozen=True, slots=True)
class OverviewState:
    """What the lines show.

    Attributes:
        density: requests that start in each cell of the band.
        bad: the bad marker to show in each cell of the band.
        playhead: its cell; None for none.
        figures: what stands on the right of the first and the second line: texts (ours) and
            theme variables; the last ones are left out where there is no room.
    """

    density: tuple[int, ...] = ()
    bad: tuple[tuple[int, Marker], ...] = ()
    playhead: int | None = None
    figures: tuple[tuple[tuple[str, str], ...], ...] = ((), ())


class Overview(Painted):
    """Two lines; with one line of height the first with the figures of both."""

    DEFAULT_CSS: ClassVar[str] = """
    Overview {
        height: 2;
        background: $background;
    }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._state = OverviewState()

    def tell(self, state: OverviewState) -> None:
        """Show a state."""
        if state != self._state:
            self._state = state
            self.refresh()

    def paint(self, line: Line, y: int) -> None:
        palette, state = self.palette, self._state
        start, band = rail(self.size.width)
        label = ("requests", "went wrong")[y]
        line.to(start - 1 - len(label)).put(label, palette.style("muted")).to(start)
        if y == 0:
            levels = palette.glyphs.levels
            drawn = heights(state.density[:band], len(levels) - 1)
            for cell, height in enumerate(drawn):
                if cell == state.playhead:
                    line.put(palette.glyphs.playhead, palette.style("accent", "bold"))
                else:
                    after = state.playhead is not None and cell > state.playhead
                    line.put(levels[height], palette.style("faint" if after else "primary"))
        else:
            for cell, marker in state.bad:
                if start + cell >= line.used and cell < band:
                    glyph, style = MARKERS.get(marker.kind, ("other", "muted"))
                    line.to(start + cell).put(
                        getattr(palette.glyphs, glyph), palette.style(style, "bold")
                    )
        self._figures(line, start + band, state.figures[y] if y < len(state.figures) else ())

    def on_mouse_down(self, event: events.MouseDown) -> None:
        start, _ = rail(self.size.width)
        marker = dict(self._state.bad).get(event.x - start)
        if event.y == 1 and marker is not None:
            self.post_message(Transport.Reach(marker))

    def _figures(self, line: Line, end: int, figures: Sequence[tuple[str, str]]) -> None:
        shown = list(figures)
        room = self.size.width - end - 2
        while shown and _cells(shown) > room:
            shown.pop()
        line.to(self.size.width - 1 - _cells(shown))
        for place, (text, style) in enumerate(shown):
            if place:
                line.gap(2)
            line.outside(text, self.palette.style(style))


def _cells(figures: Sequence[tuple[str, str]]) -> int:
    return sum(cell_width(text) for text, _style in figures) + 2 * max(0, len(figures) - 1)
