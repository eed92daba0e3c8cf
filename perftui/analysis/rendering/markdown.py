"""An answer as Markdown (GitHub flavour): tables for a pull request, an issue, a wiki."""

from __future__ import annotations

from perftui.analysis.insights.answer import Answer, Table, Unit
from perftui.analysis.rendering.cells import NUMERIC, sparkline, words
from perftui.analysis.rendering.text import coverage_words
from perftui.analysis.text import format_count, sanitise

_SPECIAL = str.maketrans(
    {character: f"\\{character}" for character in "\\`*_{}[]<>()#|~!&$"}
    | {"\n": " ", "@": "@\u200b"}
)
"""What Markdown would act on. An @ would call a person by name; a zero-width space after it
prevents that."""


def answer_markdown(answer: Answer, *, level: int = 2) -> str:
    """Render an answer.

    Args:
        level: of its heading: 2 is ``##``.
    """
    mark = "#" * level
    parts = [
        f"{mark} {_escaped(answer.asked)}",
        f"**{_escaped(answer.headline)}**",
        f"_{_escaped(coverage_words(answer))}_",
    ]
    for table in answer.tables:
        parts.append(f"{mark}# {_escaped(table.shape.title)}")
        parts.append(_table(table) if table.rows else "_Nothing to show._")
        if table.total > len(table.rows):
            parts.append(f"_The first {len(table.rows)} of {format_count(table.total)}._")
    for distribution in answer.distributions:
        marks = ", ".join(
            f"{name} {words(value, distribution.unit)}" for name, value in distribution.marks
        )
        edges = distribution.edges
        parts.append(
            f"{_escaped(distribution.title)}: `{sparkline(distribution.counts)}`"
            f" from {words(edges[0], distribution.unit)} to {words(edges[-1], distribution.unit)}"
            + (f" ({marks})" if marks else "")
        )
    parts += [f"{_escaped(trend.title)}: `{sparkline(trend.medians)}`" for trend in answer.trends]
    if answer.notes:
        parts.append("\n".join(f"- {_escaped(note.text)}" for note in answer.notes))
    return "\n\n".join(parts) + "\n"


def _table(table: Table) -> str:
    columns = table.shape.columns
    lines = [
        "| " + " | ".join(_escaped(column.title) for column in columns) + " |",
        "|" + "|".join("---:" if column.unit in NUMERIC else "---" for column in columns) + "|",
    ]
    for row in table.rows:
        cells = []
        for value, column in zip(row, columns, strict=True):
            text = words(value, column.unit)
            cells.append(text if column.unit is Unit.SERIES else _escaped(text))
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _escaped(text: str) -> str:
    return sanitise(text).translate(_SPECIAL)
