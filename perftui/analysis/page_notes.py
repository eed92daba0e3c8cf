"""What is worth knowing of the requests of a pageview, in one line: each kind of finding with the
numbers of its rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from perftui.analysis.severity import GLYPHS, Level
from perftui.analysis.text import format_duration
from perftui.analysis.waterfall_list import WaterfallRow

DUPLICATE_GLYPH = "≡"

NUMBERS = 3
"""Rows named by their number; of more the count is told."""


class PageNote(NamedTuple):
    """One finding.

    Attributes:
        glyph: one cell, as in the rows.
        level: how bad it is.
        row_count: rows that it is about.
        rows: some of them by their numbers: ``#2 #3 #4 +1``.
        kind: what they have in common, in a word.
        words: the same in a few words more, to stand after ``rows``.
    """

    glyph: str
    level: Level
    row_count: int
    rows: str
    kind: str
    words: str


def page_notes(rows: Iterable[WaterfallRow]) -> list[PageNote]:
    """The findings of the requests, the worst first."""
    listed = [row for row in rows if row.record is not None]
    found: list[PageNote] = []
    failed = _with(listed, "status-error", "failed", "blocked", "aborted")
    if failed:
        found.append(_note(GLYPHS["failed"], Level.ERROR, failed, "failed"))
    numbers = {row.number for row in failed}
    slow = [
        row
        for row in listed
        if row.severity is not None and row.severity.is_slow and row.number not in numbers
    ]
    if slow:
        level = max([row.severity.level for row in slow if row.severity], default=Level.SLOW)
        slow.sort(key=lambda row: -(row.duration_us or 0))
        found.append(_note(GLYPHS["slow-api"], level, slow, "slow", "slow or large"))
    same = [row for row in listed if row.duplicate]
    if same:
        found.append(_note(DUPLICATE_GLYPH, Level.NOTE, same, "alike", "are the same again"))
    blocking = _with(listed, "render-blocking")
    if blocking:
        until = format_duration(max([row.start_us + (row.duration_us or 0) for row in blocking]))
        words = f"block until {until}"
        found.append(_note(GLYPHS["render-blocking"], Level.NOTE, blocking, "blocking", words))
    opaque = _with(listed, "opaque")
    if opaque:
        found.append(_note(GLYPHS["opaque"], Level.NOTE, opaque, "withheld"))
    return found


def _note(
    glyph: str, level: Level, rows: Sequence[WaterfallRow], kind: str, words: str = ""
) -> PageNote:
    named = " ".join([f"#{row.number}" for row in rows[:NUMBERS]])
    if len(rows) > NUMBERS:
        named += f" +{len(rows) - NUMBERS}"
    return PageNote(glyph, level, len(rows), named, kind, words or kind)


def _with(rows: Iterable[WaterfallRow], *codes: str) -> list[WaterfallRow]:
    return [
        row
        for row in rows
        if row.severity is not None and any(reason.code in codes for reason in row.severity.reasons)
    ]
