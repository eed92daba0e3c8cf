"""``perftui export jsonl``: a session as batches of the wire, which ``perftui import`` reads."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

import click
import msgspec

from perftui.analysis.text import counted, sanitise
from perftui.commands.context import Context, JsonOutput, pass_context
from perftui.commands.selection import filter_option, session_argument
from perftui.errors import ExportError
from perftui.export.wire import batch_to_wire
from perftui.model import Batch, Predicate


@click.command("jsonl")
@session_argument
@filter_option
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    default="-",
    help="The file to write [default: stdout].",
)
@pass_context
def export_jsonl(context: Context, session: str, predicate: Predicate | None, output: Path) -> None:
    """Write SESSION (an ID, its beginning, a label, or `last`) as batches, one a line.

    `perftui import` reads the file back, entry for entry; so does `POST /batch`.
    """
    from perftui.store.outgoing import OutgoingReader

    with context.open_reader() as reader:
        session_id = reader.find_session(session)
        chosen = None
        if predicate is not None:
            chosen = sorted(reader.index(session_id, predicate=predicate).seqs)
    source = OutgoingReader(context.store_path)
    try:
        batches = source.batches(session_id, seqs=chosen)
        if str(output) == "-":
            count = _write(batches, JsonOutput())
        else:
            try:
                with output.open("wb") as file:
                    count = _write(batches, file)
            except OSError as error:
                raise ExportError(f"cannot write {output}: {error.strerror}") from error
            click.echo(
                f"{counted(count, 'entry', 'entries')} written to {sanitise(str(output))}", err=True
            )
    finally:
        source.close()


def _write(batches: Iterable[Batch], file: BinaryIO | JsonOutput) -> int:
    count = 0
    for batch in batches:
        file.write(msgspec.json.encode(batch_to_wire(batch)) + b"\n")
        count += len(batch.entries)
    file.flush()
    return count
