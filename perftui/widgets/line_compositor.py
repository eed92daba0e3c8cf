"""Puts a screen together line by line.

Textual's compositor renders every widget that the rectangle around all changes touches: where the
title and the bottom line have changed, that is the whole screen. This one asks a widget only for
the lines that have changed and that nothing in front of it covers, so that moving a cursor costs
two lines however much else there is to see. What each line is made of is worked out once for a
layout.

It stands on the inside of Textual (``Compositor._render_chops``), which is why Textual is pinned
exactly; a test holds its pictures to those of Textual's own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple, cast

from rich.console import Console
from textual._compositor import ChopsUpdate, Compositor
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget


class Part(NamedTuple):
    """What one widget has in one line of the screen.

    Attributes:
        x, y: the first of its own cells that are asked for, and its own line.
        width: how many cells are asked for.
        cuts: where what it renders is to be cut, in cells from ``x``.
        cells: for each piece that nothing in front covers, its number and its cell on the screen.
        first, end: its cells on the screen: the first, and one past the last.
    """

    widget: Widget
    x: int
    y: int
    width: int
    cuts: tuple[int, ...]
    cells: tuple[tuple[int, int], ...]
    first: int
    end: int


class LineUpdate(ChopsUpdate):
    """Textual's, with the cursor put by hand."""

    def render_segments(self, console: Console) -> str:
        """The changed cells with escape sequences; called by the app."""
        written: list[str] = []
        for y, x1, x2 in self.spans:
            for end, (x, strip) in zip(self.chop_ends[y], self.chops[y].items(), strict=False):
                if strip is None or x > x2 or end <= x1:
                    continue
                if not (x1 <= x < x2 and end <= x2):
                    strip = strip.crop(0, min(end, x2) - x)
                written.append(f"\x1b[{y + 1};{x + 1}H")
                written.append(strip.render(console))
        return "".join(written)


class LineCompositor(Compositor):
    """See the module's docstring."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: dict[int, tuple[Part, ...]] = {}
        self._parts_of: object = None
        self._cuts_of: object = None

    @property
    def cuts(self) -> list[list[int]]:
        """The cells of each line at which a widget begins or ends."""
        # Textual keeps them where it makes the map of widgets anew without a layout: between the
        # turn in which a widget was shown or hidden and the layout that follows.
        if self._cuts_of is not self.visible_widgets:
            self._cuts_of, self._cuts = self.visible_widgets, None
        return super().cuts

    def render_partial_update(self) -> ChopsUpdate | None:
        """What has changed; None where nothing has. Called by Textual."""
        changed = self._dirty_regions
        if not changed:
            return None
        self._dirty_regions = set()
        spans = list(self._regions_to_spans(changed))
        columns: dict[int, tuple[int, int]] = {}
        for y, x1, x2 in spans:
            left, right = columns.get(y, (x1, x2))
            columns[y] = (min(left, x1), max(right, x2))
        # Taken once: a widget that asks, while it is drawn, where it stands has the map of widgets
        # made anew, and with it the cuts, where a layout is to follow.
        cuts = self.cuts
        chops = self._render_lines(cuts, columns)
        return LineUpdate(chops, spans, [line[1:] for line in cuts])

    def _render_chops(
        self, crop: Region, is_rendered_line: Callable[[int], bool]
    ) -> Sequence[Mapping[int, Strip]]:
        """Whole lines as strips by the cell in which they begin; lines that are not asked for stay
        empty. Called by Textual where all of the screen is drawn."""
        cuts = self.cuts
        lines = [y for y in crop.line_range if is_rendered_line(y) and y < len(cuts)]
        chops = self._render_lines(cuts, dict.fromkeys(lines, (0, self.size.width)))
        for y in lines:
            # A widget that has not been told of its size yet leaves cells empty.
            for cell, end in pairwise(cuts[y]):
                if chops[y][cell] is None:
                    chops[y][cell] = Strip.blank(end - cell)
        return cast("Sequence[Mapping[int, Strip]]", chops)

    def _render_lines(
        self, cuts: list[list[int]], columns: Mapping[int, tuple[int, int]]
    ) -> list[dict[int, Strip | None]]:
        """Some lines as strips by the cell in which they begin.

        Args:
            cuts: those of the layout that is drawn.
            columns: for each line that is asked for, which cells of it are: the first, and one past
                the last. What lies outside of them may be left out.
        """
        if self._parts_of is not cuts:
            self._parts, self._parts_of = {}, cuts
        chops: list[dict[int, Strip | None]] = [{} for _ in cuts]
        runs: dict[tuple[Widget, int, int, int], list[tuple[int, Part]]] = {}
        for y in sorted(columns):
            if not 0 <= y < len(cuts):
                continue
            chops[y] = dict.fromkeys(cuts[y][:-1])
            begin, end = columns[y]
            for part in self._parts_of_line(y):
                if part.first < end and part.end > begin:
                    # Neighbouring lines of a widget are asked for at once.
                    run = (part.widget, y - part.y, part.x, part.width)
                    runs.setdefault(run, []).append((y, part))
        for (widget, _, left, width), lines in runs.items():
            first = 0
            for at in range(1, len(lines) + 1):
                if at < len(lines) and lines[at][0] == lines[at - 1][0] + 1:
                    continue
                asked = Region(left, lines[first][1].y, width, at - first)
                for (y, part), whole in zip(
                    lines[first:at], widget.render_lines(asked), strict=False
                ):
                    if len(part.cuts) == 1 and whole.cell_length == part.width:
                        chops[y][part.cells[0][1]] = whole
                        continue
                    pieces = whole.divide(part.cuts)
                    for number, cell in part.cells:
                        if number < len(pieces):
                            chops[y][cell] = pieces[number]
                first = at
        return chops

    def _parts_of_line(self, y: int) -> tuple[Part, ...]:
        """What a line of the screen is made of."""
        known = self._parts.get(y)
        if known is not None:
            return known
        cuts = self.cuts[y]
        free = set(cuts[:-1])
        parts: list[Part] = []
        # From front to back: what is in front keeps its cells.
        for widget, (region, clip) in self.visible_widgets.items():
            shown = region.intersection(clip)
            if not shown.y <= y < shown.bottom:
                continue
            here = [cut for cut in cuts if shown.x <= cut <= shown.right]
            cells = [(number, cell) for number, cell in enumerate(here[:-1]) if cell in free]
            if cells:
                free.difference_update(cell for _, cell in cells)
                # What is covered to the right of the last of them is not asked for.
                ends = tuple(cut - shown.x for cut in here[1 : cells[-1][0] + 2])
                x, line = shown.x - region.x, y - region.y
                end = shown.x + ends[-1]
                parts.append(Part(widget, x, line, ends[-1], ends, tuple(cells), shown.x, end))
        found = self._parts[y] = tuple(parts)
        return found
