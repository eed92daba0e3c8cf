"""The ASGI application: routes, doors, answers.

========  ==================  ========================================================
POST      ``/batch``          a batch: 200 once it is durable
OPTIONS   ``/batch``          CORS preflight
GET       ``/perftui.js``     the SDK, also under a name with its hash, which never changes
GET       ``/config``         what the SDK is to gather
GET       ``/healthz``        200 while batches can be stored, else 503
GET       ``/metrics``        Prometheus text
========  ==================  ========================================================

No route gives stored data back.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from perftui import __version__
from perftui.capture.intake import Intake
from perftui.clock import SystemClock
from perftui.config import Settings
from perftui.errors import (
    IntakeError,
    InvalidBatchError,
    PerftuiError,
    SinkBusyError,
    SinkError,
    TooLargeError,
)
from perftui.model import Clock, Sink
from perftui_server.assets import sdk_asset, sdk_names
from perftui_server.bodies import (
    BODY_IS_WHOLE,
    BUSY_RETRY_SECONDS,
    ClientGoneError,
    Held,
    InFlight,
    read_body,
)
from perftui_server.doors import doors, is_loopback
from perftui_server.metrics import Metrics
from perftui_server.siblings import Siblings
from perftui_server.turns import Turns

log = logging.getLogger("perftui.server")

PREFLIGHT_SECONDS = 7200
"""How long a browser may remember a preflight; Chrome's own limit."""

YEAR_SECONDS = 31_536_000

ONLY_ONCE = (b"host", b"origin")
"""Headers that decide who may come in: of two, a proxy may have looked at the other."""

Headers = list[tuple[bytes, bytes]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]


@dataclass(slots=True)
class Answer:
    """A response before it is sent.

    Attributes:
        route: what it is counted under.
        close: the connection ends with it: its request was not read to the end.
    """

    status: int
    body: bytes = b""
    media_type: str = "application/json"
    headers: Iterable[tuple[str, str]] = ()
    route: str = "other"
    close: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """What a route needs to know.

    Attributes:
        body_is_whole: whether all of the body is known to have arrived.
    """

    method: str
    path: str
    query: dict[str, str]
    headers: Headers
    client: str | None
    body_is_whole: Callable[[], bool]

    def header(self, name: bytes) -> str | None:
        """A header's value; None where it is missing. Of several the first."""
        for key, value in self.headers:
            if key == name:
                return value.decode("latin-1")
        return None


def _error(status: int, message: str, *, route: str = "other", **more: object) -> Answer:
    return Answer(status, msgspec.json.encode({"error": message, **more}), route=route)


