"""The only writer of a store.

A batch is written whole or not at all, and acknowledged after COMMIT with synchronous=FULL. What
comes in during one turn of the event loop goes into one transaction, as does all that comes in
while the one before is committed: COMMIT is one call, most of which waits for the disk, so it runs
beside the loop. It is the only thing that does; all others that use the connection wait for it.

Other processes may write to the same file (``perftui prune`` beside a server): each transaction
begins by asking whether somebody did, and if so forgets the IDs that it keeps in memory.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from perftui.clock import SystemClock
from perftui.config import StoreSettings
from perftui.entry_columns import EntryColumns, once_for_each
from perftui.errors import NotFoundError, SinkBusyError, SinkError, SinkFullError, StoreError
from perftui.model import Batch, Clock, Receipt
from perftui.store.checkpointing import Checkpointer
from perftui.store.connection import SQLITE_ERRORS, Connection, one, store_errors, translated, value
from perftui.store.counters import Counters
from perftui.store.flows import Flows
from perftui.store.interning import Strings, Urls
from perftui.store.joining import has_flow_field
from perftui.store.migrations import open_for_writing
from perftui.store.rows import Placed, insert_entries
from perftui.store.totals import totals_of

log = logging.getLogger("perftui.store")

MAX_TRANSACTION_ENTRIES = 5_000
"""Entries in one transaction, unless a single batch has more: it bounds how long the event loop
stands still."""

MAX_WAITING_ENTRIES = 200_000
"""Entries that may wait for their transaction; more are refused as busy."""

CLOCK_ERROR_BATCHES = 31
"""The first batches of a session, of which the clock's error is the median."""

CACHED_SESSIONS = 5_000
CACHED_PAGE_VIEWS = 10_000


@dataclass(slots=True)
class _Session:
    """A row of ``session``; what the client's clock was off by in its first batches (µs)."""

    row: int
    batch_count: int
    clock_errors: list[int]


@dataclass(slots=True)
class _PageView:
    row: int
    time_origin_us: int
    time_origin_estimated: bool


_Group = list[tuple[Batch, asyncio.Future[Receipt]]]
"""Batches of one transaction, and who waits for them."""


@dataclass(frozen=True, slots=True)
class _Commit:
    """A COMMIT under way in a thread of its own; ``receipts`` are true once it is ``done``."""

    group: _Group
    receipts: list[Receipt]
    entry_count: int
    done: Future[None]


