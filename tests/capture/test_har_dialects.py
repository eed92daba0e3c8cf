"""HAR as different tools write it: each document has the form that its exporter emits."""

from __future__ import annotations

import base64
import io
import json
from typing import Any

import pytest

from perftui.capture.har import read_har
from perftui.config import Settings
from perftui.model import Entry
from tests.capture.test_har import RECEIVED_US, read

URL = "https://app.test/api/items?page=2"


def document(creator: dict[str, str], *entries: dict[str, Any], **log: Any) -> bytes:
    return json.dumps(
        {"log": {"version": "1.2", "creator": creator, **log, "entries": entries}}
    ).encode()


def the_entry(content: bytes) -> Entry:
    batches, faults = read(content)
    assert faults == []
    (entry,) = [entry for batch in batches for entry in batch.entries if entry.is_request]
    return entry


SAFARI: dict[str, Any] = {
    "pageref": "page_0",
    "startedDateTime": "2026-01-01T10:00:00.250Z",
    "time": 12.5,
    "request": {
        "method": "GET",
        "url": URL,
        "httpVersion": "HTTP/2",
        "cookies": [],
        "headers": [{"name": "Accept", "value": "*/*"}],
        "queryString": [{"name": "page", "value": "2"}],
        "headersSize": 120,
        "bodySize": 0,
    },
    "response": {
        "status": 200,
        "statusText": "",
        "httpVersion": "HTTP/2",
        "cookies": [],
        "headers": [{"name": "Content-Encoding", "value": "gzip"}],
        "content": {"size": 900, "compression": 500, "mimeType": "application/json", "text": "{}"},
        "redirectURL": "",
        "headersSize": 80,
        "bodySize": 400,
        "_transferSize": 480,
    },
    "cache": {},
    "timings": {
        "blocked": 1.5,
        "dns": -1,
        "connect": -1,
        "ssl": -1,
        "send": 1,
        "wait": 8,
        "receive": 2,
    },
    "serverIPAddress": "203.0.113.9",
    "connection": "14",
    "_fetchType": "Network Load",
    "_priority": "medium",
}
SAFARI_LOG: dict[str, Any] = {
    "pages": [
        {
            "startedDateTime": "2026-01-01T10:00:00.000Z",
            "id": "page_0",
            "title": "https://app.test/",
            "pageTimings": {"onContentLoad": 200.5, "onLoad": 400.25},
        }
    ]
}


def test_safari() -> None:
    entry = the_entry(
        document({"name": "WebKit Web Inspector", "version": "1.0"}, SAFARI, **SAFARI_LOG)
    )
    assert entry.start_us == 250_000
    assert (entry.transfer_size, entry.encoded_body_size, entry.decoded_body_size) == (
        480,
        400,
        900,
    )
    assert entry.next_hop_protocol == "h2"
    assert entry.extra["priority"] == "medium"
    assert entry.request_start_us == 251_500
    assert entry.delivery_type is None


@pytest.mark.parametrize("kind", ["Memory Cache", "Disk Cache"])
def test_safari_says_what_came_from_its_caches(kind: str) -> None:
    entry = the_entry(
        document(
            {"name": "WebKit Web Inspector", "version": "1.0"},
            {**SAFARI, "_fetchType": kind},
            **SAFARI_LOG,
        )
    )
    assert (entry.delivery_type, entry.transfer_size) == ("cache", 0)


CHARLES: dict[str, Any] = {
    "startedDateTime": "2026-01-01T11:00:00.250+01:00",
    "time": 310,
    "request": {
        "method": "POST",
        "url": URL,
        "httpVersion": "HTTP/2.0",
        "cookies": [],
        "headers": [{"name": ":method", "value": "POST"}],
        "queryString": [{"name": "page", "value": "2"}],
        "postData": {"mimeType": "application/json", "text": '{"a":1}'},
        "headersSize": 14,
        "bodySize": 7,
    },
    "response": {
        "_charlesStatus": "COMPLETE",
        "status": 200,
        "statusText": None,
        "httpVersion": "HTTP/2.0",
        "cookies": [],
        "headers": [{"name": ":status", "value": "200"}],
        "content": {
            "size": 11,
            "mimeType": "application/json",
            "text": base64.b64encode(b'{"ok":true}').decode(),
            "encoding": "base64",
        },
        "redirectURL": None,
        "headersSize": 0,
        "bodySize": 11,
    },
    "serverIPAddress": "203.0.113.9",
    "cache": {},
    "timings": {"dns": 4, "connect": 21, "ssl": 15, "send": 1, "wait": 280, "receive": 4},
}


