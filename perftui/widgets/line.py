"""Building one line of the screen, cell by cell.

:meth:`Line.cell` and :meth:`Line.outside` are where text that came from a browser, a file or a
proxy passes through the sanitiser on its way into any painted line; :meth:`Line.put` is for what
the app says itself. Nothing is ever parsed as markup.
"""

from __future__ import annotations

from typing import Literal

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from perftui.analysis.text import cell_width, fit, sanitise


class Line:
    """Segments from left to right; knows how many cells it has used.

    Attributes:
        segments: what has been put so far.
        ground: what all of it stands on, below the styles of the segments; None for nothing.
    """

    __slots__ = ("ground", "segments", "used", "width")

    def __init__(self, width: int) -> None:
        self.width = width
        self.used = 0
        self.segments: list[Segment] = []
        self.ground: Style | None = None

    @property
    def left(self) -> int:
        """Cells that are still free."""
        return self.width - self.used

    def put(self, text: str, style: Style) -> Line:
        """Add text of our own, without control characters; what does not fit is cut."""
        cells = len(text) if text.isascii() else cell_width(text)
        if cells > self.left:
            cells = self.left
            text = fit(text, cells)
        if cells > 0:
            self.segments.append(Segment(text, style))
            self.used += cells
        return self

    def cell(
        self,
        text: str,
        style: Style,
        width: int,
        *,
        right: bool = False,
        where: Literal["end", "middle"] = "end",
    ) -> Line:
        """Add text from anywhere: sanitised, and cut or padded to exactly ``width`` cells."""
        width = min(width, self.left)
        if width > 0:
            if right and (blank := width - cell_width(text)) > 0:
                text = " " * blank + sanitise(text)
            else:
                text = fit(text, width, where)
            self.segments.append(Segment(text, style))
            self.used += width
        return self

    def outside(self, text: str, style: Style) -> Line:
        """Add text from outside at its own width: sanitised; what does not fit is cut."""
        return self.put(sanitise(text), style)

    def to(self, x: int, style: Style | None = None) -> Line:
        """Blank cells up to ``x``; nothing where the line is there already."""
        if x > self.used:
            blank = min(x, self.width) - self.used
            if blank > 0:
                self.segments.append(Segment(" " * blank, style or Style.null()))
                self.used += blank
        return self

    def gap(self, cells: int = 1) -> Line:
        """Some blank cells."""
        return self.to(self.used + cells)

    def strip(self) -> Strip:
        """The whole line on its ground, padded to its width."""
        self.to(self.width)
        strip = Strip(self.segments, self.width)
        return strip if self.ground is None else strip.apply_style(self.ground)
