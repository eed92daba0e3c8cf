"""An index that is read piece by piece is the index, and its pieces come in order."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perftui.analysis.filters import parse
from perftui.model import Batch, Entry, Order, Page, Record
from perftui.store import index_pieces
from perftui.store import reader as reader_module
from perftui.store.index_pieces import BatchRange, Spans, by_start, floors, in_groups
from perftui.store.reader import StoreReader
from perftui.store.writer import StoreWriter

ORIGIN_US = 1_795_451_678_400_000

STARTS = st.lists(st.lists(st.integers(0, 60), min_size=1, max_size=8), min_size=1, max_size=12)
"""Starts of the entries of some batches."""


def spans_of(batches: Sequence[Sequence[int]]) -> list[Spans]:
    seq = 0
    found = []
    for starts in batches:
        seqs = range(seq, seq + len(starts))
        seq += len(starts)
        found.append(Spans(array("q", seqs), array("q", starts), array("q", starts)))
    return found


@given(STARTS)
def test_pieces_are_in_order_of_start_and_then_of_arrival(batches: list[list[int]]) -> None:
    pieces = spans_of(batches)
    groups = [
        [BatchRange(number, piece.seqs[0], piece.seqs[-1], min(piece.starts))]
        for number, piece in enumerate(pieces)
    ]
    handed = list(by_start(zip(pieces, floors(groups, 0), strict=True)))
    found = [pair for spans in handed for pair in zip(spans.starts, spans.seqs, strict=True)]
    assert found == sorted(
        pair for piece in pieces for pair in zip(piece.starts, piece.seqs, strict=True)
    )


def test_what_comes_in_order_is_handed_out_as_it_comes() -> None:
    pieces = spans_of([[0, 1], [2, 3], [4, 5]])
    floor = [2, 4, None]
    assert [list(spans.starts) for spans in by_start(zip(pieces, floor, strict=True))] == [
        [0, 1],
        [2, 3],
        [4, 5],
    ]


@given(st.lists(st.integers(1, 30_000), max_size=40))
def test_groups_are_all_batches_in_order_and_grow(sizes: list[int]) -> None:
    batches = []
    seq = 1
    for number, size in enumerate(sizes):
        batches.append(BatchRange(number, seq, seq + size - 1, None))
        seq += size
    groups = list(in_groups(batches))
    assert [batch for group in groups for batch in group] == batches
    for group in groups:
        assert sum(batch.entry_count for batch in group[:-1]) < index_pieces.MOST_ENTRIES


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sessions whose batches alternate; starts overlap between batches, URLs repeat."""
    path = tmp_path_factory.mktemp("pieces") / "store.db"
    writer = StoreWriter(path)
    try:
        for number in range(60):
            writer.write_batches(
                [
                    Batch(
                        session_id=f"s{number % 2}",
                        page_view_id=f"s{number % 2}-p{number // 20}",
                        entries=[
                            Entry(
                                entry_type="resource" if place % 5 else "mark",
                                name=f"https://a.test/{(number * 37 + place * 11) % 90}",
                                start_us=number * 100 + (place * 53) % 170,
                                duration_us=None if place == 3 else 1000 * place,
                                method="GET" if place % 2 else None,
                            )
                            for place in range(20)
                        ],
                        # Not in order of arrival.
                        key=(number * 7919 % 61).to_bytes(16, "big"),
                        time_origin_us=ORIGIN_US,
                        received_us=ORIGIN_US + number,
                        page=Page(url="https://a.test/", title="A"),
                    )
                ]
            )
    finally:
        writer.close_now()
    return path


