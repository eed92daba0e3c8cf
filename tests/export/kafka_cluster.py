"""librdkafka's mock cluster in a process of its own, with its faults: the real protocol, brokers
that refuse, lead no more, go away or fall silent.

The faults are in librdkafka's public header ``rdkafka_mock.h`` alone, so the process calls the
library that confluent-kafka ships by ctypes. It obeys one command a line on stdin, and says ``ok``.
"""

from __future__ import annotations

import ctypes
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

TOPIC = "entries"
BROKERS = 3
PARTITIONS = 4

PRODUCE = 0
"""The key of produce requests in Kafka's protocol."""

ERRORS = {
    # https://kafka.apache.org/protocol#protocol_error_codes
    "leader-not-available": 5,
    "not-leader": 6,
    "timed-out": 7,
    "not-enough-replicas": 19,
}
"""Errors of a broker that pass; before they are answered nothing is appended."""


class Cluster:
    """The process.

    Attributes:
        brokers: ``host:port,…``.
    """

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.export.kafka_cluster"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).resolve().parents[2],
        )
        self.brokers = self._line()

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def _tell(self, *words: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(" ".join(map(str, words)) + "\n")
        self._process.stdin.flush()
        assert self._line() == "ok", words

    def refuse(self, *errors: str) -> None:
        """Answer the next produce requests with these of :data:`ERRORS`."""
        self._tell("refuse", *(ERRORS[error] for error in errors))

    def lead(self, partition: int, broker: int) -> None:
        """Make a broker (1 to 3; -1 is none) the leader of a partition."""
        self._tell("lead", partition, broker)

    def go_down(self, broker: int) -> None:
        """Close a broker's connections and take no new ones."""
        self._tell("down", broker)

    def come_up(self, broker: int) -> None:
        """Take connections again."""
        self._tell("up", broker)

    def pause(self) -> None:
        """Fall silent: connections stay, nothing is answered."""
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Answer again."""
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """End the process."""
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
        consumer.subscribe([TOPIC])
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


def _library() -> Any:
    import confluent_kafka

    folder = Path(confluent_kafka.__file__).parent.with_name("confluent_kafka.libs")
    (path,) = folder.glob("librdkafka*")
    library = ctypes.CDLL(str(path))
    pointer = ctypes.c_void_p
    for name, result, arguments in (
        ("rd_kafka_conf_new", pointer, []),
        (
            "rd_kafka_conf_set",
            ctypes.c_int,
            [pointer, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_size_t],
        ),
        (
            "rd_kafka_new",
            pointer,
            [ctypes.c_int, pointer, ctypes.c_char_p, ctypes.c_size_t],
        ),
        ("rd_kafka_mock_cluster_new", pointer, [pointer, ctypes.c_int]),
        ("rd_kafka_mock_cluster_bootstraps", ctypes.c_char_p, [pointer]),
        (
            "rd_kafka_mock_topic_create",
            ctypes.c_int,
            [pointer, ctypes.c_char_p, ctypes.c_int, ctypes.c_int],
        ),
        (
            "rd_kafka_mock_push_request_errors_array",
            None,
            [pointer, ctypes.c_int16, ctypes.c_size_t, ctypes.POINTER(ctypes.c_int)],
        ),
        (
            "rd_kafka_mock_partition_set_leader",
            ctypes.c_int,
            [pointer, ctypes.c_char_p, ctypes.c_int32, ctypes.c_int32],
        ),
        ("rd_kafka_mock_broker_set_down", ctypes.c_int, [pointer, ctypes.c_int32]),
        ("rd_kafka_mock_broker_set_up", ctypes.c_int, [pointer, ctypes.c_int32]),
    ):
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> None:
    """Be the cluster until stdin ends."""
    library = _library()
    settings = library.rd_kafka_conf_new()
    # The producer that the cluster lives in produces nothing.
    library.rd_kafka_conf_set(settings, b"bootstrap.servers", b"unused", None, 0)
    library.rd_kafka_conf_set(settings, b"log_level", b"0", None, 0)
    producer = library.rd_kafka_new(0, settings, None, 0)
    cluster = library.rd_kafka_mock_cluster_new(producer, BROKERS)
    topic = TOPIC.encode()
    library.rd_kafka_mock_topic_create(cluster, topic, PARTITIONS, BROKERS)
    _say(library.rd_kafka_mock_cluster_bootstraps(cluster).decode())
    for line in sys.stdin:
        name, *words = line.split()
        numbers = [int(word) for word in words]
        match name:
            case "refuse":
                codes = (ctypes.c_int * len(numbers))(*numbers)
                library.rd_kafka_mock_push_request_errors_array(
                    cluster, PRODUCE, len(numbers), codes
                )
            case "lead":
                library.rd_kafka_mock_partition_set_leader(cluster, topic, *numbers)
            case "down":
                library.rd_kafka_mock_broker_set_down(cluster, *numbers)
            case "up":
                library.rd_kafka_mock_broker_set_up(cluster, *numbers)
        _say("ok")


if __name__ == "__main__":
    main()
