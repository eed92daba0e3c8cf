"""The SQL views read as plain English, with the SQLite that everybody has."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from perftui.entry_fields import ENTRY_FIELDS
from perftui.store.retention import delete_sessions
from perftui.store.schema import ENTRY_COLUMNS, SEEDED_STRINGS, TABLES, column
from perftui.store.writer import StoreWriter
from tests.store.builders import batch, request


def _rows(path: Path, sql: str) -> list[dict[str, object]]:
    """Read with the standard library, after the writer has let go: two copies of SQLite in one
    process must never have the same file open (https://www.sqlite.org/howtocorrupt.html)."""
    connection = sqlite3.connect(path)
    connection.row_factory = sqlite3.Row
    try:
        return [dict(row) for row in connection.execute(sql)]
    finally:
        connection.close()


def test_requests_are_in_milliseconds_and_bytes(path: Path, writer: StoreWriter) -> None:
    writer.write_batches([batch([request(start_us=112_400, content_type="application/json")])])
    writer.close_now()
    (row,) = _rows(path, "SELECT * FROM requests")
    assert row["session_id"] == "s1"
    assert row["page_view_id"] == "p1"
    assert row["url"] == "https://a.test/x"
    assert row["method"] == "GET"
    assert row["status"] == 200
    assert row["start_ms"] == 112.4
    assert row["duration_ms"] == 50.0
    assert row["server_ms"] == 39.0
    assert row["download_ms"] == 10.0
    assert row["transfer_bytes"] == 1_000
    assert row["host"] == "a.test"
    assert str(row["started"]).startswith("2026-11-23T")
    assert str(row["started"]).endswith("Z")


def test_what_is_unknown_is_null(path: Path, writer: StoreWriter) -> None:
    opaque: dict[str, Any] = {
        "transfer_size": None,
        "encoded_body_size": None,
        "request_start_us": None,
        "response_start_us": None,
        "response_status": None,
    }
    writer.write_batches([batch([request(**opaque), request(duration_us=None)])])
    writer.close_now()
    first, second = _rows(path, "SELECT * FROM requests ORDER BY seq")
    assert {first[name] for name in ("transfer_bytes", "server_ms", "status")} == {None}
    assert second["duration_ms"] is None


def test_every_field_is_in_entries_readable(path: Path, writer: StoreWriter) -> None:
    writer.write_batches([batch([request(fetch_start_us=250, extra={"value": 1})])])
    writer.close_now()
    (row,) = _rows(path, "SELECT * FROM entries_readable")
    assert row["fetch_start_ms"] == 0.25
    assert row["decoded_body_bytes"] == 2_100
    assert row["extra"] == '{"value":1}'
    assert len(row) == 8 + len(ENTRY_FIELDS) + 1


def test_sessions_and_pageviews(path: Path, writer: StoreWriter) -> None:
    writer.write_batches([batch([request()]), batch([request()], page_view="p2")])
    writer.close_now()
    (session,) = _rows(path, "SELECT * FROM sessions")
    assert session["duration_ms"] == 50.0
    assert session["received_bytes"] == 1_600
    views = _rows(path, "SELECT page_view_id, url, entry_count FROM pageviews")
    assert views == [
        {"page_view_id": "p1", "url": "https://a.test/", "entry_count": 1},
        {"page_view_id": "p2", "url": "https://a.test/", "entry_count": 1},
    ]


def test_a_pageview_says_whether_its_time_origin_is_an_estimate(
    path: Path, writer: StoreWriter
) -> None:
    writer.write_batches(
        [
            batch([request()], page_view="told"),
            batch([request()], page_view="estimated", time_origin_estimated=True),
            batch([request()], page_view="told later", time_origin_estimated=True),
            batch([request()], page_view="told later"),
        ]
    )
    writer.close_now()
    views = _rows(path, "SELECT page_view_id, time_origin_estimated FROM pageviews")
    assert {str(row["page_view_id"]): row["time_origin_estimated"] for row in views} == {
        "told": 0,
        "estimated": 1,
        "told later": 0,
    }


def test_a_deleted_session_is_in_no_view(path: Path, writer: StoreWriter) -> None:
    writer.write_batches([batch([request()]), batch([request()], session="s2")])
    delete_sessions(writer, ["s1"])
    writer.close_now()
    for view in ("requests", "entries_readable", "pageviews", "sessions"):
        assert {row["session_id"] for row in _rows(path, f"SELECT * FROM {view}")} == {"s2"}


def test_the_foreign_keys_hold(path: Path, writer: StoreWriter) -> None:
    writer.write_batches([batch([request()]), batch([request()], session="s2")])
    writer.close_now()
    assert _rows(path, "PRAGMA foreign_key_check") == []
    assert len(_rows(path, "PRAGMA foreign_key_list(entry)")) == 11


def test_the_tables_have_the_columns_of_the_field_table() -> None:
    for field in ENTRY_FIELDS:
        assert f"  {column(field.attribute, field.kind)} INTEGER" in TABLES
    assert len(set(ENTRY_COLUMNS)) == len(ENTRY_COLUMNS)
    assert len(set(SEEDED_STRINGS)) == len(SEEDED_STRINGS)
