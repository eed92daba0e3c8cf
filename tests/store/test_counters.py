"""Totals of sessions, pageviews and days: the same however batches share transactions."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from perftui.config import StoreSettings
from perftui.model import Batch, Entry, Page
from perftui.store.connection import connect
from perftui.store.writer import StoreWriter
from tests.store.builders import START_US, FixedClock, batch, request

_DAY_US = 86_400_000_000

_entries = st.lists(
    st.builds(
        request,
        st.sampled_from(["https://a.test/x", "https://b.test/y"]),
        start_us=st.integers(0, 10**7),
        response_status=st.sampled_from([None, 200, 404]),
        transfer_size=st.none() | st.integers(0, 1000),
    )
    | st.builds(
        Entry,
        entry_type=st.just("pageview"),
        name=st.sampled_from(["https://a.test/", "https://a.test/2", ""]),
        start_us=st.integers(0, 10**7),
        extra=st.sampled_from([{}, {"kind": "route"}, {"kind": "load", "title": "T"}]),
    )
    | st.builds(
        request,
        st.just("https://a.test/flow"),
        entry_type=st.sampled_from(["request", "resource"]),
        extra=st.sampled_from([{"flowId": "f1"}, {"serverTiming": [{"name": "perftui"}]}]),
    ),
    max_size=4,
)

_batches = st.lists(
    st.builds(
        batch,
        _entries,
        session=st.sampled_from(["s1", "s2"]),
        page_view=st.sampled_from(["p1", "p2"]),
        received_us=st.sampled_from([START_US, START_US + 1, START_US + _DAY_US]),
        sent_us=st.none() | st.integers(START_US - 100, START_US + 100),
        time_origin_us=st.sampled_from([START_US, START_US + 500]),
        time_origin_estimated=st.booleans(),
        page=st.sampled_from(
            [Page(), Page(url="https://a.test/p"), Page(title="P", referrer="/r")]
        ),
        client=st.sampled_from([{}, {"sdk": "1"}, {"sdk": "2"}]),
        dropped=st.sampled_from([{}, {"resource": 2}, {"resource": 1, "event": 3}]),
        rejected_count=st.integers(0, 2),
        source=st.sampled_from(["sdk", "proxy"]),
    ),
    max_size=6,
)

_TABLES = {
    "session": "SELECT s.*, NULL FROM session AS s ORDER BY id",
    "pageview": "SELECT p.id, p.session, u.url, p.title, p.referrer, p.kind, p.navigation_type,"
    " p.time_origin_us, p.time_origin_estimated, p.told_start_us, p.start_us, p.end_us,"
    " p.entry_count, p.request_count, p.error_count, p.transfer_bytes, p.unknown_size_count"
    " FROM pageview AS p LEFT JOIN url AS u ON u.id = p.url ORDER BY p.id",
    "batch": "SELECT * FROM batch ORDER BY id",
    "volume": "SELECT * FROM volume ORDER BY day, entry_type",
}


def _stored(transactions: list[list[Batch]]) -> dict[str, list[Any]]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "perftui.db"
        writer = StoreWriter(path, clock=FixedClock(), settings=StoreSettings(min_free_bytes=0))
        try:
            for group in transactions:
                writer.write_batches(group)
        finally:
            writer.close_now()
        connection = connect(path, read_only=True)
        try:
            return {name: connection.execute(sql).fetchall() for name, sql in _TABLES.items()}
        finally:
            connection.close()


@given(_batches)
def test_one_transaction_counts_what_many_count(told: list[Batch]) -> None:
    assert _stored([told]) == _stored([[one] for one in told])
