"""Question 9: what was happening in the browser at a given moment."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from perftui.analysis.endpoints import short_url
from perftui.analysis.insights.answer import (
    Answer,
    Cause,
    Column,
    Question,
    Shape,
    Unit,
    Value,
    make_table,
)
from perftui.analysis.insights.requests import KINDS
from perftui.analysis.insights.study import PAINT_TYPES, Study
from perftui.analysis.insights.values import told_count, told_ms
from perftui.analysis.severity import frame_blocking_us, is_error
from perftui.analysis.text import counted, format_duration
from perftui.analysis.text_log import event_words
from perftui.analysis.vitals import vitals
from perftui.model import Record

IN_FLIGHT = Shape(
    "in_flight",
    "In flight",
    "A request that was under way, the longest first.",
    (
        Column("url", "url", Unit.TEXT, "The request.", 100),
        Column("type", "type", Unit.TEXT, "Kind of request.", 60),
        Column("running_ms", "since", Unit.MILLISECONDS, "How long it had been in flight.", 95),
        Column(
            "left_ms",
            "left",
            Unit.MILLISECONDS,
            "How much longer it took; null where it never ended.",
            90,
        ),
        Column("status", "status", Unit.COUNT, "Its status in the end.", 50),
    ),
)

SITUATION = Shape(
    "situation",
    "The situation",
    "What was so at that moment.",
    (
        Column("what", "what", Unit.TEXT, "What is told.", 100),
        Column("value", "was", Unit.TEXT, "How it was.", 95),
    ),
)

RECENT = Shape(
    "recent",
    "Just before",
    "What had happened in the 10 s before, the latest first.",
    (
        Column("ago_ms", "ago", Unit.MILLISECONDS, "How long before the moment.", 100),
        Column("what", "what", Unit.TEXT, "What it was.", 95),
    ),
)

SHAPES = {Question.MOMENT: (SITUATION, IN_FLIGHT, RECENT)}

TASK_TYPES = {"longtask", "long-animation-frame"}

RECENT_US = 10_000_000
MOST_RECENT = 12

HAPPENINGS = (
    *PAINT_TYPES,
    *("layout-shift", "longtask", "long-animation-frame", "capture", "error", "console"),
    *("mark", "measure", "element"),
)
"""What a moment is told by, beside the requests."""


def moment(study: Study, session_id: str, at_us: int) -> Answer:
    """Question 9: what was happening in the browser at a given moment?

    Args:
        at_us: µs since the session's start.
    """
    requests = study.will_need("response_status").requests
    start = study.summaries[session_id].started_us
    at = start + at_us
    pages = {place for place, view in enumerate(study.page_views) if view.session_id == session_id}
    happenings = [pair for pair in study.happenings(*HAPPENINGS) if pair[0] in pages]
    records = [record for _, record in happenings if record.entry.entry_type != "navigation"]
    ends = requests.start_epochs + requests.durations
    running = np.flatnonzero(
        (requests.start_epochs <= at) & ~(ends <= at) & np.isin(requests.pages, list(pages))
    )
    running = running[np.lexsort((requests.seqs[running], requests.start_epochs[running]))]
    status = requests.numbers("response_status")
    rows: list[tuple[Value, ...]] = [
        (
            requests.url_texts[int(requests.urls[row])],
            KINDS[int(requests.kinds[row])].value,
            told_ms(at - float(requests.start_epochs[row])),
            told_ms(float(ends[row]) - at),
            told_count(float(status[row])),
        )
        for row in running.tolist()
    ]
    situation = _situation(study, session_id, at, happenings, len(running))
    recent = [record for record in records if at - RECENT_US <= record.start_epoch_us <= at]
    recent.sort(key=lambda record: (-record.start_epoch_us, -record.seq))
    recent_rows: list[tuple[Value, ...]] = [
        ((at - record.start_epoch_us) / 1000, event_words(record))
        for record in recent[:MOST_RECENT]
    ]
    cause, headline = None, "Nothing was in flight."
    if rows:
        oldest = int(running[0])
        name, since = str(rows[0][0]), at - float(requests.start_epochs[oldest])
        cause = Cause("request", name, told_ms(since), Unit.MILLISECONDS)
        view = study.page_views[int(requests.pages[oldest])]
        headline = (
            f"{counted(len(rows), 'request')} in flight; the longest,"
            f" {short_url(name, view.url)}, for {format_duration(round(since))}."
        )
    task, frame = (
        _under_way(records, "longtask", at),
        _under_way(records, "long-animation-frame", at),
    )
    if task is not None:
        headline += f" The main thread was busy with a {_task_words(task)}."
    elif frame is not None:
        headline += f" The screen waited for a {_frame_words(frame)}."
    return Answer(
        question=Question.MOMENT.value,
        asked=f"{Question.MOMENT.words} ({format_duration(at_us)})",
        headline=headline,
        cause=cause,
        tables=(
            make_table(SITUATION, situation),
            make_table(IN_FLIGHT, rows),
            make_table(RECENT, recent_rows),
        ),
        coverage=study.coverage,
    )


def _under_way(happenings: Sequence[Record], entry_type: str, at: int) -> Record | None:
    for record in happenings:
        duration = record.entry.duration_us or 0
        if (
            record.entry.entry_type == entry_type
            and record.start_epoch_us <= at < record.start_epoch_us + duration
        ):
            return record
    return None


def _task_words(task: Record) -> str:
    return f"long task of {format_duration(task.entry.duration_us or 0)}"


def _frame_words(frame: Record) -> str:
    blocking_us = frame_blocking_us(frame.entry)
    blocking = format_duration(blocking_us) if blocking_us else "none"
    duration = format_duration(frame.entry.duration_us or 0)
    return f"long animation frame of {duration}, {blocking} of it blocking"


def _main_thread(happenings: Sequence[Record], at: int) -> str:
    """What the main thread did; unknown where the browser told of no long task at all, which is
    also so where it knows none (Firefox, Safari)."""
    task = _under_way(happenings, "longtask", at)
    if task is not None:
        return _task_words(task)
    if (frame := _under_way(happenings, "long-animation-frame", at)) is not None:
        return _frame_words(frame)
    kinds = {record.entry.entry_type for record in happenings}
    return "no long task" if kinds & TASK_TYPES else "not reported"


def _situation(
    study: Study,
    session_id: str,
    at: int,
    happenings: Sequence[tuple[int, Record]],
    in_flight: int,
) -> list[tuple[Value, ...]]:
    pages = [
        (view.start_epoch_us, place)
        for place, view in enumerate(study.page_views)
        if view.session_id == session_id and view.start_epoch_us <= at
    ]
    rows: list[tuple[Value, ...]] = []
    if pages:
        place = max(pages)[1]
        view = study.page_views[place]
        rows.append(("pageview", f"P{view.number} {view.url or '?'}"))
        rows.append(("since its start", format_duration(at - view.start_epoch_us)))
        measured = vitals(
            [record for page, record in happenings if page == place], view, study.thresholds
        )
        known = [
            f"{vital.name} {vital.value:.3f}"
            if vital.name == "CLS"
            else f"{vital.name} {format_duration(round(vital.value * 1000))}"
            for vital in measured.all()
            if view.time_origin_us + vital.at_us <= at
        ]
        rows.append(("vitals so far", ", ".join(known) or "none yet"))
    rows.append(("requests in flight", str(in_flight)))
    records = [record for _, record in happenings]
    rows.append(("main thread", _main_thread(records, at)))
    errors = sum(record.start_epoch_us <= at and is_error(record.entry) for record in records)
    rows.append(("script errors so far", str(errors)))
    for words, kind in (
        ("last action", "action"),
        ("last error", "error"),
        ("last event", "capture"),
    ):
        last = max(
            (one for one in records if one.entry.entry_type == kind and one.start_epoch_us <= at),
            key=lambda one: one.start_epoch_us,
            default=None,
        )
        if last is not None:
            ago = format_duration(at - last.start_epoch_us)
            rows.append((words, f"{event_words(last)}, {ago} before"))
    return rows
