"""uvicorn's HTTP protocol with the limits that it lacks: on the header's size and time, and on
idle connections.

A client that never ends its header would hold its connection for ever; a thousand of them would
keep everybody else out. So a header has a size and a time, and where there are too many
connections the one that has waited longest without a request makes room.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from perftui.config import ServerSettings
from perftui_server.metrics import Metrics

log = logging.getLogger("perftui.server")


class _HeaderTooLargeError(Exception):
    """Ends the parser's run."""


def limited_protocol(settings: ServerSettings, metrics: Metrics) -> type[HttpToolsProtocol]:
    """A protocol class with the limits of ``settings``, which counts into ``metrics``."""
    waiting: OrderedDict[LimitedProtocol, None] = OrderedDict()

    class LimitedProtocol(HttpToolsProtocol):
        """One connection."""

        _header_bytes = 0
        _in_header = True
        _too_large = False
        _timer: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._await_header()
            self._start_timer()
            if len(self.connections) > settings.max_connections and waiting:
                oldest, _ = waiting.popitem(last=False)
                oldest.close_for("too many connections")

        def connection_lost(self, exc: Exception | None) -> None:
            self._settle()
            super().connection_lost(exc)

        def _await_header(self) -> None:
            """The next thing to come is a header; until then this connection can make room."""
            self._in_header = True
            self._header_bytes = 0
            waiting[self] = None
            waiting.move_to_end(self)

        def _start_timer(self) -> None:
            if self._timer is None:
                self._timer = self.loop.call_later(
                    settings.header_timeout_seconds, self.close_for, "slow header"
                )

        def _settle(self) -> None:
            waiting.pop(self, None)
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

        def close_for(self, reason: str) -> None:
            """Close it, and say why."""
            metrics.connections_closed[reason] += 1
            log.warning("closed a connection from %s: %s", self.client, reason)
            self._settle()
            self.transport.abort()

        def data_received(self, data: bytes) -> None:
            if self._in_header:
                self._header_bytes += len(data)
                self._start_timer()
            super().data_received(data)
            if self._in_header and self._header_bytes > settings.max_header_bytes:
                self._refuse_header()

        def _refuse_header(self) -> None:
            if not self._too_large:
                self._too_large = True
                self.send_400_response("")

        def send_400_response(self, msg: str) -> None:
            """Where the header was over its size, say so."""
            if self.transport.is_closing():
                return
            self._settle()
            if not self._too_large:
                super().send_400_response(msg)
                return
            metrics.connections_closed["large header"] += 1
            log.warning("refused a header over %d bytes", settings.max_header_bytes)
            self.transport.write(
                b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
                b"content-length: 0\r\nconnection: close\r\n\r\n"
            )
            self.transport.close()

        def on_message_begin(self) -> None:
            self._in_header = True
            self._size = 0
            super().on_message_begin()

        def on_url(self, url: bytes) -> None:
            self._measure(len(url))
            super().on_url(url)

        def on_header(self, name: bytes, value: bytes) -> None:
            self._measure(len(name) + len(value) + 4)
            super().on_header(name, value)

        def _measure(self, length: int) -> None:
            self._size += length
            if self._size > settings.max_header_bytes:
                self._too_large = True
                raise _HeaderTooLargeError

        def on_headers_complete(self) -> None:
            self._in_header = False
            self._settle()
            super().on_headers_complete()

        def on_response_complete(self) -> None:
            super().on_response_complete()
            # How long a connection is kept alive without a request is uvicorn's to say; the
            # header's time begins with its first byte.
            if not self.transport.is_closing() and not self.pipeline:
                self._await_header()

        def _should_upgrade(self) -> bool:
            return False

        def _unsupported_upgrade_warning(self) -> None:
            """An Upgrade header is of no meaning here; the request is answered as it is."""

    return LimitedProtocol


def quiet_loggers(level: int) -> None:
    """uvicorn warns of each bad request; a port that is scanned would fill the terminal."""
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger: Any = logging.getLogger(name)
        logger.setLevel(level)
