"""ClickHouse: a server by HTTP, or the embedded engine, through one client.

Errors are of three kinds, and only the first two are the caller's to act on: what is worth
another try (the network, a busy or restarting server), what a person must mend (password, disk,
rights), and data that the server will never take, which goes to a dead-letter file so that it
never stands in the way of the rest. ClickHouse answers some of the last with HTTP 500, so the
error code decides, not the status.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from perftui.errors import ExportError, MissingExtraError, UsageError
from perftui.export.clickhouse_schema import (
    ENTRIES,
    SCHEMA_VERSION,
    VERSIONS,
    SchemaOptions,
    clickhouse_schema,
    column_definition,
    forward,
    quoted,
)
from perftui.export.columns import COLUMNS

RETRYABLE_CODES = frozenset(
    {
        159,  # TIMEOUT_EXCEEDED
        164,  # READONLY: a replica that has lost its keeper for a while
        202,  # TOO_MANY_SIMULTANEOUS_QUERIES
        209,  # SOCKET_TIMEOUT
        210,  # NETWORK_ERROR
        225,  # NO_ZOOKEEPER
        236,  # ABORTED
        241,  # MEMORY_LIMIT_EXCEEDED
        242,  # TABLE_IS_READ_ONLY
        252,  # TOO_MANY_PARTS
        279,  # ALL_CONNECTION_TRIES_FAILED
        285,  # TOO_FEW_LIVE_REPLICAS
        319,  # UNKNOWN_STATUS_OF_INSERT: repeated under its token, it is stored once
        999,  # KEEPER_EXCEPTION
    }
)
"""Errors that pass by themselves. Source: ClickHouse, src/Common/ErrorCodes.cpp."""

BAD_DATA_CODES = frozenset(
    {
        6,  # CANNOT_PARSE_TEXT
        27,  # CANNOT_PARSE_INPUT_ASSERTION_FAILED
        32,  # ATTEMPT_TO_READ_AFTER_EOF
        33,  # CANNOT_READ_ALL_DATA
        41,  # CANNOT_PARSE_DATETIME
        53,  # TYPE_MISMATCH
        69,  # ARGUMENT_OUT_OF_BOUND
        70,  # CANNOT_CONVERT_TYPE
        72,  # CANNOT_PARSE_NUMBER
        117,  # INCORRECT_DATA
        131,  # TOO_LARGE_STRING_SIZE
        321,  # VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE
        349,  # CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN
        469,  # VIOLATED_CONSTRAINT
    }
)
"""Errors about the rows themselves."""

NOT_ENOUGH_SPACE = 243

ADVICE: Mapping[int, str] = {
    60: "the table is missing there; run `perftui export clickhouse` to make it",
    81: "the database is missing there; make it with CREATE DATABASE, or name another",
    192: "the user is not known there; set CLICKHOUSE_USER",
    193: "the password is wrong; set CLICKHOUSE_PASSWORD or --password-file",
    194: "a password is needed; set CLICKHOUSE_PASSWORD or --password-file",
    NOT_ENOUGH_SPACE: "the server's disk is full; free space there and run this again, it goes on where it stopped",
    497: "the user may not do that there; ask for INSERT, SELECT and CREATE on the database",
    516: "user or password is wrong; set CLICKHOUSE_USER and CLICKHOUSE_PASSWORD or --password-file",
}
"""What to do, by error code."""


class RetryableError(ExportError):
    """It may work in a moment: the network, or a server that is busy or starting."""


class DiskFullError(ExportError):
    """The server has no room left. Nothing was inserted."""


class RefusedDataError(ExportError):
    """The server does not take these rows, and never will."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a ClickHouse is.

    Attributes:
        url: without credentials: what is shown, logged and kept in checkpoints.
        path: of an embedded engine, its folder; None for a server.
    """

    url: str
    host: str = ""
    port: int | None = None
    secure: bool = False
    database: str | None = None
    path: Path | None = None
    user: str | None = field(default=None, repr=False)
    password: str = field(default="", repr=False)

    @property
    def is_embedded(self) -> bool:
        """Whether the engine runs in this process."""
        return self.path is not None


def parse_target(
    dsn: str,
    *,
    environment: Mapping[str, str] = os.environ,
    password_file: Path | None = None,
) -> Target:
    """A DSN: ``https://host:8443/database``, ``http://…``, ``clickhouse://…`` (which is http, or
    https with ``?secure=true`` and on 8443 and 443), or ``chdb:///path/of/folder``.

    Credentials come from ``CLICKHOUSE_USER`` and ``CLICKHOUSE_PASSWORD``, the password also from
    a file; those in the DSN itself are taken, but never shown.

    Raises:
        UsageError: it is no such DSN.
    """
    parts = urlsplit(dsn)
    if parts.scheme == "chdb":
        location = unquote(parts.path)
        if parts.netloc or not location:
            raise UsageError(f"{_shown(dsn)}: an embedded engine's DSN is chdb:///path/of/folder")
        return Target(url=f"chdb://{quote(location)}", path=Path(location))
    if parts.scheme not in {"http", "https", "clickhouse"} or not parts.hostname:
        raise UsageError(
            f"{_shown(dsn)} is no ClickHouse: https://host:8443/database, http://host:8123/database"
            " or chdb:///path/of/folder"
        )
    try:
        port = parts.port
    except ValueError as error:
        raise UsageError(f"{_shown(dsn)}: {error}") from error
    query = parse_qs(parts.query)
    secure = parts.scheme == "https" or (
        parts.scheme == "clickhouse"
        and (port in {8443, 443} or query.get("secure", [""])[0] in {"1", "true"})
    )
    database = unquote(parts.path.strip("/")) or None
    password = environment.get("CLICKHOUSE_PASSWORD", "")
    if parts.password:
        password = unquote(parts.password)
    if password_file is not None:
        try:
            password = password_file.read_text(encoding="utf-8").strip("\r\n")
        except OSError as error:
            raise UsageError(f"cannot read {password_file}: {error.strerror}") from error
    scheme = "https" if secure else "http"
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    shown = f"{scheme}://{host}{f':{port}' if port else ''}{f'/{database}' if database else ''}"
    return Target(
        url=shown,
        host=parts.hostname,
        port=port,
        secure=secure,
        database=database,
        user=unquote(parts.username) if parts.username else environment.get("CLICKHOUSE_USER"),
        password=password,
    )


def _shown(dsn: str) -> str:
    """A DSN as it may be shown: without user and password."""
    scheme, separator, rest = dsn.partition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}" if separator else dsn


class ClickHouse:
    """A connection. Blocking; belongs to one thread at a time, or to as many as it has
    connections.

    Raises:
        MissingExtraError: clickhouse-connect, or for an embedded engine chdb, is not installed.
        RetryableError: it cannot be reached now.
        ExportError: it refuses, with what to do about it.
    """

    def __init__(self, target: Target, *, timeout_seconds: int = 300, connections: int = 1) -> None:
        try:
            import clickhouse_connect
            from clickhouse_connect import common
            from clickhouse_connect.driver.httputil import get_pool_manager
        except ImportError as error:
            raise MissingExtraError("clickhouse", "speaking to ClickHouse") from error
        # One connection serves statements one after the other; a server-side session would only
        # refuse the next one while a broken one is still noticed.
        common.set_setting("autogenerate_session_id", False)
        # What it warns of it raises as well; without a handler the words would go to stderr.
        logging.getLogger("clickhouse_connect").addHandler(logging.NullHandler())
        self.target = target
        with self.errors():
            if target.path is not None:
                try:
                    import chdb  # noqa: F401
                except ImportError as error:
                    raise MissingExtraError("chdb", "the embedded ClickHouse engine") from error
                target.path.parent.mkdir(parents=True, exist_ok=True)
                self._client = clickhouse_connect.get_client(
                    interface="chdb", path=str(target.path)
                )
            else:
                self._client = clickhouse_connect.get_client(
                    host=target.host,
                    port=target.port,
                    secure=target.secure,
                    username=target.user,
                    password=target.password,
                    database=target.database or "default",
                    send_receive_timeout=timeout_seconds,
                    connect_timeout=10,
                    query_retries=0,
                    client_name="perftui",
                    pool_mgr=get_pool_manager(maxsize=connections),
                )

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Turn what the client raises into one line of ours.

        Raises:
            RetryableError, RefusedDataError, DiskFullError, ExportError: as the module's docstring has it.
        """
        from clickhouse_connect.driver.exceptions import ClickHouseError

        try:
            yield
        except ClickHouseError as error:
            raise translated(error, self.target) from error
        except (OSError, EOFError) as error:
            raise RetryableError(f"{self.target.url}: {error}") from error
        except RuntimeError as error:
            # What the embedded engine raises.
            raise translated(error, self.target) from error

    def command(self, sql: str, parameters: Mapping[str, Any] | None = None) -> Any:
        """Run a statement that answers nothing, or one value."""
        with self.errors():
            return self._client.command(sql, parameters=dict(parameters or {}))

    def rows(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        with self.errors():
            result = self._client.query(sql, parameters=dict(parameters or {}))
            return [tuple(row) for row in result.result_rows]

    def named_rows(
        self, sql: str, parameters: Mapping[str, Any] | None = None
    ) -> list[dict[str, Any]]:
        """The rows of a query as dictionaries."""
        with self.errors():
            result = self._client.query(sql, parameters=dict(parameters or {}))
            return [dict(row) for row in result.named_results()]

    def arrow(self, sql: str, parameters: Mapping[str, Any] | None = None) -> Any:
        """The answer of a query as an Arrow table."""
        with self.errors():
            return self._client.query_arrow(
                sql, parameters=dict(parameters or {}), use_strings=True
            )

    def table_id(self, table: str = ENTRIES) -> str | None:
        """The UUID of a table, another one once it was dropped and made anew; None where there is
        no such table, or its database keeps none."""
        # The embedded engine's database shows no UUIDs, but names folders by them.
        found = self.rows(
            "SELECT if(uuid = toUUIDOrZero(''), extract(arrayElement(data_paths, 1), '[0-9a-f-]{36}'),"
            " toString(uuid)) FROM system.tables"
            " WHERE database = currentDatabase() AND name = {table:String}",
            {"table": table},
        )
        return str(found[0][0]) or None if found else None

    def insert(self, table: Any, *, token: str, into: str = ENTRIES) -> None:
        """Insert an Arrow table. Repeated with one token it is stored once."""
        settings = {
            "insert_deduplication_token": token,
            "deduplicate_blocks_in_dependent_materialized_views": 1,
            # A block of an import may touch many days.
            "max_partitions_per_insert_block": 0,
            "async_insert": 0,
        }
        with self.errors():
            self._client.insert_arrow(into, table, settings=settings)

    def insert_json(
        self, lines: bytes, *, token: str, gathered: bool = False, into: str = ENTRIES
    ) -> None:
        """Insert JSON objects, one a line (JSONEachRow).

        Args:
            gathered: let the server collect several such inserts into one part
                (``async_insert``); it still answers only when the rows are stored.
        """
        settings: dict[str, Any] = {"max_partitions_per_insert_block": 0}
        if gathered:
            settings |= {"async_insert": 1, "wait_for_async_insert": 1}
        else:
            settings |= {"async_insert": 0, "insert_deduplication_token": token}
        with self.errors():
            self._client.raw_insert(into, insert_block=lines, fmt="JSONEachRow", settings=settings)

    def close(self) -> None:
        """Let go of the connection."""
        self._client.close()


def translated(error: BaseException, target: Target) -> ExportError:
    """Our error for one of the client's; never with a password in it."""
    code = getattr(error, "code", None)
    if not isinstance(code, int):
        code = _code_in(str(error))
    text = " ".join(str(error).split())
    if target.password:
        text = text.replace(target.password, "…")
    if len(text) > 300:
        text = text[:299] + "…"
    if code is None and _is_transport(error):
        return RetryableError(f"{target.url} cannot be reached: {_reason(error) or text}")
    if code in RETRYABLE_CODES:
        return RetryableError(f"{target.url}: {text}")
    if code in BAD_DATA_CODES:
        return RefusedDataError(f"{target.url}: {text}")
    advice = ADVICE.get(code or 0)
    kind = DiskFullError if code == NOT_ENOUGH_SPACE else ExportError
    return kind(f"{target.url}: {advice} ({text})" if advice else f"{target.url}: {text}")


def _reason(error: BaseException) -> str | None:
    """The operating system's words for what broke a connection, where it was that."""
    found = None
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError):
            found = cause.strerror or found
        cause = cause.__cause__ or cause.__context__
    return found


