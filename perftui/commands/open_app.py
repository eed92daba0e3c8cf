"""Put the app together: settings, readers, clock and what it is to show first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perftui.commands.context import Context
from perftui.config import default_config_path
from perftui.errors import SettingsError

if TYPE_CHECKING:
    from perftui.app import PerftuiApp


def open_app(
    context: Context,
    *,
    server_url: str | None = None,
    invitation: str | None = None,
    live: bool = False,
    session_id: str | None = None,
    at: str | None = None,
    speed: float = 1.0,
    play: bool = False,
) -> None:
    """Run the app until it is closed.

    Args:
        server_url: the capture server's, to show the script tag.
        invitation: another way to see a page (``visit http://…``), shown where there is nothing yet.
        live: follow the newest session as it arrives.
        session_id: replay this session.
        at, speed: where and how fast the replay begins.
        play: begin to play at once.
    """
    make_app(
        context,
        server_url=server_url,
        invitation=invitation,
        live=live,
        session_id=session_id,
        at=at,
        speed=speed,
        play=play,
    ).run()


def make_app(
    context: Context,
    *,
    server_url: str | None = None,
    invitation: str | None = None,
    live: bool = False,
    session_id: str | None = None,
    at: str | None = None,
    speed: float = 1.0,
    play: bool = False,
) -> PerftuiApp:
    """The app of :func:`open_app`, not yet running.

    Raises:
        SettingsError: what ``[app]`` names does not exist, or two actions would have the same key.
    """
    from perftui.app import PerftuiApp, has_sixteen_colors
    from perftui.commands.editing import StoreEditor
    from perftui.commands.filter_history import FilterHistory
    from perftui.screens.registry import Subject

    opened = live or session_id is not None
    try:
        return PerftuiApp(
            context.new_reader,
            context.settings,
            context.clock,
            start_screen="replay" if opened else "sessions",
            subject=Subject(session_id=session_id, live=live, at=at, speed=speed, play=play),
            open_editor=lambda: StoreEditor(context),
            server_url=server_url,
            invitation=invitation,
            history=FilterHistory(context.store_path),
            color=context.color,
            sixteen_colors=has_sixteen_colors(),
        )
    except SettingsError as error:
        raise SettingsError(f"{context.config_path or default_config_path()}: {error}") from None
