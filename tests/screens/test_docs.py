"""The page about the app says what the bindings say."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

from tests.conftest import REPOSITORY

PAGE = REPOSITORY / "docs" / "app.md"


def script() -> ModuleType:
    path = REPOSITORY / "scripts" / "write_keys_table.py"
    found = importlib.util.spec_from_file_location("write_keys_table", path)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def test_the_table_of_keys_is_that_of_the_bindings() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert script().written(page) == page, "run scripts/write_keys_table.py"


def test_every_id_is_there_once() -> None:
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line[:3] == "| `"]
    ids = [line.split("|")[3].strip() for line in lines]
    assert len(ids) == len(set(ids))
    assert "`replay.play`" in ids


def test_the_pages_it_names_are_there() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for name in ("screens.md", "settings.md"):
        assert name in text
        assert Path(PAGE.parent / name).is_file()
