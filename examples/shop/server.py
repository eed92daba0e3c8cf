"""Serves the table of :mod:`.table` over real sockets: the shop and its two third parties."""

from __future__ import annotations

import select
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from . import table
from .access import Access, AccessLog, Outcome
from .pages import Site
from .table import Origin, Route

__all__ = ["Access", "AccessLog", "Route", "Shop", "Site"]

BODY_LIMIT = 64 * 1024
"""Largest request body, in bytes; more gets 413."""


class Shop:
    """The shop on three loopback ports, for as long as the ``with`` block lasts.

    >>> with Shop() as shop:
    ...     shop.url.startswith("http://127.0.0.1:")
    True

    The third parties are addressed as ``localhost``, which for a browser is another site than
    ``127.0.0.1``, as third parties are.
    """

    def __init__(
        self,
        *,
        sdk_url: str | None = None,
        port: int = 0,
        third_party_port: int = 0,
        opaque_third_party_port: int = 0,
        delay_scale: float = 1.0,
        csp: str | None = None,
    ) -> None:
        """Args:
        sdk_url: the ``src`` of perftui's script tag; ``None`` for pages without the tag.
        port: of the shop itself; 0 for any free one, as for the other two.
        third_party_port: of the third party that sends ``Timing-Allow-Origin: *``.
        opaque_third_party_port: of the one that does not.
        delay_scale: factor on every delay and pause of the table; 0 for none at all.
        csp: ``Content-Security-Policy`` of the documents; the pages have no inline script or style.
        """
        self.access_log = AccessLog()
        """What was asked for and answered, on all three ports."""
        self.routes: tuple[Route, ...] = ()
        """The table as it is served, with the sizes of the documents; empty until started."""
        self._sdk_url = sdk_url
        self._ports: dict[Origin, int] = {
            "shop": port,
            "cdn": third_party_port,
            "tracker": opaque_third_party_port,
        }
        self._delay_scale = delay_scale
        self._csp = csp
        self._servers: dict[Origin, _Server] = {}
        self._threads: list[threading.Thread] = []

    @property
    def url(self) -> str:
        """Origin of the shop: ``http://127.0.0.1:PORT``."""
        return f"http://127.0.0.1:{self._port('shop')}"

    @property
    def third_party_url(self) -> str:
        """Origin of the third party with ``Timing-Allow-Origin``: ``http://localhost:PORT``."""
        return f"http://localhost:{self._port('cdn')}"

    @property
    def opaque_third_party_url(self) -> str:
        """Origin of the third party without it: ``http://localhost:PORT``."""
        return f"http://localhost:{self._port('tracker')}"

    def start(self) -> None:
        """Listen on the three ports and serve them in threads.

        Raises:
            OSError: a port is taken; nothing was started then.
        """
        try:
            self._open()
        except BaseException:
            self.stop()
            raise

    def _open(self) -> None:
        for origin, port in self._ports.items():
            self._servers[origin] = _Server(origin, port)
        site = Site(
            cdn_url=self.third_party_url,
            tracker_url=self.opaque_third_party_url,
            sdk_url=self._sdk_url,
        )
        self.routes = table.build(site)
        for origin, server in self._servers.items():
            server.serves = _Serving(
                origin=origin,
                routes=self.routes,
                missing=table.missing(origin, site),
                log=self.access_log,
                delay_scale=self._delay_scale,
                csp=self._csp,
            )
            thread = threading.Thread(
                target=server.serve_forever, args=(0.02,), name=f"shop {origin}"
            )
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """Close the ports and every connection, and wait until all threads have ended."""
        for server in self._servers.values():
            server.stopping.set()
        for server, thread in zip(self._servers.values(), self._threads, strict=False):
            server.shutdown()
            thread.join()
        self._threads.clear()
        for server in self._servers.values():
            server.close_connections()
            server.server_close()
        self._servers.clear()

    def find(self, origin: Origin, method: str, path: str) -> Route | None:
        """The table's row for a request; ``path`` with its query."""
        serving = self._servers[origin].serves
        return serving.find(method, path)

    def _port(self, origin: Origin) -> int:
        if origin not in self._servers:
            raise RuntimeError("the shop has not been started: use it as `with Shop() as shop:`")
        return int(self._servers[origin].server_address[1])

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


