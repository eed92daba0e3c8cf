"""Ten times more than the server can take: it takes what it can, tells the others to come again,
and keeps every promise that it made."""

from __future__ import annotations

import asyncio
import gzip
import logging
import resource
import time
from collections import Counter
from hashlib import blake2b
from pathlib import Path

import msgspec
import pytest

from bench.generator import Generator
from bench.http_load import exchange
from perftui.store.connection import connect
from tests.faults.load import ALL, CaptureProcess

pytestmark = pytest.mark.faults

log = logging.getLogger("tests.faults")

FLOODS = 4
SECONDS = 30.0 / FLOODS if ALL else 1.5
"""How long each of them lasts; between them all are answered."""

TIMES = 10.0
"""Offered load over what the server takes."""

ENTRIES = 1_000

MAXIMUM_OPEN = 1_500
"""Connections of the crowd that are open at once: as many as the server takes and lets wait at its
door (``[server] max_connections`` and ``BACKLOG``, 1,536). Of more the system would drop packets at
will, whose repetition takes longer than a header may; who comes beyond that begins when another has
its answer."""

MAXIMUM_GROWTH = 1.15
MAXIMUM_GROWTH_BYTES = 16 * 2**20
"""How much more memory the later half of the floods may need than the earlier: flat. It is the second
flood that finds the heap as a flood leaves it, so the first is compared with none by itself."""

MAXIMUM_BYTES = 400 * 2**20


class Crowd:
    """Clients of which each sends one batch over a connection of its own."""

    def __init__(self, port: int) -> None:
        self._port = port
        batch = Generator().batch(ENTRIES, session=1)
        del batch["batchId"]
        self.session: str = batch["sessionId"]
        # Of two gzip members: what is the batch's own, and what they have in common.
        self._rest = gzip.compress(msgspec.json.encode(batch)[1:])
        self._sent = 0
        self.statuses: Counter[int] = Counter()
        self.acknowledged: list[str] = []
        self.latencies: list[float] = []
        self._open = asyncio.Semaphore(MAXIMUM_OPEN)

    def _request(self, batch_id: str) -> bytes:
        body = gzip.compress(b'{"batchId":"%s",' % batch_id.encode(), 1) + self._rest
        return (
            b"POST /batch HTTP/1.1\r\nHost: localhost\r\nContent-Encoding: gzip\r\n"
            b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
        )

    async def one(self) -> None:
        """Send one batch."""
        batch_id = f"batch-{self._sent}"
        self._sent += 1
        async with self._open:
            begun = time.perf_counter()
            status = await self._status(batch_id)
        self.statuses[status] += 1
        if status == 200:
            self.acknowledged.append(batch_id)
            self.latencies.append(time.perf_counter() - begun)

    async def _status(self, batch_id: str) -> int:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        except OSError as error:
            log.warning("no connection: %s", error)
            return 0
        try:
            status, _ = await exchange(reader, writer, self._request(batch_id))
        except (OSError, asyncio.IncompleteReadError) as error:
            log.warning("no answer: %r", error)
            return 0
        finally:
            writer.close()
        return status

    async def one_after_another(self, seconds: float, clients: int) -> float:
        """What the server takes: batches in a second."""
        ends = time.perf_counter() + seconds
        before = len(self.acknowledged)

        async def client() -> None:
            while time.perf_counter() < ends:
                await self.one()

        await asyncio.gather(*(client() for _ in range(clients)))
        return (len(self.acknowledged) - before) / seconds

    async def all_at_once(self, seconds: float, per_second: float) -> None:
        """Batches come when they are due, whatever became of the earlier ones."""
        under_way: set[asyncio.Task[None]] = set()
        begun = time.perf_counter()
        due = 0
        while (now := time.perf_counter() - begun) < seconds:
            while due < now * per_second:
                due += 1
                task = asyncio.ensure_future(self.one())
                under_way.add(task)
                task.add_done_callback(under_way.discard)
            await asyncio.sleep(0.002)
        await asyncio.gather(*under_way)


async def _watch(server: CaptureProcess, memory: list[int]) -> None:
    while True:
        memory.append(server.rss_bytes())
        await asyncio.sleep(0.1)


def _stored(store: Path, session: str) -> dict[bytes, int]:
    """Key of a batch -> its entries."""
    connection = connect(store, read_only=True)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        rows = connection.execute(
            "SELECT b.key, (SELECT count(*) FROM entry AS e WHERE e.seq BETWEEN b.first_seq AND"
            " b.last_seq AND e.batch = b.id) FROM batch AS b JOIN session AS s ON s.id = b.session"
            " WHERE s.session_id = ?",
            (session,),
        ).fetchall()
        assert len({row[0] for row in rows}) == len(rows)
        return dict(rows)
    finally:
        connection.close()


async def test_ten_times_too_much_is_2xx_or_503_and_memory_stays_flat(tmp_path: Path) -> None:
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(8192, most), most))
    store = tmp_path / "perftui.db"
    server = CaptureProcess(store)
    crowd = Crowd(server.port)
    memory: list[list[int]] = []
    took = 0.0
    try:
        capacity = await crowd.one_after_another(2.0, clients=8)
        assert set(crowd.statuses) == {200}
        before = len(crowd.acknowledged)
        for _ in range(FLOODS):
            memory.append([])
            watching = asyncio.ensure_future(_watch(server, memory[-1]))
            begun = time.perf_counter()
            await crowd.all_at_once(SECONDS, capacity * TIMES)
            took += time.perf_counter() - begun
            watching.cancel()
        taken = len(crowd.acknowledged) - before
        refused = crowd.statuses[503]
        await crowd.one_after_another(1.0, clients=2)
    finally:
        code = server.end()
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, most))
    latencies = sorted(crowd.latencies)
    most_of_each = [max(of_one_flood) for of_one_flood in memory]
    earlier, later = max(most_of_each[: FLOODS // 2]), max(most_of_each[FLOODS // 2 :])
    log.info(
        "capacity %.0f batches/s of %d entries; offered %.0f/s for %.0f s (over after %.0f s):"
        " %d x 2xx, %d x 503; the slowest 2xx took %.1f s; memory at most %s MiB",
        *(capacity, ENTRIES, capacity * TIMES, FLOODS * SECONDS, took, taken, refused),
        *(latencies[-1], ", ".join(str(most >> 20) for most in most_of_each)),
    )
    assert code == 0
    assert set(crowd.statuses) == {200, 503}, crowd.statuses
    assert crowd.statuses[503] == refused, "it refuses although the crowd is gone"
    assert taken > capacity * FLOODS * SECONDS / 10, "it was kept from its work by refusing"
    assert refused > taken
    assert max(earlier, later) < MAXIMUM_BYTES
    assert later < earlier * MAXIMUM_GROWTH + MAXIMUM_GROWTH_BYTES
    assert "Traceback" not in server.log
    stored = _stored(store, crowd.session)
    for batch_id in crowd.acknowledged:
        key = blake2b(f"{crowd.session}\0{batch_id}".encode(), digest_size=16).digest()
        assert stored[key] == ENTRIES
