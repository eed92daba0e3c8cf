"""Waiting for a person to pause: what takes longer is done once, when the keys have stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from textual.message_pump import MessagePump

REST_SECONDS = 0.15
"""What takes a look at the store is done once the cursor, the scroll or the filter has been the same
for this long."""


class Rest:
    """Does something once nothing has been :meth:`stirred <stir>` for so long.

    A Textual timer is a task of its own, which is too much for every repetition of a key.

    Args:
        pump: for whom it is done; where that has gone meanwhile, it is not done.
        seconds: how long nothing must have happened.
        then: what is done.
    """

    def __init__(self, pump: MessagePump, seconds: float, then: Callable[[], None]) -> None:
        self._pump = pump
        self._seconds = seconds
        self._then = then
        self._waiting: asyncio.TimerHandle | None = None
        self._begun = float("-inf")

    @property
    def is_waiting(self) -> bool:
        """Whether it is still to be done."""
        return self._waiting is not None

    @property
    def is_stirred(self) -> bool:
        """Whether something has happened within that time."""
        return asyncio.get_running_loop().time() - self._begun < self._seconds

    def stir(self, *, done: bool = False) -> None:
        """Something has happened: wait again.

        Args:
            done: what it asks for has been done at once.
        """
        self.drop()
        loop = asyncio.get_running_loop()
        self._begun = loop.time()
        if not done:
            self._waiting = loop.call_later(self._seconds, self._over)

    def drop(self) -> None:
        """Do not do it."""
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _over(self) -> None:
        self._waiting = None
        if self._pump.is_running:
            # As a Textual timer does it: by a message it would be another turn of the event loop.
            try:
                self._then()
            except Exception as error:
                self._pump.app._handle_exception(error)