class CaptureApp:
    """The application. It owns the intake, not the sink.

    Attributes:
        siblings: the other workers, where there are any, whose metrics are told with its own.
    """

    def __init__(
        self,
        sink: Sink,
        settings: Settings | None = None,
        *,
        clock: Clock | None = None,
        metrics: Metrics | None = None,
        sdk_config: Mapping[str, object] | None = None,
    ) -> None:
        self.settings = settings or Settings()
        self.sink = sink
        self.metrics = metrics or Metrics(clock)
        self.intake = Intake(sink, self.settings)
        self._clock = clock or SystemClock()
        self._doors = doors(self.settings.server)
        self._turns = Turns(self.settings.server.max_wait_seconds)
        self._in_flight = InFlight(self.settings.server.max_in_flight_bytes)
        self._config = msgspec.json.encode({"enabled": True, **(sdk_config or {})})
        self.siblings: Siblings | None = None

    async def __call__(
        self, scope: Mapping[str, Any], receive: Callable[[], Awaitable[Any]], send: Send
    ) -> None:
        """One request (or uvicorn's lifespan)."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        if scope["type"] != "http":
            return
        client = scope.get("client")
        query = scope["query_string"].decode("latin-1")[:8192]
        request = Request(
            method=scope["method"],
            path=scope["path"],
            query=dict(parse_qsl(query, keep_blank_values=True)) if query else {},
            headers=scope["headers"],
            client=client[0] if client else None,
            body_is_whole=scope.get("extensions", {})
            .get(BODY_IS_WHOLE, {})
            .get("ask", _is_not_known),
        )
        try:
            answer = await self._answer(request, receive)
            if answer.route == "metrics" and self.siblings is not None:
                answer.body = (await self.siblings.together(answer.body.decode())).encode()
        except ClientGoneError:
            self.metrics.refused["client gone"] += 1
            return
        except asyncio.CancelledError:
            # Only the end of the server does that, and there is nobody above to tell.
            self.metrics.limit_reached(
                "shutdown_seconds", request.client, "its request was not read in time"
            )
            answer = self._failed(request, SinkBusyError("the server ends", BUSY_RETRY_SECONDS))
            answer.close = True
        except Exception:
            log.exception("a request failed")
            answer = _error(500, "internal error; see the server's log")
            answer.close = True
        self.metrics.responses[answer.route, answer.status] += 1
        await self._send(request, answer, send)

    def own_metrics(self) -> str:
        """The metrics of this process."""
        return self.metrics.text(self.intake, self._gauges())

    async def _lifespan(self, receive: Callable[[], Awaitable[Any]], send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                await send({"type": "lifespan.shutdown.complete"})
                return

    # --- the doors ------------------------------------------------------------------------

    def _refused(self, request: Request) -> Answer | None:
        """Why a request may not come in; None where it may."""
        if any(sum(name == one for name, _ in request.headers) > 1 for one in ONLY_ONCE):
            self.metrics.refused["repeated header"] += 1
            return _error(400, "one Host and one Origin at most")
        host = request.header(b"host")
        if not self._doors.host_is_allowed(host):
            self.metrics.refused["host"] += 1
            self.metrics.notices.warn(
                "host", "refused a request for the host %r", (host or "")[:100]
            )
            return _error(
                403, "this host is not allowed; start the server with --allow-host to add it"
            )
        origin = request.header(b"origin")
        if origin is not None and not self._doors.origin_is_allowed(origin):
            self.metrics.refused["origin"] += 1
            self.metrics.notices.warn("origin", "refused a request of the origin %r", origin[:100])
            return _error(
                403, "this origin is not allowed; start the server with --allow-origin to add it"
            )
        if self._doors.key is not None and self._wants_key(request):
            if not self._doors.key_is_right(request.headers, request.query):
                self.metrics.refused["key"] += 1
                self.metrics.notices.warn(
                    "key", "refused a request from %s: the key is missing or wrong", request.client
                )
                return _error(401, "the key is missing or wrong (?key=… or X-Perftui-Key)")
        elif origin is None and not is_loopback(request.client or "localhost"):
            self.metrics.refused["no origin"] += 1
            self.metrics.notices.warn(
                "no origin", "refused a request from %s: it has no Origin", request.client
            )
            return _error(403, "a request without Origin is taken from this machine only")
        return None

    def _wants_key(self, request: Request) -> bool:
        """The SDK's files and the health of the server are no secret; a preflight cannot carry
        a key."""
        return (
            request.method != "OPTIONS"
            and request.path not in {"/healthz"}
            and request.path[1:] not in sdk_names()
        )

    # --- routes ---------------------------------------------------------------------------

    async def _answer(self, request: Request, receive: Callable[[], Awaitable[Any]]) -> Answer:
        refused = self._refused(request)
        if refused is not None:
            refused.close = True
            return refused
        path = request.path.removesuffix("/") or "/"
        if path == "/batch":
            match request.method:
                case "POST":
                    return await self._take(request, receive)
                case "OPTIONS":
                    return self._preflight(request)
                case _:
                    return self._wrong_method("batch", "POST, OPTIONS")
        if request.method == "OPTIONS":
            return self._preflight(request)
        if request.method not in {"GET", "HEAD"}:
            return self._wrong_method("other", "GET, HEAD, OPTIONS")
        name = path[1:]
        if name in sdk_names():
            return self._asset(request, name)
        match path:
            case "/config":
                return Answer(
                    200, self._config, headers=[("cache-control", "no-cache")], route="config"
                )
            case "/healthz":
                return self._health()
            case "/metrics":
                return Answer(
                    200,
                    self.own_metrics().encode(),
                    "text/plain; version=0.0.4; charset=utf-8",
                    route="metrics",
                )
            case "/":
                return Answer(
                    200,
                    b"perftui captures here. POST batches to /batch; the SDK is /perftui.js.\n",
                    "text/plain; charset=utf-8",
                    route="root",
                )
            case _:
                return _error(404, "there is /batch, /perftui.js, /config, /healthz and /metrics")

    def _wrong_method(self, route: str, allowed: str) -> Answer:
        answer = _error(405, f"use {allowed}", route=route)
        answer.headers = [("allow", allowed)]
        answer.close = True
        return answer

    async def _take(self, request: Request, receive: Callable[[], Awaitable[Any]]) -> Answer:
        limits = self.settings.server
        length = _content_length(request)
        received_us = self._clock.now_us()
        coding = request.query.get("encoding") or request.header(b"content-encoding") or ""
        with Held(self._in_flight) as held:
            try:
                if length is not None and length > limits.max_body_bytes:
                    raise TooLargeError(
                        f"the body is over {limits.max_body_bytes} bytes", limit="max_body_bytes"
                    )
                self._in_flight.check(length or 0)
                body, wire_bytes = await read_body(
                    receive, limits, coding, held, request.body_is_whole
                )
            except (IntakeError, SinkBusyError) as error:
                answer = self._failed(request, error)
                answer.close = True
                return answer
            # Held until it is stored, and so counted until then.
            began = self._clock.monotonic()
            try:
                await self._turns.take(len(body))
                outcome = await self.intake.take(
                    body, received_us=received_us, wire_byte_count=wire_bytes
                )
            except PerftuiError as error:
                return self._failed(request, error)
        self.metrics.commit_latency.observe(self._clock.monotonic() - began)
        if outcome.cut_count:
            self.metrics.limit_reached(
                "max_string_characters",
                request.client,
                f"{outcome.cut_count} strings of a batch were cut",
                outcome.cut_count,
            )
        return Answer(200, outcome.to_json(), route="batch")

    def _failed(self, request: Request, error: PerftuiError) -> Answer:
        """The one place where errors become statuses."""
        limit = error.limit if isinstance(error, IntakeError | SinkError) else None
        if limit is not None:
            self.metrics.limit_reached(limit, request.client, str(error))
        if isinstance(error, InvalidBatchError):
            return _error(error.status, error.reason, path=error.path, route="batch")
        if isinstance(error, SinkBusyError):
            answer = _error(error.status, str(error), route="batch")
            answer.headers = [("retry-after", str(error.retry_after))]
        elif isinstance(error, IntakeError | SinkError):
            answer = _error(error.status, str(error), route="batch")
        else:
            answer = _error(500, str(error), route="batch")
        if answer.status == 500 and limit is None:
            self.metrics.notices.warn("not stored", "a batch was not stored: %s", error)
        return answer

    def _preflight(self, request: Request) -> Answer:
        headers = [
            ("access-control-allow-methods", "POST, GET, OPTIONS"),
            (
                "access-control-allow-headers",
                "content-type, content-encoding, authorization, x-perftui-key",
            ),
            ("access-control-max-age", str(PREFLIGHT_SECONDS)),
        ]
        # Private Network Access, before it became Local Network Access: asked by some browsers.
        if request.header(b"access-control-request-private-network") == "true":
            headers.append(("access-control-allow-private-network", "true"))
        return Answer(204, headers=headers, route="preflight")

    def _asset(self, request: Request, name: str) -> Answer:
        file, immutable = sdk_names()[name]
        asset = sdk_asset(file)
        headers = [
            ("etag", asset.etag),
            ("vary", "Accept-Encoding"),
            (
                "cache-control",
                f"public, max-age={YEAR_SECONDS}, immutable" if immutable else "no-cache",
            ),
            # Pages that isolate themselves (COEP) load only what allows it.
            ("cross-origin-resource-policy", "cross-origin"),
        ]
        if request.header(b"if-none-match") == asset.etag:
            return Answer(304, headers=headers, route="sdk")
        content = asset.content
        if "gzip" in (request.header(b"accept-encoding") or ""):
            content = asset.compressed
            headers.append(("content-encoding", "gzip"))
        return Answer(200, content, asset.media_type, headers, route="sdk")

    def _health(self) -> Answer:
        ready, reason = True, None
        check = getattr(self.sink, "check_writable", None)
        if check is not None:
            try:
                check()
            except PerftuiError as error:
                ready, reason = False, str(error)
        return Answer(
            200 if ready else 503,
            msgspec.json.encode(
                {
                    "name": "perftui",
                    "version": __version__,
                    "store_id": getattr(self.sink, "store_id", None),
                    "ready": ready,
                    "reason": reason,
                }
            ),
            headers=[("cache-control", "no-store")],
            route="healthz",
        )

    def _gauges(self) -> dict[str, float]:
        gauges: dict[str, float] = {
            "connections": self.metrics.connections,
            "in_flight_bytes": self._in_flight.byte_count,
        }
        waiting = getattr(self.sink, "waiting_entries", None)
        if waiting is not None:
            gauges["waiting_entries"] = waiting
        figures = getattr(self.sink, "figures", None)
        if figures is not None:
            gauges |= figures()
        return gauges

    # --- sending --------------------------------------------------------------------------

    async def _send(self, request: Request, answer: Answer, send: Send) -> None:
        headers: Headers = [
            (name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers
        ]
        if answer.status not in {204, 304}:
            headers += [
                (b"content-type", answer.media_type.encode()),
                (b"content-length", str(len(answer.body)).encode()),
                (b"x-content-type-options", b"nosniff"),
            ]
        origin = request.header(b"origin")
        if origin is not None and self._doors.origin_is_allowed(origin):
            headers += [
                (b"access-control-allow-origin", origin.encode("latin-1")),
                (b"access-control-expose-headers", b"retry-after"),
            ]
        headers.append((b"vary", b"Origin"))
        if answer.close:
            headers.append((b"connection", b"close"))
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        body = b"" if request.method == "HEAD" else answer.body
        await send({"type": "http.response.body", "body": body})


def _is_not_known() -> bool:
    return False


def _content_length(request: Request) -> int | None:
    told = request.header(b"content-length")
    return int(told) if told is not None and told.isdigit() else None
