"""Keys in their turn: each is handed on once the one before has had its effect.

Textual hands a key to what has the focus as soon as it comes. Of keys that come together, as from a
slow connection, a script or a quick hand, the second would go where the focus was before the first
had opened an input or a screen: the text of a filter would be taken for commands.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from textual import events
from textual.app import App
from textual.message_pump import MessagePump
from textual.widget import Widget

ROUNDS = 8
"""How often is looked at most whether what a key has set off has come to rest: messages that beget
messages, as of an input that closes. What arrives live never comes to rest."""

_DRAGGED = (events.MouseMove, events.MouseUp, events.MouseScrollUp, events.MouseScrollDown)
"""What the mouse does without being the first to ask for anything."""


class TypedAhead:
    """Holds what is typed and clicked until the app is at rest.

    It waits by no clock: a callback goes through the queues that a key has gone through, behind
    the key and what it has set off there.

    Args:
        app: whose keys these are.
        handle: what the app does with an event.
    """

    def __init__(self, app: App[Any], handle: Callable[[events.Event], Awaitable[None]]) -> None:
        self._app = app
        self._handle = handle
        self._held: deque[events.Event] = deque()
        self._key: events.Key | None = None
        """The last key that was handed on, until it is known to be done with."""
        self._taker: Widget | None = None
        """What it was handed to."""
        self._rounds = 0

    async def came(self, event: events.Event) -> None:
        """Handle what was typed or clicked, now or in its turn."""
        if self._held or not self._is_its_turn(event):
            self._held.append(event)
            if len(self._held) == 1:
                self._rounds = 0
                self._go_round()
        else:
            await self._hand_on(event)

    def done(self, event: events.Event) -> None:
        """A key has come back to the app, which has done what it is bound to."""
        if event is self._key:
            self._key = None

    async def _hand_on(self, event: events.Event) -> None:
        if isinstance(event, events.Key):
            self._taker = self._app.focused or self._front
            self._key = event
        await self._handle(event)
        if not event.is_forwarded:
            self.done(event)

    @property
    def _front(self) -> Widget:
        return self._app.screen

    def _is_its_turn(self, event: events.Event) -> bool:
        if isinstance(event, _DRAGGED):
            return self._front.is_mounted
        # What takes a key for itself stops it on its way to the app.
        done = self._key is None or self._key._stop_propagation
        return done and self._front.is_mounted and self._is_at_rest()

    def _is_at_rest(self) -> bool:
        """Whether nothing waits where the last key went or the next will go."""
        return not any(pump.message_queue_size for pump in self._way())

    def _way(self) -> Iterator[MessagePump]:
        """What the last key went through, then what the next one will; the app at the end of it."""
        for one in (self._taker, self._app.focused or self._front):
            if one is not None and one.is_attached:
                yield from one.ancestors_with_self

    def _go_round(self) -> None:
        """Send a callback on the way that the keys go, and have it come back."""
        self._go_on(iter(list(self._way())))

    def _go_on(self, way: Iterator[MessagePump]) -> None:
        for pump in way:
            if self._visit(pump, way):
                return
        self._app.call_later(self._come_back)

    def _visit(self, pump: MessagePump, way: Iterator[MessagePump]) -> bool:
        """Go on once a queue has been worked off, or what it is of has been taken apart.

        Returns:
            False where it takes no more messages.
        """
        task, visited = pump._task, False

        def go_on(*_: object) -> None:
            nonlocal visited
            if not visited:
                visited = True
                self._go_on(way)

        if task is None or not pump.call_later(go_on):
            return False
        task.add_done_callback(go_on)
        return True

    async def _come_back(self) -> None:
        """A round is over: go round again, or take what is next."""
        self._key = None
        self._rounds += 1
        calm = self._rounds >= ROUNDS or self._is_at_rest()
        if calm and self._front.is_mounted:
            await self._hand_on(self._held.popleft())
            self._rounds = 0
        if self._held:
            self._go_round()
