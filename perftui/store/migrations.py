"""Numbered steps from an empty file to today's schema, each in one transaction with its number
(``PRAGMA user_version``). A step is never edited once it has landed.

Before an older file is migrated it is copied beside itself (``perftui.db.v1.backup``); the copy
goes when the migrated file has been opened once more and is sound.
"""

from __future__ import annotations

import os
import sqlite3
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

from perftui.errors import NewerStoreError, NotAStoreError, ReadOnlyStoreError
from perftui.model import Clock
from perftui.store.connection import (
    BUSY,
    SQLITE_ERRORS,
    Connection,
    connect,
    error_code,
    store_errors,
    value,
)
from perftui.store.schema import (
    APPLICATION_ID,
    DELETED_SESSIONS,
    ESTIMATED_PAGEVIEWS,
    FRAMES,
    SEEDED_STRINGS,
    TABLES,
    VIEWS,
)

Migration = Callable[[Connection, Clock], None]


def run_script(connection: Connection, script: str) -> None:
    """Run statements separated by ``;`` within the open transaction (``executescript`` would
    commit it)."""
    statement = ""
    for piece in script.split(";"):
        statement += piece + ";"
        if sqlite3.complete_statement(statement):
            if statement.strip(" \n;"):
                connection.execute(statement)
            statement = ""


def _version_1(connection: Connection, clock: Clock) -> None:
    run_script(connection, TABLES)
    run_script(connection, VIEWS)
    connection.executemany(
        "INSERT INTO string (id, text) VALUES (?, ?)", list(enumerate(SEEDED_STRINGS, start=1))
    )
    connection.execute(
        "INSERT INTO store (id, store_id, created_us) VALUES (1, ?, ?)",
        (str(uuid.uuid4()), clock.now_us()),
    )


def _version_2(connection: Connection, clock: Clock) -> None:
    run_script(connection, DELETED_SESSIONS)


def _version_3(connection: Connection, clock: Clock) -> None:
    run_script(connection, FRAMES)


def _version_4(connection: Connection, clock: Clock) -> None:
    run_script(connection, ESTIMATED_PAGEVIEWS)


MIGRATIONS: tuple[Migration, ...] = (_version_1, _version_2, _version_3, _version_4)
"""Step N (from 1) leads from version N - 1 to N."""


def identify(connection: Connection, path: Path, latest: int) -> int:
    """The schema version of an open file; 0 for an empty one.

    Raises:
        NotAStoreError: it holds something else.
        NewerStoreError: it was written by a newer perftui.
    """
    application = value(connection, "PRAGMA application_id")
    version = int(value(connection, "PRAGMA user_version"))
    if application != APPLICATION_ID:
        if application or version or value(connection, "SELECT count(*) FROM sqlite_master"):
            raise NotAStoreError(
                f"{path} is an SQLite file of another program, not a perftui store;"
                " it was not touched. Name another file with --db"
            )
        return 0
    if version > latest:
        raise NewerStoreError(
            f"{path} was written by a newer perftui (schema {version}, this one knows {latest});"
            " it was not touched. Upgrade with `pip install --upgrade perftui`"
        )
    return version


def open_for_writing(
    path: Path,
    clock: Clock,
    *,
    driver: str | None = None,
    vfs: str | None = None,
    migrations: Sequence[Migration] = MIGRATIONS,
) -> Connection:
    """Open a store for writing: made where there is none, migrated where it is old. One thread at
    a time may use the connection.

    Its folder (where it has to be made) gets mode 0700, the file 0600; so do SQLite's own
    ``-wal`` and ``-shm`` beside it.

    Raises:
        StoreError: or one of its kinds; the file was not touched.
        SinkFullError: there is no space left.
    """
    if vfs is None:
        _make_private_file(path)
    with store_errors(path):
        _refuse_foreign_bytes(path) if vfs is None else None
        connection = connect(path, serialized=False, driver=driver, vfs=vfs)
        try:
            _prepare(connection, path, clock, migrations, copy=vfs is None)
        except BaseException:
            connection.close()
            raise
        return connection


def _make_private_file(path: Path) -> None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except IsADirectoryError as error:
        raise NotAStoreError(f"{path} is a folder; name a file with --db") from error
    except (PermissionError, OSError) as error:
        raise ReadOnlyStoreError(
            f"{path} cannot be written to ({error.strerror}); name another file with --db"
        ) from error
    try:
        if not os.fstat(descriptor).st_mode & 0o222:
            # The superuser may write all the same, but somebody asked for it to stay as it is.
            raise ReadOnlyStoreError(
                f"{path} is read-only; `chmod u+w` it, or name another file with --db"
            )
    finally:
        os.close(descriptor)


def _refuse_foreign_bytes(path: Path) -> None:
    with path.open("rb") as file:
        head = file.read(16)
    if head and head != b"SQLite format 3\0":
        raise NotAStoreError(
            f"{path} is not a perftui store (not even an SQLite file); it was not touched."
            " Name another file with --db"
        )


def _prepare(
    connection: Connection,
    path: Path,
    clock: Clock,
    migrations: Sequence[Migration],
    *,
    copy: bool,
) -> None:
    latest = len(migrations)
    version = identify(connection, path, latest)
    if version == 0:
        # These two are of effect only before the first table.
        connection.execute("PRAGMA page_size = 4096")
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    elif version < latest and copy:
        _copy_aside(connection, _backup_path(path, version))
    _use_wal(connection)
    connection.execute("PRAGMA synchronous = FULL")
    for number in range(version + 1, latest + 1):
        connection.execute("BEGIN IMMEDIATE")
        try:
            # Another process may have been quicker.
            if int(value(connection, "PRAGMA user_version")) < number:
                migrations[number - 1](connection, clock)
                connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                connection.execute(f"PRAGMA user_version = {number}")
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise
    if copy and version == latest:
        _drop_backups(connection, path, latest)


def _use_wal(connection: Connection) -> None:
    """Switch to the write-ahead log. Two processes that make the file at the same moment refuse
    one another without waiting, so this asks again."""
    for attempt in range(50):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except SQLITE_ERRORS as error:
            if error_code(error) != BUSY or attempt == 49:
                raise
            import time

            time.sleep(0.02)
        else:
            return


def _backup_path(path: Path, version: int) -> Path:
    return path.with_name(f"{path.name}.v{version}.backup")


def _copy_aside(connection: Connection, backup: Path) -> None:
    if backup.exists():
        # Of an attempt that did not end well: it is the one from before.
        return
    unfinished = backup.with_name(backup.name + ".unfinished")
    unfinished.unlink(missing_ok=True)
    os.close(os.open(unfinished, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    connection.execute("VACUUM INTO ?", (str(unfinished),))
    unfinished.replace(backup)


def _drop_backups(connection: Connection, path: Path, latest: int) -> None:
    backups = [
        backup for version in range(1, latest) if (backup := _backup_path(path, version)).exists()
    ]
    if backups and value(connection, "PRAGMA quick_check(1)") == "ok":
        for backup in backups:
            backup.unlink()
