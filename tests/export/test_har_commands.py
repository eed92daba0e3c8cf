"""``perftui import`` and ``perftui export har|jsonl``: what goes out comes back the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from perftui.cli import cli
from tests.capture.test_har import har, one


def perftui(store: Path, *arguments: str) -> str:
    done = CliRunner().invoke(cli, ["--db", str(store), *arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.parametrize("kind", ["har", "jsonl"])
def test_a_session_there_and_back(tmp_path: Path, kind: str) -> None:
    original = tmp_path / "original.har"
    original.write_bytes(har(*(one(f"https://a.test/{number}") for number in range(40))))
    first, second = tmp_path / f"first.{kind}", tmp_path / f"second.{kind}"
    assert "40 entries imported" in perftui(tmp_path / "a.db", "import", str(original))
    perftui(tmp_path / "a.db", "export", kind, "last", "-o", str(first))
    assert "40 entries imported" in perftui(tmp_path / "b.db", "import", str(first))
    perftui(tmp_path / "b.db", "export", kind, "last", "-o", str(second))
    assert second.read_bytes() == first.read_bytes()
    assert first.read_bytes().count(b"https://a.test/7") >= 1


def test_a_file_imported_twice_adds_nothing(tmp_path: Path) -> None:
    original = tmp_path / "original.har"
    original.write_bytes(har(one(), one("https://a.test/2")))
    assert "2 entries imported" in perftui(tmp_path / "a.db", "import", str(original))
    assert "0 entries imported" in perftui(tmp_path / "a.db", "import", str(original))
