"""The proxy's modes and options, and what goes wrong: each as a row or as one clear line."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner

from perftui.cli import cli
from perftui.commands.proxy import MODES, ProxyWords, running_proxy
from perftui.model import Record
from tests.proxy.site import running_site
from tests.proxy.test_proxy import get, requests_in, wait_until
from tests.server.conftest import Running, capture, start

__all__ = ["capture", "start"]

pytestmark = pytest.mark.proxy


def through(proxy: str, url: str) -> tuple[int, bytes]:
    """GET a URL by way of a proxy."""
    parts = urlsplit(proxy)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)
    try:
        connection.request("GET", url)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def the_row(capture: Running) -> Record:
    wait_until(lambda: bool(requests_in(capture)), "a row in the store")
    (record,) = requests_in(capture)
    return record


def test_regular_mode(capture: Running) -> None:
    with running_site() as site, running_proxy("regular", capture.url, 0) as address:
        status, body = through(address, f"{site.url}/plain")
        assert status == 200
        assert b"/__perftui/perftui.js" in body
        assert through(address, f"{site.url}/__perftui/healthz")[0] == 200
        assert the_row(capture).entry.name == f"{site.url}/plain"


def test_upstream_mode_goes_through_the_other_proxy(capture: Running) -> None:
    with (
        running_site() as site,
        running_proxy("regular", "http://127.0.0.1:9", 0, inject=False) as other,
        running_proxy(f"upstream:{other}", capture.url, 0) as address,
    ):
        assert through(address, f"{site.url}/gzip")[0] == 200
        assert len(site.log) == 1
        assert the_row(capture).entry.response_status == 200


def test_socks_mode(capture: Running) -> None:
    with running_site() as site, running_proxy("socks5", capture.url, 0) as address:
        host, port = urlsplit(site.url).hostname, urlsplit(site.url).port
        assert host is not None
        assert port is not None
        parts = urlsplit(address)
        with socket.create_connection((parts.hostname, parts.port), timeout=20) as wire:
            wire.sendall(b"\x05\x01\x00")
            assert wire.recv(2) == b"\x05\x00"
            wire.sendall(b"\x05\x01\x00\x01" + socket.inet_aton(host) + struct.pack(">H", port))
            assert wire.recv(10)[:2] == b"\x05\x00"
            wire.sendall(f"GET /script.js HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
            assert wire.recv(15) == b"HTTP/1.1 200 OK"
            assert the_row(capture).entry.name == f"{site.url}/script.js"


def test_without_injection_documents_are_as_they_came(capture: Running) -> None:
    with (
        running_site() as site,
        running_proxy(f"reverse:{site.url}", capture.url, 0, inject=False) as address,
    ):
        assert get(address, "/plain")[2] == get(site.url, "/plain")[2]
        assert the_row(capture).entry.response_status == 200


def test_only_its_own_pages_may_send(capture: Running) -> None:
    with running_site() as site, running_proxy(f"reverse:{site.url}", capture.url, 0) as address:
        for origin, status in ((address, 200), ("https://evil.test", 403), ("null", 403)):
            assert get(address, "/__perftui/config", {"Origin": origin})[0] == status, origin


def test_bodies_are_kept_by_option_and_redacted(capture: Running) -> None:
    with (
        running_site() as site,
        running_proxy(f"reverse:{site.url}", capture.url, 0, body_characters=40) as address,
    ):
        parts = urlsplit(address)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)
        told = json.dumps({"password": "hunter2", "name": "x" * 100})
        connection.request("POST", "/br", told, {"Content-Type": "application/json"})
        connection.getresponse().read()
        connection.close()
        entry = the_row(capture).entry
    body = entry.extra["requestBody"]
    assert isinstance(body, str)
    assert "hunter2" not in body
    assert body.startswith('{"password": ')
    assert entry.extra["responseBody"] == "<!doctype html><html><head><title>t</tit"


@contextmanager
def listening(serve: object) -> Iterator[str]:
    """A server that does to each connection what ``serve`` does."""
    listener = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with suppress(OSError), connection:
                serve(connection)  # type: ignore[operator]

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{listener.getsockname()[1]}"
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)


def reset(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def test_a_reset_connection_is_a_row_with_its_error(capture: Running) -> None:
    with (
        listening(reset) as place,
        running_proxy(f"reverse:http://{place}", capture.url, 0) as address,
    ):
        assert get(address, "/x")[0] == 502
        entry = the_row(capture).entry
    assert entry.response_status is None
    assert str(entry.extra["error"]).startswith("connection reset (")


def test_an_aborted_request_is_a_row_with_its_error(capture: Running) -> None:
    asked = threading.Event()

    def never(connection: socket.socket) -> None:
        connection.recv(65536)
        asked.set()
        connection.recv(1)

    with (
        listening(never) as place,
        running_proxy(f"reverse:http://{place}", capture.url, 0) as address,
    ):
        parts = urlsplit(address)
        with socket.create_connection((parts.hostname, parts.port)) as wire:
            wire.sendall(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
            assert asked.wait(20)
        entry = the_row(capture).entry
    assert str(entry.extra["error"]).startswith("aborted by the client")
    assert entry.duration_us is not None


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of its own making, with its key."""
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-batch"),
            *("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(path), "-out", f"{path}.crt"),
        ],
        check=True,
        capture_output=True,
    )
    path.write_text(path.read_text() + Path(str(path) + ".crt").read_text())
    return path


