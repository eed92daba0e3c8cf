"""HAR files of a size and a sameness that nobody needs: nothing of them is lost, in bounded memory."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import pytest

from perftui.store.reader import StoreReader
from tests.capture.test_har import one
from tests.faults.load import ALL

pytestmark = pytest.mark.faults

ENTRIES = 1_000_000 if ALL else 60_000

MAXIMUM_BYTES = 300 * 2**20

IMPORT = """
import pathlib, re, sys
from perftui.cli import cli
try:
    cli(["--db", sys.argv[1], "import", sys.argv[2]])
finally:
    status = pathlib.Path("/proc/self/status").read_text()
    print("peak", re.search(r"VmHWM:\\s+(\\d+) kB", status)[1])
"""
"""Imports a file and tells the most memory that its process has had, as the kernel counts it."""


def imported(folder: Path, entries: dict[str, Any], *, pages: int = 1) -> tuple[str, list[str]]:
    """Import a file of :data:`ENTRIES` entries that differ in nothing but their page."""
    path = folder / "t.har"
    with path.open("w") as file:
        told = [
            {"id": f"p{number}", "startedDateTime": "2026-01-01T00:00:00Z", "pageTimings": {}}
            for number in range(pages)
        ]
        creator = {"name": "t", "version": "1"}
        head = json.dumps({"version": "1.2", "creator": creator, "pages": told})
        file.write(f'{{"log": {head[:-1]}, "entries": [')
        texts = [json.dumps({**entries, "pageref": f"p{number}"}) for number in range(pages)]
        each = chain.from_iterable(repeat(texts, ENTRIES // pages))
        file.write(next(each))
        file.writelines(f",{text}" for text in each)
        file.write("]}}")
    done = subprocess.run(
        [sys.executable, "-c", IMPORT, str(folder / "t.db"), str(path)],
        capture_output=True,
        text=True,
    )
    path.unlink()
    assert done.returncode == 0, done.stderr
    said, peak = done.stdout.strip().splitlines()[-2:]
    assert int(peak.split()[1]) * 1024 <= MAXIMUM_BYTES
    return said, done.stderr.splitlines()


def test_entries_of_one_url_at_one_moment_are_all_there(tmp_path: Path) -> None:
    said, complaints = imported(tmp_path, one())
    assert said.startswith(f"{ENTRIES:,} entries imported into 1 session")
    assert complaints == []
    with StoreReader(tmp_path / "t.db") as reader:
        (summary,) = reader.sessions()
        assert (summary.request_count, summary.entry_count) == (ENTRIES, ENTRIES)
        assert sum(1 for _ in reader.iter_records(summary.session_id)) == ENTRIES


def test_as_many_pages_as_a_file_may_have_hold_no_entries_back(tmp_path: Path) -> None:
    pages = ENTRIES // 20
    said, complaints = imported(tmp_path, one(), pages=pages)
    assert said.startswith(f"{ENTRIES:,} entries imported into 1 session")
    assert complaints == []
    with StoreReader(tmp_path / "t.db") as reader:
        (summary,) = reader.sessions()
        assert (summary.request_count, summary.page_view_count) == (ENTRIES, pages)
