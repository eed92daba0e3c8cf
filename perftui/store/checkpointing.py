"""Moving the write-ahead log into the file, beside the writer, and keeping the log short."""

from __future__ import annotations

import logging
import os
import threading
from pathlib import Path

from perftui.store.connection import SQLITE_ERRORS, Connection, connect

log = logging.getLogger("perftui.store")


class Checkpointer:
    """Checkpoints from a second connection in a thread of its own.

    That thread spends its time in SQLite, which lets go of the interpreter meanwhile. It is never
    quite done while the writer goes on, so at the cap the writer itself moves the small rest
    over; its next transaction then begins the log anew.

    Args:
        max_bytes: the log is not to grow beyond this.
    """

    def __init__(
        self,
        path: Path,
        writer: Connection,
        max_bytes: int,
        *,
        driver: str | None = None,
        vfs: str | None = None,
    ) -> None:
        self._path = path
        self._log_path = f"{path}-wal"
        self._writer = writer
        self._max_bytes = max_bytes
        self._driver = driver
        self._vfs = vfs
        self._thread: threading.Thread | None = None
        self._wake = threading.Event()
        self._stopping = False
        self._woken_at = 0
        self._warned = False

    def start(self) -> None:
        """Begin to checkpoint in the background; does nothing where it runs already."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="checkpoint", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End the thread; waits for a checkpoint under way."""
        if self._thread is not None:
            self._stopping = True
            self._wake.set()
            self._thread.join()
            self._thread = None

    def log_bytes(self) -> int:
        """Length of the write-ahead log."""
        try:
            return os.stat(self._log_path).st_size  # noqa: PTH116
        except OSError:
            return 0

    def after_commit(self) -> None:
        """Called by the writer after each transaction."""
        size = self.log_bytes()
        if size < self._woken_at:
            self._woken_at = 0
        if size > self._max_bytes:
            self._checkpoint_inline(size)
        elif size - self._woken_at > self._max_bytes // 4 and self._thread is not None:
            self._woken_at = size
            self._wake.set()

    def _checkpoint_inline(self, size: int) -> None:
        try:
            self._writer.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        except SQLITE_ERRORS as error:
            log.warning("checkpoint: %s", error)
            return
        if size > 2 * self._max_bytes and not self._warned:
            self._warned = True
            log.warning(
                "the write-ahead log has grown to %d bytes: a program reads %s without end,"
                " or the disk is full",
                size,
                self._path,
            )
        elif size <= self._max_bytes:
            self._warned = False

    def _run(self) -> None:
        connection = connect(self._path, driver=self._driver, vfs=self._vfs)
        try:
            connection.execute("PRAGMA synchronous = FULL")
            while True:
                self._wake.wait()
                self._wake.clear()
                if self._stopping:
                    return
                try:
                    connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
                except SQLITE_ERRORS as error:
                    log.warning("checkpoint: %s", error)
        finally:
            connection.close()
