"""``perftui export clickhouse``, ``parquet`` and ``kafka`` as they are typed."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from perftui.cli import cli
from perftui.export.arrow import block_table, table_rows
from perftui.export.clickhouse import ClickHouse, parse_target
from perftui.export.columns import COLUMN_NAMES, Row, batch_rows
from perftui.store.outgoing import OutgoingReader
from perftui.store.writer import StoreWriter
from tests.export.conftest import StoreOf, made_batches
from tests.export.kafka_cluster import TOPIC, Cluster

parquet = pytest.importorskip("pyarrow.parquet")


def perftui(store: Path, *arguments: str) -> Result:
    done = CliRunner().invoke(cli, ["--db", str(store), *arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done


def in_store(store: Path) -> list[Row]:
    reader = OutgoingReader(store)
    found = [row for block in reader.blocks() for row in table_rows(block_table(block))]
    reader.close()
    return sorted(found, key=_key)


def _key(row: Row) -> tuple[str, int]:
    return row[COLUMN_NAMES.index("batch_key")], row[COLUMN_NAMES.index("batch_index")]


def in_folder(folder: Path) -> list[Row]:
    # Hive's own way to read the folder adds the day as a column.
    table = parquet.read_table(folder).select(list(COLUMN_NAMES))
    return sorted(table_rows(table), key=_key)


def test_parquet_holds_each_row_in_the_folder_of_its_day(store_of: StoreOf, tmp_path: Path) -> None:
    store, folder = store_of(made_batches(60)), tmp_path / "out"
    assert "rows sent" in perftui(store, "export", "parquet", str(folder)).stdout
    assert in_folder(folder) == in_store(store)
    for file in folder.rglob("*.parquet"):
        day = file.parent.name.removeprefix("day=")
        starts = parquet.read_table(file, partitioning=None).column("timestamp").to_pylist()
        assert {f"{start:%Y-%m-%d}" for start in starts} == {day}
        assert parquet.read_metadata(file).row_group(0).column(0).compression == "ZSTD"


def test_parquet_written_again_adds_what_is_new_and_nothing_twice(
    store_of: StoreOf, tmp_path: Path
) -> None:
    batches, folder = made_batches(60), tmp_path / "out"
    store = store_of(batches[:30])
    perftui(store, "export", "parquet", str(folder))
    before = {file: file.stat().st_mtime_ns for file in folder.rglob("*.parquet")}
    assert "0 rows sent" in perftui(store, "export", "parquet", str(folder)).stdout
    writer = StoreWriter(store)
    writer.write_batches(batches[30:])
    writer.close_now()
    perftui(store, "export", "parquet", str(folder))
    assert in_folder(folder) == in_store(store)
    assert {file: file.stat().st_mtime_ns for file in before} == before
    # Of a folder that is gone nothing is left to go on from.
    for file in sorted(folder.rglob("*"), reverse=True):
        file.rmdir() if file.is_dir() else file.unlink()
    folder.rmdir()
    perftui(store, "export", "parquet", str(folder))
    assert in_folder(folder) == in_store(store)


def test_parquet_of_a_part(store_of: StoreOf, tmp_path: Path) -> None:
    batches, folder = made_batches(24), tmp_path / "out"
    store = store_of(batches)
    done = perftui(
        store, "export", "parquet", str(folder), "--session", "session-1", "-F", "type:fetch"
    )
    found = in_folder(folder)
    expected = [
        row
        for batch in batches
        if batch.session_id == "session-1"
        for row in batch_rows(batch)
        if row[COLUMN_NAMES.index("resource_type")] == "fetch"
    ]
    assert [_key(row) for row in found] == sorted(map(_key, expected))
    assert f"{len(expected):,} rows sent" in done.stdout
    assert re.search(r"[1-9]\d* skipped, 0 refused", done.stdout)


def test_a_folder_that_cannot_be_written_is_said(store_of: StoreOf, tmp_path: Path) -> None:
    taken = tmp_path / "file"
    taken.write_text("mine")
    done = CliRunner().invoke(
        cli, ["--db", str(store_of(made_batches(8))), "export", "parquet", str(taken / "out")]
    )
    assert done.exit_code != 0
    assert taken.read_text() == "mine"


@pytest.mark.chdb
def test_without_a_dsn_there_is_an_engine_beside_the_store(store_of: StoreOf) -> None:
    store = store_of(made_batches(20))
    entries = sum(len(batch.entries) for batch in made_batches(20))
    folder = store.with_name(store.name + ".clickhouse")
    told = perftui(store, "export", "clickhouse", "--dry-run").stdout
    assert told == f"{entries:,} entries would be sent to chdb://{folder}\n"
    assert not folder.exists(), "a dry run makes nothing"
    done = perftui(store, "export", "clickhouse", "--ttl", "36500d")
    assert "made the tables" in done.stderr
    assert "0 entries would be sent" in perftui(store, "export", "clickhouse", "--dry-run").stdout
    engine = ClickHouse(parse_target(f"chdb://{folder}"))
    counted = engine.rows("SELECT count() FROM performance_entries WHERE entry_type != ''")
    engine.close()
    assert counted == [(entries,)]


@pytest.mark.chdb
def test_a_terminal_shows_the_rate_and_the_time_left(store_of: StoreOf, tmp_path: Path) -> None:
    store = store_of(made_batches(200))
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "perftui", "--db", str(store)),
            *("export", "parquet", str(tmp_path / "out")),
        ],
        stdout=subprocess.DEVNULL,
        stderr=follower,
        env={**os.environ, "COLUMNS": "100", "TERM": "xterm"},
    )
    os.close(follower)
    shown = b""
    try:
        while piece := os.read(leader, 4096):
            shown += piece
    except OSError:  # the other end is closed
        pass
    os.close(leader)
    assert process.wait(timeout=60) == 0
    assert re.search(rb"\d+/\d+.*[\d,]+ rows/s", shown), shown


@pytest.mark.kafka
def test_a_store_into_a_topic_and_on(store_of: StoreOf) -> None:
    batches = made_batches(40)
    store, cluster = store_of(batches[:20]), Cluster()
    try:
        url = f"kafka://{cluster.brokers}/{TOPIC}"
        perftui(store, "export", "kafka", url)
        assert "0 rows sent" in perftui(store, "export", "kafka", url).stdout
        writer = StoreWriter(store)
        writer.write_batches(batches[20:])
        writer.close_now()
        perftui(store, "export", "kafka", url)
        rows = in_store(store)
        keys = sorted(key.decode() for key, _ in cluster.consume(len(rows)))
    finally:
        cluster.stop()
    assert keys == sorted(row[COLUMN_NAMES.index("session_id")] for row in rows)
