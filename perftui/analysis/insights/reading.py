"""From a Reader to a study, and from a study to each answer: the same way for the commands and
the screens."""

from __future__ import annotations

import gc
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import msgspec

from perftui.analysis.insights.answer import Answer, Note, NoteKind, Question
from perftui.analysis.text import format_count
from perftui.config import Thresholds
from perftui.errors import UsageError
from perftui.model import Predicate, SessionSummary
from perftui.request_columns import ColumnReader, Selection

if TYPE_CHECKING:
    # numpy comes with it, and is imported when a question is asked.
    from perftui.analysis.insights.study import Study

_AT = re.compile(r"(?:(\d+):)?(\d+(?:\.\d+)?)s?")

FIRST_ENTRIES = 20_000
"""Of a larger selection the newest sessions up to this many entries are answered about first."""


_answering: list[None] = []
"""One for each answer that is being computed; threads append to it and pop from it."""


@contextmanager
def without_collector() -> Iterator[None]:
    """While any thread is in here, the interpreter looks for no cyclic garbage. An answer makes
    objects by the ten thousand and no cycles; each look holds the interpreter, and with it the
    screen, for 50 ms and longer. Where two threads come and go at once, one may be looked at."""
    if not _answering and not gc.isenabled():
        yield
        return
    _answering.append(None)
    gc.disable()
    try:
        yield
    finally:
        # Whoever finds nobody else enables: whatever the order, it does not stay disabled.
        _answering.pop()
        if not _answering:
            gc.enable()


@without_collector()
def read_study(
    reader: ColumnReader,
    summaries: Sequence[SessionSummary],
    *,
    since_us: int | None = None,
    until_us: int | None = None,
    predicate: Predicate | None = None,
    thresholds: Thresholds | None = None,
    first_party: Sequence[str] = (),
) -> Study:
    """The entries of some sessions, read as far as a question needs them. A filter narrows the
    requests; what else happened stays, as the metrics of a page come from it.

    Args:
        since_us, until_us: bounds of the moment of receipt, µs since the epoch, half-open.
    """
    from perftui.analysis.insights.study import Study

    selection = Selection(
        session_ids=tuple(summary.session_id for summary in summaries),
        since_us=since_us,
        until_us=until_us,
        predicate=predicate,
    )
    return Study(
        reader.columns(selection),
        summaries,
        thresholds=thresholds or Thresholds(),
        first_party=first_party,
    )


@without_collector()
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
    from perftui.analysis.insights.change import change
    from perftui.analysis.insights.moment import moment
    from perftui.analysis.insights.questions import ANSWERS

    if question is Question.MOMENT:
        if at_us is None or session_id is None:
            raise UsageError("--question moment needs --at: seconds (12.4), mm:ss, or a percentage")
        return moment(study, session_id, at_us)
    if question is Question.CHANGE:
        return change(study, since_us=since_us, baseline=baseline)
    return ANSWERS[question](study)


def answers_in_parts(
    reader: ColumnReader,
    summaries: Sequence[SessionSummary],
    question: Question,
    *,
    thresholds: Thresholds | None = None,
    first_party: Sequence[str] = (),
) -> Iterator[Answer]:
    """An answer as it can be had: of many entries first about the newest sessions, marked as not
    complete, then about all."""

    def of(chosen: Sequence[SessionSummary]) -> Answer:
        study = read_study(reader, chosen, thresholds=thresholds, first_party=first_party)
        return answer(study, question)

    newest = list(_newest(summaries))
    if len(newest) < len(summaries):
        note = Note(
            NoteKind.PARTIAL,
            f"The newest {format_count(len(newest))} of {format_count(len(summaries))} sessions;"
            " the others are being read.",
        )
        first = of(newest)
        yield msgspec.structs.replace(first, complete=False, notes=(note, *first.notes))
    yield of(summaries)


def _newest(summaries: Sequence[SessionSummary]) -> Iterator[SessionSummary]:
    """The newest sessions up to :data:`FIRST_ENTRIES`, at least one; all of them where there are
    not many more entries than that."""
    if sum(summary.entry_count for summary in summaries) <= 3 * FIRST_ENTRIES:
        yield from summaries
        return
    entries = 0
    for summary in sorted(summaries, key=lambda one: -one.received_us):
        entries += summary.entry_count
        if entries > FIRST_ENTRIES and entries > summary.entry_count:
            return
        yield summary


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