class _Serving:
    """What the handlers of one origin answer with."""

    def __init__(
        self,
        *,
        origin: Origin,
        routes: tuple[Route, ...],
        missing: Route,
        log: AccessLog,
        delay_scale: float,
        csp: str | None,
    ) -> None:
        self.origin = origin
        self.missing = missing
        self.log = log
        self.delay_scale = delay_scale
        self.csp = csp
        self._routes: dict[tuple[str, str, str | None], Route] = {
            (route.method, route.path, route.query): route
            for route in routes
            if route.origin == origin
        }
        self._methods: dict[str, set[str]] = {}
        for method, path, _ in self._routes:
            self._methods.setdefault(path, set()).add(method)

    def find(self, method: str, target: str) -> Route | None:
        """The row that answers; ``None`` where there is none. HEAD is answered like GET."""
        parts = urlsplit(target)
        wanted = "GET" if method == "HEAD" else method
        return self._routes.get((wanted, parts.path, parts.query or None)) or self._routes.get(
            (wanted, parts.path, None)
        )

    def methods(self, target: str) -> list[str]:
        """The methods that the path of ``target`` has in the table, sorted."""
        return sorted(self._methods.get(urlsplit(target).path, ()))


class _Server(ThreadingHTTPServer):
    """One origin: a thread per connection, all of which are joined at the end."""

    daemon_threads = False
    request_queue_size = 128
    serves: _Serving

    def __init__(self, origin: Origin, port: int) -> None:
        self.origin = origin
        self.stopping = threading.Event()
        self._connections: set[socket.socket] = set()
        self._busy: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__(("127.0.0.1", port), _Handler)

    def server_bind(self) -> None:
        # The base class also asks DNS for the machine's name, which can take seconds.
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", int(self.server_address[1])

    @contextmanager
    def serving_on(self, connection: socket.socket) -> Iterator[None]:
        """While the block runs, a request is being answered on ``connection``."""
        with self._lock:
            self._busy.add(connection)
        try:
            yield
        finally:
            with self._lock:
                self._busy.discard(connection)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def close_connections(self, *, idle_only: bool = False) -> None:
        """Close them all, or those that wait for their next request; their threads then end."""
        with self._lock:
            for connection in self._connections - (self._busy if idle_only else set()):
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no error of the shop; anything else is shown."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


