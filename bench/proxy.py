"""``make bench-proxy``: ``perftui proxy`` against mitmdump with no addon, taken in the same run.

Both stand in reverse mode before one server that answers at once. The rounds alternate, so that
whatever else the machine does is the same for both. With the addon each request is captured: the
capture server and its store run beside it.

    python -m bench.proxy                  about a minute
    python -m bench.proxy --requests 2000 --rounds 3
    python -m bench.proxy --addon          the addon in somebody's own mitmdump instead
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle, islice
from pathlib import Path
from typing import NamedTuple

import psutil

from bench.http_load import HOST, Answers, capture_server, closed_loop
from perftui.commands.proxy import addon_path
from perftui.store.reader import StoreReader

MINIMUM_THROUGHPUT_RATIO = 0.85
MAXIMUM_ADDED_P50_MS = 1.0
CONNECTIONS = 16

MITMDUMP = ("-c", "import sys; from mitmproxy.tools.main import mitmdump; sys.exit(mitmdump())")
OURS = ("-m", "perftui.capture.mitmproxy_child")
"""What ``perftui proxy`` starts."""

JSON_BODY = b'{"items": [' + b'{"id": 12345, "name": "an item of the list"}, ' * 40 + b"null]}"
PAGE = b"<!doctype html><html><head><title>t</title></head><body>" + b"<p>words</p>" * 300
KINDS = {
    "JSON of 2 kB": (b"application/json", JSON_BODY),
    "a document of 4 kB": (b"text/html", PAGE),
    "a picture of 30 kB": (b"image/png", bytes(range(256)) * 120),
}
"""What is asked for: content type and body."""

PAGE_LOAD = "a page load"
MIX = (1, *(0, 2) * 12)
"""What a page load asks for: a document, and calls and pictures."""


class _Origin(asyncio.Protocol):
    """Answers whatever is asked at once, by the number in its path."""

    answers = tuple(
        b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n"
        b"Cache-Control: no-store\r\nX-Request-Id: 0192f1a0\r\n\r\n%s" % (kind, len(body), body)
        for kind, body in KINDS.values()
    )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio: a client is there."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """asyncio: one request; they come one after the other."""
        self.transport.write(self.answers[int(data[5:6])])


def _serve_origin(listener: socket.socket) -> None:
    async def serve() -> None:
        server = await asyncio.get_running_loop().create_server(_Origin, sock=listener)
        await server.serve_forever()

    asyncio.run(serve())


@contextmanager
def origin() -> Iterator[int]:
    """The server before which the proxies stand, in a process of its own; its port."""
    listener = socket.create_server((HOST, 0))
    process = multiprocessing.get_context("fork").Process(
        target=_serve_origin, args=(listener,), daemon=True
    )
    process.start()
    port = int(listener.getsockname()[1])
    listener.close()
    try:
        yield port
    finally:
        process.terminate()
        process.join()


class Proxy(NamedTuple):
    """A mitmdump that runs."""

    port: int
    pid: int


@contextmanager
def proxy(origin_port: int, *options: str, program: Sequence[str] = MITMDUMP) -> Iterator[Proxy]:
    """mitmdump in reverse mode before the server, or what takes its arguments."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = int(probe.getsockname()[1])
    process = subprocess.Popen(
        [
            *(sys.executable, *program),
            *("--mode", f"reverse:http://{HOST}:{origin_port}", "--listen-host", HOST),
            *("--listen-port", str(port), "--set", "keep_host_header=true"),
            *("--set", "flow_detail=0", "--set", "termlog_verbosity=warn", *options),
        ],
        stdin=subprocess.DEVNULL,
    )
    try:
        while True:
            try:
                socket.create_connection((HOST, port), timeout=0.5).close()
                break
            except OSError:
                if process.poll() is not None:
                    raise RuntimeError("mitmdump did not start") from None
                time.sleep(0.05)
        yield Proxy(port, process.pid)
    finally:
        process.terminate()
        process.wait(30)


