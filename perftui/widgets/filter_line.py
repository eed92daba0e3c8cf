"""The line in which a filter is typed: says what is wrong and where while it is typed, completes,
and remembers what was typed before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from textwrap import wrap
from typing import ClassVar

from rich.highlighter import Highlighter
from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.suggester import Suggester
from textual.widgets import Input

from perftui.analysis.text import cell_width, sanitise
from perftui.errors import FilterError
from perftui.widgets.line import Line
from perftui.widgets.painted import Painted
from perftui.widgets.safe_input import SafeInput

Check = Callable[[str], FilterError | None]
"""What is wrong with a filter; None where nothing is."""

Complete = Callable[[str], Sequence[str]]
"""What a filter may go on as: whole texts that begin with what there is, the best one first."""

HISTORY_KEPT = 100

LEAD_CELLS = 3
"""Width of the sign in front."""

LEAST_CELLS = 24
"""What the filter itself has at least."""


class _MistakeHighlighter(Highlighter):
    """Underlines the place of the mistake."""

    def __init__(self) -> None:
        self.mistake: FilterError | None = None

    def highlight(self, text: Text) -> None:
        """Called by Textual with what is drawn."""
        if self.mistake is not None and len(text):
            begin = min(self.mistake.position, len(text) - 1)
            text.stylize("bold underline reverse", begin, begin + self.mistake.length)


class _Completer(Suggester):
    """The first completion, as the text behind the cursor."""

    def __init__(self, complete: Complete) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self.complete = complete

    async def get_suggestion(self, value: str) -> str | None:
        """Called by Textual while typing."""
        found = self.complete(value)
        return found[0] if found else None


class _Lead(Painted):
    """The sign in front."""

    DEFAULT_CSS: ClassVar[str] = "_Lead { width: 3; height: 1; background: $panel; }"

    off = False

    def paint(self, line: Line, y: int) -> None:
        line.gap().put("/", self.palette.style("faint" if self.off else "primary", "bold"))


class _Side(Painted):
    """What there is to say about the filter, right of it."""

    DEFAULT_CSS: ClassVar[str] = "_Side { width: 0; height: 1; background: $panel; }"

    def __init__(self) -> None:
        super().__init__()
        self._parts: tuple[tuple[str, str], ...] = ()

    def tell(self, parts: tuple[tuple[str, str], ...], room: int) -> None:
        """Show texts with their theme variables, right-aligned; as many of the first ones as
        there is room for."""
        while parts and _cells(parts) > room:
            parts = parts[:-1]
        if parts != self._parts:
            self._parts = parts
            self.styles.width = _cells(parts)
            self.refresh()

    def paint(self, line: Line, y: int) -> None:
        line.gap()
        for place, (text, style) in enumerate(self._parts):
            if place:
                line.gap(2)
            line.cell(text, self.palette.named(style), min(cell_width(text), line.left))


def _cells(parts: Sequence[tuple[str, str]]) -> int:
    """Cells of texts side by side, with a blank at either end; none without a text."""
    return sum(cell_width(text) + 2 for text, _style in parts)


class _Below(Painted):
    """What is wrong, in as many lines as it takes, where there is no room beside the filter."""

    DEFAULT_CSS: ClassVar[str] = "_Below { height: auto; background: $panel; display: none; }"

    def __init__(self) -> None:
        super().__init__()
        self._lines: tuple[str, ...] = ()

    def tell(self, words: str, width: int) -> None:
        """Show words, or nothing."""
        self._lines = tuple(wrap(sanitise(words), max(10, width - 4), break_on_hyphens=False))
        self.display = bool(self._lines)
        self.styles.height = max(1, len(self._lines))
        self.refresh()

    def paint(self, line: Line, y: int) -> None:
        if y < len(self._lines):
            line.gap(3).put(self._lines[y], self.palette.style("error"))


class FilterInput(SafeInput):
    """The input itself, with history on the arrow keys."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "earlier", "Earlier filter", show=False, id="filter.earlier"),
        Binding("down", "later", "Later filter", show=False, id="filter.later"),
        Binding("tab", "complete", "Complete", show=False, id="filter.complete"),
        Binding("escape", "close", "Clear and close", show=False, id="filter.close"),
    ]

    class Closed(Message):
        """Escape."""

    def __init__(
        self, completer: _Completer, highlighter: _MistakeHighlighter, history: list[str]
    ) -> None:
        super().__init__(
            id="filter",
            compact=True,
            select_on_focus=False,
            suggester=completer,
            highlighter=highlighter,
            placeholder="domain: type: status>=400 slower-than: is:slow -word …",
        )
        self._completions = completer.complete
        self._choices: list[str] = []
        self._history = history
        self._place = len(history)
        self._draft = ""

    @property
    def upcoming(self) -> list[str]:
        """What the next key that completes makes of it, and those after it: of several values, one
        after the other."""
        choices = self._choices
        if len(choices) > 1 and self.value == choices[0] and not self.value.endswith(":"):
            return [*choices[1:], choices[0]]
        return list(self._completions(self.value))

    def action_earlier(self) -> None:
        """Bring back what was typed before."""
        if self._place > 0:
            if self._place == len(self._history):
                self._draft = self.value
            self._place -= 1
            self._put(self._history[self._place])

    def action_later(self) -> None:
        """Go forward again, to what was being typed in the end."""
        if self._place < len(self._history):
            self._place += 1
            later = self._place < len(self._history)
            self._put(self._history[self._place] if later else self._draft)

    def action_complete(self) -> None:
        """Take the completion; again, the next one."""
        if found := self.upcoming:
            self._choices = found
            self._put(found[0])

    def action_close(self) -> None:
        """Leave the line."""
        self.post_message(self.Closed())

    def _put(self, text: str) -> None:
        self.value = text
        self.cursor_position = len(text)

    def remember(self, text: str) -> None:
        """Keep what was applied; the same text is kept once, as the newest."""
        if text:
            if text in self._history:
                self._history.remove(text)
            self._history.append(text)
            del self._history[:-HISTORY_KEPT]
        self._place = len(self._history)
        self._draft = ""

    def on_focus(self, event: events.Focus) -> None:
        self._place = len(self._history)


