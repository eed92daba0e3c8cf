"""The selected entry in one line, where the detail pane has no room."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.message import Message

from perftui.widgets.detail_lines import Detail, summary
from perftui.widgets.line import Line
from perftui.widgets.painted import Painted


class SummaryLine(Painted):
    """``#8 wait 1.34s recv 29ms = 1.37s · slow: 6.5 times the usual 212ms · db 1.18s``."""

    DEFAULT_CSS: ClassVar[str] = """
    SummaryLine {
        height: 1;
        background: $panel;
    }
    """

    class Clicked(Message):
        """The person wants to see more of it."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._detail: Detail | None = None

    def tell(self, detail: Detail | None) -> None:
        """Show another entry."""
        if detail != self._detail:
            self._detail = detail
            if self.display:
                self.refresh()

    def paint(self, line: Line, y: int) -> None:
        if self._detail is None:
            return
        line.gap()
        for text, style in summary(self._detail, self.palette):
            line.outside(text, self.palette.named(style))

    def on_click(self, event: events.Click) -> None:
        self.post_message(self.Clicked())
