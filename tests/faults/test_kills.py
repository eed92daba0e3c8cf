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

MAXIMUM_START_SECONDS = 1.0
"""What a start after a kill may take longer than one without: the interpreter and its imports
take what they take."""

SHUTDOWN_SECONDS = 5.0
"""From SIGTERM to the end, as ``[server] shutdown_seconds`` is by default."""


async def test_every_acknowledged_batch_survives_kills(tmp_path: Path) -> None:
    store = tmp_path / "perftui.db"
    chance = random.Random(11)
    clients = Clients()
    openings: list[float] = []
    starts: list[float] = []
    fresh = CaptureProcess(tmp_path / "another.db")
    usual_start = fresh.started_seconds
    fresh.end()
    for number in range(KILLS):
        server = CaptureProcess(store)
        starts.append(server.started_seconds)
        sending = asyncio.ensure_future(clients.send(server.port))
        wanted = len(clients.acknowledged) + 30
        while len(clients.acknowledged) < wanted:
            await asyncio.sleep(0.005)
        await asyncio.sleep(chance.uniform(0, 0.3))
        server.kill()
        await sending
        if number % 2:
            # Each second time somebody else is the first to open it; else the next server is.
            begun = time.perf_counter()
            StoreWriter(store).close_now()
            openings.append(time.perf_counter() - begun)
        assert_kept_once(store, clients.acknowledged)
    assert set(clients.statuses) == {200}
    # What was on its way is sent again, as the SDK does, and stored once.
    server = CaptureProcess(store)
    starts.append(server.started_seconds)
    await clients.send(server.port, batches=len(clients.unanswered))
    assert server.end() == 0
    assert clients.unanswered == {}
    assert_kept_once(store, clients.acknowledged)
    assert "Traceback" not in server.log
    after_kills = sorted(starts[1:])
    openings.sort()
    log.info(
        "%d kills, %d acknowledged entries; opening took %.0f ms (median), %.0f ms (most);"
        " a start %.0f ms (median), %.0f ms (most), %.0f ms without a kill",
        *(KILLS, len(clients.acknowledged)),
        *(openings[len(openings) // 2] * 1000, openings[-1] * 1000),
        *(after_kills[len(after_kills) // 2] * 1000, after_kills[-1] * 1000, usual_start * 1000),
    )
    assert openings[-1] < MAXIMUM_OPENING_SECONDS
    assert after_kills[len(after_kills) // 2] < MAXIMUM_START_SECONDS + usual_start


async def test_sigterm_finishes_what_was_read_and_is_in_time(tmp_path: Path) -> None:
    """Under load, with clients that hold on to their connections: half a header, half a body,
    nothing at all."""
    store = tmp_path / "perftui.db"
    clients = Clients(entries=20)
    server = CaptureProcess(store)
    held: list[asyncio.StreamWriter] = []
    heard: list[asyncio.StreamReader] = []
    for begun in (
        b"",
        b"POST /batch HT",
        b"POST /batch HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{",
        b"GET /config HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(begun)
        held.append(writer)
        heard.append(reader)
    sending = asyncio.ensure_future(clients.send(server.port))
    while len(clients.acknowledged) < 400:
        await asyncio.sleep(0.005)
    begun_at = time.perf_counter()
    assert await asyncio.to_thread(server.end) == 0
    took = time.perf_counter() - begun_at
    await sending
    assert (await heard[2].read()).startswith(b"HTTP/1.1 503 ")
    for writer in held:
        writer.close()
    log.info("SIGTERM under load: ended after %.2f s", took)
    assert took < SHUTDOWN_SECONDS
    assert set(clients.statuses) <= {200, 503}
    assert "Traceback" not in server.log
    assert_kept_once(store, clients.acknowledged)
    with pytest.raises(OSError):
        await asyncio.open_connection("127.0.0.1", server.port)
