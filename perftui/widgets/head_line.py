"""The line above a list: whatever its painter says."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

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

    def line(self, y: int) -> Strip:
        """The line."""
        return self._paint_head(self.size.width)
