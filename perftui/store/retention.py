"""What goes, and when: sessions that are too old or too many, and those that a person deletes.

A session is deleted in two parts. It loses its ID, so that nobody finds it any more: that is one
short transaction, and can be taken back for a while. Its entries go later in small steps, between
which the writer goes on; then the texts that nobody uses, then the empty pages of the file.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import msgspec

from perftui.config import StoreSettings
from perftui.errors import NotFoundError, PerftuiError, SettingsError, StoreError
from perftui.model import Clock
from perftui.store.connection import Connection, Row, one, value
from perftui.store.sweeping import Sweep
from perftui.store.writer import StoreWriter

log = logging.getLogger("perftui.store")

STEP_ENTRIES = 2_000
"""Entries removed in one step, unless a single batch has more: a few milliseconds."""

STEP_ROWS = 500
"""Pageviews or flows removed in one step."""

STEP_PAGES = 256
"""Pages of 4 KiB given back to the file system in one step."""

UNDO_SECONDS = 60.0
"""How long a deleted session can be put back."""

ACTIVE_SECONDS = 30 * 60.0
"""A session that received something within this is never pruned: the SDK's own limit of
inactivity, after which it begins a new session."""

CHECK_SECONDS = 10.0
"""How often :func:`maintain` looks for something to do."""

SWEEP_SECONDS = 3600.0
"""How often at most :func:`maintain` reads the whole store for texts that nobody uses."""

BUSY_SHARE = 5
"""Of its time :func:`maintain` works at most one part in this many."""

SIZE_TARGET = 0.9
"""Over ``max_size``, sessions go until the file is down to this part of it, so that not each
batch prunes a little."""

_AGE_UNITS = {"s": 1, "min": 60, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "wk": 604_800}
_SIZE_UNITS = {
    "": 1,
    "b": 1,
    "kb": 10**3,
    "mb": 10**6,
    "gb": 10**9,
    "tb": 10**12,
    "k": 10**3,
    "m": 10**6,
    "g": 10**9,
    "kib": 2**10,
    "mib": 2**20,
    "gib": 2**30,
}


class DeletedSession(msgspec.Struct, frozen=True):
    """What :func:`restore_sessions` needs to put a session back.

    Attributes:
        row: its ID within the store.
        session_id: the ID that it had.
    """

    row: int
    session_id: str


class DueSession(msgspec.Struct, frozen=True):
    """A session that is to go.

    Attributes:
        row: its ID within the store.
        received_us: when its last batch arrived, µs since the epoch.
        reason: ``ttl`` or ``max_size``.
    """

    row: int
    session_id: str
    received_us: int
    entry_count: int
    reason: str


class Removed(msgspec.Struct):
    """What has gone so far."""

    sessions: int = 0
    entries: int = 0
    texts: int = 0
    bytes_given_back: int = 0


def parse_age(text: str) -> float:
    """Seconds of ``30d``, ``12h``, ``90min``, ``2w``.

    Raises:
        SettingsError: it is none of these.
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-z]+)\s*", text.lower())
    if found is None or found[2] not in _AGE_UNITS:
        raise SettingsError(f"{text!r} is no age: a number with min, h, d or w, such as 30d")
    return float(found[1]) * _AGE_UNITS[found[2]]


def parse_size(text: str) -> int:
    """Bytes of ``2GB``, ``500MB``, ``1.5GiB``.

    Raises:
        SettingsError: it is none of these.
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*", text.lower())
    if found is None or found[2] not in _SIZE_UNITS:
        raise SettingsError(f"{text!r} is no size: bytes, or a number with kB, MB, GB, such as 2GB")
    return int(float(found[1]) * _SIZE_UNITS[found[2]])


# --- by hand ----------------------------------------------------------------------------------


def delete_sessions(
    writer: StoreWriter, session_ids: Sequence[str], *, clock: Clock | None = None
) -> list[DeletedSession]:
    """Take sessions out of every list at once. :func:`restore_sessions` puts them back within
    :data:`UNDO_SECONDS`; after that :class:`Retention` removes their entries. What a browser
    still sends under such an ID begins a new session.

    Raises:
        NotFoundError: there is no such session; none was deleted.
    """
    now_us = (clock or writer.clock).now_us()
    deleted: list[DeletedSession] = []
    with writer.transaction() as connection:
        for session_id in session_ids:
            row = value(connection, "SELECT id FROM session WHERE session_id = ?", (session_id,))
            if row is None:
                raise NotFoundError(
                    f"there is no session {session_id!r}; `perftui sessions` lists them"
                )
            _hide(connection, row, now_us)
            deleted.append(DeletedSession(row, session_id))
    writer.forget()
    return deleted


def restore_sessions(writer: StoreWriter, deleted: Sequence[DeletedSession]) -> None:
    """Put deleted sessions back.

    Raises:
        NotFoundError: their entries have been removed; none was put back.
        StoreError: a new session has the ID by now; none was put back.
    """
    with writer.transaction() as connection:
        for session in deleted:
            row = one(
                connection,
                "SELECT session_id, deleted_us FROM session WHERE id = ?",
                (session.row,),
            )
            if row is None or row[0] is not None or not row[1]:
                raise NotFoundError(f"session {session.session_id!r} is gone for good")
            taken = value(
                connection, "SELECT id FROM session WHERE session_id = ?", (session.session_id,)
            )
            if taken is not None:
                raise StoreError(
                    f"session {session.session_id!r} has gone on since it was deleted;"
                    " its earlier part cannot be put back"
                )
            connection.execute(
                "UPDATE session SET session_id = ?, deleted_us = NULL WHERE id = ?",
                (session.session_id, session.row),
            )
    writer.forget()


def _hide(connection: Connection, row: int, now_us: int) -> None:
    """Take a session's ID away. A moment of 0 means that it cannot be put back."""
    connection.execute(
        "UPDATE session SET session_id = NULL, deleted_us = ? WHERE id = ?", (now_us, row)
    )


