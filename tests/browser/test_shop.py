"""The whole way: Chromium loads the example shop with nothing but the script tag, and what the
shop's own access log saw is in ``perftui log``."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page

from examples.shop.access import Access
from examples.shop.server import Shop
from perftui.store.reader import StoreReader
from tests.server.conftest import Running

pytestmark = pytest.mark.chromium

LOADS = 3

NOISE_MS = 20.0
"""What the network and the machine may add to the server's own time."""


@pytest.fixture
def shop(capture: Running) -> Iterator[Shop]:
    """The shop, whose pages carry the script tag and nothing else of perftui."""
    with Shop(sdk_url=f"{capture.url}/perftui.js") as shop:
        yield shop


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    yield context.new_page()
    context.close()


def leave(page: Page) -> None:
    """Go somewhere else, so that everything is sent, and wait for what is under way."""
    page.goto("about:blank")


def log_of(path: Path) -> list[dict[str, Any]]:
    """What ``perftui log last --json`` prints."""
    done = subprocess.run(
        [sys.executable, "-m", "perftui", "--db", str(path), "log", "last", "--json"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(0.05)


def wait_for_requests(capture: Running, seen: Sequence[Access], shop: Shop) -> list[dict[str, Any]]:
    """The requests of the newest session, once each of those that the shop saw is there."""

    def there() -> bool:
        with StoreReader(capture.path) as reader:
            session_id = reader.find_session("last")
            found = [
                one.entry.name for one in reader.iter_records(session_id) if one.entry.is_request
            ]
        return sorted(found) == sorted(url_of(access, shop) for access in seen)

    wait_until(there, f"{len(seen)} requests in the store")
    return [one for one in log_of(capture.path) if "url" in one]


def of_page(log: Sequence[Access], shop: Shop) -> list[Access]:
    """The accesses that a page makes and its timeline tells: not the icon that the browser itself
    asks for, and not what a frame loads for itself."""
    return [
        access
        for access in log
        if access.path != "/favicon.ico" and not (access.referer or "").endswith("/stores")
    ]


def url_of(access: Access, shop: Shop) -> str:
    bases = {
        "shop": shop.url,
        "cdn": shop.third_party_url,
        "tracker": shop.opaque_third_party_url,
    }
    return bases[access.origin] + access.path


def test_every_request_that_the_shop_saw_is_in_the_log(
    capture: Running, shop: Shop, chromium: Browser
) -> None:
    noise: dict[tuple[str, int], list[float]] = {}
    for _ in range(LOADS):
        context = chromium.new_context(viewport={"width": 1280, "height": 800})
        for url, number, difference in load_and_compare(capture, shop, context.new_page()):
            noise.setdefault((url, number), []).append(difference)
        context.close()
    # A busy machine may disturb any one request; it does not disturb most of them in every load.
    best = sorted(min(map(abs, differences)) for differences in noise.values())
    assert best[len(best) // 2] <= NOISE_MS


def load_and_compare(capture: Running, shop: Shop, page: Page) -> Iterator[tuple[str, int, float]]:
    """Load the product page, and compare each request that the shop saw with the log.

    Yields:
        URL, which one of those with this URL, and by how many ms the browser's time (from the
        request to the end of the answer) differs from the server's.
    """
    shop.access_log.clear()
    page.goto(f"{shop.url}/products/aurora-lamp", wait_until="load")
    page.wait_for_function("document.querySelector('#related .card img')?.complete")
    page.wait_for_load_state("networkidle")
    seen = of_page(shop.access_log, shop)
    leave(page)
    told = wait_for_requests(capture, seen, shop)
    assert sorted(url_of(access, shop) for access in seen) == sorted(one["url"] for one in told)
    numbers: dict[str, int] = {}
    left = sorted(told, key=lambda one: float(one["start_epoch_ms"]))
    for access in sorted(seen, key=lambda access: access.started_monotonic_s):
        url = url_of(access, shop)
        one = next(one for one in left if one["url"] == url)
        left.remove(one)
        if access.origin == "tracker":
            # Neither Timing-Allow-Origin nor CORS: nothing but the total, and null is not 0.
            assert one["timing_opaque"]
            assert one["status"] is None
            assert one["transfer_bytes"] is one["encoded_bytes"] is one["decoded_bytes"] is None
            assert one["ttfb_ms"] is None
            continue
        if access.origin == "shop":
            assert one["status"] == access.status, url
        assert one["encoded_bytes"] == access.body_bytes, url
        assert one["decoded_bytes"] == access.decoded_bytes, url
        # Before the request the browser waits for a connection; that is not the server's time.
        answered = one["phases"].get("wait_ms", 0.0) + one["phases"].get("receive_ms", 0.0)
        assert answered >= access.delay_ms - 1, url
        numbers[url] = numbers.get(url, 0) + 1
        yield url, numbers[url], answered - access.duration_ms


def test_route_changes_start_pageviews_and_keep_what_was_under_way(
    capture: Running, shop: Shop, page: Page
) -> None:
    page.goto(f"{shop.url}/products/aurora-lamp", wait_until="load")
    page.wait_for_function("document.querySelector('#related .card')")
    page.click("#tabs [data-tab=reviews]")
    page.wait_for_selector("#panel .review")
    page.wait_for_load_state("networkidle")
    seen = of_page(shop.access_log, shop)
    leave(page)
    told = wait_for_requests(capture, seen, shop)

    with StoreReader(capture.path) as reader:
        session_id = reader.find_session("last")
        views = reader.page_views(session_id)
    assert [(view.kind, urlsplit(view.url or "").path) for view in views] == [
        ("load", "/products/aurora-lamp"),
        ("route", "/products/aurora-lamp/reviews"),
    ]
    views_of = {
        path: [one["page_view_number"] for one in told if urlsplit(one["url"]).path == path]
        for path in ("/api/views", "/api/products/aurora-lamp/reviews")
    }
    # Posted just before the route changes, answered after it.
    (left,) = [one for one in told if urlsplit(one["url"]).path == "/api/views"]
    assert left["page_view_number"] == 1
    assert left["start_epoch_ms"] + left["duration_ms"] > views[1].start_epoch_us / 1000
    assert views_of["/api/products/aurora-lamp/reviews"] == [2]


def test_a_page_without_the_store_is_not_disturbed(chromium: Browser, start: object) -> None:
    """The capture server is not there: the page works, and its console stays clean but for the
    script that is missing."""
    with Shop(sdk_url="http://127.0.0.1:9/perftui.js") as shop:
        context = chromium.new_context()
        page = context.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{shop.url}/products/aurora-lamp", wait_until="load")
        page.wait_for_function("document.querySelector('#related .card')")
        context.close()
    assert errors == []
