"""The screens there are, by name: one table for the app, the palette and the help.

A screen's module is imported when it is first opened, so that the first one to be seen does not
wait for the others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from textual.screen import Screen

from perftui.config import Settings
from perftui.model import Clock
from perftui.request_columns import ColumnReader


@dataclass(frozen=True, slots=True)
class Subject:
    """What a screen is to show.

    Attributes:
        session_id: a session; None where the screen needs none.
        page_view_id: one of its pageviews.
        seq: one of its entries.
        other_session_id: the second session of a comparison.
        session_ids: several sessions, to be laid over each other.
        live: follow it as it arrives; with ``session_id`` None: whichever begins next.
        at: where a replay begins, as the person typed it.
        speed: how fast a replay plays.
        play: begin to play at once.
        filter: a filter expression to begin with.
    """

    session_id: str | None = None
    page_view_id: str | None = None
    seq: int | None = None
    other_session_id: str | None = None
    session_ids: tuple[str, ...] | None = None
    live: bool = False
    at: str | None = None
    speed: float = 1.0
    play: bool = False
    filter: str = ""


class Editor(Protocol):
    """Changes to a store that a person asks for. Blocking; made and closed in one worker."""

    def rename(self, session_id: str, label: str | None) -> None:
        """Give a session a name, or take it away."""
        ...

    def pin(self, session_id: str, pinned: bool) -> None:
        """Keep a session from being pruned, or let it go."""
        ...

    def delete(self, session_id: str) -> object:
        """Take a session off every list; what is answered brings it back."""
        ...

    def restore(self, deleted: object) -> None:
        """Bring back what :meth:`delete` took away, unless its entries have been removed since."""
        ...

    def close(self) -> None:
        """Let go of the store."""
        ...


class History(Protocol):
    """Filters that were applied, kept between one run of the app and the next."""

    def read(self) -> list[str]:
        """What is remembered, the newest last."""
        ...

    def add(self, text: str) -> None:
        """Remember one more. Blocking."""
        ...


@dataclass(frozen=True, slots=True)
class Services:
    """What the app was started with, for its screens.

    Attributes:
        open_reader: makes a reader. Each thread has its own, and closes it.
        open_editor: makes an editor; None where the store is not ours to change.
        settings: file, environment and flags already applied.
        clock: where the time comes from.
        server_url: the capture server's, where one runs.
        invitation: another way to see a page, as ``visit http://localhost:8080``.
        history: of filters; None where they are remembered for this run alone.
    """

    open_reader: Callable[[], ColumnReader]
    settings: Settings
    clock: Clock
    open_editor: Callable[[], Editor] | None = None
    server_url: str | None = None
    invitation: str | None = None
    history: History | None = None

    @property
    def script_tag(self) -> str:
        """The one line to paste into a page."""
        return f'<script src="{self.server_url or "http://127.0.0.1:8137"}/perftui.js"></script>'


@dataclass(frozen=True, slots=True)
class ScreenSpec:
    """One screen.

    Attributes:
        name: what it is opened by.
        title: for people.
        key: opens it from any screen that has a fitting subject; empty for none.
        target: ``module:class``; the class is called with the services and a subject.
        needs: the attribute of the subject without which it makes no sense; empty for none.
    """

    name: str
    title: str
    key: str
    target: str
    needs: str = ""

    def make(self, services: Services, subject: Subject) -> Screen[object]:
        """Import and build it."""
        module, attribute = self.target.split(":")
        factory = getattr(import_module(module), attribute)
        return cast("Screen[object]", factory(services, subject))

    @property
    def exists(self) -> bool:
        """Whether this installation has it."""
        return find_spec(self.target.partition(":")[0]) is not None

    def fits(self, subject: Subject) -> bool:
        """Whether there is something for it to show."""
        return not self.needs or getattr(subject, self.needs) is not None


SCREENS: tuple[ScreenSpec, ...] = (
    ScreenSpec("sessions", "Sessions", "", "perftui.screens.sessions:SessionsScreen"),
    ScreenSpec("replay", "Replay and live", "", "perftui.screens.replay:ReplayScreen"),
    ScreenSpec(
        "waterfall",
        "Waterfall",
        "w",
        "perftui.screens.waterfall:WaterfallScreen",
        needs="session_id",
    ),
    ScreenSpec(
        "insights",
        "Insights",
        "i",
        "perftui.screens.insights:InsightsScreen",
        needs="session_id",
    ),
    ScreenSpec(
        "compare",
        "Compare",
        "",
        "perftui.screens.compare:CompareScreen",
        needs="other_session_id",
    ),
    ScreenSpec(
        "overlay",
        "Sessions over each other",
        "",
        "perftui.screens.overlay:OverlayScreen",
        needs="session_ids",
    ),
    ScreenSpec("request", "Request", "", "perftui.screens.request:RequestScreen", needs="seq"),
    ScreenSpec("help", "Help", "question_mark", "perftui.screens.help:HelpScreen"),
)
"""Every screen; a new one is a line here and a module of its own."""


def spec(name: str) -> ScreenSpec:
    """The screen of that name."""
    return next(one for one in SCREENS if one.name == name)
