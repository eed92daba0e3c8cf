"""An input line that never holds what a terminal might act on."""

from __future__ import annotations

from textual.widgets import Input

from perftui.analysis.text import sanitise


class SafeInput(Input):
    """Textual's input writes its value to the terminal as it is; what is pasted into it, or put
    there from a session, is sanitised as it comes in."""

    def validate_value(self, value: str) -> str:
        """Called by Textual for every change of the value."""
        return sanitise(value)
