"""One writer: whole batches, once, whatever comes late, twice, wrong or from elsewhere."""

from __future__ import annotations

import asyncio
import gc
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from perftui.config import StoreSettings
from perftui.errors import NotFoundError, SinkBusyError, SinkError, SinkFullError
from perftui.model import Entry
from perftui.store import writer as writer_module
from perftui.store.connection import Connection
from perftui.store.reader import StoreReader
from perftui.store.writer import StoreWriter
from tests.store.builders import START_US, FixedClock, batch, request

OpenReader = Callable[[], StoreReader]


def test_a_repeated_batch_is_stored_once(writer: StoreWriter, open_reader: OpenReader) -> None:
    told = batch([request(), request(start_us=5)])
    (first,) = writer.write_batches([told])
    (again,) = writer.write_batches([told])
    assert (first.accepted, first.duplicate) == (2, False)
    assert (again.accepted, again.duplicate, again.first_seq, again.last_seq) == (0, True, 1, 2)
    within, twice = writer.write_batches([other := batch([request()]), other])
    assert (within.duplicate, twice.duplicate) == (False, True)
    assert open_reader().session("s1").entry_count == 3


def test_a_batch_is_known_again_by_another_writer(path: Path, clock: FixedClock) -> None:
    told = batch([request()])
    for expected in (False, True):
        writer = StoreWriter(path, clock=clock)
        assert writer.write_batches([told])[0].duplicate is expected
        writer.close_now()


def test_the_same_key_in_another_session_is_another_batch(writer: StoreWriter) -> None:
    receipts = writer.write_batches(
        [batch([request()], session=session, key=b"k" * 16) for session in ("s1", "s2")]
    )
    assert [receipt.duplicate for receipt in receipts] == [False, False]


def test_late_and_unordered_batches_end_in_one_stream(
    writer: StoreWriter, open_reader: OpenReader
) -> None:
    writer.write_batches([batch([request(start_us=9_000_000)], page_view="p2")])
    writer.write_batches([batch([request(start_us=1_000)], page_view="p1")])
    writer.write_batches([batch([request(start_us=5_000_000)], page_view="p2")])
    reader = open_reader()
    index = reader.index("s1")
    assert list(index.seqs) == [2, 3, 1]
    views = reader.page_views("s1")
    assert [(view.page_view_id, view.number, view.entry_count) for view in views] == [
        *(("p1", 1, 1), ("p2", 2, 2)),
    ]
    assert reader.session("s1").started_us == START_US + 1_000


def test_two_tabs_of_a_session_are_two_pageviews_with_times_of_their_own(
    writer: StoreWriter, open_reader: OpenReader
) -> None:
    writer.write_batches(
        [
            batch([request(start_us=100)], page_view="tab1"),
            batch([request(start_us=50)], page_view="tab2", time_origin_us=START_US + 2_000),
            batch([request(start_us=3_000)], page_view="tab1"),
        ]
    )
    reader = open_reader()
    assert [record.start_epoch_us - START_US for record in reader.records([1, 2, 3])] == [
        *(100, 2_050, 3_000),
    ]
    assert list(reader.index("s1").seqs) == [1, 2, 3]
    assert [record.page_view_number for record in reader.records([1, 2, 3])] == [1, 2, 1]


def test_a_pageview_that_was_not_known_learns_what_it_is_later(
    writer: StoreWriter, open_reader: OpenReader
) -> None:
    from perftui.model import Page

    writer.write_batches([batch([request()], page=Page())])
    told = Entry(
        entry_type="pageview",
        name="https://a.test/orders",
        start_us=700,
        duration_us=0,
        extra={"kind": "route"},
    )
    writer.write_batches([batch([told], page=Page(title="Orders"))])
    (view,) = open_reader().page_views("s1")
    assert (view.url, view.title, view.kind, view.start_us) == (
        *("https://a.test/orders", "Orders", "route", 700),
    )


def test_an_estimated_time_origin_gives_way_to_a_told_one(
    writer: StoreWriter, open_reader: OpenReader
) -> None:
    writer.write_batches(
        [batch([request()], time_origin_us=START_US - 77, time_origin_estimated=True)]
    )
    writer.write_batches([batch([request(start_us=5)])])
    writer.write_batches([batch([request()], time_origin_us=1, time_origin_estimated=True)])
    reader = open_reader()
    assert {record.time_origin_us for record in reader.records([1, 2, 3])} == {START_US}
    assert reader.session("s1").started_us == START_US


def test_a_batch_without_entries_makes_the_session_known(
    writer: StoreWriter, open_reader: OpenReader
) -> None:
    (receipt,) = writer.write_batches([batch([])])
    assert (receipt.accepted, receipt.first_seq) == (0, None)
    assert open_reader().session("s1").entry_count == 0
    assert writer.write_batches([batch([request()])])[0].first_seq == 1


