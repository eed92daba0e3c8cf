"""How long ago, in the one unit that matters."""

from __future__ import annotations

_UNITS = ((60, "s"), (60, "min"), (24, "h"), (7, "d"), (52, "wk"))


def format_age(us: int) -> str:
    """``12 s``, ``5 min``, ``3 h``, ``6 d``, ``9 wk``, ``2 y``; ``0 s`` for what is yet to come.

    Args:
        us: microseconds ago.
    """
    value = max(0, us) // 1_000_000
    for size, unit in _UNITS:
        if value < size:
            return f"{value} {unit}"
        value //= size
    return f"{value} y"
