"""Every bound of the server: what a client over it is answered, that it is counted under its
setting, and that the log says so once, not once for each."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from perftui_server.notices import QUIET_SECONDS, Notices

from perftui import config
from perftui.config import ServerSettings
from tests.server.conftest import Running, Start, batch, mark


@contextmanager
def raw(capture: Running, *pieces: bytes) -> Iterator[socket.socket]:
    """A connection that says what no HTTP library would."""
    with socket.create_connection(("127.0.0.1", capture.port), timeout=20) as connection:
        for piece in pieces:
            connection.sendall(piece)
        yield connection


def answer_of(connection: socket.socket) -> bytes:
    """All that comes until the server closes."""
    pieces = []
    while piece := connection.recv(65536):
        pieces.append(piece)
    return b"".join(pieces)


def reached(capture: Running) -> dict[str, int]:
    """Setting -> how often it was reached, as ``/metrics`` tells."""
    _, _, body = capture.request("GET", "/metrics")
    found = {}
    for line in body.decode().splitlines():
        if line.startswith("perftui_limit_reached_total{"):
            name, count = line.split(" ")
            found[name.split('"')[1]] = int(count)
    return found


def assert_told(caplog: pytest.LogCaptureFixture, *settings: str) -> None:
    """The log has one line for each of these limits."""
    for setting in settings:
        assert caplog.text.count(f"{setting} reached by 127.0.0.1: ") == 1, setting


POST = b"POST /batch HTTP/1.1\r\nHost: localhost\r\n"
FULL = json.dumps(batch(mark())).encode()


def test_a_header_over_its_size(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    capture = start(max_header_bytes=1000)
    for pieces in (
        [POST + b"X: " + b"y" * 2000 + b"\r\n\r\n"],
        [POST + b"X: " + b"y" * 700, b"y" * 700],
        [b"GET /" + b"y" * 2000 + b" HTTP/1.1\r\n"],
        [b"\r\n" * 1000],
    ):
        with raw(capture, *pieces) as connection:
            assert answer_of(connection).startswith(b"HTTP/1.1 431 ")
    assert reached(capture) == {"max_header_bytes": 4}
    assert_told(caplog, "max_header_bytes")


@pytest.mark.parametrize(
    ("begun", "status"),
    [
        (b"", b""),
        (b"POST /batch HT", b"HTTP/1.1 408 "),
        # Between two requests the clock stands still; it runs from the first byte of the next.
        (b"GET /config HTTP/1.1\r\nHost: localhost\r\n\r\nG", b"HTTP/1.1 408 "),
    ],
)
def test_a_header_that_does_not_end(
    start: Start, begun: bytes, status: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    capture = start(header_timeout_seconds=0.3)
    with raw(capture, begun) as connection:
        answer = answer_of(connection)
    assert answer.removeprefix(answer.partition(b"HTTP/1.1 408")[0]).startswith(status)
    assert reached(capture) == {"header_timeout_seconds": 1}
    assert_told(caplog, "header_timeout_seconds")


def test_a_body_that_stalls_or_drips(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    capture = start(body_timeout_seconds=0.3, max_body_seconds=0.8)
    with raw(capture, POST + b"Content-Length: 500\r\n\r\n{") as connection:
        assert answer_of(connection).startswith(b"HTTP/1.1 408 ")
    assert reached(capture) == {"body_timeout_seconds": 1}
    with raw(capture, POST + b"Content-Length: 500\r\n\r\n{") as connection:
        connection.settimeout(0.1)
        for _ in range(400):
            try:
                if answer := connection.recv(1000):
                    break
            except TimeoutError:
                connection.sendall(b" ")
        assert answer.startswith(b"HTTP/1.1 408 ")
    assert reached(capture) == {"body_timeout_seconds": 1, "max_body_seconds": 1}
    assert_told(caplog, "body_timeout_seconds", "max_body_seconds")


def test_a_body_over_its_size_gets_its_answer_though_it_is_still_being_sent(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    capture = start(max_body_bytes=10_000, max_decoded_bytes=50_000)
    told = POST + b"Content-Length: 9000000\r\n\r\n"
    chunked = POST + b"Transfer-Encoding: chunked\r\n\r\n" + b"1000\r\n" + b" " * 4096 + b"\r\n" * 1
    for pieces in (
        [told, *[b" " * 65536] * 137],
        [chunked, *[b"1000\r\n" + b" " * 4096 + b"\r\n"] * 2000],
    ):
        with raw(capture, *pieces) as connection:
            assert answer_of(connection).startswith(b"HTTP/1.1 413 ")
    assert reached(capture) == {"max_body_bytes": 2}
    assert_told(caplog, "max_body_bytes")


def test_what_a_small_body_holds_is_bounded_too(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    capture = start(max_decoded_bytes=50_000, max_nesting=8, max_entries=3, max_string_characters=9)
    bomb = gzip.compress(b" " * 5_000_000)
    assert capture.request("POST", "/batch", bomb, {"Content-Encoding": "gzip"})[0] == 413
    assert capture.post(b"[" * 10_000)[0] == 400
    nested: Any = 1
    for _ in range(9):
        nested = [nested]
    assert capture.post(batch({**mark(), "x": nested}))[0] == 400
    assert capture.post(batch(*[mark()] * 4))[0] == 413
    assert capture.post(batch(mark("n" * 10), {**mark(), "x": ["m" * 10, {"k" * 10: 1}]}))[0] == 200
    assert reached(capture) == {
        "max_decoded_bytes": 1,
        "max_nesting": 2,
        "max_entries": 1,
        "max_string_characters": 3,
    }
    assert_told(caplog, *reached(capture))


def test_the_values_of_a_body_are_bounded(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    capture = start(max_values=1_000)
    many = [0] * 100_000
    assert capture.post(batch({**mark(), "x": many}))[0] == 413
    assert capture.post(batch({**mark(), "x": many[:10]}))[0] == 200
    assert reached(capture) == {"max_values": 1}
    assert_told(caplog, "max_values")


def test_who_waits_too_long_for_a_turn_is_told_to_come_again(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    """Of bodies that come in one turn of the loop, one that does not fit into it waits."""
    app = start(max_wait_seconds=0.0).server.app
    answers: list[dict[str, Any]] = []

    async def take(number: int) -> None:
        body = json.dumps(batch(mark(), batchId=str(number))).encode() + b" " * 1_500_000

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                answers.append(dict(message))

        scope = {
            "type": "http",
            "method": "POST",
            "path": "/batch",
            "query_string": b"",
            "headers": [(b"host", b"localhost")],
            "client": ("127.0.0.1", 1),
        }
        await app(scope, receive, send)

    async def all_at_once() -> None:
        await asyncio.gather(*map(take, range(2)))

    asyncio.run(all_at_once())
    assert sorted(answer["status"] for answer in answers) == [200, 503]
    (refused,) = (answer for answer in answers if answer["status"] == 503)
    assert (b"retry-after", b"1") in refused["headers"]
    assert app.metrics.limits == {"max_wait_seconds": 1}
    assert_told(caplog, "max_wait_seconds")


def test_bodies_held_at_once_are_bounded_by_what_really_came(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    capture = start(max_in_flight_bytes=300_000, body_timeout_seconds=20.0)
    with raw(capture, POST + b"Content-Length: 290000\r\n\r\n" + b" " * 200_000) as slow:
        while b"perftui_in_flight_bytes 200000\n" not in capture.request("GET", "/metrics")[2]:
            pass
        # What a client says that it will send takes no room from others.
        with raw(capture, POST + b"Content-Length: 299999\r\n\r\n ") as _:
            status, headers, _ = capture.request("POST", "/batch", b" " * 150_000)
            assert (status, headers["retry-after"]) == (503, "1")
            assert capture.post(batch(mark("a")))[0] == 200
        # A bomb fills the room that is left, and is refused where it is full.
        bomb = gzip.compress(b" " * 150_000)
        assert capture.request("POST", "/batch", bomb, {"Content-Encoding": "gzip"})[0] == 503
        slow.sendall(FULL + b" " * (90_000 - len(FULL)))
        assert slow.recv(100).startswith(b"HTTP/1.1 200 ")
    assert b"perftui_in_flight_bytes 0\n" in capture.request("GET", "/metrics")[2]
    assert reached(capture) == {"max_in_flight_bytes": 3}
    assert_told(caplog, "max_in_flight_bytes")


def test_one_connection_too_many_takes_the_place_of_one_that_waits(start: Start) -> None:
    capture = start(max_connections=3)
    with raw(capture) as first, raw(capture) as second:
        assert capture.post(batch(mark("a")))[0] == 200
        with raw(capture, POST + b"Content-Length: %d\r\n\r\n" % len(FULL)) as third:
            assert capture.post(batch(mark("b")))[0] == 200
            assert answer_of(first).startswith(b"HTTP/1.1 503 ")
            second.sendall(POST + b"Content-Length: %d\r\n\r\n" % len(FULL))
            third.sendall(FULL)
            assert third.recv(100).startswith(b"HTTP/1.1 200 ")
            second.sendall(FULL)
            assert second.recv(100).startswith(b"HTTP/1.1 200 ")


def test_where_none_waits_one_too_many_is_told_to_come_again(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    capture = start(max_connections=2)
    begun = POST + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(FULL)
    with raw(capture, begun) as first, raw(capture, begun) as second:
        for connection in (first, second):
            assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        with raw(capture, begun + FULL) as third:
            answer = answer_of(third)
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"retry-after: 1\r\n" in answer
        for connection in (first, second):
            connection.sendall(FULL)
            assert connection.recv(100).startswith(b"HTTP/1.1 200 ")
    assert reached(capture) == {"max_connections": 1}
    assert_told(caplog, "max_connections")


def test_of_too_many_requests_in_one_breath_the_first_are_answered(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    capture = start(max_pipelined_requests=3)
    request = POST + b"Content-Length: %d\r\n\r\n" % len(FULL) + FULL
    with raw(capture, request * 50) as connection:
        answers = answer_of(connection)
    # One is answered and three wait; what came later in the same piece is not read.
    assert answers.count(b"HTTP/1.1 200 ") == answers.count(b"HTTP/1.1 ") == 4
    assert reached(capture) == {"max_pipelined_requests": 1}
    assert_told(caplog, "max_pipelined_requests")


def test_a_connection_without_a_request_ends_in_time(start: Start) -> None:
    capture = start(keep_alive_seconds=1)
    with raw(capture, b"GET /config HTTP/1.1\r\nHost: localhost\r\n\r\n") as connection:
        assert answer_of(connection).startswith(b"HTTP/1.1 200 ")


def test_a_connection_that_is_used_again_ends_in_time_too(start: Start) -> None:
    capture = start(keep_alive_seconds=1)
    request = b"GET /config HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with raw(capture, request) as connection:
        heard = b""
        while heard.count(b"enabled") < 1:
            heard += connection.recv(65536)
        connection.sendall(request)
        assert (heard + answer_of(connection)).count(b"HTTP/1.1 200 ") == 2


def test_a_disk_that_is_nearly_full_is_counted_and_told(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    capture = start(min_free_bytes=2**62)
    for number in range(3):
        assert capture.post(batch(mark(), batchId=str(number)))[0] == 507
    assert reached(capture) == {"min_free_bytes": 3}
    assert caplog.text.count("min_free_bytes reached by 127.0.0.1: only ") == 1


def test_each_limit_of_the_server_has_its_place_in_the_docs() -> None:
    """``docs/server.md`` says of each what a client is answered, and names the metrics."""
    page = (Path(config.__file__).parent.parent / "docs" / "server.md").read_text()
    limits = [
        name
        for name in ServerSettings.__struct_fields__
        if name.startswith("max_") or name.endswith("_seconds")
    ]
    assert len(limits) >= 12
    for name in limits:
        assert f"| `{name}` |" in page, name


def test_every_metric_stands_in_the_docs(capture: Running) -> None:
    capture.post(batch(mark(), {}))
    page = (Path(config.__file__).parent.parent / "docs" / "server.md").read_text()
    text = capture.request("GET", "/metrics")[2].decode()
    names = {line.split(" ")[2] for line in text.splitlines() if line.startswith("# TYPE")}
    assert len(names) > 10
    for name in names:
        assert f"| `{name}` |" in page, name


class _Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds

    def now_us(self) -> int:
        return round(self.seconds * 1e6)


def test_a_flood_of_warnings_is_one_line_and_a_count(caplog: pytest.LogCaptureFixture) -> None:
    clock = _Clock()
    notices = Notices(clock)
    with caplog.at_level(logging.WARNING):
        for _ in range(1000):
            notices.warn("host", "refused %r", "evil.test")
        notices.warn("origin", "refused another thing")
        clock.seconds = QUIET_SECONDS
        notices.warn("host", "refused %r", "evil.test")
    assert caplog.messages == [
        "refused 'evil.test'",
        "refused another thing",
        "refused 'evil.test' (and 999 more like it since the last such line)",
    ]


def test_every_limit_can_be_set_in_the_environment() -> None:
    for setting in msgspec.structs.fields(ServerSettings):
        default = setting.default
        if isinstance(default, int | float):
            told = config.load_settings(
                environment={f"PERFTUI_SERVER_{setting.name.upper()}": str(int(default) + 1)}
            )
            assert getattr(told.server, setting.name) == int(default) + 1
