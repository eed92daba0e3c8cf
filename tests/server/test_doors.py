"""Who may come in: Host, Origin, key; and that CORS says exactly that."""

from __future__ import annotations

from typing import Any

import pytest
from perftui_server.app import CaptureApp
from perftui_server.doors import doors, host_name, is_loopback
from perftui_server.run import listening_socket

from perftui.config import ServerSettings, Settings
from perftui.errors import UsageError
from tests.server.conftest import Running, Start, batch, mark


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST",
        "localhost:8137",
        "127.0.0.1",
        "127.8.9.1:1",
        "[::1]:80",
        "app.localhost:3000",
    ],
)
def test_names_of_this_machine(capture: Running, host: str) -> None:
    assert capture.request("GET", "/config", headers={"Host": host})[0] == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.test",
        "localhost.evil.test",
        "127.0.0.1.evil.test",
        "notlocalhost",
        "0.0.0.0",
        "192.168.1.5",
        "",
        "[::2]",
    ],
)
def test_a_name_that_is_not_ours_is_refused_on_every_route(capture: Running, host: str) -> None:
    for method, path in (
        ("POST", "/batch"),
        ("GET", "/perftui.js"),
        ("GET", "/metrics"),
        ("GET", "/config"),
        ("GET", "/healthz"),
        ("GET", "/"),
        ("GET", "/nothing"),
        ("OPTIONS", "/batch"),
    ):
        status, headers, _ = capture.request(method, path, headers={"Host": host})
        assert status == 403
        assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize(
    "origin",
    [
        "http://localhost:3000",
        "https://127.0.0.1:8443",
        "http://shop.localhost",
        "http://[::1]:5173",
    ],
)
def test_pages_of_this_machine_may_send(capture: Running, origin: str) -> None:
    status, headers, _ = capture.request(
        "POST", "/batch", b'{"sessionId":"s","pageViewId":"p","entries":[]}', {"Origin": origin}
    )
    assert status == 200
    assert headers["access-control-allow-origin"] == origin
    assert "origin" in headers["vary"].lower()
    # Cookies of this machine's other servers are nothing that is needed here.
    assert "access-control-allow-credentials" not in headers


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.test",
        "null",
        "http://localhost.evil.test",
        "file://",
        "http://",
        "http://localhost:3000.evil.test",
        "chrome-extension://abc",
    ],
)
def test_other_pages_may_neither_send_nor_read(capture: Running, origin: str) -> None:
    for method, path in (("POST", "/batch"), ("GET", "/config"), ("OPTIONS", "/batch")):
        status, headers, _ = capture.request(method, path, headers={"Origin": origin})
        assert status == 403
        assert "access-control-allow-origin" not in headers


def test_an_origin_that_was_allowed_may_send_and_no_other(start: Start) -> None:
    capture = start(allow_origins=("https://app.example",), allow_hosts=("capture.example",))
    headers = {"Origin": "https://app.example", "Host": "capture.example"}
    assert capture.post(batch(mark()), headers)[0] == 200
    assert capture.post(batch(mark()), {**headers, "Origin": "https://app.example.evil"})[0] == 403


def test_a_preflight_says_what_may_be_sent(capture: Running) -> None:
    status, headers, body = capture.request(
        "OPTIONS",
        "/batch",
        headers={
            "Origin": "http://localhost:3000",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Private-Network": "true",
        },
    )
    assert (status, body) == (204, b"")
    assert headers["access-control-allow-origin"] == "http://localhost:3000"
    assert "POST" in headers["access-control-allow-methods"]
    assert "content-encoding" in headers["access-control-allow-headers"]
    assert headers["access-control-allow-private-network"] == "true"


def test_with_a_key_every_batch_must_carry_it(start: Start) -> None:
    capture = start(key="geheim")
    assert capture.post(batch(mark()))[0] == 401
    assert capture.post(batch(mark()), {"X-Perftui-Key": "wrong"})[0] == 401
    assert capture.post(batch(mark()), {"X-Perftui-Key": "geheim"})[0] == 200
    assert capture.post(batch(mark()), {"Authorization": "Bearer geheim"})[0] == 200
    assert capture.request("POST", "/batch?key=geheim", b"{}")[0] == 422
    assert capture.request("GET", "/metrics")[0] == 401
    assert capture.request("GET", "/perftui.js")[0] == 200


def test_beyond_loopback_a_key_is_asked_for() -> None:
    with pytest.raises(UsageError, match="--key"):
        listening_socket(Settings(server=ServerSettings(host="0.0.0.0", port=0)))


async def _status(app: CaptureApp, client: str, *headers: tuple[bytes, bytes]) -> int:
    """The status of a GET, as uvicorn would tell of it."""
    statuses: list[int] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/config",
        "query_string": b"",
        "headers": [(b"host", b"localhost"), *headers],
        "client": (client, 1),
    }
    await app(scope, receive, send)
    return statuses[0]


async def test_without_an_origin_this_machine_alone_may_come_in(start: Start) -> None:
    """A port that something forwards is reached from elsewhere, whatever it listens on."""
    app = start().server.app
    allowed = (b"origin", b"http://localhost:3000")
    assert await _status(app, "127.0.0.1") == 200
    assert await _status(app, "192.168.1.5") == 403
    assert await _status(app, "192.168.1.5", allowed) == 200
    assert app.metrics.refused == {"no origin": 1}


@pytest.mark.parametrize("name", [b"host", b"origin"])
async def test_of_two_headers_that_decide_neither_is_taken(start: Start, name: bytes) -> None:
    app = start().server.app
    allowed = {b"host": b"localhost", b"origin": b"http://localhost:3000"}[name]
    twice = [(name, allowed)] * (1 if name == b"host" else 2)
    assert await _status(app, "127.0.0.1", *twice) == 400
    assert app.metrics.refused == {"repeated header": 1}


def test_rules() -> None:
    assert host_name("[::1]:8137") == "::1"
    assert host_name("LocalHost:1") == "localhost"
    assert is_loopback("::1")
    assert not is_loopback("127.evil")
    rules = doors(ServerSettings(host="0.0.0.0", key="k", allow_hosts=("a.test:1",)))
    assert rules.hosts == {"a.test"}
    assert not rules.host_is_allowed(None)
