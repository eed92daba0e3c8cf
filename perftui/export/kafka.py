"""Kafka: each entry of a batch as one message, acknowledged when all brokers in sync have it.

The key of a message is its session's ID, so that a session stays in order in one partition; the
value is one JSON object that ClickHouse's queue table reads (JSONEachRow). The producer is
idempotent: what librdkafka sends again itself arrives once.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from perftui.errors import ExportError, MissingExtraError, SinkBusyError, SinkError, UsageError
from perftui.export.columns import COLUMN_NAMES, batch_messages, message
from perftui.model import Batch, Receipt

DEFAULT_TOPIC = "performance_entries"

MAX_IN_FLIGHT_MESSAGES = 50_000
"""Messages that may wait for their acknowledgement; a batch that would go beyond is refused as
busy before any of it is produced, so memory stays flat while the brokers are away."""

MAX_IN_FLIGHT_BYTES = 64 * 1024 * 1024
"""Their bytes."""

DELIVERY_SECONDS = 10.0
"""How long librdkafka may try to deliver a message; then the batch is answered with 503."""

RETRY_AFTER_SECONDS = 2


@dataclass(frozen=True, slots=True)
class KafkaTarget:
    """Where the topic is.

    Attributes:
        options: more of librdkafka's own settings, such as ``security.protocol``.
    """

    brokers: str
    topic: str
    options: Mapping[str, str]


def parse_kafka_target(url: str) -> KafkaTarget:
    """``kafka://broker-1:9092,broker-2:9092/topic?security.protocol=ssl``.

    Raises:
        UsageError: it is no such URL.
    """
    parts = urlsplit(url)
    if parts.scheme != "kafka" or not parts.netloc or "@" in parts.netloc:
        raise UsageError(
            "a Kafka sink is kafka://broker:9092,broker:9092/topic"
            " (librdkafka's own settings after a question mark, secrets in PERFTUI_KAFKA_PASSWORD)"
        )
    topic = parts.path.strip("/") or DEFAULT_TOPIC
    return KafkaTarget(parts.netloc, topic, dict(parse_qsl(parts.query)))


class _Waiting:
    """A batch whose messages are under way."""

    __slots__ = ("byte_count", "error", "future", "left", "loop")

    def __init__(
        self,
        left: int,
        byte_count: int,
        loop: asyncio.AbstractEventLoop,
        future: asyncio.Future[None],
    ) -> None:
        self.left = left
        self.byte_count = byte_count
        self.error: str | None = None
        self.loop = loop
        self.future = future


class KafkaSink:
    """A :class:`perftui.model.Sink` that produces to a topic.

    Raises:
        MissingExtraError: confluent-kafka is not installed.
        UsageError: librdkafka does not take one of the options.
    """

    def __init__(
        self,
        target: KafkaTarget,
        *,
        password: str | None = None,
        max_in_flight_messages: int = MAX_IN_FLIGHT_MESSAGES,
        max_in_flight_bytes: int = MAX_IN_FLIGHT_BYTES,
        delivery_seconds: float = DELIVERY_SECONDS,
    ) -> None:
        try:
            from confluent_kafka import KafkaException, Producer
        except ImportError as error:
            raise MissingExtraError("kafka", "the Kafka sink") from error
        self.target = target
        self._max_messages = max_in_flight_messages
        self._max_bytes = max_in_flight_bytes
        options: dict[str, Any] = {
            "bootstrap.servers": target.brokers,
            "client.id": "perftui",
            "enable.idempotence": True,
            "acks": "all",
            "linger.ms": 5,
            "compression.type": "zstd",
            "delivery.timeout.ms": int(delivery_seconds * 1000),
            "queue.buffering.max.messages": max_in_flight_messages * 2,
            "queue.buffering.max.kbytes": max_in_flight_bytes // 512,
            # As Java's clients do, so that other producers of the topic agree on the partition.
            "partitioner": "murmur2_random",
            **target.options,
        }
        if password:
            options["sasl.password"] = password
        try:
            self.producer = Producer(options, logger=None)
        except KafkaException as error:
            raise UsageError(f"the Kafka sink: {error.args[0]}") from error
        self._lock = threading.Lock()
        self._in_flight_messages = 0
        self._in_flight_bytes = 0
        self._delivered = 0
        self._failed = 0
        self._stopped = threading.Event()
        self._poller = threading.Thread(target=self._poll, name="kafka deliveries", daemon=True)
        self._poller.start()

    def figures(self) -> dict[str, float]:
        """What ``/metrics`` tells of it."""
        return {
            "kafka_in_flight_messages": self._in_flight_messages,
            "kafka_in_flight_bytes": self._in_flight_bytes,
            "kafka_delivered_messages_total": self._delivered,
            "kafka_failed_messages_total": self._failed,
        }

    def _poll(self) -> None:
        while not self._stopped.is_set():
            self.producer.poll(0.1)

    async def write(self, batch: Batch) -> Receipt:
        """Produce all entries of a batch; return once every one is acknowledged.

        Raises:
            SinkBusyError: too much is in flight (nothing was produced), or the brokers did not
                answer in time. A batch that is sent again then may be in the topic twice; the
                table counts each row once.
            SinkError: a broker refused it for good.
        """
        count = len(batch.entries)
        future = self._begin(batch)
        # While the brokers are away much waits here, and librdkafka has copies of its own.
        del batch
        await asyncio.shield(future)
        return Receipt(count)

    def _begin(self, batch: Batch) -> asyncio.Future[None]:
        """Produce all entries; the future is done when every one is acknowledged."""
        self._make_sure_of_room(len(batch.entries), 0)
        values = batch_messages(batch)
        byte_count = sum(map(len, values))
        self._make_sure_of_room(len(values), byte_count)
        loop = asyncio.get_running_loop()
        waiting = _Waiting(len(values), byte_count, loop, loop.create_future())
        with self._lock:
            self._in_flight_messages += len(values)
            self._in_flight_bytes += byte_count
        self._produce(values, batch.session_id.encode(), waiting)
        return waiting.future

    def _make_sure_of_room(self, messages: int, byte_count: int) -> None:
        if (
            self._stopped.is_set()
            or self._in_flight_messages + messages > self._max_messages
            or self._in_flight_bytes + byte_count > self._max_bytes
        ):
            raise SinkBusyError(
                f"{self._in_flight_messages} messages wait for Kafka", RETRY_AFTER_SECONDS
            )

    def _produce(self, values: list[bytes], key: bytes, waiting: _Waiting) -> None:
        def on_delivery(error: Any, _: Any) -> None:
            self._settle(waiting, 1, None if error is None else str(error))

        for number, value in enumerate(values):
            try:
                self.producer.produce(self.target.topic, value, key, on_delivery=on_delivery)
            except BufferError:
                self._settle(waiting, len(values) - number, "librdkafka's queue is full")
                return
            except Exception as error:
                # Such as a message larger than the topic allows: the others are under way.
                self._settle(waiting, 1, str(error))

    def _settle(self, waiting: _Waiting, count: int, error: str | None) -> None:
        """Called for each message, from the polling thread or from the loop's own; the loop is
        woken once for each batch."""
        with self._lock:
            waiting.left -= count
            self._in_flight_messages -= count
            if error is None:
                self._delivered += count
            else:
                self._failed += count
                waiting.error = error
            if waiting.left:
                return
            self._in_flight_bytes -= waiting.byte_count
        # A loop that is closed has nobody left who waits.
        with contextlib.suppress(RuntimeError):
            waiting.loop.call_soon_threadsafe(_finish, waiting)

    async def close(self) -> None:
        """Wait for what is under way, then let go. Safe to call twice."""
        if self._stopped.is_set():
            return
        await asyncio.to_thread(self.producer.flush, DELIVERY_SECONDS + 1)
        self._stopped.set()
        await asyncio.to_thread(self._poller.join)


def _finish(waiting: _Waiting) -> None:
    if waiting.future.done():
        return
    if waiting.error is None:
        waiting.future.set_result(None)
    elif "size" in waiting.error.lower():
        waiting.future.set_exception(SinkError(f"Kafka: {waiting.error}"))
    else:
        waiting.future.set_exception(SinkBusyError(f"Kafka: {waiting.error}", RETRY_AFTER_SECONDS))


class KafkaTopic:
    """The topic as a destination of :func:`perftui.export.drain.drain`. Blocking.

    Raises:
        MissingExtraError: confluent-kafka is not installed.
    """

    table_id = None

    def __init__(
        self,
        target: KafkaTarget,
        *,
        password: str | None = None,
        delivery_seconds: float = 60.0,
    ) -> None:
        self._sink = KafkaSink(target, password=password, delivery_seconds=delivery_seconds)

    def send(self, table: Any, token: str) -> None:
        """Produce a table's rows; return once all are acknowledged.

        Args:
            token: not needed: rows that are sent twice have one key in the table.

        Raises:
            ExportError: some were not acknowledged; sending all again is safe.
        """
        from perftui.export.arrow import table_rows

        session_at = COLUMN_NAMES.index("session_id")
        failed: list[str] = []

        def on_delivery(error: Any, _: Any) -> None:
            if error is not None:
                failed.append(str(error))

        producer = self._sink.producer
        for row in table_rows(table):
            while True:
                try:
                    producer.produce(
                        self._sink.target.topic,
                        message(row),
                        row[session_at].encode(),
                        on_delivery=on_delivery,
                    )
                except BufferError:
                    producer.poll(0.1)
                else:
                    break
        producer.flush()
        if failed:
            raise ExportError(
                f"{len(failed)} messages were not taken by Kafka ({failed[0]});"
                " run this again, it goes on where it stopped"
            )

    def close(self) -> None:
        """Let go of the brokers."""
        asyncio.run(self._sink.close())
