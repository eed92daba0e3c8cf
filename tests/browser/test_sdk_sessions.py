"""How long a session lasts: 30 minutes without activity, 24 hours in all."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.browser.recording import Recorder, capture

pytestmark = pytest.mark.chromium

AGE = """([startedAgo, activeAgo]) => {
  const [id] = localStorage.perftui.split(',');
  localStorage.perftui = [id, Date.now() - startedAgo * 60e3, Date.now() - activeAgo * 60e3];
}"""
"""Makes the stored session older, by minutes since its start and since somebody was at it."""

AGES = [
    pytest.param((29.5, 29.5), True, id="29.5 minutes idle"),
    pytest.param((31, 31), False, id="31 minutes idle"),
    pytest.param((23.9 * 60, 1), True, id="23.9 hours in all"),
    pytest.param((24.1 * 60, 1), False, id="24.1 hours in all"),
    pytest.param((10, -60), False, id="a clock that was set back"),
]


@pytest.mark.parametrize(("age", "lives"), AGES)
def test_a_session_ends_between_loads(
    page: Page, recorder: Recorder, age: tuple[float, float], lives: bool
) -> None:
    page.goto(recorder.url + "/start")
    before = capture(page, recorder, "before")
    page.evaluate(AGE, age)
    page.goto(recorder.url + "/next")
    after = capture(page, recorder, "after")
    assert (before["sessionId"] == after["sessionId"]) is lives


@pytest.mark.parametrize(("age", "lives"), AGES)
def test_a_session_ends_on_an_open_page(
    page: Page, recorder: Recorder, age: tuple[float, float], lives: bool
) -> None:
    page.goto(recorder.url + "/start")
    before = capture(page, recorder, "before")
    page.evaluate(AGE, age)
    page.mouse.click(5, 5)
    after = capture(page, recorder, "after")
    assert (before["sessionId"] == after["sessionId"]) is lives
    assert (before["pageViewId"] == after["pageViewId"]) is lives
    if not lives:
        view = recorder.entries("pageview")[-1]
        assert (view["kind"], view["sessionId"]) == ("session", after["sessionId"])
        assert page.evaluate("perftui.sessionId") == after["sessionId"]
