"""``perftui compare``: two sessions, or two sets of them, side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from perftui.analysis.rendering.documents import answer_document
from perftui.commands.context import Context, echo_json, pass_context
from perftui.commands.report import print_text, study_of
from perftui.errors import NotFoundError, PerftuiError, UsageError
from perftui.request_columns import ColumnReader

if TYPE_CHECKING:
    from perftui.analysis.insights.change import Side


@click.command("compare")
@click.argument("before")
@click.argument("after")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.option("--markdown", is_flag=True, help="Markdown.")
@click.option("--width", type=click.IntRange(40, 1000), help="Cells of a line.")
@pass_context
def compare_command(
    context: Context,
    before: str,
    after: str,
    as_json: bool,
    markdown: bool,
    width: int | None,
) -> None:
    """Compare BEFORE and AFTER: pages, endpoints and assets, sizes, what was added and is gone.

    Each is a session (an ID, its beginning, a label, or `last`), several separated by commas, a
    period FROM..TO (2026-11-20..2026-11-22, 7d..1d, either end may be missing), or a filter over
    the requests of all sessions ('protocol:h3', 'page-path:/checkout'). The exit code is 0 whatever
    has changed: this is no alert.
    """
    if as_json and markdown:
        raise UsageError("choose one of --json and --markdown")
    from perftui.analysis.insights.change import Sides, compare

    with context.open_reader() as reader:
        answer = compare(Sides(_side(context, reader, before), _side(context, reader, after)))
    if as_json:
        echo_json(answer_document(answer))
    elif markdown:
        from perftui.analysis.rendering.markdown import answer_markdown

        click.echo(answer_markdown(answer))
    else:
        print_text(context, [answer], width)


def _side(context: Context, reader: ColumnReader, text: str) -> Side:
    from perftui.analysis.insights.change import whole

    begin, dots, end = text.partition("..")
    if dots:
        from perftui.commands.selection import MOMENT

        current = click.get_current_context()
        since = MOMENT.convert(begin, None, current) if begin else None
        until = MOMENT.convert(end, None, current) if end else None
        study = study_of(context, reader, reader.sessions(), since=since, until=until)
        return whole(study, text)
    try:
        found = [reader.find_session(part.strip()) for part in text.split(",")]
    except NotFoundError:
        if ":" not in text:
            raise
        return _filtered(context, reader, text)
    chosen = [reader.session(one) for one in dict.fromkeys(found)]
    return whole(study_of(context, reader, chosen), text)


def _filtered(context: Context, reader: ColumnReader, text: str) -> Side:
    """The requests of all sessions that a filter lets through."""
    from perftui.analysis.filters import parse
    from perftui.analysis.insights.change import whole
    from perftui.commands.selection import filter_settings

    try:
        predicate = parse(text, filter_settings(context))
    except PerftuiError as error:
        raise UsageError(f"{text!r} is no session and no filter either: {error}") from error
    return whole(study_of(context, reader, reader.sessions(), predicate=predicate), text)
