"""``perftui serve --sink kafka://…`` as it runs: HTTP in, a cluster in another process, faults."""

from __future__ import annotations

import asyncio
import re
import signal
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest

from perftui.export.clickhouse import ClickHouse, ensure_schema, parse_target
from perftui.export.clickhouse_schema import kafka_schema
from perftui.export.columns import COLUMN_NAMES, KEY
from perftui.export.drain import drain
from perftui.store.connection import connect
from perftui.store.outgoing import OutgoingReader
from perftui.store.writer import StoreWriter
from tests.export.kafka_cluster import PARTITIONS, TOPIC, Cluster
from tests.export.test_clickhouse import Table
from tests.faults.load import ALL, CaptureProcess, Clients, assert_kept_once

pytestmark = pytest.mark.kafka

OUTAGE_SECONDS = 30.0 if ALL else 3.0
DELIVERY_MS = 5000 if ALL else 1000
"""How long the server waits for the brokers, so that an outage is longer than that."""

MAXIMUM_GROWTH_BYTES = 256 * 2**20
"""What an outage may add to the server's memory: 64 MiB may be in flight, librdkafka keeps as much
again beside it, and the server the requests that wait."""

MAXIMUM_DRIFT_BYTES = 48 * 2**20
"""What memory may differ between the two halves of an outage."""


