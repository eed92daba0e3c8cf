"""What goes, what stays, and that capture goes on meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perftui.config import StoreSettings
from perftui.errors import NotFoundError, SettingsError, StoreError
from perftui.model import Entry
from perftui.store import retention as rules
from perftui.store.connection import connect
from perftui.store.outgoing import OutgoingReader
from perftui.store.reader import StoreReader
from perftui.store.retention import (
    Retention,
    delete_sessions,
    maintain,
    parse_age,
    parse_size,
    restore_sessions,
    used_bytes,
)
from perftui.store.writer import StoreWriter
from tests.store.builders import FixedClock, batch, request

OpenReader = Callable[[], StoreReader]
DAY = 86_400.0


def _fill(writer: StoreWriter, session: str, *, entries: int = 20, days_ago: float = 0.0) -> None:
    received_us = writer.clock.now_us() - int(days_ago * DAY * 1e6)
    writer.write_batches(
        [
            batch(
                [
                    request(f"https://{session}.test/{number}/{entry}", start_us=entry)
                    for entry in range(entries // 2)
                ],
                session=session,
                page_view=f"p{number}",
                received_us=received_us,
            )
            for number in range(2)
        ]
    )


def _ids(reader: StoreReader) -> set[str]:
    return {summary.session_id for summary in reader.sessions()}


def _count(path: Path, table: str) -> int:
    connection = connect(path)
    try:
        return int(connection.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0])
    finally:
        connection.close()


def _assert_sound(path: Path) -> None:
    connection = connect(path)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("text", "seconds"), [("30d", 30 * DAY), ("12h", 43_200), ("90 min", 5_400), ("2W", 14 * DAY)]
)
def test_ages(text: str, seconds: float) -> None:
    assert parse_age(text) == seconds


@pytest.mark.parametrize(
    ("text", "size"), [("2GB", 2 * 10**9), ("1.5 GiB", 3 * 2**29), ("100", 100), ("5k", 5_000)]
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@given(st.text(max_size=8).filter(lambda text: not text.strip()[:1].isdigit()))
def test_other_texts_are_no_age_and_no_size(text: str) -> None:
    for parse in (parse_age, parse_size):
        with pytest.raises(SettingsError, match="such as"):
            parse(text)


def test_a_setting_that_means_nothing_is_told_at_once(writer: StoreWriter) -> None:
    with pytest.raises(SettingsError, match="30d"):
        Retention(writer, StoreSettings(ttl="forever"))
    with pytest.raises(SettingsError, match="2GB"):
        Retention(writer, StoreSettings(max_size="much"))
    with pytest.raises(SettingsError, match="30d"):
        _ = maintain(writer, StoreSettings(ttl="forever"))


def test_sessions_over_their_time_go_and_pinned_ones_stay(
    path: Path, writer: StoreWriter, open_reader: OpenReader
) -> None:
    for session, days in (("old", 40), ("pinned", 50), ("young", 3)):
        _fill(writer, session, days_ago=days)
    writer.set_pinned("pinned", True)
    retention = Retention(writer, StoreSettings(ttl="30d"))
    assert [(due.session_id, due.reason) for due in retention.due()] == [("old", "ttl")]
    removed = retention.run()
    assert (removed.sessions, removed.entries) == (1, 20)
    reader = open_reader()
    assert _ids(reader) == {"pinned", "young"}
    assert len(list(reader.iter_records())) == 40
    assert _count(path, "pageview") == 4
    _assert_sound(path)


def test_nothing_goes_without_a_rule(writer: StoreWriter, open_reader: OpenReader) -> None:
    _fill(writer, "old", days_ago=4_000)
    assert Retention(writer, StoreSettings()).run().sessions == 0
    assert _ids(open_reader()) == {"old"}


def test_over_its_size_the_oldest_go_and_the_space_is_given_back(
    path: Path, writer: StoreWriter, open_reader: OpenReader
) -> None:
    for number in range(10):
        _fill(writer, f"s{number}", entries=1_000, days_ago=10 - number)
    writer.checkpoint_now()
    before = path.stat().st_size
    limit = before // 2
    removed = Retention(writer, StoreSettings(max_size=str(limit))).run()
    left = _ids(open_reader())
    assert left
    assert left == {f"s{number}" for number in range(removed.sessions, 10)}
    assert path.stat().st_size <= limit
    assert removed.bytes_given_back > 0
    _assert_sound(path)


def test_a_session_that_is_being_captured_stays_however_large(
    writer: StoreWriter, open_reader: OpenReader
) -> None:
    _fill(writer, "now", entries=400)
    Retention(writer, StoreSettings(max_size="1", ttl="0s")).run()
    assert _ids(open_reader()) == {"now"}


def test_texts_that_nobody_uses_go_and_the_others_stay(
    path: Path, writer: StoreWriter, open_reader: OpenReader
) -> None:
    shared = request("https://shared.test/both")
    mark = Entry(entry_type="mark", name="of old only", start_us=0, duration_us=0)
    old_us = writer.clock.now_us() - int(40 * DAY * 1e6)
    writer.write_batches(
        [
            batch([shared, mark], session="old", received_us=old_us),
            batch([shared], session="young"),
        ]
    )
    _fill(writer, "old", entries=200, days_ago=40)
    before = _count(path, "url")
    retention = Retention(writer, StoreSettings(ttl="30d"))
    removed = retention.run()
    assert removed.texts > 0
    assert before - _count(path, "url") == 200
    connection = connect(path)
    texts = {row[0] for row in connection.execute("SELECT text FROM string")}
    connection.close()
    assert "of old only" not in texts
    assert "shared.test" in texts
    # What was in the writer's memory and is gone from the file is made anew.
    writer.write_batches([batch([mark, request("https://old.test/0/1")], session="again")])
    names = [record.entry.name for record in open_reader().iter_records()]
    assert names == ["https://shared.test/both", "of old only", "https://old.test/0/1"]
    _assert_sound(path)


def test_texts_that_come_into_use_during_a_sweep_stay(
    path: Path, writer: StoreWriter, open_reader: OpenReader
) -> None:
    _fill(writer, "old", entries=200, days_ago=40)
    _fill(writer, "young")
    retention = Retention(writer, StoreSettings(ttl="30d"))
    names: list[str] = []
    more = True
    number = 0
    while more:
        more = retention.step()
        url = f"https://old.test/{number % 2}/{number % 100}"
        writer.write_batches([batch([request(url)], session="meanwhile")])
        names.append(url)
        number += 1
    assert retention.removed.sessions == 1
    assert [record.entry.name for record in open_reader().iter_records("meanwhile")] == names
    _assert_sound(path)


def test_positions_and_batches_are_never_used_twice(path: Path, clock: FixedClock) -> None:
    writer = StoreWriter(path, clock=clock)
    _fill(writer, "old", days_ago=40)
    reader = OutgoingReader(path)
    last_batch, _ = reader.extent()
    Retention(writer, StoreSettings(ttl="30d")).run()
    assert reader.extent() == (0, 0)
    writer.close_now()
    writer = StoreWriter(path, clock=clock)
    (receipt,) = writer.write_batches([batch([request()], session="new")])
    assert receipt.first_seq == 21
    assert reader.extent(after_batch=last_batch) == (last_batch + 1, 1)
    reader.close()
    writer.close_now()


# --- deleting by hand -------------------------------------------------------------------------


def test_a_deleted_session_is_gone_at_once_and_can_be_put_back(
    writer: StoreWriter, open_reader: OpenReader
) -> None:
    _fill(writer, "a")
    _fill(writer, "b")
    writer.set_label("a", "keep my name")
    reader = open_reader()
    before = list(reader.iter_records("a"))
    deleted = delete_sessions(writer, ["a"])
    assert _ids(reader) == {"b"}
    assert len(reader.index(None)) == 20
    assert reader.records([record.seq for record in before]) == []
    with pytest.raises(NotFoundError):
        reader.session("a")
    # Nothing is removed while it can be put back.
    assert Retention(writer).run().entries == 0
    restore_sessions(writer, deleted)
    assert list(reader.iter_records("a")) == before
    assert reader.session("a").label == "keep my name"


def test_after_a_while_it_is_gone_for_good(path: Path, clock: FixedClock) -> None:
    writer = StoreWriter(path, clock=clock)
    _fill(writer, "a")
    deleted = delete_sessions(writer, ["a"])
    clock.advance(rules.UNDO_SECONDS)
    assert Retention(writer).run().entries == 20
    with pytest.raises(NotFoundError, match="for good"):
        restore_sessions(writer, deleted)
    assert _count(path, "entry") == 0
    writer.close_now()


def test_a_session_that_went_on_cannot_be_put_back_over_itself(
    writer: StoreWriter, open_reader: OpenReader
) -> None:
    _fill(writer, "a")
    deleted = delete_sessions(writer, ["a"])
    _fill(writer, "a", entries=2)
    with pytest.raises(StoreError, match="gone on"):
        restore_sessions(writer, deleted)
    assert open_reader().session("a").entry_count == 2


def test_deleting_what_is_not_there_deletes_nothing(
    writer: StoreWriter, open_reader: OpenReader
) -> None:
    _fill(writer, "a")
    with pytest.raises(NotFoundError):
        delete_sessions(writer, ["a", "nothing"])
    assert _ids(open_reader()) == {"a"}


def test_an_export_does_not_see_what_is_deleted(path: Path, writer: StoreWriter) -> None:
    _fill(writer, "a")
    _fill(writer, "b")
    delete_sessions(writer, ["a"])
    reader = OutgoingReader(path)
    sessions = {stored.batch.session_id for block in reader.blocks() for stored in block.batches}
    assert sessions == {"b"}
    assert reader.extent()[1] == 20
    reader.close()


# --- while capturing --------------------------------------------------------------------------


async def test_capture_goes_on_while_sessions_are_pruned(
    path: Path, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "CHECK_SECONDS", 0.001)
    settings = StoreSettings(ttl="30d", min_free_bytes=0)
    writer = StoreWriter(path, clock=clock, settings=settings)
    for number in range(5):
        _fill(writer, f"old{number}", entries=2_000, days_ago=40)
    task = asyncio.ensure_future(maintain(writer))
    with StoreReader(path) as reader:
        number = 0
        while _count(path, "session") > 1 or number < 20:
            receipt = await writer.write(batch([request(start_us=number)], session="live"))
            assert receipt.accepted == 1
            number += 1
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert _ids(reader) == {"live"}
        assert reader.session("live").entry_count == number
        assert len(list(reader.iter_records("live"))) == number
    await writer.close()
    _assert_sound(path)


def test_a_step_is_small(path: Path, writer: StoreWriter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "STEP_ENTRIES", 50)
    for _ in range(20):
        writer.write_batches(
            [batch([request(start_us=entry) for entry in range(20)], session="old", received_us=1)]
        )
    retention = Retention(writer, StoreSettings(ttl="30d"))
    assert retention.step()
    sizes: list[int] = []
    while retention.removed.sessions == 0:
        before = retention.removed.entries
        assert retention.step()
        sizes.append(retention.removed.entries - before)
    assert sum(sizes) == 400
    assert max(sizes) <= 60


def test_used_bytes_leaves_out_what_is_free(path: Path, writer: StoreWriter) -> None:
    _fill(writer, "old", entries=3_000, days_ago=40)
    with writer.transaction() as connection:
        before = used_bytes(connection)
        connection.execute("DELETE FROM entry")
        after = used_bytes(connection)
    assert after < before
