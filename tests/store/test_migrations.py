"""From every schema that landed to today's, with a backup until the first good open."""

from __future__ import annotations

import hashlib
import sqlite3
from pathlib import Path

import pytest

from perftui.errors import (
    NewerStoreError,
    NotAStoreError,
    NotFoundError,
    ReadOnlyStoreError,
    StoreError,
)
from perftui.store.connection import Connection
from perftui.store.migrations import MIGRATIONS, open_for_writing
from perftui.store.reader import StoreReader
from perftui.store.writer import StoreWriter
from tests.store.builders import FixedClock, batch, request

LANDED = {
    1: "90527818dd585062",
    2: "919f37d0e8ee5cf4",
    3: "7acf81702ab355b0",
    4: "69f44a8029a3305f",
}
"""Version -> digest of its schema: a step that has landed is never edited."""


def _make(path: Path, version: int) -> None:
    """A file as that version left it, with one session in it."""
    connection = open_for_writing(path, FixedClock(), migrations=MIGRATIONS[:version])
    for statement in (
        "INSERT INTO session (id, session_id, source, first_received_us, received_us, batch_count,"
        " entry_count, started_us, ended_us, first_seq, last_seq)"
        " VALUES (1, 's1', 1, 5, 5, 1, 1, 7, 9, 1, 1)",
        "INSERT INTO pageview (id, session, page_view_id, time_origin_us, time_origin_estimated,"
        " start_us, end_us) VALUES (1, 1, 'p1', 7, 0, 0, 2)",
        "INSERT INTO batch VALUES (1, 1, 1, x'00', 1, 1, 5, NULL, 0, 0, 0, 7, 0, 7, 9, 1, 0, 1, NULL)",
        "INSERT INTO url (id, hash, url) VALUES (1, 1, 'https://a.test/')",
    ):
        connection.execute(statement)
    row = {"seq": 1, "batch": 1, "type": 1, "url": 1, "start_us": 0, "duration_us": 2}
    connection.execute(
        f"INSERT INTO entry ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})",
        list(row.values()),
    )
    connection.close()


def _schema(path: Path) -> list[tuple[str, str]]:
    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall()
    connection.close()
    return rows


@pytest.mark.parametrize("version", range(1, len(MIGRATIONS) + 1))
def test_a_landed_schema_is_never_edited(tmp_path: Path, version: int) -> None:
    _make(tmp_path / "a.db", version)
    digest = hashlib.sha256(repr(_schema(tmp_path / "a.db")).encode()).hexdigest()[:16]
    assert digest == LANDED[version]


@pytest.mark.parametrize("version", range(1, len(MIGRATIONS)))
def test_an_older_file_is_brought_up_to_date(path: Path, version: int) -> None:
    _make(path, version)
    backup = path.with_name(f"{path.name}.v{version}.backup")

    StoreWriter(path).close_now()
    assert backup.exists()
    assert backup.stat().st_mode & 0o777 == 0o600
    old = sqlite3.connect(backup)
    assert old.execute("PRAGMA user_version").fetchone() == (version,)
    assert old.execute("SELECT session_id FROM session").fetchone() == ("s1",)
    old.close()

    writer = StoreWriter(path)
    assert not backup.exists()
    writer.write_batches([batch([request()])])
    writer.close_now()
    with StoreReader(path) as reader:
        names = [record.entry.name for record in reader.iter_records("s1")]
    assert names == ["https://a.test/", "https://a.test/x"]
    views = sqlite3.connect(path)
    told = "SELECT time_origin_estimated FROM pageviews WHERE page_view_id = 'p1'"
    assert views.execute(told).fetchall() == [(0,)]
    views.close()
    _make(path.with_name("new.db"), len(MIGRATIONS))
    fresh = dict(_schema(path.with_name("new.db")))
    migrated = dict(_schema(path))
    assert {name: " ".join((sql or "").split()) for name, sql in migrated.items()} == {
        name: " ".join((sql or "").split()) for name, sql in fresh.items()
    }


@pytest.mark.parametrize("version", range(1, len(MIGRATIONS)))
def test_reading_an_older_file_brings_it_up_to_date(path: Path, version: int) -> None:
    _make(path, version)
    with StoreReader(path) as reader:
        assert reader.session("s1").entry_count == 1


def test_a_migration_that_fails_leaves_the_file_as_it_was(path: Path) -> None:
    _make(path, len(MIGRATIONS))

    def fails(connection: Connection, clock: object) -> None:
        connection.execute("CREATE TABLE half (x)")
        connection.execute("SELECT nonsense FROM nowhere")

    before = _schema(path)
    with pytest.raises(StoreError, match="nowhere"):
        open_for_writing(path, FixedClock(), migrations=(*MIGRATIONS, fails))
    assert _schema(path) == before
    assert path.with_name(f"{path.name}.v{len(MIGRATIONS)}.backup").exists()
    StoreWriter(path).close_now()


def test_two_that_make_the_file_at_once_make_one(path: Path) -> None:
    first = StoreWriter(path)
    second = StoreWriter(path)
    assert first.store_id == second.store_id
    first.close_now()
    second.close_now()


# --- files that are no store ------------------------------------------------------------------


def test_a_file_of_another_kind_is_not_touched(path: Path) -> None:
    path.write_bytes(b"these are notes, not a database" * 100)
    for open_it in (StoreReader, StoreWriter):
        with pytest.raises(NotAStoreError, match="--db"):
            open_it(path)
    assert path.read_bytes() == b"these are notes, not a database" * 100


def test_a_database_of_another_program_is_not_touched(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    before = path.read_bytes()
    for open_it in (StoreReader, StoreWriter):
        with pytest.raises(NotAStoreError, match="another program"):
            open_it(path)
    assert path.read_bytes() == before


def test_a_file_of_a_newer_perftui_is_not_touched(path: Path) -> None:
    StoreWriter(path).close_now()
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    connection.close()
    before = path.read_bytes()
    for open_it in (StoreReader, StoreWriter):
        with pytest.raises(NewerStoreError, match="pip install --upgrade"):
            open_it(path)
    assert path.read_bytes() == before


def test_a_file_that_is_not_there_or_empty_has_nothing_to_read(path: Path) -> None:
    with pytest.raises(NotFoundError):
        StoreReader(path)
    path.touch()
    with pytest.raises(NotFoundError):
        StoreReader(path)
    with pytest.raises(NotAStoreError, match="folder"):
        StoreReader(path.parent)
    with pytest.raises(NotAStoreError, match="folder"):
        StoreWriter(path.parent)


def test_a_read_only_file_is_read_and_not_written(path: Path) -> None:
    writer = StoreWriter(path)
    writer.write_batches([batch([request()])])
    writer.close_now()
    path.chmod(0o400)
    with pytest.raises(ReadOnlyStoreError, match="chmod"):
        StoreWriter(path)
    with StoreReader(path) as reader:
        assert reader.last_seq() == 1


def test_a_damaged_file_says_so(path: Path) -> None:
    writer = StoreWriter(path)
    for number in range(40):
        writer.write_batches([batch([request(f"https://a.test/{number}/{i}") for i in range(50)])])
    writer.close_now()
    content = bytearray(path.read_bytes())
    content[8192:] = b"\xff" * (len(content) - 8192)
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"damaged|malformed"), StoreReader(path) as reader:
        list(reader.iter_records())
