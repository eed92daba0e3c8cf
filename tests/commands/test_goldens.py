"""Log and waterfall of the demo session as text, at several widths, as they were looked at.

The files stand beside this one, in ``__snapshots__/test_goldens``; CONTRIBUTING.md says how they
are made anew.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from perftui.commands.demo import recorded_batches
from tests.commands.test_errors import perftui


class TextFile(SingleFileSnapshotExtension):
    """One readable text file for each snapshot."""

    _write_mode = WriteMode.TEXT
    _file_extension = "txt"


@pytest.fixture
def golden(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    return snapshot.use_extension(TextFile)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A store that holds the demo session."""
    folder = tmp_path_factory.mktemp("goldens")
    file = folder / "session.jsonl"
    file.write_bytes(b"".join(json.dumps(one).encode() + b"\n" for one in recorded_batches()))
    done = perftui("--db", str(folder / "demo.db"), "import", str(file))
    assert done.returncode == 0, done.stderr
    return str(folder / "demo.db")


WIDTHS = (80, 120, 200)
LOOKS: Mapping[str, tuple[str, ...]] = {"unicode": (), "ascii": ("--ascii",)}
VIEWS: Mapping[str, tuple[str, ...]] = {
    "log": ("log", "last"),
    "log-filtered": ("log", "last", "--filter", "is:slow OR is:error -domain:tracker.example"),
    "waterfall": ("waterfall", "last", "--pageview", "1"),
    "waterfall-aggregated": ("waterfall", "last", "--page", "/products", "--aggregate"),
}


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("view", VIEWS)
def test_text_is_as_it_was_looked_at(
    golden: SnapshotAssertion, store: str, view: str, look: str, width: int
) -> None:
    done = perftui("--db", store, *VIEWS[view], "--width", str(width), *LOOKS[look])
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout == golden
