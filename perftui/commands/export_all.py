"""What the exports of entries share: what leaves, the progress bar, the summary in words."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from perftui.analysis.text import counted, sanitise
from perftui.commands.context import Context
from perftui.commands.selection import MOMENT, filter_option
from perftui.errors import NotFoundError
from perftui.export.drain import (
    Destination,
    Selection,
    Summary,
    drain,
    is_another_table,
    remaining,
)
from perftui.model import Predicate

if TYPE_CHECKING:
    from click._termui_impl import ProgressBar

_OPTIONS = (
    click.option("--session", help="Only this session: an ID, its beginning, a label, or `last`."),
    click.option("--since", type=MOMENT, help="Only what arrived since: 2d, 90m, 2026-11-23."),
    click.option("--until", type=MOMENT, help="Only what arrived before."),
    filter_option,
    click.option("--dry-run", is_flag=True, help="Say what would be sent, and send nothing."),
)


def selection_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--session --since --until --filter --dry-run``; see :func:`selected`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def selected(
    context: Context,
    session: str | None,
    since: int | None,
    until: int | None,
    predicate: Predicate | None,
) -> Selection:
    """What the options choose.

    Raises:
        NotFoundError: there is no store, or no such session.
    """
    if not context.store_path.exists():
        raise NotFoundError(f"nothing to export: {context.store_path} does not exist")
    with context.open_reader() as reader:
        session_id = reader.find_session(session) if session else None
        seqs = None
        if predicate is not None:
            seqs = reader.index(session_id, predicate=predicate).seqs
    return Selection(
        session_id=session_id,
        since_us=since,
        until_us=until,
        seqs=seqs,
        filter_text=str(predicate or ""),
    )


def dead_letters(context: Context) -> Path:
    """Where rows go that a remote end refuses."""
    return context.store_path.with_name(context.store_path.name + ".refused.jsonl")


def export_entries(
    context: Context,
    open_destination: Callable[[], Destination],
    *,
    where: str,
    name: str,
    selection: Selection,
    dry_run: bool,
) -> None:
    """Drain the store into a destination, and say what was done.

    Args:
        open_destination: called only when something is to be sent.
        where: the destination as it is shown.
        name: of its checkpoint.

    Raises:
        ExportError: the remote end cannot take it now.
    """
    from perftui.store.outgoing import OutgoingReader

    where = sanitise(where)
    source = OutgoingReader(context.store_path)
    try:
        with context.open_writer() as checkpoints:
            if selection.is_all:
                left = remaining(source, checkpoints, name)
            else:
                left = source.extent(session_id=selection.session_id)[1]
            if dry_run:
                what = "" if selection.is_all else " (at most: before --since, --until, --filter)"
                click.echo(f"{counted(left, 'entry', 'entries')} would be sent to {where}{what}")
                return
            destination = open_destination()
            try:
                if selection.is_all and is_another_table(checkpoints, name, destination.table_id):
                    left = remaining(source, checkpoints, name, destination.table_id)
                    click.echo(
                        f"the table in {where} is not the one that was exported to before: it was"
                        f" dropped and made anew, so everything is sent again: {counted(left, 'entry', 'entries')}",
                        err=True,
                    )
                begun = context.clock.monotonic()
                bar: ProgressBar[int] = click.progressbar(
                    length=left,
                    label="sending",
                    file=sys.stderr,
                    show_pos=True,
                    show_eta=True,
                    item_show_func=lambda _: _rate(bar.pos, context.clock.monotonic() - begun),
                    hidden=not sys.stderr.isatty(),
                )
                with bar:
                    summary = drain(
                        source,
                        destination,
                        checkpoints,
                        name=name,
                        selection=selection,
                        dead_letters=dead_letters(context),
                        on_progress=bar.update,
                    )
            finally:
                close = getattr(destination, "close", None)
                if close is not None:
                    close()
    finally:
        source.close()
    click.echo(_words(summary, where))
    if summary.refused:
        click.echo(f"refused rows are in {sanitise(str(dead_letters(context)))}", err=True)


def _rate(rows: int, seconds: float) -> str | None:
    """From the first row on: click's own figure is there only after a second."""
    return f"{rows / seconds:,.0f} rows/s" if rows and seconds > 0 else None


def _words(summary: Summary, where: str) -> str:
    parts = [f"{counted(summary.sent, 'row')} sent to {where}"]
    if summary.amended:
        parts.append(f"{summary.amended} of them replace earlier ones")
    parts += [f"{summary.skipped} skipped", f"{summary.refused} refused"]
    return ", ".join(parts)
