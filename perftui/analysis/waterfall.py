"""Waterfall geometry: moments to eighths of a terminal cell. No colour, no characters of a bar.

One cell can show one boundary, by an eighth block: what is left of it in the foreground, what is
right of it in the background. :func:`layout` places an entry exactly, in eighths;
:func:`cells` says what each cell of a row can show of it.

Times are µs on the timeline of the view (of a session or a pageview): ``offset_us`` is what must
be added to an entry's own times (from its document's time origin) to get there.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import NamedTuple

from perftui.analysis.phases import Phase, PhaseName, phases, request_end_us
from perftui.model import Entry

EIGHTHS = 8
"""Parts of a cell that block characters can tell apart."""


class Viewport(NamedTuple):
    """The stretch of time that a row shows: ``start_us`` to ``end_us`` over ``width`` cells."""

    start_us: int
    end_us: int
    width: int

    @property
    def duration_us(self) -> int:
        """How much time it shows; at least 1 µs."""
        return max(1, self.end_us - self.start_us)

    @property
    def eighths(self) -> int:
        """Eighths of a cell in a row."""
        return self.width * EIGHTHS

    def eighth(self, at_us: int) -> int:
        """Where a moment is, in eighths from the left edge, to the nearest; may lie outside."""
        duration = self.duration_us
        return (2 * (at_us - self.start_us) * self.width * EIGHTHS + duration) // (2 * duration)

    def cell(self, at_us: int) -> int:
        """The cell in which a moment lies; may lie outside. The view's own end is in the last."""
        if at_us == self.end_us:
            return self.width - 1
        return (at_us - self.start_us) * self.width // self.duration_us

    def moment(self, cell: float) -> int:
        """The moment at a cell's left edge (or any place in between)."""
        return self.start_us + round(cell * self.duration_us / max(1, self.width))

    def zoom(self, factor: float, around_us: int | None = None) -> Viewport:
        """Show ``1 / factor`` of the time, with ``around_us`` (the middle by default) staying
        where it is. Never less than 8 µs (the eighths of one cell), never more than 2⁵⁰ µs."""
        around = (self.start_us + self.end_us) // 2 if around_us is None else around_us
        duration = min(max(8, round(self.duration_us / factor)), 2**50)
        left = (around - self.start_us) / self.duration_us
        start = around - round(left * duration)
        return Viewport(start, start + duration, self.width)

    def pan(self, cells: float) -> Viewport:
        """Move by so many cells, to the right where positive."""
        by = round(cells * self.duration_us / max(1, self.width))
        return Viewport(self.start_us + by, self.end_us + by, self.width)


def fit_viewport(start_us: int, end_us: int, width: int, margin: float = 0.02) -> Viewport:
    """A viewport that shows all from ``start_us`` to ``end_us``, with a little room at the end."""
    duration = max(1_000, end_us - start_us)
    return Viewport(start_us, start_us + duration + round(duration * margin), width)


class Span(NamedTuple):
    """One phase in a row: the eighths ``start`` (included) to ``end`` (excluded)."""

    start: int
    end: int
    name: PhaseName


class Bar(NamedTuple):
    """An entry in its row.

    Attributes:
        spans: ordered, adjoining, inside the row; one eighth in all at least.
        growing: it was in flight at the playhead: the bar ends there.
        cut_left, cut_right: it goes on beyond the edge.
    """

    spans: tuple[Span, ...]
    growing: bool = False
    cut_left: bool = False
    cut_right: bool = False

    @property
    def start(self) -> int:
        """The first eighth."""
        return self.spans[0].start

    @property
    def end(self) -> int:
        """The eighth after the last."""
        return self.spans[-1].end


def layout(
    entry: Entry, viewport: Viewport, offset_us: int = 0, now_us: int | None = None
) -> Bar | None:
    """Place an entry in a row.

    Args:
        offset_us: added to the entry's times to get to the viewport's timeline.
        now_us: the playhead, on that timeline: what ends later (or has not ended) is drawn up to
            it; what starts later is not drawn. None draws everything whole, and what has not
            ended up to the last moment that is known.

    Returns:
        None where nothing of it is to be seen.
    """
    if now_us is None:
        found = phases(entry)
        return place(found, viewport, offset_us, growing=entry.duration_us is None)
    until = now_us - offset_us
    if entry.start_us > until:
        return None
    end = request_end_us(entry)
    growing = end is None or end > until
    found = phases(entry, until)
    if growing:
        found = clip(found, until)
    return place(found, viewport, offset_us, growing=growing)


