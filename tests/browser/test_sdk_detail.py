"""The second file: request details and the console, for those who ask for it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.browser.recording import Recorder, capture

pytestmark = pytest.mark.chromium

IS_LOADED = "!/native code/.test(fetch)"


def test_the_second_file_comes_only_when_it_is_asked_for(page: Page, recorder: Recorder) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(recorder.url + "/")
    capture(page, recorder, "ready")
    assert not [url for url in asked if "perftui-detail" in url]


def test_request_details_and_console_where_asked_for(page: Page, recorder: Recorder) -> None:
    recorder.attributes += ' data-detail="true" data-detail-headers="content-type,x-mine"'
    recorder.attributes += ' data-detail-body-limit="20"'
    with page.expect_response("**/perftui-detail.js"):
        page.goto(recorder.url + "/")
    page.wait_for_function(IS_LOADED)
    page.evaluate(
        """async () => {
          await fetch('/one', { method: 'PUT', body: 'sent', headers: { 'X-Mine': 'yes' } });
          await new Promise((done) => {
            const request = new XMLHttpRequest();
            request.open('GET', '/two');
            request.onloadend = done;
            request.send();
          });
          await fetch('http://127.0.0.1:1/').catch(() => {});
          console.warn('careful', 5);
        }"""
    )
    recorder.wait(
        lambda: len(recorder.entries("request-detail")) >= 3 and recorder.entries("console"),
        "three requests and a line of the console",
    )
    by_path = {
        str(entry["name"]).rpartition("/")[2]: entry for entry in recorder.entries("request-detail")
    }
    one = by_path["one"]
    assert (one["method"], one["requestBody"]) == ("PUT", "sent")
    assert {"name": "x-mine", "value": "yes"} in one["requestHeaders"]
    two = by_path["two"]
    assert (two["method"], two["responseStatus"]) == ("GET", 200)
    assert len(str(two["responseBody"])) == 20
    assert "TypeError" in str(by_path[""]["error"])
    (line,) = recorder.entries("console")
    assert (line["name"], line["message"]) == ("warn", "careful 5")
    assert not [one for one in by_path if "batch" in one], "the SDK's own requests stay out"


def details(recorder: Recorder, count: int) -> dict[str, dict[str, object]]:
    """The request details that arrived, by URL without the site's."""
    found = recorder.wait(
        lambda: len(e := recorder.entries("request-detail")) >= count and e, f"{count} requests"
    )
    return {str(entry["name"]).removeprefix(recorder.url): entry for entry in found}


def test_a_policy_that_asks_for_a_nonce_lets_the_second_file_in(
    page: Page, recorder: Recorder
) -> None:
    recorder.policy = "script-src 'nonce-abc'"
    recorder.attributes += ' nonce="abc" data-types="request-detail"'
    page.goto(recorder.url + "/start")
    page.wait_for_function(IS_LOADED)
    # Two lines of the console would be two entries, had they been asked for.
    page.evaluate("async () => { console.log('no'); await fetch('/api/yes'); }")
    assert list(details(recorder, 1)) == ["/api/yes"]
    assert not recorder.entries("console")


def test_a_relative_url_is_that_of_the_moment_of_the_call(page: Page, recorder: Recorder) -> None:
    recorder.attributes += ' data-detail="true"'
    page.goto(recorder.url + "/shop/start")
    page.wait_for_function(IS_LOADED)
    request = """() => new Promise((done) => {
      const request = new XMLHttpRequest();
      request.open('GET', '../api/asked');
      request.onloadend = done;
      request.send();
      history.pushState({}, '', '/another/depth/of/path');
    })"""
    page.evaluate(request)
    page.evaluate("""async () => {
      const answer = fetch('api/fetched');
      history.pushState({}, '', '/');
      await answer;
      document.head.append(Object.assign(document.createElement('base'), { href: '/api/base/' }));
      await fetch('of');
    }""")
    assert set(details(recorder, 3)) == {
        "/api/asked",
        "/another/depth/of/api/fetched",
        "/api/base/of",
    }


def test_a_request_that_failed_is_told_with_what_ended_it(page: Page, recorder: Recorder) -> None:
    recorder.attributes += ' data-detail="true"'
    page.goto(recorder.url + "/start")
    page.wait_for_function(IS_LOADED)
    page.evaluate("""() => Promise.all(['abort', 'timeout', 'error'].map((way) =>
      new Promise((done) => {
        const request = new XMLHttpRequest();
        request.open('GET', way == 'error' ? 'http://127.0.0.1:1/' : '/endless/text/' + way);
        request.onloadend = done;
        if (way == 'timeout') request.timeout = 100;
        if (way == 'abort') request.onreadystatechange = () => request.readyState > 2 && request.abort();
        request.send();
      })))""")
    told = {str(entry["error"]): entry for entry in details(recorder, 3).values()}
    assert set(told) == {"abort", "timeout", "error"}
    assert str(told["abort"]["name"]).endswith("/endless/text/abort")


def test_one_object_that_asks_again_and_again_is_told_each_time(
    page: Page, recorder: Recorder
) -> None:
    # No header can have the first of these names; that is no fault of the page.
    recorder.attributes += ' data-detail="true" data-detail-headers="no: content-type"'
    page.goto(recorder.url + "/start")
    page.wait_for_function(IS_LOADED)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.evaluate("""async () => {
      const request = new XMLHttpRequest();
      const { addEventListener } = request;
      window.listeners = 0;
      request.addEventListener = (...all) => { listeners++; addEventListener.apply(request, all); };
      for (const path of ['/api/1', 'http://127.0.0.1:1/', '/api/2']) await new Promise((done) => {
        request.open('GET', path);
        request.onloadend = done;
        request.send();
      });
    }""")
    # One of each kind, however often it asks.
    assert page.evaluate("listeners") == 4
    assert errors == []
    found = recorder.wait(
        lambda: len(e := recorder.entries("request-detail")) >= 3 and e, "three requests"
    )
    assert [entry.get("error") for entry in found] == [None, "error", None]
    assert found[0]["responseHeaders"] == [{"name": "content-type", "value": "application/json"}]


def test_of_a_body_without_end_the_beginning_is_read(page: Page, recorder: Recorder) -> None:
    recorder.attributes += ' data-detail="true" data-detail-body-limit="7"'
    page.goto(recorder.url + "/start")
    page.wait_for_function(IS_LOADED)
    for kind in ("text/plain", "text/event-stream"):
        # The page reads its own copy as before.
        assert (
            page.evaluate(
                """async (url) => {
          const reader = (await fetch(url)).body.getReader();
          return new TextDecoder().decode((await reader.read()).value);
        }""",
                "/endless/" + kind,
            )
            == "The beginnin"
        )
    told = details(recorder, 2)
    assert told["/endless/text/plain"]["responseBody"] == "The beg"
    assert "responseBody" not in told["/endless/text/event-stream"]