class FilterLine(Vertical):
    """See the module's docstring.

    Args:
        check: what is wrong with a filter.
        complete: what it may go on as.
        history: filters applied before, the newest last; it is added to.
    """

    DEFAULT_CSS: ClassVar[str] = """
    FilterLine {
        height: auto;
        background: $panel;
        & > Horizontal { height: 1; }
        & FilterInput { width: 1fr; background: $panel; }
    }
    """

    class Typed(Message):
        """The filter is another one and nothing is wrong with it."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

        def can_replace(self, message: Message) -> bool:
            """Only the newest matters."""
            return isinstance(message, FilterLine.Typed)

    class Applied(Message):
        """Enter."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Closed(Message):
        """Escape: the filter is to go."""

    def __init__(
        self,
        check: Check,
        complete: Complete,
        history: list[str],
        *,
        id: str | None = None,  # noqa: A002
    ) -> None:
        super().__init__(id=id)
        self._check = check
        self._highlighter = _MistakeHighlighter()
        self._input = FilterInput(_Completer(complete), self._highlighter, history)
        self._matches: str = ""
        self._off = False

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield _Lead()
            yield self._input
            yield _Side()
        yield _Below()

    @property
    def text(self) -> str:
        """What stands there."""
        return self._input.value

    @property
    def mistake(self) -> FilterError | None:
        """What is wrong with it."""
        return self._highlighter.mistake

    def put(self, text: str) -> None:
        """Replace what stands there."""
        self._input.value = text
        self._input.cursor_position = len(text)

    def edit(self) -> None:
        """Begin to type."""
        self._input.focus()
        self._input.cursor_position = len(self._input.value)

    def tell(self, matches: str, *, off: bool = False) -> None:
        """Show how much the filter lets through, and whether it is switched off."""
        self._matches, self._off = matches, off
        self._say()

    def _say(self) -> None:
        if not self.is_mounted:
            return
        side = self.query_one(_Side)
        lead = self.query_one(_Lead)
        lead.off = self._off
        lead.refresh()
        width = self.size.width
        room = width - LEAD_CELLS - max(LEAST_CELLS, cell_width(self.text) + 2)
        mistake = self._highlighter.mistake
        begun = self._input.upcoming[:3] if self._input.has_focus else []
        if begun:
            # What can still become right is not called wrong.
            mistake = None
        words = "" if mistake is None else str(mistake)
        beside = _cells([(words, "")]) <= room
        self.query_one(_Below).tell("" if beside else words, width)
        if mistake is not None:
            side.tell(((words, "error"),) if beside else (), room)
            return
        parts: list[tuple[str, str]] = []
        if self._input.has_focus:
            if begun:
                words = "  ".join([text[text.rfind(" ") + 1 :] for text in begun])
                parts.append((f"tab {words}", "muted"))
            parts.append(("enter apply", "muted"))
            parts.append(("esc clear", "muted"))
        elif self._off:
            parts.append(("off", "!warning"))
            parts.append(("F on", "muted"))
        else:
            parts.append((self._matches, "foreground"))
            parts.append(("F off", "muted"))
        side.tell(tuple([part for part in parts if part[0]]), room)

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        self._highlighter.mistake = self._check(event.value)
        self._input.refresh()
        self._say()
        if self._highlighter.mistake is None:
            self.post_message(self.Typed(event.value))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if self._highlighter.mistake is None:
            self._input.remember(event.value.strip())
            self.post_message(self.Applied(event.value))
        else:
            self._input.cursor_position = self._highlighter.mistake.position

    @on(FilterInput.Closed)
    def _line_closed(self, event: FilterInput.Closed) -> None:
        event.stop()
        self.post_message(self.Closed())

    def on_resize(self) -> None:
        """Another width has room for other words."""
        self._say()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        self._say()

    def on_descendant_blur(self, event: events.DescendantBlur) -> None:
        self._say()
