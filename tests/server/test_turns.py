"""Who is decoded in which turn of the loop."""

from __future__ import annotations

import asyncio
import gc
import weakref

import pytest
from perftui_server.turns import TURN_BYTES, Turns

from perftui.errors import SinkBusyError


class _Counted:
    """Counts the turns of the loop."""

    def __init__(self) -> None:
        self.turn = 0
        self._ended = False
        asyncio.get_running_loop().call_soon(self._next)

    def _next(self) -> None:
        self.turn += 1
        if not self._ended:
            asyncio.get_running_loop().call_soon(self._next)

    def end(self) -> None:
        self._ended = True


async def _run(sizes: list[int]) -> list[tuple[int, int]]:
    """(turn, number) of each in the order in which they had their turn."""
    turns, counted = Turns(60.0), _Counted()
    order: list[tuple[int, int]] = []

    async def one(number: int, size: int) -> None:
        await turns.take(size)
        order.append((counted.turn, number))

    await asyncio.gather(*(one(number, size) for number, size in enumerate(sizes)))
    counted.end()
    return order


async def test_what_fits_into_a_turn_is_decoded_in_it() -> None:
    order = await _run([TURN_BYTES // 100] * 100)
    assert [number for _, number in order] == list(range(100))
    assert len({turn for turn, _ in order}) == 1


async def test_the_rest_waits_first_come_first_served() -> None:
    size = TURN_BYTES // 4
    order = await _run([size] * 22)
    assert [number for _, number in order] == list(range(22))
    in_turns = [
        [n for turn, n in order if turn == one] for one in dict.fromkeys(t for t, _ in order)
    ]
    assert [len(one) for one in in_turns] == [4, 4, 4, 4, 4, 2]


async def test_one_that_is_longer_than_a_turn_has_one_of_its_own() -> None:
    order = await _run([1, TURN_BYTES * 3, 1, 1])
    assert [number for _, number in order] == [0, 1, 2, 3]
    assert order[0][0] < order[1][0] < order[2][0] == order[3][0]


async def test_who_waits_too_long_is_told_to_come_again() -> None:
    turns = Turns(0.0)
    await turns.take(TURN_BYTES)
    with pytest.raises(SinkBusyError) as caught:
        await turns.take(1)
    assert caught.value.limit == "max_wait_seconds"
    # Nothing is left of it.
    await turns.take(TURN_BYTES)


async def test_who_has_gone_meanwhile_takes_nobodys_turn() -> None:
    turns = Turns(60.0)
    await turns.take(TURN_BYTES)
    waiting = [asyncio.ensure_future(turns.take(TURN_BYTES)) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[1].cancel()
    await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), 10)
    assert [task.cancelled() for task in waiting] == [False, True, False]


async def test_what_a_refused_one_held_is_freed_without_the_garbage_collector() -> None:
    class Body:
        """What a request holds while it waits."""

    turns = Turns(-1.0)
    bodies: list[weakref.ref[Body]] = []

    async def one() -> None:
        body = Body()
        bodies.append(weakref.ref(body))
        try:
            await turns.take(TURN_BYTES)
        except SinkBusyError:
            return

    gc.collect()
    gc.disable()
    try:
        await asyncio.gather(*(one() for _ in range(3)))
        await asyncio.sleep(0)
        assert [body() for body in bodies] == [None] * 3
    finally:
        gc.enable()
