"""Nothing from outside reaches the terminal raw: each command that prints, in a real pty, over a
store, files, settings, arguments and remote ends that are hostile in every text.

A command that is not in :data:`RUNS` fails a test: whoever adds one says how it is driven here.
"""

from __future__ import annotations

import http.server
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from perftui.cli import cli
from tests.widgets.hostile_store import (
    FORBIDDEN,
    HOSTILE,
    HOSTILE_SESSION,
    SESSION,
    make_store,
)
from tests.widgets.terminal import Terminal

ARGUMENT = HOSTILE.replace("\x00", "")
"""No argument of a process can hold a NUL."""

BROKEN_LINES = (b"one\r\ntwo", b"one\ntwo", b"two\r\t")
"""What would begin a line of its own in the middle of a text."""

MARKS = ("\u0301" * 6).encode()

OTHER = HOSTILE_SESSION[:5]

RUNS: dict[str, list[list[str]]] = {
    "sessions": [[], ["--json"], ["{argument}"], ["--from", "{remote}"]],
    "log": [
        *([SESSION], [OTHER], [SESSION, "--json"], [SESSION, "--order", "arrival"]),
        *(["{argument}"], [SESSION, "--filter", "[[{argument}"], [SESSION, "--filter", "[[["]),
        *(
            [SESSION, "--pageview", "{argument}"],
            ["--{argument}"],
            [SESSION, "--order", "{argument}"],
        ),
    ],
    "waterfall": [
        *([SESSION], [OTHER], [SESSION, "--json"], [SESSION, "--ascii"]),
        *(["--page", "/", "--aggregate"], ["--page", "/", "--aggregate", "--json"]),
        ["--page", "{argument}", "--aggregate"],
    ],
    "report": [
        *(
            [],
            ["--json"],
            ["--markdown"],
            ["--html"],
            ["-q", "moment", "-s", SESSION, "--at", "0.1"],
        ),
        *(["-q", "{argument}"], ["--since", "{argument}"], ["--from", "{remote}"]),
    ],
    "compare": [[SESSION, OTHER], [SESSION, OTHER, "--json"], [SESSION, OTHER, "--markdown"]],
    "overlay": [
        *([SESSION, OTHER], [SESSION, OTHER, "--json"], [SESSION, OTHER, "--ascii"]),
        ["{argument}", OTHER],
    ],
    "stats": [[], ["--all"], ["--json"]],
    "prune": [
        *(["--ttl", "1d", "--dry-run"], ["--ttl", "1d", "--dry-run", "--json"]),
        *([OTHER, "-y"], ["{argument}", "-y"], ["--ttl", "{argument}"]),
    ],
    "import": [
        *(["{har}"], ["{jsonl}"], ["{folder}/{name}.har"], ["{noise}", "--as", "har"]),
        *(["{noise}", "--as", "jsonl"], ["{noise}", "--as", "posthog"], ["{noise}"]),
    ],
    "export har": [[SESSION], [OTHER], ["{argument}"]],
    "export jsonl": [[SESSION], [OTHER]],
    "export clickhouse": [["{remote}"], ["{argument}"]],
    "export kafka": [["{argument}"], ["kafka://127.0.0.1:1/{argument}", "--dry-run"]],
    "export parquet": [["{folder}/{name}", "--dry-run"], ["{folder}/{name}"]],
    "pull": [["{remote}", SESSION], ["{remote}"], ["{argument}", SESSION]],
    "doctor": [[], ["--json"], ["--redaction", "https://a.test/{argument}"]],
    "sdk": [[], ["--url", "http://a.test/{argument}"], ["--format", "{argument}"]],
    "schema": [["clickhouse", "--database", "{argument}"], ["kafka", "--topic", "{argument}"]],
    "proxy": [["{argument}"], ["http://127.0.0.1:1", "--mode", "{argument}"]],
    "demo": [["--text"], ["--speed", "{argument}"]],
    # These two open the app, whose screens are driven in tests/widgets/test_hostile_text.py; and
    # the server, of which more below.
    "replay": [["{argument}"], [SESSION, "--speed", "{argument}"]],
    "serve": [["--sink", "{argument}"], ["--host", "{argument}", "--key", "x"]],
}


def _leaves(command: click.Command, path: str = "") -> Iterator[str]:
    if not isinstance(command, click.Group):
        yield path
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        child = command.get_command(context, name)
        assert child is not None
        yield from _leaves(child, f"{path} {name}".strip())


def test_every_command_is_driven_here() -> None:
    assert sorted(_leaves(cli)) == sorted(RUNS)


class _HostileRemote(http.server.BaseHTTPRequestHandler):
    """Answers like a ClickHouse whose every word is hostile."""

    def do_GET(self) -> None:
        self._refuse()

    def do_POST(self) -> None:
        self._refuse()

    def _refuse(self) -> None:
        body = HOSTILE.encode()
        self.send_response(500, "Internal")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-ClickHouse-Exception-Code", "241")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture(scope="module")
def remote() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _HostileRemote)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://default@127.0.0.1:{server.server_address[1]}/default"
    server.shutdown()
    thread.join()
    server.server_close()


