"""``perftui serve --sink http://…`` as it runs: HTTP in, ClickHouse's HTTP out, faults between."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from bench.http_load import exchange, http_request
from perftui.export.clickhouse import ClickHouse, parse_target
from tests.export.clickhouse_front import Fault, Front
from tests.faults.load import CaptureProcess

pytestmark = pytest.mark.chdb

STATUSES = {
    Fault.UNAVAILABLE: {503},
    Fault.BUSY: {503},
    Fault.DISK_FULL: {507},
    # The client asks once more over a new connection, as a kept one may have been closed.
    Fault.DROPPED_BEFORE: {200, 503},
    Fault.DROPPED_AFTER: {200, 503},
    Fault.SLOW: {200},
}
"""What a batch may be answered that meets a fault."""


@pytest.fixture
def front(tmp_path: Path) -> Iterator[Front]:
    front = Front(tmp_path / "clickhouse")
    yield front
    front.stop()


def body(number: int) -> bytes:
    return msgspec.json.encode(
        {
            "sessionId": f"s{number % 3}",
            "pageViewId": "p",
            "batchId": f"b{number}",
            "timeOrigin": 1_795_451_678_400.0,
            "entries": [
                {"entryType": "mark", "name": f"m{number}-{place}", "startTime": place}
                for place in range(4)
            ],
        }
    )


async def post(port: int, number: int) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        return (await exchange(reader, writer, http_request(body(number))))[0]
    finally:
        writer.close()
        await writer.wait_closed()


def there(front: Front) -> Counter[str]:
    clickhouse = ClickHouse(parse_target(front.dsn))
    try:
        rows = clickhouse.rows("SELECT name FROM performance_entries FINAL")
    finally:
        clickhouse.close()
    return Counter(str(name) for (name,) in rows)


async def test_a_fault_is_told_and_what_is_sent_again_counts_once(
    front: Front, tmp_path: Path
) -> None:
    server = CaptureProcess(tmp_path / "none.db", "--sink", front.dsn)
    try:
        for number, (fault, statuses) in enumerate(STATUSES.items()):
            front.order(fault)
            assert await post(server.port, number) in statuses, fault
            assert front.left() == []
            assert await post(server.port, number) == 200
        assert server.end() == 0
    finally:
        if server.process.poll() is None:
            server.kill()
    assert there(front) == Counter(
        f"m{number}-{place}" for number in range(len(STATUSES)) for place in range(4)
    )
    assert not (tmp_path / "none.db").exists()


async def test_batches_at_once_are_all_there_when_the_server_ends(
    front: Front, tmp_path: Path
) -> None:
    server = CaptureProcess(tmp_path / "none.db", "--sink", front.dsn)
    sending = [asyncio.ensure_future(post(server.port, number)) for number in range(30)]
    done, _ = await asyncio.wait(sending, return_when=asyncio.FIRST_COMPLETED)
    # What was read is finished before it ends.
    assert server.end() == 0
    answers = await asyncio.gather(*sending, return_exceptions=True)
    acknowledged = [number for number, status in enumerate(answers) if status == 200]
    assert len(acknowledged) >= len(done)
    found = there(front)
    assert all(found[f"m{number}-{place}"] == 1 for number in acknowledged for place in range(4))
    assert set(found.values()) == {1}