Serve = Callable[[Path, str], CaptureProcess]


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    cluster = Cluster()
    yield cluster
    cluster.stop()


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts a server, and kills it where a test failed."""
    started: list[CaptureProcess] = []

    def start(store: Path, sink: str) -> CaptureProcess:
        started.append(CaptureProcess(store, "--sink", sink))
        return started[-1]

    yield start
    for server in started:
        if server.process.poll() is None:
            server.kill()


def sink(cluster: Cluster) -> str:
    return f"kafka://{cluster.brokers}/{TOPIC}?delivery.timeout.ms={DELIVERY_MS}"


def figures(port: int) -> dict[str, float]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    return {
        name: float(value)
        for name, value in re.findall(r"^perftui_(kafka_\w+) (\S+)$", text, re.MULTILINE)
    }


def urls(messages: list[tuple[bytes, bytes]]) -> Counter[str]:
    """URL -> how many rows of the table it is; a row is known by its batch and place in it."""
    rows: dict[tuple[Any, ...], str] = {}
    for key, value in messages:
        row = msgspec.json.decode(value)
        assert row["session_id"].encode() == key
        rows[row["session_id"], row["batch_key"], row["batch_index"]] = row["name"]
    return Counter(rows.values())


async def consumed(cluster: Cluster, count: int) -> list[tuple[bytes, bytes]]:
    return await asyncio.to_thread(cluster.consume, count)


async def until(clients: Clients, acknowledged: int) -> None:
    while len(clients.acknowledged) < acknowledged:
        await asyncio.sleep(0.01)


async def test_errors_and_changes_of_leaders_lose_and_repeat_nothing(
    cluster: Cluster, serve: Serve, tmp_path: Path
) -> None:
    server = serve(tmp_path / "none.db", sink(cluster))
    clients = Clients()
    sending = asyncio.ensure_future(clients.send(server.port))
    for number in range(6):
        await until(clients, 60 * (number + 1))
        cluster.refuse("not-enough-replicas", "leader-not-available")
        for partition in range(PARTITIONS):
            cluster.lead(partition, (number + partition) % 3 + 1)
    await until(clients, 500)
    # Ends once all that was read is acknowledged.
    assert server.end() == 0
    await sending
    assert set(clients.statuses) <= {200, 503}
    messages = await consumed(cluster, len(clients.acknowledged))
    found = Counter(msgspec.json.decode(value)["name"] for _, value in messages)
    assert {found[url] for url in clients.acknowledged} == {1}
    assert urls(messages).keys() >= clients.acknowledged
    assert not (tmp_path / "none.db").exists(), "the server holds no state"


async def test_an_outage_is_503_with_flat_memory_and_loses_nothing(
    cluster: Cluster, serve: Serve, tmp_path: Path
) -> None:
    server = serve(tmp_path / "none.db", sink(cluster))
    process = psutil.Process(server.process.pid)
    clients = Clients(entries=200)
    await clients.send(server.port, connections=4, batches=40)
    assert set(clients.statuses) == {200}
    before = process.memory_info().rss
    cluster.pause()
    ends = time.monotonic() + OUTAGE_SECONDS
    sending = asyncio.ensure_future(clients.send(server.port, connections=400))
    most, sizes = 0, list[int]()
    while time.monotonic() < ends or clients.statuses[503] < 400:
        told = await asyncio.to_thread(figures, server.port)
        most = max(most, int(told["kafka_in_flight_messages"]))
        sizes.append(process.memory_info().rss)
        await asyncio.sleep(0.2)
    assert 0 < most <= 50_000
    assert max(sizes) - before < MAXIMUM_GROWTH_BYTES
    if ALL:  # a short outage has too few samples
        half = len(sizes) // 2
        assert max(sizes[half:]) - max(sizes[:half]) < MAXIMUM_DRIFT_BYTES
    during = clients.statuses[200]
    cluster.go_on()
    await until(clients, len(clients.acknowledged) + 2000)
    assert server.end() == 0
    await sending
    assert clients.statuses[200] > during
    assert set(clients.statuses) <= {200, 503}
    messages = await consumed(cluster, len(clients.acknowledged))
    found = urls(messages)
    # A batch that was answered with 503 may be there all the same; none is there twice.
    assert found.keys() >= clients.acknowledged
    assert set(found.values()) == {1}


async def test_a_tee_acknowledges_what_both_have(
    cluster: Cluster, serve: Serve, tmp_path: Path
) -> None:
    store = tmp_path / "store.db"
    server = serve(store, f"sqlite,{sink(cluster)}")
    clients = Clients()
    await clients.send(server.port, batches=50)
    cluster.pause()
    await clients.send(server.port, connections=2, batches=2)
    cluster.go_on()
    await clients.send(server.port, batches=10)
    server.process.send_signal(signal.SIGTERM)
    assert server.wait() == 0
    assert clients.statuses[200] == 60
    assert clients.statuses[503] == 2
    assert_kept_once(store, clients.acknowledged)
    found = urls(await consumed(cluster, len(clients.acknowledged)))
    assert found.keys() >= clients.acknowledged
    assert set(found.values()) == {1}
    connection = connect(store, read_only=True)
    sessions = {row[0] for row in connection.execute("SELECT session_id FROM session").fetchall()}
    connection.close()
    assert sessions == {f"s{number}" for number in range(11)}


@pytest.mark.chdb
async def test_the_bytes_of_the_topic_make_the_table_that_an_export_makes(
    cluster: Cluster, serve: Serve, tmp_path: Path
) -> None:
    store = tmp_path / "store.db"
    server = serve(store, f"sqlite,{sink(cluster)}")
    clients = Clients()
    await clients.send(server.port, batches=40)
    assert server.end() == 0
    messages = await consumed(cluster, len(clients.acknowledged))
    columns = ", ".join(COLUMN_NAMES)
    sql = f"SELECT {columns} FROM performance_entries FINAL ORDER BY {', '.join(KEY)}"
    engine = ClickHouse(parse_target(f"chdb://{tmp_path}/clickhouse"))
    try:
        ensure_schema(engine)
        # The queue's own engine does not run embedded; a twin of it takes the same bytes.
        for statement in kafka_schema(engine="Null"):
            engine.command(statement)
        engine.insert_json(
            b"\n".join(value for _, value in messages), token="", into="performance_entries_queue"
        )
        through_kafka = engine.rows(sql)
        engine.command("TRUNCATE TABLE performance_entries")
        source, checkpoints = OutgoingReader(store), StoreWriter(store)
        drain(
            source,
            Table(engine),
            checkpoints,
            name="there",
            dead_letters=tmp_path / "refused.jsonl",
        )
        source.close()
        checkpoints.close_now()
        assert len(through_kafka) == len(clients.acknowledged)
        assert through_kafka == engine.rows(sql)
    finally:
        engine.close()
