"""The stretch of time that the chart of a scrolling list covers: what is in view, but calm.

Times are µs since whatever the caller counts from.
"""

from __future__ import annotations

from collections.abc import Sequence

_STEPS = (1, 2, 5)

LEAST_US = 100_000
"""A window is never shorter: below this, bars of different length look alike in importance."""


def nice_step(span_us: int, most: int) -> int:
    """The smallest step (1, 2 or 5 times a power of ten µs) of which ``most`` cover the span."""
    step = 1
    while True:
        for factor in _STEPS:
            if span_us <= most * step * factor:
                return step * factor
        step *= 10


def calm_window(
    first_us: int, last_us: int, before: tuple[int, int] | None = None
) -> tuple[int, int]:
    """A window around what is in view: it begins and ends at round moments, and stays as it was
    while what is in view fits into it and takes two fifths of it or more. Where that
    goes beyond it, the next one leaves a quarter of what is in view free on that side, so that to
    scroll on does not move it every few rows.

    Args:
        first_us, last_us: the first start and the last end in view.
        before: the window so far.

    Returns:
        Its start and end. ``first_us`` and ``last_us`` are within.
    """
    span = max(last_us - first_us, LEAST_US)
    behind = ahead = 0
    if before is not None:
        start, end = before
        if start <= first_us and last_us <= end and span * 5 >= (end - start) * 2:
            return before
        behind = span // 4 if first_us < start else 0
        ahead = span // 4 if last_us > end else 0
    step = nice_step(span, 5)
    start = (first_us - behind) // step * step
    end = -(-max(last_us + ahead, start + LEAST_US) // step) * step
    return start, max(end, start + step)


STREAM_US = 30_000_000
"""What stays open longer is a stream; its end would squeeze everything else to nothing."""


def extent(
    starts: Sequence[int], ends: Sequence[int], now_us: int | None = None
) -> tuple[int, int] | None:
    """The first start and the last end of some rows; None without rows.

    Args:
        starts, ends: of the rows, µs; an end may be :data:`perftui.model.IN_FLIGHT`.
        now_us: the playhead: what is in flight reaches to it.
    """
    if not starts:
        return None
    last = max(starts)
    for start, end in zip(starts, ends, strict=True):
        if now_us is not None and end > now_us:
            end = max(start, now_us)
        if end - start <= STREAM_US and end > last:
            last = end
    return min(starts), last
