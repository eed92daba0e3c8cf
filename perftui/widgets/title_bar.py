"""The top line: where we are, and in which state what we see is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from perftui.analysis.text import cell_width, fit
from perftui.widgets.line import Line
from perftui.widgets.painted import Painted

Part = tuple[str, str]
"""A text (which may come from outside) and the theme variable it is painted in."""


class TitleBar(Painted):
    """``perftui  sessions › shop-7f3a › P2 /checkout          ● LIVE   41 of 58   Chrome 141``."""

    DEFAULT_CSS: ClassVar[str] = """
    TitleBar {
        dock: top;
        height: 1;
        background: $surface;
        color: $foreground;
    }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._crumbs: tuple[str, ...] = ()
        self._state: tuple[Part, ...] = ()

    def tell(self, crumbs: Sequence[str], state: Sequence[Part] = ()) -> None:
        """Show where we are (outermost first) and the state, right-aligned, most important first."""
        if (tuple(crumbs), tuple(state)) != (self._crumbs, self._state):
            self._crumbs, self._state = tuple(crumbs), tuple(state)
            self.refresh()

    def paint(self, line: Line, y: int) -> None:
        palette = self.palette
        width = self.size.width
        state = list(self._state)
        least = 12 + sum(min(cell_width(crumb), 10) + 3 for crumb in self._crumbs)
        while len(state) > 1 and _cells(state) + least > width:
            state.pop()
        line.gap().put("perftui", palette.style("primary", "bold"))
        room = width - line.used - _cells(state) - 3
        separator = f" {palette.glyphs.chevron} "
        # What is looked at stands last and stays readable; the way to it is cut first.
        kept = min(cell_width(self._crumbs[-1]), 24) + len(separator) if self._crumbs else 0
        for place, crumb in enumerate(self._crumbs):
            last = place == len(self._crumbs) - 1
            lead = "  " if place == 0 else separator
            cells = min(cell_width(crumb), room - len(lead) - (0 if last else kept))
            if cells < 4 and not (last and cells == cell_width(crumb)):
                if last:
                    break
                continue
            line.put(lead, palette.style("faint"))
            line.put(
                fit(crumb, cells, "middle"),
                palette.style("foreground" if last else "muted", "bold" if last else ""),
            )
            room -= cells + len(lead)
        line.to(width - _cells(state) - 1)
        for place, (text, style) in enumerate(state):
            if place:
                line.gap(3)
            line.outside(text, palette.style(style, "bold" if place == 0 else ""))


def _cells(parts: Sequence[Part]) -> int:
    return sum(cell_width(text) for text, _style in parts) + 3 * max(0, len(parts) - 1)
