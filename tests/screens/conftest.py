"""The app over a real store, with a clock that stands still."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.screen import ModalScreen

from perftui.app import PerftuiApp
from perftui.commands.context import Context
from perftui.commands.editing import StoreEditor
from perftui.config import AppSettings, Settings
from perftui.screens.base import BaseScreen
from perftui.screens.registry import Subject
from perftui.screens.replay import ReplayScreen
from perftui.screens.rest import Rest
from tests.screens.sample_store import SESSION, FrozenClock, make_store

PATIENCE_SECONDS = 30.0
"""How long a condition may take: a loaded CI machine is slow, and no test waits for nothing."""

MakeApp = Callable[..., PerftuiApp]


@pytest.fixture(scope="session")
def sample_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that no test writes to."""
    return make_store(tmp_path_factory.mktemp("store") / "sample.db")


@pytest.fixture
def own_store(tmp_path: Path) -> Path:
    """The same store, for this test alone."""
    return make_store(tmp_path / "own.db")


@pytest.fixture
def make_app(sample_store: Path) -> MakeApp:
    """Builds the app as `perftui` does, over a store."""

    def make(
        screen: str = "replay",
        *,
        store: Path = sample_store,
        clock: FrozenClock | None = None,
        theme: str | None = None,
        ascii: bool = False,  # noqa: A002 - the setting's name
        color: bool = True,
        keys: dict[str, str] | None = None,
        server_url: str | None = "http://127.0.0.1:8137",
        **subject: Any,
    ) -> PerftuiApp:
        settings = Settings(app=AppSettings(theme=theme, ascii=ascii, keys=keys or {}))
        context = Context(settings, store, color, clock=clock or FrozenClock())
        if screen == "replay" and not subject:
            subject = {"session_id": SESSION}
        return PerftuiApp(
            context.new_reader,
            settings,
            context.clock,
            start_screen=screen,
            subject=Subject(**subject),
            open_editor=lambda: StoreEditor(context),
            server_url=server_url,
            color=color,
        )

    return make


async def until(pilot: Pilot[Any], condition: Callable[[], object], what: str = "") -> None:
    """Let the app work until a condition holds.

    Raises:
        AssertionError: it does not, for :data:`PATIENCE_SECONDS`.
    """
    import asyncio

    loop = asyncio.get_running_loop()
    end = loop.time() + PATIENCE_SECONDS
    while not condition():
        assert pilot.app._exception is None, "the app has crashed"
        if loop.time() > end:
            raise AssertionError(f"not within {PATIENCE_SECONDS:.0f} s: {what or condition}")
        await pilot.pause(0.01)


async def settle(pilot: Pilot[Any], *, waiting: bool = False) -> None:
    """Wait until nothing is under way: no question to the store, no timer of a resting cursor.

    Args:
        waiting: there is no session yet, and none will come.
    """
    app = pilot.app

    def calm() -> bool:
        screen: Any = app.screen
        told: Any = getattr(screen, "_told", True)
        known = (
            waiting
            or not isinstance(screen, ReplayScreen)
            or (told is not None and screen._around_count == told.summary.entry_count)
        )
        return (
            isinstance(screen, BaseScreen | ModalScreen)
            and screen.is_mounted
            and (waiting or bool(told))
            and known
            and not any(isinstance(one, Rest) and one.is_waiting for one in vars(screen).values())
            and all(
                worker.is_finished
                for worker in app.workers
                if worker.group in {"once", "pieces", "facts", "edit", "usual", "plot"}
            )
        )

    for _ in range(3):
        await until(pilot, calm, "the app has come to rest")
        await pilot.pause()
    assert app._exception is None, "the app has crashed"


@asynccontextmanager
async def opened(
    app: PerftuiApp, size: tuple[int, int] = (120, 40), *, waiting: bool = False
) -> AsyncIterator[Pilot[Any]]:
    """The app on a terminal of so many columns and lines, once it has come to rest."""
    async with app.run_test(size=size) as pilot:
        await settle(pilot, waiting=waiting)
        yield pilot


async def press(pilot: Pilot[Any], *keys: str) -> None:
    """Press keys, each after the one before has had its effect."""
    for key in keys:
        await pilot.press(key)
        await settle(pilot)


Step = Callable[[Pilot[Any]], Awaitable[None]]
