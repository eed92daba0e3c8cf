"""From a Reader to a study, and from a study to each answer: the same way for the commands and
the screens."""

from __future__ import annotations

import re
from collections.abc import Sequence

from perftui.analysis.insights.answer import Answer, Question
from perftui.analysis.insights.study import DEFAULT_THRESHOLDS, Study
from perftui.config import Thresholds
from perftui.errors import UsageError
from perftui.model import Predicate, Reader, SessionSummary

_AT = re.compile(r"(?:(\d+):)?(\d+(?:\.\d+)?)s?")


def read_study(
    reader: Reader,
    summaries: Sequence[SessionSummary],
    *,
    since_us: int | None = None,
    until_us: int | None = None,
    predicate: Predicate | None = None,
    thresholds: Thresholds = DEFAULT_THRESHOLDS,
    first_party: Sequence[str] = (),
) -> Study:
    """The entries of some sessions, sorted out. A filter narrows the requests; what else happened
    stays, as the metrics of a page come from it.

    Args:
        since_us, until_us: bounds of the moment of receipt, µs since the epoch, half-open.
    """
    only = summaries[0].session_id if len(summaries) == 1 else None
    wanted = {summary.session_id for summary in summaries}
    records = [
        record
        for record in reader.iter_records(only, since_us=since_us, until_us=until_us)
        if record.session_id in wanted
        and (predicate is None or not record.entry.is_request or predicate.matches(record))
    ]
    return Study(
        summaries,
        [view for summary in summaries for view in reader.page_views(summary.session_id)],
        records,
        thresholds=thresholds,
        first_party=first_party,
    )


def answer(
    study: Study,
    question: Question,
    *,
    session_id: str | None = None,
    at_us: int | None = None,
    since_us: int | None = None,
    baseline: str | None = None,
) -> Answer:
    """One answer.

    Args:
        session_id, at_us: of the moment; µs since the start of the session.
        since_us: where ``change`` divides, µs since the epoch.
        baseline: the session that ``change`` compares the others with.

    Raises:
        UsageError: the moment without a session and a time.
    """
    from perftui.analysis.insights.causes import moment
    from perftui.analysis.insights.change import change
    from perftui.analysis.insights.questions import ANSWERS

    if question is Question.MOMENT:
        if at_us is None or session_id is None:
            raise UsageError("--question moment needs --at: seconds (12.4), mm:ss, or a percentage")
        return moment(study, session_id, at_us)
    if question is Question.CHANGE:
        return change(study, since_us=since_us, baseline=baseline)
    return ANSWERS[question](study)


def parse_at(text: str, duration_us: int) -> int:
    """A place in a session: ``12.4``, ``12.4s``, ``1:02.5`` or ``50%``; µs since its start.

    Raises:
        UsageError: it is none of these.
    """
    text = text.strip()
    if text.endswith("%"):
        try:
            return round(duration_us * float(text[:-1]) / 100)
        except ValueError:
            pass
    match = _AT.fullmatch(text)
    if match is None:
        raise UsageError(f"--at {text}: seconds (12.4), mm:ss, or a percentage (50%)")
    return round((int(match[1] or 0) * 60 + float(match[2])) * 1_000_000)
