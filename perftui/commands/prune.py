"""``perftui prune``: let sessions go, and give their space back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click
import msgspec

from perftui.analysis.text import counted, format_bytes, sanitise
from perftui.commands.context import Context, echo_json, pass_context
from perftui.errors import NotFoundError, UsageError

if TYPE_CHECKING:
    from perftui.store.retention import DueSession, Removed


@click.command()
@click.argument("session_names", metavar="[SESSION]...", nargs=-1)
@click.option("--ttl", help="Let sessions go that are older, such as 30d [default: [store] ttl].")
@click.option(
    "--max-size",
    help="Let the oldest go until the file is smaller, such as 2GB [default: [store] max_size].",
)
@click.option("--dry-run", is_flag=True, help="Only say which sessions would go.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per session, then a sum.")
@pass_context
def prune(
    context: Context,
    session_names: tuple[str, ...],
    ttl: str | None,
    max_size: str | None,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Remove sessions and give their space back: each SESSION that is named, or those that
    --ttl and --max-size let go.

    Pinned sessions and those that received something within half an hour stay, unless named. A
    capture server may run meanwhile.
    """
    if session_names and (ttl or max_size):
        raise UsageError("name sessions, or give --ttl or --max-size, not both")
    if not context.store_path.exists():
        raise NotFoundError(f"{context.store_path} does not exist; there is nothing to prune")
    from perftui.store.retention import Retention, delete_sessions

    settings = msgspec.structs.replace(
        context.settings.store,
        ttl=None if session_names else ttl or context.settings.store.ttl,
        max_size=None if session_names else max_size or context.settings.store.max_size,
    )
    named = _named(context, session_names)
    with context.open_writer() as writer:
        retention = Retention(writer, settings, clock=context.clock, undo_seconds=0)
        due = named or retention.due()
        for session in due:
            _say(session, dry_run, as_json)
        if dry_run:
            _say_nothing_done(due, settings.ttl or settings.max_size, as_json)
            return
        if due and not yes and context.has_terminal:
            click.confirm(f"Remove {counted(len(due), 'session')} for good?", abort=True, err=True)
        if named:
            delete_sessions(writer, [session.session_id for session in named])
        with context.progress((), "Pruning", length=sum(one.entry_count for one in due)) as bar:

            def show(removed: Removed) -> None:
                bar.update(removed.entries - bar.pos)

            removed = retention.run(show)
    if as_json:
        echo_json(
            {
                "sessions": removed.sessions,
                "entries": removed.entries,
                "texts": removed.texts,
                "given_back_bytes": removed.bytes_given_back,
            }
        )
        return
    _say_done(removed, settings.ttl or settings.max_size or named)


def _named(context: Context, names: tuple[str, ...]) -> list[DueSession]:
    from perftui.store.retention import DueSession

    if not names:
        return []
    with context.open_reader() as reader:
        found = {reader.find_session(name): None for name in names}
        summaries = [reader.session(session_id) for session_id in found]
    return [
        DueSession(0, one.session_id, one.received_us, one.entry_count, "named")
        for one in summaries
    ]


def _say(session: DueSession, dry_run: bool, as_json: bool) -> None:
    if as_json:
        echo_json(
            {
                "session_id": session.session_id,
                "received_epoch_ms": session.received_us / 1000,
                "entries": session.entry_count,
                "reason": session.reason,
                "removed": not dry_run,
            }
        )
        return
    received = datetime.fromtimestamp(session.received_us / 1e6, UTC).astimezone()
    click.echo(
        f"{sanitise(session.session_id):36}  last received {received:%Y-%m-%d %H:%M:%S}"
        f"  {counted(session.entry_count, 'entry', 'entries')}  ({session.reason})"
    )


def _say_nothing_done(due: list[DueSession], has_rule: str | None, as_json: bool) -> None:
    if as_json:
        return
    if due:
        click.echo(f"{counted(len(due), 'session')} would go; without --dry-run they do.")
    else:
        click.echo(_why_none(bool(has_rule)))


def _say_done(removed: Removed, has_rule: object) -> None:
    if not removed.sessions and not removed.bytes_given_back:
        click.echo(_why_none(bool(has_rule)))
        return
    click.echo(
        f"Removed {counted(removed.sessions, 'session')} with {counted(removed.entries, 'entry', 'entries')};"
        f" {format_bytes(removed.bytes_given_back)} given back."
    )


def _why_none(has_rule: bool) -> str:
    if has_rule:
        return "Nothing to prune."
    return (
        "Nothing to prune: no rule says what may go."
        " Name a session, give --ttl 30d or --max-size 2GB, or set them in [store]."
    )
