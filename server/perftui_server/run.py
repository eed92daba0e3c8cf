"""Running the capture server: a socket, uvicorn, signals, maintenance."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import signal
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from math import ceil
from typing import Any

import uvicorn

from perftui.config import Settings
from perftui.errors import PortTakenError, UsageError
from perftui.model import Sink
from perftui_server.app import CaptureApp
from perftui_server.doors import is_loopback
from perftui_server.protocol import MAX_LINGERING, limited_protocol
from perftui_server.siblings import Siblings

log = logging.getLogger("perftui.server")

BACKLOG = 1024
"""Connections that may wait to be accepted."""

COLLECTION_THRESHOLD = 50_000
"""Containers that are made, beyond those that are gone again, before a collection: some 10 MB."""

ACCEPTED_AT_ONCE = 32
"""Connections accepted in one turn of the event loop, so that a crowd at the door does not keep
those within waiting."""

FILES_BESIDE_CONNECTIONS = 128
"""Files that a server has open besides its connections, at most: the store, logs, a sink's own."""


def allow_open_files(settings: Settings) -> None:
    """See to it that the process may have as many files open as the connections need that the
    settings allow, and those that linger after their last answer, as far as the system lets it."""
    import resource

    wanted = settings.server.max_connections + MAX_LINGERING + FILES_BESIDE_CONNECTIONS
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most != resource.RLIM_INFINITY and wanted > most:
        log.warning(
            "only %d files may be open here: too few for max_connections = %d (see `ulimit -n`)",
            *(most, settings.server.max_connections),
        )
        wanted = most
    if allowed != resource.RLIM_INFINITY and allowed < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


def listening_socket(settings: Settings) -> socket.socket:
    """A socket that listens where the settings say.

    Raises:
        UsageError: an address beyond loopback without a key, or one that is not this machine's.
        PortTakenError: another program listens there.
    """
    host, port = settings.server.host.strip("[]"), settings.server.port
    if not is_loopback(host) and not settings.server.key:
        raise UsageError(
            f"{host} can be reached from other machines: choose a key with --key"
            " (or PERFTUI_SERVER_KEY), which every batch must carry, or listen on 127.0.0.1"
        )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns Nagle's algorithm off only where the protocol is named; with it, the second
    # write of each answer waits 40 ms for the client's delayed acknowledgement.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except (UnicodeError, TypeError) as error:
        listener.close()
        raise UsageError(f"{host!r} is no address") from error
    except socket.gaierror as error:
        listener.close()
        raise UsageError(f"{host} is no address of this machine ({error.strerror})") from error
    except PermissionError as error:
        listener.close()
        raise UsageError(f"port {port} needs more rights; choose one from 1024") from error
    except OSError as error:
        listener.close()
        raise PortTakenError(f"cannot listen on {host}, port {port}: {error.strerror}") from error
    except BaseException:
        listener.close()
        raise
    return listener


def url_of(listener: socket.socket) -> str:
    """The server's URL: ``http://127.0.0.1:8137``."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class _Server(uvicorn.Server):
    """Says when it has started."""

    on_started: Callable[[], None] | None = None

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """End in peace. uvicorn would raise the signal anew when it is done, and so end the
        process before the sink is closed."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {
            number: signal.signal(number, self.handle_exit)
            for number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        # asyncio takes one number for both, how many are accepted at once and how many may wait.
        for one in sockets or ():
            one.listen(BACKLOG)
        if self.started and self.on_started is not None:
            self.on_started()


@contextlib.contextmanager
def rare_collections() -> Iterator[None]:
    """Look for cyclic garbage rarely, and never among what was there at the start: for a process
    that does nothing but to serve.

    A batch makes some thousand containers and lets go of them without any cycle; by default the
    collector would look at all of them several times, and now and then at the whole process, which
    takes longer than to store a batch.
    """
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(COLLECTION_THRESHOLD, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


class CaptureServer:
    """A server on a socket, with its application.

    Attributes:
        app: the application.
        url: where it listens.
    """

    def __init__(
        self,
        sink: Sink,
        settings: Settings,
        listener: socket.socket,
        *,
        siblings: Siblings | None = None,
    ) -> None:
        self.app = CaptureApp(sink, settings)
        self.app.siblings = siblings
        self.url = url_of(listener)
        self._sink = sink
        self._listener = listener
        allow_open_files(settings)
        limits = settings.server
        self._server = _Server(
            uvicorn.Config(
                self.app,
                http=limited_protocol(limits, self.app.metrics),
                ws="none",
                lifespan="on",
                access_log=False,
                log_config=None,
                server_header=False,
                date_header=True,
                backlog=ACCEPTED_AT_ONCE,
                timeout_keep_alive=ceil(limits.keep_alive_seconds),
                # The rest of the time is for the last commit.
                timeout_graceful_shutdown=max(1, int(limits.shutdown_seconds * 0.8)),
            )
        )

    def replace_app(self, app: Any) -> None:
        """Put another application in the place of ours, such as one that wraps it. Before
        :meth:`serve`."""
        self._server.config.app = app

    def stop(self) -> None:
        """Stop accepting, finish what was read, then return from :meth:`serve`. Safe from any
        thread."""
        self._server.should_exit = True

    async def serve(
        self,
        *,
        on_started: Callable[[], None] | None = None,
        maintenance: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """Serve until a signal or :meth:`stop`; then close the sink.

        Args:
            on_started: called once it accepts connections.
            maintenance: runs beside it, and is cancelled at the end.
        """
        upkeep = asyncio.ensure_future(maintenance()) if maintenance is not None else None
        self._server.on_started = on_started
        siblings = self.app.siblings
        try:
            if siblings is not None:
                await siblings.start(self.app.own_metrics)
            await self._server.serve(sockets=[self._listener])
        finally:
            if siblings is not None:
                siblings.stop()
            if upkeep is not None:
                upkeep.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await upkeep
            await self._sink.close()
