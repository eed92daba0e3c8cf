"""``make bench-proxy``: ``perftui proxy``, and its addon in anybody's own mitmdump, against mitmdump
with no addon, taken in the same run.

All stand in reverse mode before one server that answers at once. Rounds are short, and each begins
with another of the proxies, so that whatever else the machine does is the same for all. All are
started anew several times, as one process of the same program is faster than the next by a tenth or
so. A ratio is the median of those within the rounds, and beside it stand their quartiles. With the
addon each request is captured: the capture server and its store run beside it.

    python -m bench.proxy                  about two minutes
    python -m bench.proxy --starts 10 --way "mitmdump -s ADDON"
    python -m bench.proxy --way "mitmdump -s ADDON"
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
from contextlib import ExitStack, contextmanager
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
WARM_UP = 200
"""Requests of each kind before the first round."""

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
    process: subprocess.Popen[bytes]

    def cpu_seconds(self) -> float:
        """Processor time that it has taken so far."""
        times = psutil.Process(self.process.pid).cpu_times()
        return float(times.user + times.system)

    def end(self) -> None:
        """Let it send what it has, and end it."""
        self.process.terminate()
        self.process.wait(30)


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
        stdout=subprocess.DEVNULL,
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
        yield Proxy(port, process)
    finally:
        Proxy(port, process).end()


def _run(port: int, numbers: Sequence[int], count: int, connections: int) -> Answers:
    requests = (
        b"GET /%d HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: bench\r\n\r\n" % number
        for number in islice(cycle(numbers), count)
    )
    return asyncio.run(closed_loop(port, requests, connections=connections))


class Side:
    """What one of the proxies achieved: a figure for each round."""

    def __init__(self) -> None:
        self.cpu_us: list[float] = []
        self.per_second: list[float] = []
        self.p50: list[float] = []
        self.p99: list[float] = []

    def load(self, proxy: Proxy, numbers: Sequence[int], requests: int) -> None:
        """One round: all it can over several connections, then one request after the other."""
        before = proxy.cpu_seconds()
        busy = _run(proxy.port, numbers, requests, CONNECTIONS)
        self.cpu_us.append((proxy.cpu_seconds() - before) / requests * 1e6)
        self.per_second.append(sum(busy.statuses.values()) / busy.seconds)
        calm = _run(proxy.port, numbers, requests // 4, 1)
        self.p50.append(calm.percentile(0.5))
        self.p99.append(calm.percentile(0.99))


PLAIN = "mitmdump"
WAYS = {
    "perftui proxy": OURS,
    "mitmdump -s ADDON": MITMDUMP,
}
"""How the addon is run: in the mitmproxy that ``perftui proxy`` starts, and in anybody's own."""


def measure(
    proxies: dict[str, Proxy],
    sides: dict[str, Side],
    numbers: Sequence[int],
    requests: int,
    rounds: int,
) -> int:
    """Some rounds, each of which begins with another proxy; how many requests each proxy got."""
    for one in proxies.values():
        _run(one.port, numbers, WARM_UP, CONNECTIONS)
    ways = list(proxies)
    for number in range(rounds):
        first = number % len(ways)
        for way in ways[first:] + ways[:first]:
            sides[way].load(proxies[way], numbers, requests)
    return WARM_UP + rounds * (requests + requests // 4)


def main() -> int:
    """Print a table for each way; 1 where a limit is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=200, help="of each kind and round")
    parser.add_argument("--rounds", type=int, default=6, help="of each start and kind")
    parser.add_argument("--starts", type=int, default=4, help="of each proxy")
    parser.add_argument("--way", choices=WAYS, action="append", help="only this one")
    arguments = parser.parse_args()
    ways = arguments.way or list(WAYS)
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores; medians of the rounds")
    is_held = True
    total = 0
    lines: dict[str, list[str]] = {way: [] for way in ways}
    asked = {PAGE_LOAD: MIX, **{name: (number,) for number, name in enumerate(KINDS)}}
    sides = {name: {way: Side() for way in (PLAIN, *ways)} for name in asked}
    with tempfile.TemporaryDirectory() as folder, origin() as port:
        store = Path(folder) / "bench.db"
        with capture_server(store) as server:
            for _ in range(arguments.starts):
                with ExitStack() as running:
                    proxies = {PLAIN: running.enter_context(proxy(port))}
                    for way in ways:
                        addon = ("-s", str(addon_path()))
                        options = ("--set", f"perftui_server=http://{HOST}:{server.port}")
                        proxies[way] = running.enter_context(
                            proxy(port, *addon, *options, program=WAYS[way])
                        )
                    for name, numbers in asked.items():
                        total += len(ways) * measure(
                            proxies, sides[name], numbers, arguments.requests, arguments.rounds
                        )
        with StoreReader(store) as reader:
            captured = sum(1 for record in reader.iter_records() if record.entry.is_request)
    for name, of_name in sides.items():
        for way in ways:
            line, ratio, added50 = compared(name, of_name[way], of_name[PLAIN])
            lines[way].append(line)
            is_held = is_held and added50 <= MAXIMUM_ADDED_P50_MS
            if name == PAGE_LOAD:
                is_held = is_held and ratio >= MINIMUM_THROUGHPUT_RATIO
    for way, told in lines.items():
        print(
            f"{way:22}{'plain/s':>9}{'perftui/s':>11}{'ratio':>7}{'quartiles':>12}"
            f"{'p50 ms':>9}{'added':>7}{'p99 ms':>9}{'added':>7}{'CPU':>7}",
            *told,
            sep="\n",
        )
    print(f"captured {captured} of {total} requests")
    is_held = is_held and captured == total
    print(
        f"at least {MINIMUM_THROUGHPUT_RATIO:.0%} of the throughput of page loads, at most "
        f"{MAXIMUM_ADDED_P50_MS:.0f} ms more at the median of each: {'held' if is_held else 'BROKEN'}"
    )
    return 0 if is_held else 1


def compared(name: str, ours: Side, plain: Side) -> tuple[str, float, float]:
    """A line of the table, the part of plain mitmdump's throughput, and the ms added at the
    median."""
    rounds = zip(ours.per_second, plain.per_second, strict=True)
    ratios = [one / other for one, other in rounds]
    ratio = statistics.median(ratios)
    low, _, high = statistics.quantiles(ratios, n=4, method="inclusive")
    added50 = statistics.median(ours.p50) - statistics.median(plain.p50)
    added99 = statistics.median(ours.p99) - statistics.median(plain.p99)
    line = (
        f"{name:22}{statistics.median(plain.per_second):>9.0f}"
        f"{statistics.median(ours.per_second):>11.0f}{ratio:>7.2f}{f'{low:.2f}-{high:.2f}':>12}"
        f"{statistics.median(plain.p50):>9.2f}{added50:>+7.2f}"
        f"{statistics.median(plain.p99):>9.2f}{added99:>+7.2f}"
        f"{sum(ours.cpu_us) / sum(plain.cpu_us):>7.2f}"
    )
    return line, ratio, added50


if __name__ == "__main__":
    sys.exit(main())
