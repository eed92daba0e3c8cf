"""The queries in ``docs/store.md`` run, and find something."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import pytest

from perftui.model import Entry
from perftui.store.schema import TABLES, VIEWS
from perftui.store.writer import StoreWriter
from tests.store.builders import batch, request

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "store.md").read_text(encoding="utf-8")
QUERIES = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("query", QUERIES)
def test_a_documented_query_finds_something(path: Path, writer: StoreWriter, query: str) -> None:
    event = Entry(entry_type="capture", name="bought", start_us=3, duration_us=0, extra={"a": 1})
    writer.write_batches([batch([request(), request(start_us=9, response_status=500), event])])
    writer.close_now()
    connection = sqlite3.connect(path)
    try:
        assert connection.execute(query).fetchall()
    finally:
        connection.close()


def test_every_table_and_view_is_documented() -> None:
    assert QUERIES
    for name in re.findall(r"CREATE (?:TABLE|VIEW) (\w+)", TABLES + VIEWS):
        assert f"`{name}`" in PAGE, name
