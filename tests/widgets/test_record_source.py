from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from perftui.model import Batch, Entry, EntryIndex, Order, Reader, Record
from perftui.store.reader import StoreReader
from perftui.store.writer import StoreWriter
from perftui.widgets.record_source import WINDOW, RecordSource


@dataclass
class Fetch:
    """The store's own reading of records, counted."""

    reader: Reader
    asked: list[Sequence[int]] = field(default_factory=list)

    def __call__(self, seqs: Sequence[int]) -> list[Record]:
        self.asked.append(seqs)
        return self.reader.records(seqs)


def write(path: Path, first: int, count: int) -> None:
    writer = StoreWriter(path)
    try:
        writer.write_batches(
            [
                Batch(
                    session_id="s",
                    page_view_id="v",
                    entries=[
                        Entry(entry_type="resource", name=f"https://a.test/{n}", start_us=n)
                        for n in range(first, first + count)
                    ],
                    key=first.to_bytes(16, "big"),
                    time_origin_us=0,
                    received_us=0,
                )
            ]
        )
    finally:
        writer.close_now()


def test_a_window_that_the_index_ended_in_is_read_once_more_when_it_has_grown(
    tmp_path: Path,
) -> None:
    path = tmp_path / "store.db"
    write(path, 0, 10)
    reader = StoreReader(path)
    try:
        index: EntryIndex = reader.index("s", order=Order.ARRIVAL)
        fetch = Fetch(reader)
        source = RecordSource(index, fetch)
        assert [source.row(place) is None for place in range(10)] == [False] * 10
        assert len(fetch.asked) == 1
        write(path, 10, 100)
        news = reader.index("s", order=Order.ARRIVAL, after_seq=index.seqs[-1])
        index.starts.extend(news.starts)
        index.ends.extend(news.ends)
        index.seqs.extend(news.seqs)
        source.length = len(index)
        for _ in range(3):
            rows = [source.row(place) for place in range(WINDOW)]
            assert [row.entry.name for row in rows if row is not None] == [
                f"https://a.test/{n}" for n in range(WINDOW)
            ]
        assert [len(seqs) for seqs in fetch.asked] == [10, WINDOW]
    finally:
        reader.close()
