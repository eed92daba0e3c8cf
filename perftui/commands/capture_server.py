"""The capture server as a child process, or one that runs already.

The app draws in this process, capture runs in another: a busy screen never delays a 2xx.
"""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from perftui.commands.context import Context
from perftui.errors import PerftuiError, PortTakenError

START_SECONDS = 15.0
"""How long a child may take until it listens."""


@dataclass(frozen=True, slots=True)
class CaptureServer:
    """A capture server that listens.

    Attributes:
        url: such as ``http://127.0.0.1:8137``.
        joined: it ran before and goes on afterwards.
    """

    url: str
    joined: bool

    @property
    def script_tag(self) -> str:
        """What to paste into a page's head."""
        return f'<script src="{self.url}/perftui.js"></script>'


@contextmanager
def capture_server(context: Context) -> Iterator[CaptureServer]:
    """Join the capture server of this store, or start one for as long as the block lasts.

    Raises:
        PortTakenError: something else listens on the port.
        PerftuiError: the server did not start; the message is the server's own.
    """
    settings = context.settings.server
    url = f"http://{_bracketed(settings.host)}:{settings.port}"
    if settings.port and (answer := health(settings.host, settings.port)) is not None:
        _check_joinable(answer, context)
        yield CaptureServer(url, joined=True)
        return
    process = _start(context)
    try:
        yield CaptureServer(_wait_until_it_listens(process), joined=False)
    finally:
        # The child watches its stdin and ends with it, even when this process is killed.
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        try:
            process.wait(settings.shutdown_seconds + 2)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _start(context: Context) -> subprocess.Popen[str]:
    settings = context.settings.server
    command = [sys.executable, "-m", "perftui", "--db", str(context.store_path)]
    command += ["serve", "--host", settings.host, "--port", str(settings.port)]
    command += ["--exit-with-stdin"]
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
    )


def _wait_until_it_listens(process: subprocess.Popen[str]) -> str:
    """The child's first line on stdout holds its URL; anything else is why it failed."""
    assert process.stdout is not None
    said: list[str] = []
    for line in process.stdout:
        for word in line.split():
            if word.startswith(("http://", "https://")):
                return word.rstrip("/.,")
        said.append(line.strip())
    process.wait()
    raise PerftuiError(
        " ".join(said).removeprefix("perftui: ") or "the capture server ended without a word"
    )


def health(host: str, port: int) -> dict[str, object] | None:
    """What ``/healthz`` answers; None where nobody listens; ``{}`` for a stranger."""
    connection = http.client.HTTPConnection(host, port, timeout=2.0)
    try:
        connection.request("GET", "/healthz")
        answer = json.loads(connection.getresponse().read(65536))
    except ConnectionRefusedError:
        return None
    except (OSError, http.client.HTTPException, ValueError):
        return {}
    finally:
        connection.close()
    return answer if isinstance(answer, dict) else {}


def _check_joinable(answer: dict[str, object], context: Context) -> None:
    port = context.settings.server.port
    if answer.get("name") != "perftui":
        raise PortTakenError(
            f"port {port} is taken by {program_on(port)}; choose another with `perftui --port N`"
        )
    store_id = None
    if context.store_path.exists():
        with context.open_reader() as reader:
            store_id = reader.store_id()
    if answer.get("store_id") != store_id:
        raise PortTakenError(
            f"a perftui server on port {port} writes to another store than {context.store_path};"
            " choose another port with `perftui --port N`, or its store with `--db`"
        )


def program_on(port: int) -> str:
    """The name of the program that listens on a local port, as far as the system tells."""
    import psutil

    try:
        for connection in psutil.net_connections(kind="tcp"):
            if (
                connection.status == psutil.CONN_LISTEN
                and connection.laddr
                and connection.laddr.port == port
                and connection.pid
            ):
                process = psutil.Process(connection.pid)
                return f"{_what(process)} (process {connection.pid})"
    except psutil.Error:
        pass
    return "another program"


def _what(process: object) -> str:
    """``python3 server.py`` says more than ``python3``."""
    import psutil

    assert isinstance(process, psutil.Process)
    words = process.cmdline() or [process.name()]
    return " ".join([Path(words[0]).name, *words[1:3]])
