"""Sessions out of ClickHouse: which there are, and one of them as batches again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from perftui.analysis.filters import Filter
from perftui.errors import NotFoundError
from perftui.export.clickhouse import ClickHouse
from perftui.export.clickhouse_schema import ENTRIES, sessions_query
from perftui.export.columns import COLUMN_NAMES, COLUMNS, Kind, rows_batch
from perftui.export.filter_sql import FilterSql, page_site, page_sites
from perftui.model import Batch

_MOMENT_KINDS = {Kind.MOMENT, Kind.NULLABLE_MOMENT}


LONGEST_SESSION_US = 86_400_000_000
"""The SDK ends a session after a day, so nothing of one that started since is older than that."""


def remote_sessions(
    clickhouse: ClickHouse,
    *,
    search: str = "",
    limit: int | None = None,
    since_us: int | None = None,
    until_us: int | None = None,
    predicate: Filter | None = None,
) -> list[dict[str, Any]]:
    """Sessions with their totals, the most recently received first. Moments are ``datetime`` in
    UTC.

    Args:
        search: a part of the ID, URL or title, in any case.
        since_us, until_us: moments of start, half-open, µs since the epoch.
        predicate: only sessions with an entry that passes.
    """
    rows, sessions, parameters = ["1"], ["1"], dict[str, Any]()
    if search:
        sessions.append(
            "positionCaseInsensitiveUTF8(concat(session_id, ' ', ifnull(url, ''), ' ',"
            " ifnull(title, '')), {search:String}) > 0"
        )
        parameters["search"] = search
    if since_us is not None:
        # Whole days are left alone by their partitions, a session that began earlier by its start.
        rows.append("timestamp >= fromUnixTimestamp64Micro({earliest:Int64}, 'UTC')")
        sessions.append("started >= fromUnixTimestamp64Micro({since:Int64}, 'UTC')")
        parameters |= {"since": since_us, "earliest": since_us - LONGEST_SESSION_US}
    if until_us is not None:
        rows.append("timestamp < fromUnixTimestamp64Micro({latest:Int64}, 'UTC')")
        sessions.append("started < fromUnixTimestamp64Micro({until:Int64}, 'UTC')")
        parameters |= {"until": until_us, "latest": until_us + LONGEST_SESSION_US}
    if predicate is not None:
        condition = FilterSql(page_site(page_sites(clickhouse))).condition(predicate)
        sessions.append(
            f"session_id IN (SELECT session_id FROM {ENTRIES} FINAL"
            f" WHERE {' AND '.join(rows)} AND {condition})"
        )
    sql = (
        f"SELECT * FROM ({sessions_query(ENTRIES, ' AND '.join(rows))})"
        f" WHERE {' AND '.join(sessions)} ORDER BY received DESC, session_id"
    )
    if limit is not None:
        sql += f" LIMIT {limit}"
    # The driver gives moments in UTC without saying so.
    return [
        {
            name: value.replace(tzinfo=UTC) if isinstance(value, datetime) else value
            for name, value in row.items()
        }
        for row in clickhouse.named_rows(sql, parameters)
    ]


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
    found = list(_batches(clickhouse, "t.session_id = {session:String}", {"session": session_id}))
    if not found:
        raise NotFoundError(
            f"no session {session_id!r} in {clickhouse.target.url};"
            " `perftui sessions --from DSN` lists what is there"
        )
    yield from found


HASH_PLACES = 1_000_000
"""Of so many places that a session's hash may have, the first ones are chosen."""


def sampled_batches(clickhouse: ClickHouse, where: str, most_entries: int) -> Iterator[Batch]:
    """The batches of whole sessions, about ``most_entries`` entries of them: of all sessions where
    they have no more, else of those that a hash of their ID chooses, the same each time.

    Args:
        where: SQL over the columns of ``performance_entries`` that a row of the session meets.
    """
    entries = clickhouse.rows(f"SELECT count() FROM {ENTRIES} WHERE {where}")[0][0]
    chosen = where
    if entries > most_entries:
        places = max(1, round(most_entries / entries * HASH_PLACES))
        chosen += f" AND cityHash64(session_id) % {HASH_PLACES} < {places}"
    return _batches(
        clickhouse, f"t.session_id IN (SELECT DISTINCT session_id FROM {ENTRIES} WHERE {chosen})"
    )


def _batches(
    clickhouse: ClickHouse, condition: str, parameters: Mapping[str, Any] | None = None
) -> Iterator[Batch]:
    columns = ", ".join(
        f"toUnixTimestamp64Micro(t.{column.name})"
        if column.kind in _MOMENT_KINDS
        else f"t.{column.name}"
        for column in COLUMNS
    )
    rows = clickhouse.rows(
        f"SELECT {columns} FROM {ENTRIES} AS t FINAL WHERE {condition}"
        " ORDER BY t.received, t.session_id, t.batch_key, t.batch_index",
        parameters,
    )
    session_at, key_at = COLUMN_NAMES.index("session_id"), COLUMN_NAMES.index("batch_key")
    for _, group in groupby(rows, key=lambda row: (row[session_at], row[key_at])):
        yield rows_batch(list(group))
