"""A screen that is left, while what it has asked for is still to come."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from textual.command import CommandPalette

from perftui.app import PerftuiApp
from perftui.screens.registry import Subject
from perftui.screens.replay import ReplayScreen
from tests.screens.conftest import MakeApp, opened, settle, until


async def test_a_screen_that_is_left_is_not_called_after_the_refresh_of_the_next(
    make_app: MakeApp,
) -> None:
    app = make_app()
    async with opened(app) as pilot:
        left, called = app.screen, list[str]()
        left.call_after_refresh(called.append, "while it is there")
        await until(pilot, lambda: called == ["while it is there"])
        app.pop_screen()
        left.call_after_refresh(called.append, "on its way out")
        await until(pilot, lambda: not left.is_attached)
        app.screen.call_after_refresh(called.append, "the next")
        await until(pilot, lambda: called[-1] == "the next")
        assert called == ["while it is there", "the next"]


@pytest.mark.parametrize("key", ["ctrl+p", "ctrl+t"])
async def test_a_double_click_beside_the_command_palette_closes_it_alone(
    make_app: MakeApp, key: str
) -> None:
    app = make_app()
    async with opened(app) as pilot:
        await pilot.press(key)
        await until(pilot, lambda: isinstance(app.screen, CommandPalette))
        palette = app.screen
        await until(pilot, lambda: palette.is_mounted)
        # Each click beside it does; two of them may come at once.
        palette.dismiss()
        palette.dismiss()
        await until(pilot, lambda: not palette.is_attached)
        await settle(pilot)
        assert isinstance(app.screen, ReplayScreen)


@pytest.mark.parametrize("ask", [PerftuiApp.action_command_palette, PerftuiApp.search_themes])
async def test_a_palette_is_opened_again_before_the_one_before_has_been_taken_apart(
    make_app: MakeApp, ask: Callable[[PerftuiApp], None]
) -> None:
    app = make_app()
    async with opened(app) as pilot:
        ask(app)
        first = app.screen
        await until(pilot, lambda: first.is_mounted)
        first.dismiss()
        assert first.is_attached
        ask(app)
        assert isinstance(app.screen, CommandPalette)
        assert app.screen is not first
        await until(pilot, lambda: not first.is_attached)


async def test_a_palette_is_open_once_whatever_lies_over_it(make_app: MakeApp) -> None:
    app = make_app()
    async with opened(app) as pilot:
        app.action_command_palette()
        app.search_themes()
        app.action_command_palette()
        app.open_screen("help", Subject())
        app.action_command_palette()
        await until(pilot, lambda: all(screen.is_mounted for screen in app.screen_stack))
        assert [isinstance(one, CommandPalette) for one in app.screen_stack].count(True) == 1
