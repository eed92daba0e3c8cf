"""The calls of one endpoint: the same answer from Python and from SQL."""

from __future__ import annotations

from pathlib import Path

from perftui.analysis.same_endpoint import SameEndpoint
from perftui.model import Batch, Entry
from perftui.store.reader import StoreReader
from perftui.store.writer import StoreWriter

URLS = (
    ("https://shop.test/api/orders/88127731", "GET"),
    ("https://shop.test/api/orders/99127732?x=1", "GET"),
    ("https://shop.test/api/orders/99127732", "POST"),
    ("https://shop.test/api/orders/99127732", None),
    ("https://other.test/api/orders/88127731", "GET"),
    ("https://shop.test/api/stock", "GET"),
)


def test_sql_says_what_python_says(tmp_path: Path) -> None:
    writer = StoreWriter(tmp_path / "s.db")
    entries = [
        Entry(entry_type="resource", name=url, start_us=number, duration_us=1, method=method)
        for number, (url, method) in enumerate(URLS)
    ]
    entries.append(Entry(entry_type="mark", name="https://shop.test/api/stock", start_us=9))
    writer.write_batches(
        [
            Batch(
                session_id="s",
                page_view_id="p",
                entries=entries,
                key=b"0123456789abcdef",
                time_origin_us=1,
                received_us=1,
            )
        ]
    )
    writer.close_now()
    with StoreReader(tmp_path / "s.db") as reader:
        everything = list(reader.iter_records("s"))
        for entry in entries[:-1]:
            wanted = SameEndpoint.of(entry)
            by_sql = list(reader.index("s", predicate=wanted).seqs)
            assert by_sql == [record.seq for record in everything if wanted.matches(record)]
        same = reader.index("s", predicate=SameEndpoint.of(entries[0])).seqs
        assert len(same) == 2