def clip(found: tuple[Phase, ...], until_us: int) -> tuple[Phase, ...]:
    """Phases up to a moment. The first phase always stays, if without length."""
    if found[-1].end_us <= until_us:
        return found
    kept = [phase for phase in found if phase.start_us < until_us] or [found[0]]
    name, start, end = kept[-1]
    kept[-1] = Phase(name, start, max(start, min(end, until_us)))
    return tuple(kept)


def place(
    found: Sequence[Phase], viewport: Viewport, offset_us: int = 0, *, growing: bool = False
) -> Bar | None:
    """Place phases (adjoining, in order) in a row; None where they lie outside of it."""
    view_start, view_end, width = viewport
    if width <= 0 or not found:
        return None
    start_us = found[0].start_us + offset_us
    end_us = found[-1].end_us + offset_us
    if start_us >= view_end or end_us < view_start or (end_us == view_start and end_us > start_us):
        return None
    total = width * EIGHTHS
    duration = view_end - view_start
    if duration < 1:
        duration = 1
    double = 2 * duration
    scale = 2 * total
    spans: list[Span] = []
    at = ((start_us - view_start) * scale + duration) // double
    if at < 0:
        at = 0
    elif at >= total:
        at = total - 1
    base = offset_us - view_start
    for name, _, phase_end in found:
        edge = ((phase_end + base) * scale + duration) // double
        if edge > total:
            edge = total
        if edge > at:
            spans.append(Span(at, edge, name))
            at = edge
    if not spans:
        longest = max(found, key=_length)
        spans.append(Span(at, at + 1, longest.name))
    return Bar(tuple(spans), growing, start_us < view_start, end_us > view_end)


def _length(phase: Phase) -> int:
    return phase.end_us - phase.start_us


class Cell(NamedTuple):
    """What one cell shows: ``left`` fills ``eighths`` of it from the left edge, ``right`` the
    rest. None is nothing. A cell of one kind has it in ``left`` and 8 eighths."""

    left: PhaseName | None
    eighths: int
    right: PhaseName | None


BLANK = Cell(None, EIGHTHS, None)
_FULL = {name: Cell(name, EIGHTHS, None) for name in PhaseName}


class Run(NamedTuple):
    """``length`` cells that show the same."""

    cell: Cell
    length: int


def runs(spans: Sequence[Span], width: int) -> list[tuple[int, Run]]:
    """What the row's cells show of the spans, equal neighbours taken together, each run with its
    first cell: what a painter makes one segment of. Blank cells are left out.

    Where a cell holds more than the one boundary that it can show, the edges of the bar win over
    a boundary inside it, the longer phase over the shorter one, and whatever is there over
    nothing: no bar vanishes. A bar that begins and ends within one cell is drawn from the nearer
    of the cell's edges, in its true width.
    """
    parts: list[tuple[int, Run]] = []
    mixed: dict[int, list[tuple[int, int, PhaseName]]] = {}
    for start, end, name in spans:
        first, first_left = divmod(start, EIGHTHS)
        last, last_left = divmod(end, EIGHTHS)
        if first == last:
            mixed.setdefault(first, []).append((first_left, last_left, name))
            continue
        if first_left:
            mixed.setdefault(first, []).append((first_left, EIGHTHS, name))
            first += 1
        if last > first:
            parts.append((first, Run(_FULL[name], last - first)))
        if last_left:
            mixed.setdefault(last, []).append((0, last_left, name))
    parts += [(at, Run(_resolve(inside), 1)) for at, inside in mixed.items() if at < width]
    parts.sort(key=_FIRST)
    found: list[tuple[int, Run]] = []
    end, before = -1, None
    for at, run in parts:
        cell, length = run
        if at == end and cell == before:
            first, (_, count) = found[-1]
            found[-1] = (first, Run(cell, count + length))
        else:
            found.append((at, run))
        end, before = at + length, cell
    return found


_FIRST = itemgetter(0)


def cells(spans: Sequence[Span], width: int) -> list[Cell]:
    """What each of the row's cells shows of the spans; see :func:`runs`."""
    row = [BLANK] * width
    for at, (cell, length) in runs(spans, width):
        row[at : at + length] = [cell] * length
    return row


