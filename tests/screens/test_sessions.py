"""The list of sessions: every key, against a real store."""

from __future__ import annotations

import base64
import re
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Input

from perftui.screens.help import HelpScreen
from perftui.screens.replay import ReplayScreen
from perftui.screens.sessions import SessionsScreen
from perftui.store.reader import StoreReader
from perftui.widgets.note import Note
from perftui.widgets.row_list import RowList
from tests.screens.conftest import MakeApp, opened, press, settle, until
from tests.screens.sample_store import (
    NOW_US,
    OTHER,
    SESSION,
    THANKS,
    FrozenClock,
    add_earlier_load,
    batch,
)


def sessions(app: Any) -> SessionsScreen:
    assert isinstance(app.screen, SessionsScreen)
    return app.screen


def names(app: Any) -> list[str]:
    rows = app.screen.query_one(RowList).source
    return [rows.key(place) for place in range(len(rows))]


async def test_the_newest_is_first_and_selected(make_app: MakeApp) -> None:
    app = make_app("sessions")
    async with opened(app) as pilot:
        assert names(app) == [SESSION, OTHER]
        selected = sessions(app).selected
        assert selected is not None
        assert selected.session_id == SESSION
        await press(pilot, "j")
        assert sessions(app).query_one(RowList).cursor == 1
        await press(pilot, "k")
        assert sessions(app).query_one(RowList).cursor == 0


async def test_enter_opens_the_replay_and_escape_comes_back(make_app: MakeApp) -> None:
    app = make_app("sessions", clock=FrozenClock(NOW_US + 3_600_000_000))
    async with opened(app) as pilot:
        await press(pilot, "enter")
        assert isinstance(app.screen, ReplayScreen)
        assert not app.screen.live
        assert app.screen.subject.session_id == SESSION
        await press(pilot, "escape")
        assert isinstance(app.screen, SessionsScreen)


async def test_a_session_of_now_opens_live(make_app: MakeApp) -> None:
    app = make_app("sessions")
    async with opened(app) as pilot:
        await press(pilot, "enter")
        assert isinstance(app.screen, ReplayScreen)
        assert app.screen.live


async def test_search_narrows_the_list_while_typing(make_app: MakeApp) -> None:
    app = make_app("sessions")
    async with opened(app) as pilot:
        await press(pilot, "slash", *"check")
        await until(pilot, lambda: names(app) == [SESSION])
        await press(pilot, "enter")
        assert isinstance(app.focused, RowList)
        await press(pilot, "escape")
        await until(pilot, lambda: names(app) == [SESSION, OTHER])


async def test_a_search_without_result_says_so(make_app: MakeApp) -> None:
    app = make_app("sessions")
    async with opened(app) as pilot:
        await press(pilot, "slash", *"zzz")
        await until(pilot, lambda: sessions(app).query_one(Note).display)
        await press(pilot, "escape")
        await until(pilot, lambda: len(names(app)) == 2)


async def test_rename(make_app: MakeApp, own_store: Path) -> None:
    app = make_app("sessions", store=own_store)
    async with opened(app) as pilot:
        await press(pilot, "r", *"slow pay", "enter")
        await until(pilot, lambda: sessions(app).selected.label == "slow pay")  # type: ignore[union-attr]
    with StoreReader(own_store) as reader:
        assert reader.session(SESSION).label == "slow pay"


def key_names(text: str) -> list[str]:
    """As the pilot knows the keys of letters beyond ASCII: by the characters' names."""
    return [unicodedata.name(character) for character in text]


async def test_a_name_of_any_script_is_kept_as_it_is_typed(
    make_app: MakeApp, own_store: Path
) -> None:
    app = make_app("sessions", store=own_store)
    async with opened(app) as pilot:
        await press(pilot, "r", *key_names("शीर्षक"), "left", *key_names("ங்"), "enter")
        await until(pilot, lambda: sessions(app).selected.label is not None)  # type: ignore[union-attr]
        selected = sessions(app).selected
        assert selected is not None
        assert selected.label == "शीर्षங்क"
        await press(pilot, "slash", *key_names("शीर्ष"))
        await until(pilot, lambda: names(app) == [SESSION])
        line = app.screen.query_one("#line", Input)
        assert line.render_line(0).text.rstrip() == "शईर्ष"
        assert line._position_to_cell(5) == 4


async def test_escape_leaves_the_name_as_it_was(make_app: MakeApp, own_store: Path) -> None:
    app = make_app("sessions", store=own_store)
    async with opened(app) as pilot:
        await press(pilot, "r", "x", "escape")
        assert app.screen.query_one("#line", Input).has_class("hidden")
    with StoreReader(own_store) as reader:
        assert reader.session(SESSION).label is None


