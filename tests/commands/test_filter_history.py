"""Filters are remembered from one run of the app to the next."""

from __future__ import annotations

import stat
from pathlib import Path

from perftui.commands import filter_history
from perftui.commands.context import Context
from perftui.commands.filter_history import KEPT, FilterHistory
from perftui.commands.open_app import make_app
from perftui.config import Settings
from perftui.widgets.filter_line import FilterLine
from tests.screens.conftest import opened, press, until
from tests.screens.sample_store import SESSION, make_store


def test_the_newest_last_and_each_once(tmp_path: Path) -> None:
    history = FilterHistory(tmp_path / "a.db")
    assert history.read() == []
    for text in ("is:slow", "शीर्षक", "is:error", "is:slow", "", "two\nlines"):
        history.add(text)
    assert history.read() == ["शीर्षक", "is:error", "is:slow"]
    assert stat.S_IMODE(history.path.stat().st_mode) == 0o600


def test_only_the_last_are_kept_and_the_file_stays_small(tmp_path: Path) -> None:
    history = FilterHistory(tmp_path / "a.db")
    history.path.write_bytes(b"\xff\n" + b"x" * (filter_history.MOST_BYTES - 4000) + b"\n")
    for number in range(500):
        history.add(f"larger-than:{number}")
    assert history.read() == [f"larger-than:{number}" for number in range(500 - KEPT, 500)]
    assert history.path.stat().st_size < 4000
    assert len(history.read()) == KEPT


def test_a_folder_that_cannot_be_written_stops_nobody(tmp_path: Path) -> None:
    history = FilterHistory(tmp_path / "no" / "a.db")
    history.add("is:slow")
    assert history.read() == []


async def test_the_next_run_of_the_app_knows_them(tmp_path: Path) -> None:
    store = make_store(tmp_path / "sample.db")
    context = Context(Settings(), store, color=True)
    app = make_app(context, session_id=SESSION)
    async with opened(app) as pilot:
        await press(pilot, "slash", *"is:error", "enter")
        await until(pilot, lambda: FilterHistory(store).read() == ["is:error"])
    app = make_app(context, session_id=SESSION)
    async with opened(app) as pilot:
        await press(pilot, "slash", "up")
        assert app.screen.query_one(FilterLine).text == "is:error"
