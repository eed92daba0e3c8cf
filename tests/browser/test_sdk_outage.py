"""A capture server that is killed and comes back: nothing is lost, nothing is there twice."""

from __future__ import annotations

import os
import time
from email.utils import formatdate
from pathlib import Path

import pytest
from playwright.sync_api import Page

from perftui.store.reader import StoreReader
from tests.browser.recording import Recorder, names
from tests.faults.load import CaptureProcess

pytestmark = pytest.mark.chromium

DOWN_S = 10.0 if os.environ.get("PERFTUI_TEST_FAULTS") == "all" else 2.0

WORK = """prefix => { let number = 0; window.asked = []; window.work = setInterval(() => {
  const name = prefix + number++;
  perftui.capture(name);
  asked.push(fetch('/api/' + name).then((answer) => answer.text()).then(() => name));
}, 20); }"""
"""An event and a call every 20 ms; the page itself remembers them, as its timeline is soon full."""


HASTE = """(() => {
  const wait = setTimeout;
  window.waits = [];
  window.setTimeout = (run, milliseconds, ...rest) => {
    waits.push(+milliseconds);
    return wait(run, Math.min(milliseconds, 100), ...rest);
  };
})()"""
"""Ends each wait sooner than was asked for, so that nobody waits for a test, and keeps what was asked."""


def stored(path: Path, recorder: Recorder) -> list[str]:
    """Names of the events and paths of the calls in the store."""
    with StoreReader(path) as reader:
        return sorted(
            record.entry.name.removeprefix(recorder.url)
            for record in reader.iter_records()
            if record.entry.entry_type == "capture" or "/api/" in record.entry.name
        )


def test_what_happens_while_the_server_is_away_is_stored_once(
    page: Page, recorder: Recorder, tmp_path: Path
) -> None:
    store = tmp_path / "store.db"
    server = CaptureProcess(store)
    try:
        recorder.attributes += f' data-endpoint="http://127.0.0.1:{server.port}/batch"'
        page.goto(recorder.url + "/start")
        page.evaluate(WORK, "n")
        recorder.wait(lambda: stored(store, recorder), "the first events")
        server.kill()
        before = page.evaluate("asked.length")
        # How long the server is away is what this is about; the page has to have worked meanwhile.
        time.sleep(DOWN_S)
        recorder.wait(lambda: page.evaluate("asked.length") > before + 50, "work in the meantime")
        server = CaptureProcess(store, "--port", str(server.port))
        done = page.evaluate("async () => { clearInterval(work); return Promise.all(asked); }")
        wanted = sorted([*done, *(f"/api/{name}" for name in done)])
        recorder.wait(lambda: set(wanted) <= set(stored(store, recorder)), "all of it")
        # What failed before is sent before what is new: nothing is under way after this one.
        page.evaluate("perftui.capture('end'); perftui.flush()")
        recorder.wait(lambda: "end" in stored(store, recorder), "the last event")
        assert server.end() == 0
        assert stored(store, recorder) == sorted([*wanted, "end"])
    finally:
        if server.process.poll() is None:
            server.kill()


def test_a_page_without_network_sends_when_it_is_back(page: Page, recorder: Recorder) -> None:
    page.goto(recorder.url + "/start")
    recorder.wait(lambda: recorder.entries("navigation"), "the first batch")
    page.context.set_offline(True)
    with page.expect_event("requestfailed", lambda request: request.url.endswith("/batch")):
        page.evaluate("for (let n = 0; n < 30; n++) perftui.capture('offline ' + n)")
    assert not names(recorder, "capture")
    page.context.set_offline(False)
    recorder.wait(lambda: len(recorder.entries("capture")) >= 30, "all events")
    found = [entry["name"] for entry in recorder.entries("capture")]
    assert sorted(found) == sorted(f"offline {number}" for number in range(30))


@pytest.mark.parametrize(("chance", "factor"), [(0, 1), (0.999, 1.999)])
def test_each_retry_waits_twice_as_long_and_up_to_as_much_again_by_chance(
    page: Page, recorder: Recorder, chance: float, factor: float
) -> None:
    page.add_init_script(f"{HASTE}; Math.random = () => {chance}")
    recorder.status = 503
    page.goto(recorder.url + "/start")
    recorder.wait(lambda: len(recorder.refused) > 9, "nine retries")
    waits = [wait / factor for wait in page.evaluate("waits") if wait > 400]
    assert waits[:8] == pytest.approx([500, 1e3, 2e3, 4e3, 8e3, 16e3, 30e3, 30e3])
    assert len({batch["batchId"] for batch in recorder.refused}) == 1


def test_retry_after_is_heeded(page: Page, recorder: Recorder) -> None:
    page.add_init_script(HASTE)
    recorder.status, recorder.retry_after = 429, "120"
    page.goto(recorder.url + "/start")
    recorder.wait(lambda: len(recorder.refused) > 2, "two retries")
    assert page.evaluate("waits").count(120_000) >= 2
    # An hour at most, whatever a server asks for.
    recorder.retry_after = "86400"
    seen = len(recorder.refused)
    recorder.wait(lambda: len(recorder.refused) > seen + 2, "two retries after that")
    assert 3_600_000 in page.evaluate("waits")


def test_a_date_to_retry_after_is_heeded(page: Page, recorder: Recorder) -> None:
    page.add_init_script(HASTE)
    recorder.status = 503
    recorder.retry_after = formatdate(time.time() + 30 * 60, usegmt=True)
    page.goto(recorder.url + "/start")
    recorder.wait(lambda: len(recorder.refused) > 2, "two retries")
    # Retries that were not asked to wait do so for a minute at most.
    assert [wait for wait in page.evaluate("waits") if 10 * 60e3 < wait <= 30 * 60e3]
