"""What goes into the store comes out of it, equal."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perftui.errors import NotFoundError
from perftui.model import IN_FLIGHT, Entry, Order, Page, Record, Usual
from perftui.store.reader import StoreReader
from perftui.store.writer import StoreWriter
from tests.store.builders import START_US, batch, entries, request

OpenReader = Callable[[], StoreReader]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.lists(entries, max_size=4), min_size=1, max_size=4))
def test_any_entry_reads_back_equal(groups: list[list[Entry]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.db"
        writer = StoreWriter(path)
        receipts = writer.write_batches([batch(group) for group in groups])
        assert [receipt.accepted for receipt in receipts] == [len(group) for group in groups]
        writer.close_now()
        with StoreReader(path) as reader:
            assert [record.entry for record in reader.iter_records("s1")] == [
                entry for group in groups for entry in group
            ]


def test_both_drivers_write_what_the_other_reads(path: Path, driver: str) -> None:
    writer = StoreWriter(path, driver=driver)
    told = request(extra={"value": 1.5, "attribution": [{"name": "ü"}], "big": 2**53 - 1})
    writer.write_batches([batch([told])])
    writer.close_now()
    for other in ("apsw", "sqlite3"):
        with StoreReader(path, driver=other) as reader:
            assert [record.entry for record in reader.iter_records()] == [told]
            assert reader.last_seq() == 1


def test_a_record_knows_its_place(writer: StoreWriter, open_reader: OpenReader) -> None:
    writer.write_batches(
        [
            batch([request(start_us=10)], page_view="late", time_origin_us=START_US + 5_000_000),
            batch([request(start_us=20)], page_view="early"),
        ]
    )
    late, early = open_reader().records([1, 2])
    assert (late.seq, late.session_id, late.page_view_id, late.page_view_number) == (
        *(1, "s1", "late", 2),
    )
    assert late.start_epoch_us == START_US + 5_000_010
    assert (early.page_view_id, early.page_view_number) == ("early", 1)


def test_records_come_in_the_order_asked_for(writer: StoreWriter, open_reader: OpenReader) -> None:
    writer.write_batches([batch([request(start_us=number) for number in range(5)])])
    found = open_reader().records([4, 2, 99, 5])
    assert [record.seq for record in found] == [4, 2, 5]


def test_an_index_is_in_order_of_start_or_of_arrival(
    writer: StoreWriter, open_reader: OpenReader
) -> None:
    writer.write_batches(
        [
            batch([request(start_us=900), request(start_us=100, duration_us=None)]),
            batch([request(start_us=500, duration_us=7)]),
        ]
    )
    reader = open_reader()
    by_start = reader.index("s1")
    assert by_start.base_us == START_US + 100
    assert list(by_start.seqs) == [2, 3, 1]
    assert list(by_start.starts) == [0, 400, 800]
    assert list(by_start.ends) == [IN_FLIGHT, 407, 50_800]
    assert list(reader.index("s1", order=Order.ARRIVAL).seqs) == [1, 2, 3]
    assert list(reader.index("s1", after_seq=2).seqs) == [3]


def test_an_index_may_be_of_one_pageview_of_all_sessions_or_filtered(
    writer: StoreWriter, open_reader: OpenReader
) -> None:
    writer.write_batches(
        [
            batch([request("https://a.test/1")], page_view="p1"),
            batch([request("https://a.test/2", response_status=500)], page_view="p2"),
            batch([request("https://b.test/3")], session="s2"),
        ]
    )

    class Failed:
        def matches(self, record: Record) -> bool:
            return (record.entry.response_status or 0) >= 500

    reader = open_reader()
    assert list(reader.index("s1", page_view_id="p2").seqs) == [2]
    assert list(reader.index(None).seqs) == [1, 2, 3]
    assert list(reader.index(None, predicate=Failed()).seqs) == [2]


def test_a_filter_is_the_same_in_sql_and_in_python(
    writer: StoreWriter, open_reader: OpenReader
) -> None:
    from perftui.analysis.filters import parse

    writer.write_batches(
        [
            batch(
                [
                    request(f"https://a.test/api/{number}", start_us=number, response_status=status)
                    for number, status in enumerate([200, 404, 500, None])
                ]
            )
        ]
    )
    reader = open_reader()
    records = list(reader.iter_records("s1"))
    for text in ("status>=400", "api", "-status:200", "api/2 status:500"):
        predicate = parse(text)
        expected = [record.seq for record in records if predicate.matches(record)]
        assert list(reader.index("s1", predicate=predicate).seqs) == expected, text


def test_iter_records_bounds_by_type_and_by_receipt(
    writer: StoreWriter, open_reader: OpenReader
) -> None:
    paint = Entry(entry_type="paint", name="first-paint", start_us=1, duration_us=0)
    writer.write_batches(
        [batch([request(), paint], received_us=100), batch([request()], received_us=200)]
    )
    reader = open_reader()

    def seqs(**bounds: object) -> list[int]:
        return [record.seq for record in reader.iter_records(**bounds)]  # type: ignore[arg-type]

    assert seqs(entry_types=["paint"]) == [2]
    assert seqs(since_us=200) == [3]
    assert seqs(until_us=200) == [1, 2]
    assert seqs(after_seq=1) == [2, 3]


def test_a_session_sums_up_its_batches(writer: StoreWriter, open_reader: OpenReader) -> None:
    writer.write_batches(
        [
            batch(
                [request(), request(start_us=500_000, response_status=500)],
                client={"sdk": "perftui/1"},
                sent_us=START_US + 900_000,
                dropped={"resource": 2},
            ),
            batch(
                [request(start_us=9, transfer_size=None)],
                page_view="p2",
                dropped={"resource": 1, "event": 4},
                received_us=START_US + 3_000_000,
            ),
        ]
    )
    summary = open_reader().session("s1")
    assert (summary.entry_count, summary.request_count, summary.error_count) == (3, 3, 1)
    assert (summary.page_view_count, summary.transfer_bytes) == (2, 2_000)
    assert summary.unknown_size_count == 1
    assert summary.started_us == START_US
    assert summary.ended_us == START_US + 550_000
    assert summary.received_us == START_US + 3_000_000
    assert summary.byte_count == 2_400
    assert summary.dropped == {"resource": 3, "event": 4}
    assert summary.clock_error_us == 100_000
    assert summary.client == {"sdk": "perftui/1"}
    assert (summary.url, summary.title) == ("https://a.test/", "A")


def test_sessions_are_listed_by_receipt_and_searched(
    writer: StoreWriter, open_reader: OpenReader
) -> None:
    writer.write_batches(
        [
            batch([request()], session="abc-1", received_us=100),
            batch([request()], session="abc-2", received_us=300, page=Page(title="Checkout")),
            batch([request()], session="xyz", received_us=200),
        ]
    )
    writer.set_label("xyz", "The slow one")
    reader = open_reader()

    def ids(**options: object) -> list[str]:
        return [one.session_id for one in reader.sessions(**options)]  # type: ignore[arg-type]

    assert ids() == ["abc-2", "xyz", "abc-1"]
    assert ids(limit=1, offset=1) == ["xyz"]
    assert ids(search="CHECK") == ["abc-2"]
    assert ids(search="slow") == ["xyz"]
    assert reader.find_session("last") == "abc-2"
    assert reader.find_session("xy") == "xyz"
    assert reader.find_session("The slow one") == "xyz"
    with pytest.raises(NotFoundError, match="several"):
        reader.find_session("abc")
    with pytest.raises(NotFoundError, match="perftui sessions"):
        reader.find_session("nothing")


def test_pages_of_the_latest_sessions_come_in_one_list(
    writer: StoreWriter, open_reader: OpenReader
) -> None:
    def page(url: str | None, start_us: int, page_view: str) -> dict[str, Any]:
        return {
            "page": Page(url=url),
            "page_view": page_view,
            "time_origin_us": START_US + start_us,
        }

    writer.write_batches(
        [
            batch([request()], session="a", received_us=100, **page("https://a.test/1", 0, "a1")),
            batch([request()], session="a", received_us=110, **page("https://a.test/2", 9, "a2")),
            batch([request()], session="b", received_us=300, **page("https://a.test/1", 0, "b1")),
            batch([request()], session="b", received_us=310, **page(None, 5, "b2")),
            batch([], session="b", received_us=320, **page("https://a.test/3", 7, "b3")),
            batch([request()], session="c", received_us=50, **page("https://a.test/1", 0, "c1")),
        ]
    )
    reader = open_reader()
    assert reader.page_view_urls(sessions=2) == [
        ("b", "b1", "https://a.test/1"),
        ("a", "a2", "https://a.test/2"),
        ("a", "a1", "https://a.test/1"),
    ]
    assert [one[1] for one in reader.page_view_urls(sessions=1)] == ["b1"]


def test_usual_is_of_the_same_endpoint_before(writer: StoreWriter, open_reader: OpenReader) -> None:
    calls = [
        request(f"https://a.test/users/{number}", duration_us=duration)
        for number, duration in enumerate([10_000, 30_000, 20_000, None, 90_000])
    ]
    writer.write_batches([batch([*calls, request("https://a.test/users/7", method="POST")])])
    from perftui.analysis.endpoints import endpoint

    reader = open_reader()
    name = endpoint("GET", "https://a.test/users/77")
    assert reader.usual(name, before_seq=4).calls == 3
    assert reader.usual(name, before_seq=4).median_us == 20_000
    assert reader.usual(name).calls == 4
    assert reader.usual("GET https://a.test/nothing").median_us is None


def test_what_the_browser_had_in_its_cache_is_not_usual(
    writer: StoreWriter, open_reader: OpenReader
) -> None:
    url = "https://a.test/app.js"
    loaded = [request(url, duration_us=80_000), request(url, duration_us=60_000)]
    writer.write_batches([batch(loaded)])
    assert open_reader().usual("GET a.test/app.js") == Usual(2, 60_000)
    hits = [
        request(url, duration_us=0, transfer_size=0),
        request(url, duration_us=1_000, delivery_type="cache", transfer_size=300),
    ]
    writer.write_batches([batch(hits)])
    assert open_reader().usual("GET a.test/app.js") == Usual(2, 60_000)


def test_data_version_tells_of_another_connections_commit(
    writer: StoreWriter, open_reader: OpenReader
) -> None:
    reader = open_reader()
    before = reader.data_version()
    assert reader.data_version() == before
    writer.write_batches([batch([request()])])
    assert reader.data_version() != before
