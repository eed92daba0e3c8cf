"""Exports through sockets that break, to servers that refuse, by processes that are killed: after
the last run the table holds each entry exactly once."""

from __future__ import annotations

import logging
import random
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from perftui.cli import cli
from perftui.export.arrow import block_table, table_rows
from perftui.export.clickhouse import ClickHouse, RetryableError, parse_target
from perftui.export.columns import COLUMNS, Kind
from perftui.store.outgoing import OutgoingReader
from perftui.store.writer import StoreWriter
from tests.export.clickhouse_front import Fault, Front
from tests.export.conftest import StoreOf, made_batches
from tests.faults.load import ALL

pytestmark = pytest.mark.chdb

log = logging.getLogger("tests.faults")

KILLS = 100 if ALL else 4

EXPORTER = """
import sys, threading
from pathlib import Path
from perftui.commands.export_clickhouse import Table
from perftui.export.clickhouse import parse_target
from perftui.export.clickhouse_schema import SchemaOptions
from perftui.export.drain import drain
from perftui.store.outgoing import OutgoingReader
from perftui.store.writer import StoreWriter
dsn, store = sys.argv[1:]
table = Table(parse_target(dsn), SchemaOptions())
source, checkpoints = OutgoingReader(store), StoreWriter(Path(store))
print("begins", flush=True)
drain(source, table, checkpoints, name="there", block_entries=100,
      dead_letters=Path(store + ".refused"))
"""
"""What `perftui export clickhouse` does, in blocks so small that a kill finds some of each kind."""


@pytest.fixture
def front(tmp_path: Path) -> Iterator[Front]:
    front = Front(tmp_path / "engine")
    yield front
    front.stop()


def export(store: Path, dsn: str, *options: str, env: Mapping[str, str] | None = None) -> Result:
    return CliRunner().invoke(
        cli, ["--db", str(store), "export", "clickhouse", dsn, *options], env=dict(env or {})
    )


def told(done: Result) -> str:
    """What a person sees: what was printed, and the error that the program ends with."""
    return f"{done.output}{done.exception or ''}"


def rows_there(front: Front, *, final: bool = False) -> list[tuple[Any, ...]]:
    """All rows with all columns, moments as µs."""
    clickhouse = ClickHouse(parse_target(front.dsn))
    columns = ", ".join(
        f"toUnixTimestamp64Micro({column.name})"
        if column.kind in {Kind.MOMENT, Kind.NULLABLE_MOMENT}
        else column.name
        for column in COLUMNS
    )
    try:
        return clickhouse.rows(
            f"SELECT {columns} FROM performance_entries {'FINAL' if final else ''}"
        )
    finally:
        clickhouse.close()


def assert_holds_each_entry_once(front: Front, store: Path) -> None:
    """Row by row and column by column, merged or not."""
    reader = OutgoingReader(store)
    expected = sorted(
        (row for block in reader.blocks() for row in table_rows(block_table(block))),
        key=lambda row: (row[3], row[4]),
    )
    reader.close()
    for final in (False, True):
        found = sorted(rows_there(front, final=final), key=lambda row: (row[3], row[4]))
        assert found == expected


@pytest.mark.parametrize(
    "faults",
    [
        [Fault.UNAVAILABLE],
        [Fault.BUSY],
        [Fault.DROPPED_BEFORE],
        [Fault.DROPPED_AFTER],
        [Fault.SLOW],
        [Fault.DROPPED_AFTER, Fault.UNAVAILABLE, Fault.DROPPED_BEFORE],
    ],
)
def test_what_passes_by_itself_is_tried_again(
    front: Front, store_of: StoreOf, faults: list[Fault]
) -> None:
    store = store_of(made_batches(40))
    front.order(*faults)
    done = export(store, front.dsn)
    assert done.exit_code == 0, done.output
    assert front.left() == []
    assert ("next try in" in done.output) == (faults != [Fault.SLOW])
    assert_holds_each_entry_once(front, store)
    again = export(store, front.dsn)
    assert "0 rows sent" in again.output


