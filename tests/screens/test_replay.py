"""A replay in time: seeking, playing, markers and what was happening, with a clock that a test moves."""

from __future__ import annotations

from textual.command import CommandList, CommandPalette
from textual.widgets import Input

from perftui.screens.help import HelpScreen
from perftui.screens.replay import ReplayScreen
from perftui.screens.sessions import SessionsScreen
from perftui.widgets.moment_pane import MomentPane
from perftui.widgets.styled_lines import StyledLines
from perftui.widgets.themes import CONTRAST
from perftui.widgets.transport import Transport
from tests.screens.conftest import MakeApp, opened, press, settle, until
from tests.screens.replaying import END, focused, leaf, replay, rows, top
from tests.screens.sample_store import SESSION, FrozenClock


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


async def test_the_rail_leaves_bad_markers_to_the_line_below_it(make_app: MakeApp) -> None:
    async with replay(make_app) as (pilot, screen):
        state = screen.query_one(Transport)._state
        assert not {marker.kind for marker in state.markers.values()} & {"error", "slow"}
        await pilot.resize_terminal(80, 24)
        await settle(pilot)
        state = screen.query_one(Transport)._state
        assert {marker.kind for marker in state.markers.values()} & {"error", "slow"}


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
    async with opened(app) as pilot:
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
