"""``perftui`` without a command: the capture server and the live app."""

from __future__ import annotations

import click

from perftui.commands.capture_server import CaptureServer, capture_server
from perftui.commands.context import Context, pass_context


@click.command()
@pass_context
def live(context: Context) -> None:
    """Start (or join) the capture server and open the live app."""
    with capture_server(context) as server:
        if context.has_terminal:
            from perftui.commands.open_app import open_app

            open_app(context, server_url=server.url, live=True)
        else:
            follow_without_terminal(context, server)


def follow_without_terminal(context: Context, server: CaptureServer) -> None:
    """Say how to begin, then print the log of whatever arrives, until interrupted."""
    from perftui.commands.log import follow

    verb = "joined" if server.joined else "listening on"
    click.echo(f"perftui: {verb} {server.url}; paste this into your page's head:", err=True)
    click.echo(f"  {server.script_tag}", err=True)
    with context.open_reader() as reader:
        follow(context, reader, session_id=None, after_seq=reader.last_seq(), as_json=False)
