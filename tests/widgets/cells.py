"""What text is on a terminal, cell by cell; by wcwidth's table, which knows nothing of our rules."""

from __future__ import annotations

import wcwidth

REGIONAL_INDICATORS = range(0x1F1E6, 0x1F200)
"""Two of them are a flag of two cells; wcwidth gives two cells to each."""


def on_a_terminal(text: str) -> list[str]:
    """What stands in each cell once the text has been written; nothing in the second cell of what
    is wide."""
    found: list[str] = []
    for character in text:
        flag = ord(character) in REGIONAL_INDICATORS
        width = 1 if flag else wcwidth.wcwidth(character)
        assert width >= 0, f"a control character: {character!r}"
        if width == 0:
            assert found, "a mark with nothing to stand on"
            found[-1 if found[-1] else -2] += character
        else:
            found += [character, *[""] * (width - 1)]
    return found
