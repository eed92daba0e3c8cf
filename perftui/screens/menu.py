"""A short list of choices over a screen, each with its key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from perftui.analysis.text import cell_width
from perftui.widgets.line import Line
from perftui.widgets.painted import Painted


@dataclass(frozen=True, slots=True)
class Choice:
    """One of them.

    Attributes:
        key: a single character.
        label: a few words; may hold text from outside.
        value: what the menu answers with.
    """

    key: str
    label: str
    value: str


class _Lines(Painted):
    """Title and choices."""

    def __init__(self, title: str, choices: Sequence[Choice]) -> None:
        super().__init__()
        self.title = title
        self.choices = choices
        self.cursor = 0

    def paint(self, line: Line, y: int) -> None:
        palette = self.palette
        if y == 0:
            line.gap(2).put(self.title, palette.style("muted"))
            return
        if not 0 <= y - 1 < len(self.choices):
            return
        choice = self.choices[y - 1]
        here = y - 1 == self.cursor
        line.put(palette.glyphs.cursor if here else " ", palette.style("primary", "bold")).gap()
        line.put(choice.key, palette.style("primary", "bold")).gap(2)
        line.outside(choice.label, palette.style("foreground", "bold" if here else ""))

    def on_click(self, event: events.Click) -> None:
        place = event.y - 1
        if 0 <= place < len(self.choices):
            menu = self.screen
            assert isinstance(menu, Menu)
            menu.answer(self.choices[place].value)


class Menu(ModalScreen[str | None]):
    """Answers with the value of the choice; None for none."""

    DEFAULT_CSS: ClassVar[str] = """
    Menu {
        align: center middle;
        & > Vertical {
            height: auto;
            background: $panel;
            padding: 1 1;
        }
        &:nocolor > Vertical {
            border: round $border;
        }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "close", "Close", show=False),
        Binding("j,down", "move(1)", "Down", show=False),
        Binding("k,up", "move(-1)", "Up", show=False),
        Binding("enter", "choose", "Choose", show=False),
    ]

    def __init__(self, title: str, choices: Sequence[Choice]) -> None:
        super().__init__(name="menu")
        self.choices = tuple(choices)
        self._lines = _Lines(title, choices)

    def compose(self) -> ComposeResult:
        with Vertical():
            yield self._lines

    def on_mount(self) -> None:
        """As large as what is in it."""
        choices = self._lines.choices
        widest = max([cell_width(one.label) for one in choices] + [cell_width(self._lines.title)])
        self.query_one(Vertical).styles.width = widest + 12
        self._lines.styles.height = len(choices) + 1

    def on_key(self, event: events.Key) -> None:
        """The key of a choice."""
        for choice in self._lines.choices:
            if event.character == choice.key:
                event.stop()
                event.prevent_default()
                self.answer(choice.value)

    def action_move(self, by: int) -> None:
        """Move among the choices."""
        self._lines.cursor = (self._lines.cursor + by) % len(self._lines.choices)
        self._lines.refresh()

    def action_choose(self) -> None:
        """Take the one under the cursor."""
        self.answer(self._lines.choices[self._lines.cursor].value)

    def action_close(self) -> None:
        """Take none."""
        self.answer(None)

    def answer(self, value: str | None) -> None:
        """Answer once, and go: of keys that were typed ahead the first is the answer."""
        # Not `is_current`, which is also true of a screen that can be seen behind another.
        if self.app.screen is self:
            self.dismiss(value)
