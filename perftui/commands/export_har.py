"""``perftui export har``: a session as a HAR 1.2 file."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click

from perftui.analysis.text import sanitise
from perftui.commands.context import Context, JsonOutput, pass_context
from perftui.commands.selection import filter_option, find_page_view, session_argument
from perftui.errors import ExportError
from perftui.model import Predicate


@click.command("har")
@session_argument
@filter_option
@click.option("--pageview", "page_view", help="Only this pageview: its number or ID.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    default="-",
    help="The file to write [default: stdout].",
)
@pass_context
def export_har(
    context: Context,
    session: str,
    predicate: Predicate | None,
    page_view: str | None,
    output: Path,
) -> None:
    """Write SESSION (an ID, its beginning, a label, or `last`) as HAR 1.2.

    The network panels of Chrome and Firefox open it; `perftui import` makes the same session of it
    again.
    """
    from perftui.export.har import har_pieces

    with context.open_reader() as reader:
        session_id = reader.find_session(session)
        views = reader.page_views(session_id)
        only = None
        if page_view is not None:
            chosen = find_page_view(reader, session_id, page_view)
            views, only = [chosen], chosen.page_view_id
        records = reader.iter_records(session_id, page_view_id=only, predicate=predicate)
        pieces = har_pieces(reader.session(session_id), views, records)
        if str(output) == "-":
            stdout = JsonOutput()
            _write(pieces, stdout.write)
            stdout.flush()
            return
        try:
            with output.open("wb") as file:
                _write(pieces, file.write)
        except OSError as error:
            raise ExportError(f"cannot write {output}: {error.strerror}") from error
    click.echo(f"{sanitise(session_id)} written to {sanitise(str(output))}", err=True)


def _write(pieces: Iterable[bytes], write: object) -> None:
    assert callable(write)
    for piece in pieces:
        write(piece)
