"""``make bench-production``: the exports and sinks against the engine's own ways, in one run.

python -m bench.production                      100,000 entries
python -m bench.production --entries 1000000    the size that the limit is stated for
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import sys
import tempfile
import time
from pathlib import Path

from bench.generator import Generator
from perftui.capture.batch import decode_batch
from perftui.export.clickhouse import ClickHouse, ensure_schema, parse_target
from perftui.export.columns import batch_rows, message
from perftui.export.drain import drain, remaining
from perftui.model import Batch
from perftui.store.outgoing import OutgoingReader
from perftui.store.writer import StoreWriter

AT_MOST = 3.0
"""Times of the engine's own INSERT … SELECT FROM sqlite() that the export may take."""

MEMORY_AT_MOST = 400
"""MiB over the engine's own."""

BATCH = 100


def made(entries: int) -> list[Batch]:
    """Batches as the intake makes them."""
    generator = Generator(seed=1)
    return [
        decode_batch(body, received_us=1_795_451_690_000_000 + number).batch
        for number, body in enumerate(generator.bodies(BATCH, entries // BATCH))
    ]


class Table:
    """The table as the drain's destination."""

    def __init__(self, clickhouse: ClickHouse) -> None:
        self._clickhouse = clickhouse
        self.table_id = clickhouse.table_id()

    def send(self, table: object, token: str) -> None:
        """Insert."""
        self._clickhouse.insert(table, token=token)


def resident() -> float:
    """Peak memory of this process, MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> int:
    """Measure, print, and return 1 where a limit is not met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=100_000)
    entries = parser.parse_args().entries
    with tempfile.TemporaryDirectory(prefix="perftui-bench-") as folder:
        path = Path(folder) / "store.db"
        began = time.perf_counter()
        writer = StoreWriter(path)
        batches = made(entries)
        for begin in range(0, len(batches), 50):
            writer.write_batches(batches[begin : begin + 50])
        writer.close_now()
        print(f"store of {entries:,} entries made in {time.perf_counter() - began:.1f} s")

        clickhouse = ClickHouse(parse_target(f"chdb://{folder}/clickhouse"))
        ensure_schema(clickhouse)
        view = f"sqlite('{path}', 'entries_readable')"
        clickhouse.command(
            f"CREATE TABLE twin ENGINE = MergeTree ORDER BY (ifNull(session_id, ''), ifNull(started, '')) AS SELECT * FROM {view} LIMIT 0"
        )
        began = time.perf_counter()
        clickhouse.command(f"INSERT INTO twin SELECT * FROM {view}")
        own = time.perf_counter() - began
        own_memory = resident()
        print(f"engine's INSERT … SELECT FROM sqlite()  {entries / own:>10,.0f} rows/s   1.00")

        source, checkpoints = OutgoingReader(path), StoreWriter(path)
        began = time.perf_counter()
        summary = drain(
            source,
            Table(clickhouse),
            checkpoints,
            name="bench",
            dead_letters=Path(folder) / "refused.jsonl",
        )
        took = time.perf_counter() - began
        left = remaining(source, checkpoints, "bench")
        source.close()
        checkpoints.close_now()
        assert (summary.refused, summary.skipped, left) == (0, 0, 0)
        ratio = took / own
        memory = resident() - own_memory
        met = "met" if ratio <= AT_MOST else "NOT MET"
        print(
            f"perftui export clickhouse              {entries / took:>10,.0f} rows/s   {own / took:.2f}"
            f"   ({ratio:.1f} times as long, at most {AT_MOST:g}: {met})"
        )
        fits = "met" if memory <= MEMORY_AT_MOST else "NOT MET"
        print(
            f"memory over the engine's own           {memory:>10,.0f} MiB (at most {MEMORY_AT_MOST}: {fits})"
        )
        size = clickhouse.rows(
            "SELECT sum(bytes_on_disk) / sum(rows) FROM system.parts"
            " WHERE table = 'performance_entries' AND active"
        )[0][0]
        print(f"on disk in ClickHouse                  {size:>10,.1f} bytes/row")
        clickhouse.close()
    _sinks(batches[: min(len(batches), 300)])
    return 0 if ratio <= AT_MOST and memory <= MEMORY_AT_MOST else 1


def _sinks(batches: list[Batch]) -> None:
    """What one core makes of batches for each sink, without the network."""
    count = sum(len(batch.entries) for batch in batches)
    began = time.perf_counter()
    for batch in batches:
        for row in batch_rows(batch):
            message(row)
    messages = count / (time.perf_counter() - began)
    with tempfile.TemporaryDirectory(prefix="perftui-bench-") as folder:
        writer = StoreWriter(Path(folder) / "store.db")
        began = time.perf_counter()
        asyncio.run(_write(writer, batches))
        sqlite = count / (time.perf_counter() - began)
    print(f"SQLite sink, durable                   {sqlite:>10,.0f} entries/s   1.00")
    print(
        f"Kafka sink, messages made              {messages:>10,.0f} entries/s   {messages / sqlite:.2f}"
    )
    print(json.dumps({"messages_per_second": round(messages), "sqlite_per_second": round(sqlite)}))


async def _write(writer: StoreWriter, batches: list[Batch]) -> None:
    for begin in range(0, len(batches), 10):
        await asyncio.gather(*(writer.write(batch) for batch in batches[begin : begin + 10]))
    await writer.close()


if __name__ == "__main__":
    sys.exit(main())
