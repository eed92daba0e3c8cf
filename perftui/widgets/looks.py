"""From the segments that a widget paints to those that stand on the screen."""

from __future__ import annotations

from collections.abc import Iterable

from rich.segment import Segment
from rich.style import Style
from textual.filter import ANSIToTruecolor, LineFilter, Monochrome, NoColor
from textual.strip import Strip
from textual.widget import Widget

from perftui.widgets.line import Line

OF_STYLES = (ANSIToTruecolor, Monochrome, NoColor)
"""Filters that look at the style of a segment only: what they make of one is worked out once."""


def ground_of(widget: Widget) -> Style:
    """The colours that a widget's text stands in, and nothing else of its style."""
    whole = widget.rich_style
    return Style(color=whole.color, bgcolor=whole.bgcolor)


class Looks:
    """The ground below a widget's segments, and the filters of the app above them. Belongs to one
    theme and one state of the widget's style: to be made anew when :class:`Widget` is told of
    another (``notify_style_update``).

    Attributes:
        ground: the widget's own colours.
    """

    def __init__(self, widget: Widget) -> None:
        self.ground = ground_of(widget)
        self._background = widget.background_colors[1]
        filters = tuple(widget.get_line_filters())
        self._of_styles = [one for one in filters if isinstance(one, OF_STYLES)]
        self._of_lines: list[LineFilter] = [
            one for one in filters if not isinstance(one, OF_STYLES)
        ]
        self._finished: dict[Style | None, dict[Style | None, Style | None]] = {}

    def finish(self, strip: Strip) -> Strip:
        """A painted line as it stands on the screen; neighbours that look the same are one."""
        return self._filtered(Strip(self._segments(strip, None), strip.cell_length))

    def finish_line(self, line: Line, cells: int) -> Strip:
        """As :meth:`finish`, of a line on its ground: so many cells of it, from the left."""
        line.to(line.width)
        segments = self._segments(line.segments, line.ground)
        over = line.width - cells
        while over > 0:
            last = segments.pop()
            if (rest := last.cell_length - over) > 0:
                segments.append(last.split_cells(rest)[0])
            over = -rest
        return self._filtered(Strip(segments, cells))

    def _segments(self, painted: Iterable[Segment], ground: Style | None) -> list[Segment]:
        finished = self._finished.get(ground)
        if finished is None:
            finished = self._finished[ground] = {}
        segments: list[Segment] = []
        text, now = "", None
        final: Style | None
        for part, style, _ in painted:
            if style is not None and style._meta is not None:
                # What a click does is no part of what makes styles equal.
                final = self._finish(style, ground)
            elif (final := finished.get(style)) is None:
                final = finished[style] = self._finish(style, ground)
            if final is now:
                text += part
                continue
            if text:
                segments.append(Segment(text, now))
            text, now = part, final
        if text:
            segments.append(Segment(text, now))
        return segments

    def _filtered(self, whole: Strip) -> Strip:
        for line_filter in self._of_lines:
            whole = whole.apply_filter(line_filter, self._background)
        return whole

    def _finish(self, style: Style | None, ground: Style | None) -> Style | None:
        below = self.ground if ground is None else self.ground + ground
        final: Style | None = below if style is None else below + style
        for line_filter in self._of_styles:
            final = line_filter.apply([Segment(" ", final)], self._background)[0].style
        return final
