"""Keys that come together: each is taken once the one before has had its effect, whatever that is."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input

from perftui.widgets.typed_ahead import TypedAhead
from tests.screens.conftest import until


class Vanishing(Widget, can_focus=True):
    """Goes with the first key, which it keeps to itself."""

    def on_key(self, event: events.Key) -> None:
        event.stop()
        self.remove()


class Above(Screen[None]):
    """Has an input that has the focus as soon as it is there."""

    def compose(self) -> ComposeResult:
        yield Input()


class Typed(App[None]):
    """Writes down the keys that nothing else has taken."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("w", "above"), Binding("q", "closed")]

    def __init__(self, *, in_turn: bool) -> None:
        super().__init__()
        self.came: list[str] = []
        self._in_turn = in_turn
        self._typed_ahead = TypedAhead(self, super().on_event)

    def compose(self) -> ComposeResult:
        yield Vanishing()

    async def on_event(self, event: events.Event) -> None:
        if not self._in_turn or not isinstance(event, events.InputEvent):
            await super().on_event(event)
        elif not event.is_forwarded:
            await self._typed_ahead.came(event)
        else:
            await super().on_event(event)
            self._typed_ahead.done(event)

    def on_key(self, event: events.Key) -> None:
        self.came.append(event.key)

    def action_above(self) -> None:
        self.push_screen(Above())

    def type(self, keys: str) -> None:
        for key in keys:
            self.post_message(events.Key(key, key))


async def test_what_takes_a_key_may_go_with_it() -> None:
    app = Typed(in_turn=True)
    async with app.run_test() as pilot:
        vanishing = app.query_one(Vanishing)
        vanishing.focus()
        await until(pilot, lambda: app.focused is vanishing)
        app.type("abcd")
        await until(pilot, lambda: app.came == ["b", "c", "d"])
        assert not vanishing.is_attached


async def test_what_is_typed_behind_a_key_that_opens_a_screen_is_for_that_screen() -> None:
    app = Typed(in_turn=True)
    async with app.run_test() as pilot:
        app.query_one(Vanishing).remove()
        await until(pilot, lambda: not app.query(Vanishing))
        app.type("xwabc")
        await until(pilot, lambda: isinstance(app.screen, Above))
        await until(pilot, lambda: app.screen.query_one(Input).value == "abc")
        assert app.came[0] == "x"


async def test_without_turns_it_would_be_for_the_screen_before() -> None:
    app = Typed(in_turn=False)
    async with app.run_test() as pilot:
        app.query_one(Vanishing).remove()
        await until(pilot, lambda: not app.query(Vanishing))
        app.type("wabc")
        await until(pilot, lambda: len(app.came) == 4)
        assert not app.screen.query_one(Input).value
