"""Who is recorded: the sample, what visitors ask for, what the server asks for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.conftest import CHROMIUM_ARGUMENTS
from tests.browser.recording import Recorder, capture, names

pytestmark = pytest.mark.chromium


@pytest.mark.parametrize(
    ("end", "is_drawn"),
    [("00000000", True), ("7fffffff", True), ("80000000", False), ("ffffffff", False)],
)
def test_a_sample_is_drawn_of_sessions(
    page: Page, recorder: Recorder, end: str, is_drawn: bool
) -> None:
    """The end of a session's ID is chance, and decides in all tabs alike."""
    session = f"01a21745-cd01-74a8-88f3-6ed6{end}"
    page.add_init_script(f"localStorage.perftui = ['{session}', Date.now(), Date.now()]")
    recorder.attributes += ' data-sample-rate="0.5"'
    page.goto(recorder.url + "/one")
    if is_drawn:
        capture(page, recorder, "drawn")
    assert page.evaluate("perftui.sessionId") == (session if is_drawn else None)
    page.goto("about:blank")
    assert {batch["sessionId"] for batch in recorder.batches} == ({session} if is_drawn else set())


def test_a_sample_of_nothing_sends_nothing(page: Page, recorder: Recorder) -> None:
    recorder.attributes += ' data-sample-rate="0"'
    page.goto(recorder.url + "/start")
    page.evaluate(
        "async () => { await fetch('/api/x'); perftui.capture('lost'); perftui.flush(); }"
    )
    page.goto(recorder.url + "/next")
    page.goto("about:blank")
    assert not recorder.bodies


@pytest.mark.parametrize("heeded", [True, False])
def test_do_not_track_is_heeded_as_the_browser_tells_it(
    chromium: Browser, chromium_path: str, tmp_path: Path, recorder: Recorder, heeded: bool
) -> None:
    """The setting of a real profile, not a property that a test put there."""
    if not heeded:
        recorder.attributes += ' data-privacy-signals="false"'
    (tmp_path / "Default").mkdir()
    (tmp_path / "Default" / "Preferences").write_text(json.dumps({"enable_do_not_track": True}))
    context = chromium.browser_type.launch_persistent_context(
        tmp_path, executable_path=chromium_path, headless=True, args=list(CHROMIUM_ARGUMENTS)
    )
    page = context.pages[0]
    page.goto(recorder.url + "/start")
    assert page.evaluate("navigator.doNotTrack") == "1"
    if heeded:
        page.evaluate("perftui.capture('never'); perftui.flush()")
        assert page.evaluate("perftui.sessionId === undefined")
    else:
        capture(page, recorder, "asked for")
    context.close()
    assert bool(recorder.bodies) is not heeded


def test_the_server_can_end_recording(page: Page, recorder: Recorder) -> None:
    recorder.settings = {"enabled": False}
    page.goto(recorder.url + "/start")
    page.wait_for_function("perftui.sessionId === undefined")
    sent = len(recorder.bodies)
    page.evaluate(
        "async () => { await fetch('/api/x'); perftui.capture('after'); perftui.flush(); }"
    )
    page.goto("about:blank")
    assert "after" not in names(recorder, "capture")
    assert "/api/x" not in str(names(recorder, "resource"))
    assert len(recorder.bodies) == sent


def test_the_server_can_narrow_what_is_recorded(page: Page, recorder: Recorder) -> None:
    recorder.settings = {"types": ["resource:fetch"]}
    page.goto(recorder.url + "/start")
    page.wait_for_function("""() => {
      let types;
      perftui.use(({ options }) => { types = options.types; });
      return types == 'resource:fetch';
    }""")
    page.evaluate("""async () => { performance.mark('unwanted'); await fetch('/api/wanted');
      new Image().src = '/api/unwanted.png'; perftui.capture('end'); }""")
    recorder.wait(lambda: "/api/wanted" in str(names(recorder, "resource")), "the call")
    capture(page, recorder, "very end")
    assert "unwanted.png" not in str(recorder.batches)
    assert not names(recorder, "mark")
