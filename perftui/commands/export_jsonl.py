"""``perftui export jsonl``: a session as batches of the wire, which ``perftui import`` reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any, BinaryIO

import click
import msgspec

from perftui.analysis.text import sanitise
from perftui.commands.context import Context, JsonOutput, pass_context
from perftui.commands.selection import session_argument
from perftui.errors import ExportError
from perftui.export.wire import batch_to_wire


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
            count = _write(source, session_id, JsonOutput())
        else:
            try:
                with output.open("wb") as file:
                    count = _write(source, session_id, file)
            except OSError as error:
                raise ExportError(f"cannot write {output}: {error.strerror}") from error
            click.echo(f"{count} entries written to {sanitise(str(output))}", err=True)
    finally:
        source.close()


def _write(source: Any, session_id: str, file: BinaryIO | JsonOutput) -> int:
    count = 0
    for batch in source.batches(session_id):
        file.write(msgspec.json.encode(batch_to_wire(batch)) + b"\n")
        count += len(batch.entries)
    file.flush()
    return count