@pytest.mark.parametrize("order", list(Order))
@pytest.mark.parametrize("text", ["", "is:request", "url:/7", "is:duplicate", "-is:duplicate"])
def test_the_pieces_of_a_store_are_its_index(
    store: Path, order: Order, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    predicate = parse(text) if text else None
    monkeypatch.setattr(index_pieces, "FIRST_ENTRIES", 50)
    monkeypatch.setattr(index_pieces, "MOST_ENTRIES", 100)
    with StoreReader(store) as reader:
        pieces = list(reader.iter_index("s1", order=order, predicate=predicate))
        assert len(pieces) > 5
        assert pieces[-1].read == pieces[-1].total == 600
        assert [piece.read for piece in pieces] == sorted(piece.read for piece in pieces)
        seqs = [seq for piece in pieces for seq in piece.index.seqs]
        ends = [end for piece in pieces for end in piece.index.ends]
        starts = [start for piece in pieces for start in piece.index.starts]
        whole = reader.index("s1", order=order, predicate=predicate)
        assert (seqs, ends) == (list(whole.seqs), list(whole.ends))
        # Beside the records themselves.
        records = list(reader.iter_records("s1", predicate=predicate))
        if order is Order.START:
            records.sort(key=lambda record: (record.start_epoch_us, record.seq))
        assert [record.seq for record in records] == seqs
        base_us = reader.session("s1").started_us
        assert [record.start_epoch_us - base_us for record in records] == starts


def test_a_piece_is_handed_out_before_the_next_is_read(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def passes(pattern: str, text: str | None) -> int:
        asked.append(pattern)
        return 1

    monkeypatch.setattr(index_pieces, "FIRST_ENTRIES", 50)
    monkeypatch.setattr(index_pieces, "MOST_ENTRIES", 100)
    monkeypatch.setattr(reader_module, "SQL_FUNCTIONS", [("perftui_regexp", 2, passes)])
    with StoreReader(store) as reader:
        pieces = reader.iter_index(
            "s1", order=Order.ARRIVAL, predicate=Examined("perftui_regexp('', e.seq)")
        )
        first = next(pieces)
        assert (first.read, len(first.index.seqs)) == (len(asked), len(asked))
        assert 0 < len(asked) < 100
        del pieces
        # Broken off: nothing more is read, and the reader answers other questions.
        assert len(asked) < 100
        assert len(reader.index("s1").seqs) == 600


def test_a_test_of_one_column_makes_sqlite_build_no_index(store: Path) -> None:
    with StoreReader(store) as reader:
        statements: list[str] = []
        connection = reader._connection

        class Told:
            def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> Any:
                if "json_each" in sql:
                    plan = connection.execute(f"EXPLAIN QUERY PLAN {sql}", parameters)
                    statements.extend(str(row[-1]) for row in plan)
                return connection.execute(sql, parameters)

        reader._connection = cast("Any", Told())
        found = reader.index("s1", predicate=parse("status:500"))
        reader._connection = connection
        assert len(found.seqs) == 0
    assert any("INTEGER PRIMARY KEY" in line for line in statements)
    assert not [line for line in statements if "AUTOMATIC" in line or "TEMP B-TREE" in line]


class Examined:
    """A predicate that is its SQL."""

    def __init__(self, condition: str) -> None:
        self.condition = condition

    def sql(self, columns: object) -> tuple[str, list[object]]:
        return self.condition, []

    def matches(self, record: Record) -> bool:
        raise AssertionError("not asked where there is SQL")


def test_duplicates_are_what_a_pageview_asks_for_again(store: Path) -> None:
    with StoreReader(store) as reader:
        every = list(reader.iter_records("s0"))
        requests = [record for record in every if record.entry.is_request]
        keys = [(one.page_view_id, one.entry.name, one.entry.method) for one in requests]
        expected = {
            record.seq for record, key in zip(requests, keys, strict=True) if keys.count(key) > 1
        }
        found = set(reader.index("s0", predicate=parse("is:duplicate")).seqs)
        assert found & {record.seq for record in requests} == expected
        assert 0 < len(expected) < len(requests)


def test_an_entry_that_starts_before_its_batch_says_is_in_order_all_the_same(
    tmp_path: Path, store: Path
) -> None:
    import shutil
    import sqlite3

    copy = tmp_path / "copy.db"
    shutil.copy(store, copy)
    with sqlite3.connect(copy) as connection:
        connection.execute("UPDATE entry SET start_us = 0 WHERE seq = (SELECT max(seq) FROM entry)")
    with StoreReader(copy) as reader:
        starts = list(reader.index("s1").starts)
        assert starts == sorted(starts)
