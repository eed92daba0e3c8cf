"""``perftui report``: the nine questions."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from perftui.analysis.insights.answer import Answer, Question
from perftui.analysis.insights.reading import answer, parse_at, read_study
from perftui.analysis.rendering.documents import answer_document
from perftui.analysis.rendering.text import Role, TextLine, answer_lines
from perftui.analysis.text import counted
from perftui.commands.context import Context, echo_json, pass_context
from perftui.commands.selection import MOMENT, filter_option, password_file_option
from perftui.errors import NotFoundError, UsageError
from perftui.model import Predicate, Reader, SessionSummary
from perftui.request_columns import ColumnReader

if TYPE_CHECKING:
    from perftui.analysis.insights.study import Study

PLAIN_WIDTH = 120

_STYLES: dict[Role, dict[str, object]] = {
    Role.TITLE: {"bold": True},
    Role.HEADLINE: {"fg": "cyan", "bold": True},
    Role.HEADING: {"bold": True},
    Role.NOTE: {"dim": True},
    Role.CHART: {"fg": "blue"},
}


@click.command()
@click.option(
    "--question",
    "-q",
    "names",
    multiple=True,
    type=click.Choice([question.value for question in Question]),
    help="Only this one; repeatable [default: all but moment].",
)
@click.option("--session", "-s", "sessions", multiple=True, help="Only this session; repeatable.")
@click.option("--since", type=MOMENT, help="Only what arrived since: 2d, 90m, 2026-11-23.")
@click.option("--until", type=MOMENT, help="Only what arrived before.")
@click.option("--change-at", type=MOMENT, help="change: compare before and after this moment.")
@click.option("--baseline", help="change: compare this session with the others.")
@click.option("--at", metavar="TIME", help="moment: seconds (12.4), mm:ss, or a percentage.")
@filter_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object per answer.")
@click.option("--markdown", is_flag=True, help="Markdown.")
@click.option("--html", is_flag=True, help="One HTML file that opens from disk, with waterfalls.")
@click.option("--width", type=click.IntRange(40, 1000), help="Cells of a line.")
@click.option("--from", "dsn", metavar="DSN", help="Ask a ClickHouse about all that is there.")
@password_file_option
@pass_context
def report(
    context: Context,
    names: tuple[str, ...],
    sessions: tuple[str, ...],
    since: int | None,
    until: int | None,
    change_at: int | None,
    baseline: str | None,
    at: str | None,
    predicate: Predicate | None,
    as_json: bool,
    markdown: bool,
    html: bool,
    width: int | None,
    dsn: str | None,
    password_file: Path | None,
) -> None:
    """Answer the nine questions about the store's sessions, or about those in a ClickHouse.

    \b
    assets       how quickly do my assets load?
    api          how fast are my API responses?
    third-party  do third parties slow me down?
    size         how large are my assets?
    compression  are assets and responses compressed?
    change       has speed or size changed over time?
    factors      what affects page speed?
    events       how does performance go with my analytics events?
    moment       what was happening in the browser at a given moment?  (--session --at)
    """
    if as_json + markdown + html > 1:
        raise UsageError("choose one of --json, --markdown and --html")
    questions = [Question(name) for name in names] or [
        question for question in Question if question is not Question.MOMENT or at
    ]
    if Question.MOMENT in questions and at is None:
        raise UsageError("--question moment needs --at: seconds (12.4), mm:ss, or a percentage")
    if dsn is not None:
        from perftui.commands.report_remote import Report, remote_answers

        asked = Report(
            questions=questions,
            sessions=sessions,
            since_us=since,
            until_us=until,
            predicate=predicate,
            change_at_us=change_at,
            baseline=baseline,
            at=at,
        )
        told_there = remote_answers(context, dsn, asked, password_file=password_file)
        if html:
            from perftui.analysis.rendering.html import page

            answers = list(told_there)
            click.echo(
                page(f"perftui: {counted(answers[0].coverage.sessions, 'session')}", answers, []),
                nl=False,
            )
        else:
            _print(context, told_there, as_json, markdown, width)
        return
    with context.open_reader() as reader:
        chosen = _chosen(reader, sessions, only_one=Question.MOMENT in questions)
        study = study_of(context, reader, chosen, since=since, until=until, predicate=predicate)
        answers = [
            _answer(study, question, reader, chosen, change_at, baseline, at)
            for question in questions
        ]
        if html:
            _print_html(context, reader, chosen, answers)
        else:
            _print(context, answers, as_json, markdown, width)


def _print(
    context: Context,
    answers: Iterable[Answer],
    as_json: bool,
    markdown: bool,
    width: int | None,
) -> None:
    if as_json:
        for told in answers:
            echo_json(answer_document(told))
    elif markdown:
        from perftui.analysis.rendering.markdown import answer_markdown

        for told in answers:
            click.echo(answer_markdown(told))
    else:
        print_text(context, answers, width)


def _chosen(reader: Reader, sessions: Sequence[str], *, only_one: bool) -> list[SessionSummary]:
    if sessions:
        return [reader.session(reader.find_session(text)) for text in sessions]
    if only_one:
        return [reader.session(reader.find_session("last"))]
    found = reader.sessions()
    if not found:
        raise NotFoundError(
            "no sessions yet; run `perftui` and load a page, or `perftui import FILE`"
        )
    return found


def study_of(
    context: Context,
    reader: ColumnReader,
    summaries: Sequence[SessionSummary],
    *,
    since: int | None = None,
    until: int | None = None,
    predicate: Predicate | None = None,
) -> Study:
    """The entries of some sessions, with the thresholds and sites of the settings."""
    return read_study(
        reader,
        summaries,
        since_us=since,
        until_us=until,
        predicate=predicate,
        thresholds=context.settings.thresholds,
        first_party=context.settings.sites.first_party,
    )


def _answer(
    study: Study,
    question: Question,
    reader: Reader,
    chosen: Sequence[SessionSummary],
    change_at: int | None,
    baseline: str | None,
    at: str | None,
) -> Answer:
    return answer(
        study,
        question,
        session_id=chosen[0].session_id,
        at_us=None if at is None else parse_at(at, chosen[0].duration_us),
        since_us=change_at,
        baseline=None if baseline is None else reader.find_session(baseline),
    )


def print_text(context: Context, answers: Iterable[Answer], width: int | None) -> None:
    """Print answers for people."""
    room = width or shutil.get_terminal_size((PLAIN_WIDTH, 24)).columns
    for number, told in enumerate(answers):
        if number:
            click.echo("\n")
        for line in answer_lines(told, width=room, ascii_only=context.settings.app.ascii):
            click.echo(_styled(context, line))


def _styled(context: Context, line: TextLine) -> str:
    return context.style(line.text, **_STYLES.get(line.role, {}))


def _print_html(
    context: Context,
    reader: Reader,
    chosen: Sequence[SessionSummary],
    answers: Sequence[Answer],
) -> None:
    from perftui.analysis.frames import with_frames
    from perftui.analysis.rendering.html import page
    from perftui.commands.log import surroundings

    waterfalls = []
    title = f"perftui: {counted(len(chosen), 'session')}"
    if len(chosen) == 1:
        session_id = chosen[0].session_id
        title = f"perftui: session {session_id}"
        around = surroundings(context, reader, session_id)
        waterfalls = [
            (
                view,
                with_frames(reader.iter_records(session_id, page_view_id=view.page_view_id)),
                around,
            )
            for view in reader.page_views(session_id)
            if view.request_count
        ]
    click.echo(page(title, answers, waterfalls), nl=False)
