"""ClickHouse as a sink of the capture server: small inserts that the server itself gathers.

``async_insert`` lets ClickHouse collect many batches into one part; ``wait_for_async_insert``
keeps the promise that an acknowledged batch is stored.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from perftui.errors import ExportError, SinkBusyError, SinkError, SinkFullError
from perftui.export.clickhouse import (
    ClickHouse,
    DiskFullError,
    RetryableError,
    Target,
    ensure_schema,
)
from perftui.export.columns import batch_messages
from perftui.model import Batch, Receipt

WORKERS = 16
"""Inserts under way at once: each waits for the server to flush (200 ms by default)."""

MAX_WAITING_BYTES = 64 * 1024 * 1024
"""Bytes that may wait; a batch that would go beyond is refused as busy."""

RETRY_AFTER_SECONDS = 2


class ClickHouseSink:
    """A :class:`perftui.model.Sink` that inserts into ``performance_entries``.

    Raises:
        ExportError: it cannot be reached, or refuses; the message says what to do.
    """

    def __init__(self, target: Target) -> None:
        self._clickhouse = ClickHouse(target, timeout_seconds=30, connections=WORKERS)
        ensure_schema(self._clickhouse)
        # The embedded engine serves one statement after the other.
        workers = 1 if target.is_embedded else WORKERS
        self._embedded = target.is_embedded
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="clickhouse insert")
        self._waiting_bytes = 0
        self._inserted = 0
        self._failed = 0
        self._closed = False

    def figures(self) -> dict[str, float]:
        """What ``/metrics`` tells of it."""
        return {
            "clickhouse_waiting_bytes": self._waiting_bytes,
            "clickhouse_inserted_rows_total": self._inserted,
            "clickhouse_failed_batches_total": self._failed,
        }

    async def write(self, batch: Batch) -> Receipt:
        """Insert a batch; return once it is stored.

        Raises:
            SinkBusyError: too much waits, or the server is away for the moment.
            SinkFullError: the server's disk is full.
            SinkError: it refuses the batch.
        """
        rows = batch_messages(batch)
        body = b"\n".join(rows)
        if self._closed or self._waiting_bytes + len(body) > MAX_WAITING_BYTES:
            raise SinkBusyError(
                f"{self._waiting_bytes} bytes wait for ClickHouse", RETRY_AFTER_SECONDS
            )
        self._waiting_bytes += len(body)
        try:
            await asyncio.get_running_loop().run_in_executor(
                self._pool, self._insert, body, batch.key.hex()
            )
        except RetryableError as error:
            self._failed += 1
            raise SinkBusyError(str(error), RETRY_AFTER_SECONDS) from error
        except DiskFullError as error:
            self._failed += 1
            raise SinkFullError(str(error)) from error
        except ExportError as error:
            self._failed += 1
            raise SinkError(str(error)) from error
        finally:
            self._waiting_bytes -= len(body)
        self._inserted += len(rows)
        return Receipt(len(batch.entries))

    def _insert(self, body: bytes, token: str) -> None:
        self._clickhouse.insert_json(body, token=token, gathered=not self._embedded)

    async def close(self) -> None:
        """Finish what was taken, then let go. Safe to call twice."""
        if self._closed:
            return
        self._closed = True
        await asyncio.to_thread(self._pool.shutdown, wait=True)
        self._clickhouse.close()
