"""The player's line: state, speed, the moment, the rail with its markers, and what comes next.

The rail takes the mouse: a click seeks, on a marker it goes right there, a drag moves the playhead.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from textual import events
from textual.message import Message

from perftui.analysis.band import rail
from perftui.analysis.text import cell_width, format_clock
from perftui.analysis.timeline import Marker
from perftui.widgets.line import Line
from perftui.widgets.painted import Painted

MARKERS: dict[str, tuple[str, str]] = {
    # marker kind -> glyph and theme variable
    "error": ("error", "error"),
    "slow": ("slow", "warning"),
    "lcp": ("lcp", "success"),
    "fcp": ("lcp", "success"),
    "inp": ("action", "primary"),
    "cls": ("shift", "phase-span"),
    "route": ("route", "primary"),
    "load": ("route", "primary"),
    "capture": ("capture", "type-fetch"),
    "mark": ("mark", "accent"),
    "longtask": ("long_task", "phase-span"),
}


@dataclass(frozen=True, slots=True)
class TransportState:
    """What the line shows.

    Attributes:
        live: it follows what arrives; there is no rail to move on.
        playing: time passes (or, live, nothing is held back).
        speed: of the replay.
        at_us, end_us: the playhead and the end, µs of session time.
        fraction: where the playhead stands on the rail, 0 to 1.
        markers: function of the rail's width in cells to the marker of each cell.
        notes: more to say, most important first; left out where there is no room.
    """

    live: bool = False
    playing: bool = False
    speed: float = 1.0
    at_us: int = 0
    end_us: int = 0
    fraction: float = 0.0
    markers: dict[int, Marker] = field(default_factory=dict)
    notes: tuple[tuple[str, str], ...] = ()


class Transport(Painted):
    """One line; see the module's docstring."""

    DEFAULT_CSS: ClassVar[str] = """
    Transport {
        height: 1;
        background: $background;
    }
    """

    class Seek(Message):
        """The person wants to be at this part (0 to 1) of the session."""

        def __init__(self, fraction: float) -> None:
            super().__init__()
            self.fraction = fraction

        def can_replace(self, message: Message) -> bool:
            """Only the newest place matters."""
            return isinstance(message, Transport.Seek)

    class Reach(Message):
        """The person wants to be at this marker."""

        def __init__(self, marker: Marker) -> None:
            super().__init__()
            self.marker = marker

    class Resized(Message):
        """The rail has another width: it needs other markers."""

        def __init__(self, width: int) -> None:
            super().__init__()
            self.width = width

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._state = TransportState()
        self._rail = (0, 0)
        self._dragging = False

    def tell(self, state: TransportState) -> None:
        """Show a state."""
        if state != self._state:
            self._state = state
            self.refresh()

    @property
    def rail_width(self) -> int:
        """Cells of the rail as it was last drawn."""
        return self._rail[1]

    def paint(self, line: Line, y: int) -> None:
        palette, glyphs, state = self.palette, self.palette.glyphs, self._state
        strong, muted = palette.style("accent", "bold"), palette.style("muted")
        start, width = rail(self.size.width)
        line.gap()
        line.put(glyphs.playing if state.playing else glyphs.paused, strong)
        if not state.live:
            line.gap().put(f"{state.speed:g}{'x' if palette.ascii else '×'}", muted)
        clock = format_clock(state.at_us)
        line.to(start - 1 - len(clock)).put(clock, palette.style("foreground", "bold"))
        line.to(start)
        if (start, width) != self._rail:
            self._rail = (start, width)
            self.post_message(self.Resized(width))
        self._paint_rail(line, width)
        end = "" if state.live else format_clock(state.end_us)
        if end:
            line.gap().put(end, muted)
        notes = list(state.notes)
        while len(notes) > 1 and line.used + _cells(notes) + 1 > self.size.width:
            notes.pop()
        line.to(self.size.width - 1 - _cells(notes))
        for text, style in notes:
            line.gap(3).cell(text, palette.style(style), min(cell_width(text), line.left - 1))

    def _paint_rail(self, line: Line, width: int) -> None:
        palette, glyphs, state = self.palette, self.palette.glyphs, self._state
        head = min(width - 1, int(state.fraction * width))
        done, rest = palette.style("accent"), palette.style("faint")
        for cell in range(width):
            if cell == head and not state.live:
                line.put(glyphs.handle, palette.style("accent", "bold"))
            elif marker := state.markers.get(cell):
                glyph, style = MARKERS.get(marker.kind, ("other", "muted"))
                line.put(getattr(glyphs, glyph), palette.style(style, "bold"))
            elif cell < head:
                line.put(glyphs.rail_done, done)
            else:
                line.put(glyphs.rail, rest)

    # ---- the mouse ------------------------------------------------------------------------

    def _seek_to(self, x: int) -> None:
        start, width = self._rail
        if width > 1:
            self.post_message(self.Seek(max(0.0, min(1.0, (x - start) / (width - 1)))))

    def on_mouse_down(self, event: events.MouseDown) -> None:
        start, width = self._rail
        if not start <= event.x < start + width:
            return
        marker = self._state.markers.get(event.x - start)
        if not self._state.live:
            self._dragging = True
            self.capture_mouse()
            if marker is None:
                self._seek_to(event.x)
        if marker is not None:
            self.post_message(self.Reach(marker))

    def on_mouse_move(self, event: events.MouseMove) -> None:
        if self._dragging:
            self._seek_to(event.x)

    def on_mouse_up(self, event: events.MouseUp) -> None:
        if self._dragging:
            self._dragging = False
            self.release_mouse()


def _cells(notes: list[tuple[str, str]]) -> int:
    return sum(cell_width(text) + 3 for text, _style in notes)
