"""HTTP that no honest client speaks: each request is refused or taken as what the RFC says that it
is, none is two requests at once, and the connection ends where its end is in doubt."""

from __future__ import annotations

import json
import socket

import pytest

from perftui.store.reader import StoreReader
from tests.server.conftest import Running, Start, batch, mark
from tests.server.test_limits import answer_of, raw

FULL = json.dumps(batch(mark("whole"))).encode()
SMUGGLED = json.dumps(batch(mark("smuggled"), batchId="x")).encode()
HOST = b"Host: localhost\r\n"
POST = b"POST /batch HTTP/1.1\r\n" + HOST


def request(body: bytes, *headers: bytes) -> bytes:
    told = b"".join(header + b"\r\n" for header in headers)
    return POST + told + b"Content-Length: %d\r\n\r\n" % len(body) + body


def chunked(body: bytes) -> bytes:
    return b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)


def statuses(answers: bytes) -> list[int]:
    return [int(part[:3]) for part in answers.split(b"HTTP/1.1 ")[1:]]


def names(capture: Running) -> list[str]:
    with StoreReader(capture.path) as reader:
        return [record.entry.name for record in reader.iter_records()]


ORIGIN = b"Origin: http://localhost:3000\r\n"
TE = b"Transfer-Encoding: chunked\r\n"
BOTH_WAYS = chunked(FULL) + request(SMUGGLED)


