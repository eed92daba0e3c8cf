"""The base of the small widgets that paint whole lines themselves."""

from __future__ import annotations

from typing import Protocol, cast

from textual.app import App
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from perftui.widgets.line import Line
from perftui.widgets.looks import Looks
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


class Painted(Widget):
    """A widget of some lines, painted cell by cell by :meth:`paint`."""

    _kept_looks: Looks | None = None

    @property
    def palette(self) -> Palette:
        """The styles and glyphs of the current theme."""
        return palette_of(self.app)

    def paint(self, line: Line, y: int) -> None:
        """Put what belongs into line ``y``."""
        raise NotImplementedError

    def line(self, y: int) -> Strip:
        """One line as it is painted, before it is put on the widget's ground."""
        line = Line(self.size.width)
        self.paint(line, y)
        return line.strip()

    def notify_style_update(self) -> None:
        """Called by Textual when the theme or a class changes."""
        super().notify_style_update()
        self._kept_looks = None

    @property
    def looks(self) -> Looks:
        """What all lines stand on."""
        if self._kept_looks is None:
            self._kept_looks = Looks(self)
        return self._kept_looks

    def render_lines(self, crop: Region) -> list[Strip]:
        """Some of the lines; called by Textual's compositor, which asks for what has changed only:
        nothing is kept."""
        if any(self.styles.gutter):
            return super().render_lines(crop)
        looks = self.looks
        strips = [looks.finish(self.line(y)) for y in crop.line_range]
        hovered = self.hover_style
        if self.auto_links and hovered._link_id and hovered._meta and "@click" in hovered.meta:
            hover = self.link_style_hover
            strips = [strip.style_links(hovered.link_id, hover) for strip in strips]
        left, right = crop.column_span
        if left or right < self.size.width:
            strips = [strip.crop(left, right) for strip in strips]
        return strips

    def render_line(self, y: int) -> Strip:
        """One line; called by Textual where the widget has a border or a padding."""
        return self.line(y).apply_style(self.looks.ground)
