"""What the disk by itself takes for what a COMMIT asks of it: so many bytes written, and
``fdatasync``. Beside the latencies of a server it tells which of them no store could have avoided."""

from __future__ import annotations

import os
import time
from pathlib import Path
from types import TracebackType
from typing import Self

FILE_BYTES = 32 * 2**20
"""As long as the write-ahead log grows before it begins anew."""


class Disk:
    """A file that was written whole before, so that no write makes it longer, as SQLite writes
    again and again over the same log.

    Args:
        path: the file; made, and removed at the end.
        size: bytes of each write, at most :data:`FILE_BYTES`.
    """

    def __init__(self, path: Path, size: int) -> None:
        self._path = path
        self._block = os.urandom(size)
        self._offset = 0

    def __enter__(self) -> Self:
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        piece = os.urandom(2**20)
        for offset in range(0, FILE_BYTES, len(piece)):
            os.pwrite(self._file, piece, offset)
        os.fsync(self._file)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        os.close(self._file)
        self._path.unlink()

    def latencies(self, *, seconds: float, per_second: float) -> list[float]:
        """Write one block after the other through the file, each durable before the next.

        Returns:
            Seconds from when each was due to when it was durable: one that waits for an earlier
            one counts that too, as with :func:`bench.http_load.open_loop`.
        """
        found = []
        begun = time.perf_counter()
        for number in range(round(seconds * per_second)):
            due = begun + number / per_second
            time.sleep(max(0.0, due - time.perf_counter()))
            if self._offset + len(self._block) > FILE_BYTES:
                self._offset = 0
            os.pwrite(self._file, self._block, self._offset)
            os.fdatasync(self._file)
            self._offset += len(self._block)
            found.append(time.perf_counter() - due)
        return found
