"""``make bench-ingest``: the capture server and the store against what SQLite and the decoder can
do at most, taken in the same run. Ratios; the limits of the project stand beside them.

    python -m bench.ingest                       a bit more than two minutes
    python -m bench.ingest --memory --entries 10000000
                                                 memory and size after ten million entries, alone:
                                                 some two minutes
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import platform
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from perftui_server.run import rare_collections

from bench.disk import Disk
from bench.generator import FIELDS, Generator
from bench.http_load import (
    Answers,
    Server,
    capture_server,
    closed_loop,
    http_request,
    open_loop,
    percentile_ms,
)
from perftui.analysis.endpoints import load_public_suffixes
from perftui.capture.batch import decode_batch
from perftui.capture.intake import Intake
from perftui.config import Settings
from perftui.store.connection import DRIVERS, connect, value
from perftui.store.writer import StoreWriter

TRANSACTION_ROWS = 5_000
CONNECTIONS = 64
"""Of the closed loop, and as many as the open loop has. With 32 the server waits for its clients
2 to 6 % of the time and stores 100-entry batches at 0.93 of the pace that it has with 64; 128 add
nothing."""
MINIMUM_SERIES_RATIO = 0.5
PAIRS = 9
"""How often the limit in series and the server take turns: a shared machine's pace changes within
seconds, and a ratio is worth something only of two figures of the same moment. The median of five
differs by a twentieth from run to run."""
OPEN_RATE = 10_000
"""Entries a second that the open loop sends."""
OPEN_TURNS = 4
"""In how many parts the open loop of 100-entry batches runs, by turns with the disk alone. One
part is a thousand requests, whose 99th percentile is decided by one stall of the disk of a tenth
of a second."""
MAXIMUM_P99_MS = 15.0
MAXIMUM_ENTRY_BYTES = 130.0
MAXIMUM_RSS_BYTES = 120 * 2**20

_WireEntry = msgspec.defstruct(
    "_WireEntry",
    [
        (name, str if name in {"name", "entryType"} else Any)
        for name in FIELDS
        if name != "serverTiming"
    ],
    forbid_unknown_fields=False,
)


class _WireBatch(msgspec.Struct):
    sessionId: str  # noqa: N815
    pageViewId: str  # noqa: N815
    entries: list[_WireEntry]  # type: ignore[valid-type]


def _wide_table(path: Path) -> Any:
    connection = connect(path)
    connection.execute("PRAGMA journal_mode = WAL").fetchall()
    connection.execute("PRAGMA synchronous = FULL")
    columns = ", ".join(f'"{name}"' for name in FIELDS if name != "serverTiming")
    connection.execute(f"CREATE TABLE entry (session TEXT, pageview TEXT, {columns})")
    return connection


_INSERT = f"INSERT INTO entry VALUES ({', '.join('?' * (len(FIELDS) + 1))})"


def raw_limit(folder: Path, bodies: list[bytes]) -> float:
    """Rows a second that SQLite takes at most: made beforehand, one wide table, no index, one
    durable transaction for each :data:`TRANSACTION_ROWS`."""
    decoder = msgspec.json.Decoder(_WireBatch)
    rows = [
        (batch.sessionId, batch.pageViewId, *msgspec.structs.astuple(entry))
        for batch in map(decoder.decode, bodies)
        for entry in batch.entries
    ]
    connection = _wide_table(folder / "raw.db")
    begun = time.perf_counter()
    for first in range(0, len(rows), TRANSACTION_ROWS):
        connection.execute("BEGIN")
        connection.executemany(_INSERT, rows[first : first + TRANSACTION_ROWS])
        connection.execute("COMMIT")
    seconds = time.perf_counter() - begun
    connection.close()
    return len(rows) / seconds


def series_limit(folder: Path, bodies: list[bytes]) -> float:
    """Rows a second of the fastest decoder and the same table one after the other: no check
    beyond types, no redaction, no interning, no accounting, no HTTP."""
    decoder = msgspec.json.Decoder(_WireBatch)
    connection = _wide_table(folder / "series.db")
    count = waiting = 0
    begun = time.perf_counter()
    connection.execute("BEGIN")
    for body in bodies:
        batch = decoder.decode(body)
        connection.executemany(
            _INSERT,
            [
                (batch.sessionId, batch.pageViewId, *msgspec.structs.astuple(entry))
                for entry in batch.entries
            ],
        )
        waiting += len(batch.entries)
        if waiting >= TRANSACTION_ROWS:
            connection.execute("COMMIT")
            connection.execute("BEGIN")
            count += waiting
            waiting = 0
    connection.execute("COMMIT")
    seconds = time.perf_counter() - begun
    connection.close()
    return (count + waiting) / seconds


def own_series(folder: Path, bodies: list[bytes]) -> tuple[float, float]:
    """Entries a second through perftui's own intake and store in series, without HTTP; and bytes
    on disk for each."""
    load_public_suffixes()  # once in the life of a server
    writer = StoreWriter(folder / "own.db")
    intake = Intake(writer, Settings())
    now_us = writer.clock.now_us()
    count = waiting = 0
    group = []
    with rare_collections():  # as the server does
        begun = time.perf_counter()
        for body in bodies:
            batch = intake.redacted(decode_batch(body, received_us=now_us))
            group.append(batch)
            waiting += len(batch.entries)
            if waiting >= TRANSACTION_ROWS:
                writer.write_batches(group)
                count += waiting
                group, waiting = [], 0
        if group:
            writer.write_batches(group)
        seconds = time.perf_counter() - begun
    writer.checkpoint_now()
    writer.close_now()
    return (count + waiting) / seconds, (folder / "own.db").stat().st_size / (count + waiting)


class Requests:
    """Requests without end from a pool of bodies, each with a batch ID of its own."""

    def __init__(self, entries: int, pool: int, *, compact: bool = False) -> None:
        self.entries = entries
        bodies = Generator(seed=entries).bodies(entries, pool, compact=compact)
        self._parts = [http_request(body).split(b'"batchId":"', 1) for body in bodies]
        self._number = 0

    def __iter__(self) -> Iterator[bytes]:
        while True:
            for before, after in self._parts:
                self._number += 1
                yield before + b'"batchId":"' + b"%08x" % self._number + after[8:]

    def take(self, count: int) -> Iterator[bytes]:
        """That many; each is made when it is asked for."""
        return itertools.islice(self, count)


class Rounds:
    """So many requests of 100 entries each: a pool of batches again and again, in each round under
    the IDs of other sessions, pageviews and batches. To make each anew would take several times
    longer than to store it, and the generator's site has no more URLs than the pool holds.

    Args:
        entries: in all.
        pool: batches that are made.
    """

    def __init__(self, entries: int, pool: int = 2_000) -> None:
        self._count = entries // 100
        bodies = Generator(seed=7).bodies(100, min(pool, self._count))
        self._parts = [http_request(body).partition(b'"entries":') for body in bodies]

    def __iter__(self) -> Iterator[bytes]:
        for number in range(self._count):
            round_, place = divmod(number, len(self._parts))
            envelope, name, rest = self._parts[place]
            yield envelope.replace(b"-7000-8000-", b"-7000-%04x-" % (0x8000 + round_)) + name + rest


def _throughput(
    server: Server, requests: Requests, seconds: float, connections: int
) -> tuple[Answers, float]:
    def until() -> Iterator[bytes]:
        end = time.perf_counter() + seconds
        for request in requests:
            if time.perf_counter() >= end:
                return
            yield request

    answers = asyncio.run(closed_loop(server.port, until(), connections=connections))
    assert set(answers.statuses) == {200}, answers.statuses
    return answers, len(answers.latencies) * requests.entries / answers.seconds


def _series_ratios(folder: Path, bodies: list[bytes], seconds: float) -> list[float]:
    """The server's throughput at 100-entry batches, of the limit in series just before it."""
    requests = Requests(100, 400)
    ratios = []
    with capture_server(folder / "server-by-turns.db") as server:
        _throughput(server, requests, 0.5, CONNECTIONS)
        for _ in range(PAIRS):
            with tempfile.TemporaryDirectory(dir=folder) as empty:
                series = series_limit(Path(empty), bodies)
            ratios.append(_throughput(server, requests, seconds, CONNECTIONS)[1] / series)
    return ratios


