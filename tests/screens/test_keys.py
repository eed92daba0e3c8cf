"""Every key of every screen comes to the action that its binding names, in the place where it is
shown to work. What the actions do is for the tests of the screens."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from textual.binding import Binding
from textual.dom import DOMNode
from textual.pilot import Pilot

import perftui.screens
import perftui.widgets
from perftui.app import PerftuiApp
from perftui.screens.base import BaseScreen
from perftui.screens.compare import CompareScreen
from perftui.screens.filter_screen import FilterScreen
from perftui.screens.help import HelpScreen
from perftui.screens.insights import InsightsScreen
from perftui.screens.menu import Menu
from perftui.screens.overlay import OverlayScreen
from perftui.screens.player import PlayerScreen
from perftui.screens.replay import ReplayScreen
from perftui.screens.replay_panes import PanesScreen
from perftui.screens.request import RequestScreen
from perftui.screens.sessions import SessionsScreen
from perftui.screens.waterfall import WaterfallScreen
from perftui.widgets.detail_pane import DetailPane
from perftui.widgets.filter_line import FilterInput
from perftui.widgets.row_list import RowList
from perftui.widgets.styled_lines import StyledLines
from tests.screens.conftest import MakeApp, opened, press, settle
from tests.screens.sample_store import OTHER, SESSION

Ready = Callable[[Pilot[Any]], Awaitable[None]]


async def nothing(pilot: Pilot[Any]) -> None:
    """The screen is ready as it opens."""


def pressing(*keys: str) -> Ready:
    async def ready(pilot: Pilot[Any]) -> None:
        await press(pilot, *keys)

    return ready


def focusing(kind: type[Any]) -> Ready:
    async def ready(pilot: Pilot[Any]) -> None:
        pilot.app.screen.query(kind).first().focus()
        await settle(pilot)

    return ready


@dataclass(frozen=True)
class Place:
    """Where the keys of a class work: a screen, and what is done there first."""

    screen: str
    subject: dict[str, Any] = field(default_factory=dict)
    ready: Ready = nothing


OF_SESSION = {"session_id": SESSION}

PLACES: dict[type[Any], Place] = {
    PerftuiApp: Place("sessions"),
    BaseScreen: Place("sessions"),
    RowList: Place("sessions"),
    SessionsScreen: Place("sessions"),
    PlayerScreen: Place("replay", OF_SESSION),
    ReplayScreen: Place("replay", OF_SESSION),
    PanesScreen: Place("replay", OF_SESSION),
    FilterScreen: Place("replay", OF_SESSION),
    FilterInput: Place("replay", OF_SESSION, pressing("slash")),
    DetailPane: Place("replay", OF_SESSION, pressing("e", "tab")),
    Menu: Place("replay", OF_SESSION, pressing("e", "y")),
    WaterfallScreen: Place("waterfall", OF_SESSION),
    RequestScreen: Place("request", OF_SESSION | {"seq": 22}),
    InsightsScreen: Place("insights", OF_SESSION),
    CompareScreen: Place("compare", OF_SESSION | {"other_session_id": OTHER}),
    OverlayScreen: Place("overlay", {"session_ids": (SESSION, OTHER)}),
    HelpScreen: Place("help"),
    StyledLines: Place("help", {}, focusing(StyledLines)),
}


def bindings(owner: type[Any]) -> list[Binding]:
    """Those that a class itself declares."""
    found = owner.__dict__.get("BINDINGS", ())
    return [one for one in found if isinstance(one, Binding)]


def owners() -> Iterator[type[Any]]:
    """The classes of the app that declare bindings."""
    yield PerftuiApp
    for package in (perftui.screens, perftui.widgets):
        for module in pkgutil.iter_modules(package.__path__):
            name = f"{package.__name__}.{module.name}"
            for one in vars(importlib.import_module(name)).values():
                declares = isinstance(one, type) and issubclass(one, DOMNode) and bindings(one)
                if declares and one.__module__ == name:
                    yield one


def test_every_class_with_keys_has_a_place() -> None:
    assert set(owners()) == set(PLACES)


@pytest.mark.parametrize("owner", PLACES, ids=lambda owner: owner.__name__)
async def test_every_key_comes_to_its_action(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch, owner: type[Any]
) -> None:
    place = PLACES[owner]
    app = make_app(place.screen, **place.subject)
    async with opened(app) as pilot:
        await place.ready(pilot)
        asked: list[tuple[str, object]] = []

        async def record(action: str, default_namespace: object = None, *_: object) -> bool:
            asked.append((action, default_namespace))
            return True

        monkeypatch.setattr(app, "run_action", record)
        for binding in bindings(owner):
            for key in binding.key.split(","):
                asked.clear()
                await pilot.press(key)
                assert asked, f"{key} ({binding.id}) comes to nothing"
                action, namespace = asked[0]
                assert action == binding.action, f"{key} ({binding.id}) does {action}"
                assert isinstance(namespace, owner)
                called, _, method = action.partition("(")[0].rpartition(".")
                target = {"": namespace, "screen": app.screen, "app": app}[called]
                assert callable(getattr(target, f"action_{method}", None)), f"no {action}"
