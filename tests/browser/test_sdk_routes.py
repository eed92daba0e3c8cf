"""When a pageview begins: every way in which a page's path changes."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.browser.recording import Recorder, capture

pytestmark = pytest.mark.chromium

NO_NAVIGATION_API = "<script>delete window.navigation; delete window.Navigation</script>"
"""As in browsers that have none: the SDK then wraps the methods of ``history``."""

SHADOWED = "<nav id=navigation></nav>"
"""An element whose ID is a global name; only where the browser has no such object of its own."""


@pytest.mark.parametrize("head", ["", NO_NAVIGATION_API, NO_NAVIGATION_API + SHADOWED])
def test_a_pageview_begins_with_every_change_of_the_path(
    page: Page, recorder: Recorder, head: str
) -> None:
    recorder.head = head
    page.goto(recorder.url + "/start")
    seen = [capture(page, recorder, "start")["pageViewId"]]
    for step, change in enumerate(
        (
            "history.pushState({}, '', '/pushed')",
            "history.replaceState({}, '', '/replaced')",
            "new Promise((done) => { onpopstate = done; history.back(); })",
            "new Promise((done) => { onhashchange = done; location.hash = '#/orders'; })",
            "new Promise((done) => { onhashchange = done; location.hash = '#/orders/7'; })",
        )
    ):
        page.evaluate(f"async () => {{ await ({change}); }}")
        seen.append(capture(page, recorder, f"step {step}")["pageViewId"])
    # No change of the route: the query, an anchor, the query of a hash route.
    for step, change in enumerate(("#/orders/7?page=2", "?page=2#/orders/7")):
        page.evaluate("url => history.replaceState({}, '', url)", change)
        assert capture(page, recorder, f"same {step}")["pageViewId"] == seen[-1]
    assert len(set(seen)) == len(seen) == 6
    views = recorder.entries("pageview")
    assert [view["pageViewId"] for view in views] == seen
    assert [view.get("kind") for view in views] == ["load", *["route"] * 5]
    assert [view["name"].removeprefix(recorder.url) for view in views] == [
        "/start",
        "/pushed",
        "/replaced",
        "/start",
        "/start#/orders",
        "/start#/orders/7",
    ]


def test_a_wrapped_history_behaves_as_before(page: Page, recorder: Recorder) -> None:
    recorder.head = NO_NAVIGATION_API
    page.goto(recorder.url + "/start")
    assert page.evaluate("""() => {
      history.pushState({ kept: 1 }, '', '/state');
      try { history.pushState({}, '', 'https://elsewhere.test/'); }
      catch ({ name }) { return [history.state.kept, location.pathname, name]; }
    }""") == [1, "/state", "SecurityError"]
