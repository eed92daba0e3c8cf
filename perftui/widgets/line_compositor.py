"""Puts a screen together line by line.

Textual's compositor renders every widget that the rectangle around all changes touches: where the
title and the bottom line have changed, that is the whole screen. This one asks a widget only for
the lines that have changed and that nothing in front of it covers, so that moving a cursor costs
two lines however much else there is to see.

It stands on the inside of Textual (``Compositor._render_chops``), which is why Textual is pinned
exactly; a test holds its pictures to those of Textual's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import cast

from textual._compositor import Compositor
from textual.geometry import Region
from textual.strip import Strip


class LineCompositor(Compositor):
    """See the module's docstring."""

    def _render_chops(
        self, crop: Region, is_rendered_line: Callable[[int], bool]
    ) -> Sequence[Mapping[int, Strip]]:
        """The lines of an update as strips by the cell in which they begin; lines that are not
        part of it stay empty."""
        cuts = self.cuts
        lines = [y for y in crop.line_range if is_rendered_line(y)]
        chops: list[dict[int, Strip | None]] = [{} for _ in cuts]
        for y in lines:
            chops[y] = dict.fromkeys(cuts[y][:-1])
        # From front to back: what is in front keeps its cells.
        for widget, (region, clip) in self.visible_widgets.items():
            shown = region.intersection(clip)
            x, right = shown.column_span
            top, bottom = shown.line_span
            wanted = [
                y
                for y in lines
                if top <= y < bottom
                and any(strip is None and x <= cell < right for cell, strip in chops[y].items())
            ]
            for first, count in _runs(wanted):
                part = Region(x - region.x, first - region.y, shown.width, count)
                for y, whole in enumerate(widget.render_lines(part), start=first):
                    line = chops[y]
                    here = [cut for cut in cuts[y] if x <= cut <= right]
                    pieces = whole.divide([cut - x for cut in here[1:]])
                    for cell, piece in zip(here, pieces, strict=False):
                        if line[cell] is None:
                            line[cell] = piece
        return cast("Sequence[Mapping[int, Strip]]", chops)


def _runs(lines: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Ascending numbers as the first and the count of each run without gaps."""
    first, count = 0, 0
    for line in lines:
        if count and line == first + count:
            count += 1
            continue
        if count:
            yield first, count
        first, count = line, 1
    if count:
        yield first, count
