"""Pages that are not as others: old documents, and scripts that bend what everybody stands on."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import SDK
from tests.browser.recording import Recorder, capture, names
from tests.browser.test_sdk_confines import errors_of

pytestmark = pytest.mark.chromium

FRAMESET = (
    "<html><head><title>Frames</title>{tag}</head>"
    "<frameset cols='50%,50%'><frame src=/api/left><frame src=/api/right></frameset></html>"
)
XHTML = (
    '<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml">'
    "<head><title>XHTML</title>{tag}</head><body><h1>Page</h1></body></html>"
)
ODD_HEADS = {
    "a base elsewhere": "<base href=/some/where/>",
    "elements that hide the document's properties": (
        "</head><body><form name=title></form><img name=referrer><form id=perftui></form>"
    ),
    "enumerable properties on every object": (
        "<script>Object.prototype.extend = function () {}; Object.prototype.count = 5;"
        "Array.prototype.each = function () {}</script>"
    ),
    "arrays that serialise themselves": (
        "<script>Array.prototype.toJSON = function () { return '[' + this + ']' }</script>"
    ),
    "a frozen history": (
        "<script>delete window.navigation; delete window.Navigation;"
        "Object.freeze(history); Object.freeze(History.prototype)</script>"
    ),
    "a compression that fails": (
        "<script>window.CompressionStream = class { constructor() { throw new Error('no'); } }"
        "</script>"
    ),
    "an answer that has no stream": (
        "<script>window.Response = class { arrayBuffer() { return Promise.resolve(null); } }"
        "</script>"
    ),
    "timers that are objects": """<script>{
      const { setTimeout: begin, clearTimeout: end } = window;
      window.setTimeout = (...a) => ({ id: begin(...a) });
      window.clearTimeout = (timer) => end(timer?.id);
    }</script>""",
}


def assert_it_is_recorded(page: Page, recorder: Recorder) -> None:
    """A page load, a call, a click and an event of the page's own arrive, and no error is thrown."""
    errors = errors_of(page)
    recorder.settings = {}
    page.goto(recorder.url + "/start")
    page.evaluate("fetch('/api/called').then((answer) => answer.text())")
    page.evaluate("document.documentElement.click()")
    # Enough for a batch that is compressed.
    page.evaluate("for (let n = 0; n < 30; n++) perftui.capture('event ' + n)")
    capture(page, recorder, "end")
    recorder.wait(lambda: recorder.entries("navigation"), "the navigation")
    recorder.wait(lambda: "/api/called" in str(names(recorder, "resource")), "the call")
    recorder.wait(lambda: len(names(recorder, "capture")) > 30, "the events")
    assert names(recorder, "action") == ["click"]
    assert names(recorder, "pageview") == [recorder.url + "/start"]
    assert not any(batch["dropped"] for batch in recorder.batches)
    assert errors == []


@pytest.mark.parametrize("head", ODD_HEADS.values(), ids=ODD_HEADS)
def test_a_page_with(page: Page, recorder: Recorder, head: str) -> None:
    recorder.head = head
    assert_it_is_recorded(page, recorder)


@pytest.mark.parametrize(
    ("document", "kind"),
    [
        pytest.param("<title>Old</title>{tag}<p>Words", "text/html", id="without a doctype"),
        pytest.param(FRAMESET, "text/html", id="of frames"),
        pytest.param(XHTML, "application/xhtml+xml", id="of XHTML"),
    ],
)
def test_a_document(page: Page, recorder: Recorder, document: str, kind: str) -> None:
    tag = f'<script src="/perftui.js" {recorder.attributes}></script>'
    page.route(
        "**/start", lambda route: route.fulfill(content_type=kind, body=document.format(tag=tag))
    )
    assert_it_is_recorded(page, recorder)


def test_a_module_lives_with_a_frozen_history(page: Page, recorder: Recorder) -> None:
    """A module is strict: where it may not wrap a method, it is told so by an exception."""
    recorder.files["/perftui.mjs"] = (SDK / "dist" / "perftui.mjs").read_text()
    recorder.head = ODD_HEADS["a frozen history"]
    recorder.script = False
    recorder.body = """<script type=module>import { init } from '/perftui.mjs';
      window.perftui = init({ flushInterval: 600000 });</script>"""
    page.goto(recorder.url + "/start")
    page.wait_for_function("window.perftui")
    page.evaluate("perftui.capture('last')")
    # What is heard of the page's end is set up all the same.
    page.goto("about:blank")
    recorder.wait(lambda: "last" in names(recorder, "capture"), "the last event")


