"""Sessions out of ClickHouse: which there are, and one of them as batches again."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from perftui.errors import NotFoundError
from perftui.export.clickhouse import ClickHouse
from perftui.export.clickhouse_schema import ENTRIES
from perftui.export.columns import COLUMN_NAMES, COLUMNS, Kind, rows_batch
from perftui.model import Batch

_MOMENT_KINDS = {Kind.MOMENT, Kind.NULLABLE_MOMENT}


def remote_sessions(
    clickhouse: ClickHouse,
    *,
    search: str = "",
    limit: int | None = None,
    since_us: int | None = None,
    until_us: int | None = None,
) -> list[dict[str, Any]]:
    """Sessions with their totals, the most recently received first. Moments are ``datetime`` in
    UTC.

    Args:
        search: a part of the ID, URL or title, in any case.
        since_us, until_us: moments of start, half-open, µs since the epoch.
    """
    conditions, parameters = ["1"], dict[str, Any]()
    if search:
        conditions.append(
            "positionCaseInsensitiveUTF8(concat(session_id, ' ', ifnull(url, ''), ' ',"
            " ifnull(title, '')), {search:String}) > 0"
        )
        parameters["search"] = search
    if since_us is not None:
        conditions.append("started >= fromUnixTimestamp64Micro({since:Int64}, 'UTC')")
        parameters["since"] = since_us
    if until_us is not None:
        conditions.append("started < fromUnixTimestamp64Micro({until:Int64}, 'UTC')")
        parameters["until"] = until_us
    sql = f"SELECT * FROM performance_sessions WHERE {' AND '.join(conditions)} ORDER BY received DESC"
    if limit is not None:
        sql += f" LIMIT {limit}"
    return clickhouse.named_rows(sql, parameters)


def find_remote_session(clickhouse: ClickHouse, text: str) -> str:
    """The full ID of the one session whose ID is ``text`` or begins with it; ``last`` is the
    most recently received.

    Raises:
        NotFoundError: there is none, or more than one.
    """
    if text == "last":
        newest = clickhouse.rows(f"SELECT session_id FROM {ENTRIES} ORDER BY received DESC LIMIT 1")
        if not newest:
            raise NotFoundError(f"{clickhouse.target.url} holds no sessions")
        return str(newest[0][0])
    found = clickhouse.rows(
        f"SELECT DISTINCT session_id FROM {ENTRIES}"
        " WHERE startsWith(session_id, {text:String}) ORDER BY session_id LIMIT 5",
        {"text": text},
    )
    ids = [str(row[0]) for row in found]
    if text in ids:
        return text
    if len(ids) == 1:
        return ids[0]
    if ids:
        raise NotFoundError(
            f"{len(ids)} or more sessions begin with {text!r}: {', '.join(ids)}; say more of the ID"
        )
    raise NotFoundError(
        f"no session {text!r} in {clickhouse.target.url};"
        " `perftui sessions --from DSN` lists what is there"
    )


def session_batches(clickhouse: ClickHouse, session_id: str) -> Iterator[Batch]:
    """The batches of a session in order of arrival, as they were.

    Raises:
        NotFoundError: there is no such session.
    """
    columns = ", ".join(
        f"toUnixTimestamp64Micro(t.{column.name})"
        if column.kind in _MOMENT_KINDS
        else f"t.{column.name}"
        for column in COLUMNS
    )
    rows = clickhouse.rows(
        f"SELECT {columns} FROM {ENTRIES} AS t FINAL WHERE t.session_id = {{session:String}}"
        " ORDER BY t.received, t.batch_key, t.batch_index",
        {"session": session_id},
    )
    if not rows:
        raise NotFoundError(
            f"no session {session_id!r} in {clickhouse.target.url};"
            " `perftui sessions --from DSN` lists what is there"
        )
    key_at = COLUMN_NAMES.index("batch_key")
    for _, group in groupby(rows, key=lambda row: row[key_at]):
        yield rows_batch(list(group))