def test_charles() -> None:
    """No pages, zone in the times, a status of its own, ``null`` for words."""
    entry = the_entry(document({"name": "Charles Proxy", "version": "4.6.2"}, CHARLES))
    assert entry.method == "POST"
    assert entry.extra["requestBodySize"] == 7
    assert (entry.decoded_body_size, entry.response_status) == (11, 200)
    assert "error" not in entry.extra
    assert entry.connect_start_us is not None
    assert entry.connect_end_us is not None
    assert entry.connect_end_us - entry.connect_start_us == 21_000


def test_charles_tells_of_failures_in_a_status_of_its_own() -> None:
    failed = {**CHARLES, "response": {**CHARLES["response"], "_charlesStatus": "EXCEPTION"}}
    entry = the_entry(document({"name": "Charles Proxy", "version": "4.6.2"}, failed))
    assert entry.extra["error"] == "Charles: EXCEPTION"


def test_fiddler() -> None:
    """A byte order mark, seven places of a second, its port pair as the connection."""
    entry = {
        **{name: CHARLES[name] for name in ("request", "cache")},
        "startedDateTime": "2026-01-01T11:00:00.8232371+01:00",
        "time": 263,
        "connection": "ClientPort:51041;EgressPort:51042",
        "response": {
            **{name: CHARLES["response"][name] for name in ("status", "httpVersion", "headers")},
            "statusText": "OK",
            "cookies": [],
            "content": {"size": 4000, "compression": 3000, "mimeType": "text/css"},
            "redirectURL": "",
            "headersSize": 300,
            "bodySize": 1000,
        },
        "timings": {
            "blocked": -1,
            "dns": -1,
            "connect": 12,
            "ssl": -1,
            "send": 0,
            "wait": 250,
            "receive": 1,
        },
        "comment": "[#12]",
    }
    creator = {"name": "Fiddler", "version": "5.0", "comment": "https://fiddler2.com"}
    found = the_entry(b"\xef\xbb\xbf" + document(creator, entry, pages=[]))
    assert (found.transfer_size, found.encoded_body_size, found.decoded_body_size) == (
        1300,
        1000,
        4000,
    )
    assert found.extra["connection"] == "ClientPort:51041;EgressPort:51042"
    assert found.duration_us == 263_000


def test_postman() -> None:
    """Nothing that is not required: no pages, no sizes, no phases but the sums."""
    entry = {
        "startedDateTime": "2026-01-01T10:00:00.000Z",
        "time": 120,
        "request": {
            "method": "GET",
            "url": URL,
            "httpVersion": "HTTP/1.1",
            "headers": [],
            "cookies": [],
            "queryString": [],
            "headersSize": -1,
            "bodySize": -1,
        },
        "response": {
            "status": 404,
            "statusText": "Not Found",
            "httpVersion": "HTTP/1.1",
            "headers": [],
            "cookies": [],
            "content": {"size": 20, "mimeType": "text/plain"},
            "redirectURL": "",
            "headersSize": -1,
            "bodySize": -1,
        },
        "cache": {},
        "timings": {"send": 0, "wait": 120, "receive": 0},
    }
    found = the_entry(document({"name": "Postman", "version": "v11"}, entry))
    assert (found.response_status, found.decoded_body_size) == (404, 20)
    assert (found.transfer_size, found.encoded_body_size) == (None, None)
    assert found.connect_start_us is None


PLAYWRIGHT: dict[str, Any] = {
    **SAFARI,
    "pageref": "page@6f1e0b8f7d5a",
    "_frameref": "frame@8d1",
    "_monotonicTime": 1533.25,
    "_serverPort": 443,
    "_securityDetails": {"protocol": "TLS 1.3"},
}


def playwright(entry: dict[str, Any]) -> bytes:
    return document(
        {"name": "Playwright", "version": "1.55.0"},
        entry,
        browser={"name": "chromium", "version": "140.0"},
        pages=[
            {
                "startedDateTime": "2026-01-01T10:00:00.000Z",
                "id": "page@6f1e0b8f7d5a",
                "title": "Items",
                "pageTimings": {"onContentLoad": 61, "onLoad": 91},
            }
        ],
    )


def test_playwright() -> None:
    content = {"size": 900, "mimeType": "application/json", "_file": "1f3a.json"}
    response = {**SAFARI["response"], "content": content}
    entry = the_entry(playwright({**PLAYWRIGHT, "response": response}))
    assert (entry.transfer_size, entry.decoded_body_size) == (480, 900)


