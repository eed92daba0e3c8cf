"""The Kafka sink against librdkafka's mock cluster in a process of its own: the real protocol."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest

from perftui.errors import SinkBusyError, UsageError
from perftui.export.columns import batch_rows, message
from perftui.export.kafka import KafkaSink, parse_kafka_target
from tests.export.conftest import made_batches

CLUSTER = """
import sys
from confluent_kafka import Producer
producer = Producer({"bootstrap.servers": "unused", "test.mock.num.brokers": 3}, logger=None)
brokers = producer.list_topics(timeout=10).brokers.values()
print(",".join(f"{broker.host}:{broker.port}" for broker in brokers), flush=True)
while sys.stdin.readline():
    pass
"""


class Cluster:
    """Three brokers in another process, which can be made to fall silent."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", CLUSTER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.brokers = self._process.stdout.readline().strip()

    def pause(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        self.go_on()
        self._process.kill()
        self._process.communicate()

    def consume(self, count: int) -> list[tuple[bytes, bytes]]:
        """All messages of the topic, once ``count`` are there (and what else comes with them)."""
        from confluent_kafka import Consumer

        consumer = Consumer(
            {
                "bootstrap.servers": self.brokers,
                "group.id": "test",
                "auto.offset.reset": "earliest",
                "enable.partition.eof": False,
            },
            logger=None,
        )
        consumer.subscribe(["entries"])
        found: list[tuple[bytes, bytes]] = []
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            # Once all are there, one empty poll more shows that nothing comes after them.
            event = consumer.poll(1.0)
            if event is None:
                if len(found) >= count:
                    break
                continue
            if event.error() is None:
                key, value = event.key(), event.value()
                assert key is not None
                assert value is not None
                found.append((key, value))
        consumer.close()
        return found


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    cluster = Cluster()
    yield cluster
    cluster.stop()


MakeSink = Callable[..., KafkaSink]


@pytest.fixture
def make_sink(cluster: Cluster) -> MakeSink:
    def make(**options: Any) -> KafkaSink:
        return KafkaSink(parse_kafka_target(f"kafka://{cluster.brokers}/entries"), **options)

    return make


@pytest.mark.kafka
async def test_every_acknowledged_entry_is_in_the_topic_once(
    cluster: Cluster, make_sink: MakeSink
) -> None:
    sink = make_sink()
    batches = made_batches(30)
    receipts = await asyncio.gather(*(sink.write(batch) for batch in batches))
    await sink.close()
    assert [receipt.accepted for receipt in receipts] == [len(batch.entries) for batch in batches]
    expected = sorted(
        (batch.session_id.encode(), message(row)) for batch in batches for row in batch_rows(batch)
    )
    assert sorted(await asyncio.to_thread(cluster.consume, len(expected))) == expected
    figures = sink.figures()
    assert figures["kafka_in_flight_messages"] == figures["kafka_in_flight_bytes"] == 0
    assert figures["kafka_delivered_messages_total"] == len(expected)


@pytest.mark.kafka
async def test_an_outage_loses_nothing_that_was_acknowledged_and_holds_little(
    cluster: Cluster, make_sink: MakeSink
) -> None:
    sink = make_sink(max_in_flight_messages=100, delivery_seconds=2.0)
    batches = made_batches(40)
    acknowledged = []
    await sink.write(batches[1])
    acknowledged.append(batches[1])
    cluster.pause()
    outcomes = await asyncio.gather(
        *(sink.write(batch) for batch in batches[2:]), return_exceptions=True
    )
    assert all(isinstance(outcome, SinkBusyError) for outcome in outcomes)
    assert sink.figures()["kafka_in_flight_messages"] <= 100
    cluster.go_on()
    for batch in batches[2:]:
        while True:
            try:
                await sink.write(batch)
            except SinkBusyError:
                continue
            acknowledged.append(batch)
            break
    await sink.close()
    expected = {message(row) for batch in acknowledged for row in batch_rows(batch)}
    found = await asyncio.to_thread(cluster.consume, len(expected))
    assert {value for _, value in found} >= expected


@pytest.mark.kafka
async def test_a_batch_beyond_the_bound_is_refused_before_any_of_it_leaves(
    make_sink: MakeSink,
) -> None:
    sink = make_sink(max_in_flight_messages=5)
    with pytest.raises(SinkBusyError):
        await sink.write(made_batches(2)[1])
    assert sink.figures()["kafka_delivered_messages_total"] == 0
    await sink.close()
    await sink.close()


def test_a_message_can_be_read_by_anybody() -> None:
    told = msgspec.json.decode(message(batch_rows(made_batches(2)[1])[0]))
    assert told["session_id"] == "session-0"


@pytest.mark.parametrize("url", ["http://x", "kafka:///topic", "kafka://user:secret@broker/topic"])
def test_what_is_no_topic_is_said(url: str) -> None:
    with pytest.raises(UsageError) as told:
        parse_kafka_target(url)
    assert "secret@" not in str(told.value)


def test_options_and_topic_of_a_url() -> None:
    target = parse_kafka_target("kafka://a:1,b:2/events?security.protocol=ssl")
    assert (target.brokers, target.topic) == ("a:1,b:2", "events")
    assert target.options == {"security.protocol": "ssl"}
    assert parse_kafka_target("kafka://a:1").topic == "performance_entries"
