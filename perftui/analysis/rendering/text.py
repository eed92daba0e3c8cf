"""An answer as lines for a terminal, at any width, without needing colour.

Every line is safe to print. The role says what a line is, so that whoever prints it may colour it.
"""

from __future__ import annotations

import re
import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from enum import Enum

import msgspec

from perftui.analysis.columns import UNBOUNDED, ColumnSpec, place
from perftui.analysis.insights.answer import Answer, Coverage, NoteKind, Table, Trend, Unit
from perftui.analysis.rendering.cells import NUMERIC, histogram, moment_words, sparkline, words
from perftui.analysis.text import cell_width, counted, fit, format_count, sanitise

NATURAL_WIDTH = 200
"""What a text is laid out for where there is no terminal to fit into."""

SHORTEST_TEXT = 18
"""Cells below which a name says nothing."""

SHORTEST_ADDRESS = 32
"""The same of a URL or an endpoint."""

ADDRESS_KEYS = frozenset({"url", "endpoint", "name"})
"""Columns whose cells are URLs or endpoints."""

LONGEST_TEXT = 90
"""Cells beyond which a URL is cut in the middle."""

LONGEST_WORD = 60
"""The same in a sentence, so that no line breaks within one; the tables below name it whole."""

HISTOGRAM_ROWS = 4


class Role(Enum):
    """What a line is."""

    TITLE = "title"
    HEADLINE = "headline"
    HEADING = "heading"
    HEAD = "head"
    ROW = "row"
    CHART = "chart"
    NOTE = "note"
    BLANK = "blank"


class TextLine(msgspec.Struct, frozen=True):
    """A line, safe to print, and what it is."""

    text: str
    role: Role


GLYPHS = {
    NoteKind.UNKNOWN: "?",
    NoteKind.ASSUMPTION: "~",
    NoteKind.CAVEAT: "!",
    NoteKind.PARTIAL: "…",
}
ASCII_GLYPHS = GLYPHS | {NoteKind.PARTIAL: "..."}


def answer_lines(
    answer: Answer, *, width: int | None = None, ascii_only: bool = False
) -> list[TextLine]:
    """Lay an answer out.

    Args:
        width: cells; columns that do not fit are left out, the least important first. None takes
            as many as the content needs, up to :data:`NATURAL_WIDTH`.
        ascii_only: no block characters.
    """
    room = NATURAL_WIDTH if width is None else max(20, width)
    wrap = min(room, 110)
    lines: list[TextLine] = []
    lines += _wrapped(answer.asked, wrap, Role.TITLE)
    lines += _wrapped(answer.headline, wrap, Role.HEADLINE)
    lines += _wrapped(coverage_words(answer), wrap, Role.NOTE)
    for table in answer.tables:
        lines.append(TextLine("", Role.BLANK))
        lines += table_lines(table, room, ascii_only=ascii_only)
    for distribution in answer.distributions:
        lines.append(TextLine("", Role.BLANK))
        marks = "  ".join(
            f"{name} {words(value, distribution.unit)}" for name, value in distribution.marks
        )
        lines += _wrapped(f"{distribution.title}   {marks}".rstrip(), wrap, Role.HEADING)
        drawn, axis = histogram(distribution, HISTOGRAM_ROWS, ascii_only=ascii_only)
        lines += [TextLine(f"  {fit(line, room - 2).rstrip()}", Role.CHART) for line in drawn]
        lines.append(TextLine(f"  {fit(axis, room - 2).rstrip()}", Role.HEAD))
    for trend in answer.trends:
        lines.append(TextLine("", Role.BLANK))
        lines += _trend_lines(trend, room, ascii_only)
    if answer.notes:
        lines.append(TextLine("", Role.BLANK))
    for note in answer.notes:
        glyph = (ASCII_GLYPHS if ascii_only else GLYPHS)[note.kind]
        lines += _wrapped(f"{glyph} {note.text}", wrap, Role.NOTE, hanging="  ")
    return [_to_ascii(line) for line in lines] if ascii_only else lines


def _to_ascii(line: TextLine) -> TextLine:
    """The few characters of our own that are no ASCII, in ASCII."""
    if line.text.isascii():
        return line
    text = line.text
    for character, plain in (
        ("—", "-"),
        ("…", "~"),
        ("×", "x"),
        ("µ", "u"),
        ("≥", ">="),
        ("→", "->"),
    ):
        text = text.replace(character, plain)
    return TextLine(text, line.role)


def coverage_words(answer: Answer) -> str:
    """What an answer rests on, in a line; of a comparison, each of the two sides."""
    after = _coverage_words(answer.coverage)
    if answer.coverage_before is None:
        return f"from {after}"
    return f"before: {_coverage_words(answer.coverage_before)}; after: {after}"


def _coverage_words(coverage: Coverage) -> str:
    text = ", ".join(
        counted(count, name)
        for count, name in (
            (coverage.sessions, "session"),
            (coverage.page_views, "pageview"),
            (coverage.requests, "request"),
        )
    )
    if coverage.first_epoch_ms is None or coverage.last_epoch_ms is None:
        return text
    first, last = moment_words(coverage.first_epoch_ms), moment_words(coverage.last_epoch_ms)
    if first == last:
        return f"{text}, received {first} UTC"
    if first[:10] == last[:10]:
        return f"{text}, received {first} to {last[11:]} UTC"
    return f"{text}, received {first} to {last} UTC"


