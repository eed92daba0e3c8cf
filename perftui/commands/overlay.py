"""``perftui overlay``: the timelines of several sessions laid over each other."""

from __future__ import annotations

import shutil

import click

from perftui.commands.context import Context, echo_json, pass_context
from perftui.commands.report import PLAIN_WIDTH
from perftui.errors import UsageError


@click.command("overlay")
@click.argument("sessions", nargs=-1, metavar="[SESSION]...")
@click.option("--width", type=click.IntRange(60, 1000), help="Cells of a line.")
@click.option(
    "--json", "as_json", is_flag=True, help="One JSON object per session, then one of all."
)
@pass_context
def overlay_command(
    context: Context,
    sessions: tuple[str, ...],
    width: int | None,
    as_json: bool,
) -> None:
    """Lay the timelines of two SESSIONs or more over each other, each from its own start.

    Each SESSION is an ID, its beginning, a label, or `last`; without any the newest twelve. Rows are
    requests in flight in equal slots of one axis; below them are the median of all and its quartiles.
    A session that has ended is blank, and is not counted there.
    """
    from perftui.analysis.overlay import MOST_SHOWN, overlay
    from perftui.analysis.overlay_reading import read_track
    from perftui.analysis.overlay_text import columns, overlay_documents, overlay_lines

    room = width or shutil.get_terminal_size((PLAIN_WIDTH, 24)).columns
    _name, band, _figures = columns(room)
    with context.open_reader() as reader:
        if sessions:
            found = dict.fromkeys(reader.find_session(one) for one in sessions)
            chosen = [reader.session(one) for one in found]
        else:
            chosen = list(reader.sessions()[:MOST_SHOWN])
        if len(chosen) < 2:
            raise UsageError(
                f"an overlay takes two sessions or more, and {len(chosen) or 'none'} was found;"
                " `perftui sessions` lists them"
            )
        told = overlay([read_track(reader, one, context.settings) for one in chosen], band)
    if as_json:
        for document in overlay_documents(told):
            echo_json(document)
        return
    for line in overlay_lines(told, width=room, ascii_only=context.settings.app.ascii):
        click.echo(line)
