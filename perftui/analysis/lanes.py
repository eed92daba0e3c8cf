"""What runs below a waterfall, cell by cell: the main thread, requests in flight, bytes, input and
shifts; and any counts as the heights of block characters.

Times are µs on the timeline of the view, as in ``waterfall``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from perftui.analysis.phases import PhaseName, phases, request_end_us
from perftui.analysis.waterfall import Viewport
from perftui.model import Record

TASK_LEVELS: tuple[tuple[int, int], ...] = ((100_000, 3), (150_000, 6))
"""Height of a main thread task by its duration in µs: below the first limit, below the second;
longer ones are full. Steps of 50 ms, as in RAIL (https://web.dev/articles/rail)."""


class Moment(msgspec.Struct, frozen=True):
    """Something without length in a lane: its cell, its moment, a few words, the entry."""

    cell: int
    at_us: int
    label: str
    seq: int


class Lanes(msgspec.Struct, frozen=True, kw_only=True):
    """The lanes of a viewport; every list has one value per cell.

    Attributes:
        main_thread: duration of the longest task that touches the cell, µs; 0 for none.
        in_flight: the most requests that were in flight at once within the cell.
        received_bytes: transferred bytes that arrived within the cell; those of requests whose
            size is not known are not among them.
        unknown_size_count: requests in view whose size is not known.
        inputs, shifts: in order of time.
    """

    main_thread: list[int]
    in_flight: list[int]
    received_bytes: list[float]
    unknown_size_count: int
    inputs: tuple[Moment, ...]
    shifts: tuple[Moment, ...]


def lanes(records: Iterable[Record], viewport: Viewport, base_us: int) -> Lanes:
    """Make the lanes of the entries of a pageview or a session.

    Args:
        base_us: µs since the epoch that the viewport's timeline counts from.
    """
    tasks: list[tuple[int, int]] = []
    requests: list[tuple[int, int]] = []
    arrivals: list[tuple[int, int, int]] = []
    inputs: list[Moment] = []
    shifts: list[Moment] = []
    unknown = 0
    for record in records:
        entry = record.entry
        offset = record.time_origin_us - base_us
        start = entry.start_us + offset
        if entry.is_request:
            end = request_end_us(entry)
            requests.append((start, viewport.end_us if end is None else end + offset))
            if entry.transfer_size is None:
                unknown += end is not None and end + offset >= viewport.start_us
            elif entry.transfer_size > 0 and end is not None:
                last = phases(entry)[-1]
                begin = last.start_us if last.name is PhaseName.RECEIVE else end
                arrivals.append((begin + offset, end + offset, entry.transfer_size))
        elif entry.entry_type == "longtask" and entry.duration_us is not None:
            tasks.append((start, start + entry.duration_us))
        elif entry.entry_type == "action" or (entry.entry_type == "first-input"):
            selector = entry.extra.get("selector")
            words = f"{entry.name} {selector}" if isinstance(selector, str) else entry.name
            if viewport.start_us <= start < viewport.end_us:
                inputs.append(Moment(viewport.cell(start), start, words, record.seq))
        elif entry.entry_type == "layout-shift" and viewport.start_us <= start < viewport.end_us:
            value = entry.extra.get("value")
            words = f"{value:.3f}" if isinstance(value, int | float) else ""
            shifts.append(Moment(viewport.cell(start), start, words, record.seq))
    return Lanes(
        main_thread=longest(tasks, viewport),
        in_flight=concurrency(requests, viewport),
        received_bytes=spread(arrivals, viewport),
        unknown_size_count=unknown,
        inputs=tuple(sorted(inputs, key=_at)),
        shifts=tuple(sorted(shifts, key=_at)),
    )


def _at(moment: Moment) -> int:
    return moment.at_us


def longest(spans: Iterable[tuple[int, int]], viewport: Viewport) -> list[int]:
    """For each cell the duration of the longest span (start to end, excluded) that is in it, µs."""
    answer = [0] * viewport.width
    for start, end in spans:
        if end <= viewport.start_us or start >= viewport.end_us:
            continue
        first = viewport.cell(max(start, viewport.start_us))
        last = viewport.cell(min(end, viewport.end_us) - 1)
        for cell in range(first, last + 1):
            answer[cell] = max(answer[cell], end - start)
    return answer


def concurrency(spans: Iterable[tuple[int, int]], viewport: Viewport) -> list[int]:
    """For each cell the most spans (start to end, excluded) that are open at one moment within it.
    A span without length counts at its moment."""
    answer = [0] * viewport.width
    changes: list[tuple[int, int]] = []
    for start, end in spans:
        end = max(end, start + 1)
        if end <= viewport.start_us or start >= viewport.end_us:
            continue
        changes.append((max(start, viewport.start_us), 1))
        changes.append((end, -1))
    changes.sort()
    open_count = 0
    filled = 0
    for at, by in changes:
        last = at if by > 0 else at - 1
        cell = viewport.width if last >= viewport.end_us else viewport.cell(last)
        # Cells that begin before this change have had what was open until now.
        for number in range(filled, cell):
            answer[number] = max(answer[number], open_count)
        filled = max(filled, cell)
        if cell >= viewport.width:
            break
        if by > 0:
            open_count += 1
            answer[cell] = max(answer[cell], open_count)
        else:
            answer[cell] = max(answer[cell], open_count)
            open_count -= 1
    for number in range(filled, viewport.width):
        answer[number] = max(answer[number], open_count)
    return answer


def spread(arrivals: Iterable[tuple[int, int, int]], viewport: Viewport) -> list[float]:
    """For each cell what arrived in it: each amount (start, end, amount) spread evenly over its
    time; one without length falls into one cell."""
    answer = [0.0] * viewport.width
    per_cell = viewport.duration_us / max(1, viewport.width)
    for start, end, amount in arrivals:
        if end < viewport.start_us or start >= viewport.end_us:
            continue
        if end <= start:
            answer[min(viewport.width - 1, viewport.cell(start))] += amount
            continue
        rate = amount / (end - start)
        first = max(0, viewport.cell(max(start, viewport.start_us)))
        last = min(viewport.width - 1, viewport.cell(min(end, viewport.end_us)))
        for cell in range(first, last + 1):
            left = viewport.start_us + cell * per_cell
            overlap = min(end, left + per_cell) - max(start, left)
            if overlap > 0:
                answer[cell] += rate * overlap
    return answer


def levels(values: Sequence[float], top: float | None = None) -> list[int]:
    """Values as heights of 0 to 8 eighths; what is more than nothing has at least one.

    Args:
        top: the value of a full block; the largest one by default.
    """
    highest = max(values, default=0) if top is None else top
    if highest <= 0:
        return [0] * len(values)
    return [0 if value <= 0 else min(8, max(1, round(8 * value / highest))) for value in values]


def task_level(duration_us: int) -> int:
    """The height (eighths) of a main thread task by its duration, µs; 0 for none."""
    if duration_us <= 0:
        return 0
    for limit, height in TASK_LEVELS:
        if duration_us < limit:
            return height
    return 8
