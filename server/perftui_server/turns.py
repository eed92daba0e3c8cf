"""Sharing out the event loop.

Bodies that came in at the same time would all be decoded in one turn of the loop, and nobody would
be heard meanwhile: with 500 large ones, for ten seconds. So a turn has a budget of bytes; who does
not fit into it waits for the next, first come first served. What is decoded within one turn is
still committed together.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass

from perftui.errors import SinkBusyError

TURN_BYTES = 2 * 1024 * 1024
"""Bytes of bodies that are decoded in one turn of the loop, unless a single one is longer; some
40 ms."""

RETRY_SECONDS = 1


@dataclass(slots=True)
class _Waiting:
    future: asyncio.Future[None]
    byte_count: int
    since: float


class Turns:
    """The turns of one event loop.

    Args:
        max_wait_seconds: how long a body may wait for its turn.
    """

    def __init__(self, max_wait_seconds: float) -> None:
        self._max_wait_seconds = max_wait_seconds
        self._queue: deque[_Waiting] = deque()
        self._spent = 0

    async def take(self, byte_count: int) -> None:
        """Return at once where so many bytes fit into this turn, else in the first that has room.

        Raises:
            SinkBusyError: that took too long; the server has more to do than it can.
        """
        loop = asyncio.get_running_loop()
        if not self._queue and self._fits(byte_count):
            if not self._spent:
                loop.call_soon(self._next_turn, loop)
            self._spent += byte_count
            return
        waiting = _Waiting(loop.create_future(), byte_count, loop.time())
        self._queue.append(waiting)
        try:
            await waiting.future
        finally:
            # An error would hold this frame, and this frame the error: with the body that waited,
            # until the garbage collector comes.
            del waiting

    def _fits(self, byte_count: int) -> bool:
        return not self._spent or self._spent + byte_count <= TURN_BYTES

    def _next_turn(self, loop: asyncio.AbstractEventLoop) -> None:
        self._spent = 0
        latest = loop.time() - self._max_wait_seconds
        while self._queue:
            first = self._queue[0]
            is_too_late = first.since < latest
            if not is_too_late and not self._fits(first.byte_count):
                break
            self._queue.popleft()
            if first.future.done():
                continue
            if is_too_late:
                first.future.set_exception(
                    SinkBusyError(
                        f"{len(self._queue)} more bodies wait to be decoded",
                        RETRY_SECONDS,
                        limit="max_wait_seconds",
                    )
                )
                continue
            self._spent += first.byte_count
            first.future.set_result(None)
        if self._spent:
            # After those that were woken.
            loop.call_soon(self._next_turn, loop)
