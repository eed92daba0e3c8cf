"""A small HTTP client for load: keep-alive connections, requests made beforehand, and the moment
that each answer arrived. Nothing between it and the socket that would be measured too."""

from __future__ import annotations

import asyncio
import gc
import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

HOST = "127.0.0.1"


def percentile_ms(latencies: Iterable[float], share: float) -> float:
    """Milliseconds, of seconds; the nearest rank."""
    ordered = sorted(latencies)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000


@dataclass
class Answers:
    """What a run got.

    Attributes:
        latencies: seconds from when each request was due to its answer.
        statuses: HTTP status -> how many; 0 where the connection ended without one.
        seconds: how long the run took.
    """

    latencies: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    seconds: float = 0.0

    def percentile(self, share: float) -> float:
        """Milliseconds; the nearest rank."""
        return percentile_ms(self.latencies, share)


def http_request(body: bytes) -> bytes:
    """A POST of a batch, as bytes."""
    return (
        b"POST /batch HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/plain\r\n"
        b"Content-Length: %d\r\n\r\n" % len(body)
    ) + body


async def exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes
) -> tuple[int, bytes]:
    """Send one request, read one answer: its status and body."""
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
    if length:
        body = await reader.readexactly(int(length[1]))
    else:
        body = await _chunks(reader) if b"chunked" in head.lower() else b""
    return int(head[9:12]), body


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    pieces: list[bytes] = []
    while size := int(await reader.readline(), 16):
        pieces.append((await reader.readexactly(size + 2))[:-2])
    await reader.readline()
    return b"".join(pieces)


@contextmanager
def _without_collections() -> Iterator[None]:
    """The pauses of the client's own garbage collector are none of the server's."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


async def closed_loop(port: int, requests: Iterator[bytes], *, connections: int) -> Answers:
    """Each connection sends the next request when it has the answer to its last."""
    answers = Answers()

    async def run() -> None:
        reader, writer = await asyncio.open_connection(HOST, port)
        try:
            for request in requests:
                begun = time.perf_counter()
                status, _ = await exchange(reader, writer, request)
                answers.latencies.append(time.perf_counter() - begun)
                answers.statuses[status] += 1
        finally:
            writer.close()

    with _without_collections():
        begun = time.perf_counter()
        await asyncio.gather(*(run() for _ in range(connections)))
        answers.seconds = time.perf_counter() - begun
    return answers


async def open_loop(
    port: int, requests: Iterable[bytes], *, per_second: float, connections: int = 64
) -> Answers:
    """Requests are due at fixed moments, whatever became of the earlier ones; one that finds all
    connections busy waits, and its latency counts from when it was due.

    Args:
        requests: each is asked for once the one before is begun, and not kept once it is answered;
            to make one should take no more than some dozens of microseconds.
    """
    answers = Answers()
    free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
    for _ in range(connections):
        free.put_nowait(await asyncio.open_connection(HOST, port))

    async def send(due: float, request: bytes) -> None:
        pair = await free.get()
        status, _ = await exchange(*pair, request)
        answers.latencies.append(time.perf_counter() - due)
        answers.statuses[status] += 1
        free.put_nowait(pair)

    with _without_collections():
        begun = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            # Each is begun when it is due: to begin all of them at once would take so long that
            # the first would be late by that.
            for number, request in enumerate(requests):
                due = begun + number / per_second
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                group.create_task(send(due, request))
        answers.seconds = time.perf_counter() - begun
    while not free.empty():
        free.get_nowait()[1].close()
    return answers


@dataclass
class Server:
    """A capture server in a process of its own."""

    process: subprocess.Popen[str]
    port: int

    def rss_bytes(self) -> int:
        """Its resident memory."""
        return int(psutil.Process(self.process.pid).memory_info().rss)


@contextmanager
def capture_server(store: Path, *options: str, **environment: str) -> Iterator[Server]:
    """``perftui serve`` on a free port, ended with SIGTERM."""
    process = subprocess.Popen(
        [sys.executable, "-m", "perftui", "--db", str(store), "serve", "--port", "0", *options],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.search(r":(\d+)\s*$", line)
        if found is None:
            raise RuntimeError(f"the capture server did not start: {line!r}")
        yield Server(process, int(found[1]))
    finally:
        process.terminate()
        process.wait(timeout=30)
        if process.stdout is not None:
            process.stdout.close()