@pytest.mark.parametrize("is_taken", [False, True])
def test_tls_with_a_certificate_of_its_own_making(
    capture: Running, certificate: Path, is_taken: bool
) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)

    def serve(connection: socket.socket) -> None:
        with suppress(ssl.SSLError), tls.wrap_socket(connection, server_side=True) as wire:
            wire.recv(65536)
            wire.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            wire.recv(1)

    with (
        listening(serve) as place,
        running_proxy(
            f"reverse:https://{place}", capture.url, 0, takes_any_certificate=is_taken
        ) as address,
    ):
        assert get(address, "/x")[0] == (200 if is_taken else 502)
        entry = the_row(capture).entry
    # The page's origin is the proxy's, which speaks HTTP.
    assert entry.name == f"{address}/x"
    if is_taken:
        assert entry.secure_connection_start_us is not None
        assert entry.connect_end_us is not None
        assert entry.connect_end_us >= entry.secure_connection_start_us
    else:
        assert str(entry.extra["error"]).startswith("TLS failed (")


def test_a_client_that_does_not_trust_the_proxy_is_told_of(capture: Running) -> None:
    words = ProxyWords()
    with running_site() as site, running_proxy("regular", capture.url, 0, words=words) as address:
        parts = urlsplit(address)
        connection = http.client.HTTPSConnection(
            parts.hostname or "", parts.port, timeout=20, context=ssl.create_default_context()
        )
        connection.set_tunnel("127.0.0.1", urlsplit(site.url).port)
        with pytest.raises(ssl.SSLError):
            connection.request("GET", "/")
        connection.close()
    assert [line for line in words.lines if line.endswith("(perftui proxy --certs)")]


def test_an_extended_policy_is_told_of_and_in_its_row(capture: Running) -> None:
    words = ProxyWords()
    with (
        running_site() as site,
        running_proxy(f"reverse:{site.url}", capture.url, 0, words=words) as address,
    ):
        get(address, "/policy/none")
        get(address, "/policy/sandbox")
        wait_until(lambda: len(requests_in(capture)) == 2, "both in the store")
        first, _ = requests_in(capture)
    assert first.entry.extra["policyExtension"] == f"connect-src {address}/__perftui/"
    assert [line.partition(" by ")[0].partition(": its")[0] for line in words.lines] == [
        f"perftui: extended the policy of {address}/policy/none",
        f"perftui: no SDK in {address}/policy/sandbox",
    ]


# --- the command ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "name the app"),
        (("localhost:3000",), "no address of an app"),
        (("http://localhost:3000", "--mode", "regular"), "either"),
        (("--mode", "sideways"), "one of"),
    ],
)
def test_wrong_usage_says_what_to_do(
    tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    done = CliRunner().invoke(cli, ["--db", str(tmp_path / "a.db"), "proxy", *arguments])
    assert done.exit_code != 0
    assert words in done.output + str(done.exception)


def test_help_names_every_mode() -> None:
    text = CliRunner().invoke(cli, ["proxy", "--help"]).output
    assert all(mode in text for mode in MODES)
    assert "mitmproxy-ca-cert.pem" in CliRunner().invoke(cli, ["proxy", "--certs"]).output


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_it_refuses_its_own_capture_port(tmp_path: Path) -> None:
    port = free_port()
    done = subprocess.run(
        [
            *(sys.executable, "-m", "perftui", "--db", str(tmp_path / "a.db")),
            *("--port", str(port), "proxy", f"http://localhost:{port}"),
        ],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert "perftui's own capture server" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_mode_that_mitmproxy_refuses_is_one_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "perftui", "--db", str(tmp_path / "a.db")),
            *(
                "--port",
                str(free_port()),
                "proxy",
                "--mode",
                "upstream:nonsense:1:2",
                "--listen-port",
                "0",
            ),
        ],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert "mitmproxy did not start" in done.stderr
    assert "Traceback" not in done.stderr
