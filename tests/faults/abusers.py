"""Clients that mean no good, in a process of their own: ``python -m tests.faults.abusers PORT
SECONDS [KIND …]`` prints what they were answered as JSON, ``{kind: {status: count}}``.

Status 0 is a connection that ended without an answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import os
import re
import resource
import socket
import struct
import sys
from collections import Counter
from collections.abc import Awaitable, Callable

HEADER = b"POST /batch HTTP/1.1\r\nHost: localhost\r\n"
GZIPPED = HEADER + b"Content-Encoding: gzip\r\n"
MIB = 2**20

Answers = Counter[int]
Abuser = Callable[[int, Answers], Awaitable[None]]


async def _until_closed(reader: asyncio.StreamReader, answers: Answers) -> None:
    """Read to the end of the connection, and count what came."""
    heard = b""
    with contextlib.suppress(OSError):
        while piece := await reader.read(65536):
            heard = (heard + piece)[-MIB:]
    found = [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", heard)]
    answers.update(found or [0])


async def _drip(port: int, answers: Answers, begin: bytes, drop: bytes, pause: float) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    heard = asyncio.ensure_future(_until_closed(reader, answers))
    with contextlib.suppress(OSError):
        writer.write(begin)
        while not heard.done():
            writer.write(drop)
            await asyncio.wait([heard], timeout=pause)
    writer.close()
    await heard


async def half_headers(port: int, answers: Answers) -> None:
    """A header that never ends."""
    await _drip(port, answers, HEADER + b"X-Long: ", b"y", 0.2)
    await asyncio.sleep(0.5)


async def dripping_bodies(port: int, answers: Answers) -> None:
    """A body that comes by the byte."""
    await _drip(port, answers, HEADER + b"Content-Length: 1000000\r\n\r\n{", b" ", 0.2)


async def idle(port: int, answers: Answers) -> None:
    """A connection that says nothing."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await _until_closed(reader, answers)
    writer.close()
    await asyncio.sleep(1.0)


async def _ask(port: int, answers: Answers, told: bytes, pause: float = 0.05) -> None:
    """Send something; hear what is said until the end, or for a second."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    with contextlib.suppress(OSError, TimeoutError):
        heard = asyncio.ensure_future(_until_closed(reader, answers))
        writer.write(told)
        async with asyncio.timeout(5):
            await asyncio.shield(heard)
    writer.close()
    with contextlib.suppress(OSError):
        await heard
    await asyncio.sleep(pause)


def _packed(content: bytes) -> bytes:
    body = gzip.compress(content, 9)
    return GZIPPED + b"Connection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


BOMB = _packed(b" " * (256 * MIB))
MANY_VALUES = _packed(
    b'{"sessionId":"s","pageViewId":"p","entries":[],"client":{"x":[%s[]]}}' % (b"[]," * 2_700_000)
)
SURROGATES = _packed(
    b'{"sessionId":"s","pageViewId":"p","entries":[],"client":{"x":"%s"}}' % (b"\\ud800" * 200_000)
)
NESTED = _packed(b'{"entries":' + b"[" * 7 * MIB)
NESTED_OBJECTS = _packed(b'{"a":' * MIB)


async def gzip_bombs(port: int, answers: Answers) -> None:
    """256 KiB that are 256 MiB."""
    await _ask(port, answers, BOMB)


async def many_values(port: int, answers: Answers) -> None:
    """8 kB that are millions of values, or of repairs."""
    await _ask(port, answers, MANY_VALUES)
    await _ask(port, answers, SURROGATES)


async def nesting(port: int, answers: Answers) -> None:
    """Arrays in arrays, objects in objects."""
    await _ask(port, answers, NESTED)
    await _ask(port, answers, NESTED_OBJECTS)


WRONG_LENGTHS = (
    HEADER + b"Content-Length: 5\r\nContent-Length: 7\r\n\r\n1234567",
    HEADER + b"Content-Length: -5\r\n\r\n12345",
    HEADER + b"Content-Length: 99999999999999999999\r\n\r\n12345",
    HEADER + b"Content-Length: 9000000000\r\n\r\n12345",
    HEADER + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + HEADER * 2,
    HEADER + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + HEADER * 2,
    HEADER + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
    HEADER + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
)


async def wrong_lengths(port: int, answers: Answers) -> None:
    """Lengths that are two, none, or both ways at once."""
    for told in WRONG_LENGTHS:
        await _ask(port, answers, told, 0.01)


async def endless_bodies(port: int, answers: Answers) -> None:
    """A body without a length, as fast as it is taken."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    heard = asyncio.ensure_future(_until_closed(reader, answers))
    with contextlib.suppress(OSError):
        writer.write(HEADER + b"Transfer-Encoding: chunked\r\n\r\n")
        while not heard.done():
            writer.write(b"10000\r\n" + b" " * 0x10000 + b"\r\n")
            await writer.drain()
            await asyncio.sleep(0)
    writer.close()
    await heard
    await asyncio.sleep(0.05)


async def pipelining(port: int, answers: Answers) -> None:
    """Two thousand requests in one breath, their answers not read for a while."""
    some = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n" * 1999
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    with contextlib.suppress(OSError):
        writer.write(some + b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        await asyncio.sleep(0.5)
        await _until_closed(reader, answers)
    writer.close()
    await asyncio.sleep(1.0)


async def resets(port: int, answers: Answers) -> None:
    """Half a body, and gone."""
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    with contextlib.suppress(OSError):
        writer.write(HEADER + b"Content-Length: 100000\r\n\r\n" + b" " * 50_000)
        await writer.drain()
        plain: socket.socket = writer.get_extra_info("socket")
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
    answers[0] += 1
    await asyncio.sleep(0.02)


async def noise(port: int, answers: Answers) -> None:
    """What is no HTTP at all."""
    for told in (b"\x16\x03\x01\x02\x00\x01", bytes(256), b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"):
        await _ask(port, answers, told * 200, 0.01)


KINDS: dict[str, tuple[Abuser, int]] = {
    "half headers": (half_headers, 100),
    "dripping bodies": (dripping_bodies, 100),
    "idle": (idle, 1000),
    "gzip bombs": (gzip_bombs, 1),
    "many values": (many_values, 1),
    "nesting": (nesting, 1),
    "wrong lengths": (wrong_lengths, 2),
    "endless bodies": (endless_bodies, 1),
    "pipelining": (pipelining, 1),
    "resets": (resets, 2),
    "noise": (noise, 1),
}
"""Kind -> what one of them does, over and over, and how many of them there are."""


async def _over_and_over(abuser: Abuser, port: int, answers: Answers) -> None:
    while True:
        try:
            await abuser(port, answers)
        except OSError:
            await asyncio.sleep(0.2)


async def abuse(port: int, seconds: float, kinds: list[str]) -> dict[str, Answers]:
    """All of these kinds at once, for so long."""
    answers = {kind: Counter[int]() for kind in kinds}
    running = [
        asyncio.ensure_future(_over_and_over(KINDS[kind][0], port, answers[kind]))
        for kind in kinds
        for _ in range(KINDS[kind][1])
    ]
    await asyncio.sleep(seconds)
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    return answers


def main() -> None:
    """See the module's docstring."""
    port, seconds, *kinds = sys.argv[1:]
    # They would have a machine of their own: what is measured is not who gets this one's processor.
    os.nice(10)
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, most), most))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    found = asyncio.run(abuse(int(port), float(seconds), kinds or list(KINDS)))
    json.dump({kind: dict(answers) for kind, answers in found.items()}, sys.stdout)


if __name__ == "__main__":
    main()