async def test_a_poison_batch_takes_no_neighbour_with_it(
    writer: StoreWriter, open_reader: OpenReader
) -> None:
    poison = batch([request(transfer_size=2**70)], session="bad")
    results = await asyncio.gather(
        writer.write(batch([request()], session="a")),
        writer.write(poison),
        writer.write(batch([request()], session="b")),
        return_exceptions=True,
    )
    assert isinstance(results[1], SinkError)
    assert [getattr(result, "accepted", None) for result in results] == [1, None, 1]
    assert {one.session_id for one in open_reader().sessions()} == {"a", "b"}


async def test_it_says_busy_when_too_much_waits(
    writer: StoreWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "MAX_WAITING_ENTRIES", 3)
    first = asyncio.ensure_future(writer.write(batch([request(), request()])))
    await asyncio.sleep(0)
    assert writer.waiting_entries == 2
    with pytest.raises(SinkBusyError):
        await writer.write(batch([request(), request()]))
    assert (await first).accepted == 2


async def test_closing_commits_what_was_taken(path: Path) -> None:
    writer = StoreWriter(path)
    waiting = asyncio.ensure_future(writer.write(batch([request()])))
    await asyncio.sleep(0)
    await writer.close()
    await writer.close()
    assert (await waiting).accepted == 1
    with pytest.raises(SinkBusyError):
        await writer.write(batch([request()]))
    with StoreReader(path) as reader:
        assert reader.last_seq() == 1


class _SlowCommit:
    """A connection whose COMMIT waits until it may, as for a slow disk; ``error`` in its place."""

    def __init__(self, real: Connection, error: Exception | None = None) -> None:
        self.real = real
        self.error = error
        self.began = threading.Event()
        self.may_end = threading.Event()
        self.used_meanwhile: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)

    def execute(self, sql: str, *parameters: Any) -> Any:
        if sql == "COMMIT" and not self.began.is_set():
            self.began.set()
            assert self.may_end.wait(30)
            if self.error is not None:
                raise self.error
        elif self.began.is_set() and not self.may_end.is_set():
            self.used_meanwhile.append(sql)
        return self.real.execute(sql, *parameters)


def _slow_commit(writer: StoreWriter, error: Exception | None = None) -> _SlowCommit:
    slow = _SlowCommit(writer._connection, error)
    writer._connection = slow
    return slow


async def test_the_loop_goes_on_during_a_commit_and_nothing_is_acknowledged_before_it(
    writer: StoreWriter, open_reader: OpenReader
) -> None:
    slow = _slow_commit(writer)
    first = asyncio.ensure_future(writer.write(batch([request(), request()])))
    await asyncio.to_thread(slow.began.wait, 30)
    # The loop runs, and takes more, which waits.
    later = [
        asyncio.ensure_future(writer.write(batch([request()], session=f"s{number}")))
        for number in (2, 3)
    ]
    for _ in range(10):
        await asyncio.sleep(0)
    assert not first.done()
    assert not any(one.done() for one in later)
    assert writer.waiting_entries == 4
    assert open_reader().last_seq() == 0
    assert slow.used_meanwhile == []
    slow.may_end.set()
    receipts = [await one for one in (first, *later)]
    assert [receipt.first_seq for receipt in receipts] == [1, 3, 4]
    assert writer.waiting_entries == 0
    assert open_reader().last_seq() == 4


async def test_what_is_committed_is_let_go_of_without_the_garbage_collector(
    writer: StoreWriter,
) -> None:
    told = batch([request()])
    before = sys.getrefcount(told)
    gc.disable()
    try:
        await writer.write(told)
        await asyncio.sleep(0)
        assert sys.getrefcount(told) == before
    finally:
        gc.enable()


async def test_who_else_uses_the_connection_waits_for_the_commit(
    writer: StoreWriter, open_reader: OpenReader
) -> None:
    def transaction() -> None:
        with writer.transaction():
            pass

    users: list[Callable[[], object]] = [
        lambda: writer.write_batches([batch([request()], session="imported")]),
        transaction,
        writer.check_writable,
        writer.checkpoint_now,
        lambda: writer.set_label("s1", "named"),
        lambda: writer.checkpoint("export"),
        lambda: writer.set_checkpoint("export", 1),
        writer.close_now,
    ]
    real = writer._connection
    for number, use in enumerate(users):
        writer._connection = real
        slow = _slow_commit(writer)
        waiting = asyncio.ensure_future(writer.write(batch([request()], key=bytes([number]) * 16)))
        await asyncio.to_thread(slow.began.wait, 30)
        timer = threading.Timer(0.02, slow.may_end.set)
        timer.start()
        use()
        timer.join()
        assert slow.used_meanwhile == []
        assert (await waiting).accepted == 1
    assert open_reader().session("s1").entry_count == len(users)


@pytest.mark.parametrize("is_full", [True, False])
async def test_a_commit_that_fails_acknowledges_nothing_that_is_not_stored(
    writer: StoreWriter, open_reader: OpenReader, is_full: bool
) -> None:
    error = sqlite3.OperationalError("the disk says no")
    error.sqlite_errorcode = sqlite3.SQLITE_FULL if is_full else sqlite3.SQLITE_IOERR
    slow = _slow_commit(writer, error)
    slow.may_end.set()
    results = await asyncio.gather(
        *(writer.write(batch([request()], session=session)) for session in ("a", "b")),
        return_exceptions=True,
    )
    if is_full:
        assert [type(result) for result in results] == [SinkFullError, SinkFullError]
        assert open_reader().sessions() == []
    else:
        # Each by itself, which goes well.
        assert [getattr(result, "accepted", None) for result in results] == [1, 1]
        assert {one.session_id for one in open_reader().sessions()} == {"a", "b"}
    assert (await writer.write(batch([request()], session="c"))).accepted == 1