def _hostile_har() -> str:
    entry = {
        "startedDateTime": "2026-11-23T10:00:00.000Z",
        "time": 12,
        "_resourceType": HOSTILE,
        "pageref": HOSTILE,
        "request": {
            "method": HOSTILE,
            "url": f"https://shop.test/{HOSTILE}",
            "headers": [{"name": HOSTILE, "value": HOSTILE}],
        },
        "response": {"status": 200, "statusText": HOSTILE, "content": {"mimeType": HOSTILE}},
        "timings": {"wait": 10, HOSTILE: 3},
    }
    wrong = {**entry, "startedDateTime": HOSTILE, "timings": HOSTILE}
    pages = [{"id": HOSTILE, "title": HOSTILE, "startedDateTime": HOSTILE, "pageTimings": {}}]
    log = {"version": HOSTILE, "creator": {"name": HOSTILE}, "pages": pages}
    return json.dumps({"log": {**log, "entries": [entry, wrong, HOSTILE]}})


@pytest.fixture
def filled(tmp_path: Path, remote: str) -> dict[str, str]:
    """What stands for the words in braces."""
    name = ARGUMENT.replace("/", "_")[:60]
    files = {
        "har": (f"{name}.har", _hostile_har()),
        "jsonl": (
            f"{name}.jsonl",
            "\n".join(
                json.dumps(one)
                for one in (
                    {"sessionId": HOSTILE, "pageViewId": "p", "entries": []},
                    {"sessionId": "s", "pageViewId": "p", "entries": [{"entryType": HOSTILE}]},
                    {HOSTILE: HOSTILE},
                    {"sessionId": "s", "pageViewId": "p", "entries": HOSTILE},
                )
            ),
        ),
        "noise": (f"noise {name}", HOSTILE),
    }
    found = {"argument": ARGUMENT, "name": name, "folder": str(tmp_path), "remote": remote}
    for key, (file, content) in files.items():
        (tmp_path / file).write_text(content, encoding="utf-8", errors="surrogatepass")
        found[key] = str(tmp_path / file)
    return found


def _check(output: bytes, where: str) -> None:
    found = [piece for piece in (*FORBIDDEN, *BROKEN_LINES) if piece in output]
    if output.lstrip().startswith(b"{"):
        # In JSON marks stay what they are, however many: a terminal stacks them in their own cell.
        found = [piece for piece in found if piece != MARKS]
    assert not found, f"{where}: raw in the output: {found}\n{output[:4000]!r}"
    assert b"Traceback" not in output, f"{where}\n{output[-4000:].decode(errors='replace')}"


@pytest.mark.parametrize("command", RUNS)
def test_what_a_command_prints(tmp_path: Path, filled: dict[str, str], command: str) -> None:
    for number, arguments in enumerate(RUNS[command]):
        store = make_store(tmp_path / f"hostile-{number}.db")
        told = [argument.format(**filled) for argument in arguments]
        with Terminal(["--db", str(store), *command.split(), *told], (120, 40)) as terminal:
            terminal.wait_for_end()
            terminal.read_all()
            assert terminal.output.strip(), f"{command} {arguments} says nothing"
            _check(terminal.output, f"{command} {arguments}")


def test_settings_and_the_place_of_the_store_are_as_hostile_as_anything(tmp_path: Path) -> None:
    config = tmp_path / "perftui.toml"
    folder = tmp_path / ARGUMENT.replace("/", "_")[:60]
    folder.mkdir()
    for content in (
        f"[server]\n{json.dumps(HOSTILE)} = 1\n",
        f"[server]\nport = {json.dumps(HOSTILE)}\n",
        f"[store]\nttl = {json.dumps(HOSTILE)}\n",
        HOSTILE.replace("\x00", ""),
    ):
        config.write_text(content, encoding="utf-8")
        for command in (["sessions"], ["doctor"], ["prune", "-y"]):
            with Terminal(
                ["--db", str(folder / "a.db"), "--config", str(config), *command], (120, 40)
            ) as terminal:
                terminal.wait_for_end()
                terminal.read_all()
                _check(terminal.output, f"{command} with {content!r}")


def test_what_the_server_logs(tmp_path: Path) -> None:
    hostile = HOSTILE.replace("\n", "").replace("\r", "").replace("\x00", "").encode()
    with Terminal(
        ["--db", str(tmp_path / "a.db"), "-vv", "serve", "--port", "0"], (120, 40)
    ) as terminal:
        terminal.wait_for("captures on http://127.0.0.1:")
        port = int(terminal.text.split("http://127.0.0.1:")[1].split()[0])
        for told in (
            b"GET / HTTP/1.1\r\nHost: " + hostile + b"\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: localhost\r\nOrigin: " + hostile + b"\r\n\r\n",
            b"GET /" + hostile.replace(b" ", b"") + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
            b"\xe2\x80\xae" + hostile + b" / HTTP/1.1\r\n\r\n",
            b"POST /batch HTTP/1.1\r\nHost: localhost\r\nContent-Encoding: "
            + hostile
            + b"\r\n\r\n",
            b"POST /batch HTTP/1.1\r\nHost: localhost\r\nX: " + b"y" * 20_000 + b"\r\n\r\n",
        ):
            with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
                connection.sendall(told)
                connection.settimeout(20)
                while connection.recv(65536):
                    pass
        terminal.wait_for("max_header_bytes")
        _check(terminal.output, "serve")
