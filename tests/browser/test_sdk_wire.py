"""What is sent: compressed, bounded, as little as was asked for."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from playwright.sync_api import Page, Route

from tests.browser.conftest import SDK
from tests.browser.recording import Recorder, capture, names, unpacked

pytestmark = pytest.mark.chromium


def test_a_batch_is_compressed_on_the_wire_where_it_pays(page: Page, recorder: Recorder) -> None:
    page.goto(recorder.url + "/start")
    recorder.wait(lambda: recorder.bodies, "the first batch")
    page.evaluate("for (let n = 0; n < 200; n++) perftui.capture('event ' + n)")
    recorder.wait(lambda: len(recorder.entries("capture")) >= 200, "all events")
    packed = [body for body in recorder.bodies if body[:2] == b"\x1f\x8b"]
    assert packed
    assert all(len(gzip.decompress(body)) > 4 * len(body) for body in packed if len(body) > 2000)
    # A small one goes as it is.
    capture(page, recorder, "alone")
    assert recorder.bodies[-1][:1] == b"{"
    assert len(recorder.bodies[-1]) < 1600


TOLD = """(path) => performance.getEntriesByType('resource')
  .find((entry) => entry.name.endsWith(path)).toJSON()"""


def rounded(told: Any) -> Any:
    """Numbers as they are sent: to a millionth of a millisecond."""
    return {
        name: round(value, 6) if isinstance(value, float) else value for name, value in told.items()
    }


def test_a_resource_is_a_row_of_all_that_the_browser_tells_of_it(
    page: Page, recorder: Recorder
) -> None:
    page.goto(recorder.url + "/start")
    page.evaluate("fetch('/api/row').then((answer) => answer.text())")
    recorder.wait(lambda: recorder.url + "/api/row" in names(recorder, "resource"), "the call")
    (body,) = [unpacked(body) for body in recorder.bodies if b"/api/row" in unpacked(body)]
    batch = json.loads(body)
    (row,) = [entry for entry in batch["entries"] if "/api/row" in str(entry)]
    told = page.evaluate(TOLD, "/api/row")
    assert batch["fields"] == list(told)
    assert row == list(rounded(told).values())
    # All else names its fields, and not those that hold what absent means.
    others = [entry for entry in batch["entries"] if isinstance(entry, dict)]
    assert "pageview" in {entry["entryType"] for entry in others}
    assert not [entry for entry in others if 0 in entry.values() and entry["entryType"] == "paint"]


def test_a_resource_that_a_hook_sees_is_an_object(page: Page, recorder: Recorder) -> None:
    recorder.files["/perftui.mjs"] = (SDK / "dist" / "perftui.mjs").read_text()
    recorder.body = """<script type=module>
      import { init } from '/perftui.mjs';
      window.perftui = init({ flushInterval: 100, beforeSend: (entry) => ({ ...entry, seen: 1 }) });
    </script>"""
    recorder.script = False
    page.goto(recorder.url + "/start")
    page.wait_for_function("window.perftui")
    page.evaluate("fetch('/api/object').then((answer) => answer.text())")
    recorder.wait(lambda: recorder.url + "/api/object" in names(recorder, "resource"), "the call")
    (batch,) = [one for one in map(unpacked, recorder.bodies) if b"/api/object" in one]
    (entry,) = [one for one in json.loads(batch)["entries"] if "/api/object" in one["name"]]
    assert entry.pop("seen") == 1
    told = rounded(page.evaluate(TOLD, "/api/object"))
    assert entry == {name: value for name, value in told.items() if value or value == []}


def test_no_batch_is_longer_than_50_kilobytes(page: Page, recorder: Recorder) -> None:
    page.goto(recorder.url + "/start?" + "q" * 1900)
    page.evaluate("""() => { for (let n = 0; n < 120; n++)
      perftui.capture('event ' + n, { text: 'ä'.repeat(10 * n + 1000) }); }""")
    recorder.wait(lambda: len(recorder.entries("capture")) >= 120, "all events")
    plain = [unpacked(body) for body in recorder.bodies]
    assert max(map(len, plain)) <= 50_000
    assert len(plain) >= 5


def test_as_much_as_a_page_that_goes_could_hand_over_is_sent_before_its_time(
    page: Page, recorder: Recorder
) -> None:
    recorder.attributes = 'data-flush-interval="600000"'
    page.goto(recorder.url + "/start")
    page.evaluate("""() => Promise.all(
      Array.from({ length: 150 }, (_, n) => fetch('/api/' + n).then((r) => r.text())))""")
    recorder.wait(lambda: len(names(recorder, "resource")) >= 60, "a batch of a page that stays")


def test_an_element_that_is_gone_before_the_batch_is_told_by_its_selector(
    page: Page, recorder: Recorder
) -> None:
    recorder.attributes = 'data-flush-interval="600000"'
    recorder.body = "<p id=gone>The largest</p>"
    page.goto(recorder.url + "/start")
    page.evaluate("""() => new Promise((done) => {
      // When all observers have heard of it.
      new PerformanceObserver(() => scheduler.postTask(() => {
        document.querySelector('#gone').remove();
        perftui.flush();
        done();
      })).observe({ type: 'largest-contentful-paint', buffered: true });
    })""")
    recorder.wait(lambda: names(recorder, "largest-contentful-paint"), "the paint")
    assert recorder.entries("largest-contentful-paint")[0]["selector"] == "#gone"


def test_a_page_that_loads_for_long_does_not_pile_up_what_is_unread(
    page: Page, recorder: Recorder
) -> None:
    recorder.attributes = 'data-flush-interval="600000"'
    recorder.body = "<img src=/slow.png>"
    held: list[Route] = []
    page.route("**/slow.png", lambda route: held.append(route))
    page.add_init_script("""window.read = 0;
      const { getEntries } = PerformanceObserverEntryList.prototype;
      PerformanceObserverEntryList.prototype.getEntries = function () {
        const entries = getEntries.call(this);
        if (entries[0]?.entryType == 'mark') read++;
        return entries;
      };""")
    page.goto(recorder.url + "/start", wait_until="domcontentloaded")
    tell = """async (count) => {
      for (let n = 0; n < count; n++) await new Promise((told) => {
        const observer = new PerformanceObserver(() => {
          observer.disconnect();
          // When all observers have heard of it.
          scheduler.postTask(told);
        });
        observer.observe({ type: 'mark' });
        performance.mark('mark ' + count + '/' + n);
      });
      return [read, document.readyState];
    }"""
    assert page.evaluate(tell, 300) == [0, "interactive"]
    read, state = page.evaluate(tell, 400)
    assert (read > 300, state) == (True, "interactive")
    held[0].abort()
    page.wait_for_function("document.readyState == 'complete'")
    page.evaluate("perftui.flush()")
    recorder.wait(lambda: len(names(recorder, "mark")) >= 700, "every mark")
    assert len(set(names(recorder, "mark"))) == len(names(recorder, "mark")) == 700
    assert not any(batch["dropped"] for batch in recorder.batches)


def test_2000_resources_are_recorded_whatever_the_timeline_holds(
    page: Page, recorder: Recorder
) -> None:
    page.goto(recorder.url + "/start")
    page.evaluate("""async () => {
      window.full = 0;
      addEventListener('error', () => {});
      performance.onresourcetimingbufferfull = () => { full++; };
      for (let n = 0; n < 2000; n += 50) await Promise.all(
        Array.from({ length: 50 }, (_, k) => fetch('/api/' + (n + k)).then((r) => r.text())));
    }""")
    wanted = {f"{recorder.url}/api/{number}" for number in range(2000)}
    recorder.wait(lambda: wanted <= set(names(recorder, "resource")), "2,000 requests")
    assert page.evaluate("full") >= 1
    assert page.evaluate("performance.getEntriesByType('resource').length") == 250
    seen = [name for name in names(recorder, "resource") if name in wanted]
    assert len(seen) == 2000
    assert not any(batch["dropped"] for batch in recorder.batches)


def test_a_queue_that_overflows_tells_what_it_dropped(page: Page, recorder: Recorder) -> None:
    recorder.status = 503
    page.goto(recorder.url + "/start")
    recorder.wait(lambda: recorder.refused, "a refused batch")
    page.evaluate("""async () => {
      for (let n = 0; n < 500; n++) perftui.capture('dear ' + n);
      for (let n = 0; n < 4000; n++) performance.mark('cheap ' + n);
      await fetch('/api/dear');
    }""")
    # Each attempt begins with what the browser has: by the next one, all marks were in the queue.
    refused = len(recorder.refused)
    recorder.wait(lambda: len(recorder.refused) > refused, "one more refused batch")
    recorder.status = 200

    def told() -> int:
        dropped: int = sum(batch["dropped"].get("mark", 0) for batch in recorder.batches)
        return dropped + len(names(recorder, "mark"))

    recorder.wait(lambda: told() >= 4000, "each mark sent or counted")
    recorder.wait(lambda: "/api/dear" in str(names(recorder, "resource")), "the call")
    assert told() == 4000
    assert len(set(names(recorder, "mark"))) == len(names(recorder, "mark")) < 3000
    # What is dear stays while there is something cheap.
    assert sorted(names(recorder, "capture")) == sorted(f"dear {n}" for n in range(500))
    assert {kind for batch in recorder.batches for kind in batch["dropped"]} == {"mark"}


def test_who_asks_for_api_timings_gets_those_alone(page: Page, recorder: Recorder) -> None:
    page.add_init_script("""
      window.observed = [];
      const { observe } = PerformanceObserver.prototype;
      PerformanceObserver.prototype.observe = function (options) {
        observed.push(options.type);
        observe.call(this, options);
      };
    """)
    recorder.attributes += ' data-types="navigation, resource:fetch resource:xmlhttprequest"'
    page.goto(recorder.url + "/start")
    page.evaluate("""async () => {
      performance.mark('mark');
      await fetch('/api/fetched');
      await new Promise((done) => {
        const request = new XMLHttpRequest();
        request.open('GET', '/api/asked');
        request.onloadend = done;
        request.send();
      });
      const image = new Image();
      image.src = '/api/image.png';
      await new Promise((done) => { image.onerror = done; });
      const end = performance.now() + 80;
      while (performance.now() < end);
    }""")
    page.mouse.click(5, 5)
    capture(page, recorder, "end")
    # Nothing else is even listened to.
    assert sorted(page.evaluate("observed")) == ["navigation", "resource"]
    page.goto("about:blank")
    recorder.wait(lambda: "/api/asked" in str(names(recorder, "resource")), "both calls")
    assert {entry["entryType"] for entry in recorder.entries()} == {
        "pageview",
        "capture",
        "navigation",
        "resource",
    }
    assert sorted(name.rpartition("/")[2] for name in names(recorder, "resource")) == [
        "asked",
        "fetched",
    ]


@pytest.mark.parametrize(("threshold", "is_told"), [("16", True), ("600000", False)])
def test_events_are_told_from_the_threshold_on(
    page: Page, recorder: Recorder, threshold: str, is_told: bool
) -> None:
    recorder.attributes += f' data-duration-threshold="{threshold}"'
    recorder.body += """<script>addEventListener('click', () => {
      for (const end = performance.now() + 80; performance.now() < end;);
    })</script>"""
    page.goto(recorder.url + "/start")
    page.mouse.click(5, 5)
    # This one is told whatever it lasted.
    recorder.wait(lambda: recorder.entries("first-input"), "the first input")
    if is_told:
        recorder.wait(lambda: "click" in names(recorder, "event"), "the click")
    page.goto(recorder.url + "/next")
    capture(page, recorder, "end")
    assert bool(recorder.entries("event")) is is_told


def test_the_connection_is_told_as_the_browser_takes_it_to_be(
    page: Page, recorder: Recorder
) -> None:
    page.goto(recorder.url + "/start")
    ask = "(({ rtt, effectiveType }) => ({ rtt, effectiveType }))(navigator.connection)"

    def told_and_asked() -> tuple[object, object, object]:
        before = page.evaluate(ask)
        capture(page, recorder, (name := f"event {len(recorder.batches)}"))
        (batch,) = [one for one in list(recorder.batches) if name in str(one["entries"])]
        return before, batch["client"]["connection"], page.evaluate(ask)

    # The browser's estimate may change at any time: asked again until it stood still meanwhile.
    _, told, asked = recorder.wait(
        lambda: (found := told_and_asked())[0] == found[2] and found, "an estimate that stands"
    )
    assert told == asked
    assert told["effectiveType"] in {"slow-2g", "2g", "3g", "4g"}
