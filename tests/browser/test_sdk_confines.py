"""What the SDK leaves alone, and what cannot harm it or the page."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import SDK
from tests.browser.recording import Recorder, names
from tests.browser.recording import capture as record
from tests.server.conftest import Running

pytestmark = pytest.mark.chromium


def errors_of(page: Page) -> list[str]:
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on(
        "console",
        lambda line: errors.append(line.text) if line.type == "error" else None,
    )
    return errors


def test_frames_and_workers_are_left_alone(page: Page, recorder: Recorder) -> None:
    recorder.files["/worker.js"] = (
        "onmessage = async () => { await fetch('/api/of-worker');"
        " postMessage([typeof perftui, /native code/.test(fetch)]); }"
    )
    recorder.body += "<iframe srcdoc='<script>fetch(`/api/of-frame`)</script>'></iframe>"
    recorder.settings = {}
    errors = errors_of(page)
    page.goto(recorder.url + "/start")
    assert page.evaluate("""async () => {
      const worker = new Worker('/worker.js');
      return await new Promise((done) => {
        worker.onmessage = ({ data }) => done(data); worker.postMessage(0); });
    }""") == ["undefined", True]
    frame = page.frames[1]
    assert frame.evaluate("[typeof perftui, /native code/.test(fetch)]") == ["undefined", True]
    frame.evaluate("fetch('/api/again-of-frame').then((answer) => answer.text())")
    record(page, recorder, "end")
    # Their requests are in their own timelines, of which the page's pageviews know nothing.
    assert "/api/" not in str(names(recorder, "resource"))
    assert "/worker.js" in str(names(recorder, "resource"))
    assert len(recorder.entries("pageview")) == 1
    assert errors == []


def test_the_page_keeps_its_own_functions_and_globals(page: Page, recorder: Recorder) -> None:
    recorder.head = "<script>before = Object.getOwnPropertyNames(window)</script>"
    page.goto(recorder.url + "/start")
    record(page, recorder, "end")
    assert page.evaluate("""Object.getOwnPropertyNames(window).filter(
      (name) => !before.includes(name) && name != 'before')""") == ["perftui"]
    assert page.evaluate("""[fetch, XMLHttpRequest.prototype.open, XMLHttpRequest.prototype.send,
      history.pushState, history.replaceState, console.log, onerror].every(
        (method) => !method || /native code/.test(method))""")
    # Everything of this setting is in localStorage, under one name.
    assert page.evaluate("[Object.keys(localStorage), document.cookie]") == [["perftui"], ""]


def test_a_hook_that_throws_holds_back_what_it_saw_and_nothing_else(
    page: Page, recorder: Recorder
) -> None:
    recorder.files["/perftui.mjs"] = (SDK / "dist" / "perftui.mjs").read_text()
    recorder.body = """<script type=module>
      import { init } from '/perftui.mjs';
      window.perftui = init({ flushInterval: 100, beforeSend(entry) {
        if (entry.name == 'bad') throw new Error('of the page');
        if (entry.name == 'secret') return null;
        return { ...entry, seen: true };
      } });
    </script>"""
    recorder.script = False
    recorder.settings = {}
    errors = errors_of(page)
    page.goto(recorder.url + "/start")
    page.wait_for_function("window.perftui")
    page.evaluate("for (const name of ['one', 'bad', 'secret', 'two']) perftui.capture(name)")
    record(page, recorder, "end")
    assert names(recorder, "capture") == ["one", "two", "end"]
    assert all(entry["seen"] for entry in recorder.entries())
    assert recorder.entries("navigation")
    # What a hook holds back on purpose or by mistake is counted, so that nobody looks for it.
    assert sum(batch["dropped"].get("capture", 0) for batch in recorder.batches) >= 1
    assert errors == []


def test_a_hostile_page_gets_no_exception(page: Page, recorder: Recorder) -> None:
    page.goto(recorder.url + "/start")
    record(page, recorder, "ready")
    assert (
        page.evaluate("""async () => {
      const loop = {}; loop.self = loop;
      perftui.capture('loop', loop);
      perftui.capture('big', { n: 10n });
      perftui.capture(Symbol('odd'));
      perftui.capture();
      perftui.use(() => { throw new Error('of a plugin'); });
      perftui.use();
      perftui.flush(); perftui.pageview();
      const thrown = { get name() { throw new Error('trap'); } };
      dispatchEvent(new ErrorEvent('error', { error: thrown, message: 'x' }));
      dispatchEvent(new Event('click'));
      document.dispatchEvent(new Event('submit'));
      return 'well';
    }""")
        == "well"
    )
    record(page, recorder, "still there")


def test_an_element_whose_properties_the_page_hides_costs_its_selector_alone(
    page: Page, recorder: Recorder
) -> None:
    recorder.body = "<form><input name=classList><p>Words</p></form>"
    recorder.settings = {}
    errors = errors_of(page)
    page.goto(recorder.url + "/start")
    page.evaluate("document.querySelector('p').click()")
    record(page, recorder, "end")
    (action,) = recorder.entries("action")
    assert (action["name"], "selector" in action) == ("click", False)
    assert errors == []


def test_trusted_types_cost_the_second_file_alone(page: Page, recorder: Recorder) -> None:
    """Where the page lets nobody set a script's URL, everything but the details is recorded."""
    recorder.policy = "require-trusted-types-for 'script'"
    recorder.attributes += ' data-detail="true"'
    page.goto(recorder.url + "/start")
    page.evaluate("history.pushState({}, '', '/next')")
    page.mouse.click(5, 5)
    record(page, recorder, "end")
    assert len(recorder.entries("pageview")) == 2
    assert "click" in names(recorder, "action")


def test_the_tag_that_the_command_prints_is_accepted_by_the_browser(
    page: Page, recorder: Recorder, capture: Running
) -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "perftui", "sdk", "--url", capture.url],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout
    (tag,) = re.findall(r"<script .*integrity=.*</script>", printed)
    assert "crossorigin" in tag
    errors = errors_of(page)
    recorder.script = False
    recorder.head = tag
    page.goto(recorder.url + "/start")
    assert page.evaluate("typeof perftui.sessionId") == "string"
    assert errors == []
    # One character of difference, and the browser refuses the file.
    recorder.head = re.sub(r"sha384-..", "sha384-AA", tag)
    page.goto(recorder.url + "/tampered")
    assert page.evaluate("typeof perftui") == "undefined"
    assert "integrity" in str(errors)


def test_calls_before_the_asynchronous_script_is_there_are_recorded(
    page: Page, recorder: Recorder, capture: Running
) -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "perftui", "sdk", "--url", recorder.url],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout
    (snippet,) = re.findall(r"<script>.*</script>", printed)
    recorder.script = False
    recorder.head = snippet
    page.goto(recorder.url + "/start")
    page.evaluate(
        "perftui.capture('early', { n: 1 }); perftui.pageview(); perftui.capture('later')"
    )
    page.evaluate(
        """src => new Promise((done) => document.head.append(
      Object.assign(document.createElement('script'), { src, async: true, onload: done })))""",
        recorder.url + "/perftui.js",
    )
    record(page, recorder, "end")
    assert names(recorder, "capture") == ["early", "later", "end"]
    (early, later, _) = recorder.entries("capture")
    assert early["properties"] == {"n": 1}
    assert early["pageViewId"] != later["pageViewId"]
    assert [view["kind"] for view in recorder.entries("pageview")] == ["load", "manual"]
