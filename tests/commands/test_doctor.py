"""``perftui doctor``: the state of it all, and what to do about each fault."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from perftui.cli import run
from perftui.store.migrations import MIGRATIONS
from perftui.store.writer import StoreWriter


def findings(
    capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0
) -> dict[str, dict[str, str]]:
    assert run([*arguments, "doctor", "--json"]) == code
    return {one["name"]: one for one in map(json.loads, capsys.readouterr().out.splitlines())}


def test_it_names_the_settings_and_what_wins_over_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PERFTUI_SERVER_PORT", "18137")
    config = tmp_path / "mine.toml"
    config.write_text("[server]\nport = 9000\n")
    told = findings(capsys, "--db", str(tmp_path / "a.db"), "--config", str(config))
    assert told["settings"]["detail"] == f"{config}; over it PERFTUI_SERVER_PORT"
    assert told["port 18137"]["status"] == "ok"


def test_it_tells_the_schema_and_the_copy_from_before(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = tmp_path / "a.db"
    StoreWriter(store).close_now()
    backup = tmp_path / "a.db.v1.backup"
    backup.touch()
    told = findings(capsys, "--db", str(store))
    assert f"schema {len(MIGRATIONS)}," in told["store"]["detail"]
    assert str(backup) in told["backup"]["detail"]


def test_a_fault_comes_with_what_to_do_and_exit_code_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "a.db"
    StoreWriter(store).close_now()
    store.chmod(0o644)
    monkeypatch.setenv("PERFTUI_STORE_MIN_FREE_BYTES", str(2**62))
    told = findings(capsys, "--db", str(store), code=1)
    assert told["store's rights"]["advice"] == f"chmod 600 {store}"
    assert told["free space"]["status"] == "fault"
    assert "perftui prune" in told["free space"]["advice"]
