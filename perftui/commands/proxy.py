"""``perftui proxy``: mitmproxy before an app that knows nothing of perftui."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

import click

from perftui.analysis.text import sanitise
from perftui.capture.proxy_ready import is_ready, wireguard_told
from perftui.commands.context import Context, pass_context
from perftui.errors import MissingExtraError, PerftuiError, PortTakenError, UsageError

START_SECONDS = 20.0

MODES = ("regular", "upstream", "socks5", "transparent", "wireguard", "local")

CERTIFICATES = """\
A proxy in reverse mode (perftui proxy http://localhost:3000) needs no certificate.

In the other modes mitmproxy reads HTTPS, and the browser must trust its authority:

  1. start the proxy once; it makes ~/.mitmproxy/mitmproxy-ca-cert.pem
  2. point the browser at the proxy and visit http://mitm.it for how to add it, or start
     Chromium with a profile of its own:
       chromium --user-data-dir=/tmp/perftui --proxy-server=127.0.0.1:8080 \\
         --ignore-certificate-errors-spki-list=$(openssl x509 -pubkey -noout \\
           -in ~/.mitmproxy/mitmproxy-ca-cert.pem | openssl pkey -pubin -outform der \\
           | openssl dgst -sha256 -binary | base64)

Take it out again when you are done: whoever has the key beside it can read what you do.
"""


def addon_path() -> Path:
    """The addon's file, for anybody's own mitmdump."""
    from perftui import capture

    return Path(capture.__path__[0]) / "proxy_addon.py"


@click.command()
@click.argument("url", required=False)
@click.option(
    "--mode",
    metavar="MODE",
    help=f"Another of mitmproxy's modes: {', '.join(MODES)} (as upstream:http://host:port).",
)
@click.option(
    "--listen-port",
    type=click.IntRange(0, 65535),
    default=8080,
    show_default=True,
    help="Port of the proxy.",
)
@click.option("--no-inject", is_flag=True, help="Do not put the SDK into documents.")
@click.option(
    "--bodies",
    type=click.IntRange(0, 100_000),
    default=0,
    metavar="CHARACTERS",
    help="Keep so many characters of each textual body, redacted.  [default: none]",
)
@click.option(
    "--insecure", is_flag=True, help="Take any certificate of the app's, as one of its own making."
)
@click.option(
    "--addon-path", "show_path", is_flag=True, help="Print where the addon is, for mitmdump -s."
)
@click.option("--certs", is_flag=True, help="Explain how a browser comes to trust the proxy.")
@pass_context
def proxy(
    context: Context,
    url: str | None,
    mode: str | None,
    listen_port: int,
    no_inject: bool,
    bodies: int,
    insecure: bool,
    show_path: bool,
    certs: bool,
) -> None:
    """Put mitmproxy before the app at URL, and see what it does with no change to it.

    Open the proxy's address instead of the app's. The SDK comes into each document by itself;
    status, sizes and codings come from the wire.
    """
    if show_path:
        click.echo(addon_path())
        return
    if certs:
        click.echo(CERTIFICATES, nl=False)
        return
    told = _mode(url, mode)
    if find_spec("mitmproxy") is None:
        raise MissingExtraError("proxy", "perftui proxy")
    from perftui.commands.capture_server import capture_server
    from perftui.commands.log import follow
    from perftui.commands.open_app import open_app

    words = ProxyWords(tell_at_once=not context.has_terminal)
    with capture_server(context) as server:
        if url is not None and _same_place(url, server.url):
            raise UsageError(f"{url} is perftui's own capture server; name the app's address")
        with (
            running_proxy(
                told,
                server.url,
                listen_port,
                inject=not no_inject,
                body_characters=bodies,
                takes_any_certificate=insecure,
                words=words,
            ) as address,
            _wireguard_file(words.wireguard) as tunnel,
        ):
            invitation = _invitation(told, address, tunnel)
            if context.has_terminal:
                open_app(context, server_url=server.url, live=True, invitation=invitation)
            else:
                click.echo(f"perftui proxy: {invitation}", err=True)
                with context.open_reader() as reader:
                    after_seq = reader.last_seq()
                    follow(context, reader, session_id=None, after_seq=after_seq, as_json=False)
    words.tell_rest()


def _mode(url: str | None, mode: str | None) -> str:
    if mode is not None:
        if url is not None:
            raise UsageError("name either the app's URL or a --mode")
        kind, _, rest = mode.partition(":")
        if kind == "reverse":
            raise UsageError(f"name the app by itself: perftui proxy {rest or 'URL'}")
        if "@" in kind or mode.rpartition("@")[2].isdigit():
            raise UsageError("say the proxy's own port with --listen-port")
        if kind not in MODES:
            raise UsageError(f"--mode {mode}: one of {', '.join(MODES)}")
        if kind == "upstream" and not rest:
            raise UsageError("name the other proxy: --mode upstream:http://host:port")
        return mode
    if url is None:
        raise UsageError("name the app: perftui proxy http://localhost:3000 (or a --mode)")
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise UsageError(f"{url} is no address of an app, such as http://localhost:3000")
    return f"reverse:{parts.scheme}://{parts.netloc}"


def _same_place(url: str, server_url: str) -> bool:
    one, other = urlsplit(url), urlsplit(server_url)
    from perftui_server.doors import is_loopback

    names = {other.hostname, "0.0.0.0"}  # noqa: S104 - reached, not bound
    return one.port == other.port and (one.hostname in names or is_loopback(one.hostname or ""))


def _invitation(mode: str, address: str, tunnel: Path | None) -> str:
    """What to do to see something, as the end of a sentence."""
    place = address.partition("://")[2]
    match mode.partition(":")[0]:
        case "reverse":
            app = mode.removeprefix("reverse:")
            parts = urlsplit(app)
            port = parts.port or (443 if parts.scheme == "https" else 80)
            if _listens(port, parts.hostname or ""):
                return f"visit {address}"
            return f"start the app, which does not answer at {app}, and visit {address}"
        case "socks5":
            how = f"let the browser use socks5://{place} as its proxy"
        case "transparent":
            how = f"redirect traffic to {place} as docs.mitmproxy.org says, Transparent Proxying"
        case "wireguard":
            how = f"connect a device by WireGuard with {tunnel}"
        case "local":
            how = "use the programs that it redirects"
        case _:
            how = f"let the browser use {address} as its proxy"
    return f"{how} (perftui proxy --certs says more)"


@contextmanager
def _wireguard_file(configuration: str | None) -> Iterator[Path | None]:
    """The configuration for a device, in a file of its owner's alone for as long as the block lasts:
    it has a private key."""
    if configuration is None:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="perftui-") as folder:
        path = Path(folder) / "perftui.conf"
        path.touch(mode=0o600)
        path.write_text(configuration + "\n")
        yield path


class ProxyWords:
    """What mitmproxy and the addon say while they run: warnings, and errors of mitmproxy itself.

    Its output must be read in any case: a full pipe would stop the proxy.

    Args:
        tell_at_once: print each line as it comes, once it listens; else :meth:`tell_rest` does, once
            the app has given the terminal back.

    Attributes:
        listens: set once its servers do.
        wireguard: configuration for the other side of a WireGuard tunnel.
    """

    KEPT_LINES = 20

    def __init__(self, *, tell_at_once: bool = False) -> None:
        self._tell_at_once = tell_at_once
        self._lines: dict[str, int] = {}
        self._thread: threading.Thread | None = None
        self.listens = threading.Event()
        self.wireguard: str | None = None

    @property
    def lines(self) -> list[str]:
        """What was said, each thing once, the oldest first."""
        return list(self._lines)

    def listen(self, stream: IO[str]) -> None:
        """Read a stream to its end, in a thread."""
        self._thread = threading.Thread(target=self._read, args=(stream,), daemon=True)
        self._thread.start()

    def finish(self) -> None:
        """Wait for the last words of a process that has ended."""
        if self._thread is not None:
            self._thread.join(5)

    def _read(self, stream: IO[str]) -> None:
        for line in stream:
            if is_ready(line):
                self.wireguard = wireguard_told(line)
                if self._tell_at_once:
                    for words in self.lines:
                        click.echo(_named(words), err=True)
                self.listens.set()
                continue
            # "[12:00:00.000] perftui: …" of mitmproxy's log.
            words = _PROGRAM.sub("", _CLOCK.sub("", sanitise(line.strip())))
            if not words or words == "Error logged during startup, exiting...":
                continue
            if "does not trust the proxy's certificate" in words:
                words = f"{words} (perftui proxy --certs)"
            if words in self._lines:
                self._lines[words] += 1
                continue
            if self._tell_at_once and self.listens.is_set():
                click.echo(_named(words), err=True)
            if len(self._lines) < self.KEPT_LINES:
                self._lines[words] = 1

    def tell_rest(self) -> None:
        """Print what was not printed when it came."""
        if self._tell_at_once:
            return
        for words, count in self._lines.items():
            click.echo(_named(words) + (f" ({count} times)" if count > 1 else ""), err=True)


_CLOCK = re.compile(r"\A\[[\d:.]+\]\s*(?:\[[\d.:a-f\]]+\]?\s)?")

_PROGRAM = re.compile(r"\A\S*mitmproxy_child\.py: ")


def _named(words: str) -> str:
    return words if words.startswith("perftui") else f"mitmproxy: {words}"


@contextmanager
def running_proxy(
    mode: str,
    server_url: str,
    listen_port: int,
    *,
    inject: bool = True,
    body_characters: int = 0,
    takes_any_certificate: bool = False,
    words: ProxyWords | None = None,
) -> Iterator[str]:
    """mitmproxy as a child for as long as the block lasts; gives the address to visit.

    Args:
        mode: one of mitmproxy's, such as ``reverse:http://localhost:3000``.
        body_characters: how much of each textual body is kept; 0 for none.
        takes_any_certificate: of servers; else theirs must be valid.
        words: what hears what it says.

    Raises:
        PortTakenError: something else listens on the port.
        PerftuiError: it did not start; the message is its own.
    """
    from perftui_server.doors import is_loopback

    port = listen_port or _free_port()
    heard = words or ProxyWords()
    app = urlsplit(mode.removeprefix("reverse:")) if mode.startswith("reverse:") else None
    is_local = app is not None and is_loopback(app.hostname or "")
    # A WireGuard tunnel is for other devices, and only who has its key gets in.
    host = () if mode.startswith("wireguard") else ("--listen-host", "127.0.0.1")
    command: Sequence[str] = [
        sys.executable,
        *("-m", "perftui.capture.mitmproxy_child", "--exit-with-stdin"),
        *("--mode", mode, *host, "--listen-port", str(port)),
        *("--set", "flow_detail=0", "--set", "termlog_verbosity=warn"),
        *("-s", str(addon_path()), "--set", f"perftui_server={server_url}"),
        *("--set", f"perftui_inject={_word(inject)}"),
        *("--set", f"perftui_bodies={body_characters}"),
        # An app on this machine makes its links by the name it is called by; another may answer
        # to its own name alone.
        *("--set", f"keep_host_header={_word(is_local)}", "--set", "connection_strategy=lazy"),
        *("--set", f"ssl_insecure={_word(takes_any_certificate)}"),
    ]
    if _listens(port):
        from perftui.commands.capture_server import program_on

        raise PortTakenError(
            f"port {port} is taken by {program_on(port)}; choose another with --listen-port"
        )
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    assert process.stdin is not None
    assert process.stdout is not None
    heard.listen(process.stdout)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not heard.listens.wait(0.05):
            if process.poll() is not None:
                heard.finish()
                said = " ".join(heard.lines)
                raise PerftuiError(f"mitmproxy did not start: {said[-300:] or 'it ended'}")
            if time.monotonic() > deadline:
                raise PerftuiError(f"mitmproxy did not listen on port {port} in time")
        # The app's cookies are for its host, whatever the port.
        name = "localhost" if app is not None and app.hostname == "localhost" else "127.0.0.1"
        yield f"http://{name}:{port}"
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        heard.finish()
        process.stdin.close()
        process.stdout.close()


def _word(is_set: bool) -> str:
    return "true" if is_set else "false"


def _listens(port: int, host: str = "127.0.0.1") -> bool:
    try:
        socket.create_connection((host, port), timeout=0.5).close()
    except OSError:
        return False
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
