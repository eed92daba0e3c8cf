"""What two lists paint alike: the name of a request, and the signs of what is notable about it."""

from __future__ import annotations

from collections.abc import Iterable

from rich.style import Style

from perftui.analysis.severity import Level, Severity
from perftui.analysis.text import cell_width
from perftui.widgets.line import Line
from perftui.widgets.palette import Palette

LEVEL_STYLES = {
    Level.SLOW: "warning",
    Level.VERY_SLOW: "error",
    Level.ERROR: "error",
}
"""Theme variable of a level from slow on."""

LEVEL_GROUNDS = {Level.SLOW: "slow", Level.VERY_SLOW: "very-slow", Level.ERROR: "error"}
"""Ground of the row of a level from slow on."""


def put_name(line: Line, lead: str, leaf: str, width: int, soft: Style, strong: Style) -> None:
    """Host and way in a soft tone, the part that tells rows apart in the full one; in exactly
    ``width`` cells. The way is cut before the last part is, down to a third of the room."""
    width = min(width, line.left)
    end = line.used + width
    leaf_cells, lead_cells = cell_width(leaf), cell_width(lead)
    if leaf_cells + lead_cells > width:
        room = min(lead_cells, max(width - leaf_cells, width // 3))
        line.cell(lead, soft, room, where="middle")
    else:
        line.cell(lead, soft, lead_cells)
    line.cell(leaf, strong, end - line.used)


def put_marks(
    line: Line,
    severity: Severity | None,
    palette: Palette,
    *,
    first: Iterable[tuple[str, str]] = (),
    last: Iterable[tuple[str, str]] = (),
    room: int = 2,
) -> None:
    """The signs of a request, as many as there is room for, each once.

    Args:
        first, last: (glyph of the palette, theme variable) to stand before and after the reasons
            of the severity, the worst of which comes first.
        room: cells.
    """
    signs = [(glyph, style, "bold") for glyph, style in first]
    for reason in severity.reasons if severity is not None else ():
        weight = "bold" if reason.level >= Level.SLOW else ""
        style = LEVEL_STYLES.get(reason.level, "muted")
        signs.append((palette.glyph(reason.glyph), style, weight))
    signs += [(glyph, style, "") for glyph, style in last]
    shown: set[str] = set()
    for glyph, style, weight in signs:
        if glyph not in shown and len(shown) < room:
            shown.add(glyph)
            line.put(glyph, palette.style(style, weight))
