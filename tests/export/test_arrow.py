"""Blocks by columns are the same rows as batches by rows."""

from __future__ import annotations

import pytest

from perftui.export.columns import COLUMN_NAMES, batch_rows, rows_batch
from perftui.store.outgoing import OutgoingReader
from tests.export.conftest import StoreOf, made_batches

pytest.importorskip("pyarrow")

from perftui.export.arrow import SCHEMA, block_table, rows_table, table_rows


def test_a_table_made_of_rows_gives_them_back() -> None:
    rows = [row for batch in made_batches(9) for row in batch_rows(batch)]
    table = rows_table(rows)
    assert table.schema == SCHEMA
    assert table_rows(table) == rows
    assert rows_table([]).num_rows == 0


@pytest.mark.parametrize("block_entries", [1, 70, 100_000])
def test_blocks_hold_every_row_once(store_of: StoreOf, block_entries: int) -> None:
    batches = made_batches(40)
    reader = OutgoingReader(store_of(batches))
    rows = []
    for block in reader.blocks(block_entries=block_entries):
        rows += table_rows(block_table(block))
    reader.close()
    # The store keeps what a client told of itself, and a page's title, once.
    client = {f"session-{number}": batches[number * 8].client for number in range(5)}
    by_key: dict[str, list[tuple[object, ...]]] = {}
    for row in rows:
        by_key.setdefault(str(row[3]), []).append(row)
    assert len(by_key) == len(batches)
    for batch in batches:
        again = rows_batch(by_key[batch.key.hex()])
        assert again.entries == list(batch.entries)
        assert again.client == client[batch.session_id]
        for name in ("session_id", "page_view_id", "page", "dropped", "rejected_count", "sent_us"):
            assert getattr(again, name) == getattr(batch, name), name


def test_what_follows_from_a_row_is_the_same_by_columns(store_of: StoreOf) -> None:
    batches = made_batches(40)
    reader = OutgoingReader(store_of(batches))
    by_columns = {
        (row[3], row[4]): row for block in reader.blocks() for row in table_rows(block_table(block))
    }
    reader.close()
    places = [
        COLUMN_NAMES.index(name)
        for name in ("timestamp", "host", "site", "endpoint", "resource_type", "extra", "page")
    ]
    kinds = set()
    for batch in batches:
        for row in batch_rows(batch):
            other = by_columns[row[3], row[4]]
            assert [other[place] for place in places] == [row[place] for place in places]
            kinds.add(row[COLUMN_NAMES.index("resource_type")])
    assert len(kinds) > 3


def test_a_selection_by_session_and_by_time(store_of: StoreOf) -> None:
    batches = made_batches(24)
    reader = OutgoingReader(store_of(batches))
    of_one = [
        stored.batch.key
        for block in reader.blocks(session_id="session-1")
        for stored in block.batches
    ]
    assert of_one == [batch.key for batch in batches if batch.session_id == "session-1"]
    since = batches[5].received_us
    until = batches[9].received_us
    within = [
        stored.batch.key
        for block in reader.blocks(since_us=since, until_us=until)
        for stored in block.batches
    ]
    assert within == [batch.key for batch in batches[5:9]]
    newest, entries = reader.extent(after_batch=0)
    assert (newest, entries) == (24, sum(len(batch.entries) for batch in batches))
    reader.close()
