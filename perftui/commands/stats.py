"""``perftui stats``: how much came in, of what, and what it costs on disk."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from perftui.commands.context import Context, echo_json, pass_context
from perftui.errors import NotFoundError

if TYPE_CHECKING:
    from perftui.store.volume import Volume

SHOWN_SESSIONS = 10
SHOWN_DAYS = 14


@click.command()
@click.option("--all", "show_all", is_flag=True, help="Every session and day, not only the most.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@pass_context
def stats(context: Context, show_all: bool, as_json: bool) -> None:
    """Show how much was captured: entries and bytes by type, by day and by session, as received
    and on disk.

    What was received is counted since the store was made, pruned entries too.
    """
    from perftui.store.volume import VolumeReader

    if not context.store_path.exists():
        raise NotFoundError(
            f"no sessions yet: {context.store_path} does not exist."
            " Run `perftui` and load a page, or `perftui import FILE`"
        )
    with VolumeReader(context.store_path) as reader:
        volume = reader.volume()
    if as_json:
        echo_json(volume_to_json(volume, str(context.store_path)))
    else:
        _print(context, volume, show_all)


def volume_to_json(volume: Volume, path: str) -> dict[str, Any]:
    """The volume as one JSON object; documented in ``docs/store.md``."""
    return {
        "path": path,
        "file_bytes": volume.file_bytes,
        "log_bytes": volume.log_bytes,
        "free_bytes": volume.free_bytes,
        "sessions": volume.sessions,
        "pinned_sessions": volume.pinned_sessions,
        "stored_entries": volume.stored_entries,
        "received_entries": volume.received_entries,
        "received_bytes": volume.received_bytes,
        "performance_received_bytes": volume.performance_bytes,
        "disk_bytes_per_entry": volume.disk_bytes_per_entry,
        "oldest_epoch_ms": None if volume.oldest_us is None else volume.oldest_us / 1000,
        "newest_epoch_ms": None if volume.newest_us is None else volume.newest_us / 1000,
        "by_type": [
            {
                "entry_type": one.entry_type,
                "performance_data": one.is_performance_data,
                "received_entries": one.received_entries,
                "received_bytes": one.received_bytes,
                "stored_entries": one.stored_entries,
                "disk_bytes": one.disk_bytes,
            }
            for one in volume.types
        ],
        "by_day": [
            {
                "day": one.day,
                "received_entries": one.received_entries,
                "received_bytes": one.received_bytes,
            }
            for one in volume.days
        ],
        "by_session": [
            {
                "session_id": one.session_id,
                "label": one.label,
                "pinned": one.pinned,
                "received_epoch_ms": one.received_us / 1000,
                "batches": one.batches,
                "entries": one.entries,
                "received_bytes": one.received_bytes,
                "wire_bytes": one.wire_bytes,
                "disk_bytes": one.disk_bytes,
            }
            for one in volume.by_session
        ],
        "table_bytes": volume.table_bytes,
    }


def _print(context: Context, volume: Volume, show_all: bool) -> None:
    from perftui.analysis.text import counted, fit, format_bytes, format_count, sanitise

    click.echo(sanitise(str(context.store_path)))
    per_entry = volume.disk_bytes_per_entry
    click.echo(
        f"{format_bytes(volume.file_bytes)} on disk ({format_bytes(volume.free_bytes)} of it free,"
        f" {format_bytes(volume.log_bytes)} of log beside it), {counted(volume.sessions, 'session')}"
        f" ({volume.pinned_sessions} pinned), {counted(volume.stored_entries, 'entry', 'entries')}"
        + ("" if per_entry is None else f", {per_entry:.0f} bytes each")
    )
    if not volume.received_entries:
        click.echo("Nothing was received yet.")
        return
    share = volume.performance_bytes / volume.received_bytes if volume.received_bytes else 0.0
    click.echo(
        f"Received: {counted(volume.received_entries, 'entry', 'entries')},"
        f" {format_bytes(volume.received_bytes)} of JSON; {share:.1%} of it is performance data,"
        f" {1 - share:.1%} is events that the SDK adds"
    )
    click.echo(
        f"\n{'TYPE':26}  {'RECEIVED':>9}  {'BYTES':>8}  {'SHARE':>6}  {'STORED':>9}"
        f"  {'ON DISK':>8}  {'EACH':>5}"
    )
    for one in volume.types:
        part = one.received_bytes / volume.received_bytes if volume.received_bytes else 0.0
        each = f"{one.disk_bytes / one.stored_entries:.0f}" if one.stored_entries else "-"
        click.echo(
            f"{fit(sanitise(one.entry_type), 26)}  {format_count(one.received_entries):>9}"
            f"  {format_bytes(one.received_bytes):>8}  {part:>6.1%}"
            f"  {format_count(one.stored_entries):>9}  {format_bytes(one.disk_bytes):>8}"
            f"  {each:>5}"
        )
    days = volume.days if show_all else volume.days[-SHOWN_DAYS:]
    click.echo(f"\n{'DAY (UTC)':26}  {'RECEIVED':>9}  {'BYTES':>8}")
    for day in days:
        click.echo(
            f"{day.day:26}  {format_count(day.received_entries):>9}"
            f"  {format_bytes(day.received_bytes):>8}"
        )
    _say_more(len(volume.days) - len(days), "earlier days")
    sessions = volume.by_session if show_all else volume.by_session[:SHOWN_SESSIONS]
    click.echo(f"\n{'SESSION':36}  {'ENTRIES':>9}  {'BYTES':>8}  {'ON DISK':>8}")
    for session in sessions:
        name = "" if session.label is None else f"  {sanitise(session.label)}"
        pinned = "  (pinned)" if session.pinned else ""
        click.echo(
            f"{fit(sanitise(session.session_id), 36)}  {format_count(session.entries):>9}"
            f"  {format_bytes(session.received_bytes):>8}  {format_bytes(session.disk_bytes):>8}"
            f"{name}{pinned}"
        )
    _say_more(len(volume.by_session) - len(sessions), "smaller sessions")


def _say_more(count: int, what: Sequence[str] | str) -> None:
    if count > 0:
        click.echo(f"… and {count} {what}; --all shows them")