def test_an_answer_that_comes_too_late_counts_once(front: Front, store_of: StoreOf) -> None:
    store = store_of(made_batches(20))
    assert export(store, front.dsn, "--session", "session-0").exit_code == 0
    reader = OutgoingReader(store)
    (table,) = (block_table(block) for block in reader.blocks())
    reader.close()
    clickhouse = ClickHouse(parse_target(front.dsn), timeout_seconds=1)
    clickhouse.command("TRUNCATE TABLE performance_entries")
    front.order(Fault.SLOW)
    with pytest.raises(RetryableError):
        clickhouse.insert(table, token="one")
    clickhouse.insert(table, token="one")
    clickhouse.close()
    assert_holds_each_entry_once(front, store)


def test_a_full_disk_is_said_and_the_export_goes_on_once_there_is_room(
    front: Front, store_of: StoreOf
) -> None:
    store = store_of(made_batches(40))
    front.order(Fault.DISK_FULL)
    done = export(store, front.dsn)
    assert done.exit_code != 0
    assert "disk is full; free space there and run this again" in told(done)
    assert export(store, front.dsn).exit_code == 0
    assert_holds_each_entry_once(front, store)


def test_a_wrong_password_is_said_and_never_shown(tmp_path: Path, store_of: StoreOf) -> None:
    store = store_of(made_batches(8))
    front = Front(tmp_path / "engine", password="the right one")
    try:
        for dsn, env in (
            (front.dsn, {"CLICKHOUSE_PASSWORD": "geheim"}),
            (front.dsn.replace("//", "//me:geheim@"), {}),
            (front.dsn, {}),
        ):
            done = export(store, dsn, env=env)
            assert done.exit_code != 0
            assert "CLICKHOUSE_PASSWORD or --password-file" in told(done)
            assert "geheim" not in told(done)
        file = tmp_path / "password"
        file.write_text("the right one\n")
        done = export(store, front.dsn, "--password-file", str(file))
        assert done.exit_code == 0, done.output
    finally:
        front.stop()
    with store.open("rb") as kept:
        assert b"the right one" not in kept.read()


def test_a_missing_database_is_said(front: Front, store_of: StoreOf) -> None:
    done = export(store_of(made_batches(8)), f"{front.dsn}/elsewhere")
    assert done.exit_code != 0
    assert "CREATE DATABASE" in told(done)


def test_missing_tables_are_made_and_ones_lost_meanwhile_are_said(
    front: Front, store_of: StoreOf
) -> None:
    store = store_of(made_batches(20))
    assert "made the tables" in export(store, front.dsn).output
    clickhouse = ClickHouse(parse_target(front.dsn))
    clickhouse.command("DROP TABLE performance_entries SYNC")
    clickhouse.close()
    done = export(store, front.dsn)
    assert done.exit_code == 0, done.output
    assert "dropped and made anew" in told(done)
    assert_holds_each_entry_once(front, store)


def test_nobody_there_is_said(store_of: StoreOf) -> None:
    """In one line of ours, and nothing of the client's beside it."""
    command = [sys.executable, "-m", "perftui", "--db", str(store_of(made_batches(2)))]
    for arguments in (["export", "clickhouse"], ["sessions", "--from"], ["pull"]):
        done = subprocess.run(
            [*command, *arguments, "http://127.0.0.1:1"],
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 1
        (line,) = done.stderr.splitlines()
        assert line.endswith("http://127.0.0.1:1 cannot be reached: Connection refused")


@pytest.mark.faults
def test_exporters_that_are_killed_send_each_entry_once(front: Front, store_of: StoreOf) -> None:
    chance = random.Random(5)
    per_round = 60
    batches = made_batches((KILLS + 1) * per_round)
    store = store_of(batches[:per_round])
    killed = 0
    for number in range(1, KILLS + 2):
        process = subprocess.Popen(
            [sys.executable, "-c", EXPORTER, front.dsn, str(store)], stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        assert process.stdout.readline() == b"begins\n"
        if number <= KILLS:
            # The moment is what is tested; there is no condition to wait for.
            time.sleep(chance.uniform(0, 0.25))
            killed += process.poll() is None
            process.kill()
            writer = StoreWriter(store)
            writer.write_batches(batches[number * per_round : (number + 1) * per_round])
            writer.close_now()
        assert process.wait(timeout=300) == (0 if number > KILLS else process.returncode)
        process.stdout.close()
    log.info("%d of %d exporters were killed before they had ended", killed, KILLS)
    assert killed >= KILLS / 2
    assert_holds_each_entry_once(front, store)
