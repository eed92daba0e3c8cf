"""``perftui doctor``: the state of it all, and what to do about each fault."""

from __future__ import annotations

import json
import socket
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from perftui.cli import run
from perftui.store.migrations import MIGRATIONS
from perftui.store.writer import StoreWriter
from tests.server.conftest import servers


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


def test_the_variable_of_the_key_map_is_said_to_be_ignored(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, config = tmp_path / "a.db", tmp_path / "mine.toml"
    config.write_text("")
    monkeypatch.delenv("PERFTUI_APP_KEYS", raising=False)
    arguments = ("--db", str(store), "--config", str(config))
    assert "PERFTUI_APP_KEYS" not in findings(capsys, *arguments)
    monkeypatch.setenv("PERFTUI_APP_KEYS", "{'replay.play': 'P'}")
    told = findings(capsys, *arguments)
    assert told["settings"]["detail"] == str(config)
    assert told["PERFTUI_APP_KEYS"]["status"] == "note"
    assert "ignored" in told["PERFTUI_APP_KEYS"]["detail"]
    assert f"[app.keys] in {config}" in told["PERFTUI_APP_KEYS"]["advice"]


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


def _newer(store: Path) -> None:
    connection = sqlite3.connect(store)
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    connection.close()


def _of_another_program(store: Path) -> None:
    store.write_bytes(b"these are notes, not a database")


def _damaged(store: Path) -> None:
    content = bytearray(store.read_bytes())
    content[8192:] = b"\xff" * (len(content) - 8192)
    store.write_bytes(content)


@pytest.mark.parametrize(
    ("harm", "detail", "advice"),
    [
        (_newer, "newer perftui", "pip install --upgrade perftui"),
        (_of_another_program, "not a perftui store", "name another file with --db"),
        (_damaged, "is damaged", "the next capture makes a new one"),
    ],
)
def test_a_store_that_cannot_be_read(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    harm: Callable[[Path], None],
    detail: str,
    advice: str,
) -> None:
    store = tmp_path / "a.db"
    StoreWriter(store).close_now()
    harm(store)
    before = store.read_bytes()
    told = findings(capsys, "--db", str(store), code=1)
    assert told["store"]["status"] == "fault"
    assert detail in told["store"]["detail"]
    assert advice in told["store"]["advice"]
    assert store.read_bytes() == before


def test_a_store_that_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = tmp_path / "a.db"
    StoreWriter(store).close_now()
    store.chmod(0o400)
    told = findings(capsys, "--db", str(store), code=1)
    assert told["store"]["status"] == "ok"
    assert "nothing can be captured" in told["store's rights"]["detail"]
    assert told["store's rights"]["advice"].startswith(f"chmod u+w {store}")


def test_settings_with_which_no_server_would_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PERFTUI_SERVER_HOST", "0.0.0.0")
    monkeypatch.setenv("PERFTUI_STORE_TTL", "a month")
    monkeypatch.setenv("PERFTUI_STORE_MAX_SIZE", "huge")
    told = findings(capsys, "--db", str(tmp_path / "a.db"), code=1)
    assert "PERFTUI_SERVER_KEY" in told["host 0.0.0.0"]["advice"]
    assert "30d" in told["[store] ttl"]["detail"]
    assert "2GB" in told["[store] max_size"]["detail"]
    monkeypatch.setenv("PERFTUI_SERVER_KEY", "k")
    monkeypatch.setenv("PERFTUI_STORE_TTL", "30d")
    monkeypatch.setenv("PERFTUI_STORE_MAX_SIZE", "2GB")
    assert not findings(capsys, "--db", str(tmp_path / "a.db")).keys() & told.keys() - {
        name for name, one in told.items() if one["status"] != "fault"
    }


def test_settings_with_which_the_app_would_not_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each of them, where the app itself ends with the first."""
    config = tmp_path / "perftui.toml"
    config.write_text(
        '[app]\ntheme = "sepia"\n[app.keys]\n"replay.plya" = "p"\n"replay.bad" = "hyperspace"\n'
        '"replay.play" = "w"\n"sessions.pin" = "Q"\n'
    )
    arguments = ["--db", str(tmp_path / "a.db"), "--config", str(config), "doctor"]
    assert run(arguments) == 1
    told = " ".join(capsys.readouterr().out.split())
    for words in (
        "[app] theme there is no theme 'sepia'; there are ",
        "[app.keys] there is no binding 'replay.plya'; did you mean replay.play?",
        "[app.keys] replay.bad: there is no key 'hyperspace'",
        "[app.keys] replay.play: the key w is that of replay.waterfall",
        "→ choose one of these, or leave it out",
        "→ change it in the settings, or leave it out",
    ):
        assert words in told
    assert told.count("✖ [app") == 4
    config.write_text('[app]\ntheme = "perftui-light"\n[app.keys]\n"sessions.pin" = "Q"\n')
    told_now = findings(capsys, *arguments[:-1])
    assert told_now["[app] theme"]["detail"] == "perftui-light"
    assert told_now["[app.keys]"]["detail"] == "1 changed"


def test_a_port_that_another_program_has(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        monkeypatch.setenv("PERFTUI_SERVER_PORT", str(other.getsockname()[1]))
        told = findings(capsys, "--db", str(tmp_path / "a.db"), code=1)
    (name,) = (name for name in told if name.startswith("port "))
    assert told[name]["detail"].startswith("taken by ")
    assert "choose another port" in told[name]["advice"]


def test_a_capture_server_that_refuses_batches(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with servers(tmp_path) as start:
        for minimum, status in ((0, "ok"), (2**62, "fault")):
            port = start(min_free_bytes=minimum).port
            monkeypatch.setenv("PERFTUI_SERVER_PORT", str(port))
            told = findings(capsys, "--db", str(tmp_path / "a.db"), code=int(status == "fault"))
            assert told[f"port {port}"]["status"] == status
    assert "refuses batches: only " in told[f"port {port}"]["detail"]
