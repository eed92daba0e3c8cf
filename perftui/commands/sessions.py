"""``perftui sessions``: which sessions the store holds."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from perftui.analysis.session_facts import is_live
from perftui.analysis.text import sanitise
from perftui.commands.context import Context, echo_json, pass_context
from perftui.commands.selection import (
    MOMENT,
    filter_option,
    filter_settings,
    password_file_option,
)
from perftui.model import Predicate, Reader, SessionSummary


@click.command()
@click.argument("search", default="")
@click.option("--limit", type=click.IntRange(1), help="At most so many, the newest first.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line.")
@click.option("--since", type=MOMENT, help="Only what started since: 2d, 90m, 2026-11-23.")
@click.option("--until", type=MOMENT, help="Only what started before.")
@filter_option
@click.option("--from", "dsn", metavar="DSN", help="List those of a ClickHouse instead.")
@password_file_option
@pass_context
def sessions(
    context: Context,
    search: str,
    limit: int | None,
    as_json: bool,
    since: int | None,
    until: int | None,
    predicate: Predicate | None,
    dsn: str | None,
    password_file: Path | None,
) -> None:
    """List the sessions, the newest first; those whose ID, label, URL or title holds SEARCH.

    With --filter, those with an entry that passes, such as --filter 'is:error domain:api.test'.
    """
    if dsn is not None:
        from perftui.commands.pull import print_remote_sessions

        print_remote_sessions(
            dsn,
            search=search,
            limit=limit,
            as_json=as_json,
            since_us=since,
            until_us=until,
            predicate=predicate,
            password_file=password_file,
        )
        return
    with context.open_reader() as reader:
        is_all = (since, until, predicate) == (None, None, None)
        found = reader.sessions(search=search, limit=limit if is_all else None)
        if not is_all:
            found = [
                summary
                for summary in found
                if (since is None or summary.started_us >= since)
                and (until is None or summary.started_us < until)
                and (
                    predicate is None
                    or len(reader.index(summary.session_id, predicate=predicate)) > 0
                )
            ][:limit]
        now_us = context.clock.now_us()
        if as_json:
            for summary in found:
                echo_json(session_to_json(summary, reader, now_us, context))
            return
        if not found:
            if not is_all:
                click.echo("No such session.", err=True)
                return
            click.echo(
                f"No session holds {sanitise(search)}." if search else "No sessions yet.", err=True
            )
            return
        click.echo(
            f"{'SESSION':36}  {'STARTED':19}  {'LASTS':>7}  {'PAGES':>5}  {'REQ':>6}"
            f"  {'ERR':>4}  {'BYTES':>7}  PAGE"
        )
        for summary in found:
            click.echo(_line(summary, now_us))


def session_to_json(
    summary: SessionSummary, reader: Reader, now_us: int, context: Context
) -> dict[str, Any]:
    """A session as one JSON object; documented in ``docs/json.md``."""
    from perftui.analysis.filters import parse
    from perftui.analysis.session_facts import VITAL_ENTRY_TYPES, worst_vitals

    thresholds = context.settings.thresholds
    slow = parse("is:slow", filter_settings(context))
    worst = worst_vitals(
        reader.iter_records(summary.session_id, entry_types=VITAL_ENTRY_TYPES),
        reader.page_views(summary.session_id),
        thresholds,
    )
    return {
        "session_id": summary.session_id,
        "label": summary.label,
        "started_epoch_ms": summary.started_us / 1000,
        "duration_ms": summary.duration_us / 1000,
        "live": is_live(summary, now_us),
        "pageviews": summary.page_view_count,
        "entries": summary.entry_count,
        "requests": summary.request_count,
        "errors": summary.error_count,
        "slow": len(reader.index(summary.session_id, predicate=slow)),
        "transfer_bytes": summary.transfer_bytes,
        "unknown_sizes": summary.unknown_size_count,
        "received_bytes": summary.byte_count,
        "dropped": summary.dropped,
        "clock_error_ms": None if summary.clock_error_us is None else summary.clock_error_us / 1000,
        "vitals": {
            name: {"value": vital.value, "rating": vital.rating.value}
            for name, vital in worst.items()
        },
        "pinned": summary.pinned,
        "exported": summary.exported,
        "url": summary.url,
        "title": summary.title,
        "source": summary.source,
    }


def _line(summary: SessionSummary, now_us: int) -> str:
    from perftui.analysis.text import fit, format_bytes, format_duration

    started = datetime.fromtimestamp(summary.started_us / 1e6, UTC).astimezone()
    page = summary.label or summary.title or summary.url or ""
    live = " (live)" if is_live(summary, now_us) else ""
    return (
        f"{fit(sanitise(summary.session_id), 36)}  {started:%Y-%m-%d %H:%M:%S}"
        f"  {format_duration(summary.duration_us):>7}  {summary.page_view_count:>5}"
        f"  {summary.request_count:>6}  {summary.error_count:>4}"
        f"  {format_bytes(summary.transfer_bytes):>7}  {sanitise(page)}{live}"
    )
