"""The nine questions in one place: what answers each, and the declarations of its tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from perftui.analysis.insights import (
    change,
    compression,
    events,
    factors,
    loading,
    moment,
    size,
    third_party,
)
from perftui.analysis.insights.answer import Answer, Question, Shape
from perftui.analysis.insights.study import Study

ANSWERS: Mapping[Question, Callable[[Study], Answer]] = {
    Question.ASSETS: loading.assets,
    Question.API: loading.api,
    Question.THIRD_PARTY: third_party.third_party,
    Question.SIZE: size.size,
    Question.COMPRESSION: compression.compression,
    Question.CHANGE: change.change,
    Question.FACTORS: factors.factors,
    Question.EVENTS: events.events,
}
"""All but the moment, which needs one; ``change`` takes a baseline as well."""

SHAPES: Mapping[str, tuple[Shape, ...]] = {
    question.value: shapes
    for part in (loading, third_party, size, compression, change, factors, events, moment)
    for question, shapes in part.SHAPES.items()
} | {"compare": change.COMPARE_SHAPES}
"""Question -> the tables of its answer, for the JSON schema and the documentation."""
