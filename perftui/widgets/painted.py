"""The base of the small widgets that paint whole lines themselves."""

from __future__ import annotations

from typing import Protocol, cast

from rich.style import Style
from textual.app import App
from textual.strip import Strip
from textual.widget import Widget

from perftui.widgets.line import Line
from perftui.widgets.palette import Palette


class HasPalette(Protocol):
    """The app that these widgets live in."""

    @property
    def palette(self) -> Palette:
        """The styles and glyphs of the current theme."""
        ...


def palette_of(app: App[object]) -> Palette:
    """The palette of an app that has one."""
    return cast("HasPalette", app).palette


def ground_of(widget: Widget) -> Style:
    """The colours that a widget's text stands in, and nothing else of its style."""
    whole = widget.rich_style
    return Style(color=whole.color, bgcolor=whole.bgcolor)


class Painted(Widget):
    """A widget of some lines, painted cell by cell by :meth:`paint`."""

    @property
    def palette(self) -> Palette:
        """The styles and glyphs of the current theme."""
        return palette_of(self.app)

    def paint(self, line: Line, y: int) -> None:
        """Put what belongs into line ``y``."""
        raise NotImplementedError

    def render_line(self, y: int) -> Strip:
        """One line; called by Textual."""
        line = Line(self.size.width)
        self.paint(line, y)
        return line.strip().apply_style(ground_of(self))