@pytest.mark.parametrize(
    "breaking",
    [
        "delete window.PerformanceObserver",
        "Date.now = () => { throw new Error('of the page'); }",
        "JSON.stringify = () => { throw new Error('of the page'); }",
        "delete window.fetch; window.fetch = () => { throw new Error('of the page'); }",
    ],
)
def test_where_it_cannot_work_it_is_silent(page: Page, recorder: Recorder, breaking: str) -> None:
    """No exception, and no promise that nobody handles."""
    recorder.settings = {}
    errors = errors_of(page)
    page.add_init_script(
        "window.unhandled = 0; addEventListener('unhandledrejection', () => unhandled++)"
    )
    recorder.head = f"<script>{breaking}</script>"
    page.goto(recorder.url + "/start")
    page.evaluate("""async () => {
      perftui.capture('lost'); perftui.pageview(); perftui.use(() => {}); perftui.flush();
      void perftui.sessionId; void perftui.pageViewId;
      history.pushState({}, '', '/next');
      dispatchEvent(new Event('online'));
      document.body.click();
      // Rejections are told after the microtasks of a task.
      for (let n = 0; n < 3; n++) await new Promise((done) => setTimeout(done, 150));
      perftui.optOut(); perftui.optIn();
    }""")
    assert (page.evaluate("unhandled"), errors) == (0, [])
    page.goto("about:blank")
    assert errors == []


def test_a_page_that_clears_its_timeline_keeps_nothing_from_the_log(
    page: Page, recorder: Recorder
) -> None:
    page.goto(recorder.url + "/start")
    page.evaluate("""async () => {
      performance.setResourceTimingBufferSize(0);
      for (let n = 0; n < 50; n++) {
        await fetch('/api/' + n).then((answer) => answer.text());
        performance.clearResourceTimings();
      }
    }""")
    wanted = [f"{recorder.url}/api/{n}" for n in range(50)]
    recorder.wait(lambda: set(wanted) <= set(names(recorder, "resource")), "50 calls")
    assert sorted(n for n in names(recorder, "resource") if "/api/" in n) == sorted(wanted)


def test_a_page_with_much_in_it_is_recorded_whole(page: Page, recorder: Recorder) -> None:
    """20,000 elements, and more images before the page has loaded than its timeline holds."""
    recorder.attributes = ""
    recorder.body = """<h1>Page</h1><script>
      const list = document.body.appendChild(document.createElement('ul'));
      for (let n = 0; n < 4000; n++) {
        const item = document.createElement('li');
        item.innerHTML = '<i><b><s><u></u></s></b></i><p></p>';
        if (n % 8 == 0) item.append(Object.assign(new Image(), { src: '/api/' + n }));
        list.append(item);
      }
    </script>"""
    page.goto(recorder.url + "/start", timeout=300_000)
    assert page.evaluate("document.querySelectorAll('*').length") > 20_000
    wanted = {f"{recorder.url}/api/{n}" for n in range(0, 4000, 8)}
    recorder.wait(lambda: wanted <= set(names(recorder, "resource")), "500 images")
    assert len([n for n in names(recorder, "resource") if n in wanted]) == 500
    assert not any(batch["dropped"] for batch in recorder.batches)


def test_a_frame_without_an_origin_is_recorded_by_the_tag_in_it(
    page: Page, recorder: Recorder
) -> None:
    """Such as that of an extension or a preview: no storage, and an address that is no URL to post to."""
    recorder.script = False
    tag = f"<script src={recorder.url}/perftui.js {recorder.attributes}></script>".replace('"', "")
    recorder.body = f"<iframe sandbox=allow-scripts srcdoc='{tag}<p>Framed'></iframe>"
    page.goto(recorder.url + "/start")
    page.frames[1].evaluate("perftui.capture('framed')")
    recorder.wait(lambda: "framed" in names(recorder, "capture"), "the event")
    assert recorder.batches[0]["page"]["url"] == "about:srcdoc"


def test_a_document_that_is_written_anew_is_still_recorded(page: Page, recorder: Recorder) -> None:
    """That takes all listeners from the page, not the observers."""
    page.goto(recorder.url + "/start")
    page.evaluate(
        "document.open(); document.write('<title>Anew</title><p>Words'); document.close()"
    )
    page.evaluate("fetch('/api/anew').then((answer) => answer.text())")
    capture(page, recorder, "end")
    recorder.wait(lambda: "/api/anew" in str(names(recorder, "resource")), "the call")
    assert recorder.batches[-1]["page"]["title"] == "Anew"


def test_an_error_is_told_whatever_it_is_made_of(page: Page, recorder: Recorder) -> None:
    # Names of the page's own, which an error at the window would be asked for.
    recorder.head = "<script>var src = { of: 'the page' }, href = 'of the page'</script>"
    page.goto(recorder.url + "/start")
    page.evaluate("""() => {
      setTimeout(() => { throw new RangeError('long '.repeat(20000)); });
      void Promise.reject({ name: 5, message: { not: 'a text' } });
      void Promise.reject();
      document.body.append(Object.assign(new Image(), { src: '/missing.png' }));
    }""")
    errors = recorder.wait(lambda: len(e := recorder.entries("error")) >= 4 and e, "four errors")
    by_message = {str(error["message"])[:20]: error for error in errors}
    long = by_message["long long long long "]
    assert (long["name"], len(long["message"]), len(long["stack"])) == ("RangeError", 2000, 2000)
    assert {"[object Object]", "undefined", "img"} < set(by_message)
    assert by_message["[object Object]"]["name"] == "5"
    assert by_message["img"]["source"] == recorder.url + "/missing.png"
    assert "of the page" not in str(errors)
    assert "the page" not in str(errors)
    assert not any(batch["dropped"] for batch in recorder.batches)