# --- by rule ----------------------------------------------------------------------------------


class Retention:
    """Keeps a store to its settings, a small step at a time.

    Args:
        writer: of the store; steps and batches must not be at the same time (one thread).
        settings: ``ttl`` and ``max_size``; None takes the writer's.
        undo_seconds: how long deleted sessions are left as they are.

    Attributes:
        removed: what has gone so far.

    Raises:
        SettingsError: ``ttl`` or ``max_size`` cannot be understood.
    """

    def __init__(
        self,
        writer: StoreWriter,
        settings: StoreSettings | None = None,
        *,
        clock: Clock | None = None,
        undo_seconds: float = UNDO_SECONDS,
    ) -> None:
        settings = settings or writer.settings
        self._writer = writer
        self._clock = clock or writer.clock
        self._ttl_seconds = None if settings.ttl is None else parse_age(settings.ttl)
        self._max_bytes = None if settings.max_size is None else parse_size(settings.max_size)
        self._undo_us = int(undo_seconds * 1e6)
        self._sweep: Sweep | None = None
        self._needs_sweep = False
        self._swept_at: float | None = None
        self._checked_at: float | None = None
        self.removed = Removed()

    def due(self) -> list[DueSession]:
        """The sessions that the settings let go now, the oldest first."""
        with self._writer.transaction() as connection:
            return self._due(connection)

    def _due(self, connection: Connection) -> list[DueSession]:
        if self._ttl_seconds is None and self._max_bytes is None:
            return []
        now_us = self._clock.now_us()
        rows = connection.execute(
            "SELECT id, session_id, received_us, entry_count FROM session"
            " WHERE session_id IS NOT NULL AND NOT pinned AND received_us < ?"
            " ORDER BY received_us, id",
            (now_us - int(ACTIVE_SECONDS * 1e6),),
        ).fetchall()
        due: list[DueSession] = []
        kept = rows
        if self._ttl_seconds is not None:
            limit_us = now_us - int(self._ttl_seconds * 1e6)
            due = [_due_session(row, "ttl") for row in rows if row[2] < limit_us]
            kept = rows[len(due) :]
        if self._max_bytes is not None and (used := used_bytes(connection)) > self._max_bytes:
            entries = value(connection, "SELECT ifnull(sum(entry_count), 0) FROM session") or 1
            going = value(
                connection,
                "SELECT ifnull(sum(entry_count), 0) FROM session WHERE session_id IS NULL",
            ) + sum(session.entry_count for session in due)
            excess = used - self._max_bytes * SIZE_TARGET
            for row in kept:
                if going * used / entries >= excess:
                    break
                due.append(_due_session(row, "max_size"))
                going += row[3]
        return due

    def step(self, *, check: bool = True) -> bool:
        """Do a small piece of work, of some milliseconds.

        Args:
            check: look for sessions that are due; without it only what has begun goes on.

        Returns:
            Whether there is more to do now.

        Raises:
            SinkFullError: there is no space left, not even to remove something.
            StoreError: the file cannot be written.
        """
        if self._remove_some():
            return True
        if check and self._hide_due():
            return True
        if self._sweep is not None:
            before = self._sweep.removed
            more = self._sweep.step()
            self.removed.texts += self._sweep.removed - before
            if not more:
                self._sweep = None
            return True
        if self._needs_sweep and self._may_sweep():
            self._needs_sweep = False
            self._swept_at = self._clock.monotonic()
            self._sweep = Sweep(self._writer)
            return True
        return self._give_back()

    def run(self, progress: Callable[[Removed], None] | None = None) -> Removed:
        """Do all that is to do.

        Args:
            progress: called after each step.

        Raises:
            SinkFullError, StoreError: as :meth:`step`.
        """
        self._swept_at = None
        while self.step():
            if progress is not None:
                progress(self.removed)
        self._writer.checkpoint_now()
        return self.removed

    # --- the steps ------------------------------------------------------------------------

    def _hide_due(self) -> bool:
        with self._writer.transaction() as connection:
            due = self._due(connection)[:STEP_ROWS]
            if self._needs_sweep and any(session.reason == "max_size" for session in due):
                # Texts of those that went may be all that is too much.
                self._swept_at = None
                return False
            for session in due:
                _hide(connection, session.row, 0)
        if due:
            self._writer.forget()
            log.info("%d sessions go: %s", len(due), ", ".join(sorted({s.reason for s in due})))
        return bool(due)

    def _remove_some(self) -> bool:
        latest_us = self._clock.now_us() - self._undo_us
        with self._writer.transaction() as connection:
            row = value(
                connection,
                "SELECT id FROM session WHERE session_id IS NULL AND ifnull(deleted_us, 0) <= ?"
                " ORDER BY id LIMIT 1",
                (latest_us,),
            )
            if row is None:
                return False
            ended = not (
                self._remove_batches(connection, row)
                or _remove_rows(connection, "flow", "flow_id", row)
                or _remove_rows(connection, "pageview", "id", row)
            )
            if ended:
                connection.execute("DELETE FROM session WHERE id = ?", (row,))
        if ended:
            self._writer.forget()
            self._needs_sweep = True
            self.removed.sessions += 1
        return True

    def _remove_batches(self, connection: Connection, session: int) -> bool:
        going = []
        entries = 0
        for batch in connection.execute(
            "SELECT id, first_seq, last_seq FROM batch WHERE session = ? LIMIT ?",
            (session, STEP_ROWS),
        ).fetchall():
            going.append(batch)
            entries += batch[2] - batch[1] + 1
            if entries >= STEP_ENTRIES:
                break
        if not going:
            return False
        connection.executemany(
            "DELETE FROM entry WHERE seq BETWEEN ? AND ?", [batch[1:] for batch in going]
        )
        connection.executemany("DELETE FROM batch WHERE id = ?", [batch[:1] for batch in going])
        connection.execute(
            "UPDATE store SET pruned_batch = max(pruned_batch, ?), pruned_seq = max(pruned_seq, ?)",
            (max(batch[0] for batch in going), max(batch[2] for batch in going)),
        )
        self.removed.entries += entries
        return True

    def _may_sweep(self) -> bool:
        return self._swept_at is None or self._clock.monotonic() - self._swept_at >= SWEEP_SECONDS

    def _give_back(self) -> bool:
        """Move the last pages into free ones, and cut the file."""
        with self._writer.transaction() as connection:
            free, page_bytes = _free_pages(connection)
            if free == 0:
                return False
            connection.execute(f"PRAGMA incremental_vacuum({STEP_PAGES})").fetchall()
            left, _ = _free_pages(connection)
        self.removed.bytes_given_back += (free - left) * page_bytes
        return left < free


