"""A page of another origin in a real browser: it can neither read from the capture server nor write
to it, also not under a name of its own that leads to this machine (DNS rebinding)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from perftui.store.reader import StoreReader
from tests.browser.conftest import CHROMIUM_ARGUMENTS
from tests.server.conftest import Running

pytestmark = pytest.mark.chromium

ATTEMPTS = """
async server => {
  const body = JSON.stringify({sessionId: 'evil', pageViewId: 'p', entries: [
    {entryType: 'mark', name: 'evil', startTime: 1, duration: 0}]});
  const read = {};
  const attempt = async (name, act) => {
    try { read[name] = await act(); } catch (error) { read[name] = null; }
  };
  const text = async (path, options) => {
    const answer = await fetch(server + path, options);
    return answer.type === 'opaque' ? null : [answer.status, await answer.text()];
  };
  await attempt('post', () => text('/batch', {method: 'POST', body}));
  await attempt('post json', () => text('/batch', {
    method: 'POST', body, headers: {'Content-Type': 'application/json'}}));
  await attempt('post no-cors', () => text('/batch', {method: 'POST', body, mode: 'no-cors'}));
  await attempt('post keepalive', () => text('/batch', {method: 'POST', body, keepalive: true}));
  await attempt('put', () => text('/batch', {method: 'PUT', body}));
  for (const path of ['/metrics', '/config', '/healthz', '/', '/batch'])
    await attempt(path, () => text(path));
  await attempt('xhr', () => new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('GET', server + '/metrics');
    request.onload = () => resolve([request.status, request.responseText]);
    request.onerror = reject;
    request.send();
  }));
  await attempt('events', () => new Promise((resolve, reject) => {
    const source = new EventSource(server + '/metrics');
    source.onopen = resolve;
    source.onerror = () => { source.close(); reject(); };
  }));
  navigator.sendBeacon(server + '/batch', body);
  await new Promise(done => {
    const frame = document.createElement('iframe');
    frame.name = 'hidden';
    document.body.append(frame);
    const form = document.createElement('form');
    form.method = 'POST';
    form.enctype = 'text/plain';
    form.action = server + '/batch';
    form.target = 'hidden';
    const field = document.createElement('input');
    field.name = body.slice(0, -1) + ',"x":"';
    field.value = '"}';
    form.append(field);
    document.body.append(form);
    frame.onload = () => done();
    form.submit();
    setTimeout(done, 3000);
  });
  return read;
}
"""


@pytest.fixture(scope="module")
def browser(chromium_path: str) -> Iterator[Browser]:
    """All names under ``.test`` lead to this machine, as those of a rebinding name server do."""
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=chromium_path,
            headless=True,
            args=[
                *CHROMIUM_ARGUMENTS,
                "--host-resolver-rules=MAP *.test 127.0.0.1",
                # What is tested is the server, so Chromium's own doors stand open: it would ask
                # for a permission before a public page reaches this machine.
                "--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests,"
                "PrivateNetworkAccessSendPreflights,HttpsUpgrades",
            ],
        )
        yield launched
        launched.close()


def _attempt(page: Page, server: str) -> dict[str, Any]:
    found = page.evaluate(ATTEMPTS, server)
    assert isinstance(found, dict)
    return found


def _refused(capture: Running, reason: str) -> int:
    text = capture.request("GET", "/metrics")[2].decode()
    for line in text.splitlines():
        if line.startswith(f'perftui_refused_total{{reason="{reason}"}}'):
            return int(line.split()[-1])
    return 0


def _nothing_is_stored(capture: Running) -> None:
    with StoreReader(capture.path) as reader:
        assert list(reader.iter_records()) == []
        assert reader.sessions() == []


@pytest.mark.parametrize("server", ["http://127.0.0.1:{port}", "http://localhost:{port}"])
def test_a_page_of_another_origin_can_neither_read_nor_write(
    browser: Browser, capture: Running, server: str
) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.route(
        "http://evil.test/**",
        lambda route: route.fulfill(content_type="text/html", body="<body>evil"),
    )
    page.goto("http://evil.test/")
    read = _attempt(page, server.format(port=capture.port))
    context.close()
    assert len(read) > 10
    assert {name: told for name, told in read.items() if told is not None} == {}
    assert _refused(capture, "origin") >= 8, "the requests did not get as far as the server"
    _nothing_is_stored(capture)


def test_a_name_that_was_bound_anew_leads_nowhere(browser: Browser, capture: Running) -> None:
    context = browser.new_context()
    page = context.new_page()
    answer = page.goto(f"http://rebound.test:{capture.port}/metrics")
    assert answer is not None
    assert answer.status == 403
    # The page has the origin of the server now, as the browser sees it: it may read each answer.
    read = _attempt(page, f"http://rebound.test:{capture.port}")
    context.close()
    told = [one for one in read.values() if one is not None]
    assert len(told) >= 8
    assert {status for status, _ in told} == {403}
    assert all("perftui_" not in text for _, text in told)
    assert _refused(capture, "host") >= 8
    _nothing_is_stored(capture)
