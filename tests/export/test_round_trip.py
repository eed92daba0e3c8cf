"""Recorded sessions: store, ClickHouse, pulled into a new store, exported again: equal each time.

The recordings are the demo session and, where they lie beside the project, the public HAR files of
``../shared/har``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from perftui.cli import cli
from perftui.export.arrow import block_table, table_rows
from perftui.model import Batch
from perftui.store.outgoing import OutgoingReader
from perftui.store.reader import StoreReader

pytestmark = pytest.mark.chdb

ROOT = Path(__file__).resolve().parents[2]
RECORDINGS = [
    ROOT / "perftui/demo/session.jsonl",
    *sorted((ROOT.parent / "shared/har").glob("*.har")),
]


def perftui(store: Path, *arguments: str) -> str:
    done = CliRunner().invoke(cli, ["--db", str(store), *arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def sessions(store: Path) -> list[str]:
    reader = StoreReader(store)
    try:
        return sorted(summary.session_id for summary in reader.sessions())
    finally:
        reader.close()


def rows(store: Path) -> list[tuple[Any, ...]]:
    reader = OutgoingReader(store)
    try:
        found = [row for block in reader.blocks() for row in table_rows(block_table(block))]
    finally:
        reader.close()
    return sorted(found, key=lambda row: (row[3], row[4]))


def batches(store: Path) -> list[Batch]:
    reader = OutgoingReader(store)
    try:
        found = [batch for one in sessions(store) for batch in reader.batches(one)]
    finally:
        reader.close()
    return sorted(found, key=lambda batch: batch.key)


@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda path: path.name)
def test_a_recording_there_and_back_and_there_again(tmp_path: Path, recording: Path) -> None:
    here, back = tmp_path / "here.db", tmp_path / "back.db"
    there, again = f"chdb://{tmp_path}/there", f"chdb://{tmp_path}/again"
    # Recordings are years old; nothing of them is to expire.
    keep = ("--ttl", "36500d")
    perftui(here, "import", str(recording))
    perftui(here, "export", "clickhouse", there, *keep)
    for session in sessions(here):
        perftui(back, "pull", there, session)
        assert ": 0 entries" not in perftui(back, "pull", there, session)
    assert sessions(back) == sessions(here)
    assert rows(back) == rows(here)
    assert batches(back) == batches(here)
    for session in sessions(here):
        for form in ("har", "jsonl"):
            files = [tmp_path / f"{store.stem}.{form}" for store in (here, back)]
            for store, file in zip((here, back), files, strict=True):
                perftui(store, "export", form, session, "-o", str(file))
            # Batches that arrived in one microsecond, as those of a file do, have no order.
            lines = [sorted(file.read_bytes().splitlines()) for file in files]
            assert lines[0] == lines[1]
    perftui(back, "export", "clickhouse", again, *keep)
    third = tmp_path / "third.db"
    for session in sessions(here):
        perftui(third, "pull", again, session)
    assert rows(third) == rows(here)
    assert batches(third) == batches(here)


def test_a_session_there_is_replayed_here_by_its_address(tmp_path: Path) -> None:
    here, back, there = tmp_path / "here.db", tmp_path / "back.db", f"chdb://{tmp_path}/there"
    perftui(here, "import", str(RECORDINGS[0]))
    perftui(here, "export", "clickhouse", there, "--ttl", "36500d")
    (session,) = sessions(here)
    # Without a terminal a replay is the log.
    assert perftui(back, "replay", f"{there}#{session[:9]}") == perftui(here, "log", session)
    assert perftui(back, "replay", f"{there}#last") == perftui(here, "log", session)
    missing = CliRunner().invoke(cli, ["--db", str(back), "replay", f"{there}#nobody"])
    assert missing.exit_code == 1
    assert "no session 'nobody'" in str(missing.exception) + missing.output