def _resolve(parts: list[tuple[int, int, PhaseName]]) -> Cell:
    """One cell from the parts of spans in it (left to right, not overlapping)."""
    start = parts[0][0]
    end = parts[-1][1]
    if len(parts) == 2 and start == 0 and end == EIGHTHS and parts[0][1] == parts[1][0]:
        return Cell(parts[0][2], parts[0][1], parts[1][2])
    if len(parts) == 1:
        name = parts[0][2]
    else:
        lengths: dict[PhaseName, int] = {}
        for part_start, part_end, part_name in parts:
            lengths[part_name] = lengths.get(part_name, 0) + part_end - part_start
        name = max(lengths, key=lengths.__getitem__)
        if start == 0 and end == EIGHTHS:
            # Three or more phases: the two longest, divided in proportion, in their order.
            kept = sorted(lengths, key=lengths.__getitem__, reverse=True)[:2]
            if len(kept) == 1:
                return _FULL[name]
            left, right = [part for part in lengths if part in kept]
            share = round(EIGHTHS * lengths[left] / (lengths[left] + lengths[right]))
            return Cell(left, min(max(1, share), EIGHTHS - 1), right)
    if start == 0:
        return Cell(name, end, None) if end < EIGHTHS else _FULL[name]
    if end == EIGHTHS:
        return Cell(None, start, name)
    if start <= EIGHTHS - end:
        return Cell(name, end - start, None)
    return Cell(None, EIGHTHS - (end - start), name)


class Whisker(NamedTuple):
    """Where the middle half of an aggregated resource's starts and ends lie, in eighths, inside
    the row: p25 to p75 of the start, p25 to p75 of the end."""

    start_low: int
    start_high: int
    end_low: int
    end_high: int


def place_whisker(
    start_low_us: int, start_high_us: int, end_low_us: int, end_high_us: int, viewport: Viewport
) -> Whisker | None:
    """Place the quartiles of an aggregated resource; None where all of them lie outside."""
    if end_high_us < viewport.start_us or start_low_us >= viewport.end_us or viewport.width <= 0:
        return None
    total = viewport.eighths
    low, high, end_low, end_high = (
        min(max(0, viewport.eighth(moment)), total)
        for moment in (start_low_us, start_high_us, end_low_us, end_high_us)
    )
    return Whisker(low, max(low, high), end_low, max(end_low, end_high))


class Tick(NamedTuple):
    """One label of the axis: the cell it stands in, its moment and its text (with the mark)."""

    cell: int
    at_us: int
    label: str


TICK_MARK = "╵"

_STEPS = (
    *[base * 10**power for power in range(7) for base in (1, 2, 5)],
    10_000_000,
    20_000_000,
    30_000_000,
    *[minutes * 60_000_000 for minutes in (1, 2, 5, 10, 15, 30, 60, 120, 360, 720, 1440)],
)
"""Steps that people read at a glance: 1, 2, 5 up to 20 s, then parts of a minute and an hour."""


def ticks(viewport: Viewport, origin_us: int = 0, minimum_gap: int = 8) -> tuple[Tick, ...]:
    """The labels of the axis: on round moments, none overlapping the next or the row's end.

    Args:
        origin_us: the moment that the labels count from.
        minimum_gap: cells from one label to the next, at least.
    """
    if viewport.width <= 0:
        return ()
    for step in _STEPS:
        if step * viewport.width < minimum_gap * viewport.duration_us:
            continue
        first = -(-(viewport.start_us - origin_us) // step) * step + origin_us
        found: list[Tick] = []
        fits = True
        for at in range(first, viewport.end_us + 1, step):
            text = TICK_MARK + axis_label(at - origin_us, step)
            cell = viewport.cell(at)
            if found and cell < found[-1].cell + len(found[-1].label) + 1:
                fits = False
                break
            if cell + len(text) <= viewport.width:
                found.append(Tick(cell, at, text))
        if fits:
            return tuple(found)
    return ()


def axis_label(us: int, step_us: int) -> str:
    """A moment on the axis, as exact as the steps between the labels: ``0.4s``, ``250ms``,
    ``1:30``."""
    if step_us < 1000 and us % 1000:
        return f"{us}µs" if abs(us) < 1000 else f"{us / 1000:g}ms"
    if step_us >= 30_000_000 or abs(us) >= 60_000_000:
        sign, rest = ("-", -us) if us < 0 else ("", us)
        seconds = rest / 1_000_000
        hours, minutes = int(seconds // 3600), int(seconds // 60 % 60)
        left = f"{seconds % 60:04.1f}" if step_us < 1_000_000 else f"{int(seconds % 60):02}"
        return f"{sign}{hours}:{minutes:02}:{left}" if hours else f"{sign}{minutes}:{left}"
    if step_us < 100_000 and us and abs(us) < 1_000_000:
        return f"{us / 1000:g}ms"
    return f"{us / 1_000_000:g}s"
