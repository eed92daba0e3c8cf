"""``perftui export jsonl``: a session as batches of the wire, which ``perftui import`` reads."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, BinaryIO

import click
import msgspec

from perftui.commands.context import Context, pass_context
from perftui.commands.selection import session_argument
from perftui.entry_fields import ENTRY_FIELDS, FieldKind
from perftui.errors import ExportError
from perftui.model import Batch, Entry


@click.command("jsonl")
@session_argument
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    default="-",
    help="The file to write [default: stdout].",
)
@pass_context
def export_jsonl(context: Context, session: str, output: Path) -> None:
    """Write SESSION (an ID, its beginning, a label, or `last`) as batches, one a line.

    `perftui import` reads the file back, entry for entry; so does `POST /batch`.
    """
    from perftui.store.outgoing import OutgoingReader

    with context.open_reader() as reader:
        session_id = reader.find_session(session)
    source = OutgoingReader(context.store_path)
    try:
        if str(output) == "-":
            count = _write(source, session_id, sys.stdout.buffer)
        else:
            try:
                with output.open("wb") as file:
                    count = _write(source, session_id, file)
            except OSError as error:
                raise ExportError(f"cannot write {output}: {error.strerror}") from error
            click.echo(f"{count} entries written to {output}", err=True)
    finally:
        source.close()


def _write(source: Any, session_id: str, file: BinaryIO) -> int:
    count = 0
    for batch in source.batches(session_id):
        file.write(msgspec.json.encode(batch_to_wire(batch)) + b"\n")
        count += len(batch.entries)
    file.flush()
    return count


def batch_to_wire(batch: Batch) -> dict[str, Any]:
    """A batch as the wire has it (``docs/wire-format.md``), with ``receivedAt``."""
    wire: dict[str, Any] = {
        "sessionId": batch.session_id,
        "pageViewId": batch.page_view_id,
        "batchKey": batch.key.hex(),
        "receivedAt": batch.received_us / 1000,
        "source": batch.source,
    }
    if not batch.time_origin_estimated:
        wire["timeOrigin"] = batch.time_origin_us / 1000
    if batch.sent_us is not None:
        wire["sentAt"] = batch.sent_us / 1000
    page = {
        "url": batch.page.url,
        "title": batch.page.title,
        "referrer": batch.page.referrer,
        "navigationType": batch.page.navigation_type,
    }
    wire["page"] = {name: value for name, value in page.items() if value is not None}
    if batch.client:
        wire["client"] = batch.client
    if batch.dropped:
        wire["dropped"] = batch.dropped
    wire["entries"] = [entry_to_wire(entry) for entry in batch.entries]
    return wire


def entry_to_wire(entry: Entry) -> dict[str, Any]:
    """An entry with the W3C's names and milliseconds; what is unknown is null."""
    wire: dict[str, Any] = {
        **entry.extra,
        "entryType": entry.entry_type,
        "name": entry.name,
        "startTime": entry.start_us / 1000,
        "duration": None if entry.duration_us is None else entry.duration_us / 1000,
    }
    for field in ENTRY_FIELDS:
        value = getattr(entry, field.attribute)
        if field.kind is FieldKind.SIZE:
            if value is not None or entry.is_request:
                wire[field.wire] = value
        elif value is not None:
            wire[field.wire] = value / 1000 if field.kind is FieldKind.TIME else value
    return wire