def commit_bytes(folder: Path, pool: int = 150) -> int:
    """Bytes that a COMMIT of a 100-entry batch appends to the write-ahead log: the mean of the
    second time through a pool, when the store knows what is named, as for most of a load."""
    writer = StoreWriter(folder / "commits.db")
    intake = Intake(writer, Settings())
    now_us = writer.clock.now_us()
    ends = []
    for request in Requests(100, pool).take(2 * pool):
        body = request.partition(b"\r\n\r\n")[2]
        writer.write_batches([intake.redacted(decode_batch(body, received_us=now_us))])
        ends.append(writer.checkpointer.log_bytes())
    writer.close_now()
    return (ends[-1] - ends[pool - 1]) // pool


def _open_loop(folder: Path, entries: int, seconds: float) -> Answers:
    """What the open loop in batches of so many entries got, after a second to begin with."""
    requests = Requests(entries, 400)
    rate = OPEN_RATE / entries
    with capture_server(folder / f"open-{entries}.db") as server:
        asyncio.run(open_loop(server.port, requests.take(int(rate)), per_second=rate))
        return _answered(server, requests, rate, seconds)


def _open_loop_and_disk(folder: Path, block: int, seconds: float) -> tuple[Answers, list[float]]:
    """What the open loop in 100-entry batches got in :data:`OPEN_TURNS` parts of so many seconds,
    and the latencies of the disk alone (writes of ``block`` bytes, as many a second) in a quarter
    of that time before each."""
    requests = Requests(100, 400)
    rate = OPEN_RATE / 100
    answers, alone = Answers(), []
    with (
        capture_server(folder / "open-100.db") as server,
        Disk(folder / "disk-alone", block) as disk,
    ):
        asyncio.run(open_loop(server.port, requests.take(int(rate)), per_second=rate))
        for _ in range(OPEN_TURNS):
            alone += disk.latencies(seconds=seconds / 4, per_second=rate)
            part = _answered(server, requests, rate, seconds)
            answers.latencies += part.latencies
            answers.statuses += part.statuses
            answers.seconds += part.seconds
    return answers, alone


