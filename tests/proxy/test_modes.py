"""The proxy's modes and options, and what goes wrong: each as a row or as one clear line."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner
from h2.config import H2Configuration  # type: ignore[import-untyped]
from h2.connection import H2Connection  # type: ignore[import-untyped]
from h2.events import RequestReceived  # type: ignore[import-untyped]
from playwright.sync_api import Browser

from perftui.cli import cli
from perftui.commands.proxy import MODES, ProxyWords, running_proxy
from perftui.model import Record
from perftui.store.reader import StoreReader
from tests.browser.conftest import chromium
from tests.ports import free_port
from tests.proxy.site import running_site
from tests.proxy.test_proxy import get, requests_in, wait_until
from tests.server.conftest import Running, capture, start

__all__ = ["capture", "chromium", "start"]

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


@pytest.mark.chromium
def test_an_app_that_speaks_http_2(capture: Running, certificate: Path, chromium: Browser) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    tls.set_alpn_protocols(["h2"])
    body = b"<!doctype html><head></head>" + b"x" * 5_000

    def serve(connection: socket.socket) -> None:
        with suppress(ssl.SSLError), tls.wrap_socket(connection, server_side=True) as wire:
            h2 = H2Connection(H2Configuration(client_side=False))
            h2.initiate_connection()
            while True:
                wire.sendall(h2.data_to_send())
                data = wire.recv(65536)
                if not data:
                    return
                for event in h2.receive_data(data):
                    if isinstance(event, RequestReceived):
                        told = [(":status", "200"), ("content-type", "text/html")]
                        h2.send_headers(event.stream_id, told)
                        h2.send_data(event.stream_id, body, end_stream=True)

    with (
        listening(serve) as place,
        running_proxy("regular", capture.url, 0, takes_any_certificate=True) as address,
    ):
        context = chromium.new_context(
            proxy={"server": address, "bypass": "<-loopback>"}, ignore_https_errors=True
        )
        page = context.new_page()
        page.goto(f"https://{place}/x", wait_until="load")
        assert page.evaluate("typeof perftui.sessionId") == "string"
        page.close()

        def joined() -> list[Record]:
            return [one for one in requests_in(capture) if "proxy" in one.entry.extra]

        wait_until(lambda: bool(joined()), "the document joined with its flow")
        entry = next(one.entry for one in joined() if one.entry.name.endswith("/x"))
        context.close()
    assert entry.entry_type == "navigation"
    own = entry.extra["proxy"]
    assert isinstance(own, dict)
    assert (entry.next_hop_protocol, own["nextHopProtocol"]) == ("h2", "h2")
    assert (entry.response_status, entry.encoded_body_size) == (200, len(body))
    assert "secureConnectionStart" in own


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
        (("--mode", "reverse:http://localhost:3000"), "perftui proxy http://localhost:3000"),
        (("--mode", "upstream"), "--mode upstream:http://host:port"),
        (("--mode", "regular@9000"), "--listen-port"),
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


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1.2.3", "[::1]", "0.0.0.0"])
def test_it_refuses_its_own_capture_port(tmp_path: Path, host: str) -> None:
    port = free_port()
    done = subprocess.run(
        [
            *(sys.executable, "-m", "perftui", "--db", str(tmp_path / "a.db")),
            *("--port", str(port), "proxy", f"http://{host}:{port}"),
        ],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert "perftui's own capture server" in done.stderr
    assert done.stderr.count("\n") == 1


@contextmanager
def perftui_proxy(folder: Path, *arguments: str) -> Iterator[tuple[str, list[str]]]:
    """The command as its user has it, without a terminal: the first line that it says of itself, and
    what else it has said once it was interrupted."""
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "perftui", "--db", str(folder / "a.db")),
            *("--port", str(free_port()), "proxy", *arguments),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    rest: list[str] = []
    try:
        yield process.stderr.readline().strip(), rest
        process.send_signal(signal.SIGINT)
        rest += process.stderr.read().splitlines()
        assert process.wait(60) == 130
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("regular", "let the browser use http://127.0.0.1:{} as its proxy"),
        ("socks5", "let the browser use socks5://127.0.0.1:{} as its proxy"),
        ("upstream:http://127.0.0.1:9", "let the browser use http://127.0.0.1:{} as its proxy"),
        ("transparent", "redirect traffic to 127.0.0.1:{}"),
    ],
)
def test_each_mode_says_what_to_do_and_ends_with_control_c(
    tmp_path: Path, mode: str, words: str
) -> None:
    port = free_port()
    with perftui_proxy(tmp_path, "--mode", mode, "--listen-port", str(port)) as (said, rest):
        assert said.startswith(f"perftui proxy: {words.format(port)}")
        socket.create_connection(("127.0.0.1", port), timeout=20).close()
    assert [line for line in rest if line and "failure" not in line] == ["perftui: interrupted"]
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=20)


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_mitmproxy_ends_with_a_command_that_is_killed(tmp_path: Path, end: signal.Signals) -> None:
    port = free_port()
    command = [
        *(sys.executable, "-m", "perftui", "--db", str(tmp_path / "a.db")),
        *("--port", str(free_port()), "proxy", "--mode", "regular", "--listen-port", str(port)),
    ]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        assert b"let the browser use" in process.stderr.readline()
        socket.create_connection(("127.0.0.1", port), timeout=20).close()
        process.send_signal(end)
        process.wait(60)
    until = time.monotonic() + 60
    while is_listening(port):
        assert time.monotonic() < until, "mitmproxy runs on"
        time.sleep(0.05)


def is_listening(port: int) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


def test_a_tunnel_is_told_by_a_file_of_its_owner_alone(tmp_path: Path) -> None:
    port = free_port()
    mode = f"wireguard:{tmp_path / 'keys.json'}"
    with perftui_proxy(tmp_path, "--mode", mode, "--listen-port", str(port)) as (said, _):
        path = Path(said.partition("by WireGuard with ")[2].partition(" (")[0])
        assert f":{port}" in path.read_text()
        assert path.stat().st_mode & 0o777 == 0o600
    assert not path.exists()


def test_an_app_that_is_down_is_said_and_its_requests_are_rows(tmp_path: Path) -> None:
    down, port = free_port(), free_port()
    with perftui_proxy(tmp_path, f"http://localhost:{down}", "--listen-port", str(port)) as (
        said,
        _,
    ):
        assert said == (
            f"perftui proxy: start the app, which does not answer at http://localhost:{down},"
            f" and visit http://localhost:{port}"
        )
        assert get(f"http://127.0.0.1:{port}", "/x")[0] == 502
    with StoreReader(tmp_path / "a.db") as reader:
        (record,) = [one for one in reader.iter_records() if one.entry.is_request]
    assert str(record.entry.extra["error"]).startswith("connection refused (")


def test_a_port_that_is_taken_is_named_with_who_has_it(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = subprocess.run(
            [
                *(sys.executable, "-m", "perftui", "--db", str(tmp_path / "a.db")),
                *("--port", str(free_port()), "proxy", "http://localhost:9"),
                *("--listen-port", str(port)),
            ],
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert f"port {port} is taken by " in line
    assert line.endswith("choose another with --listen-port")


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
