"""Lines of the app's own words in the middle of an empty place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from perftui.analysis.text import cell_width
from perftui.widgets.line import Line
from perftui.widgets.painted import Painted

NoteLine = tuple[tuple[str, str], ...]
"""A line in parts: text (which may come from outside) and theme variable; ``!name`` is bold."""


class Note(Painted):
    """A few lines, as one block in the middle."""

    DEFAULT_CSS: ClassVar[str] = """
    Note {
        height: 1fr;
        background: $background;
    }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._lines: tuple[NoteLine, ...] = ()

    def tell(self, lines: Sequence[NoteLine]) -> None:
        """Show these lines."""
        if tuple(lines) != self._lines:
            self._lines = tuple(lines)
            self.refresh()

    def paint(self, line: Line, y: int) -> None:
        top = max(0, (self.size.height - len(self._lines)) // 2 - 1)
        if not 0 <= y - top < len(self._lines):
            return
        widest = max(sum(cell_width(text) for text, _style in parts) for parts in self._lines)
        line.gap(max(1, (self.size.width - widest) // 2))
        for text, style in self._lines[y - top]:
            line.outside(text, self.palette.named(style))