class StoreWriter:
    """Writes batches to a store file; a :class:`perftui.model.Sink`.

    Args:
        path: the file; made where there is none.
        settings: free space, size of the write-ahead log.
        driver, vfs: see :func:`perftui.store.connection.connect`.

    Raises:
        StoreError: or one of its kinds; the file was not touched.
        SinkFullError: there is no space left.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        settings: StoreSettings | None = None,
        clock: Clock | None = None,
        driver: str | None = None,
        vfs: str | None = None,
    ) -> None:
        self.path = Path(path)
        self.settings = settings or StoreSettings()
        self.clock: Clock = clock or SystemClock()
        self._connection: Connection = open_for_writing(
            self.path, self.clock, driver=driver, vfs=vfs
        )
        self._closed = False
        self._strings = Strings(self._connection)
        self._urls = Urls(self._connection, self._strings)
        self._flows = Flows(self._connection, self._strings, self._urls)
        self._sessions: dict[str, _Session] = {}
        self._page_views: dict[tuple[int, str], _PageView] = {}
        self._counters = Counters(self._connection, self._urls)
        self._placed: list[Placed] = []
        self._data_version: int | None = None
        self._last_seq = 0
        self._last_batch = 0
        self._has_vfs = vfs is not None
        with store_errors(self.path):
            # The log is checkpointed beside the writer, not in the middle of a transaction.
            self._connection.execute("PRAGMA wal_autocheckpoint = 0")
            self._connection.execute(
                f"PRAGMA journal_size_limit = {self.settings.max_wal_bytes // 4}"
            )
            self._connection.execute("PRAGMA cache_size = -16384")
            self._store_id = str(value(self._connection, "SELECT store_id FROM store"))
        self.checkpointer = Checkpointer(
            self.path, self._connection, self.settings.max_wal_bytes, driver=driver, vfs=vfs
        )
        self._waiting: deque[tuple[Batch, asyncio.Future[Receipt]]] = deque()
        self._waiting_entries = 0
        self._commit_scheduled = False
        self._committer = ThreadPoolExecutor(1, thread_name_prefix="commit")
        self._committing: _Commit | None = None
        self._commits = 0

    # --- the sink -------------------------------------------------------------------------

    async def write(self, batch: Batch) -> Receipt:
        """Take a batch; return once it is committed.

        Raises:
            SinkBusyError: too much waits already.
            SinkFullError: there is no space left for it.
            SinkError: the store could not take it.
        """
        if self._closed:
            raise SinkBusyError("the store is being closed")
        waiting = self.waiting_entries
        if waiting + len(batch.entries) > MAX_WAITING_ENTRIES:
            raise SinkBusyError(f"{waiting} entries wait to be stored")
        self.checkpointer.start()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Receipt] = loop.create_future()
        self._waiting.append((batch, future))
        self._waiting_entries += len(batch.entries)
        self._schedule_commit(loop)
        try:
            return await future
        finally:
            # An error would hold this frame, and this frame the error, with the batch.
            del future

    @property
    def waiting_entries(self) -> int:
        """Entries that were taken and not committed yet."""
        commit = self._committing
        return self._waiting_entries + (0 if commit is None else commit.entry_count)

    def figures(self) -> dict[str, float]:
        """What ``GET /metrics`` tells of the store: bytes of the write-ahead log, and bytes that
        are free where the file is."""
        return {
            "write_ahead_log_bytes": self.checkpointer.log_bytes(),
            "free_bytes": free_bytes(self.path),
        }

    @property
    def store_id(self) -> str:
        """The identity of the store file."""
        return self._store_id

    def _commit_waiting(self, loop: asyncio.AbstractEventLoop) -> None:
        """Insert what waits, up to the cap, and let its COMMIT run beside the loop, which reads
        and decodes what the next transaction is made of; that begins when this one is done."""
        self._commit_scheduled = False
        if self._committing is not None or not self._waiting:
            return
        group = self._next_group()
        batches = [batch for batch, _ in group]
        try:
            receipts = self._insert(batches)
        except Exception as error:
            self._commit_singly(group, error)
            self._schedule_commit(loop)
            return
        entry_count = sum([len(batch.entries) for batch in batches])
        self._commits += 1
        done = self._committer.submit(self._commit_beside, loop, self._commits)
        self._committing = _Commit(group, receipts, entry_count, done)

    def _commit_beside(self, loop: asyncio.AbstractEventLoop, number: int) -> None:
        try:
            self._connection.execute("COMMIT")
            self.checkpointer.after_commit()
        finally:
            # A callback of the future would make a cycle with all that was committed, which would
            # stay until the garbage collector comes. A closed loop has nobody left who waits.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(self._committed, loop, number)

    def _committed(self, loop: asyncio.AbstractEventLoop, number: int) -> None:
        """The COMMIT of this number is done: say so, then go on with what waits."""
        if self._commits == number:
            self._finish_commit()
        # Behind those that were just told, so that their answers go out first.
        self._schedule_commit(loop)

    def _schedule_commit(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._waiting and not self._commit_scheduled:
            self._commit_scheduled = True
            loop.call_soon(self._commit_waiting, loop)

    def _finish_commit(self) -> None:
        """Wait for the COMMIT beside the loop, if there is one, and tell whom it concerns. Nobody
        else may use the connection before that."""
        commit = self._committing
        if commit is None:
            return
        error = commit.done.exception()
        self._committing = None
        if error is None:
            for (_, future), receipt in zip(commit.group, commit.receipts, strict=True):
                if not future.done():
                    future.set_result(receipt)
            return
        self._roll_back()
        if isinstance(error, SQLITE_ERRORS):
            error = translated(error, self.path)
        self._commit_singly(commit.group, error)

    def _next_group(self) -> _Group:
        """Take from what waits, up to the cap."""
        group: _Group = []
        entries = 0
        while self._waiting:
            size = len(self._waiting[0][0].entries)
            if group and entries + size > MAX_TRANSACTION_ENTRIES:
                break
            entries += size
            group.append(self._waiting.popleft())
        self._waiting_entries -= entries
        return group

    def _commit_singly(self, group: _Group, error: BaseException) -> None:
        """The group failed. Unless all of it would fail in the same way, try each by itself, so
        that one bad batch takes no good one with it."""
        if len(group) == 1 or isinstance(error, SinkFullError):
            for _, future in group:
                if not future.done():
                    future.set_exception(as_sink_error(error))
            return
        for batch, future in group:
            try:
                (receipt,) = self.write_batches([batch])
            except Exception as own_error:
                log.error("a batch could not be stored: %r", own_error)
                if not future.done():
                    future.set_exception(as_sink_error(own_error))
            else:
                if not future.done():
                    future.set_result(receipt)

    async def close(self) -> None:
        """Commit what was taken, then let go of the file. Safe to call twice."""
        self.close_now()

    def close_now(self) -> None:
        """:meth:`close` outside of an event loop."""
        if self._closed:
            return
        self._closed = True
        self._finish_commit()
        while self._waiting:
            group = self._next_group()
            try:
                receipts = self.write_batches([batch for batch, _ in group])
            except Exception as error:
                self._commit_singly(group, error)
                continue
            for (_, future), receipt in zip(group, receipts, strict=True):
                if not future.done():
                    future.set_result(receipt)
        self._committer.shutdown()
        self.checkpointer.stop()
        self._connection.close()

    # --- transactions ---------------------------------------------------------------------

    def write_batches(self, batches: Sequence[Batch]) -> list[Receipt]:
        """Write batches in one transaction, all or none; return once they are on disk.

        Raises:
            SinkFullError: there is no space left.
            StoreError: the file cannot be written.
        """
        receipts = self._insert(batches)
        try:
            self._connection.execute("COMMIT")
        except BaseException as error:
            self._roll_back()
            if isinstance(error, SQLITE_ERRORS):
                raise translated(error, self.path) from error
            raise
        self.checkpointer.after_commit()
        return receipts

    def _insert(self, batches: Sequence[Batch]) -> list[Receipt]:
        """All of a transaction but its COMMIT; where it fails, there is no transaction.

        Raises:
            SinkFullError, StoreError: as :meth:`write_batches`.
        """
        self._finish_commit()
        self._check_free_space()
        try:
            self._begin()
            try:
                receipts = [self._write_batch(batch) for batch in batches]
                self._insert_placed()
                self._counters.write()
            except BaseException:
                self._roll_back()
                raise
        except SQLITE_ERRORS as error:
            raise translated(error, self.path) from error
        return receipts

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A transaction for what is no batch, between those of the batches.

        Who removes sessions, pageviews, URLs or strings in it calls :meth:`forget` afterwards.

        Raises:
            SinkFullError: there is no space left.
            StoreError: the file cannot be written.
        """
        self._finish_commit()
        try:
            self._begin()
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                self._roll_back()
                raise
        except SQLITE_ERRORS as error:
            raise translated(error, self.path) from error
        self.checkpointer.after_commit()

    def checkpoint_now(self) -> None:
        """Move the write-ahead log into the file and cut both to their size; does what it can
        where somebody reads meanwhile."""
        self._finish_commit()
        with store_errors(self.path):
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def forget(self) -> None:
        """Read anew, before the next batch, what is kept in memory of the file."""
        self._data_version = None

    def check_writable(self) -> None:
        """Whether a batch could be stored now.

        Raises:
            SinkFullError: there is no space left.
            StoreError: the file cannot be written.
        """
        self._check_free_space()
        self._finish_commit()
        with store_errors(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.execute("ROLLBACK")

    def _check_free_space(self) -> None:
        minimum = self.settings.min_free_bytes
        if not minimum or self._has_vfs:
            return
        free = free_bytes(self.path)
        if free < minimum:
            raise SinkFullError(
                f"only {free} bytes are free where {self.path} is, less than [store]"
                f" min_free_bytes = {minimum}; free some, or run `perftui prune`",
                limit="min_free_bytes",
            )

    def _begin(self) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        version = value(self._connection, "PRAGMA data_version")
        if version != self._data_version:
            self._forget()
            self._data_version = version

    def _roll_back(self) -> None:
        try:
            self._connection.execute("ROLLBACK")
        except SQLITE_ERRORS:
            # A full disk may have rolled it back already.
            log.debug("no transaction to roll back")
        self._data_version = None
        self._counters.clear()
        self._placed.clear()

    def _forget(self) -> None:
        """What is kept in memory may not be what is in the file."""
        self._strings.forget()
        self._urls.forget()
        self._sessions.clear()
        self._page_views.clear()
        connection = self._connection
        newest = value(connection, "SELECT max(seq) FROM entry") or 0
        batch = one(connection, "SELECT id, last_seq FROM batch ORDER BY id DESC LIMIT 1")
        last_batch, announced = batch or (0, 0)
        pruned_seq, pruned_batch = one(
            connection, "SELECT pruned_seq, pruned_batch FROM store"
        ) or (*(0, 0),)
        self._last_seq = max(newest, announced, pruned_seq)
        self._last_batch = max(last_batch, pruned_batch)

    # --- one batch ------------------------------------------------------------------------

    def _write_batch(self, batch: Batch) -> Receipt:
        connection = self._connection
        session = self._session(batch)
        if session.batch_count:
            stored = one(
                connection,
                "SELECT first_seq, last_seq FROM batch WHERE session = ? AND key = ?",
                (session.row, batch.key),
            )
            if stored is not None:
                return Receipt(0, duplicate=True, first_seq=stored[0], last_seq=stored[1])
        page_view = self._page_view(session, batch)
        origin = batch.time_origin_us
        estimated = batch.time_origin_estimated
        if estimated:
            origin, estimated = page_view.time_origin_us, page_view.time_origin_estimated
        elif page_view.time_origin_estimated and batch.source != "proxy":
            self._counters.write_sessions_and_page_views()
            self._correct_time_origin(session, page_view, origin)

        self._last_batch += 1
        batch_row = self._last_batch
        first_seq = self._last_seq + 1
        last_seq = self._last_seq + len(batch.entries)
        page_url = batch.page.url
        entries = EntryColumns.of(batch.entries)
        seqs: Sequence[int] = range(first_seq, last_seq + 1)
        if any(once_for_each(has_flow_field, entries.columns.get("extra", ()))):
            # The other side may be of this very transaction.
            self._insert_placed()
            self._counters.write_sessions_and_page_views()
            entries, seqs = self._flows.joined(entries, seqs, session.row)
        self._placed.append(Placed(entries, seqs, batch_row))
        self._last_seq = last_seq
        totals = totals_of(entries, page_url)
        span = entries.span_us()
        start_epoch, end_epoch = _moved(span, origin) or (None, None)
        connection.execute(
            "INSERT INTO batch (id, session, pageview, key, first_seq, last_seq, received_us,"
            " sent_us, byte_count, wire_byte_count, rejected_count, time_origin_us,"
            " time_origin_estimated, start_us, end_us, request_count, error_count, source, dropped)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(batch_row, session.row, page_view.row, batch.key, first_seq, last_seq),
                *(batch.received_us, batch.sent_us, batch.byte_count, batch.wire_byte_count),
                *(batch.rejected_count, origin, int(estimated), start_epoch, end_epoch),
                *(totals.requests, totals.errors, self._strings[batch.source]),
                msgspec.json.encode(batch.dropped).decode() if batch.dropped else None,
            ),
        )
        counters = self._counters
        counters.add_to_page_view(
            page_view.row, batch, totals, span_us=_moved(span, origin - page_view.time_origin_us)
        )
        counters.add_to_session(
            session.row,
            batch,
            totals,
            span_us=_moved(span, origin),
            seqs=(first_seq, last_seq),
            clock_error_us=_clock_error(session, batch),
        )
        counters.add_to_volume(batch)
        session.batch_count += 1
        if not batch.entries:
            return Receipt(0)
        return Receipt(len(batch.entries), first_seq=first_seq, last_seq=last_seq)

    def _insert_placed(self) -> None:
        """Insert the entries of the batches so far."""
        placed, self._placed = self._placed, []
        insert_entries(self._connection, placed, self._strings, self._urls)

    def _session(self, batch: Batch) -> _Session:
        known = self._sessions.get(batch.session_id)
        if known is not None:
            return known
        connection = self._connection
        row = one(
            connection,
            "SELECT id, batch_count FROM session WHERE session_id = ?",
            (batch.session_id,),
        )
        if row is None:
            row = one(
                connection,
                "INSERT INTO session (session_id, source, first_received_us, received_us)"
                " VALUES (?, ?, ?, ?) RETURNING id, batch_count",
                (
                    *(batch.session_id, self._strings[batch.source]),
                    *(batch.received_us, batch.received_us),
                ),
            )
        assert row is not None
        if len(self._sessions) >= CACHED_SESSIONS:
            self._sessions.clear()
        errors = connection.execute(
            "SELECT received_us - sent_us FROM batch WHERE session = ? AND sent_us IS NOT NULL"
            " ORDER BY id LIMIT ?",
            (row[0], CLOCK_ERROR_BATCHES),
        ).fetchall()
        session = _Session(row[0], row[1], [error for (error,) in errors])
        self._sessions[batch.session_id] = session
        return session

    def _page_view(self, session: _Session, batch: Batch) -> _PageView:
        key = (session.row, batch.page_view_id)
        known = self._page_views.get(key)
        if known is not None:
            return known
        connection = self._connection
        row = one(
            connection,
            "SELECT id, time_origin_us, time_origin_estimated FROM pageview"
            " WHERE session = ? AND page_view_id = ?",
            key,
        )
        if row is None:
            # A proxy's time origin is by its own clock: good until the browser tells its own.
            estimated = batch.time_origin_estimated or batch.source == "proxy"
            span = EntryColumns.of(batch.entries).span_us()
            start = span[0] if span else 0
            row = one(
                connection,
                "INSERT INTO pageview (session, page_view_id, time_origin_us,"
                " time_origin_estimated, start_us, end_us) VALUES (?, ?, ?, ?, ?, ?)"
                " RETURNING id, time_origin_us, time_origin_estimated",
                (*key, batch.time_origin_us, int(estimated), start, start),
            )
            connection.execute(
                "UPDATE session SET page_view_count = page_view_count + 1 WHERE id = ?",
                (session.row,),
            )
        assert row is not None
        if len(self._page_views) >= CACHED_PAGE_VIEWS:
            self._page_views.clear()
        page_view = self._page_views[key] = _PageView(row[0], row[1], bool(row[2]))
        return page_view

    def _correct_time_origin(self, session: _Session, page_view: _PageView, origin: int) -> None:
        """The pageview's time origin was estimated, and now somebody tells it."""
        shift = origin - page_view.time_origin_us
        connection = self._connection
        connection.execute(
            "UPDATE batch SET time_origin_us = time_origin_us + ?1, time_origin_estimated = 0,"
            " start_us = start_us + ?1, end_us = end_us + ?1"
            " WHERE pageview = ?2 AND time_origin_estimated",
            (shift, page_view.row),
        )
        connection.execute(
            "UPDATE pageview SET time_origin_us = ?1, time_origin_estimated = 0,"
            " start_us = ifnull((SELECT min(start_us) FROM batch WHERE pageview = ?2) - ?1, 0),"
            " end_us = ifnull((SELECT max(end_us) FROM batch WHERE pageview = ?2) - ?1, 0)"
            " WHERE id = ?2",
            (origin, page_view.row),
        )
        connection.execute(
            "UPDATE session SET"
            " started_us = (SELECT min(start_us) FROM batch WHERE session = ?1),"
            " ended_us = (SELECT max(end_us) FROM batch WHERE session = ?1) WHERE id = ?1",
            (session.row,),
        )
        page_view.time_origin_us = origin
        page_view.time_origin_estimated = False

    def has_page_view_from_elsewhere(self, first: Batch) -> bool:
        """Whether the store has a pageview already, and not from the file that begins to tell of
        it with this batch."""
        self._finish_commit()
        with store_errors(self.path):
            found = one(
                self._connection,
                "SELECT 1 FROM session AS s JOIN pageview AS p ON p.session = s.id"
                " WHERE s.session_id = ? AND p.page_view_id = ? AND NOT EXISTS"
                " (SELECT 1 FROM batch WHERE session = s.id AND key = ?)",
                (first.session_id, first.page_view_id, first.key),
            )
        return found is not None

    # --- what people set ------------------------------------------------------------------

    def set_label(self, session_id: str, label: str | None) -> None:
        """Give a session a name; None takes it away.

        Raises:
            NotFoundError: there is no such session.
        """
        self._set_on_session(session_id, "label", label or None)

    def set_pinned(self, session_id: str, pinned: bool) -> None:
        """Keep a session from being pruned, or let go of it.

        Raises:
            NotFoundError: there is no such session.
        """
        self._set_on_session(session_id, "pinned", int(pinned))

    def _set_on_session(self, session_id: str, name: str, told: str | int | None) -> None:
        self._finish_commit()
        with store_errors(self.path):
            changed = one(
                self._connection,
                f"UPDATE session SET {name} = ? WHERE session_id = ? RETURNING id",
                (told, session_id),
            )
        if changed is None:
            raise NotFoundError(f"there is no session {session_id}; see `perftui sessions`")

    def checkpoint(self, name: str) -> tuple[int, str | None]:
        """How far an export of this name has got: the last position that its remote end
        acknowledged (0 at first), and whatever state it keeps."""
        self._finish_commit()
        with store_errors(self.path):
            row = one(
                self._connection, "SELECT last_seq, state FROM checkpoint WHERE name = ?", (name,)
            )
        return (row[0], row[1]) if row else (0, None)

    def set_checkpoint(self, name: str, last_seq: int, state: str | None = None) -> None:
        """Keep how far an export has got."""
        self._finish_commit()
        with store_errors(self.path):
            self._connection.execute(
                "INSERT INTO checkpoint (name, last_seq, updated_us, state) VALUES (?, ?, ?, ?)"
                " ON CONFLICT DO UPDATE SET last_seq = excluded.last_seq,"
                " updated_us = excluded.updated_us, state = excluded.state",
                (name, last_seq, self.clock.now_us(), state),
            )


def as_sink_error(error: BaseException) -> SinkError:
    """An error of the store as the Sink protocol has it."""
    if isinstance(error, SinkError):
        return error
    if isinstance(error, StoreError):
        return SinkError(str(error))
    return SinkError(f"the batch could not be stored: {error!r}")


def free_bytes(path: Path) -> int:
    """Bytes that an ordinary user may still write where a file is."""
    status = os.statvfs(path.parent)
    return status.f_bavail * status.f_frsize


def _moved(span: tuple[int, int] | None, by_us: int) -> tuple[int, int] | None:
    """The span from another origin."""
    return None if span is None else (span[0] + by_us, span[1] + by_us)


def _clock_error(session: _Session, batch: Batch) -> int | None:
    """What the client's clock is off by with this batch, µs; None where it tells nothing new."""
    errors = session.clock_errors
    if batch.sent_us is None or len(errors) >= CLOCK_ERROR_BATCHES:
        return None
    errors.append(batch.received_us - batch.sent_us)
    return sorted(errors)[len(errors) // 2]
