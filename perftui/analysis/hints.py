"""Which key hints fit in one line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Hint:
    """A key and what it does.

    Attributes:
        keys: as shown, such as ``←/→``.
        label: one or two words.
        action: what a click does; empty for nothing.
        importance: hints are left out from the lowest up until the rest fit.
    """

    keys: str
    label: str
    action: str = ""
    importance: int = 0


def choose(hints: Sequence[Hint], width: int, *, gap: int = 2) -> list[Hint]:
    """The hints that fit into ``width`` cells, in their order, ``gap`` cells between two."""
    kept = list(hints)
    while kept and _cells(kept, gap) > width:
        kept.remove(min(kept, key=lambda hint: hint.importance))
    return kept


def _cells(hints: Sequence[Hint], gap: int) -> int:
    return sum(len(hint.keys) + 1 + len(hint.label) for hint in hints) + gap * (len(hints) - 1)
