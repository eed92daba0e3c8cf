"""The nine questions in one place: what answers each, and the declarations of its tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from perftui.analysis.insights import causes, change, loading, moment, weight
from perftui.analysis.insights.answer import Answer, Question, Shape
from perftui.analysis.insights.study import Study

ANSWERS: Mapping[Question, Callable[[Study], Answer]] = {
    Question.ASSETS: loading.assets,
    Question.API: loading.api,
    Question.THIRD_PARTY: weight.third_party,
    Question.SIZE: weight.size,
    Question.COMPRESSION: weight.compression,
    Question.CHANGE: change.change,
    Question.FACTORS: causes.factors,
    Question.EVENTS: causes.events,
}
"""All but the moment, which needs one; ``change`` takes a baseline as well."""

SHAPES: Mapping[str, tuple[Shape, ...]] = {
    question.value: shapes
    for part in (loading.SHAPES, weight.SHAPES, change.SHAPES, causes.SHAPES, moment.SHAPES)
    for question, shapes in part.items()
} | {"compare": change.COMPARE_SHAPES}
"""Question -> the tables of its answer, for the JSON schema and the documentation."""
