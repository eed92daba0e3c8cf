"""Everything there is to do on a screen, for the command palette: the bindings, by their words."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from textual.app import App, SystemCommand
from textual.await_complete import AwaitComplete
from textual.command import CommandPalette
from textual.screen import Screen

from perftui.screens.base import BaseScreen
from perftui.screens.copying import save_picture

_MOVES = ("list.", "text.", "filter.earlier", "filter.later", "filter.complete", "filter.close")
"""Bindings that only make sense as keys."""


class Commands(CommandPalette):
    """The command palette, and its like for themes. It goes once: the second click of a double click
    beside it would take the screen below with it. It has no ID, as Textual's own has: one that was
    closed is taken apart in its own time, and the next may be opened before that is done.
    """

    def dismiss(self, result: None = None) -> AwaitComplete:
        """As Textual has it, while it is in front."""
        return super().dismiss(result) if self.app.screen is self else AwaitComplete()


def offers_commands(app: App[Any]) -> bool:
    """Whether a palette is open already, in front or below what was opened from it."""
    return any(isinstance(screen, Commands) for screen in app.screen_stack)


def system_commands(app: App[Any], screen: Screen[Any]) -> Iterable[SystemCommand]:
    """One command for each binding that is active, the screen's own first."""
    seen: set[str] = set()
    for active in screen.active_bindings.values():
        binding = active.binding
        if (
            not binding.id
            or binding.id in seen
            or not active.enabled
            or binding.id.startswith(_MOVES)
            or binding.id.startswith("replay.to-")
        ):
            continue
        seen.add(binding.id)
        key = app.get_key_display(binding)
        yield SystemCommand(
            binding.description, f"{key}   {binding.id}", _run(app, active.node, binding.action)
        )
    if isinstance(screen, BaseScreen):
        yield SystemCommand(
            "Picture of the screen",
            "Save the screen as an SVG file in the current folder",
            # After the palette has gone from the picture.
            lambda: screen.call_after_refresh(save_picture, screen),
        )


def _run(app: App[Any], node: Any, action: str) -> Callable[[], Any]:
    async def run() -> None:
        await app.run_action(action, node)

    return run
