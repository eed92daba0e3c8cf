"""``make bench-production``: the export and the sinks, each against a limit taken in the same run.

python -m bench.production                      a store of a million entries, then the sinks
python -m bench.production --entries 100000     a smaller store
python -m bench.production --only sinks         one of the two parts

The engine's own way and ours run in a process each, so that neither has the other's memory.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psutil

from bench.generator import Generator
from bench.http_load import Server, capture_server, closed_loop
from bench.ingest import Requests
from perftui.capture.batch import decode_batch
from perftui.store.writer import StoreWriter

AT_MOST = 3.0
"""Times of the engine's own INSERT … SELECT FROM sqlite() that the export may take."""

MEMORY_AT_MOST = 400
"""MiB over the engine's own."""

BATCH = 100
CONNECTIONS = 16
"""For each worker. A batch waits for the brokers, or for ClickHouse to gather more."""


def make_store(path: Path, entries: int) -> None:
    """A store as captures make it."""
    writer = StoreWriter(path)
    bodies = enumerate(Generator(seed=1).bodies(BATCH, entries // BATCH))
    while some := [
        decode_batch(body, received_us=1_795_451_690_000_000 + number).batch
        for number, body in itertools.islice(bodies, 50)
    ]:
        writer.write_batches(some)
    writer.close_now()


def resident() -> float:
    """Peak memory of this process, MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


# --- the export ---------------------------------------------------------------------------------


def own_insert(store: Path, folder: Path) -> dict[str, float]:
    """The engine reads the store's view of all entries and writes them, by itself."""
    from perftui.export.clickhouse import ClickHouse, parse_target

    clickhouse = ClickHouse(parse_target(f"chdb://{folder}"))
    view = f"sqlite('{store}', 'entries_readable')"
    clickhouse.command(
        "CREATE TABLE twin ENGINE = MergeTree ORDER BY (ifNull(session_id, ''), ifNull(started, ''))"
        f" AS SELECT * FROM {view} LIMIT 0"
    )
    begun = time.perf_counter()
    clickhouse.command(f"INSERT INTO twin SELECT * FROM {view}")
    seconds = time.perf_counter() - begun
    clickhouse.close()
    return {"seconds": seconds, "peak": resident()}


def export(store: Path, folder: Path) -> dict[str, float]:
    """What ``perftui export clickhouse`` does."""
    from perftui.commands.export_clickhouse import Table
    from perftui.export.clickhouse import parse_target
    from perftui.export.clickhouse_schema import SchemaOptions
    from perftui.export.drain import drain, remaining
    from perftui.store.outgoing import OutgoingReader

    target = parse_target(f"chdb://{folder}")
    table = Table(target, SchemaOptions())
    source, checkpoints = OutgoingReader(store), StoreWriter(store)
    begun = time.perf_counter()
    summary = drain(
        source,
        table,
        checkpoints,
        name="bench",
        dead_letters=folder.with_name("refused.jsonl"),
    )
    seconds = time.perf_counter() - begun
    left = remaining(source, checkpoints, "bench")
    assert (summary.refused, summary.skipped, left) == (0, 0, 0)
    peak = resident()
    source.close()
    checkpoints.close_now()
    size = table.clickhouse.rows(
        "SELECT sum(bytes_on_disk) / sum(rows) FROM system.parts"
        " WHERE table = 'performance_entries' AND active"
    )[0][0]
    table.close()
    return {"seconds": seconds, "peak": peak, "bytes": size}


PARTS: dict[str, Callable[[Path, Path], dict[str, float]]] = {"own": own_insert, "export": export}


def in_a_process(part: str, store: Path, folder: Path) -> dict[str, float]:
    """One of :data:`PARTS` by itself."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.production", "--part", part, str(store), str(folder)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def measure_export(entries: int) -> int:
    """Print; return 1 where a limit is not met."""
    with tempfile.TemporaryDirectory(prefix="perftui-bench-") as name:
        folder = Path(name)
        store = folder / "store.db"
        begun = time.perf_counter()
        make_store(store, entries)
        print(f"store of {entries:,} entries made in {time.perf_counter() - begun:.1f} s")
        own = in_a_process("own", store, folder / "own")
        ours = in_a_process("export", store, folder / "ours")
    ratio = ours["seconds"] / own["seconds"]
    memory = ours["peak"] - own["peak"]
    print(
        f"engine's INSERT … SELECT FROM sqlite()  {entries / own['seconds']:>10,.0f} rows/s   1.00"
        f"   (peak {own['peak']:,.0f} MiB)"
    )
    print(
        f"perftui export clickhouse               {entries / ours['seconds']:>10,.0f} rows/s"
        f"   {1 / ratio:.2f}   ({ratio:.2f} times as long, at most {AT_MOST:g}:"
        f" {_verdict(ratio <= AT_MOST)})"
    )
    print(
        f"peak memory over the engine's own       {memory:>10,.0f} MiB"
        f"      (at most {MEMORY_AT_MOST}: {_verdict(memory <= MEMORY_AT_MOST)})"
    )
    print(f"on disk in ClickHouse                   {ours['bytes']:>10,.1f} bytes/row")
    return int(ratio > AT_MOST or memory > MEMORY_AT_MOST)


def _verdict(met: bool) -> str:
    return "met" if met else "NOT MET"


# --- the sinks ----------------------------------------------------------------------------------


def load(server: Server, workers: int, seconds: float) -> tuple[int, float, float]:
    """Entries that were acknowledged, seconds, and CPU seconds of the server's processes."""
    requests = iter(Requests(BATCH, 400))

    def until(end: float) -> Iterator[bytes]:
        while time.perf_counter() < end:
            yield next(requests)

    def cpu() -> float:
        process = psutil.Process(server.process.pid)
        told = [one.cpu_times() for one in (process, *process.children())]
        return sum(times.user + times.system for times in told)

    async def run(length: float) -> int:
        end = time.perf_counter() + length
        answers = await closed_loop(server.port, until(end), connections=CONNECTIONS * workers)
        assert set(answers.statuses) == {200}, answers.statuses
        return len(answers.latencies) * BATCH

    asyncio.run(run(0.5))
    before, begun = cpu(), time.perf_counter()
    count = asyncio.run(run(seconds))
    return count, time.perf_counter() - begun, cpu() - before


def measure_sinks(seconds: float) -> None:
    """Print what a core of a capture server makes of 100-entry batches, for each sink."""
    from tests.export.clickhouse_front import Front
    from tests.export.kafka_cluster import TOPIC, Cluster

    print(f"\ncapture servers, {BATCH}-entry batches by HTTP, {CONNECTIONS} connections a worker")
    with tempfile.TemporaryDirectory(prefix="perftui-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        cluster = Cluster()
        stack.callback(cluster.stop)
        front = Front(folder / "clickhouse")
        stack.callback(front.stop)
        sinks = {
            "sqlite": "sqlite",
            "kafka": f"kafka://{cluster.brokers}/{TOPIC}",
            "clickhouse": front.dsn,
        }
        base = 0.0
        for sink, url in sinks.items():
            for workers in (1, 2) if sink != "sqlite" else (1,):
                options = ("--sink", url, "--workers", str(workers))
                with capture_server(folder / f"{sink}.db", *options) as server:
                    count, took, cpu = load(server, workers, seconds)
                a_core = count / cpu
                base = base or a_core
                print(
                    f"{sink:<11} {workers} worker{'s' if workers > 1 else ' '}"
                    f"  {a_core:>9,.0f} entries/s a core   {a_core / base:.2f}"
                    f"   ({count / took:,.0f} entries/s here, {cpu / took:.2f} cores)"
                )


def main() -> int:
    """Measure, print, and return 1 where a limit is not met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=4.0, help="of load for each sink")
    parser.add_argument("--only", choices=["export", "sinks"])
    parser.add_argument("--part", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part is not None:
        part, store, folder = options.part
        told: dict[str, Any] = PARTS[part](Path(store), Path(folder))
        print(json.dumps(told))
        return 0
    failed = 0
    if options.only != "sinks":
        failed = measure_export(options.entries)
    if options.only != "export":
        measure_sinks(options.seconds)
    return failed


if __name__ == "__main__":
    sys.exit(main())