def test_playwright_tells_of_failures() -> None:
    response = {
        "status": -1,
        "statusText": "",
        "httpVersion": "HTTP/1.1",
        "headers": [],
        "cookies": [],
        "content": {"size": -1, "mimeType": "x-unknown"},
        "redirectURL": "",
        "headersSize": -1,
        "bodySize": -1,
        "_transferSize": -1,
        "_failureText": "net::ERR_CONNECTION_REFUSED",
    }
    entry = the_entry(playwright({**PLAYWRIGHT, "response": response}))
    assert entry.response_status is None
    assert entry.extra["error"] == "net::ERR_CONNECTION_REFUSED"
    assert (entry.transfer_size, entry.decoded_body_size) == (None, None)


@pytest.mark.proxy
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_mitmproxy_as_it_writes_it_today() -> None:
    """Its own exporter, run on a flow: sizes are the encoded ones there."""
    pytest.importorskip("mitmproxy")
    import brotli
    from mitmproxy.addons.savehar import SaveHar
    from mitmproxy.test import tflow

    body = b'{"items": [1, 2, 3]}' * 100
    flow = tflow.tflow(resp=True)
    assert flow.response is not None
    flow.response.raw_content = brotli.compress(body)
    flow.response.headers["content-encoding"] = "br"
    flow.response.headers["content-type"] = "application/json"
    failed = tflow.tflow(err=True)
    socket = tflow.twebsocketflow()
    har = json.dumps(SaveHar().make_har([flow, failed, socket])).encode()
    batches, faults = read(har)
    assert faults == []
    first, second, third = (entry for batch in batches for entry in batch.entries)
    assert first.encoded_body_size == len(flow.response.raw_content)
    assert first.decoded_body_size == len(body)
    assert (second.response_status, second.extra["error"]) == (None, "error")
    assert socket.websocket is not None
    payloads = [len(message.content) for message in socket.websocket.messages]
    assert third.initiator_type == "websocket"
    assert third.extra["messages"] == {
        "sent": sum(1 for message in socket.websocket.messages if message.from_client),
        "received": sum(1 for message in socket.websocket.messages if not message.from_client),
        "bytes": sum(payloads),
    }


# --- bodies ---------------------------------------------------------------------------------------


def with_bodies(content: bytes, characters: int) -> Entry:
    faults: list[str] = []
    (batch,) = read_har(
        io.BytesIO(content), Settings(), RECEIVED_US, faults.append, body_characters=characters
    )
    assert faults == []
    (entry,) = batch.entries
    return entry


def test_bodies_are_kept_by_option_alone() -> None:
    content = document({"name": "Charles Proxy", "version": "4.6.2"}, CHARLES)
    assert {"requestBody", "responseBody"}.isdisjoint(the_entry(content).extra)
    entry = with_bodies(content, 5)
    assert (entry.extra["requestBody"], entry.extra["responseBody"]) == ('{"a":', '{"ok"')


def test_what_compression_would_save_is_measured_of_whole_plain_bodies() -> None:
    text = "words and words " * 200
    plain = {"size": len(text), "mimeType": "text/plain", "text": text}
    response = {**CHARLES["response"], "content": plain}
    creator = {"name": "Charles Proxy", "version": "4.6.2"}
    entry = with_bodies(document(creator, {**CHARLES, "response": response}), 10)
    assert isinstance(entry.extra["gzipSize"], int)
    assert 0 < entry.extra["gzipSize"] < len(text) / 10
    cut = {**response, "content": {**plain, "text": text[:100]}}
    assert "gzipSize" not in with_bodies(document(creator, {**CHARLES, "response": cut}), 10).extra
    coded = {**response, "headers": [{"name": "Content-Encoding", "value": "gzip"}]}
    assert (
        "gzipSize" not in with_bodies(document(creator, {**CHARLES, "response": coded}), 10).extra
    )


@pytest.mark.parametrize("text", ["%%%", "====", "\ud800", 5, None])
def test_a_body_that_is_not_what_it_says_costs_the_body_alone(text: Any) -> None:
    content = {"size": 3, "mimeType": "text/plain", "text": text, "encoding": "base64"}
    response = {**CHARLES["response"], "content": content}
    creator = {"name": "Charles Proxy", "version": "4.6.2"}
    entry = with_bodies(document(creator, {**CHARLES, "response": response}), 100)
    assert entry.response_status == 200