def _due_session(row: Row, reason: str) -> DueSession:
    return DueSession(row[0], row[1], row[2], row[3], reason)


def _remove_rows(connection: Connection, table: str, key: str, session: int) -> bool:
    removed = connection.execute(
        f"DELETE FROM {table} WHERE {key} IN"
        f" (SELECT {key} FROM {table} WHERE session = ? LIMIT ?) RETURNING 1",
        (session, STEP_ROWS),
    ).fetchall()
    return bool(removed)


def _free_pages(connection: Connection) -> tuple[int, int]:
    return (
        int(value(connection, "PRAGMA freelist_count")),
        int(value(connection, "PRAGMA page_size")),
    )


def used_bytes(connection: Connection) -> int:
    """Bytes of the file that hold something."""
    pages = int(value(connection, "PRAGMA page_count"))
    free, page_bytes = _free_pages(connection)
    return (pages - free) * page_bytes


def maintain(
    writer: StoreWriter, settings: StoreSettings | None = None
) -> Coroutine[Any, Any, None]:
    """Keep a store to its settings while an event loop serves; runs until it is cancelled.

    It shares the loop's thread with the writer, so neither ever waits for the other's lock, and
    after each step it leaves the loop alone for some times as long as the step took.

    Raises:
        SettingsError: at once, where ``ttl`` or ``max_size`` cannot be understood.
    """
    return _maintain(Retention(writer, settings), writer.clock)


async def _maintain(retention: Retention, clock: Clock) -> None:
    while True:
        begun = clock.monotonic()
        pause = CHECK_SECONDS
        try:
            if retention.step():
                pause = max(0.005, (clock.monotonic() - begun) * (BUSY_SHARE - 1))
        except PerftuiError as error:
            log.warning("pruning waits: %s", error)
        await asyncio.sleep(pause)
