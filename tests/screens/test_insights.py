"""The insights and compare screens: every key, and pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from perftui.analysis.insights.answer import Question
from perftui.screens.compare import CompareScreen
from perftui.screens.insights import InsightsScreen
from perftui.widgets.plots import HEIGHT, PlotPane
from perftui.widgets.styled_lines import StyledLines
from tests.screens.conftest import MakeApp, opened, press, until
from tests.screens.sample_store import EARLIER, OTHER, SESSION, add_earlier_load
from tests.screens.test_snapshots import LOOKS, SIZES, Compare, keys


def insights(app: Any) -> InsightsScreen:
    assert isinstance(app.screen, InsightsScreen)
    return app.screen


def shown(lines: StyledLines) -> str:
    return "\n".join("".join(part for part, _style in line) for line in lines._lines)


def text(screen: Any) -> str:
    return shown(screen.query_one(StyledLines))


async def test_every_question_is_answered_by_its_key(make_app: MakeApp) -> None:
    app = make_app("insights", session_id=SESSION)
    async with opened(app) as pilot:
        for number, question in enumerate(Question, 1):
            await press(pilot, str(number))
            screen = insights(app)
            assert screen.question is question
            assert screen._told is not None
            assert screen._told.answer.question == question.value
            assert question.words in text(screen)
        await press(pilot, "tab")
        assert insights(app).question is Question.ASSETS
        await press(pilot, "shift+tab")
        assert insights(app).question is Question.MOMENT


@pytest.mark.parametrize(
    ("key", "question"),
    [(str(number), question) for number, question in enumerate(Question, 1)],
    ids=lambda value: str(value),
)
async def test_each_question_has_its_key(make_app: MakeApp, key: str, question: Question) -> None:
    app = make_app("insights", session_id=SESSION)
    async with opened(app) as pilot:
        await press(pilot, "2" if key == "1" else "1", key)
        assert insights(app).question is question
        told = insights(app)._told
        assert told is not None
        assert told.answer.question == question.value


async def test_the_moment_moves_within_the_session(make_app: MakeApp) -> None:
    app = make_app("insights", session_id=SESSION, at="2")
    async with opened(app) as pilot:
        await press(pilot, "9")
        assert insights(app)._at_us == 2_000_000
        first = text(insights(app))
        await press(pilot, "right_square_bracket")
        assert insights(app)._at_us == 3_000_000
        assert text(insights(app)) != first
        await press(pilot, *["left_square_bracket"] * 5)
        assert insights(app)._at_us == 0


async def test_all_sessions_and_back(make_app: MakeApp) -> None:
    app = make_app("insights", session_id=SESSION)
    async with opened(app) as pilot:
        one = insights(app)._told
        await press(pilot, "a")
        many = insights(app)._told
        assert one is not None
        assert many is not None
        assert one.answer.coverage.sessions == 1
        assert many.answer.coverage.sessions > 1
        await press(pilot, "a")
        again = insights(app)._told
        assert again is not None
        assert again.answer == one.answer


async def test_a_plot_comes_and_goes_and_follows_the_question(make_app: MakeApp) -> None:
    app = make_app("insights", session_id=SESSION)
    async with opened(app) as pilot:
        pane = insights(app).query_one(PlotPane)
        assert not pane.display
        await press(pilot, "2", "p")
        await until(pilot, lambda: "Durations of all API calls" in shown(pane), "the plot is there")
        assert pane.size.height == HEIGHT
        await press(pilot, "5")
        await until(pilot, lambda: "Nothing to plot" in shown(pane), "it follows the question")
        await press(pilot, "p")
        assert not pane.display


async def test_insights_open_from_the_replay_and_close(make_app: MakeApp) -> None:
    app = make_app()
    async with opened(app) as pilot:
        await press(pilot, "i")
        insights(app)
        await press(pilot, "q")
        assert not isinstance(app.screen, InsightsScreen)


async def test_compare_and_swap(make_app: MakeApp) -> None:
    app = make_app("compare", session_id=SESSION, other_session_id=OTHER)
    async with opened(app) as pilot:
        screen = app.screen
        assert isinstance(screen, CompareScreen)
        assert screen._told is not None
        assert "Checkout · Acme against Acme?" in text(screen)
        sides = {str(row["name"]): row["side"] for row in _presence(screen)}
        assert sides
        await press(pilot, "x")
        assert "Acme against Checkout · Acme?" in text(screen)
        turned = {str(row["name"]): row["side"] for row in _presence(screen)}
        for name in set(sides) & set(turned):
            assert {sides[name], turned[name]} == {"added", "gone"}


async def test_two_loads_of_one_page_are_told_apart_by_their_ids(
    make_app: MakeApp, own_store: Path
) -> None:
    store = add_earlier_load(own_store)
    app = make_app("compare", store=store, session_id=EARLIER, other_session_id=SESSION)
    async with opened(app):
        words = f"Checkout · Acme ({EARLIER}) against Checkout · Acme ({SESSION})?"
        assert words in text(app.screen)


def _presence(screen: CompareScreen) -> list[dict[str, Any]]:
    assert screen._told is not None
    return screen._told.answer.table("presence").records()


async def test_a_session_that_is_gone_says_so(make_app: MakeApp) -> None:
    app = make_app("insights", session_id="never-was")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "never-was" in text(insights(app)), "it says which is gone")


@pytest.mark.parametrize("question", ["2", "6", "9"])
@pytest.mark.parametrize("size", SIZES)
def test_insights(snap_compare: Compare, make_app: MakeApp, size: str, question: str) -> None:
    app = make_app("insights", session_id=SESSION)
    assert snap_compare(app, terminal_size=SIZES[size], run_before=keys(question))


@pytest.mark.parametrize("size", SIZES)
def test_a_distribution_is_plotted(snap_compare: Compare, make_app: MakeApp, size: str) -> None:
    app = make_app("insights", session_id=SESSION)
    assert snap_compare(app, terminal_size=SIZES[size], run_before=keys("2", "p"))


@pytest.mark.parametrize("look", ["plain", "ascii"])
def test_a_trend_is_plotted(snap_compare: Compare, make_app: MakeApp, look: str) -> None:
    app = make_app("insights", session_id=SESSION, **LOOKS[look])
    assert snap_compare(app, terminal_size=SIZES["120x40"], run_before=keys("6", "a", "p"))


@pytest.mark.parametrize("size", SIZES)
def test_compare(snap_compare: Compare, make_app: MakeApp, size: str) -> None:
    app = make_app("compare", session_id=SESSION, other_session_id=OTHER)
    assert snap_compare(app, terminal_size=SIZES[size], run_before=keys())


OTHER_LOOKS = [look for look in LOOKS if look != "dark"]


@pytest.mark.parametrize("look", OTHER_LOOKS)
@pytest.mark.parametrize("size", SIZES)
def test_insights_in_other_looks(
    snap_compare: Compare, make_app: MakeApp, size: str, look: str
) -> None:
    app = make_app("insights", session_id=SESSION, **LOOKS[look])
    assert snap_compare(app, terminal_size=SIZES[size], run_before=keys("1"))


@pytest.mark.parametrize("look", OTHER_LOOKS)
@pytest.mark.parametrize("size", SIZES)
def test_compare_in_other_looks(
    snap_compare: Compare, make_app: MakeApp, size: str, look: str
) -> None:
    app = make_app("compare", session_id=SESSION, other_session_id=OTHER, **LOOKS[look])
    assert snap_compare(app, terminal_size=SIZES[size], run_before=keys())