def test_a_writer_in_another_process_is_noticed(
    path: Path, writer: StoreWriter, open_reader: OpenReader
) -> None:
    writer.write_batches([batch([request("https://a.test/1")])])
    script = (
        "import sys; from pathlib import Path;"
        " from perftui.store.writer import StoreWriter;"
        " from tests.store.builders import batch, request;"
        " w = StoreWriter(Path(sys.argv[1]));"
        " w.write_batches([batch([request('https://b.test/2')], session='s2', key=b'o' * 16)]);"
        " w.close_now()"
    )
    subprocess.run([sys.executable, "-c", script, str(path)], check=True)
    writer.write_batches([batch([request("https://b.test/2"), request("https://c.test/3")])])
    records = list(open_reader().iter_records())
    assert [(record.seq, record.session_id, record.entry.name) for record in records] == [
        (1, "s1", "https://a.test/1"),
        (2, "s2", "https://b.test/2"),
        (3, "s1", "https://b.test/2"),
        (4, "s1", "https://c.test/3"),
    ]


def test_the_two_sides_of_a_request_become_one(
    writer: StoreWriter, open_reader: OpenReader
) -> None:
    by_proxy = Entry(
        entry_type="request",
        name="https://a.test/x",
        start_us=3_000,
        duration_us=44_000,
        method="POST",
        response_status=201,
        transfer_size=900,
        extra={"flowId": "f1", "requestHeaders": {"Accept": "*/*"}},
    )
    by_browser = request(
        method=None,
        transfer_size=None,
        response_status=None,
        extra={"serverTiming": [{"name": "perftui", "duration": 0, "description": "f1"}]},
    )
    writer.write_batches([batch([by_proxy], source="proxy"), batch([by_browser])])
    writer.write_batches([batch([by_browser], session="s2"), batch([by_proxy], session="s2")])
    reader = open_reader()
    (record,) = reader.iter_records("s1")
    assert (record.entry.entry_type, record.entry.method) == ("resource", "POST")
    assert (record.entry.transfer_size, record.entry.response_status) == (900, 201)
    assert record.entry.duration_us == 50_000
    assert record.entry.extra["requestHeaders"] == {"Accept": "*/*"}
    summary = reader.session("s1")
    assert (summary.entry_count, summary.request_count, summary.transfer_bytes) == (1, 1, 900)


def test_label_and_pin_are_kept(writer: StoreWriter, open_reader: OpenReader) -> None:
    writer.write_batches([batch([request()])])
    writer.set_label("s1", "before")
    writer.set_pinned("s1", True)
    summary = open_reader().session("s1")
    assert (summary.label, summary.pinned) == ("before", True)
    writer.set_label("s1", None)
    assert open_reader().session("s1").label is None
    with pytest.raises(NotFoundError):
        writer.set_label("s9", "x")


def test_a_checkpoint_of_an_export_is_kept(writer: StoreWriter, open_reader: OpenReader) -> None:
    writer.write_batches([batch([request()])])
    assert writer.checkpoint("clickhouse") == (0, None)
    assert not open_reader().session("s1").exported
    writer.set_checkpoint("clickhouse", 1, "{}")
    assert writer.checkpoint("clickhouse") == (1, "{}")
    assert open_reader().session("s1").exported


def test_it_refuses_before_the_disk_is_full(path: Path) -> None:
    writer = StoreWriter(path, settings=StoreSettings(min_free_bytes=2**62))
    with pytest.raises(SinkFullError, match="perftui prune"):
        writer.write_batches([batch([request()])])
    with pytest.raises(SinkFullError):
        writer.check_writable()
    writer.close_now()
    with StoreReader(path) as reader:
        assert reader.sessions() == []


def test_the_files_are_the_owners_alone(path: Path, writer: StoreWriter) -> None:
    writer.write_batches([batch([request()])])
    for name in ("", "-wal", "-shm"):
        assert path.with_name(path.name + name).stat().st_mode & 0o777 == 0o600


def test_the_log_stays_below_its_cap(path: Path, clock: FixedClock) -> None:
    settings = StoreSettings(min_free_bytes=0, max_wal_bytes=256 * 1024)
    writer = StoreWriter(path, clock=clock, settings=settings)
    sizes = []
    for number in range(60):
        writer.write_batches([batch([request(f"https://a.test/{number}/{i}") for i in range(100)])])
        sizes.append(writer.checkpointer.log_bytes())
    writer.close_now()
    assert max(sizes) < 2 * settings.max_wal_bytes
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert connection.execute("SELECT count(*) FROM entry").fetchone() == (6_000,)
    connection.close()
