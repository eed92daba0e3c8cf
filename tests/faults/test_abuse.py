"""Clients that mean no good, all kinds at once: the server stays within its bounds, and those that
mean well are served meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench.http_load import Answers, exchange, http_request
from tests.faults.abusers import KINDS
from tests.faults.load import ALL, CaptureProcess, Clients, assert_kept_once

pytestmark = pytest.mark.faults

log = logging.getLogger("tests.faults")

SECONDS = 20.0 if ALL else 6.0

MAXIMUM_P99_SECONDS = 0.1 if ALL else 1.0
"""Over what the same clients see without abuse on the same machine at the same time. The short run
shares its machine with whatever else is tested; it shows that nobody is kept out."""

MAXIMUM_GROWTH_BYTES = 100 * 2**20


class Honest:
    """Clients that send a batch every so often, over a connection of their own that they keep or
    over a new one each time."""

    def __init__(self, port: int) -> None:
        self.clients = Clients(entries=20)
        self.latencies: list[float] = []
        self._port = port

    async def run(self, seconds: float, *, keep: bool) -> None:
        """One client."""
        ends = time.perf_counter() + seconds
        pair: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        while time.perf_counter() < ends:
            number, body = self.clients.new()
            begun = time.perf_counter()
            while True:
                try:
                    if pair is None:
                        pair = await asyncio.open_connection("127.0.0.1", self._port)
                    status, _ = await exchange(*pair, http_request(body))
                except (OSError, asyncio.IncompleteReadError):
                    # It rested, and made room for another; clients of HTTP try again.
                    status = 0
                if status not in {0, 503}:
                    break
                if pair is not None:
                    pair[1].close()
                pair = None
            assert pair is not None
            self.latencies.append(time.perf_counter() - begun)
            self.clients.answered(number, status)
            if not keep:
                pair[1].close()
                pair = None
            await asyncio.sleep(0.05)
        if pair is not None:
            pair[1].close()

    async def p99(self, seconds: float) -> float:
        """What they wait, in seconds."""
        self.latencies.clear()
        await asyncio.gather(*(self.run(seconds, keep=number % 2 == 0) for number in range(6)))
        return Answers(latencies=self.latencies).percentile(0.99) / 1000


async def _read_line(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    return (await process.stdout.readline()).decode()


@pytest.mark.parametrize(
    "kinds", [[kind] for kind in KINDS] * ALL + [list(KINDS)], ids=lambda kinds: "+".join(kinds)
)
async def test_honest_clients_are_served_meanwhile(tmp_path: Path, kinds: list[str]) -> None:
    store = tmp_path / "perftui.db"
    server = CaptureProcess(
        store,
        PERFTUI_SERVER_HEADER_TIMEOUT_SECONDS="2",
        PERFTUI_SERVER_BODY_TIMEOUT_SECONDS="2",
        PERFTUI_SERVER_MAX_BODY_SECONDS="3",
    )
    honest = Honest(server.port)
    try:
        await honest.p99(0.5)
        usual = await honest.p99(2.0)
        memory = server.rss_bytes()
        abusers = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.faults.abusers"),
            *(str(server.port), str(SECONDS), *kinds),
            stdout=subprocess.PIPE,
        )
        try:
            assert await _read_line(abusers) == "ready\n"
            p99 = await honest.p99(SECONDS - 1.0)
            answers = json.loads(await _read_line(abusers))
        finally:
            with contextlib.suppress(ProcessLookupError):
                abusers.kill()
            await abusers.wait()
        grown = server.rss_bytes() - memory
        after = await honest.p99(1.0)
    finally:
        code = server.end()
    log.info(
        "%s: p99 %.1f ms before, %.1f ms meanwhile, %.1f ms after; %.0f MiB more; %s",
        *("+".join(kinds), usual * 1000, p99 * 1000, after * 1000, grown / 2**20, answers),
    )
    assert code == 0
    assert "Traceback" not in server.log
    assert set(honest.clients.statuses) == {200}
    assert_kept_once(store, honest.clients.acknowledged)
    for kind in kinds:
        statuses = {int(status) for status in answers[kind]}
        assert statuses, f"{kind}: nobody got through"
        assert statuses <= {0, 200, 400, 403, 408, 413, 431, 503}, kind
    assert p99 < MAXIMUM_P99_SECONDS + usual
    assert grown < MAXIMUM_GROWTH_BYTES
