"""The replay: every key of it, against a real store and a clock that a test moves."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.command import CommandList, CommandPalette
from textual.pilot import Pilot
from textual.widgets import Input

from perftui.screens.help import HelpScreen
from perftui.screens.menu import Menu
from perftui.screens.replay import ReplayScreen
from perftui.screens.request import RequestScreen
from perftui.screens.sessions import SessionsScreen
from perftui.widgets.detail_pane import DetailPane
from perftui.widgets.filter_line import FilterLine
from perftui.widgets.key_bar import KeyBar
from perftui.widgets.key_table import key_rows
from perftui.widgets.moment_pane import MomentPane
from perftui.widgets.row_list import RowList
from perftui.widgets.styled_lines import StyledLines
from perftui.widgets.themes import CONTRAST
from perftui.widgets.transport import Transport
from tests.screens.conftest import MakeApp, press, settle, until
from tests.screens.sample_store import SESSION, START_US, FrozenClock, batch, request, write

END = 16_470_000
"""End of the sample session, µs."""


@asynccontextmanager
async def replay(
    make_app: MakeApp, size: tuple[int, int] = (120, 40), **subject: Any
) -> AsyncIterator[tuple[Pilot[Any], ReplayScreen]]:
    app = make_app(**({"session_id": SESSION} | subject))
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        assert isinstance(app.screen, ReplayScreen)
        yield pilot, app.screen


def rows(screen: ReplayScreen) -> RowList:
    return screen.query_one(RowList)


def focused(screen: ReplayScreen) -> Any:
    return screen.focused


def top(pilot: Pilot[Any]) -> Any:
    return pilot.app.screen


def leaf(screen: ReplayScreen) -> str:
    assert screen.selected is not None
    return screen.selected.entry.name.rpartition("/")[2]


async def test_it_begins_at_the_end_with_all_rows_by_start(make_app: MakeApp) -> None:
    async with replay(make_app) as (_pilot, screen):
        assert screen.player.at_us == END
        source = rows(screen).source
        assert len(source) == 29
        starts = [screen._source.index.starts[place] for place in range(29)]  # type: ignore[union-attr]
        assert starts == sorted(starts)


async def test_seeking(make_app: MakeApp) -> None:
    async with replay(make_app) as (pilot, screen):
        await press(pilot, "0")
        assert screen.player.at_us == 0
        assert len(rows(screen).source) == 2
        await press(pilot, "right")
        assert screen.player.played_us == 5_000_000
        await press(pilot, "left")
        assert screen.player.played_us == 0
        await press(pilot, "shift+right")
        assert screen.timeline is not None
        assert screen.player.played_us == screen.timeline.played_us // 10
        await press(pilot, "shift+left")
        assert screen.player.played_us == 0
        await press(pilot, "5")
        assert screen.player.played_us == round(screen.timeline.played_us / 2)
        for digit in "123467890":
            await pilot.press(digit)
            await pilot.pause()
            assert screen.player.played_us == round(screen.timeline.played_us * int(digit) / 10)


async def test_what_is_at_the_playhead_is_in_view(make_app: MakeApp) -> None:
    async with replay(make_app, (80, 24)) as (pilot, screen):
        assert rows(screen).cursor == 0
        for key in ("4", "full_stop", "full_stop", "comma", "left", "6"):
            await press(pilot, key)
            assert rows(screen).cursor == len(rows(screen).source) - 1
        await press(pilot, "up")
        assert not rows(screen).follow
        here = screen.selected
        await press(pilot, "greater_than_sign", "less_than_sign", "m", "m")
        assert screen.selected == here, "none of these moves the playhead"


async def test_rows_have_the_number_that_goes_there(make_app: MakeApp) -> None:
    async with replay(make_app) as (pilot, screen):
        source = rows(screen).source
        numbers = [screen.painter.number_of(source.row(place)) for place in range(len(source))]
        assert numbers == list(range(1, len(source) + 1))
        await press(pilot, "slash", *"url:price", "enter")
        found = rows(screen).source.row(0)
        number = screen.painter.number_of(found)
        assert number > 1
        await press(pilot, "colon", "number_sign", *str(number), "enter")
        assert screen.player.at_us == found.start_epoch_us - screen.surroundings.session_start_us


async def test_the_rail_leaves_bad_markers_to_the_line_below_it(make_app: MakeApp) -> None:
    async with replay(make_app) as (pilot, screen):
        state = screen.query_one(Transport)._state
        assert not {marker.kind for marker in state.markers.values()} & {"error", "slow"}
        await pilot.resize_terminal(80, 24)
        await settle(pilot)
        state = screen.query_one(Transport)._state
        assert {marker.kind for marker in state.markers.values()} & {"error", "slow"}


async def test_a_call_is_held_against_what_is_usual(make_app: MakeApp) -> None:
    async with replay(make_app) as (pilot, screen):
        await press(pilot, "slash", *"stock", "enter", "d", "d")
        lines = screen.query_one(DetailPane).query_one(StyledLines)._lines
        words = "\n".join("".join(text for text, _style in line) for line in lines)
        assert "usually" in words
        assert "83ms over 3 calls, this one 1.0 times that" in words


async def test_stepping_goes_from_start_to_start(make_app: MakeApp) -> None:
    async with replay(make_app, at="0") as (pilot, screen):
        await press(pilot, "full_stop")
        assert screen.player.at_us == 201_000
        await press(pilot, "full_stop")
        assert screen.player.at_us == 202_000
        await press(pilot, "comma")
        assert screen.player.at_us == 201_000


async def test_markers(make_app: MakeApp) -> None:
    async with replay(make_app, at="0") as (pilot, screen):
        await press(pilot, "right_square_bracket")
        first = screen.player.at_us
        assert screen.selected is not None
        assert leaf(screen) == "price"
        await press(pilot, "right_square_bracket")
        assert screen.player.at_us > first
        await press(pilot, "left_square_bracket")
        assert screen.player.at_us == first


async def test_playing_moves_with_the_clock_and_pausing_stops_it(make_app: MakeApp) -> None:
    clock = FrozenClock()
    app = make_app(session_id=SESSION, at="0", clock=clock)
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        screen = app.screen
        assert isinstance(screen, ReplayScreen)
        await press(pilot, "space")
        assert screen.player.playing
        clock.advance(0.5)
        await until(pilot, lambda: screen.player.at_us == 500_000)
        shown = len(rows(screen).source)
        await press(pilot, "greater_than_sign")
        assert screen.player.speed == 2
        clock.advance(0.25)
        await until(pilot, lambda: screen.player.at_us == 1_000_000)
        assert len(rows(screen).source) > shown
        await press(pilot, "less_than_sign", "space")
        assert screen.player.speed == 1
        clock.advance(5)
        await pilot.pause(0.3)
        assert screen.player.at_us == 1_000_000
        assert not screen.player.playing


async def test_at_the_end_playing_begins_anew(make_app: MakeApp) -> None:
    async with replay(make_app) as (pilot, screen):
        await press(pilot, "space")
        assert screen.player.playing
        assert screen.player.at_us == 0


async def test_play_and_speed_from_the_command_line(make_app: MakeApp) -> None:
    async with replay(make_app, play=True, speed=4.0) as (_pilot, screen):
        assert screen.player.playing
        assert screen.player.speed == 4


async def test_going_to_a_typed_moment(make_app: MakeApp) -> None:
    async with replay(make_app) as (pilot, screen):
        await press(pilot, "colon", *"1.5", "enter")
        assert screen.player.at_us == 1_500_000
        await press(pilot, "colon", *"soon", "enter")
        assert screen.player.at_us == 1_500_000
        await press(pilot, "colon", "escape")
        assert screen.query_one("#moment", Input).has_class("hidden")
        assert focused(screen) is rows(screen)


async def test_own_marks(make_app: MakeApp) -> None:
    async with replay(make_app, at="1.0") as (pilot, screen):
        await press(pilot, "m", "0", "apostrophe")
        assert screen.player.at_us == 1_000_000
        await press(pilot, "m")
        assert not len(screen.markers.of("mark"))


async def test_bad_rows(make_app: MakeApp) -> None:
    async with replay(make_app) as (pilot, screen):
        found = []
        for _ in range(4):
            await press(pilot, "e")
            found.append(leaf(screen))
        assert found == ["price", "banner", "intent", "TypeError"]
        await press(pilot, "E")
        assert leaf(screen) == "intent"


async def test_a_bad_row_beyond_the_playhead_takes_the_playhead_along(make_app: MakeApp) -> None:
    async with replay(make_app, at="0") as (pilot, screen):
        await press(pilot, "e")
        assert leaf(screen) == "price"
        assert screen.player.at_us == 561_000


async def test_requests_in_flight_grow_at_the_playhead(make_app: MakeApp) -> None:
    async with replay(make_app, at="1.0") as (pilot, screen):
        await press(pilot, "n")
        pane = screen.query_one(MomentPane)
        assert pane.display
        text = " ".join(text for line in pane.query_one(StyledLines)._lines for text, _ in line)
        assert "price" in text
        assert "439ms" in text
        await press(pilot, "n")
        assert not pane.display


async def test_filter_validates_while_typing(make_app: MakeApp) -> None:
    async with replay(make_app) as (pilot, screen):
        line = screen.query_one(FilterLine)
        await press(pilot, "slash", *"type:fetch")
        await until(pilot, lambda: len(rows(screen).source) == 10)
        await press(pilot, *" (")
        assert line.mistake is not None
        assert line.mistake.position >= len("type:fetch")
        assert len(rows(screen).source) == 10
        await press(pilot, "enter")
        assert isinstance(screen.focused, Input)
        await press(pilot, "backspace", "backspace", "enter")
        assert focused(screen) is rows(screen)
        await press(pilot, "F")
        await until(pilot, lambda: len(rows(screen).source) == 29)
        await press(pilot, "F")
        await until(pilot, lambda: len(rows(screen).source) == 10)
        await press(pilot, "escape")
        await until(pilot, lambda: len(rows(screen).source) == 29)


async def test_filter_history_and_completion(make_app: MakeApp) -> None:
    async with replay(make_app) as (pilot, screen):
        line = screen.query_one(FilterLine)
        await press(pilot, "slash", *"is:error", "enter", "escape")
        assert line.text == ""
        await press(pilot, "slash", "up")
        assert line.text == "is:error"
        await press(pilot, "down")
        assert line.text == ""
        await press(pilot, *"is:err")
        await until(pilot, lambda: line._input._suggestion)
        await press(pilot, "tab")
        assert line.text == "is:error"
        await press(pilot, "escape", "slash", *"-is:e", "tab")
        assert line.text == "-is:error"
        await press(pilot, "tab")
        assert line.text == "-is:event"
        await press(pilot, "tab")
        assert line.text == "-is:error"
        await press(pilot, "escape", "slash", *"stat", "tab")
        assert line.text == "status:"
        await press(pilot, "tab", "tab")
        assert line.text == "status:3xx"
        await press(pilot, "escape")
        assert focused(screen) is rows(screen)
        assert not line.display


async def test_the_selected_row_survives_a_filter(make_app: MakeApp) -> None:
    async with replay(make_app) as (pilot, screen):
        await press(pilot, "e", "r")
        await until(pilot, lambda: len(rows(screen).source) == 19)
        assert leaf(screen) == "price"
        await press(pilot, "equals_sign")
        await until(pilot, lambda: len(rows(screen).source) == 1)
        await press(pilot, "r", "r")
        await until(pilot, lambda: len(rows(screen).source) == 29)
        assert leaf(screen) == "price"


async def test_lists_move(make_app: MakeApp) -> None:
    async with replay(make_app, size=(80, 24)) as (pilot, screen):
        log = rows(screen)
        await press(pilot, "G")
        assert log.cursor == 28
        await press(pilot, "g")
        assert log.cursor == 0
        await press(pilot, "pagedown")
        page = log.cursor
        assert page == log.size.height - 1
        await press(pilot, "pageup")
        assert log.cursor == 0
        await press(pilot, "ctrl+d")
        assert log.cursor == page // 2
        await press(pilot, "ctrl+u", "down", "down", "up")
        assert log.cursor == 1
        await press(pilot, "end", "home", "ctrl+f", "ctrl+b")
        assert log.cursor == 0


async def test_follow_stays_on_the_newest_row(make_app: MakeApp) -> None:
    async with replay(make_app, at="0") as (pilot, screen):
        await press(pilot, "f")
        assert rows(screen).follow
        await press(pilot, "3")
        assert rows(screen).cursor == len(rows(screen).source) - 1
        await press(pilot, "k")
        assert not rows(screen).follow


async def test_detail_pane_and_its_tabs(make_app: MakeApp) -> None:
    async with replay(make_app, size=(80, 24)) as (pilot, screen):
        pane = screen.query_one(DetailPane)
        assert not pane.display
        await press(pilot, "e", "enter")
        assert pane.display
        assert pane.detail is not None
        await press(pilot, "t")
        assert pane.tab == "Headers"
        await press(pilot, "T")
        assert pane.tab == "Timing"
        await press(pilot, "tab")
        for key, name in zip(
            "123456",
            ["Timing", "Headers", "Server-Timing", "Initiator", "Similar", "Raw"],
            strict=True,
        ):
            await press(pilot, key)
            assert pane.tab == name
        await press(pilot, "j", "k", "l", "h", "G", "g", "pagedown", "pageup", "escape")
        assert focused(screen) is rows(screen)
        await press(pilot, "d")
        assert not pane.display


async def test_the_detail_finds_initiator_and_similar_calls(make_app: MakeApp) -> None:
    async with replay(make_app) as (pilot, screen):
        await press(pilot, "e")
        pane = screen.query_one(DetailPane)
        await until(pilot, lambda: pane.detail is not None and pane.detail.initiator is not None)
        assert pane.detail is not None
        assert pane.detail.initiator is not None
        assert pane.detail.initiator.entry.name.endswith("checkout.77b0aa.js")
        screen.select(22, 1_250_000)
        screen.action_detail_tab("Similar")
        await until(pilot, lambda: pane.detail is not None and len(pane.detail.similar) == 3)


async def test_maximise(make_app: MakeApp) -> None:
    async with replay(make_app) as (pilot, screen):
        await press(pilot, "backslash")
        assert screen.maximized is rows(screen)
        await press(pilot, "backslash")
        assert screen.maximized is None


async def test_request_screen(make_app: MakeApp) -> None:
    async with replay(make_app) as (pilot, screen):
        screen.select(22, 1_250_000)
        await press(pilot, "enter")
        opened = pilot.app.screen
        assert isinstance(opened, RequestScreen)
        before = opened.subject.seq
        await press(pilot, "n")
        assert opened.subject.seq != before
        await press(pilot, "N")
        assert opened.subject.seq == before
        await press(pilot, "y")
        assert isinstance(pilot.app.screen, Menu)
        await press(pilot, "escape", "q")
        assert top(pilot) is screen


@pytest.mark.parametrize(
    ("seq", "offered"),
    [(15, False), (11, False), (22, True)],
    ids=["a paint", "a lone call", "one of three calls"],
)
async def test_other_calls_are_offered_where_there_are_any(
    make_app: MakeApp, seq: int, offered: bool
) -> None:
    app = make_app("request", session_id=SESSION, seq=seq)
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        hints = [hint.label for hint in app.screen.query_one(KeyBar).hints()]
        assert ("other calls of the endpoint" in hints) == offered
        assert "copy" in hints


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


async def test_help_palette_and_the_way_back(make_app: MakeApp) -> None:
    async with replay(make_app) as (pilot, screen):
        await press(pilot, "question_mark")
        assert isinstance(pilot.app.screen, HelpScreen)
        await press(pilot, "escape")
        commands = [one.title for one in pilot.app.get_system_commands(screen)]
        assert "Filter" in commands
        assert "Next bad row" in commands
        assert len(commands) == len(set(commands))
        await press(pilot, "escape")
        assert isinstance(pilot.app.screen, SessionsScreen)


async def test_a_theme_is_chosen_by_key(make_app: MakeApp) -> None:
    async with replay(make_app) as (pilot, screen):
        await pilot.press("ctrl+t")
        await until(pilot, lambda: isinstance(top(pilot), CommandPalette), "the list of themes")
        await pilot.press(*"contrast")
        await until(
            pilot, lambda: top(pilot).query_one(CommandList).option_count == 1, "only one fits"
        )
        await pilot.press("down", "enter")
        await until(pilot, lambda: pilot.app.theme == CONTRAST, "it is worn")
        await settle(pilot)
        assert screen.painter.palette is screen.palette


async def test_live_and_back(make_app: MakeApp) -> None:
    async with replay(make_app) as (pilot, screen):
        await press(pilot, "L")
        await until(pilot, lambda: screen.live and rows(screen).follow)
        assert rows(screen).cursor == 28
        await press(pilot, "space")
        assert screen.frozen
        await press(pilot, "space")
        assert not screen.frozen
        await press(pilot, "0")
        await until(pilot, lambda: not screen.live and screen.timeline is not None)
        assert screen.player.at_us == 0


async def test_the_rail_takes_the_mouse(make_app: MakeApp) -> None:
    async with replay(make_app) as (pilot, screen):
        transport = screen.query_one(Transport)
        start, width = transport._rail
        await pilot.mouse_down(transport, offset=(start, 0))
        await pilot.pause()
        assert screen.player.at_us == 0
        await pilot.hover(transport, offset=(start + width // 2, 0))
        await pilot.mouse_up(transport, offset=(start + width // 2, 0))
        await pilot.pause()
        assert screen.timeline is not None
        assert abs(screen.timeline.fraction(screen.player.at_us) - 0.5) < 0.03


async def test_a_click_selects_and_a_second_one_opens(make_app: MakeApp) -> None:
    async with replay(make_app) as (pilot, screen):
        await pilot.click(RowList, offset=(20, 5))
        await settle(pilot)
        assert rows(screen).cursor == 5
        await pilot.click(RowList, offset=(20, 5), times=2)
        await until(pilot, lambda: isinstance(pilot.app.screen, RequestScreen))


async def test_resizing_keeps_the_place(make_app: MakeApp) -> None:
    async with replay(make_app) as (pilot, screen):
        await press(pilot, "e", "e", "e")
        for size in ((80, 24), (60, 12), (300, 100), (40, 8), (120, 40)):
            await pilot.resize_terminal(*size)
            await settle(pilot)
            assert leaf(screen) == "intent"
            first, end = rows(screen).window
            assert first <= rows(screen).cursor < end


async def test_keys_can_be_mapped_by_binding_id(make_app: MakeApp) -> None:
    app = make_app(session_id=SESSION, keys={"replay.bad": "z"})
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        await press(pilot, "e")
        screen = app.screen
        assert isinstance(screen, ReplayScreen)
        assert rows(screen).cursor == 0
        await press(pilot, "z")
        assert leaf(screen) == "price"
        shown = {row.id: row.keys for row in key_rows(screen)}
        assert shown["replay.bad"] == "z"


async def test_a_deleted_session_says_so(make_app: MakeApp, own_store: Path) -> None:
    from perftui.store.retention import delete_sessions
    from perftui.store.writer import StoreWriter

    async with replay(make_app, store=own_store) as (pilot, screen):
        writer = StoreWriter(own_store)
        delete_sessions(writer, [SESSION])
        writer.close_now()
        await until(pilot, lambda: "deleted" in screen._trouble)


MORE = START_US + 30_000_000
"""When something more of the sample session begins, µs."""


@pytest.mark.parametrize(
    ("at", "start_us", "at_us"),
    [
        ("3.0", MORE, 3_000_000),
        # What is older moves the moment from which all count.
        ("3.0", START_US - 9_000_000, 12_000_000),
        (None, MORE, 30_400_000),
    ],
)
async def test_a_session_that_grows_while_it_is_replayed_leaves_the_playhead_where_it_is(
    make_app: MakeApp, own_store: Path, at: str | None, start_us: int, at_us: int
) -> None:
    async with replay(make_app, store=own_store, at=at) as (pilot, screen):
        before = screen.timeline
        entries = (request("https://shop.test/api/late", 0, 400),)
        more = batch(SESSION, "chk-3", entries, url="https://shop.test/", title="More",
                     start_us=start_us, received_us=MORE + 1_000_000)  # fmt: skip
        write(own_store, [more])
        await until(pilot, lambda: screen.timeline is not before)
        await settle(pilot)
        assert screen.timeline is not None
        assert len(screen.timeline.index) == 30
        assert screen.player.at_us == at_us
        assert not screen.player.playing
        await press(pilot, "full_stop", "comma", "9")
        assert screen.selected is not None


async def test_a_session_that_grows_while_it_plays_plays_on(
    make_app: MakeApp, own_store: Path
) -> None:
    async with replay(make_app, store=own_store, at="1.0", play=True) as (pilot, screen):
        assert screen.player.playing
        before = screen.timeline
        more = batch(SESSION, "chk-3", (request("https://shop.test/api/late", 0, 400),),
                     url="https://shop.test/", title="More", start_us=MORE,
                     received_us=MORE + 1_000_000)  # fmt: skip
        write(own_store, [more])
        await until(pilot, lambda: screen.timeline is not before)
        assert screen.player.playing
        assert 1_000_000 <= screen.player.at_us < END


async def test_a_live_session_that_has_grown_by_the_time_it_is_replayed(
    make_app: MakeApp, own_store: Path
) -> None:
    async with replay(make_app, store=own_store, live=True) as (pilot, screen):
        await until(pilot, lambda: len(rows(screen).source) == 29)
        entries = tuple(request(f"https://shop.test/api/{n}", n, 400) for n in range(100))
        more = batch(SESSION, "chk-3", entries, url="https://shop.test/", title="More",
                     received_us=MORE)  # fmt: skip
        write(own_store, [more])
        await press(pilot, "9")
        await until(pilot, lambda: screen.timeline is not None)
        await settle(pilot)
        assert not screen.live
        assert screen.selected is not None
        assert len(rows(screen).source) > 100
