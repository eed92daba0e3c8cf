"""The scrollbar of long lists."""

from __future__ import annotations

from math import ceil

from rich.segment import Segment
from textual.cache import LRUCache
from textual.color import Color
from textual.geometry import Region
from textual.reactive import var
from textual.scrollbar import ScrollBar, ScrollBarRender
from textual.strip import Strip

from perftui.widgets.looks import ground_of

STRIPS_KEPT = 64
"""Lines kept: above, below and within the handle, and its ends at each eighth of a cell."""

STEPS = 8
"""The handle's ends stand at eighths of a cell."""


class LineScrollBar(ScrollBar):
    """Textual's vertical scrollbar, made of lines that are kept, and drawn only when its handle
    stands elsewhere: in a list of a million rows that is after some thousand of them."""

    position: var[float] = var(0.0)
    window_size: var[int] = var(0)
    window_virtual_size: var[int] = var(100)
    """Unlike Textual's, none of them has it drawn by itself: see :meth:`_look`."""

    def __init__(self, *, thickness: int = 1) -> None:
        super().__init__(vertical=True, name="vertical", thickness=thickness)
        self._strips: LRUCache[tuple[object, ...], Strip] = LRUCache(STRIPS_KEPT)
        self._handle: tuple[int, int] | None = None

    def watch_position(self) -> None:
        self._look()

    def watch_window_size(self) -> None:
        self._look()

    def watch_window_virtual_size(self) -> None:
        self._look()

    def _look(self) -> None:
        """Have it drawn where its handle is to stand elsewhere than it was drawn."""
        if self.handle != self._handle:
            self.refresh()

    @property
    def handle(self) -> tuple[int, int] | None:
        """The ends of the handle in :data:`STEPS` of a cell from the top, as
        ``ScrollBarRender.render_bar`` works them out; None where there is none."""
        size, rows, window = self.size.height, ceil(self.window_virtual_size), self.window_size
        if not 0 < window < rows or not size or size == rows:
            return None
        cells = max(1.0, window * size / rows)
        begin = int((size - cells) * (self.position / (rows - window)) * STEPS)
        return begin, begin + ceil(cells * STEPS)

    def notify_style_update(self) -> None:
        """Called by Textual when the theme changes."""
        super().notify_style_update()
        self._strips.clear()

    def render_lines(self, crop: Region) -> list[Strip]:
        """Some of its lines; called by Textual's compositor."""
        self._handle = self.handle
        drawn = self.render()
        if not isinstance(drawn, ScrollBarRender):
            return super().render_lines(crop)
        style = self.app.console.get_style(drawn.style)
        if style.color is None or style.bgcolor is None:
            return super().render_lines(crop)
        segments = drawn.render_bar(
            size=self.size.height,
            virtual_size=drawn.virtual_size,
            window_size=drawn.window_size,
            position=drawn.position,
            thickness=drawn.thickness,
            back_color=style.bgcolor,
            bar_color=style.color,
        ).segments
        background = self.background_colors[1]
        return [
            self._strip(segment, background)
            for segment in list(segments)[crop.y : crop.y + crop.height]
        ]

    def _strip(self, segment: Segment, background: Color) -> Strip:
        assert segment.style is not None
        # Styles are the same to Rich where only their meta data differ: what a click does.
        key = (segment.text, segment.style, segment.style.meta.get("@mouse.down"))
        strip = self._strips.get(key)
        if strip is None:
            strip = Strip([segment], self.thickness).apply_style(ground_of(self))
            for line_filter in self.get_line_filters():
                strip = strip.apply_filter(line_filter, background)
            self._strips[key] = strip
        return strip
