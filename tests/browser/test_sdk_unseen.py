"""Pages that are seen at another time than they load: prerendered, opened in the background, restored
from the back/forward cache."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from tests.browser.bare_tab import BareTabs, open_prerendering
from tests.browser.recording import Recorder, names

pytestmark = pytest.mark.chromium

RULES = """<script type=speculationrules>{"prerender": [{"source": "list",
  "urls": ["/prerendered"], "eagerness": "immediate"}]}</script>"""

WORD = "<script>if (document.prerendering) fetch('/told', { method: 'POST', body: '1' })</script>"


def test_a_prerendered_page_is_marked_and_silent_until_it_is_shown(
    natural_chromium: Browser, recorder: Recorder
) -> None:
    recorder.body = RULES + WORD
    tabs, tab = open_prerendering(natural_chromium, recorder.url + "/start", lambda: recorder.told)
    recorder.wait(lambda: recorder.entries("navigation"), "the visible page's own batch")
    assert "/prerendered" not in str(recorder.entries("pageview"))
    tab.evaluate("void setTimeout(() => { location = '/prerendered' })")
    (view,) = recorder.wait(
        lambda: [e for e in recorder.entries("pageview") if "/prerendered" in e["name"]],
        "its pageview",
    )
    (navigation,) = recorder.wait(
        lambda: [e for e in recorder.entries("navigation") if "/prerendered" in e["name"]],
        "its navigation",
    )
    assert view["prerendered"] is True
    assert navigation["activationStart"] > 0
    tabs.close()


def test_a_page_that_starts_hidden_is_marked(natural_chromium: Browser, recorder: Recorder) -> None:
    tabs = BareTabs(natural_chromium)
    tabs.open("about:blank")
    tab = tabs.open(recorder.url + "/start", background=True)
    # The empty document that a tab begins with is complete and hidden too.
    tab.wait("window.perftui && document.readyState == 'complete' && document.hidden")
    tab.show()
    tab.wait("!document.hidden")
    tab.evaluate("perftui.flush()")
    states = recorder.wait(
        lambda: len(e := recorder.entries("visibility")) >= 2 and e, "both states"
    )
    (view,) = recorder.entries("pageview")
    assert view["hidden"] is True
    assert [state["name"] for state in states] == ["hidden", "visible"]
    assert states[0]["startTime"] == 0
    assert states[1]["startTime"] > 0
    tabs.close()


def test_a_page_that_is_seen_is_marked_as_nothing(
    natural_chromium: Browser, recorder: Recorder
) -> None:
    tabs = BareTabs(natural_chromium)
    tabs.open(recorder.url + "/start")
    (view,) = recorder.wait(lambda: recorder.entries("pageview"), "the pageview")
    assert not view.get("hidden")
    assert not view.get("prerendered")
    tabs.close()


def test_a_restore_from_the_back_forward_cache_is_a_pageview(
    natural_chromium: Browser, recorder: Recorder
) -> None:
    recorder.body += "<script>onpageshow = ({ persisted }) => { restored = persisted }</script>"
    tabs = BareTabs(natural_chromium)
    tab = tabs.open(recorder.url + "/start")
    tab.wait("document.readyState == 'complete'")
    tab.evaluate("perftui.capture('before')")
    tab.evaluate("void setTimeout(() => { location = '/elsewhere' })")
    tab.wait("location.pathname == '/elsewhere' && document.readyState == 'complete'")
    tab.evaluate("void setTimeout(() => history.back())")
    tab.wait("window.restored")
    tab.evaluate("perftui.capture('after')")
    found = recorder.wait(
        lambda: "after" in names(recorder, "capture") and recorder.entries("capture"),
        "an event on either side",
    )
    views = {view["pageViewId"]: view for view in recorder.entries("pageview")}
    tabs.close()
    kinds = {entry["name"]: views[entry["pageViewId"]]["kind"] for entry in found}
    assert kinds == {"before": "load", "after": "bfcache"}
    assert len({view["sessionId"] for view in views.values()}) == 1
