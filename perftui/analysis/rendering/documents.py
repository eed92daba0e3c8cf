"""An answer as a JSON document, and the schema of such documents.

The documents are an interface: ``docs/questions.md`` lists their fields, made from the same
declarations (:func:`schema`), and a test validates real answers against the schema.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from perftui.analysis.insights.answer import Answer, Cause, Coverage, NoteKind, Shape, Unit

_TYPES: Mapping[Unit, dict[str, Any]] = {
    Unit.TEXT: {"type": ["string", "null"]},
    Unit.COUNT: {"type": ["number", "null"]},
    Unit.FLAG: {"type": ["boolean", "null"]},
    Unit.SERIES: {"type": "array", "items": {"type": ["number", "null"]}},
}

_NUMBER = {"type": ["number", "null"]}


def answer_document(answer: Answer) -> dict[str, Any]:
    """The answer as plain JSON values."""
    return {
        "question": answer.question,
        "asked": answer.asked,
        "headline": answer.headline,
        "cause": _cause(answer.cause),
        "complete": answer.complete,
        "coverage": _coverage(answer.coverage),
        "coverage_before": _coverage(answer.coverage_before),
        "unknown": dict(answer.unknown),
        "notes": [{"kind": note.kind.value, "text": note.text} for note in answer.notes],
        "tables": {table.shape.key: table.records() for table in answer.tables},
        "totals": {table.shape.key: table.total for table in answer.tables},
        "distributions": [
            {
                "key": each.key,
                "title": each.title,
                "unit": each.unit.value,
                "edges": list(each.edges),
                "counts": list(each.counts),
                "marks": dict(each.marks),
            }
            for each in answer.distributions
        ],
        "trends": [
            {
                "key": each.key,
                "title": each.title,
                "unit": each.unit.value,
                "labels": list(each.labels),
                "medians": list(each.medians),
                "p25": list(each.lows),
                "p75": list(each.highs),
                "counts": list(each.counts),
                "since": each.since,
            }
            for each in answer.trends
        ],
    }


def _coverage(coverage: Coverage | None) -> dict[str, Any] | None:
    if coverage is None:
        return None
    return {
        "sessions": coverage.sessions,
        "page_views": coverage.page_views,
        "entries": coverage.entries,
        "requests": coverage.requests,
        "first_epoch_ms": coverage.first_epoch_ms,
        "last_epoch_ms": coverage.last_epoch_ms,
    }


def _cause(cause: Cause | None) -> dict[str, Any] | None:
    if cause is None:
        return None
    return {
        "kind": cause.kind,
        "name": cause.name,
        "value": cause.value,
        "unit": cause.unit.value,
    }


def schema(shapes: Mapping[str, Sequence[Shape]]) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of the documents.

    Args:
        shapes: the name of each question with the tables that its answers may hold.
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "perftui report --json",
        "description": "An answer of perftui. Unknown is null. Times are milliseconds, sizes bytes.",
        "oneOf": [_answer_schema(question, tables) for question, tables in shapes.items()],
    }


def _answer_schema(question: str, shapes: Sequence[Shape]) -> dict[str, Any]:
    number_or_null = dict(_NUMBER)
    count = {"type": "integer", "minimum": 0}
    units = {"enum": [unit.value for unit in Unit]}
    coverage = _closed(
        {
            "sessions": count,
            "page_views": count,
            "entries": count,
            "requests": count,
            "first_epoch_ms": number_or_null,
            "last_epoch_ms": number_or_null,
        }
    )
    return _closed(
        {
            "question": {"const": question},
            "asked": {"type": "string", "description": "The question in words."},
            "headline": {"type": "string", "description": "The answer in a sentence."},
            "cause": {
                "description": "What the answer names first; null where there is nothing to name.",
                "oneOf": [
                    {"type": "null"},
                    _closed(
                        {
                            "kind": {"type": "string"},
                            "name": {"type": "string"},
                            "value": number_or_null,
                            "unit": units,
                        }
                    ),
                ],
            },
            "complete": {
                "type": "boolean",
                "description": "False while the rest is still being read.",
            },
            "coverage": coverage,
            "coverage_before": {
                "description": "Of a comparison, the side before; null of any other answer.",
                "oneOf": [{"type": "null"}, coverage],
            },
            "unknown": {
                "type": "object",
                "description": "How many lack a figure, by what is lacking.",
                "additionalProperties": count,
            },
            "notes": {
                "type": "array",
                "items": _closed(
                    {
                        "kind": {"enum": [kind.value for kind in NoteKind]},
                        "text": {"type": "string"},
                    }
                ),
            },
            "tables": _closed({shape.key: _table_schema(shape) for shape in shapes}),
            "totals": _closed({shape.key: count for shape in shapes}),
            "distributions": {
                "type": "array",
                "items": _closed(
                    {
                        "key": {"type": "string"},
                        "title": {"type": "string"},
                        "unit": units,
                        "edges": {"type": "array", "items": {"type": "number"}},
                        "counts": {"type": "array", "items": count},
                        "marks": {"type": "object", "additionalProperties": {"type": "number"}},
                    }
                ),
            },
            "trends": {
                "type": "array",
                "items": _closed(
                    {
                        "key": {"type": "string"},
                        "title": {"type": "string"},
                        "unit": units,
                        "labels": {"type": "array", "items": {"type": "string"}},
                        "medians": {"type": "array", "items": number_or_null},
                        "p25": {"type": "array", "items": number_or_null},
                        "p75": {"type": "array", "items": number_or_null},
                        "counts": {"type": "array", "items": count},
                        "since": {"type": ["integer", "null"]},
                    }
                ),
            },
        }
    )


def _table_schema(shape: Shape) -> dict[str, Any]:
    return {
        "type": "array",
        "title": shape.title,
        "description": shape.description,
        "items": _closed(
            {
                column.key: dict(_TYPES.get(column.unit, _NUMBER))
                | {"description": column.description}
                for column in shape.columns
            }
        ),
    }


def _closed(properties: dict[str, Any]) -> dict[str, Any]:
    """An object that has exactly these properties."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
