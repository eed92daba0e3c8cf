"""Every kind of page through the proxy, in real Chromium, against the site's own access log."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner
from playwright.sync_api import Browser, BrowserContext, Frame, Page

from perftui.cli import cli
from perftui.commands.proxy import running_proxy
from perftui.model import Record
from perftui.store.reader import StoreReader
from tests.browser.conftest import chromium
from tests.proxy.site import ANSWERS, ICON, PAGES, Site, running_site
from tests.proxy.test_proxy import requests_in, wait_until
from tests.server.conftest import Running, capture, start

__all__ = ["capture", "chromium", "start"]

pytestmark = [pytest.mark.proxy, pytest.mark.chromium]

WITHOUT_SDK = {"/policy/sandbox"}
"""Its policy takes the page's origin away: it may send nothing."""

LOOK = """() => ({
  title: document.title,
  text: document.body.innerText,
  ran: document.body.dataset.ran,
  inline: document.documentElement.dataset.inline,
  done: document.body.dataset.done,
  charset: document.characterSet,
  mode: document.compatMode,
  images: [...document.images].map(image => image.naturalWidth),
})"""


@dataclass
class Visit:
    """What a page is like once it is loaded."""

    shown: dict[str, Any]
    complaints: list[str]
    has_sdk: bool


@pytest.fixture
def site() -> Iterator[Site]:
    with running_site() as running:
        yield running


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    made = chromium.new_context()
    yield made
    made.close()


def visit(page: Page, url: str) -> Visit:
    """Load a page and look at it as its user does."""
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda message: complaints.append(message.text) if message.type == "error" else None,
    )
    page.goto(url, wait_until="load")
    if url.endswith("/activity"):
        page.wait_for_function("document.body.dataset.done")
    has_sdk = page.evaluate("typeof window.perftui?.sessionId === 'string'")
    origin = "{}://{}".format(*urlsplit(url)[:2])
    # A complaint quotes the policy, to which the proxy may add its own place.
    told = (one.replace(f" {origin}/__perftui/", "").replace(origin, "") for one in complaints)
    return Visit(page.evaluate(LOOK), sorted(told), has_sdk)


def test_every_kind_of_page_is_as_without_the_proxy(
    capture: Running, site: Site, context: BrowserContext
) -> None:
    direct = {path: visit(context.new_page(), site.url + path) for path in PAGES}
    site.log.clear()
    with running_proxy(f"reverse:{site.url}", capture.url, 0) as address:
        for path in PAGES:
            page = context.new_page()
            found = visit(page, address + path)
            assert found.shown == direct[path].shown, path
            assert found.complaints == direct[path].complaints, path
            assert found.has_sdk is (path not in WITHOUT_SDK), path
            page.close()
        check_log(capture, site, address)
        rows = {urlsplit(one.entry.name).path: one.entry for one in requests_in(capture)}
        events, wire = rows["/events"], rows["/socket"]
        assert (events.initiator_type, events.extra["messages"]) == (
            *("eventsource", {"received": 3, "bytes": 27}),
        )
        assert (wire.initiator_type, wire.extra["messages"]) == (
            *("websocket", {"sent": 2, "received": 2, "bytes": 2 * (3 + 70_000)}),
        )
        printed = CliRunner().invoke(
            cli, ["--db", str(capture.path), "log", "last", "--width", "140"]
        )
        lines = [line.split() for line in printed.output.splitlines()]
        assert any({"ws", "101"} <= set(line) for line in lines)
        assert any({"sse", "200"} <= set(line) for line in lines)


def test_a_document_that_is_downloaded_is_left_as_it_is(
    capture: Running, site: Site, context: BrowserContext
) -> None:
    with running_proxy(f"reverse:{site.url}", capture.url, 0) as address:
        page = context.new_page()
        page.goto(address + "/activity", wait_until="load")
        page.wait_for_function("document.body.dataset.done")
        with page.expect_download() as downloading:
            page.click("#file")
        assert downloading.value.suggested_filename == "page.html"
        assert downloading.value.path().read_bytes() == ANSWERS["/download"].body
        page.close()

        def told() -> list[Record]:
            return [
                one for one in requests_in(capture) if urlsplit(one.entry.name).path == "/download"
            ]

        wait_until(lambda: bool(told()), "the download in the store")
        (sent,) = [one for one in site.log if one.path == "/download"]
        assert [(one.entry.response_status, one.entry.encoded_body_size) for one in told()] == [
            (200, sent.body_bytes)
        ]


