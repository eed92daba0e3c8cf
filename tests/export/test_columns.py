"""The production table's rows: an entry there and back."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from perftui.entry_fields import ENTRY_FIELDS
from perftui.export.columns import (
    COLUMN_NAMES,
    COLUMNS,
    KEY,
    batch_messages,
    batch_rows,
    message,
    rows_batch,
)
from perftui.model import Batch, Entry, Page
from tests.analysis.strategies import absurd_entries
from tests.export.conftest import BEGAN_US, made_batches


def batch_of(*entries: Entry) -> Batch:
    return Batch(
        session_id="s",
        page_view_id="p",
        entries=list(entries),
        key=bytes(range(16)),
        time_origin_us=BEGAN_US,
        received_us=BEGAN_US + 7,
        page=Page(url="https://shop.test/orders/88"),
    )


def test_every_column_has_a_name_of_its_own_a_comment_and_the_key_exists() -> None:
    assert len(set(COLUMN_NAMES)) == len(COLUMNS)
    assert all(column.comment for column in COLUMNS)
    assert set(KEY) <= set(COLUMN_NAMES)
    assert {field.attribute for field in ENTRY_FIELDS} <= set(COLUMN_NAMES)


@given(st.lists(absurd_entries(), max_size=5))
def test_rows_make_the_same_batch_again(entries: list[Entry]) -> None:
    batch = batch_of(*entries)
    assert rows_batch(batch_rows(batch)) == batch


def test_made_batches_survive() -> None:
    for batch in made_batches(20):
        assert rows_batch(list(reversed(batch_rows(batch)))) == batch


@given(st.lists(absurd_entries(), max_size=5))
def test_messages_of_a_batch_are_those_of_its_rows(entries: list[Entry]) -> None:
    batch = batch_of(*entries)
    assert batch_messages(batch) == [message(row) for row in batch_rows(batch)]


def test_messages_of_made_batches_are_those_of_their_rows() -> None:
    for batch in made_batches(30):
        assert batch_messages(batch) == [message(row) for row in batch_rows(batch)]


def test_a_message_is_one_json_object_with_every_column() -> None:
    entry = Entry(
        entry_type="resource", name="https://a.test/x/77.js", start_us=1_500, duration_us=9
    )
    (row,) = batch_rows(batch_of(entry))
    told = msgspec.json.decode(message(row))
    assert tuple(told) == COLUMN_NAMES
    assert told["timestamp"] == "2026-11-23 16:34:38.401600"
    assert told["endpoint"] == "a.test/x/:id.js"
    assert told["page"] == "shop.test/orders/:id"
    assert told["resource_type"] == "script"
    assert told["transfer_size"] is None, "unknown is not zero"
    assert b"\n" not in message(row)


def test_a_batch_without_entries_has_one_row_that_keeps_its_losses() -> None:
    batch = msgspec.structs.replace(batch_of(), dropped={"resource": 12})
    (row,) = batch_rows(batch)
    assert rows_batch([row]) == batch
