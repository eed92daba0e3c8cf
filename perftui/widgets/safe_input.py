"""An input line that takes every script, and writes nothing that a terminal might act on."""

from __future__ import annotations

import unicodedata

from rich.cells import cell_len, get_character_cell_size
from rich.text import Text
from textual.widgets import Input

from perftui.analysis.text import typed

_NEVER_TYPED = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Controls, halves of characters, separators of lines."""


class SafeInput(Input):
    """Textual's input writes its value to the terminal as it is. This one keeps what was typed and
    shows a form of it that takes the same cells in every terminal (:func:`typed`). Control characters,
    which are pasted or come from a session, are blanks."""

    def validate_value(self, value: str) -> str:
        """Called by Textual for every change of the value."""
        if value.isascii() and value.isprintable():
            return value
        return "".join([" " if unicodedata.category(one) in _NEVER_TYPED else one for one in value])

    @property
    def _value(self) -> Text:
        """What Textual draws."""
        text = Text(typed(self.value), no_wrap=True, overflow="ignore", end="")
        return text if self.highlighter is None else self.highlighter(text)

    def _position_to_cell(self, position: int) -> int:
        """Textual's question where a character is drawn."""
        return cell_len(typed(self.value[:position]))

    def _cell_offset_to_index(self, offset: int) -> int:
        """Textual's question which character is drawn there."""
        offset += self.scroll_offset.x
        cells = 0
        for index, character in enumerate(typed(self.value)):
            cells += get_character_cell_size(character)
            if offset < cells:
                return index
        return len(self.value)
