"""Which rows are one request, and what each side knows better."""

from __future__ import annotations

from typing import Any

import pytest

from perftui.model import Entry
from perftui.store.joining import flow_id, merged

TIMING = {"serverTiming": [{"name": "perftui", "duration": 0, "description": "f1"}]}


def of_browser(**fields: Any) -> Entry:
    return Entry(
        **{
            "entry_type": "resource",
            "name": "http://127.0.0.1:8080/a",
            "start_us": 1_000,
            "extra": TIMING,
            **fields,
        }
    )


def of_proxy(**fields: Any) -> Entry:
    return Entry(
        **{
            "entry_type": "request",
            "name": "http://127.0.0.1:8080/a",
            "start_us": 9_000,
            "extra": {"flowId": "f1"},
            **fields,
        }
    )


@pytest.mark.parametrize(
    ("fields", "is_of_flow"),
    [
        ({"transfer_size": 900, "decoded_body_size": 600}, True),
        ({"transfer_size": None, "decoded_body_size": 600}, True),
        ({"transfer_size": 0, "decoded_body_size": 600}, False),
        ({"transfer_size": None, "delivery_type": "cache"}, False),
        # Chromium calls it a delivery from the cache when the server said "unchanged".
        ({"transfer_size": 300, "decoded_body_size": 600, "delivery_type": "cache"}, True),
    ],
)
def test_an_answer_from_the_cache_repeats_the_headers_of_an_older_one(
    fields: dict[str, Any], is_of_flow: bool
) -> None:
    assert flow_id(of_browser(**fields)) == ("f1" if is_of_flow else None)


def test_an_unchanged_answer_keeps_the_body_that_the_cache_has() -> None:
    browser = of_browser(
        response_status=200, transfer_size=300, encoded_body_size=500, decoded_body_size=600
    )
    proxy = of_proxy(
        response_status=304, transfer_size=97, encoded_body_size=0, decoded_body_size=0
    )
    found = merged(browser, proxy)
    assert (found.response_status, found.transfer_size) == (304, 97)
    assert (found.encoded_body_size, found.decoded_body_size) == (500, 600)


def test_a_redirected_request_has_the_url_that_answered() -> None:
    found = merged(of_browser(), of_proxy(name="http://127.0.0.1:8080/b?x=1"))
    assert found.name == "http://127.0.0.1:8080/b?x=1"
    assert found.extra["requestedUrl"] == "http://127.0.0.1:8080/a"


def test_another_name_of_the_origin_is_no_redirect() -> None:
    found = merged(of_browser(name="https://app.test/a#top"), of_proxy())
    assert found.name == "https://app.test/a#top"
    assert "requestedUrl" not in found.extra


def test_the_proxy_knows_what_an_event_stream_is() -> None:
    found = merged(of_browser(initiator_type="other"), of_proxy(initiator_type="eventsource"))
    assert found.initiator_type == "eventsource"
    assert merged(of_browser(initiator_type="img"), of_proxy()).initiator_type == "img"
