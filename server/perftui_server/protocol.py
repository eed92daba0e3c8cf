"""uvicorn's HTTP protocol with the limits that it lacks: on the header's size and time, on idle
connections, and on what still comes after a refusal.

A client that never ends its header would hold its connection for ever; a thousand of them would
keep everybody else out. So a header has a size and a time, and where there are too many
connections the one that has waited longest without a request makes room.

A connection that is closed while the client still sends is reset, and the answer with it. So after
an answer to a request that was not read to its end, the rest is taken and thrown away for a while
(RFC 9112, 9.6).
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from enum import Enum, auto
from typing import Any, ClassVar, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from perftui.config import ServerSettings
from perftui_server.bodies import BODY_IS_WHOLE
from perftui_server.metrics import Metrics

LINGER_SECONDS = 5.0
"""How long at most a client may go on sending what is thrown away."""

MAX_LINGERING = 1024
"""Connections that may do so at once; for one more the earliest ends."""

UNREAD_BYTES = 256 * 1024
"""Of a body that the application has not taken yet, so much is held before no more is read from the
connection. uvicorn's 64 KiB are less than many a batch, and less than asyncio reads at once: to stop
reading and to begin again costs more than to take the rest."""


def _last_answer(status: str, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", *headers, "content-length: 0", "connection: close", "", ""]
    return "\r\n".join(lines).encode()


UNAVAILABLE = _last_answer("503 Service Unavailable", "retry-after: 1")
HEADER_TOO_LARGE = _last_answer("431 Request Header Fields Too Large")
HEADER_TOO_SLOW = _last_answer("408 Request Timeout")


class _Phase(Enum):
    """What of a request has come so far: nothing, a part of its header, all of its header."""

    IDLE = auto()
    HEADER = auto()
    BODY = auto()


class _HeaderTooLargeError(Exception):
    """Ends the parser's run."""


class _TooManyRequestsError(Exception):
    """Ends the parser's run: it would make thousands of requests of one piece in one turn."""


class _Transport:
    """A transport whose :meth:`close` is the protocol's, as uvicorn closes in many places; and
    that sends the header of an answer together with its body: one packet instead of two."""

    def __init__(self, real: asyncio.Transport, protocol: LimitedProtocol) -> None:
        self.real = real
        self._protocol: LimitedProtocol | None = protocol
        self._begun: RequestResponseCycle | None = None
        self._header = b""

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)

    def is_closing(self) -> bool:
        """Whether nothing more is to be sent."""
        protocol = self._protocol
        return protocol is None or protocol.is_lingering or self.real.is_closing()

    def write(self, told: bytes) -> None:
        """Send something; what begins an answer, with what comes next or at its end."""
        if self._protocol is None:
            return
        cycle = cast("RequestResponseCycle | None", self._protocol.cycle)
        if (
            cycle is not None
            and cycle is not self._begun
            and cycle.response_started
            and not cycle.response_complete
        ):
            self._begun = cycle
            self._header = told
            return
        if self._header:
            told, self._header = self._header + told, b""
        self.real.write(told)

    def flush(self) -> None:
        """Send what was held back."""
        if self._header:
            self.write(b"")

    def close(self) -> None:
        """Send what is to be sent, and close."""
        self.flush()
        if self._protocol is not None:
            self._protocol.close_gently()

    def let_go(self) -> None:
        """The connection is no more, and whoever still writes is not heard."""
        self._protocol = None
        self._begun = None


