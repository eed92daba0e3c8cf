"""How commands end: exit codes, and one line that says what to do next."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from perftui.cli import with_global_options_first


def perftui(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the real command line without a terminal."""
    return subprocess.run(
        [sys.executable, "-m", "perftui", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        stdin=subprocess.DEVNULL,
        env={**os.environ, **environment},
    )


def test_no_store_yet_says_how_to_begin(tmp_path: Path) -> None:
    done = perftui("--db", str(tmp_path / "none.db"), "sessions")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "perftui import FILE" in done.stderr
    assert not (tmp_path / "none.db").exists()


@pytest.mark.parametrize("command", [["sessions"], ["log"], ["waterfall"], ["replay"]])
def test_a_file_that_is_no_store_is_told_and_not_touched(
    tmp_path: Path, command: list[str]
) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("milk, bread\n" * 1000)
    done = perftui("--db", str(file), *command)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "notes.txt" in done.stderr
    assert file.read_text() == "milk, bread\n" * 1000
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_another_programs_database_is_told_and_not_touched(tmp_path: Path) -> None:
    file = tmp_path / "other.db"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE recipes (name TEXT)")
    connection.close()
    before = file.read_bytes()
    for command in (["sessions"], ["serve", "--port", "0"]):
        done = perftui("--db", str(file), *command)
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        assert "other.db" in done.stderr
    assert file.read_bytes() == before


def test_wrong_usage_is_exit_code_2(tmp_path: Path) -> None:
    assert perftui("no-such-command").returncode == 2
    assert perftui("--db", str(tmp_path / "x.db"), "log", "--order", "sideways").returncode == 2


def test_a_wrong_setting_names_itself(tmp_path: Path) -> None:
    config = tmp_path / "perftui.toml"
    config.write_text('[server]\nport = "many"\n')
    done = perftui("--config", str(config), "sessions")
    assert done.returncode == 2
    assert "server.port" in done.stderr
    assert str(config) in done.stderr


def test_a_wrong_variable_names_itself(tmp_path: Path) -> None:
    done = perftui(
        "--db", str(tmp_path / "none.db"), "sessions", PERFTUI_THRESHOLDS_API_SLOW_MS="soon"
    )
    assert done.returncode == 2
    assert "PERFTUI_THRESHOLDS_API_SLOW_MS" in done.stderr


def test_a_wrong_filter_shows_its_place(tmp_path: Path) -> None:
    done = perftui("--db", str(tmp_path / "none.db"), "log", "--filter", "status>=")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_global_options_may_stand_behind_the_command(tmp_path: Path) -> None:
    file = tmp_path / "none.db"
    before = perftui("--db", str(file), "sessions")
    assert "none.db" in before.stderr
    for arguments in (["sessions", "--db", str(file)], ["sessions", "--no-color", f"--db={file}"]):
        behind = perftui(*arguments)
        assert (behind.returncode, behind.stderr) == (before.returncode, before.stderr)


def test_a_global_option_without_its_value_is_wrong_usage() -> None:
    done = perftui("log", "--db")
    assert done.returncode == 2
    assert "'--db' requires an argument" in done.stderr


def test_what_stands_behind_two_dashes_is_no_option() -> None:
    assert with_global_options_first(["import", "--", "--db"]) == ["import", "--", "--db"]
