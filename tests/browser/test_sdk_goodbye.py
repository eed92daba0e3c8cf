"""A page that goes while something is under way: what the browser reported of it arrives."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.bare_tab import BareTabs
from tests.browser.recording import Recorder, names

pytestmark = pytest.mark.chromium

WITNESS = """<script>addEventListener('pagehide', () => navigator.sendBeacon('/told',
  JSON.stringify(performance.getEntriesByType('resource').map(({ name }) => name))));</script>"""
"""Tells what the browser had reported by the time the page went; heard after the SDK's listener."""

REQUESTS = """async () => {
  const all = Array.from({ length: 60 }, (_, number) => fetch('/api/' + number));
  await all[59];
  perftui.capture('last');
}"""


@pytest.fixture
def tabs(natural_chromium: Browser, recorder: Recorder) -> Iterator[BareTabs]:
    """For a page that sends by itself once in ten minutes: what comes before is sent as it goes."""
    recorder.attributes = 'data-flush-interval="600000"'
    tabs = BareTabs(natural_chromium)
    yield tabs
    tabs.close()


def assert_nothing_is_lost(recorder: Recorder) -> None:
    recorder.wait(lambda: recorder.told, "the page's own word")
    own = ("/batch", "/config", "/perftui.js", "/told")
    reported = [name for name in recorder.told[0] if not name.endswith(own)]
    assert len(reported) > 30
    recorder.wait(
        lambda: set(reported) <= set(names(recorder, "resource")), "all that was reported"
    )
    recorder.wait(lambda: names(recorder, "capture"), "the last event")
    seen = {str(batch["batchId"]): batch for batch in recorder.batches}
    told = [e["name"] for batch in seen.values() for e in batch["entries"]]
    assert all(told.count(name) == 1 for name in [*reported, "last"])
    assert not any(batch["dropped"] for batch in seen.values())


@pytest.mark.parametrize("interval", [100, 600_000])
def test_a_tab_that_is_closed_right_after_a_request(
    natural_chromium: Browser, recorder: Recorder, interval: int
) -> None:
    recorder.attributes = f'data-flush-interval="{interval}"'
    recorder.body += WITNESS
    context = natural_chromium.new_context()
    page = context.new_page()
    page.goto(recorder.url + "/start")
    page.evaluate(REQUESTS)
    page.close(run_before_unload=True)
    assert_nothing_is_lost(recorder)
    context.close()


def test_a_window_that_is_closed_right_after_a_request(tabs: BareTabs, recorder: Recorder) -> None:
    recorder.body += WITNESS
    tab = tabs.open_with_sdk(recorder.url + "/start")
    tab.evaluate(f"({REQUESTS})()")
    tab.close()
    assert_nothing_is_lost(recorder)


def test_a_tab_that_is_only_hidden_hands_over_what_it_has(
    tabs: BareTabs, recorder: Recorder
) -> None:
    tab = tabs.open_with_sdk(recorder.url + "/start")
    tab.evaluate("perftui.capture('seen')")
    tabs.open("about:blank")
    recorder.wait(lambda: "seen" in names(recorder, "capture"), "the event")
    # A mobile browser may end the page now; it lives here, and does not repeat itself.
    tab.evaluate("perftui.capture('unseen')")
    tab.close()
    recorder.wait(lambda: "unseen" in names(recorder, "capture"), "the event of the hidden page")
    assert sorted(names(recorder, "capture")) == ["seen", "unseen"]


def test_a_hidden_tab_whose_timers_are_late_sends_what_makes_a_batch(
    tabs: BareTabs, recorder: Recorder
) -> None:
    """A browser may run the timers of a tab that is hidden for long once in a minute; here, never."""
    recorder.attributes = 'data-flush-interval="600000" data-config="false"'
    tab = tabs.open_with_sdk(recorder.url + "/start")
    tabs.open("about:blank")
    tab.wait("document.hidden")
    tab.evaluate("""(async () => {
      window.setTimeout = window.requestIdleCallback = () => 1;
      for (let n = 0; n < 110; n++) await fetch('/api/' + n);
    })()""")
    recorder.wait(lambda: len(names(recorder, "resource")) >= 90, "a batch of a hidden page")


def test_a_page_that_goes_hands_over_what_the_browser_takes_and_the_dearest_first(
    tabs: BareTabs, recorder: Recorder
) -> None:
    """Keepalive requests and beacons of a page share 64 KiB."""
    tab = tabs.open_with_sdk(recorder.url + "/start")
    tab.evaluate("""(async () => {
      const plugin = ({ add }) => { for (let n = 0; n < 200; n++)
        add({ entryType: 'mark', name: 'cheap ' + n, startTime: n, text: 'x'.repeat(1000) }); };
      perftui.use(plugin);
      for (let n = 0; n < 20; n++)
        perftui.capture('dear ' + n, { text: 'y'.repeat(1000) });
    })()""")
    tab.close()
    dear = {f"dear {number}" for number in range(20)}
    recorder.wait(lambda: dear <= set(names(recorder, "capture")), "what is dear")

    def taken() -> int:
        return sum(len(body) for body in list(recorder.bodies) if b'/start"' in body)

    recorder.wait(lambda: taken() > 48_000, "most of what fits")
    # A second tab's batch comes after what the browser had taken from the first.
    recorder.attributes = 'data-flush-interval="100"'
    tabs.open(recorder.url + "/second")
    recorder.wait(lambda: "/second" in str(names(recorder, "pageview")), "the second tab")
    assert taken() <= 65_536
    assert len(names(recorder, "mark")) < 60