def _code_in(text: str) -> int | None:
    match = re.search(r"\bCode: (\d+)", text)
    return int(match[1]) if match else None


def _is_transport(error: BaseException) -> bool:
    """Whether the answer never came, or came from something before the server: a proxy's 502,
    503 or 504, a broken connection."""
    from clickhouse_connect.driver.exceptions import OperationalError

    text = str(error)
    if isinstance(error, OperationalError):
        return True
    return any(
        f"{status}" in text
        for status in ("HTTP driver received HTTP status 50", "502", "503", "504")
    )


_MADE = re.compile(r"^CREATE (?:TABLE|VIEW|MATERIALIZED VIEW) IF NOT EXISTS (\S+)")


def ensure_schema(clickhouse: ClickHouse, options: SchemaOptions | None = None) -> list[str]:
    """Make what is missing; return the statements that changed something.

    Raises:
        ExportError: the tables there are of a newer perftui, or the user may not make them.
    """
    options = options or SchemaOptions()
    before = _version(clickhouse, options)
    if before is not None and before > SCHEMA_VERSION:
        raise ExportError(
            f"{clickhouse.target.url}: the tables there are of a newer perftui (schema {before},"
            f" this one knows {SCHEMA_VERSION}); upgrade with `pip install --upgrade perftui`"
        )
    changed: list[str] = []
    if before is None:
        changed = clickhouse_schema(options)
    else:
        changed = _missing_tables(clickhouse, options) + _missing_columns(clickhouse, options)
        changed += forward(options, before)
    for statement in changed:
        clickhouse.command(statement)
    if before != SCHEMA_VERSION:
        clickhouse.command(
            f"INSERT INTO {options.name(VERSIONS)} (version) VALUES ({SCHEMA_VERSION})"
        )
    return changed


