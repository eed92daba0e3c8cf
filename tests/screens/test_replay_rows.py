"""The rows of a replay: cursor, filter, detail, and the request that one opens."""

from __future__ import annotations

import pytest
from textual.widgets import Input

from perftui.screens.menu import Menu
from perftui.screens.replay import ReplayScreen
from perftui.screens.request import RequestScreen
from perftui.widgets.detail_pane import DetailPane, TabLine
from perftui.widgets.filter_line import FilterLine
from perftui.widgets.key_bar import KeyBar
from perftui.widgets.key_table import key_rows
from perftui.widgets.row_list import RowList
from perftui.widgets.styled_lines import StyledLines
from tests.screens.conftest import MakeApp, opened, press, settle, until
from tests.screens.replaying import END, focused, leaf, replay, rows, top
from tests.screens.sample_store import SESSION


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


async def test_a_call_is_held_against_what_is_usual(make_app: MakeApp) -> None:
    async with replay(make_app) as (pilot, screen):
        await press(pilot, "slash", *"stock", "enter", "d", "d")
        lines = screen.query_one(DetailPane).query_one(StyledLines)._lines
        words = "\n".join("".join(text for text, _style in line) for line in lines)
        assert "usually" in words
        assert "83ms over 3 calls, this one 1.0 times that" in words


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


async def test_a_filter_is_completed_with_what_the_session_holds(make_app: MakeApp) -> None:
    async with replay(make_app) as (pilot, screen):
        line = screen.query_one(FilterLine)
        await press(pilot, "slash")
        await press(pilot, *"domain:s", "tab")
        assert line.text == "domain:shop.acme.dev"
        await press(pilot, "escape", "slash", *"-domain:t", "tab")
        assert line.text == "-domain:t.metrics.example"
        await press(pilot, "escape", "slash", *"mime:", "tab")
        assert line.text.startswith("mime:")
        assert "/" in line.text
        await press(pilot, "escape", "w")
        await press(pilot, "slash", *"initiator:fe", "tab")
        assert top(pilot).query_one(FilterLine).text == "initiator:fetch"


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


async def test_the_tabs_show_the_keys_that_turn_to_them_where_the_focus_is(
    make_app: MakeApp,
) -> None:
    async with replay(make_app) as (pilot, screen):
        pane = screen.query_one(DetailPane)

        def shown() -> str:
            return pane.query_one(TabLine).render_line(0).text.rstrip()

        await until(
            pilot,
            lambda: shown().endswith(
                "t/T  Timing  Headers  Server-Timing  Initiator  Similar  Raw"
            ),
        )
        await press(pilot, "2")
        assert screen.player.at_us < END
        assert pane.tab == "Timing"
        await press(pilot, "tab")
        assert "1 Timing  2 Headers  3 Server-Timing  4 Initiator  5 Similar  6 Raw" in shown()
        assert "t/T" not in shown()
        at_us = screen.player.at_us
        await press(pilot, "2")
        assert pane.tab == "Headers"
        assert screen.player.at_us == at_us
        await press(pilot, "escape")
        assert "t/T  Timing" in shown()


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
    async with opened(app):
        hints = [hint.label for hint in app.screen.query_one(KeyBar).hints()]
        assert ("other calls of the endpoint" in hints) == offered
        assert "copy" in hints


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
    async with opened(app) as pilot:
        await press(pilot, "e")
        screen = app.screen
        assert isinstance(screen, ReplayScreen)
        assert rows(screen).cursor == 0
        await press(pilot, "z")
        assert leaf(screen) == "price"
        shown = {row.id: row.keys for row in key_rows(screen)}
        assert shown["replay.bad"] == "z"
