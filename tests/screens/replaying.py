"""The sample session in a replay, and what a test looks at there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from textual.pilot import Pilot

from perftui.screens.replay import ReplayScreen
from perftui.widgets.row_list import RowList
from tests.screens.conftest import MakeApp, opened
from tests.screens.sample_store import SESSION

END = 16_470_000
"""End of the sample session, µs."""


@asynccontextmanager
async def replay(
    make_app: MakeApp, size: tuple[int, int] = (120, 40), **subject: Any
) -> AsyncIterator[tuple[Pilot[Any], ReplayScreen]]:
    app = make_app(**({"session_id": SESSION} | subject))
    async with opened(app, size) as pilot:
        assert isinstance(app.screen, ReplayScreen)
        yield pilot, app.screen


def rows(screen: ReplayScreen) -> RowList:
    return screen.query_one(RowList)


def focused(screen: ReplayScreen) -> Any:
    return screen.focused


def top(pilot: Pilot[Any]) -> Any:
    return pilot.app.screen


def leaf(screen: ReplayScreen) -> str:
    assert screen.selected is not None
    return screen.selected.entry.name.rpartition("/")[2]