def _version(clickhouse: ClickHouse, options: SchemaOptions) -> int | None:
    """The version of the tables there; None where there are none."""
    database = quoted(options.database) if options.database else "currentDatabase()"
    found = clickhouse.rows(
        f"SELECT count() FROM system.tables WHERE database = {database}"
        f" AND name = {quoted(VERSIONS)}"
    )
    if not found[0][0]:
        return None
    newest = clickhouse.rows(f"SELECT max(version) FROM {options.name(VERSIONS)}")[0][0]
    return int(newest) or None


def _missing_tables(clickhouse: ClickHouse, options: SchemaOptions) -> list[str]:
    """The statements of what somebody has dropped since."""
    database = quoted(options.database) if options.database else "currentDatabase()"
    there = {
        row[0]
        for row in clickhouse.rows(f"SELECT name FROM system.tables WHERE database = {database}")
    }
    return [
        statement
        for statement in clickhouse_schema(options)
        if (made := _MADE.search(statement)) and made[1].rpartition(".")[2] not in there
    ]


def _missing_columns(clickhouse: ClickHouse, options: SchemaOptions) -> list[str]:
    database = quoted(options.database) if options.database else "currentDatabase()"
    statements: list[str] = []
    tables = [f"{ENTRIES}_local", ENTRIES] if options.cluster else [ENTRIES]
    for table in tables:
        there = {
            row[0]
            for row in clickhouse.rows(
                f"SELECT name FROM system.columns WHERE database = {database}"
                f" AND table = {quoted(table)}"
            )
        }
        statements += [
            f"ALTER TABLE {options.name(table)}{options.on_cluster}"
            f" ADD COLUMN IF NOT EXISTS {column_definition(column)}"
            for column in COLUMNS
            if there and column.name not in there
        ]
    return statements


def with_retries(
    work: Callable[[], None],
    *,
    wait: Callable[[float], None],
    jitter: Callable[[], float],
    attempts: int = 8,
    first_seconds: float = 0.5,
    longest_seconds: float = 30.0,
    on_retry: Callable[[RetryableError, float], None] | None = None,
) -> None:
    """Do ``work`` until it succeeds, waiting twice as long after each failure that may pass.

    Args:
        wait: sleeps some seconds.
        jitter: a number from 0 to 1, so that many exporters do not come back at one moment.
        on_retry: is told of each failure and of the seconds until the next try.

    Raises:
        RetryableError: the last one, after ``attempts``.
        ExportError: at once, whatever else is wrong.
    """
    delay = first_seconds
    for attempt in range(1, attempts + 1):
        try:
            work()
        except RetryableError as error:
            if attempt == attempts:
                raise
            seconds = delay * (0.5 + jitter() / 2)
            if on_retry is not None:
                on_retry(error, seconds)
            wait(seconds)
            delay = min(delay * 2, longest_seconds)
        else:
            return
