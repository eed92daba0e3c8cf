"""Sessions laid over each other as plain lines: what ``perftui overlay`` prints.

Every string from outside goes through ``text.fit``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from perftui.analysis.ascii_text import to_ascii
from perftui.analysis.overlay import (
    MARK_KINDS,
    MOST_SHOWN,
    Lane,
    Overlay,
    SlotQuartiles,
    levels_of,
)
from perftui.analysis.text import cell_width, fit, format_count, format_duration
from perftui.analysis.waterfall import Viewport, ticks

MINIMUM_WIDTH = 60
LEVELS = "·▁▂▃▄▅▆▇█"
"""Nothing in flight, then eighths of the full height."""

ASCII_LEVELS = ".:-=+*%#@"
MARK_GLYPHS: Mapping[str, str] = {"error": "✖", "slow": "▲", "lcp": "◆", "pageview": "│"}
LEGEND = "│ pageview  ◆ LCP  ▲ slow  ✖ error  · idle  blank: ended"


def columns(width: int) -> tuple[int, int, int]:
    """Cells of the name, of the band of slots, and of the figures; a space stands between."""
    width = max(MINIMUM_WIDTH, width)
    name = 24 if width >= 110 else 15
    figures = 32 if width >= 110 else 14
    return name, width - name - figures - 2, figures


def figures(lane: Lane, width: int) -> str:
    """What a session comes to, as much of it as there is room for."""
    track = lane.track
    parts = [
        format_duration(track.duration_us),
        f"peak {format_count(lane.peak)}",
        f"{format_count(len(track.starts))} req.",
        f"{format_count(lane.counts['error'])} err.",
    ]
    while len(parts) > 1 and cell_width("  ".join(parts)) > width:
        parts.pop()
    return "  ".join(parts)


def heading(told: Overlay) -> str:
    """What is shown, in words."""
    count = len(told.lanes)
    shown = f"{min(MOST_SHOWN, count)} of {count}" if count > MOST_SHOWN else f"{count}"
    return f"{shown} sessions; full height: {format_count(told.peak)} requests in flight"


def overlay_lines(told: Overlay, *, width: int, ascii_only: bool = False) -> list[str]:
    """The sessions, two lines each: requests in flight, and marks; then the quartiles.

    Args:
        told: with as many slots as :func:`columns` gives the band.
    """
    name_cells, band, figure_cells = columns(width)
    glyphs = ASCII_LEVELS if ascii_only else LEVELS
    blank = " " * (name_cells + 1)

    def ours(text: str) -> str:
        return to_ascii(text) if ascii_only else text

    def heights(values: Sequence[float | None]) -> str:
        return "".join(
            " " if level is None else glyphs[level]
            for level in levels_of(values, len(glyphs) - 1, told.peak)
        )

    axis = [" "] * band
    for tick in ticks(Viewport(0, max(1, told.duration_us), band)):
        axis[tick.cell : tick.cell + len(tick.label)] = tick.label
    lines = [ours(heading(told)), ours(blank + "".join(axis))]
    for lane in told.lanes[:MOST_SHOWN]:
        name = to_ascii(lane.name) if ascii_only else lane.name
        name = ours(fit(name, name_cells, "middle"))
        right = figures(lane, figure_cells)
        marks = [" "] * band
        for slot, mark in lane.marks.items():
            marks[slot] = MARK_GLYPHS[mark.kind]
        lines += [
            f"{name} {heights(lane.in_flight)} {right}",
            ours(blank + "".join(marks)),
        ]
    for row in quartile_rows(told):
        lines.append(f"{fit(row.words, name_cells)} {heights(row.values)} {row.figures}")
    lines.append(ours(LEGEND))
    if (left_out := len(told.lanes) - MOST_SHOWN) > 0:
        lines.append(f"{left_out} more have no row, but count in the median (--json: all)")
    return [line.rstrip() for line in lines]


class QuartileRow(NamedTuple):
    """A row of all sessions.

    Attributes:
        values: requests in flight in each slot; None where no session has come that far.
    """

    words: str
    values: tuple[float | None, ...]

    @property
    def figures(self) -> str:
        """What it comes to."""
        return f"peak {max((one for one in self.values if one is not None), default=0):.4g}"


def quartile_rows(told: Overlay) -> list[QuartileRow]:
    """The rows below the sessions."""
    rows: tuple[tuple[str, Callable[[SlotQuartiles], float]], ...] = (
        ("p75 of all", lambda slot: slot.p75),
        ("median of all", lambda slot: slot.median),
        ("p25 of all", lambda slot: slot.p25),
    )
    return [
        QuartileRow(
            words, tuple([None if slot is None else value(slot) for slot in told.quartiles])
        )
        for words, value in rows
    ]


def overlay_documents(told: Overlay) -> list[dict[str, Any]]:
    """The same as JSON values: an object for each session, then one of all."""
    slot_ms = told.duration_us / 1000 / (len(told.borders) - 1)
    found: list[dict[str, Any]] = [
        {
            "session_id": lane.track.summary.session_id,
            "label": lane.track.summary.label,
            "duration_ms": lane.track.duration_us / 1000,
            "requests": len(lane.track.starts),
            "peak": lane.peak,
            "slot_ms": slot_ms,
            "in_flight": list(lane.in_flight),
            "marks": [
                {"at_ms": mark.at_us / 1000, "kind": mark.kind}
                for mark in sorted(
                    lane.track.marks, key=lambda mark: (mark.at_us, MARK_KINDS.index(mark.kind))
                )
            ],
        }
        for lane in told.lanes
    ]
    slots = told.quartiles
    found.append(
        {
            "sessions": len(told.lanes),
            "duration_ms": told.duration_us / 1000,
            "slot_ms": slot_ms,
            "sessions_per_slot": [0 if slot is None else slot.sessions for slot in slots],
            "p25": [None if slot is None else slot.p25 for slot in slots],
            "p50": [None if slot is None else slot.median for slot in slots],
            "p75": [None if slot is None else slot.p75 for slot in slots],
        }
    )
    return found
