"""One way to speak to SQLite, whichever driver is there: apsw where installed (extra ``fast``),
else the standard library's sqlite3.

Both are used in autocommit mode; transactions are written out as SQL.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

from perftui.errors import NotAStoreError, ReadOnlyStoreError, SinkFullError, StoreError

apsw: Any
try:
    apsw = import_module("apsw")
except ImportError:
    apsw = None

Row = tuple[Any, ...]

DRIVERS: tuple[str, ...] = ("apsw", "sqlite3") if apsw is not None else ("sqlite3",)
"""The drivers that are installed, the preferred one first."""

SQLITE_ERRORS: tuple[type[Exception], ...] = (
    (sqlite3.Error, apsw.Error) if apsw is not None else (sqlite3.Error,)
)
"""What a driver raises."""

BUSY_SECONDS = 5.0
"""How long a statement waits for another process's transaction."""

# https://www.sqlite.org/rescode.html
PERM, BUSY, LOCKED, READONLY, IOERR, CORRUPT, FULL, CANTOPEN, NOTADB = (
    3,
    5,
    6,
    8,
    10,
    11,
    13,
    14,
    26,
)
IOERR_WRITE, IOERR_FSYNC, IOERR_TRUNCATE, IOERR_SHMSIZE = 778, 1034, 1546, 4874


class Connection(Protocol):
    """What both drivers offer."""

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> Any:
        """Run one statement; the result yields tuples."""
        ...

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]], /) -> Any:
        """Run one statement for each row."""
        ...

    def close(self) -> None:
        """Let go of the file."""
        ...


def connect(
    path: Path | str,
    *,
    read_only: bool = False,
    immutable: bool = False,
    serialized: bool = True,
    driver: str | None = None,
    vfs: str | None = None,
) -> Connection:
    """Open a file.

    Args:
        serialized: whether threads may use the connection at the same time. Where nobody does,
            the driver need not lock it for each value that is bound, where it can be told so.
        immutable: promise that nobody writes, so that no lock and no ``-shm`` file is needed.
        driver: one of :data:`DRIVERS`; None takes the preferred one.
        vfs: the name of a registered SQLite VFS; None takes the system's.

    Raises:
        sqlite3.Error, apsw.Error: as the driver says.
    """
    mode = "ro" if read_only or immutable else "rwc"
    uri = f"file:{quote(str(path))}?mode={mode}"
    if immutable:
        uri += "&immutable=1"
    if vfs:
        uri += f"&vfs={quote(vfs)}"
    connection: Connection
    if (driver or DRIVERS[0]) == "apsw":
        flags = apsw.SQLITE_OPEN_URI
        if mode == "ro":
            flags |= apsw.SQLITE_OPEN_READONLY
        else:
            flags |= apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
        if not serialized:
            flags |= apsw.SQLITE_OPEN_NOMUTEX
        connection = apsw.Connection(uri, flags=flags, statementcachesize=200)
        connection.execute(f"PRAGMA busy_timeout = {int(BUSY_SECONDS * 1000)}")
    else:
        connection = sqlite3.connect(
            uri,
            timeout=BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=200,
            uri=True,
        )
    return connection


def one(connection: Connection, sql: str, parameters: Sequence[Any] = ()) -> Row | None:
    """The first row; None where there is none."""
    rows: list[Row] = connection.execute(sql, parameters).fetchall()
    return rows[0] if rows else None


def value(connection: Connection, sql: str, parameters: Sequence[Any] = ()) -> Any:
    """The first column of the first row; None where there is none."""
    row = one(connection, sql, parameters)
    return None if row is None else row[0]


def error_code(error: BaseException) -> int:
    """SQLite's primary result code; 1 (SQLITE_ERROR) where the driver does not tell."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        code = getattr(error, "result", None)
    return (code & 0xFF) if isinstance(code, int) else 1


def extended_error_code(error: BaseException) -> int:
    """SQLite's extended result code; the primary one where the driver does not tell."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        code = getattr(error, "extendedresult", None)
    return code if isinstance(code, int) else error_code(error)


def is_full(error: BaseException) -> bool:
    """Whether a driver's error means that there is no space left (or no quota)."""
    return error_code(error) == FULL or extended_error_code(error) in {
        IOERR_WRITE,
        IOERR_FSYNC,
        IOERR_TRUNCATE,
        IOERR_SHMSIZE,
    }


@contextmanager
def store_errors(path: Path | str) -> Iterator[None]:
    """Turn what a driver raises into one line of ours.

    Raises:
        StoreError: or one of its kinds.
        SinkFullError: there is no space left.
    """
    try:
        yield
    except SQLITE_ERRORS as error:
        raise translated(error, path) from error


def translated(error: BaseException, path: Path | str) -> StoreError | SinkFullError:
    """Our error for a driver's."""
    code = error_code(error)
    if code == NOTADB:
        return NotAStoreError(
            f"{path} is not a perftui store (not even an SQLite file); it was not touched."
            " Name another file with --db"
        )
    if code in {READONLY, PERM} or (code == CANTOPEN and not _folder_is_writable(path)):
        return ReadOnlyStoreError(
            f"{path} cannot be written to (read-only file or folder);"
            " change its permissions or name another file with --db"
        )
    if code == CANTOPEN:
        return StoreError(f"{path} cannot be opened; see whether the folder exists and is yours")
    if is_full(error):
        return SinkFullError(f"no space left for {path}; free some, or run `perftui prune`")
    if code == CORRUPT:
        return StoreError(
            f"{path} is damaged ({error}); move it away, or rescue it with"
            " `sqlite3 FILE .recover | sqlite3 NEW`"
        )
    if code in {BUSY, LOCKED}:
        return StoreError(f"{path} is locked by another program; try again when it is done")
    return StoreError(f"{path}: {error}")


def _folder_is_writable(path: Path | str) -> bool:
    import os

    return os.access(Path(path).parent, os.W_OK)