def test_what_other_origins_send_is_joined_and_their_frames_are_there_once(
    capture: Running, site: Site, chromium: Browser
) -> None:
    with running_proxy("regular", capture.url, 0) as address:
        context = chromium.new_context(proxy={"server": address, "bypass": "<-loopback>"})
        page = context.new_page()
        page.goto(f"{site.url}/other-origins", wait_until="load")
        for path, told in (("/framed", 2), ("/framed/inner", 0), ("/object", 0)):
            frame = frame_at(page, path)
            frame.wait_for_function("document.readyState === 'complete' && window.perftui")
            frame.wait_for_function(
                "count => performance.getEntriesByType('resource').filter("
                "entry => ['iframe', 'object'].includes(entry.initiatorType)).length === count",
                arg=told,
            )
        page.close()
        other = site.url.replace("127.0.0.1", "localhost")
        check_log(capture, site, (site.url, other))
        context.close()
    rows = {urlsplit(one.entry.name)[1:4:2]: one.entry for one in requests_in(capture)}
    picture = rows[urlsplit(other).netloc, "other"]
    assert (picture.entry_type, picture.response_status) == ("resource", 200)
    with StoreReader(capture.path) as reader:
        frames = {
            urlsplit(one.entry.name)[2]: one.entry
            for one in reader.iter_records()
            if one.entry.entry_type == "frame"
        }
    # Each is kept, under the page around it, with what the proxy knows.
    assert frames.keys() == {"/framed", "/framed/inner", "/object"}
    assert {(one.response_status, one.method) for one in frames.values()} == {(200, "GET")}
    (around,) = [one for one in requests_in(capture) if one.entry.name.endswith("/other-origins")]
    printed = CliRunner().invoke(
        cli, ["--db", str(capture.path), "waterfall", around.session_id, "--json"]
    )
    assert [
        row["url"]
        for row in map(json.loads, printed.output.splitlines())
        if row["type"] == "iframe"
    ] == [f"{other}/framed"]


def frame_at(page: Page, path: str) -> Frame:
    """A page's frame, once it is there."""
    while True:
        for frame in page.frames:
            if frame.url.endswith(path):
                return frame
        page.wait_for_event("framenavigated")


def check_log(capture: Running, site: Site, address: str | tuple[str, ...]) -> None:
    """Every request that reached the site is there exactly once, joined with what the browser
    told of it, and with the sizes that were sent.

    Args:
        address: the origins of the pages, as their browser calls them.
    """

    def rows() -> list[Record]:
        return [
            one
            for one in requests_in(capture)
            if not is_blocked(one) and not one.entry.name.endswith(ICON)
        ]

    def joined() -> list[Record]:
        return [one for one in rows() if is_joined(one)]

    def of_page() -> list[Record]:
        return [
            one
            for one in rows()
            if one.entry.entry_type != "request" and one.entry.name.startswith(address)
        ]

    reached: Counter[tuple[str | None, str, int | None]] = Counter(
        (one.method, one.path, one.status) for one in site.log
    )

    def found() -> Counter[tuple[str | None, str, int | None]]:
        return Counter(
            (one.entry.method, urlsplit(one.entry.name).path, one.entry.response_status)
            for one in rows()
        )

    with suppress(AssertionError):
        wait_until(lambda: found() == reached, "each request in the store, once", seconds=10)
    assert (found() - reached, reached - found()) == (Counter(), Counter())
    assert len(joined()) >= 0.99 * len(of_page())
    assert Counter(
        (urlsplit(one.entry.name).path, one.entry.transfer_size, sent_body(one)) for one in rows()
    ) == Counter((one.path, one.head_bytes + one.body_bytes, one.body_bytes) for one in site.log)


def sent_body(record: Record) -> int | None:
    """The body that came over the wire: that of an unchanged answer (304) is the cached one."""
    return 0 if record.entry.response_status == 304 else record.entry.encoded_body_size


def is_blocked(record: Record) -> bool:
    """Whether a policy forbade the request: the browser tells of it, and nothing was sent."""
    entry = record.entry
    return entry.entry_type == "resource" and not entry.response_status and not entry.transfer_size


def is_joined(record: Record) -> bool:
    """Whether browser and proxy are one row."""
    return "proxy" in record.entry.extra
