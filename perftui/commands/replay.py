"""``perftui replay``: a saved session, played like a film."""

from __future__ import annotations

import click

from perftui.commands.context import Context, pass_context
from perftui.commands.selection import session_argument


@click.command()
@session_argument
@click.option(
    "--speed",
    type=click.FloatRange(min=0.25, max=64),
    default=1.0,
    show_default=True,
    help="How fast it plays.",
)
@click.option("--at", metavar="TIME", help="Begin there: seconds (12.4), mm:ss, or a percentage.")
@click.option("--play", is_flag=True, help="Begin to play at once.")
@pass_context
def replay(context: Context, session: str, speed: float, at: str | None, play: bool) -> None:
    """Replay SESSION (an ID, its beginning, a label, or `last`).

    Play, pause, seek, step, jump to the next slow request; see what was in flight at any moment.
    Without a terminal the session's log is printed. DSN#SESSION pulls a session out of ClickHouse
    first.
    """
    if "://" in session and "#" in session:
        from perftui.commands.pull import pull_session

        dsn, _, session = session.rpartition("#")
        session = pull_session(context, dsn, session)
    with context.open_reader() as reader:
        session_id = reader.find_session(session)
        if not context.has_terminal:
            from perftui.commands.log import print_log

            print_log(context, reader, session_id)
            return
    from perftui.commands.open_app import open_app

    open_app(context, session_id=session_id, speed=speed, at=at, play=play)
