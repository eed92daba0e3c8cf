"""The browser SDK in real Chromium: attribution, sending, privacy."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.browser.recording import Recorder, capture, names

pytestmark = pytest.mark.chromium


@pytest.mark.parametrize(
    ("change", "is_new"),
    [
        ("history.pushState({}, '', '/other')", True),
        ("history.replaceState({}, '', '/other')", True),
        ("perftui.pageview()", True),
        ("history.pushState({}, '', '?page=2')", False),
        ("history.pushState({}, '', '#part')", False),
    ],
)
def test_a_pageview_begins_where_the_path_changes(
    page: Page, recorder: Recorder, change: str, is_new: bool
) -> None:
    page.goto(recorder.url + "/start")
    before = capture(page, recorder, "before")
    page.evaluate(change)
    after = capture(page, recorder, "after")
    assert (before["pageViewId"] != after["pageViewId"]) is is_new
    assert before["sessionId"] == after["sessionId"]


def test_an_entry_belongs_to_the_pageview_in_which_it_started(
    page: Page, recorder: Recorder
) -> None:
    page.goto(recorder.url + "/start")
    page.evaluate(
        """async () => {
          const answer = fetch("/api/early").then((early) => early.text());
          await new Promise(requestAnimationFrame);
          history.pushState({}, '', '/later');
          await answer;
          await (await fetch('/api/late')).text();
        }"""
    )
    late = recorder.wait(
        lambda: [e for e in recorder.entries("resource") if e["name"].endswith("/api/late")], "late"
    )[0]
    early = recorder.wait(
        lambda: [e for e in recorder.entries("resource") if e["name"].endswith("/api/early")],
        "early",
    )[0]
    views = recorder.wait(
        lambda: (v := recorder.entries("pageview")) and len(v) == 2 and v, "two pageviews"
    )
    assert early["pageViewId"] == views[0]["pageViewId"]
    assert late["pageViewId"] == views[1]["pageViewId"]


def test_own_requests_are_never_in_the_log(page: Page, recorder: Recorder) -> None:
    recorder.attributes += ' data-detail="true"'
    recorder.settings = {}
    with page.expect_response("**/config"):
        page.goto(recorder.url + "/start")
    page.wait_for_function("!/native code/.test(fetch)")
    capture(page, recorder, "first")
    page.evaluate("fetch('/api/of-the-page').then((answer) => answer.text())")
    recorder.wait(lambda: names(recorder, "resource"), "the page's own request")
    recorder.wait(lambda: names(recorder, "request-detail"), "its details")
    capture(page, recorder, "second")
    told = {*names(recorder, "resource"), *names(recorder, "request-detail")}
    assert told == {recorder.url + "/api/of-the-page"}


def test_a_page_with_the_tag_twice_is_recorded_once(page: Page, recorder: Recorder) -> None:
    recorder.body += f"<script src=/perftui.js {recorder.attributes}></script>"
    page.goto(recorder.url + "/start")
    capture(page, recorder, "once")
    assert len(recorder.entries("pageview")) == 1
    assert names(recorder, "capture") == ["once"]


def test_what_is_under_way_when_the_page_goes_arrives(page: Page, recorder: Recorder) -> None:
    recorder.attributes = 'data-flush-interval="600000"'
    page.goto(recorder.url + "/start")
    page.evaluate("async () => { await fetch('/api/last'); perftui.capture('bye'); }")
    page.goto("about:blank")
    recorder.wait(lambda: "bye" in names(recorder, "capture"), "the last event")
    recorder.wait(
        lambda: any(name.endswith("/api/last") for name in names(recorder, "resource")),
        "the last request",
    )


def test_a_server_that_is_busy_gets_every_entry_once_later(page: Page, recorder: Recorder) -> None:
    recorder.status, recorder.retry_after = 503, "1"
    page.goto(recorder.url + "/start")
    page.evaluate("for (let i = 0; i < 50; i++) perftui.capture('event ' + i)")
    recorder.wait(lambda: recorder.refused, "a refused batch")
    recorder.status = 200
    wanted = [f"event {number}" for number in range(50)]
    recorder.wait(lambda: set(wanted) <= set(names(recorder, "capture")), "all events")
    assert sorted(names(recorder, "capture")) == sorted(wanted)
    # A retry keeps its ID, so that a server which had stored it would know.
    assert {b["batchId"] for b in recorder.refused} <= {b["batchId"] for b in recorder.batches}


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422])
def test_what_a_server_finds_wrong_is_not_sent_again_but_counted(
    page: Page, recorder: Recorder, status: int
) -> None:
    recorder.status = status
    page.goto(recorder.url + "/start")
    page.evaluate("perftui.capture('refused')")
    recorder.wait(
        lambda: "refused" in str([b["entries"] for b in recorder.refused]), "a refused batch"
    )
    recorder.status = 200
    capture(page, recorder, "taken")
    assert "refused" not in names(recorder, "capture")
    assert sum(b["dropped"].get("capture", 0) for b in recorder.batches) == 1


def test_blocked_storage_is_no_fault(page: Page, recorder: Recorder) -> None:
    recorder.head = """<script>Object.defineProperty(window, 'localStorage', {
      get() { throw new DOMException('blocked', 'SecurityError'); } });</script>"""
    page.goto(recorder.url + "/start")
    one, two = capture(page, recorder, "one"), capture(page, recorder, "two")
    assert one["sessionId"] == two["sessionId"]


def test_two_tabs_share_a_session(page: Page, recorder: Recorder) -> None:
    page.goto(recorder.url + "/start")
    first = capture(page, recorder, "first tab")
    other = page.context.new_page()
    other.goto(recorder.url + "/start")
    second = capture(other, recorder, "second tab")
    assert first["sessionId"] == second["sessionId"]
    assert first["pageViewId"] != second["pageViewId"]


def test_secrets_in_urls_never_leave_the_page(page: Page, recorder: Recorder) -> None:
    page.goto(recorder.url + "/start?access_token=hunter2&page=1")
    page.evaluate("fetch('/api/users?api_key=hunter2&q=shoes')")
    recorder.wait(lambda: "/api/users" in str(recorder.batches), "the request")
    assert "hunter2" not in str(recorder.batches)
    assert "q=shoes" in str(recorder.batches)


def test_what_an_expression_of_the_tag_matches_never_leaves_the_page(
    page: Page, recorder: Recorder
) -> None:
    recorder.attributes += r' data-redact="card-\d+"'
    recorder.body = "<script>document.title = 'Pay by Card-1234'</script>"
    page.goto(recorder.url + "/card-1234/pay")
    page.evaluate("fetch('/api/card-1234?q=shoes')")
    page.evaluate("perftui.capture('CARD-1234', { of: { deep: ['card-1234'] } })")
    recorder.wait(lambda: "q=shoes" in str(recorder.batches), "the request")
    recorder.wait(lambda: recorder.entries("capture"), "the event")
    assert "1234" not in str(recorder.batches)
    assert recorder.entries("capture")[0]["properties"] == {"of": {"deep": ["REDACTED"]}}


def test_opting_out_holds_for_the_next_page_too(page: Page, recorder: Recorder) -> None:
    page.goto(recorder.url + "/start")
    capture(page, recorder, "before")
    page.evaluate("perftui.optOut(); perftui.capture('after')")
    page.goto(recorder.url + "/next")
    page.evaluate("perftui.capture('next'); perftui.flush()")
    assert page.evaluate("perftui.sessionId === undefined")
    page.evaluate("perftui.optIn()")
    page.goto(recorder.url + "/again")
    capture(page, recorder, "again")
    assert not {"after", "next"} & set(names(recorder, "capture"))


def test_privacy_signals_are_heeded(page: Page, recorder: Recorder) -> None:
    recorder.head = """<script>Object.defineProperty(
      navigator, 'globalPrivacyControl', { value: true });</script>"""
    page.goto(recorder.url + "/start")
    assert page.evaluate("perftui.sessionId === undefined")


def test_a_policy_of_own_scripts_alone_is_enough(page: Page, recorder: Recorder) -> None:
    recorder.policy = "script-src 'self'; connect-src 'self'"
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(recorder.url + "/start")
    recorder.wait(lambda: recorder.entries("navigation"), "the navigation")
    assert not [text for text in complaints if "Content Security Policy" in text]


def test_a_crowd_of_resources_is_recorded_whole(page: Page, recorder: Recorder) -> None:
    page.goto(recorder.url + "/start")
    page.evaluate(
        """async () => { for (let i = 0; i < 400; i += 20) await Promise.all(
          Array.from({ length: 20 }, (_, k) => fetch('/api/n' + (i + k)))); }"""
    )
    wanted = {f"{recorder.url}/api/n{number}" for number in range(400)}
    recorder.wait(lambda: wanted <= set(names(recorder, "resource")), "400 requests")
    seen = [name for name in names(recorder, "resource") if name in wanted]
    assert len(seen) == len(wanted)
