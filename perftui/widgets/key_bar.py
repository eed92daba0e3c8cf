"""The bottom line: the keys that matter here, each of them clickable."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from rich.style import Style
from textual.binding import Binding
from textual.widgets import Input

from perftui.analysis.hints import Hint, choose
from perftui.widgets.line import Line
from perftui.widgets.painted import Painted

ARROWS = frozenset({"up", "down", "left", "right"})
"""Keys of one sign that type nothing."""


class KeyBar(Painted):
    """Hints for some bindings by their IDs, with the keys that are in force now.

    Args:
        shown: pairs of binding IDs (separated by spaces, for ``←/→``) and a label. Where there is
            no room the later ones go first; the very last one stays.
    """

    DEFAULT_CSS: ClassVar[str] = """
    KeyBar {
        dock: bottom;
        height: 1;
        background: $surface;
        color: $muted;
    }
    """

    def __init__(self, shown: Sequence[tuple[str, str]], *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._shown = tuple(shown)

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, lambda _screen: self.refresh())

    def hints(self) -> Iterable[Hint]:
        """The hints whose bindings are active now."""
        active: dict[str, tuple[Binding, str]] = {}
        typing = isinstance(self.screen.focused, Input)
        for item in self.screen.active_bindings.values():
            binding = item.binding
            if binding.id and item.enabled and binding.id not in active:
                display = self.app.get_key_display(binding)
                if typing and len(display) == 1 and binding.key not in ARROWS:
                    continue  # It would be typed.
                active[binding.id] = (binding, display)
        last = len(self._shown) - 1
        for rank, (ids, label) in enumerate(self._shown):
            found = [active[one] for one in ids.split() if one in active]
            if found:
                first = found[0][0].action
                action = first if "." in first.partition("(")[0] else f"screen.{first}"
                keys = "/".join(dict.fromkeys(display for _binding, display in found))
                yield Hint(keys, label, action, importance=-rank if rank < last else 1)

    def paint(self, line: Line, y: int) -> None:
        key_style = self.palette.style("primary", "bold")
        label_style = self.palette.style("muted")
        line.gap()
        for hint in choose(tuple(self.hints()), self.size.width - 2):
            click = Style.from_meta({"@click": hint.action}) if hint.action else Style.null()
            line.put(hint.keys, key_style + click)
            line.put(f" {hint.label}", label_style + click)
            line.gap(2)
