"""Scrolling lines of styled text: the detail pane, the request screen and the help."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.reactive import var
from textual.scroll_view import ScrollView
from textual.strip import Strip

from perftui.analysis.text import cell_width, fit
from perftui.widgets.line import Line
from perftui.widgets.looks import Looks, ground_of
from perftui.widgets.painted import palette_of
from perftui.widgets.palette import Palette

StyledLine = Sequence[tuple[str, str]]
"""Parts of a line: a text (which may come from outside) and a theme variable (more in
:meth:`Palette.named`); ``@N`` before it moves to cell N first. The texts are sanitised when they are painted."""


class StyledLines(ScrollView, can_focus=True, inherit_bindings=False):
    """Lines, with nothing to select."""

    DEFAULT_CSS: ClassVar[str] = """
    StyledLines {
        background: $background;
        color: $foreground;
        overflow-x: auto;
        overflow-y: auto;
        scrollbar-size-vertical: 1;
        scrollbar-size-horizontal: 0;
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "scroll_down", "Down", show=False, id="text.down"),
        Binding("k,up", "scroll_up", "Up", show=False, id="text.up"),
        Binding("h,left", "scroll_left", "Left", show=False, id="text.left"),
        Binding("l,right", "scroll_right", "Right", show=False, id="text.right"),
        Binding("pagedown,ctrl+f", "page_down", "Page down", show=False, id="text.page-down"),
        Binding("pageup,ctrl+b", "page_up", "Page up", show=False, id="text.page-up"),
        Binding("g,home", "scroll_home", "Top", show=False, id="text.top"),
        Binding("G,end", "scroll_end", "End", show=False, id="text.end"),
    ]

    virtual_size: var[Size] = var(Size(0, 0))
    """Unlike Textual's: more lines do not move any other widget."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._lines: tuple[StyledLine, ...] = ()
        self._strips: dict[int, Strip] = {}
        self._kept_for: tuple[int, ...] = ()
        self._kept_looks: Looks | None = None

    def tell(self, lines: Sequence[StyledLine], *, keep: bool = False) -> None:
        """Show these lines, from the top unless ``keep``. Those that are what they were are not
        drawn again."""
        before, size = self._lines, self.virtual_size
        self._lines = tuple(lines)
        for place in [*self._strips]:
            if self._line(place) != (before[place] if place < len(before) else None):
                del self._strips[place]
        self._measure()
        if not keep and self.scroll_offset != (0, 0):
            self.scroll_to(0, 0, animate=False, immediate=True)
        if self.virtual_size != size:
            self.refresh()
            return
        top, width = self.scroll_offset.y, self.size.width
        changed = [y for y in range(self.size.height) if top + y not in self._strips]
        if changed:
            self.refresh(*[Region(0, y, width, 1) for y in changed])

    def _line(self, place: int) -> StyledLine | None:
        return self._lines[place] if place < len(self._lines) else None

    def _measure(self) -> None:
        width = max((_width(line) for line in self._lines), default=0)
        found = Size(max(width, self.size.width), len(self._lines))
        if found != self.virtual_size:
            self.virtual_size = found
            self._refresh_scrollbars()
            self._scroll_update(found)

    def on_resize(self, event: events.Resize) -> None:
        self._measure()

    def notify_style_update(self) -> None:
        """Called by Textual when the theme or a class changes."""
        super().notify_style_update()
        self._kept_looks = None

    def render_lines(self, crop: Region) -> list[Strip]:
        """Some of the lines in view; called by Textual's compositor. There is no border and no
        padding that they would have to be put into."""
        scroll_x, scroll_y = self.scroll_offset
        width = self.size.width
        palette = palette_of(self.app)
        if self._kept_looks is None:
            self._kept_looks = Looks(self)
            self._strips.clear()
        looks, kept = self._kept_looks, self._strips
        if self._kept_for != (known := (id(palette), scroll_x, width, self.virtual_size.width)):
            self._kept_for = known
            kept.clear()
        left, right = crop.column_span
        strips: list[Strip] = []
        for place in range(scroll_y + crop.y, scroll_y + crop.bottom):
            strip = kept.get(place)
            if strip is None:
                painted = self._strip(place, scroll_x, width, palette)
                strip = kept[place] = looks.finish(painted)
            # Cells beyond the width are covered by the scrollbar.
            strips.append(strip.crop(left, right) if left or right < width else strip)
        return strips

    def render_line(self, y: int) -> Strip:
        """One line of those in view."""
        scroll_x, scroll_y = self.scroll_offset
        palette = palette_of(self.app)
        return self._strip(scroll_y + y, scroll_x, self.size.width, palette).apply_style(
            ground_of(self)
        )

    def _strip(self, place: int, scroll_x: int, width: int, palette: Palette) -> Strip:
        if place >= len(self._lines):
            return Strip.blank(width)
        line = Line(max(width, self.virtual_size.width))
        for text, style in self._lines[place]:
            if style.startswith("@"):
                cell, _, style = style[1:].partition(" ")
                line.to(int(cell))
            line.outside(text, palette.named(style))
        return line.strip().crop(scroll_x, scroll_x + width)


def beside(left: Sequence[StyledLine], right: Sequence[StyledLine], at: int) -> list[StyledLine]:
    """Two blocks of lines side by side: the right one begins at cell ``at``, and what is longer in
    the left one is cut a cell before it."""
    merged: list[StyledLine] = []
    for number in range(max(len(left), len(right))):
        line = list(left[number]) if number < len(left) else []
        if number < len(right) and right[number]:
            line = _cut(line, at - 1)
            for place, (text, style) in enumerate(right[number]):
                if style.startswith("@"):
                    cell, _, rest = style[1:].partition(" ")
                    style = f"@{int(cell) + at} {rest}"
                elif not place:
                    style = f"@{at} {style}"
                line.append((text, style))
        merged.append(line)
    return merged


def _cut(line: StyledLine, width: int) -> list[tuple[str, str]]:
    """The parts up to a cell, the last of them with an ellipsis."""
    kept: list[tuple[str, str]] = []
    used = 0
    for text, style in line:
        if style.startswith("@"):
            used = max(used, int(style[1:].partition(" ")[0]))
        cells = cell_width(text)
        if used + cells > width:
            if width > used:
                kept.append((fit(text, width - used), style))
            break
        kept.append((text, style))
        used += cells
    return kept


def _width(line: StyledLine) -> int:
    used = 0
    for text, style in line:
        if style.startswith("@"):
            used = max(used, int(style[1:].partition(" ")[0]))
        used += cell_width(text)
    return used
