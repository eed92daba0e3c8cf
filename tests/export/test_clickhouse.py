"""The real engine: schema, exports that end in the middle, and the way back."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from perftui.errors import ExportError, NotFoundError, UsageError
from perftui.export.clickhouse import (
    ClickHouse,
    RefusedDataError,
    RetryableError,
    ensure_schema,
    parse_target,
    with_retries,
)
from perftui.export.clickhouse_schema import (
    ROLLUP_QUANTILES,
    SchemaOptions,
    clickhouse_schema,
    kafka_schema,
)
from perftui.export.columns import COLUMN_NAMES, message
from perftui.export.drain import Selection, Summary, drain, remaining
from perftui.export.pull import find_remote_session, remote_sessions, session_batches
from perftui.model import Batch, Entry, Page
from perftui.store.outgoing import OutgoingReader
from perftui.store.writer import StoreWriter
from tests.export.conftest import BEGAN_US, StoreOf, made_batches

pytestmark = pytest.mark.chdb


@pytest.fixture
def engine(engine_dsn: str) -> Iterator[ClickHouse]:
    """An embedded engine with the tables."""
    clickhouse = ClickHouse(parse_target(engine_dsn))
    ensure_schema(clickhouse)
    yield clickhouse
    clickhouse.close()


class Table:
    """The destination of a drain; fails where told to."""

    def __init__(self, engine: ClickHouse) -> None:
        self.engine = engine
        self.table_id = engine.table_id()
        self.calls = 0
        self.fail_before: set[int] = set()
        self.fail_after: set[int] = set()

    def send(self, table: Any, token: str) -> None:
        self.calls += 1
        if self.calls in self.fail_before:
            raise RetryableError("gone before")
        self.engine.insert(table, token=token)
        if self.calls in self.fail_after:
            raise RetryableError("gone after")


def run(path: Path, table: Table, tmp_path: Path, selection: Selection | None = None) -> Summary:
    source, checkpoints = OutgoingReader(path), StoreWriter(path)
    try:
        return drain(
            source,
            table,
            checkpoints,
            name="here",
            selection=selection,
            block_entries=60,
            dead_letters=tmp_path / "refused.jsonl",
        )
    finally:
        source.close()
        checkpoints.close_now()


def stored(engine: ClickHouse, *, final: bool = False) -> list[tuple[Any, ...]]:
    columns = ", ".join(COLUMN_NAMES)
    return engine.rows(
        f"SELECT {columns} FROM performance_entries {'FINAL' if final else ''}"
        " ORDER BY batch_key, batch_index"
    )


def in_store(path: Path) -> dict[tuple[str, int], tuple[Any, ...]]:
    pytest.importorskip("pyarrow")
    from perftui.export.arrow import block_table, table_rows

    reader = OutgoingReader(path)
    rows = [row for block in reader.blocks() for row in table_rows(block_table(block))]
    reader.close()
    return {(row[3], row[4]): row for row in rows}


def test_the_schema_is_made_once_and_forward(engine: ClickHouse) -> None:
    assert ensure_schema(engine) == []
    engine.command("ALTER TABLE performance_entries DROP COLUMN page_referrer")
    (statement,) = ensure_schema(engine)
    assert "ADD COLUMN IF NOT EXISTS page_referrer" in statement
    assert ensure_schema(engine) == []
    engine.command("INSERT INTO performance_schema (version) VALUES (999)")
    with pytest.raises(ExportError, match="newer perftui"):
        ensure_schema(engine)


def test_tables_of_an_earlier_version_are_brought_forward(engine: ClickHouse) -> None:
    engine.command(
        "ALTER TABLE performance_entries MODIFY TTL toDateTime(timestamp) +"
        " toIntervalDay(retention_days)"
    )
    engine.command("TRUNCATE TABLE performance_schema")
    engine.command("INSERT INTO performance_schema (version) VALUES (1)")
    engine.command("CREATE OR REPLACE VIEW performance_sessions AS SELECT 1 AS session_id")
    expiry, *views = ensure_schema(engine)
    assert "MODIFY TTL" in expiry
    assert [view.split()[:4] for view in views] == [["CREATE", "OR", "REPLACE", "VIEW"]] * 2
    told = engine.rows("SHOW CREATE TABLE performance_entries")[0][0]
    assert "4294967295" in told
    assert engine.rows("SELECT session_id, started, entries FROM performance_sessions") == []
    assert ensure_schema(engine) == []


@pytest.mark.parametrize("days", [365, 36_500])
def test_a_long_retention_keeps(
    engine_dsn: str, store_of: StoreOf, tmp_path: Path, days: int
) -> None:
    engine = ClickHouse(parse_target(engine_dsn))
    ensure_schema(engine, SchemaOptions(ttl_days=days))
    path = store_of(made_batches(10))
    run(path, Table(engine), tmp_path)
    engine.command("ALTER TABLE performance_entries MATERIALIZE TTL SETTINGS mutations_sync = 2")
    engine.command("OPTIMIZE TABLE performance_entries FINAL")
    assert len(stored(engine)) == len(in_store(path))
    engine.close()


@pytest.mark.parametrize(
    "options",
    [
        SchemaOptions(cluster="c", database="web"),
        SchemaOptions(ttl_days=7, ttl_days_by_type={"event": 2, "mark": 1}),
    ],
)
def test_every_variant_is_sql(engine: ClickHouse, options: SchemaOptions) -> None:
    for statement in [*clickhouse_schema(options), *kafka_schema(options)]:
        engine.command(f"EXPLAIN AST {statement}")


@pytest.mark.parametrize("name", ["a b", "x;DROP TABLE y", ""])
def test_a_name_is_a_name(name: str) -> None:
    with pytest.raises(UsageError):
        SchemaOptions(database=name)


def test_an_export_holds_every_entry_once(
    engine: ClickHouse, store_of: StoreOf, tmp_path: Path
) -> None:
    path = store_of(made_batches(40))
    summary = run(path, Table(engine), tmp_path)
    expected = in_store(path)
    assert summary == Summary(sent=len(expected))
    assert {(row[3], row[4]) for row in stored(engine)} == set(expected)
    assert len(stored(engine)) == len(expected)
    assert run(path, Table(engine), tmp_path) == Summary(), "nothing is left"
    assert len(stored(engine)) == len(expected)


@pytest.mark.parametrize("fault", ["before", "after"])
@pytest.mark.parametrize("call", [1, 2, 5])
def test_an_interrupted_export_goes_on_and_adds_nothing(
    engine: ClickHouse, store_of: StoreOf, tmp_path: Path, fault: str, call: int
) -> None:
    batches = made_batches(40)
    path = store_of(batches[:30])
    table = Table(engine)
    (table.fail_before if fault == "before" else table.fail_after).add(call)
    with pytest.raises(RetryableError):
        run(path, table, tmp_path)
    # More arrives before the next try; the range that was on its way must stay as it was.
    writer = StoreWriter(path)
    writer.write_batches(batches[30:])
    writer.close_now()
    run(path, table, tmp_path)
    expected = in_store(path)
    assert sorted((row[3], row[4]) for row in stored(engine)) == sorted(expected)
    source, checkpoints = OutgoingReader(path), StoreWriter(path)
    assert remaining(source, checkpoints, "here") == 0
    source.close()
    checkpoints.close_now()


def test_a_table_that_was_dropped_is_filled_again(
    engine: ClickHouse, store_of: StoreOf, tmp_path: Path
) -> None:
    path = store_of(made_batches(40))
    expected = in_store(path)
    run(path, Table(engine), tmp_path)
    for statement in clickhouse_schema():
        engine.command(
            f"DROP {'VIEW' if ' VIEW ' in statement.splitlines()[0] else 'TABLE'}"
            f" {statement.split('IF NOT EXISTS ')[1].split()[0]} SYNC"
        )
    ensure_schema(engine)
    assert run(path, Table(engine), tmp_path) == Summary(sent=len(expected))
    assert {(row[3], row[4]) for row in stored(engine)} == set(expected)
    assert run(path, Table(engine), tmp_path) == Summary()


def test_a_session_comes_back_as_it_was(
    engine: ClickHouse, store_of: StoreOf, tmp_path: Path
) -> None:
    path = store_of(made_batches(40))
    run(path, Table(engine), tmp_path)
    again = [
        batch
        for session in remote_sessions(engine)
        for batch in session_batches(engine, session["session_id"])
    ]
    copy = store_of(again)
    assert in_store(copy) == in_store(path)


def test_sessions_are_found_there(engine: ClickHouse, store_of: StoreOf, tmp_path: Path) -> None:
    run(store_of(made_batches(40)), Table(engine), tmp_path)
    listed = remote_sessions(engine)
    assert [row["session_id"] for row in listed] == [f"session-{n}" for n in (4, 3, 2, 1, 0)]
    assert [row["session_id"] for row in remote_sessions(engine, search="SESSION-3")] == [
        "session-3"
    ]
    assert len(remote_sessions(engine, limit=2)) == 2
    assert find_remote_session(engine, "last") == "session-4"
    assert find_remote_session(engine, "session-2") == "session-2"
    with pytest.raises(NotFoundError, match="say more"):
        find_remote_session(engine, "session")
    with pytest.raises(NotFoundError, match="sessions --from"):
        find_remote_session(engine, "other")


def test_a_part_of_the_store(engine: ClickHouse, store_of: StoreOf, tmp_path: Path) -> None:
    batches = made_batches(24)
    path = store_of(batches)
    run(path, Table(engine), tmp_path, Selection(session_id="session-1"))
    assert {row[1] for row in stored(engine)} == {"session-1"}
    source, checkpoints = OutgoingReader(path), StoreWriter(path)
    assert remaining(source, checkpoints, "here") == sum(len(batch.entries) for batch in batches)
    source.close()
    checkpoints.close_now()
    run(path, Table(engine), tmp_path)
    assert len(stored(engine, final=True)) == len(in_store(path))


def test_a_filter_leaves_the_rest_here(
    engine: ClickHouse, store_of: StoreOf, tmp_path: Path
) -> None:
    path = store_of(made_batches(10))
    summary = run(path, Table(engine), tmp_path, Selection(seqs=[3, 5, 8], filter_text="x"))
    assert summary.sent == 3
    assert len(stored(engine)) == 3
    assert summary.skipped == len(in_store(path)) - 3 - 2, "two batches have no entries"


def test_rows_without_their_moment_never_leave(
    engine: ClickHouse, store_of: StoreOf, tmp_path: Path
) -> None:
    (batch,) = made_batches(2)[1:]
    lost = Batch(
        session_id="lost",
        page_view_id="p",
        entries=[Entry(entry_type="mark", name="m", start_us=5)],
        key=b"z" * 16,
        time_origin_us=0,
        received_us=BEGAN_US,
        page=Page(),
    )
    summary = run(store_of([batch, lost]), Table(engine), tmp_path)
    assert (summary.sent, summary.skipped) == (len(batch.entries), 1)
    assert {row[1] for row in stored(engine)} == {batch.session_id}


def test_refused_rows_are_buried_and_the_rest_goes(
    engine: ClickHouse, store_of: StoreOf, tmp_path: Path
) -> None:
    class Picky(Table):
        def send(self, table: Any, token: str) -> None:
            if "m4" in table.column("name").to_pylist():
                raise RefusedDataError("m4 is not taken here")
            super().send(table, token)

    path = store_of(made_batches(10))
    summary = run(path, Picky(engine), tmp_path)
    expected = [row for row in in_store(path).values() if row[9] != "m4"]
    assert summary.refused == len(in_store(path)) - len(expected) > 0
    assert len(stored(engine)) == len(expected)
    assert len((tmp_path / "refused.jsonl").read_bytes().splitlines()) == summary.refused


def test_rows_past_their_ttl_go(engine: ClickHouse, store_of: StoreOf, tmp_path: Path) -> None:
    old = Batch(
        session_id="old",
        page_view_id="p",
        entries=[Entry(entry_type="mark", name="m", start_us=5)],
        key=b"o" * 16,
        time_origin_us=1_600_000_000_000_000,  # 2020
        received_us=1_600_000_000_000_000,
    )
    engine.command("SYSTEM STOP TTL MERGES performance_entries")
    now_us = int(engine.rows("SELECT toUnixTimestamp64Micro(now64(6))")[0][0])
    fresh = Batch(
        session_id="fresh",
        page_view_id="p",
        entries=[Entry(entry_type="mark", name="m", start_us=5)],
        key=b"f" * 16,
        time_origin_us=now_us,
        received_us=now_us,
    )
    run(store_of([old, fresh]), Table(engine), tmp_path)
    engine.command("SYSTEM START TTL MERGES performance_entries")
    engine.command("ALTER TABLE performance_entries MATERIALIZE TTL SETTINGS mutations_sync = 2")
    engine.command("OPTIMIZE TABLE performance_entries FINAL")
    assert [row[1] for row in stored(engine)] == ["fresh"]


def test_a_type_may_expire_earlier_and_its_files_go_whole(
    engine_dsn: str, store_of: StoreOf, tmp_path: Path
) -> None:
    engine = ClickHouse(parse_target(engine_dsn))
    ensure_schema(engine, SchemaOptions(ttl_days=30, ttl_days_by_type={"event": 1, "longtask": 9}))
    engine.command("SYSTEM STOP TTL MERGES performance_entries")
    now_us = int(engine.rows("SELECT toUnixTimestamp64Micro(now64(6))")[0][0])
    day_us = 86_400_000_000
    batches = [
        Batch(
            session_id="s",
            page_view_id="p",
            entries=[
                Entry(entry_type=kind, name=f"{kind} {age}", start_us=5)
                for kind in ("event", "longtask", "mark")
            ],
            key=bytes([age]) * 16,
            time_origin_us=now_us - age * day_us,
            received_us=now_us,
        )
        for age in (0, 3, 20, 60)
    ]
    run(store_of(batches), Table(engine), tmp_path)
    mixed = "SELECT uniqExact(toDate(timestamp), retention_days) FROM performance_entries GROUP BY _part"
    assert set(engine.rows(mixed)) == {(1,)}, "a part is of one day and one retention"
    engine.command("SYSTEM START TTL MERGES performance_entries")
    engine.command("ALTER TABLE performance_entries MATERIALIZE TTL SETTINGS mutations_sync = 2")
    engine.command("OPTIMIZE TABLE performance_entries FINAL")
    left = engine.rows("SELECT name FROM performance_entries ORDER BY name")
    assert [name for (name,) in left] == [
        *("event 0", "longtask 0", "longtask 3", "mark 0", "mark 20", "mark 3"),
    ]
    engine.close()


def test_rollups_keep_counts_and_percentiles_within_the_digest_s_error(
    engine: ClickHouse, store_of: StoreOf, tmp_path: Path
) -> None:
    run(store_of(made_batches(200)), Table(engine), tmp_path)
    exact = {
        str(name): (count, errors, values)
        for name, count, errors, values in engine.rows(
            "SELECT endpoint, count(), countIf(response_status >= 400),"
            " arraySort(groupArray(duration_us / 1000)) FROM performance_entries"
            " WHERE resource_type != '' GROUP BY endpoint"
        )
    }
    rolled = engine.rows(
        "SELECT name, sum(requests), sum(errors),"
        " quantilesTDigestMerge(0.5, 0.75, 0.95, 0.99)(duration_ms)"
        " FROM performance_rollups WHERE kind = 'endpoint' GROUP BY name"
    )
    assert len(rolled) == len(exact) > 1
    for name, count, errors, digest in rolled:
        assert (count, errors) == exact[str(name)][:2]
        values = exact[str(name)][2]
        for level, value in zip(ROLLUP_QUANTILES, digest, strict=True):
            rank = max(1, math.ceil(0.01 * len(values)))
            at = level * (len(values) - 1)
            low, high = max(0, math.floor(at) - rank), min(len(values) - 1, math.ceil(at) + rank)
            # The digest keeps 32-bit numbers.
            assert values[low] * (1 - 1e-6) <= value <= values[high] * (1 + 1e-6)


def test_the_bytes_of_the_topic_make_the_same_rows_as_an_export(
    engine: ClickHouse, store_of: StoreOf, tmp_path: Path
) -> None:
    from perftui.export.columns import batch_rows

    for statement in kafka_schema(engine="Null"):
        engine.command(statement)
    batches = [batch for batch in made_batches(8) if batch.entries]
    lines = b"\n".join(message(row) for batch in batches for row in batch_rows(batch)).decode()
    engine.command(f"INSERT INTO performance_entries_queue FORMAT JSONEachRow\n{lines}")
    through_kafka = stored(engine)
    engine.command("TRUNCATE TABLE performance_entries")
    run(store_of(batches), Table(engine), tmp_path)
    assert through_kafka == stored(engine)


@pytest.mark.parametrize(
    ("dsn", "shown"),
    [
        ("https://me:geheim@ch.test:8443/web", "https://ch.test:8443/web"),
        ("http://ch.test", "http://ch.test"),
        ("clickhouse://ch.test:8443", "https://ch.test:8443"),
        ("clickhouse://ch.test/web?secure=1", "https://ch.test/web"),
        ("chdb:///tmp/a folder", "chdb:///tmp/a%20folder"),
    ],
)
def test_a_dsn_is_shown_without_its_password(dsn: str, shown: str) -> None:
    target = parse_target(dsn, environment={})
    assert target.url == shown
    assert "geheim" not in repr(target)


@pytest.mark.parametrize("dsn", ["ftp://x", "ch.test:8123", "chdb://host/x", "https://ch:port", ""])
def test_what_is_no_dsn_is_said(dsn: str) -> None:
    with pytest.raises(UsageError):
        parse_target(dsn, environment={})


def test_retries_wait_longer_each_time_and_end() -> None:
    waits: list[float] = []

    def never() -> None:
        raise RetryableError("still down")

    with pytest.raises(RetryableError, match="still down"):
        with_retries(never, wait=waits.append, jitter=lambda: 1.0, attempts=5)
    assert waits == [0.5, 1.0, 2.0, 4.0]

    def wrong() -> None:
        raise ExportError("wrong password")

    waits.clear()
    with pytest.raises(ExportError, match="wrong password"):
        with_retries(wrong, wait=waits.append, jitter=lambda: 1.0)
    assert waits == []