def _answered(server: Server, requests: Requests, rate: float, seconds: float) -> Answers:
    waiting = requests.take(int(rate * seconds))
    answers = asyncio.run(open_loop(server.port, waiting, per_second=rate))
    assert set(answers.statuses) == {200}, answers.statuses
    return answers


def _verdict(met: bool) -> str:
    return "met" if met else "NOT MET"


def main() -> int:
    """Run it all and print; 1 where a limit is not met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000, help="entries for the limits")
    parser.add_argument("--seconds", type=float, default=5.0, help="of load for each batch size")
    parser.add_argument(
        "--entries", type=int, default=500_000, help="entries in the store at the end"
    )
    parser.add_argument("--memory", action="store_true", help="nothing but the store at the end")
    parser.add_argument("--folder", type=Path, help="where the files are made")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="perftui-bench-", dir=options.folder))
    try:
        return _memory(options.entries, folder) if options.memory else _run(options, folder)
    finally:
        shutil.rmtree(folder)


def _run(options: argparse.Namespace, folder: Path) -> int:
    failures = 0
    print(
        f"Python {platform.python_version()}, {DRIVERS[0]}, {os.cpu_count()} cores,"
        f" {len(FIELDS)} fields an entry"
    )
    bodies = list(Generator().bodies(100, options.rows // 100))
    raw = raw_limit(folder, bodies)
    series = series_limit(folder, bodies)
    own, entry_bytes = own_series(folder, bodies)
    print(f"raw bulk insert             {raw:>9,.0f} rows/s     1.00")
    print(f"decode and insert in series {series:>9,.0f} rows/s     {series / raw:.2f} of raw")
    print(
        f"own intake and store        {own:>9,.0f} entries/s  {own / raw:.2f} of raw,"
        f" {own / series:.2f} of series (validated, redacted, interned, counted)"
    )
    met = entry_bytes <= MAXIMUM_ENTRY_BYTES
    failures += not met
    print(
        f"on disk                     {entry_bytes:>9.0f} bytes/entry"
        f" (at most {MAXIMUM_ENTRY_BYTES:.0f}: {_verdict(met)})"
    )
    for entries in (1, 10, 100):
        requests = Requests(entries, 400)
        with capture_server(folder / f"server-{entries}.db") as server:
            _throughput(server, requests, 0.5, CONNECTIONS)
            answers, speed = _throughput(server, requests, options.seconds, CONNECTIONS)
        print(
            f"server, {entries:>3}-entry batches   {speed:>9,.0f} entries/s  {speed / raw:.2f} of raw,"
            f" {speed / series:.2f} of series, {speed / own:.2f} of own; acknowledged after"
            f" p50 {answers.percentile(0.5):.1f} ms, p99 {answers.percentile(0.99):.1f} ms"
        )
    ratios = _series_ratios(folder, bodies, options.seconds * 0.4)
    del bodies
    met = statistics.median(ratios) >= MINIMUM_SERIES_RATIO
    failures += not met
    print(
        f"100-entry batches and series by turns: {statistics.median(ratios):.2f} of series"
        f" (median of {PAIRS}, {min(ratios):.2f} to {max(ratios):.2f};"
        f" at least {MINIMUM_SERIES_RATIO}: {_verdict(met)})"
    )
    requests = Requests(100, 400, compact=True)
    with capture_server(folder / "server-compact.db") as server:
        _throughput(server, requests, 0.5, CONNECTIONS)
        answers, speed = _throughput(server, requests, options.seconds, CONNECTIONS)
    print(
        f"the same as the SDK sends them {speed:>6,.0f} entries/s (each as a row of values,"
        " with navigationId)"
    )
    failures += _open_loops(folder, options.seconds * 2)
    failures += _memory(options.entries, folder)
    return 1 if failures else 0


def _open_loops(folder: Path, seconds: float) -> int:
    block = commit_bytes(folder)
    answers, alone = _open_loop_and_disk(folder, block, seconds)
    p99 = answers.percentile(0.99)
    met = p99 <= MAXIMUM_P99_MS
    print(
        f"open loop, {OPEN_RATE:,} entries/s in 100-entry batches: p50"
        f" {answers.percentile(0.5):.1f} ms, p99 {p99:.1f} ms, worst"
        f" {answers.percentile(1):.0f} ms of {len(answers.latencies):,}"
        f" (p99 at most {MAXIMUM_P99_MS:.0f}: {_verdict(met)})"
    )
    print(
        f"  the disk alone by turns with it, {block / 1000:.0f} kB and fdatasync as often: p50"
        f" {percentile_ms(alone, 0.5):.1f} ms, p99 {percentile_ms(alone, 0.99):.1f} ms, worst"
        f" {percentile_ms(alone, 1):.0f} ms of {len(alone):,}"
    )
    answers = _open_loop(folder, 10, seconds)
    print(
        f"open loop, {OPEN_RATE:,} entries/s in 10-entry batches: p50"
        f" {answers.percentile(0.5):.1f} ms, p99 {answers.percentile(0.99):.1f} ms"
    )
    return int(not met)


def _memory(entries: int, folder: Path) -> int:
    """Memory of the server, and bytes on disk, after so many entries."""
    store = folder / "memory.db"
    requests = Rounds(entries)
    with capture_server(store) as server:
        at_start = server.rss_bytes()
        answers = asyncio.run(closed_loop(server.port, iter(requests), connections=8))
        rss = server.rss_bytes()
    assert set(answers.statuses) == {200}, answers.statuses
    connection = connect(store, read_only=True)
    stored = value(connection, "SELECT count(*) FROM entry")
    connection.close()
    assert stored == len(answers.latencies) * 100, "a batch that was acknowledged is not there"
    met = rss <= MAXIMUM_RSS_BYTES
    print(
        f"after {stored:,} entries: {rss / 2**20:.0f} MiB resident, {at_start / 2**20:.0f} at the"
        f" start (at most {MAXIMUM_RSS_BYTES / 2**20:.0f}: {_verdict(met)});"
        f" {store.stat().st_size / stored:.0f} bytes/entry on disk;"
        f" {answers.seconds:.0f} s, {stored / answers.seconds:,.0f} entries/s"
    )
    return int(not met)


if __name__ == "__main__":
    sys.exit(main())
