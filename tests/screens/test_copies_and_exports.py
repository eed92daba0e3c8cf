"""What can be taken out of a replay: copies, pictures, and files of its rows."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.screens.conftest import MakeApp, press, until
from tests.screens.replaying import replay
from tests.screens.sample_store import SESSION


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], list[str]]:
    monkeypatch.delenv("TMUX", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")

    def listen(app: Any) -> list[str]:
        written: list[str] = []
        monkeypatch.setattr(app._driver, "write", written.append)
        return written

    return listen


@pytest.mark.parametrize(
    ("key", "beginning"),
    [
        ("u", "https://shop.acme.dev/api/cart/price"),
        ("c", "curl https://shop.acme.dev/api/cart/price -X POST -H 'Accept: application/json'"),
        ("f", 'fetch("https://shop.acme.dev/api/cart/price", {'),
        ("t", "    0.561 POST   200 fetch /api/cart/price"),
        ("r", '{\n  "entryType": "resource"'),
        ("h", '{\n  "pageref": "chk-1",\n  "startedDateTime": "2026-11-23T16:'),
    ],
)
async def test_copy(
    make_app: MakeApp, terminal: Callable[[Any], list[str]], key: str, beginning: str
) -> None:
    async with replay(make_app) as (pilot, _screen):
        await press(pilot, "e")
        written = terminal(pilot.app)
        await press(pilot, "y", key)
        found = re.search(r"\]52;c;([^\x07]*)\x07", "".join(written))
        assert found is not None
        assert base64.b64decode(found[1]).decode().startswith(beginning)


async def test_what_is_too_long_for_the_clipboard_goes_to_a_file(make_app: MakeApp) -> None:
    async with replay(make_app) as (pilot, _screen):
        pilot.app.copy("x" * 200_000, "the body")  # type: ignore[attr-defined]
        await until(pilot, lambda: len(pilot.app._notifications))
        (notice,) = pilot.app._notifications
        path = Path(notice.message.rpartition(" is in ")[2])
        assert path.read_text() == "x" * 200_000
        assert path.stat().st_mode & 0o777 == 0o600
        path.unlink()


async def test_a_console_without_clipboard_gets_a_file(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("TMUX", raising=False)
    monkeypatch.setenv("TERM", "linux")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    async with replay(make_app) as (pilot, _screen):
        await press(pilot, "e", "y", "u")
        (notice,) = pilot.app._notifications
        assert "no clipboard" in notice.message
        path = Path(notice.message.rpartition(" is in ")[2])
        assert path.read_text() == "https://shop.acme.dev/api/cart/price"


async def test_export(make_app: MakeApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with replay(make_app) as (pilot, _screen):
        await press(pilot, "x", "t")
        text = (tmp_path / f"perftui-{SESSION}.txt").read_text().splitlines()
        assert len(text) == 29
        await press(pilot, "x", "h")
        document = json.loads((tmp_path / f"perftui-{SESSION}.har").read_text())
        assert len(document["log"]["entries"]) == 19
        await press(pilot, "x", "s")
        await until(pilot, lambda: (tmp_path / f"perftui-{SESSION}.svg").exists())
        assert "<svg" in (tmp_path / f"perftui-{SESSION}.svg").read_text()
