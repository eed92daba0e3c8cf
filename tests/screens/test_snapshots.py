"""Pictures of the screens: compared with those that were looked at."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.command import CommandInput, CommandList
from textual.pilot import Pilot

from perftui.screens.registry import SCREENS
from perftui.widgets.filter_line import FilterInput
from perftui.widgets.themes import LIGHT, SIXTEEN
from tests.screens.conftest import MakeApp, press, settle, until
from tests.screens.sample_store import SESSION

SIZES = {"120x40": (120, 40), "80x24": (80, 24)}
LOOKS: dict[str, dict[str, Any]] = {
    "dark": {},
    "light": {"theme": LIGHT},
    "plain": {"color": False},
    "ascii": {"ascii": True},
}

Compare = Callable[..., bool]


def keys(*pressed: str) -> Callable[[Pilot[Any]], Any]:
    async def before(pilot: Pilot[Any]) -> None:
        await settle(pilot)
        await press(pilot, *pressed)
        await settle(pilot)

    return before


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("size", SIZES)
def test_sessions(snap_compare: Compare, make_app: MakeApp, size: str, look: str) -> None:
    app = make_app("sessions", **LOOKS[look])
    assert snap_compare(app, terminal_size=SIZES[size], run_before=keys())


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("size", SIZES)
def test_replay(snap_compare: Compare, make_app: MakeApp, size: str, look: str) -> None:
    app = make_app(**LOOKS[look])
    assert snap_compare(app, terminal_size=SIZES[size], run_before=keys("e"))


@pytest.mark.parametrize("size", SIZES)
def test_the_terminals_own_sixteen_colours(
    snap_compare: Compare, make_app: MakeApp, size: str
) -> None:
    app = make_app(theme=SIXTEEN)
    assert snap_compare(app, terminal_size=SIZES[size], run_before=keys("e"))


@pytest.mark.parametrize("look", LOOKS)
def test_a_menu_over_its_screen(snap_compare: Compare, make_app: MakeApp, look: str) -> None:
    app = make_app(**LOOKS[look])
    assert snap_compare(app, terminal_size=SIZES["80x24"], run_before=keys("e", "y"))


@pytest.mark.parametrize("size", SIZES)
def test_in_flight_at_the_playhead(snap_compare: Compare, make_app: MakeApp, size: str) -> None:
    app = make_app(session_id=SESSION, at="2.5")
    assert snap_compare(app, terminal_size=SIZES[size], run_before=keys("n"))


def test_live_with_a_filter(snap_compare: Compare, make_app: MakeApp) -> None:
    app = make_app(session_id=SESSION, live=True, filter="type:fetch -promo")
    assert snap_compare(app, terminal_size=(120, 40), run_before=keys())


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("size", SIZES)
def test_waiting(
    snap_compare: Compare, make_app: MakeApp, tmp_path: Any, size: str, look: str
) -> None:
    app = make_app(live=True, store=tmp_path / "none.db", **LOOKS[look])

    async def before(pilot: Pilot[Any]) -> None:
        await settle(pilot, waiting=True)

    assert snap_compare(app, terminal_size=SIZES[size], run_before=before)


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("tab", ["1", "2", "3", "4", "5", "6"])
def test_tabs_of_the_detail(
    snap_compare: Compare, make_app: MakeApp, tab: str, size: str, look: str
) -> None:
    app = make_app(**LOOKS[look])
    opened = ("e", "d", "tab", tab) if size == "80x24" else ("e", "tab", tab)
    assert snap_compare(app, terminal_size=SIZES[size], run_before=keys(*opened))


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("size", SIZES)
def test_the_command_palette(
    snap_compare: Compare, make_app: MakeApp, size: str, look: str
) -> None:
    app = make_app(**LOOKS[look])

    async def before(pilot: Pilot[Any]) -> None:
        await keys("e", "ctrl+p")(pilot)
        listed = pilot.app.screen.query_one(CommandList)
        await until(pilot, lambda: listed.option_count > 20, "the commands are listed")
        pilot.app.screen.query_one(CommandInput).cursor_blink = False
        await press(pilot, "down", "down")

    assert snap_compare(app, terminal_size=SIZES[size], run_before=before)


@pytest.mark.parametrize("size", SIZES)
def test_a_filter_with_a_mistake(snap_compare: Compare, make_app: MakeApp, size: str) -> None:
    app = make_app()

    async def before(pilot: Pilot[Any]) -> None:
        await keys("slash", *"type:fetch sttus:404")(pilot)
        pilot.app.screen.query_one(FilterInput).cursor_blink = False
        await settle(pilot)

    assert snap_compare(app, terminal_size=SIZES[size], run_before=before)


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("size", SIZES)
def test_help(snap_compare: Compare, make_app: MakeApp, size: str, look: str) -> None:
    app = make_app(**LOOKS[look])
    assert snap_compare(app, terminal_size=SIZES[size], run_before=keys("question_mark"))


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("size", SIZES)
def test_request(snap_compare: Compare, make_app: MakeApp, size: str, look: str) -> None:
    app = make_app(**LOOKS[look])
    opened = ("e", "enter", "enter") if size == "80x24" else ("e", "enter")
    assert snap_compare(app, terminal_size=SIZES[size], run_before=keys(*opened))


def test_a_wide_terminal(snap_compare: Compare, make_app: MakeApp) -> None:
    assert snap_compare(make_app(), terminal_size=(300, 100), run_before=keys("e"))


def test_every_screen_is_in_the_table() -> None:
    names = [one.name for one in SCREENS]
    assert len(names) == len(set(names))
    assert {"sessions", "replay", "request", "help"} <= set(names)


PICTURES = {
    "sessions": "test_snapshots/test_sessions",
    "replay": "test_snapshots/test_replay",
    "waterfall": "test_waterfall/test_picture",
    "insights": "test_insights/test_insights",
    "compare": "test_insights/test_compare",
    "overlay": "test_overlay/test_picture",
    "request": "test_snapshots/test_request",
    "help": "test_snapshots/test_help",
}
"""Screen -> the tests that take its pictures: those whose names begin so."""


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("screen", [one.name for one in SCREENS])
def test_each_screen_has_a_picture_in_each_size_and_look(screen: str, size: str, look: str) -> None:
    folder, _, test = PICTURES[screen].partition("/")
    kept = Path(__file__).parent / "__snapshots__" / folder
    named = {
        frozenset(re.split(r"[\[\]-]", path.stem))
        for path in kept.iterdir()
        if path.name.startswith(test)
    }
    others = LOOKS.keys() - {look}
    assert [
        parts
        for parts in named
        if size in parts and (look in parts or (look == "dark" and not parts & others))
    ]