class LimitedProtocol(HttpToolsProtocol):
    """One connection. :func:`limited_protocol` makes the class for one server.

    Attributes:
        limits, metrics: the server's.
        counted: connections that count towards ``max_connections``: all but those that linger.
        waiting: those without a request under way, the one that waits longest first.
        lingering: those whose last answer is sent, the earliest first.
        is_lingering: whether this is one of them.
        is_deaf: whether what still comes is thrown away, until what came before is answered.
    """

    limits: ClassVar[ServerSettings]
    metrics: ClassVar[Metrics]
    counted: ClassVar[set[LimitedProtocol]]
    waiting: ClassVar[OrderedDict[LimitedProtocol, None]]
    lingering: ClassVar[OrderedDict[LimitedProtocol, None]]

    is_lingering = False
    is_deaf = False
    _phase = _Phase.IDLE
    _received_header_bytes = 0
    _parsed_header_bytes = 0
    _header_is_too_large = False
    _waiting_since = 0.0
    _timer: asyncio.TimerHandle | None = None
    _real_transport: asyncio.Transport

    # --- from the transport ---------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._real_transport = transport
        super().connection_made(cast("asyncio.Transport", _Transport(transport, self)))
        self.counted.add(self)
        self.metrics.connections = len(self.counted)
        if len(self.counted) > self.limits.max_connections:
            self._make_room()
        if not self.is_lingering:
            self.waiting[self] = None
            self._start_timer(self.limits.header_timeout_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget()
        self.lingering.pop(self, None)
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()
        super().connection_lost(exc)
        # Without these it is part of no reference cycle. Thousands of connections that have ended
        # would be left to the garbage collector, for which everybody waits.
        cast("_Transport", self.transport).let_go()
        # asyncio's transport holds a method of itself.
        getattr(self._real_transport, "__dict__", {}).pop("_read_ready_cb", None)
        self.pipeline.clear()
        self.cycle = None  # type: ignore[assignment]
        self.scope = None  # type: ignore[assignment]

    def _hears_nothing(self) -> bool:
        return self.is_deaf or self.transport.is_closing()

    def data_received(self, data: bytes) -> None:
        if self.is_lingering or self.is_deaf:
            return
        if self._phase is not _Phase.BODY:
            self._received_header_bytes += len(data)
        super().data_received(data)
        # Most headers come whole, and need no timer.
        if self._phase is _Phase.BODY or self._hears_nothing():
            return
        if self._received_header_bytes > self.limits.max_header_bytes:
            self._refuse_header()
        elif self._phase is _Phase.HEADER or self._received_header_bytes:
            self._start_timer(self.limits.header_timeout_seconds)

    # --- from the parser ------------------------------------------------------------------

    def on_message_begin(self) -> None:
        if len(self.pipeline) >= self.limits.max_pipelined_requests:
            self._reached("max_pipelined_requests", "the rest of its requests is not read")
            raise _TooManyRequestsError
        self._phase = _Phase.HEADER
        self._parsed_header_bytes = 0
        super().on_message_begin()
        self.scope["extensions"] = {BODY_IS_WHOLE: {"ask": self._body_is_whole}}

    def on_url(self, url: bytes) -> None:
        self._measure(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._measure(len(name) + len(value) + len(": \r\n"))
        super().on_header(name, value)

    def _measure(self, length: int) -> None:
        self._parsed_header_bytes += length
        if self._parsed_header_bytes > self.limits.max_header_bytes:
            self._header_is_too_large = True
            raise _HeaderTooLargeError

    def on_headers_complete(self) -> None:
        self._phase = _Phase.BODY
        self.waiting.pop(self, None)
        self._stop_timer()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._phase = _Phase.IDLE
        self._received_header_bytes = 0
        if self.cycle.response_complete:
            # The rest of a body that nobody wanted.
            self._stop_timer()
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP; where the header was over its size, say so."""
        if self.transport.is_closing() or self._hears_no_more():
            return
        if self._header_is_too_large:
            self._refuse_header()
        else:
            super().send_400_response(msg)

    def _refuse_header(self) -> None:
        self._reached("max_header_bytes", "its header is longer")
        if not self._hears_no_more():
            self.transport.write(HEADER_TOO_LARGE)
            self.transport.close()

    def _hears_no_more(self) -> bool:
        """Where whole requests before this one wait for their answers, these come first, and then
        the end: an answer to this one would be taken for theirs."""
        earlier = cast("RequestResponseCycle | None", self.cycle)
        if self._phase is _Phase.BODY or earlier is None or earlier.response_complete:
            return False
        self._answer_and_close()
        return True

    def _answer_and_close(self) -> None:
        self.is_deaf = True
        self.cycle.keep_alive = False
        self._stop_timer()

    def _body_is_whole(self) -> bool:
        # Where others wait behind the one that is answered, theirs is the latest cycle.
        cycle = cast("RequestResponseCycle | None", self.cycle)
        return cycle is not None and not self.pipeline and not cycle.more_body

    def on_body(self, body: bytes) -> None:
        cycle = self.cycle
        if cycle.response_complete:
            return
        # The first piece, which most often is the whole, is kept as it is. (uvicorn makes bytes of
        # whatever is there; of bytes that is no copy.)
        cycle.body = cast("bytearray", cycle.body + body if cycle.body else body)
        if len(cycle.body) > UNREAD_BYTES:
            self.flow.pause_reading()
        cycle.message_event.set()

    # --- from the application -------------------------------------------------------------

    def on_response_complete(self) -> None:
        """uvicorn's, with one timer for as long as a connection is kept, where that makes one for
        each request and takes it back at the next."""
        if cast("RequestResponseCycle | None", self.cycle) is None:
            return  # the connection is no more
        cast("_Transport", self.transport).flush()
        if self.cycle.response_complete:
            # Of a refused body nobody will ask for what has come; the connection may linger.
            self.cycle.body = bytearray()
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
            return
        self.waiting[self] = None
        self._waiting_since = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._keep_alive_for(self.timeout_keep_alive)
        # The header's time begins with its first byte.
        if self._phase is _Phase.BODY:
            self._start_timer(self.limits.body_timeout_seconds)

    def _keep_alive_for(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(
            seconds, self.timeout_keep_alive_handler
        )

    def _unset_keepalive_if_required(self) -> None:
        """Left as it is: when its time has come it looks what has happened since."""

    def timeout_keep_alive_handler(self) -> None:
        """Close the connection where it has not been used for so long."""
        self.timeout_keep_alive_task = None
        if self not in self.waiting or self._phase is not _Phase.IDLE:
            return
        left = self._waiting_since + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self._keep_alive_for(left)
        elif not self._received_header_bytes and not self.transport.is_closing():
            self.transport.close()

    def _should_upgrade(self) -> bool:
        return False

    def _unsupported_upgrade_warning(self) -> None:
        """An Upgrade header is of no meaning here: the request is answered as one without a body,
        and what follows it may be of any protocol."""
        self._answer_and_close()

    # --- time -----------------------------------------------------------------------------

    def _start_timer(self, seconds: float) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(seconds, self._time_is_up, seconds)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _time_is_up(self, seconds: float) -> None:
        self._timer = None
        if self.flow.read_paused:
            # It is not the client that lets wait.
            self._start_timer(seconds)
            return
        if self._phase is _Phase.BODY:
            self._reached("body_timeout_seconds", "the rest of a refused body did not come in time")
        else:
            self._reached("header_timeout_seconds", "no whole header came in time")
            if self._phase is _Phase.HEADER:
                self._real_transport.write(HEADER_TOO_SLOW)
        self._close_now()

    # --- closing --------------------------------------------------------------------------

    def _make_room(self) -> None:
        leaving = next(iter(self.waiting), self)
        leaving._reached("max_connections", "it made room for another connection")
        leaving._real_transport.write(UNAVAILABLE)
        leaving._linger()

    def _reached(self, setting: str, words: str) -> None:
        client = self.client[0] if self.client else None
        self.metrics.limit_reached(setting, client, words)

    def close_gently(self) -> None:
        """Close it; where the client is in the middle of sending, once it has been heard out."""
        if self._phase is _Phase.IDLE or self._real_transport.is_closing():
            self._close_now()
        else:
            self._linger()

    def _close_now(self) -> None:
        self._forget()
        self._real_transport.close()

    def _linger(self) -> None:
        if self.is_lingering:
            self._close_now()
            return
        try:
            self._real_transport.write_eof()
        except OSError:
            # The client has gone already.
            self._close_now()
            return
        self._forget()
        self.is_lingering = True
        self.flow.resume_reading()
        self._timer = self.loop.call_later(LINGER_SECONDS, self._real_transport.abort)
        self.lingering[self] = None
        if len(self.lingering) > MAX_LINGERING:
            earliest, _ = self.lingering.popitem(last=False)
            earliest._real_transport.abort()

    def _forget(self) -> None:
        """From here on it counts no more."""
        self.counted.discard(self)
        self.metrics.connections = len(self.counted)
        self.waiting.pop(self, None)
        self._stop_timer()


def limited_protocol(settings: ServerSettings, with_metrics: Metrics) -> type[LimitedProtocol]:
    """A protocol class with the limits of ``settings``, which counts into ``with_metrics``."""

    class Protocol(LimitedProtocol):
        limits = settings
        metrics = with_metrics
        counted: ClassVar[set[LimitedProtocol]] = set()
        waiting: ClassVar[OrderedDict[LimitedProtocol, None]] = OrderedDict()
        lingering: ClassVar[OrderedDict[LimitedProtocol, None]] = OrderedDict()

    return Protocol


def quiet_loggers(level: int) -> None:
    """uvicorn warns of each bad request; a port that is scanned would fill the terminal."""
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger: Any = logging.getLogger(name)
        logger.setLevel(level)
