"""``perftui pull``: a session out of ClickHouse into the store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from perftui.analysis.filters import Filter
from perftui.analysis.text import counted
from perftui.commands.context import Context, echo_json, pass_context
from perftui.commands.selection import password_file_option
from perftui.errors import UsageError
from perftui.export.clickhouse import ClickHouse, parse_target
from perftui.export.pull import find_remote_session, remote_sessions, session_batches
from perftui.model import Predicate


@click.command()
@click.argument("dsn")
@click.argument("session", default="last", metavar="[SESSION]")
@password_file_option
@pass_context
def pull(context: Context, dsn: str, session: str, password_file: Path | None) -> None:
    """Fetch SESSION (an ID, its beginning, or `last`) from ClickHouse into the store.

    DSN is as for `perftui export clickhouse`. Then `perftui replay` plays it. Fetched again, it
    adds what has arrived there since and nothing twice.
    """
    session_id = pull_session(context, dsn, session, password_file=password_file)
    with context.open_reader() as reader:
        summary = reader.session(session_id)
    click.echo(
        f"{session_id}: {counted(summary.entry_count, 'entry', 'entries')} in"
        f" {counted(summary.page_view_count, 'pageview')};"
        f" `perftui replay {session_id}` plays it"
    )


def pull_session(
    context: Context, dsn: str, session: str, *, password_file: Path | None = None
) -> str:
    """Fetch a session into the store and return its full ID.

    Raises:
        NotFoundError: there is no such session there.
        ExportError: the remote end cannot be reached, or refuses.
    """
    clickhouse = ClickHouse(parse_target(dsn, password_file=password_file))
    try:
        session_id = find_remote_session(clickhouse, session)
        batches = list(session_batches(clickhouse, session_id))
    finally:
        clickhouse.close()
    with context.open_writer() as writer:
        writer.write_batches(batches)
    return session_id


def remote_filter(predicate: Predicate | None) -> Filter | None:
    """A filter as ClickHouse can be asked by.

    Raises:
        UsageError: it is none.
    """
    if predicate is not None and not isinstance(predicate, Filter):
        raise UsageError("ClickHouse can be asked by a filter expression only")
    return predicate


def print_remote_sessions(
    dsn: str,
    *,
    search: str,
    limit: int | None,
    as_json: bool,
    since_us: int | None = None,
    until_us: int | None = None,
    predicate: Predicate | None = None,
    password_file: Path | None = None,
) -> None:
    """List the sessions of a ClickHouse, as ``perftui sessions`` does those of the store."""
    from perftui.analysis.text import fit, format_bytes, format_duration, sanitise

    clickhouse = ClickHouse(parse_target(dsn, password_file=password_file))
    try:
        found = remote_sessions(
            clickhouse,
            search=search,
            limit=limit,
            since_us=since_us,
            until_us=until_us,
            predicate=remote_filter(predicate),
        )
    finally:
        clickhouse.close()
    if as_json:
        for row in found:
            echo_json(
                {
                    "session_id": row["session_id"],
                    "started_epoch_ms": _epoch_us(row["started"]) / 1000,
                    "duration_ms": (_epoch_us(row["ended"]) - _epoch_us(row["started"])) / 1000,
                    "pageviews": row["page_views"],
                    "entries": row["entries"],
                    "requests": row["requests"],
                    "errors": row["errors"],
                    "transfer_bytes": row["transfer_bytes"],
                    "unknown_sizes": row["unknown_sizes"],
                    "url": row["url"],
                    "title": row["title"],
                    "source": row["source"],
                }
            )
        return
    if not found:
        is_all = not search and (since_us, until_us, predicate) == (None, None, None)
        click.echo("No sessions there." if is_all else "No such session there.", err=True)
        return
    click.echo(
        f"{'SESSION':36}  {'STARTED':19}  {'LASTS':>7}  {'PAGES':>5}  {'REQ':>6}"
        f"  {'ERR':>4}  {'BYTES':>7}  PAGE"
    )
    for row in found:
        lasts_us = _epoch_us(row["ended"]) - _epoch_us(row["started"])
        click.echo(
            f"{fit(sanitise(row['session_id']), 36)}  {row['started'].astimezone():%Y-%m-%d %H:%M:%S}"
            f"  {format_duration(lasts_us):>7}  {row['page_views']:>5}  {row['requests']:>6}"
            f"  {row['errors']:>4}  {format_bytes(row['transfer_bytes']):>7}"
            f"  {sanitise(row['title'] or row['url'] or '')}"
        )


def _epoch_us(moment: datetime) -> int:
    """µs since the epoch, all of them: a float of seconds loses the last."""
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
