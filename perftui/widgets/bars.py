"""Painting what ``analysis.waterfall`` has placed: cells of phases into characters and styles.

Left-eighth blocks fill a cell from the left, so what fills its right part is drawn as the reverse
of the block, and two phases that meet are the colours before and behind it. Without colour (or
without block characters) a cell has the texture of the phase that has most of it.
"""

from __future__ import annotations

from collections.abc import Mapping

from rich.segment import Segment

from perftui.analysis.phases import PhaseName
from perftui.analysis.waterfall import EIGHTHS, Bar, Cell, runs
from perftui.widgets.palette import LEFT_EIGHTHS, Palette

TEXTURED = frozenset(
    {
        PhaseName.WAIT,
        PhaseName.OPAQUE,
        PhaseName.QUEUE,
        PhaseName.WORKER,
        PhaseName.REDIRECT,
    }
)
"""Phases whose cells have a grain in colour too: what waits is never taken for what works."""


DRAWN_KEPT = 4096
"""Pieces of bars that are kept: each kind of cell, so many times."""


def paint_bar(bar: Bar, width: int, palette: Palette, color: str = "") -> list[tuple[int, Segment]]:
    """The segments of a bar, each with its first cell, left to right.

    Args:
        width: cells of the chart.
        color: a theme variable for the whole bar instead of each phase's own.
    """
    drawn = palette.drawn
    painted: list[tuple[int, Segment]] = []
    for at, run in runs(bar.spans, width):
        segment = drawn.get((run, color))
        if segment is None:
            draw = _texture if palette.plain or palette.ascii else _block
            if len(drawn) >= DRAWN_KEPT:
                drawn.clear()
            segment = drawn[run, color] = draw(*run, palette, color)
        painted.append((at, segment))
    return painted


def _block(cell: Cell, count: int, palette: Palette, color: str) -> Segment:
    left, eighths, right = cell
    if left is not None and right is None:
        if eighths < EIGHTHS:
            return Segment(LEFT_EIGHTHS[eighths] * count, palette.style(color or _style(left)))
        if left in TEXTURED and not color:
            texture = palette.glyphs.textures[left.value]
            grain = palette.style(f"texture-{left.value}", on=_style(left))
            return Segment(texture * count, grain)
        return Segment(" " * count, palette.style("foreground", on=color or _style(left)))
    assert right is not None
    if left is None:
        style = palette.style(color or _style(right), "reverse")
        return Segment(LEFT_EIGHTHS[eighths] * count, style)
    if color:
        return Segment(" " * count, palette.style("foreground", on=color))
    style = palette.style(_style(left), on=_style(right))
    return Segment(LEFT_EIGHTHS[eighths] * count, style)


def _texture(cell: Cell, count: int, palette: Palette, color: str) -> Segment:
    left, eighths, right = cell
    name = right if left is None or (right is not None and eighths * 2 < EIGHTHS) else left
    assert name is not None
    textures: Mapping[str, str] = palette.glyphs.textures
    return Segment(textures[name.value] * count, palette.style(color or _style(name)))


def _style(name: PhaseName) -> str:
    return f"phase-{name.value}"
