"""The pane below the log: one entry, in tabs."""

from __future__ import annotations

from typing import ClassVar

from rich.style import Style
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import Screen

from perftui.analysis.text import cell_width
from perftui.widgets.detail_lines import TABS, Detail, tab_lines, title
from perftui.widgets.line import Line
from perftui.widgets.painted import Painted, palette_of
from perftui.widgets.palette import Palette
from perftui.widgets.styled_lines import StyledLines

SHORT_NAMES = {"Server-Timing": "Server"}
"""Names of tabs where there is little room."""

_CLICKS = {name: Style.from_meta({"@click": f"screen.detail_tab('{name}')"}) for name in TABS}


class TabLine(Painted):
    """A rule with the entry's title and the tabs on it, and before them the keys that turn to them
    where the focus is: digits in the pane, elsewhere those that go from tab to tab."""

    DEFAULT_CSS: ClassVar[str] = """
    TabLine {
        height: 1;
        background: $surface;
    }
    """

    detail: Detail | None = None
    tab = TABS[0]
    numbered = False
    """Whether digits turn to the tabs: in the log they move the playhead."""

    turning = ""
    """The keys that turn to the next tab and the one before."""

    _kept_tabs: tuple[tuple[object, ...], Line] | None = None

    def paint(self, line: Line, y: int) -> None:
        palette = self.palette
        width = line.width
        tabs = self._tabs(palette, width)
        cells = tabs.used
        line.gap()
        if self.detail is not None:
            parts = title(self.detail, palette)
            # What tells it apart stands last: what leads to it is cut first.
            end = line.used + width - cells - 3
            kept = cell_width(parts[-1][0])
            for place, (text, style) in enumerate(parts):
                room = end - line.used - (0 if place == len(parts) - 1 else kept)
                if (fitting := min(cell_width(text), room)) > 0:
                    line.cell(text, palette.named(style), fitting, where="middle")
        line.to(width - cells)
        if line.left >= cells:
            line.segments += tabs.segments
            line.used += cells
        else:
            for segment in tabs.segments:
                line.put(segment.text, segment.style or Style.null())

    def _tabs(self, palette: Palette, width: int) -> Line:
        """The tabs alone, the same for entry after entry."""
        key = (id(palette), self.tab, width < 100, self.numbered, self.turning)
        if self._kept_tabs is not None and self._kept_tabs[0] == key:
            return self._kept_tabs[1]
        short = SHORT_NAMES if width < 100 else {}
        texts = [
            (f"{number} {short.get(name, name)}" if self.numbered else short.get(name, name), name)
            for number, name in enumerate(TABS, 1)
        ]
        lead = "" if self.numbered else self.turning
        room = sum(cell_width(text) + 2 for text, _name in texts)
        tabs = Line(room + (cell_width(lead) + 2 if lead else 0))
        if lead:
            tabs.put(lead, palette.style("primary", "bold")).gap(2)
        for text, name in texts:
            here = name == self.tab
            looks = palette.style("accent" if here else "muted", "bold underline" if here else "")
            tabs.put(text, looks + _CLICKS[name]).gap(2)
        self._kept_tabs = (key, tabs)
        return tabs


class DetailPane(Vertical):
    """Shows a :class:`Detail`; without one it is empty."""

    DEFAULT_CSS: ClassVar[str] = """
    DetailPane {
        height: 11;
        background: $background;
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        *[
            Binding(
                str(number),
                f"screen.detail_tab('{name}')",
                f"Tab {name}",
                show=False,
                id=f"detail.{name.lower()}",
            )
            for number, name in enumerate(TABS, 1)
        ],
    ]

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._detail: Detail | None = None
        self.tab = TABS[0]

    def compose(self) -> ComposeResult:
        yield TabLine()
        yield StyledLines()

    @property
    def detail(self) -> Detail | None:
        """What is shown."""
        return self._detail

    def tell(self, detail: Detail | None) -> None:
        """Show another entry, or more about the same one."""
        if detail == self._detail:
            return
        same = (
            detail is not None
            and self._detail is not None
            and detail.record.seq == self._detail.record.seq
        )
        self._detail = detail
        self._show(keep=same)

    def show_tab(self, name: str) -> None:
        """Turn to a tab."""
        self.tab = name
        self._show(keep=False)

    def repaint(self) -> None:
        """Paint with the new theme."""
        self._show(keep=True)

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._show_keys)

    def _show_keys(self, screen: Screen[object]) -> None:
        """The keys that turn to the tabs now: the focus may be elsewhere than before."""
        tabs = self.query_one(TabLine)
        turning = "/".join(
            self.app.get_key_display(active.binding)
            for active in screen.active_bindings.values()
            if active.binding.id in {"replay.tab", "replay.tab-before"}
        )
        if (tabs.numbered, tabs.turning) != (self.has_focus_within, turning):
            tabs.numbered, tabs.turning = self.has_focus_within, turning
            tabs.refresh()

    def on_resize(self, event: events.Resize) -> None:
        self._show(keep=True)

    def _show(self, *, keep: bool) -> None:
        if not self.is_mounted or not self.display:
            return
        tabs = self.query_one(TabLine)
        tabs.detail, tabs.tab = self._detail, self.tab
        tabs.refresh()
        lines = self.query_one(StyledLines)
        if self._detail is None:
            lines.tell(())
        else:
            palette = palette_of(self.app)
            width = max(20, lines.size.width or self.size.width)
            lines.tell(tab_lines(self.tab, self._detail, palette, width), keep=keep)
