"""``perftui pull``: a session out of ClickHouse into the store."""

from __future__ import annotations

from pathlib import Path

import click

from perftui.commands.context import Context, echo_json, pass_context
from perftui.commands.export_clickhouse import password_file_option
from perftui.export.clickhouse import ClickHouse, parse_target
from perftui.export.pull import find_remote_session, remote_sessions, session_batches


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
        f"{session_id}: {summary.entry_count} entries in {summary.page_view_count} pageviews;"
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


def print_remote_sessions(
    context: Context, dsn: str, *, search: str, limit: int | None, as_json: bool
) -> None:
    """List the sessions of a ClickHouse, as ``perftui sessions`` does those of the store."""
    from perftui.analysis.text import fit, format_bytes, format_duration, sanitise

    clickhouse = ClickHouse(parse_target(dsn))
    try:
        found = remote_sessions(clickhouse, search=search, limit=limit)
    finally:
        clickhouse.close()
    if as_json:
        for row in found:
            echo_json(
                {
                    "session_id": row["session_id"],
                    "started_epoch_ms": row["started"].timestamp() * 1000,
                    "duration_ms": (row["ended"] - row["started"]).total_seconds() * 1000,
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
        click.echo(f"No session holds {search!r}." if search else "No sessions there.", err=True)
        return
    click.echo(
        f"{'SESSION':36}  {'STARTED':19}  {'LASTS':>7}  {'PAGES':>5}  {'REQ':>6}"
        f"  {'ERR':>4}  {'BYTES':>7}  PAGE"
    )
    for row in found:
        lasts_us = round((row["ended"] - row["started"]).total_seconds() * 1_000_000)
        click.echo(
            f"{fit(sanitise(row['session_id']), 36)}  {row['started'].astimezone():%Y-%m-%d %H:%M:%S}"
            f"  {format_duration(lasts_us):>7}  {row['page_views']:>5}  {row['requests']:>6}"
            f"  {row['errors']:>4}  {format_bytes(row['transfer_bytes']):>7}"
            f"  {sanitise(row['title'] or row['url'] or '')}"
        )
