"""SIGKILL at random moments under load: what had a 2xx is there, once."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from pathlib import Path

import pytest

from perftui.store.writer import StoreWriter
from tests.faults.load import ALL, CaptureProcess, Clients, assert_kept_once

pytestmark = pytest.mark.faults

log = logging.getLogger("tests.faults")

KILLS = 200 if ALL else 6

MAXIMUM_OPENING_SECONDS = 1.0


async def test_every_acknowledged_batch_survives_kills(tmp_path: Path) -> None:
    store = tmp_path / "perftui.db"
    chance = random.Random(11)
    clients = Clients()
    openings: list[float] = []
    for number in range(KILLS):
        server = CaptureProcess(store)
        sending = asyncio.ensure_future(clients.send(server.port))
        wanted = len(clients.acknowledged) + 30
        while len(clients.acknowledged) < wanted:
            await asyncio.sleep(0.005)
        await asyncio.sleep(chance.uniform(0, 0.3))
        server.kill()
        await sending
        if ALL or number == KILLS - 1:
            begun = time.perf_counter()
            StoreWriter(store).close_now()
            openings.append(time.perf_counter() - begun)
        if not ALL or number % 20 == 19:
            assert_kept_once(store, clients.acknowledged)
    assert set(clients.statuses) == {200}
    # What was on its way is sent again, as the SDK does, and stored once.
    server = CaptureProcess(store)
    await clients.send(server.port, batches=len(clients.unanswered))
    assert server.end() == 0
    assert clients.unanswered == {}
    assert_kept_once(store, clients.acknowledged)
    if ALL:
        openings.sort()
        log.info(
            "%d kills, %d acknowledged entries; opened after one in %.0f ms (median), %.0f ms (most)",
            *(KILLS, len(clients.acknowledged)),
            *(openings[len(openings) // 2] * 1000, openings[-1] * 1000),
        )
        assert openings[len(openings) // 2] < MAXIMUM_OPENING_SECONDS


async def test_sigterm_finishes_what_was_read(tmp_path: Path) -> None:
    store = tmp_path / "perftui.db"
    clients = Clients(entries=20)
    server = CaptureProcess(store)
    sending = asyncio.ensure_future(clients.send(server.port))
    while len(clients.acknowledged) < 400:
        await asyncio.sleep(0.005)
    assert server.end() == 0
    await sending
    assert set(clients.statuses) <= {200, 503}
    assert_kept_once(store, clients.acknowledged)