def _wrapped(text: str, width: int, role: Role, hanging: str = "") -> Iterator[TextLine]:
    longest = max(1, min(LONGEST_WORD, width - len(hanging)))
    words = [
        fit(word, longest, "middle") if cell_width(word) > longest else word
        for word in sanitise(text).split(" ")
    ]
    for line in textwrap.wrap(
        " ".join(words), width, subsequent_indent=hanging, break_on_hyphens=False
    ) or [""]:
        yield TextLine(line, role)


def table_lines(table: Table, width: int, *, ascii_only: bool = False) -> list[TextLine]:
    """A table with its heading, the names of its columns, and its rows."""
    shown = len(table.rows)
    remarks = [f"the first {shown} of {format_count(table.total)}"] if table.total > shown else []
    title = sanitise(table.shape.title)
    if not table.rows:
        return [
            TextLine(fit(title, width).rstrip(), Role.HEADING),
            TextLine("  nothing to show", Role.NOTE),
        ]
    columns = table.shape.columns
    cells = [
        [
            words(value, column.unit, ascii_only=ascii_only)
            for value, column in zip(row, columns, strict=True)
        ]
        for row in table.rows
    ]
    if width < NATURAL_WIDTH:
        for place_, column in enumerate(columns):
            if column.key in ADDRESS_KEYS and (host := _shorten_addresses(cells, place_)):
                remarks.append(f"paths without a host are of {sanitise(host)}")
    heading = f"{title}   ({'; '.join(remarks)})" if remarks else title
    lines = [TextLine(fit(heading, width).rstrip(), Role.HEADING)]
    specs = []
    for place_, column in enumerate(columns):
        if all(row[place_] in (None, ()) for row in table.rows) and column.importance < 100:
            # A column without a single known value says nothing that its absence does not.
            continue
        natural = max(cell_width(column.title), *(cell_width(row[place_]) for row in cells))
        is_text = column.unit is Unit.TEXT
        longest = min(natural, LONGEST_TEXT) if is_text else natural
        shortest = SHORTEST_ADDRESS if column.key in ADDRESS_KEYS else SHORTEST_TEXT
        specs.append(
            ColumnSpec(
                name=str(place_),
                title=column.title,
                minimum=min(longest, shortest) if is_text else natural,
                maximum=longest,
                importance=column.importance,
                stretch=1 if is_text and longest > shortest else 0,
                right=column.unit in NUMERIC,
            )
        )
    placed = place(specs, min(width, UNBOUNDED), indent=2)
    head = [_aligned(column.title, column.width, column.right, "end") for column in placed]
    lines.append(TextLine("  " + " ".join(head).rstrip(), Role.HEAD))
    for row in cells:
        drawn = [
            _aligned(row[int(column.name)], column.width, column.right, "middle")
            for column in placed
        ]
        lines.append(TextLine("  " + " ".join(drawn).rstrip(), Role.ROW))
    return lines


_ADDRESS = re.compile(
    r"((?:[A-Z]+ )?)(?:https?://)?"
    r"((?:\[[0-9a-f:.]+\]|[\w-]+(?:\.[\w-]+)+|localhost)(?::\d+)?)(/.*)",
    re.DOTALL,
)
"""``method``, authority and path of a URL or of an endpoint."""


def _shorten_addresses(cells: list[list[str]], place_: int) -> str | None:
    """Leave the scheme out of the URLs of a column, and the authority that most of them have.

    Returns:
        That authority; None where no two rows share one.
    """
    found = [_ADDRESS.fullmatch(row[place_]) for row in cells]
    counts = Counter(match[2] for match in found if match)
    common, count = counts.most_common(1)[0] if counts else ("", 0)
    if count < 2:
        return None
    for row, match in zip(cells, found, strict=True):
        if match:
            host = "" if match[2] == common else match[2]
            row[place_] = f"{match[1]}{host}{match[3]}"
    return common


def _aligned(text: str, width: int, right: bool, where: str) -> str:
    if right and (length := cell_width(text)) < width:
        return " " * (width - length) + text
    return fit(text, width, where)


def _trend_lines(trend: Trend, width: int, ascii_only: bool) -> Iterator[TextLine]:
    yield from _wrapped(trend.title, min(width, 110), Role.HEADING)
    drawn = sparkline(trend.medians, ascii_only=ascii_only)
    yield TextLine(f"  {fit(drawn, width - 2).rstrip()}", Role.CHART)
    known = [value for value in trend.medians if value is not None]
    if known and trend.labels:
        text = (
            f"{trend.labels[0]} to {trend.labels[-1]}: median {words(min(known), trend.unit)}"
            f" to {words(max(known), trend.unit)}"
        )
        if trend.since is not None and trend.since < len(trend.labels):
            text += f"; the change is at {trend.labels[trend.since]}"
        yield TextLine(f"  {fit(text, width - 2).rstrip()}", Role.HEAD)


def plain_text(lines: Sequence[TextLine]) -> str:
    """The lines as one text."""
    return "\n".join(line.text for line in lines) + "\n"
