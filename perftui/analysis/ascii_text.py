"""Text of ours and from outside in ASCII, for terminals and fonts without anything else."""

from __future__ import annotations

REPLACEMENTS = {
    "…": "~",
    "—": "-",
    "–": "-",
    "·": ".",
    "×": "x",
    "≤": "<",
    "≥": ">",
    "µ": "u",
    "“": '"',
    "”": '"',
    "←": "<",
    "→": ">",
    "↑": "^",
    "↓": "v",
    "⏎": "^",
    "█": "#",
    "▀": "#",
    "▄": "#",
    "▌": "|",
    "▐": "|",
    "─": "-",
    "━": "=",
    "│": "|",
    "┊": "|",
    "┌": "+",
    "┐": "+",
    "└": "+",
    "┘": "+",
    "┬": "+",
    "┴": "+",
    "├": "|",
    "┤": "|",
    "╵": "|",
    "╷": "|",
    "╸": "-",
    "╺": "-",
    "▔": "-",
    "▁": "_",
    "▂": "_",
    "▃": "_",
    "▅": "#",
    "▆": "#",
    "▇": "#",
    "▊": "|",
    "▎": "|",
    "▏": "|",
    "▕": "|",
    "▲": "^",
    "⇈": "&",
    "▼": "v",
    "▷": ">",
    "✖": "x",
    "✓": "+",
    "◆": "*",
    "◼": "=",
    "◌": "?",
    "↗": "/",
    "▮": "#",
    "≡": "%",
    "●": "*",
}
"""Characters of one cell, each for another of one cell."""

TABLE = str.maketrans(REPLACEMENTS)
"""The same for ``str.translate``."""


def to_ascii(text: str) -> str:
    """Glyphs in ASCII, cell for cell; what else is not ASCII (letters of a URL) as its escape,
    which is longer: a text from outside goes through here before it is fitted to a width."""
    if text.isascii():
        return text
    return text.translate(TABLE).encode("ascii", "backslashreplace").decode()
