"""The line above a list: whatever its painter says."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from rich.style import Style
from textual.strip import Strip

from perftui.widgets.painted import Painted


class HeadLine(Painted):
    """One line, painted by a function of the width."""

    DEFAULT_CSS: ClassVar[str] = """
    HeadLine {
        height: 1;
        background: $background;
        color: $muted;
    }
    """

    def __init__(
        self,
        paint_head: Callable[[int], Strip],
        *,
        id: str | None = None,  # noqa: A002
    ) -> None:
        super().__init__(id=id)
        self._paint_head = paint_head

    def render_line(self, y: int) -> Strip:
        """The line; called by Textual."""
        ground = self.rich_style
        return self._paint_head(self.size.width).apply_style(
            Style(color=ground.color, bgcolor=ground.bgcolor)
        )
