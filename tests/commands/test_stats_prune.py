"""``perftui stats`` and ``perftui prune`` as a person or a script calls them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from perftui.cli import run
from perftui.clock import SystemClock
from perftui.model import Page
from perftui.store.writer import StoreWriter
from tests.store.builders import batch, request

DAY_US = 86_400_000_000


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """An old session, a young one, and one with a hostile name."""
    path = tmp_path / "perftui.db"
    now_us = SystemClock().now_us()
    writer = StoreWriter(path)
    for session, days in (("old-1", 40), ("young-1", 2)):
        writer.write_batches(
            [
                batch(
                    [request(f"https://a.test/{number}") for number in range(30)],
                    session=session,
                    received_us=now_us - days * DAY_US,
                    page=Page(url="https://a.test/"),
                )
            ]
        )
    writer.set_label("young-1", "evil\x1b]52;c;aGk=\x07[bold]")
    writer.close_now()
    return path


def _run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = run(list(arguments))
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_stats_as_text(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = _run(capsys, "--db", str(store), "stats")
    assert code == 0
    assert "2 sessions" in out
    assert "resource" in out
    assert "old-1" in out
    assert "100.0% of it is performance data" in out
    assert "\x1b" not in out
    assert "\x07" not in out


def test_stats_as_json(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = _run(capsys, "--db", str(store), "stats", "--json")
    assert code == 0
    told = json.loads(out)
    assert told["received_entries"] == 60
    assert told["by_type"][0]["entry_type"] == "resource"
    assert {one["session_id"] for one in told["by_session"]} == {"old-1", "young-1"}
    assert len(told["by_day"]) == 2


def test_without_a_store_they_say_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in ("stats", "prune"):
        code, out, err = _run(capsys, "--db", str(tmp_path / "none.db"), command)
        assert (code, out) == (1, "")
        assert "does not exist" in err
    assert not (tmp_path / "none.db").exists()


def test_prune_by_age(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = _run(capsys, "--db", str(store), "prune", "--ttl", "30d", "--dry-run")
    assert code == 0
    assert "old-1" in out
    assert "1 session would go" in out
    code, out, _ = _run(capsys, "--db", str(store), "prune", "--ttl", "30d")
    assert "Removed 1 session with 30 entries" in out
    code, out, _ = _run(capsys, "--db", str(store), "prune", "--ttl", "30d")
    assert (code, out) == (0, "Nothing to prune.\n")


def test_prune_by_name_as_json(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = _run(capsys, "--db", str(store), "prune", "young", "--json")
    assert code == 0
    session, summary = map(json.loads, out.splitlines())
    assert (session["session_id"], session["reason"]) == ("young-1", "named")
    assert (summary["sessions"], summary["entries"]) == (1, 30)
    code, out, err = _run(capsys, "--db", str(store), "prune", "young")
    assert code == 1
    assert "perftui sessions" in err


def test_prune_without_a_rule_says_so(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = _run(capsys, "--db", str(store), "prune")
    assert code == 0
    assert "--ttl 30d" in out


@pytest.mark.parametrize(
    "arguments", [("--ttl", "soon"), ("--max-size", "big"), ("old-1", "--ttl", "3d")]
)
def test_wrong_usage_is_exit_code_2(
    store: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    code, _, err = _run(capsys, "--db", str(store), "prune", *arguments)
    assert code == 2
    assert err.count("\n") == 1
