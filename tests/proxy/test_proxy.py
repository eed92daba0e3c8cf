"""The proxy in front of the example shop, in real Chromium and for a plain client."""

from __future__ import annotations

import gzip
import http.client
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser

from examples.shop.server import Shop
from perftui.commands.proxy import addon_path, running_proxy
from perftui.model import Record
from perftui.store.reader import StoreReader
from tests.browser.conftest import chromium
from tests.server.conftest import Running, capture, start

__all__ = ["capture", "chromium", "start"]

pytestmark = pytest.mark.proxy


def requests_in(capture: Running) -> list[Record]:
    with StoreReader(capture.path) as reader:
        return [record for record in reader.iter_records() if record.entry.is_request]


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(0.1)


@contextmanager
def proxied(capture: Running, shop: Shop) -> Iterator[str]:
    with running_proxy(f"reverse:{shop.url}", capture.url, 0) as address:
        yield address


def get(
    address: str, path: str, headers: dict[str, str] | None = None
) -> tuple[int, dict[str, str], bytes]:
    parts = urlsplit(address)
    assert parts.hostname is not None
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=20)
    try:
        connection.request("GET", path, headers=headers or {})
        answer = connection.getresponse()
        return (
            answer.status,
            {name.lower(): value for name, value in answer.getheaders()},
            answer.read(),
        )
    finally:
        connection.close()


def test_a_plain_client_sees_the_app_and_each_request_is_in_the_log_once(capture: Running) -> None:
    with Shop(delay_scale=0) as shop, proxied(capture, shop) as address:
        status, headers, body = get(address, "/", {"Accept-Encoding": "gzip"})
        assert status == 200
        assert gzip.decompress(body).count(b"/__perftui/perftui.js") == 1
        assert "perftui;desc=" in headers["server-timing"]
        status, _, css = get(address, "/assets/shop.css")
        assert b"__perftui" not in css
        assert get(address, "/api/session")[0] == 200
        assert get(address, "/nothing-here")[0] == 404
        fragment = get(address, "/", {"X-Requested-With": "XMLHttpRequest"})[2]
        assert b"__perftui" not in fragment
        assert get(address, "/__perftui/healthz")[0] == 200
        assert b"perftui" in get(address, "/__perftui/perftui.js")[2]
        seen = [access for access in shop.access_log if access.path != "/favicon.ico"]
    wait_until(lambda: len(requests_in(capture)) >= len(seen), "all flows in the store")
    found = requests_in(capture)
    assert sorted(urlsplit(record.entry.name).path for record in found) == sorted(
        access.path for access in seen
    )
    by_path = {access.path: access for access in seen}
    for record in found:
        access = by_path[urlsplit(record.entry.name).path]
        assert record.entry.response_status == access.status
        assert record.entry.method == "GET"
        if access.path != "/":
            assert record.entry.encoded_body_size == access.body_bytes, access.path


@pytest.mark.chromium
@pytest.mark.parametrize(
    "policy",
    [
        None,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src * data:; connect-src 'self'; frame-src 'self'",
    ],
)
def test_chromium_through_the_proxy_with_no_change_to_the_app(
    capture: Running, chromium: Browser, policy: str | None
) -> None:
    with Shop(csp=policy) as shop, proxied(capture, shop) as address:
        context = chromium.new_context()
        page = context.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{address}/products/aurora-lamp", wait_until="load")
        page.wait_for_selector("#related .card img")
        page.wait_for_load_state("networkidle")
        assert page.evaluate("typeof perftui.sessionId") == "string"
        assert errors == []
        page.goto("about:blank")
        seen = [
            access
            for access in shop.access_log
            if access.origin == "shop" and access.path != "/favicon.ico"
        ]

        def joined() -> list[Record]:
            return [record for record in requests_in(capture) if "proxy" in record.entry.extra]

        wait_until(lambda: len(joined()) >= len(seen), "each request joined with its flow")
        context.close()
    own = [record for record in requests_in(capture) if record.entry.name.startswith(address)]
    assert len([record for record in own if "proxy" in record.entry.extra]) >= 0.99 * len(own)
    assert sorted(urlsplit(record.entry.name).path for record in joined()) == sorted(
        access.path.partition("?")[0] for access in seen
    )
    for record in joined():
        access = next(
            one for one in seen if one.path.partition("?")[0] == urlsplit(record.entry.name).path
        )
        assert record.entry.response_status == access.status
        if record.entry.entry_type != "navigation":
            assert record.entry.encoded_body_size == access.body_bytes
        assert record.entry.duration_us is not None
        assert record.entry.request_start_us is not None, "the browser's own timing stays"


def test_what_never_answers_is_a_row_with_its_error(capture: Running) -> None:
    with running_proxy("reverse:http://127.0.0.1:9", capture.url, 0) as address:
        assert get(address, "/gone")[0] == 502
    wait_until(lambda: bool(requests_in(capture)), "the failed flow in the store")
    (record,) = requests_in(capture)
    assert record.entry.response_status is None
    assert str(record.entry.extra["error"]).startswith("connection refused (")


def test_it_does_not_proxy_to_its_own_capture_server(capture: Running) -> None:
    with running_proxy("regular", capture.url, 0) as address:
        parts = urlsplit(address)
        assert parts.hostname is not None
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=20)
        connection.request("GET", f"{capture.url}/metrics")
        answer = connection.getresponse()
        assert answer.status == 403
        connection.close()


def test_a_dead_capture_server_costs_the_app_nothing() -> None:
    with (
        Shop(delay_scale=0) as shop,
        running_proxy(f"reverse:{shop.url}", "http://127.0.0.1:9", 0) as address,
    ):
        for _ in range(20):
            assert get(address, "/api/session")[0] == 200


def test_the_addon_needs_nothing_but_mitmproxy() -> None:
    import ast
    import sys

    tree = ast.parse(addon_path().read_text())
    imported = {
        (node.module or "") if isinstance(node, ast.ImportFrom) else alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert {name.partition(".")[0] for name in imported} <= set(sys.stdlib_module_names) | {
        "mitmproxy"
    }
