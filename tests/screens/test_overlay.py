"""The screen that lays sessions over each other: keys, states and pictures."""

from __future__ import annotations

from typing import Any

import pytest

from perftui.screens.overlay import OverlayScreen
from perftui.screens.replay import ReplayScreen
from perftui.screens.sessions import SessionsScreen
from perftui.screens.waterfall import WaterfallScreen
from perftui.widgets.note import Note
from perftui.widgets.overlay_rows import Layout, OverlayList
from tests.screens.conftest import MakeApp, opened, press, until
from tests.screens.sample_store import OTHER, SESSION
from tests.screens.test_snapshots import LOOKS, SIZES, Compare, keys

BOTH = {"session_ids": (SESSION, OTHER)}


def words(screen: Any) -> str:
    note = screen.query_one(Note)
    return " ".join(text for line in note._lines for text, _style in line) if note.display else ""


def has_slots_for_its_width(screen: OverlayScreen) -> bool:
    told = screen._told
    return told is not None and len(told.quartiles) == Layout.of(screen.size.width).slots


async def test_marked_sessions_open_it_and_a_row_opens_its_replay(make_app: MakeApp) -> None:
    app = make_app("sessions")
    async with opened(app) as pilot:
        await press(pilot, "m", "o")
        assert isinstance(app.screen, SessionsScreen), "one session alone is no overlay"
        await press(pilot, "j", "m", "o")
        screen = app.screen
        assert isinstance(screen, OverlayScreen)
        assert screen.selected_id == SESSION
        await press(pilot, "j")
        assert screen.selected_id == OTHER
        await press(pilot, "k")
        assert screen.selected_id == SESSION
        await press(pilot, "j", "enter")
        assert isinstance(app.screen, ReplayScreen)
        assert app.screen.subject.session_id == OTHER
        await press(pilot, "escape")
        assert app.screen is screen
        assert screen.selected_id == OTHER
        await press(pilot, "w")
        assert isinstance(app.screen, WaterfallScreen)
        await press(pilot, "escape", "escape")
        assert isinstance(app.screen, SessionsScreen)


async def test_other_widths_have_other_slots(make_app: MakeApp) -> None:
    app = make_app("overlay", **BOTH)
    async with opened(app) as pilot:
        screen = app.screen
        assert isinstance(screen, OverlayScreen)
        for width, height in ((80, 24), (111, 30), (60, 12)):
            await pilot.resize_terminal(width, height)
            await until(pilot, lambda: has_slots_for_its_width(screen), f"{width} cells")
            assert screen.size.width == width
            assert screen.painter.layout == Layout.of(width)


async def test_a_session_that_is_gone_and_none_at_all_are_said(make_app: MakeApp) -> None:
    app = make_app("overlay", session_ids=(SESSION, "never-was"))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "never-was" in words(app.screen), "it says which is gone")
        assert not app.screen.query_one(OverlayList).display
    app = make_app("overlay", session_ids=())
    async with opened(app, (80, 24), waiting=True) as pilot:
        assert "mark two or more" in words(app.screen)


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("size", SIZES)
def test_picture(snap_compare: Compare, make_app: MakeApp, size: str, look: str) -> None:
    app = make_app("overlay", **BOTH, **LOOKS[look])
    assert snap_compare(app, terminal_size=SIZES[size], run_before=keys("j"))
