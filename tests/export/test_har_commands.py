"""``perftui import`` and ``perftui export har|jsonl``: what goes out comes back the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from perftui.cli import cli
from tests.capture.test_har import har, one

DEMO_SESSION = Path(__file__).resolve().parents[2] / "perftui" / "demo" / "session.jsonl"


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


def test_a_har_file_beside_the_session_that_it_was_made_of_adds_nothing(tmp_path: Path) -> None:
    store, whole, page = tmp_path / "a.db", tmp_path / "whole.har", tmp_path / "page.har"
    perftui(store, "import", str(DEMO_SESSION))
    before = perftui(store, "log", "--json")
    perftui(store, "export", "har", "last", "-o", str(whole))
    perftui(store, "export", "har", "last", "--pageview", "2", "-o", str(page))
    for file, pageviews in ((whole, 9), (page, 1), (whole, 9)):
        said = perftui(store, "import", str(file))
        assert "0 entries imported" in said
        assert f"left as they are there: {pageviews}\n" in said
    assert perftui(store, "log", "--json") == before
    # Elsewhere, what came first does not keep the rest away.
    other = tmp_path / "b.db"
    for file in (page, whole, page, whole):
        assert "from elsewhere" not in perftui(other, "import", str(file))
    assert len(perftui(other, "log", "--json").splitlines()) == len(before.splitlines())


def test_a_file_imported_twice_adds_nothing(tmp_path: Path) -> None:
    original = tmp_path / "original.har"
    original.write_bytes(har(one(), one("https://a.test/2")))
    assert "2 entries imported" in perftui(tmp_path / "a.db", "import", str(original))
    assert "0 entries imported" in perftui(tmp_path / "a.db", "import", str(original))
