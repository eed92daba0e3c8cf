"""What a connection leaves behind when it has ended."""

from __future__ import annotations

import asyncio
import gc
import json
import socket
import struct
import time
from collections.abc import Iterator

import pytest
from perftui_server.protocol import LimitedProtocol

from tests.server.conftest import Running, Start, batch, mark

BODY = json.dumps(batch(mark())).encode()
POST = b"POST /batch HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY
GET = b"GET /config HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture
def without_collector() -> Iterator[None]:
    """What is freed is freed by its last reference."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def _connect(capture: Running) -> socket.socket:
    return socket.create_connection(("127.0.0.1", capture.port), timeout=20)


def _reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def _held() -> int:
    """Protocols and transports of connections that are still there."""
    kinds = (LimitedProtocol, asyncio.Transport)
    return sum(issubclass(type(one), kinds) for one in gc.get_objects())


@pytest.mark.usefixtures("without_collector")
@pytest.mark.parametrize(
    ("told", "answers"),
    [
        (b"", 0),
        (POST, 1),
        (POST * 3, 3),
        (GET * 5 + POST, 6),
        (POST[:60], 0),
        (POST[:-5], 0),
        (POST.replace(b"localhost", b"elsewhere"), 1),
        (b"\x16\x03\x01\x02", 1),
        (POST.replace(b"Host", b"Connection: close\r\nHost"), 1),
    ],
    ids=lambda told: str(told)[:48],
)
@pytest.mark.parametrize("end", [socket.socket.close, _reset], ids=["closed", "reset"])
def test_an_ended_connection_is_freed_without_the_collector(
    start: Start, told: bytes, answers: int, end: object
) -> None:
    capture = start()
    for _ in range(3):
        connection = _connect(capture)
        connection.sendall(told)
        heard = b""
        while heard.count(b"HTTP/1.1 ") < answers:
            heard += connection.recv(65536)
        assert callable(end)
        end(connection)
    # Requests that nobody waits for any more, of which some have not begun.
    connection = _connect(capture)
    connection.sendall(GET * 200 + POST)
    _reset(connection)
    deadline = time.monotonic() + 60
    while _held():
        assert time.monotonic() < deadline, f"{_held()} are still held"
        time.sleep(0.01)


@pytest.mark.usefixtures("without_collector")
def test_who_made_room_is_freed_without_the_collector(start: Start) -> None:
    capture = start(max_connections=2)
    connections = [_connect(capture) for _ in range(10)]
    for connection in connections[:-2]:
        assert connection.recv(100).startswith(b"HTTP/1.1 503 ")
    for connection in connections:
        connection.close()
    deadline = time.monotonic() + 60
    while _held():
        assert time.monotonic() < deadline, f"{_held()} are still held"
        time.sleep(0.01)
