"""The nine questions in one place: who answers each in ClickHouse."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from perftui.analysis.insights.answer import Answer, Question
from perftui.export.questions.asking import Asking
from perftui.export.questions.change import change
from perftui.export.questions.compression import compression
from perftui.export.questions.events import events
from perftui.export.questions.loading import api, assets
from perftui.export.questions.size import size
from perftui.export.questions.third_party import third_party

_ANSWERS: Mapping[Question, Callable[[Asking], Answer]] = {
    Question.ASSETS: assets,
    Question.API: api,
    Question.THIRD_PARTY: third_party,
    Question.SIZE: size,
    Question.COMPRESSION: compression,
    Question.EVENTS: events,
}


def answer(
    asking: Asking,
    question: Question,
    *,
    since_us: int | None = None,
    baseline: str | None = None,
) -> Answer:
    """One answer.

    Args:
        since_us: where ``change`` divides, µs since the epoch.
        baseline: the session that ``change`` compares the others with.
    """
    if question is Question.CHANGE:
        return change(asking, since_us=since_us, baseline=baseline)
    told = _ANSWERS.get(question)
    # What affects a page's speed, and what happened at a moment, follow from whole page loads.
    return asking.of_page_loads(question) if told is None else told(asking)
