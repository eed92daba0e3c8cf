"""The Kafka sink against librdkafka's mock cluster in a process of its own: the real protocol."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest

from perftui.errors import SinkBusyError, UsageError
from perftui.export.columns import batch_rows, message
from perftui.export.kafka import KafkaSink, parse_kafka_target
from tests.export.conftest import made_batches
from tests.export.kafka_cluster import ERRORS, PARTITIONS, Cluster


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
async def test_errors_that_pass_are_waited_for_and_add_nothing(
    cluster: Cluster, make_sink: MakeSink
) -> None:
    sink = make_sink()
    cluster.refuse(*[*ERRORS] * 3)
    batches = made_batches(12)
    await asyncio.gather(*(sink.write(batch) for batch in batches))
    await sink.close()
    expected = sorted(message(row) for batch in batches for row in batch_rows(batch))
    found = await asyncio.to_thread(cluster.consume, len(expected))
    assert sorted(value for _, value in found) == expected
    assert sink.figures()["kafka_failed_messages_total"] == 0


@pytest.mark.kafka
async def test_leaders_may_change_and_a_broker_may_go(
    cluster: Cluster, make_sink: MakeSink
) -> None:
    sink = make_sink()
    batches = made_batches(40)
    for number, batch in enumerate(batches):
        if number % 8 == 4:
            # Whoever led refuses with NOT_LEADER until the next one is known.
            for partition in range(PARTITIONS):
                cluster.lead(partition, (number + partition) % 3 + 1)
        if number == 20:
            for partition in range(PARTITIONS):
                cluster.lead(partition, 1)
            cluster.go_down(3)
        if number == 30:
            cluster.come_up(3)
        await sink.write(batch)
    await sink.close()
    expected = sorted(
        (batch.session_id.encode(), message(row)) for batch in batches for row in batch_rows(batch)
    )
    assert sorted(await asyncio.to_thread(cluster.consume, len(expected))) == expected


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
