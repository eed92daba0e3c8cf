"""Counts over time as heights: what a sparkline draws."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def bins(moments: Iterable[int], start: int, end: int, width: int) -> list[int]:
    """How many of the moments fall into each of ``width`` equal stretches of ``start`` to ``end``.

    Moments outside are not counted; one at ``end`` belongs to the last stretch.
    """
    counts = [0] * max(0, width)
    span = end - start
    if not counts or span < 0:
        return counts
    scale = width / span if span else 0.0
    for moment in moments:
        if start <= moment <= end:
            counts[min(width - 1, int((moment - start) * scale))] += 1
    return counts


def heights(values: Sequence[float], levels: int, *, most: float | None = None) -> list[int]:
    """Heights from 0 to ``levels``; anything above nothing is at least 1.

    Args:
        values: not negative.
        levels: the full height.
        most: what has the full height; the largest of the values by default.
    """
    top = max(values, default=0.0) if most is None else most
    if top <= 0:
        return [0] * len(values)
    return [
        0 if value <= 0 else max(1, min(levels, round(value / top * levels))) for value in values
    ]