@pytest.mark.parametrize(
    "told",
    [
        pytest.param(POST + TE + b"Content-Length: %d\r\n\r\n" % len(FULL) + BOTH_WAYS, id="TE+CL"),
        pytest.param(
            POST + b"Content-Length: %d\r\n" % len(FULL) + TE + b"\r\n" + BOTH_WAYS, id="CL+TE"
        ),
        pytest.param(
            POST + b"Content-Length: 0\r\nContent-Length: 5\r\n\r\n" + request(SMUGGLED),
            id="two lengths",
        ),
        pytest.param(POST + b"Content-Length: 0, 5\r\n\r\n" + request(SMUGGLED), id="list"),
        pytest.param(POST + b"Content-Length: -1\r\n\r\n" + request(SMUGGLED), id="negative"),
        pytest.param(POST + b"Content-Length: +0\r\n\r\n" + request(SMUGGLED), id="plus"),
        pytest.param(POST + b"Content-Length: 0x5\r\n\r\n" + request(SMUGGLED), id="hex"),
        pytest.param(POST + b"Content-Length: 9" + b"9" * 30 + b"\r\n\r\n", id="overflow"),
        pytest.param(POST + b"Content-Length : 0\r\n\r\n" + request(SMUGGLED), id="space"),
        pytest.param(POST + b"Content-Length: \r\n\r\n" + request(SMUGGLED), id="no length"),
        pytest.param(
            POST + b"Transfer-Encoding: xchunked\r\n\r\n" + BOTH_WAYS, id="unknown coding"
        ),
        pytest.param(
            POST + b"Transfer-Encoding: chunked, identity\r\n\r\n" + BOTH_WAYS, id="not last"
        ),
        pytest.param(POST + TE + b"\r\n-5\r\n" + FULL, id="negative chunk"),
        pytest.param(POST + TE + b"\r\n" + b"f" * 17 + b"\r\n" + FULL, id="chunk overflow"),
        pytest.param(POST + TE + b"\r\n5\r\n" + FULL, id="chunk too short"),
        pytest.param(POST + TE + b"\r\n5;x\ny\r\n{}   \r\n0\r\n\r\n", id="line feed in extension"),
        pytest.param(POST + b" folded: x\r\n\r\n", id="folded header"),
        pytest.param(POST + b"a b: x\r\n\r\n", id="space in a name"),
        pytest.param(POST + b"a\x00b: x\r\n\r\n", id="NUL in a name"),
        pytest.param(POST + b"a: x\x00y\r\n\r\n", id="NUL in a value"),
        pytest.param(POST + b"no colon\r\n\r\n", id="no colon"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", id="TLS"),
        pytest.param(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", id="HTTP/2"),
        pytest.param(b"GET /batch\r\n\r\n", id="HTTP/0.9"),
        pytest.param(b"\x00" * 500, id="zeros"),
        pytest.param(bytes(range(128, 256)) * 4, id="noise"),
    ],
)
def test_what_is_in_doubt_is_refused_and_the_connection_ends(capture: Running, told: bytes) -> None:
    with raw(capture, told) as connection:
        answers = statuses(answer_of(connection))
    assert answers
    assert answers[0] in {400, 403}
    assert len(answers) == 1
    assert names(capture) == []
    assert capture.post(batch(mark("after")))[0] == 200


def test_a_body_shorter_than_it_said_is_never_taken(start: Start) -> None:
    capture = start(body_timeout_seconds=0.3)
    short = POST + b"Content-Length: %d\r\n\r\n" % (len(FULL) + 1) + FULL
    with raw(capture, short) as connection:
        assert statuses(answer_of(connection)) == [408]
    with raw(capture, short) as connection:
        connection.shutdown(socket.SHUT_WR)
        assert statuses(answer_of(connection)) == []
    assert names(capture) == []


def test_a_body_longer_than_it_said_ends_where_it_said(capture: Running) -> None:
    longer = POST + b"Content-Length: %d\r\n\r\n" % len(FULL) + FULL + b"x" * 10 + b"\r\n\r\n"
    with raw(capture, longer) as connection:
        assert statuses(answer_of(connection)) == [200]
    assert names(capture) == ["whole"]


def test_requests_in_a_pipeline_are_answered_in_order(capture: Running) -> None:
    count = 300
    told = b"".join(
        request(json.dumps(batch(mark(str(number)), batchId=str(number))).encode())
        if number % 3
        else b"GET /nothing HTTP/1.1\r\n" + HOST + b"\r\n"
        for number in range(count)
    )
    with raw(
        capture, told + b"GET /config HTTP/1.1\r\nConnection: close\r\n" + HOST + b"\r\n"
    ) as c:
        answers = statuses(answer_of(c))
    assert answers == [200 if number % 3 else 404 for number in range(count)] + [200]
    assert names(capture) == [str(number) for number in range(count) if number % 3]


@pytest.mark.parametrize(
    ("told", "status"),
    [
        (POST + TE + b"\r\n" + chunked(FULL), 200),
        (POST + TE + b"\r\n1;name=value\r\n{\r\n%x\r\n%s\r\n0\r\nTrailer: x\r\n\r\n", 200),
        (b"POST http://localhost/batch HTTP/1.1\r\n" + HOST + b"Content-Length: %d\r\n\r\n", 200),
        (b"POST /batch HTTP/1.0\r\n" + HOST + b"Content-Length: %d\r\n\r\n", 200),
        (b"POST /batch HTTP/1.1\r\nContent-Length: %d\r\n\r\n", 403),
        (b"POST /batch HTTP/1.1\r\n" + HOST + HOST + b"Content-Length: %d\r\n\r\n", 400),
        (
            b"POST /batch HTTP/1.1\r\n" + HOST + b"Host: evil.test\r\nContent-Length: %d\r\n\r\n",
            400,
        ),
        (POST + ORIGIN + b"Origin: https://evil.test\r\nContent-Length: %d\r\n\r\n", 400),
        (POST + b"Upgrade: websocket\r\nConnection: Upgrade\r\nContent-Length: %d\r\n\r\n", 400),
    ],
    ids=[
        *("chunks", "extension", "absolute", "1.0", "no host", "twice", "two hosts"),
        *("two origins", "upgrade"),
    ],
)
def test_unusual_and_yet_plain(capture: Running, told: bytes, status: int) -> None:
    if told.count(b"%"):
        fields = (len(FULL) - 1, FULL[1:]) if b"%x" in told else (len(FULL),)
        told = told % fields + (b"" if b"%x" in told else FULL)
    with raw(capture, told + request(SMUGGLED) * (status != 200)) as connection:
        answers = statuses(answer_of(connection) if status != 200 else connection.recv(65536))
    assert answers == [status]
    assert names(capture) == (["whole"] if status == 200 else [])
