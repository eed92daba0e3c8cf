"""A value of an answer in words, by the unit of its column. One place for all renderings."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from perftui.analysis.insights.answer import Distribution, Unit, Value
from perftui.analysis.sparkline import heights
from perftui.analysis.text import (
    UNKNOWN,
    format_bytes,
    format_count,
    format_duration,
    format_moment,
    sanitise,
)

BLOCKS = " ▁▂▃▄▅▆▇█"
"""Eighths of a cell, from nothing to full."""

ASCII_BLOCKS = " .:-=+*#@"
"""The same for terminals without block characters."""

NUMERIC = frozenset(Unit) - {Unit.TEXT, Unit.FLAG, Unit.SERIES}
"""Units that stand on the right of their column."""


def words(value: Value, unit: Unit, *, ascii_only: bool = False) -> str:
    """What stands in the cell: short, safe for a terminal."""
    if value is None:
        return "?" if ascii_only else UNKNOWN
    if isinstance(value, tuple):
        return sparkline(value, ascii_only=ascii_only)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return sanitise(value)
    return _number(value, unit)


def _number(value: float, unit: Unit) -> str:
    match unit:
        case Unit.MILLISECONDS:
            return format_duration(round(value * 1000))
        case Unit.MILLISECONDS_CHANGE:
            return _signed(format_duration(round(abs(value) * 1000)), value)
        case Unit.BYTES:
            return format_bytes(round(value))
        case Unit.BYTES_CHANGE:
            return _signed(format_bytes(round(abs(value))), value)
        case Unit.SHARE:
            return _percent(value)
        case Unit.CHANGE:
            return _signed(_percent(abs(value)), value)
        case Unit.MOMENT:
            return format_moment(round(value * 1000))
        case Unit.EPOCH:
            return moment_words(value)
        case Unit.COUNT:
            return format_count(round(value)) if value == round(value) else f"{value:.1f}"
        case _:
            return f"{value:.3g}" if abs(value) < 1 else f"{value:.2f}"


def _percent(share: float) -> str:
    percent = share * 100
    if 0 < percent < 1:
        return f"{percent:.1f}%"
    return f"{percent:.0f}%"


def _signed(text: str, value: float) -> str:
    return text if not value else f"{'+' if value > 0 else '-'}{text}"


def moment_words(epoch_ms: float) -> str:
    """A moment in the world, in UTC, to the second."""
    try:
        moment = datetime.fromtimestamp(epoch_ms / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        return f"{epoch_ms:.0f}"
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def sparkline(values: Sequence[float | None], *, ascii_only: bool = False) -> str:
    """Values as one cell each, the highest a full one; a dot where there is nothing to tell."""
    blocks = ASCII_BLOCKS if ascii_only else BLOCKS
    gap = " " if ascii_only else "·"
    levels = heights([0.0 if value is None else max(0.0, value) for value in values], 8)
    return "".join(
        # A measured zero still shows that something was measured.
        gap if value is None else blocks[max(1, level)]
        for value, level in zip(values, levels, strict=True)
    )


def histogram(
    distribution: Distribution, rows: int, *, ascii_only: bool = False
) -> tuple[list[str], str]:
    """A distribution as lines of blocks, two cells a bin, and the line of figures beneath it.

    Returns:
        The lines from the top, and the axis: the smallest, the middle and the largest edge.
    """
    blocks = ASCII_BLOCKS if ascii_only else BLOCKS
    levels = heights(distribution.counts, rows * 8)
    lines = []
    for row in range(rows - 1, -1, -1):
        cells = [blocks[max(0, min(8, level - row * 8))] for level in levels]
        lines.append("".join(cell * 2 for cell in cells).rstrip())
    width = len(levels) * 2
    edges = distribution.edges
    left, middle, right = (
        words(edge, distribution.unit) for edge in (edges[0], edges[len(edges) // 2], edges[-1])
    )
    centre = max(len(left) + 1, width // 2 - len(middle) // 2)
    axis = f"{left}{' ' * (centre - len(left))}{middle}"
    return lines, axis + " " * max(1, width - len(axis) - len(right)) + right


def bar(share: float, width: int, *, ascii_only: bool = False) -> str:
    """A share as a bar of at most ``width`` cells, to an eighth of a cell; never empty for more
    than nothing."""
    if ascii_only:
        return "#" * (max(1, round(share * width)) if share > 0 else 0)
    eighths = max(1, round(share * width * 8)) if share > 0 else 0
    partial = " ▏▎▍▌▋▊▉"[eighths % 8] if eighths % 8 else ""
    return "█" * (eighths // 8) + partial