def _run(port: int, numbers: Sequence[int], count: int, connections: int) -> Answers:
    requests = (
        b"GET /%d HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: bench\r\n\r\n" % number
        for number in islice(cycle(numbers), count)
    )
    return asyncio.run(closed_loop(port, requests, connections=connections))


class Side:
    """What one of the two proxies achieved: a figure for each round."""

    def __init__(self, proxy: Proxy) -> None:
        self.port = proxy.port
        self._process = psutil.Process(proxy.pid)
        self.cpu_us: list[float] = []
        self.per_second: list[float] = []
        self.p50: list[float] = []
        self.p99: list[float] = []

    def _cpu_seconds(self) -> float:
        times = self._process.cpu_times()
        return float(times.user + times.system)

    def load(self, numbers: Sequence[int], requests: int) -> None:
        """One round: all it can over several connections, then one request after the other."""
        before = self._cpu_seconds()
        busy = _run(self.port, numbers, requests, CONNECTIONS)
        self.cpu_us.append((self._cpu_seconds() - before) / requests * 1e6)
        self.per_second.append(sum(busy.statuses.values()) / busy.seconds)
        calm = _run(self.port, numbers, requests // 4, 1)
        self.p50.append(calm.percentile(0.5))
        self.p99.append(calm.percentile(0.99))


def main() -> int:
    """Print the table; 1 where a limit is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=1600, help="of each kind and round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--addon", action="store_true", help="mitmdump -s, not perftui proxy")
    arguments = parser.parse_args()
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores; medians of the rounds")
    print(
        f"{'':22}{'plain/s':>9}{'perftui/s':>11}{'ratio':>7}{'p50 ms':>9}{'added':>7}{'p99 ms':>9}{'added':>7}{'CPU':>7}"
    )
    is_held = True
    total = 0
    with tempfile.TemporaryDirectory() as folder, origin() as port:
        store = Path(folder) / "bench.db"
        with (
            capture_server(store) as server,
            proxy(port) as plain_proxy,
            proxy(
                port,
                *("-s", str(addon_path())),
                *("--set", f"perftui_server=http://{HOST}:{server.port}"),
                program=MITMDUMP if arguments.addon else OURS,
            ) as our_proxy,
        ):
            asked = {PAGE_LOAD: MIX, **{name: (number,) for number, name in enumerate(KINDS)}}
            for name, numbers in asked.items():
                plain, ours = Side(plain_proxy), Side(our_proxy)
                for one in (plain, ours):
                    _run(one.port, numbers, 50, 1)
                for _ in range(arguments.rounds):
                    for one in (plain, ours):
                        one.load(numbers, arguments.requests)
                rounds = zip(ours.per_second, plain.per_second, strict=True)
                ratio = statistics.median(one / other for one, other in rounds)
                added50 = statistics.median(ours.p50) - statistics.median(plain.p50)
                added99 = statistics.median(ours.p99) - statistics.median(plain.p99)
                total += 50 + arguments.rounds * (arguments.requests + arguments.requests // 4)
                print(
                    f"{name:22}{statistics.median(plain.per_second):>9.0f}"
                    f"{statistics.median(ours.per_second):>11.0f}{ratio:>7.2f}"
                    f"{statistics.median(plain.p50):>9.2f}{added50:>+7.2f}"
                    f"{statistics.median(plain.p99):>9.2f}{added99:>+7.2f}"
                    f"{statistics.median(ours.cpu_us) / statistics.median(plain.cpu_us):>7.2f}"
                )
                is_held = is_held and added50 <= MAXIMUM_ADDED_P50_MS
                if name == PAGE_LOAD:
                    is_held = is_held and ratio >= MINIMUM_THROUGHPUT_RATIO
        with StoreReader(store) as reader:
            captured = sum(1 for record in reader.iter_records() if record.entry.is_request)
    print(f"captured {captured} of {total} requests")
    print(
        f"at least {MINIMUM_THROUGHPUT_RATIO:.0%} of the throughput of page loads, at most "
        f"{MAXIMUM_ADDED_P50_MS:.0f} ms more at the median of each: {'held' if is_held else 'BROKEN'}"
    )
    return 0 if is_held else 1


if __name__ == "__main__":
    sys.exit(main())