async def test_pin_and_unpin(make_app: MakeApp, own_store: Path) -> None:
    app = make_app("sessions", store=own_store)
    async with opened(app) as pilot:
        await press(pilot, "p")
        await until(pilot, lambda: sessions(app).selected.pinned)  # type: ignore[union-attr]
        await press(pilot, "p")
        await until(pilot, lambda: not sessions(app).selected.pinned)  # type: ignore[union-attr]


async def test_delete_and_undo(make_app: MakeApp, own_store: Path) -> None:
    app = make_app("sessions", store=own_store)
    async with opened(app) as pilot:
        await press(pilot, "d")
        await until(pilot, lambda: names(app) == [OTHER])
        await until(pilot, lambda: bool(sessions(app)._deleted))
        await press(pilot, "u")
        await until(pilot, lambda: names(app) == [SESSION, OTHER])
        await press(pilot, "g", "delete")
        await until(pilot, lambda: names(app) == [OTHER])
    with StoreReader(own_store) as reader:
        assert [one.session_id for one in reader.sessions()] == [OTHER]


async def test_a_session_that_is_being_deleted_is_not_deleted_again(
    make_app: MakeApp, own_store: Path
) -> None:
    app = make_app("sessions", store=own_store)
    async with opened(app) as pilot:
        screen = sessions(app)
        screen.action_delete()
        screen.action_delete()
        await settle(pilot)
        await until(pilot, lambda: names(app) == [OTHER])
        assert [one.session_id for one in screen._deleted] == [SESSION]
        assert [one.severity for one in app._notifications] == ["information"]


async def test_the_cursor_stays_on_its_line_when_its_session_goes(
    make_app: MakeApp, own_store: Path
) -> None:
    app = make_app("sessions", store=add_earlier_load(own_store))

    def selected() -> str:
        summary = sessions(app).selected
        assert summary is not None
        return summary.session_id

    async with opened(app) as pilot:
        first, second, third = names(app)
        await press(pilot, "j", "d")
        await until(pilot, lambda: names(app) == [first, third])
        assert selected() == third
        await until(pilot, lambda: len(sessions(app)._deleted) == 1)
        await press(pilot, "d")
        await until(pilot, lambda: names(app) == [first])
        assert selected() == first
        await until(pilot, lambda: len(sessions(app)._deleted) == 2)
        await press(pilot, "u")
        await until(pilot, lambda: names(app) == [first, third])
        assert selected() == third
        await press(pilot, "u")
        await until(pilot, lambda: names(app) == [first, second, third])
        assert selected() == second
        assert not sessions(app).check_action("undo", ())


async def test_marking_two_offers_to_compare_them(make_app: MakeApp) -> None:
    app = make_app("sessions")
    async with opened(app) as pilot:
        screen = sessions(app)
        assert not screen.check_action("compare", ())
        assert not screen.check_action("overlay", ())
        await press(pilot, "m", "j", "space")
        assert screen._marked == [SESSION, OTHER]
        assert screen.check_action("compare", ())
        assert screen.check_action("overlay", ())
        await press(pilot, "m")
        assert screen._marked == [SESSION]
        assert not screen.check_action("overlay", ())


async def test_the_script_tag_is_copied_by_osc_52(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TMUX", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    app = make_app("sessions")
    async with opened(app) as pilot:
        written: list[str] = []
        assert app._driver is not None
        monkeypatch.setattr(app._driver, "write", written.append)
        await press(pilot, "y")
        found = re.search(r"\]52;c;([^\x07]*)\x07", "".join(written))
        assert found is not None
        tag = '<script src="http://127.0.0.1:8137/perftui.js"></script>'
        assert base64.b64decode(found[1]).decode() == tag


async def test_help_opens_and_closes(make_app: MakeApp) -> None:
    app = make_app("sessions")
    async with opened(app) as pilot:
        await press(pilot, "question_mark")
        assert isinstance(app.screen, HelpScreen)
        await press(pilot, "question_mark")
        assert isinstance(app.screen, SessionsScreen)


async def test_without_a_store_it_tells_how_to_begin(make_app: MakeApp, tmp_path: Path) -> None:
    app = make_app("sessions", store=tmp_path / "none.db")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.screen.query("Note") and app.screen.query_one(Note)._lines)
        text = " ".join(part for line in app.screen.query_one(Note)._lines for part, _ in line)
        assert "No sessions yet" in text
        assert "perftui.js" in text


async def test_what_arrives_appears_and_the_selection_stays(
    make_app: MakeApp, own_store: Path
) -> None:
    from perftui.store.writer import StoreWriter

    app = make_app("sessions", store=own_store)
    async with opened(app) as pilot:
        await press(pilot, "j")
        writer = StoreWriter(own_store)
        writer.write_batches(
            [
                batch("new-1", "n", THANKS, url="https://a.test/", title="New", received_us=NOW_US),
            ]
        )
        writer.close_now()
        await until(pilot, lambda: len(names(app)) == 3)
        selected = sessions(app).selected
        assert selected is not None
        assert selected.session_id == OTHER