class _Gone(Exception):
    """The client has closed its side, or the shop is closing, before the answer was out."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    connection: socket.socket
    # Header and body go out in several writes, and must not wait for each other's acknowledgement.
    disable_nagle_algorithm = True
    timeout = 120

    def do_GET(self) -> None:
        self._serve()

    def do_HEAD(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def do_OPTIONS(self) -> None:
        self._serve()

    def log_message(self, *args: Any) -> None:
        """Nothing on stderr: the access log has it."""

    def _serve(self) -> None:
        started_monotonic_s, started_epoch_ms = time.monotonic(), time.time() * 1000
        serving = self.server.serves
        answer = _Answer(self, serving, started_monotonic_s)
        outcome: Outcome = "abandoned"
        try:
            with self.server.serving_on(self.connection):
                answer.send()
            outcome = "dropped" if answer.route.drops else "answered"
        except (_Gone, ConnectionError, TimeoutError):
            self.close_connection = True
        finally:
            serving.log.append(
                Access(
                    origin=serving.origin,
                    method=self.command,
                    path=self.path,
                    referer=self.headers.get("Referer"),
                    status=answer.status,
                    outcome=outcome,
                    header_bytes=answer.header_bytes,
                    body_bytes=answer.body_bytes,
                    decoded_bytes=answer.decoded_bytes,
                    coding=answer.coding,
                    delay_ms=answer.route.delay_ms * serving.delay_scale,
                    pauses_ms=answer.route.pauses_ms * serving.delay_scale,
                    started_monotonic_s=started_monotonic_s,
                    ended_monotonic_s=time.monotonic(),
                    started_epoch_ms=started_epoch_ms,
                    ended_epoch_ms=time.time() * 1000,
                )
            )


class _Answer:
    """One answer on its way out, and what of it has gone."""

    def __init__(self, handler: _Handler, serving: _Serving, started_s: float) -> None:
        self.handler = handler
        self.serving = serving
        self.started_s = started_s
        self.status: int | None = None
        self.header_bytes = 0
        self.body_bytes = 0
        self.decoded_bytes = 0
        self.coding: str | None = None
        found = serving.find(handler.command, handler.path)
        self.methods = [] if found else serving.methods(handler.path)
        self.route = found or serving.missing

    def send(self) -> None:
        """Read the request's body, wait as the table says, and answer.

        Raises:
            _Gone: the client went away, or the shop is closing.
            ConnectionError: the client went away while it was being answered.
        """
        handler, route = self.handler, self.route
        refusal = self._read_body()
        if refusal is not None:
            handler.close_connection = True
            self._send_whole(refusal, [], b"")
            return
        if self.methods:
            self._send_whole(405, [("Allow", ", ".join(self.methods))], b"")
            return
        self._wait_until(self.started_s + route.delay_ms * self.serving.delay_scale / 1000)
        if route.drops:
            # Browsers repeat what fails on a kept connection, on one after the other until one
            # fails that is new. Without the idle ones they do so once.
            handler.server.close_connections(idle_only=True)
            handler.close_connection = True
            return
        headers = self._headers()
        etag = route.etag
        if etag and etag in handler.headers.get("If-None-Match", ""):
            self._send_whole(304, headers, b"")
            return
        if route.pieces:
            self._send_pieces(headers)
            return
        body = route.body
        if route.search:
            query = parse_qs(urlsplit(handler.path).query)
            body = route.search(query.get("q", [""])[0])
        decoded_bytes = len(body)
        if route.coding and "gzip" in handler.headers.get("Accept-Encoding", ""):
            self.coding = route.coding
            headers.append(("Content-Encoding", route.coding))
            body = route.encoded(route.coding)
        self._send_whole(route.status, headers, body)
        if handler.command != "HEAD":
            self.decoded_bytes = decoded_bytes

    def _read_body(self) -> int | None:
        """Read and forget the request's body; the status to refuse it with, if it is refused."""
        headers = self.handler.headers
        if headers.get("Transfer-Encoding"):
            return 411
        length = headers.get("Content-Length", "0")
        if not length.isdecimal():
            return 400
        if int(length) > BODY_LIMIT:
            # A client that is still sending sees the connection break instead of the answer.
            self.handler.rfile.read(min(int(length), 16 * BODY_LIMIT))
            return 413
        if len(self.handler.rfile.read(int(length))) < int(length):
            raise _Gone
        return None

    def _headers(self) -> list[tuple[str, str]]:
        route, serving = self.route, self.serving
        headers = [("Cache-Control", route.cache.value)]
        if route.media_type:
            headers.append(("Content-Type", route.media_type))
        if route.coding:
            headers.append(("Vary", "Accept-Encoding"))
        if route.etag:
            headers.append(("ETag", route.etag))
        if route.server_timing:
            headers.append(("Server-Timing", route.server_timing))
        if route.location:
            headers.append(("Location", route.location))
        if route.retry_after:
            headers.append(("Retry-After", route.retry_after))
        if serving.origin != "shop":
            headers.append(("Access-Control-Allow-Origin", "*"))
        if serving.origin == "cdn":
            headers.append(("Timing-Allow-Origin", "*"))
        if serving.csp and route.is_document:
            headers.append(("Content-Security-Policy", serving.csp))
        return headers

    def _head(self, status: int, headers: list[tuple[str, str]]) -> bytes:
        handler = self.handler
        if handler.close_connection:
            headers = [*headers, ("Connection", "close")]
        lines = [
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
            f"Date: {handler.date_time_string()}",
            *(f"{name}: {value}" for name, value in headers),
        ]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def _send_whole(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        if status not in (204, 304):
            headers = [*headers, ("Content-Length", str(len(body)))]
        if self.handler.command == "HEAD":
            body = b""
        head = self._head(status, headers)
        self.handler.wfile.write(head + body)
        self.status, self.header_bytes, self.body_bytes = status, len(head), len(body)

    def _send_pieces(self, headers: list[tuple[str, str]]) -> None:
        """The body piece by piece: in chunks, or to the end of the connection for HTTP/1.0."""
        handler, route = self.handler, self.route
        in_chunks = handler.request_version != "HTTP/1.0"
        if in_chunks:
            headers.append(("Transfer-Encoding", "chunked"))
        else:
            handler.close_connection = True
        head = self._head(route.status, headers)
        handler.wfile.write(head)
        self.status, self.header_bytes = route.status, len(head)
        if handler.command == "HEAD":
            return
        for piece, due_ms in self._schedule():
            self._wait_until(self.started_s + due_ms * self.serving.delay_scale / 1000)
            handler.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece) if in_chunks else piece)
            self.body_bytes += len(piece)
            self.decoded_bytes += len(piece)
        if in_chunks:
            handler.wfile.write(b"0\r\n\r\n")

    def _schedule(self) -> Iterator[tuple[bytes, int]]:
        """Each piece and when it is due, in ms since the request."""
        for number, piece in enumerate(self.route.pieces):
            yield piece, self.route.delay_ms + number * self.route.pause_ms

    def _wait_until(self, deadline_s: float) -> None:
        """Wait until a time of the monotonic clock, or until the shop closes.

        Raises:
            _Gone: nobody is there any more who would read the answer.
        """
        stopping = self.handler.server.stopping
        while (left := deadline_s - time.monotonic()) > 0:
            if stopping.wait(left):
                raise _Gone
        poll = select.poll()
        poll.register(self.handler.connection, select.POLLIN)
        if poll.poll(0) and not self.handler.connection.recv(1, socket.MSG_PEEK):
            raise _Gone
