"""A capture server that is killed and comes back: nothing is lost, nothing is there twice."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from playwright.sync_api import Page

from perftui.store.reader import StoreReader
from tests.browser.recording import Recorder
from tests.faults.load import CaptureProcess

pytestmark = pytest.mark.chromium

DOWN_S = 10.0 if os.environ.get("PERFTUI_TEST_FAULTS") == "all" else 2.0

WORK = """prefix => { let number = 0; window.work = setInterval(async () => {
  perftui.capture(prefix + number); await fetch('/api/' + prefix + number++); }, 20); }"""


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
    recorder.attributes += f' data-endpoint="http://127.0.0.1:{server.port}/batch"'
    page.goto(recorder.url + "/start")
    page.evaluate(WORK, "n")
    recorder.wait(lambda: stored(store, recorder), "the first events")
    server.kill()
    time.sleep(DOWN_S)
    assert page.evaluate("typeof perftui.sessionId") == "string"
    server = CaptureProcess(store, "--port", str(server.port))
    page.evaluate("clearInterval(work)")
    wanted = sorted(
        page.evaluate("""async () => {
          await new Promise((done) => setTimeout(done, 100));
          perftui.capture('end');
          return ['end', ...performance.getEntriesByType('resource').flatMap(({ name }) => {
            const { pathname } = new URL(name);
            return pathname.startsWith('/api/') ? [pathname, pathname.slice(5)] : [];
          })];
        }""")
    )
    assert len(wanted) > DOWN_S * 30
    recorder.wait(lambda: len(stored(store, recorder)) >= len(wanted), "all of it")
    page.goto("about:blank")
    time.sleep(0.3)
    assert stored(store, recorder) == wanted
    server.end()


def test_a_page_without_network_sends_when_it_is_back(page: Page, recorder: Recorder) -> None:
    page.goto(recorder.url + "/start")
    recorder.wait(lambda: recorder.entries("navigation"), "the first batch")
    page.context.set_offline(True)
    page.evaluate("for (let n = 0; n < 30; n++) perftui.capture('offline ' + n)")
    page.wait_for_timeout(700)
    page.context.set_offline(False)
    recorder.wait(lambda: len(recorder.entries("capture")) >= 30, "all events")
    found = [entry["name"] for entry in recorder.entries("capture")]
    assert sorted(found) == sorted(f"offline {number}" for number in range(30))
