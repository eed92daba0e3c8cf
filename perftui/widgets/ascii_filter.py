"""The last step before the terminal where only ASCII is to be drawn.

What the app draws by itself has ASCII glyphs already (``palette``); this replaces what Textual, the
formats of numbers and the names of keys bring with them. Text from outside keeps its letters.
"""

from __future__ import annotations

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from perftui.analysis.ascii_text import TABLE


class AsciiFilter(LineFilter):
    """Replaces :data:`perftui.analysis.ascii_text.REPLACEMENTS` in every segment."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Called by Textual for each line that it draws."""
        return [
            segment
            if segment.text.isascii()
            else Segment(segment.text.translate(TABLE), segment.style, segment.control)
            for segment in segments
        ]
