"""A session in a band of cells: what started in each cell, and what went wrong there."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import pairwise

from perftui.analysis.timeline import Marker, Timeline

RAIL_X = 17
"""First cell of the rail: left of it stand state, speed and moment."""


def rail(width: int) -> tuple[int, int]:
    """The first cell and the cells of the band that stands for the whole session in a line of a
    width: the rail of the transport, and below it what was going on. What is left of it and right
    of it is for words."""
    right = 40 if width >= 110 else 26
    return RAIL_X, max(8, width - RAIL_X - right)


def edges(width: int, end_us: int, timeline: Timeline | None = None) -> list[int]:
    """Session time of the borders of ``width`` equal cells, µs: one more than there are cells.

    Args:
        end_us: the end of the session.
        timeline: cells are equal in its played time; without it in session time.
    """
    if width <= 0:
        return []
    if timeline is None:
        return [end_us * cell // width for cell in range(width + 1)]
    borders = [timeline.to_session(timeline.played_us * cell // width) for cell in range(width)]
    return [*borders, timeline.end_us]


def counts(starts: Sequence[int], borders: Sequence[int]) -> list[int]:
    """How many of the moments (ascending) fall into each cell; those at the very end into the
    last."""
    if len(borders) < 2:
        return []
    places = [bisect_left(starts, border) for border in borders[:-1]]
    return [after - before for before, after in pairwise([*places, len(starts)])]


def bad_cells(
    errors: Sequence[int], slow: Sequence[int], borders: Sequence[int]
) -> list[tuple[int, str]]:
    """The cells in which something went wrong, each with ``error`` or ``slow``; an error wins.

    Args:
        errors, slow: starts, ascending.
    """
    found: list[tuple[int, str]] = []
    both = zip(counts(errors, borders), counts(slow, borders), strict=True)
    for cell, (error_count, slow_count) in enumerate(both):
        if error_count:
            found.append((cell, "error"))
        elif slow_count:
            found.append((cell, "slow"))
    return found


def marker_cells(markers: Iterable[Marker], borders: Sequence[int]) -> dict[int, Marker]:
    """The marker to show in each cell; the first of a cell, errors before all others."""
    found: dict[int, Marker] = {}
    width = len(borders) - 1
    if width < 1:
        return found
    for marker in markers:
        cell = min(width - 1, max(0, bisect_left(borders, marker.at_us + 1) - 1))
        known = found.get(cell)
        if known is None or (marker.kind == "error" and known.kind != "error"):
            found[cell] = marker
    return found
