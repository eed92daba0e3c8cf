"""The mitmproxy addon: every flow as a request, and perftui's SDK in every document.

It uses the standard library and mitmproxy alone, so that any mitmdump can run it::

    mitmdump -s "$(perftui proxy --addon-path)" --set perftui_server=http://127.0.0.1:8137

- The SDK and the capture endpoint are served under the page's own origin, below ``/__perftui/``:
  no cross-origin request, no preflight, and the page's policy holds.
- ``Server-Timing: perftui;desc="<flow>"`` in each response comes back in the browser's own entry,
  and the store joins the two.
- Hooks only put into a queue; a thread sends. A capture server that is slow or gone costs the
  proxied app nothing, and what cannot be sent is dropped and counted.
"""

from __future__ import annotations

import http.client
import json
import logging
import queue
import re
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from mitmproxy import ctx
from mitmproxy import http as mitm_http

log = logging.getLogger("perftui")

PREFIX = "/__perftui/"
"""Paths below it are the capture server's, on every proxied origin."""

SERVER_TIMING = "perftui"

QUEUE_LIMIT = 5_000
"""Flows that wait to be sent; more are dropped and counted."""

BATCH_LIMIT = 200
HOLD_SECONDS = 2.5
"""A flow waits this long, so that the browser's first batch can say whose session it is of."""

LARGEST_DOCUMENT = 8 * 1024 * 1024
"""Bytes up to which a document is held to put the SDK in; a longer one passes as it is."""

LONGEST_HEADER = 2_000
"""Characters of a header's value that are kept."""

_HEAD = re.compile(rb"<head(?:\s[^>]*)?>", re.I)
_HTML = re.compile(rb"<html(?:\s[^>]*)?>", re.I)
_DOCTYPE = re.compile(rb"\A\s*<!doctype[^>]*>", re.I)
_COMMENT = re.compile(rb"<!--.*?-->", re.S)
_CHARSET = re.compile(r"charset\s*=\s*\"?([\w.:-]+)", re.I)
_NONCE = re.compile(r"'nonce-([A-Za-z0-9+/_=-]+)'")
_WIDE = ("utf-16", "utf-32", "utf16", "utf32", "ucs-2")


# --- into the document --------------------------------------------------------------------------


def script_tag(nonce: str | None) -> str:
    """The tag that loads the SDK from the page's own origin."""
    told = f' nonce="{nonce}"' if nonce else ""
    return f'<script src="{PREFIX}perftui.js" data-endpoint="{PREFIX}batch"{told}></script>'


def inject(body: bytes, tag: str, charset: str | None) -> bytes:
    """Put a tag right after ``<head>``, else after ``<html>``, else after the doctype, else at the
    beginning; never into a comment, never twice."""
    encoding = (charset or "utf-8").lower()
    if encoding.startswith(_WIDE):
        try:
            text = body.decode(encoding)
        except (LookupError, UnicodeDecodeError):
            return body
        return inject(text.encode(), tag, None).decode().encode(encoding)
    if (PREFIX + "perftui.js").encode() in body[: 64 * 1024]:
        return body
    # Comments are made blank, not taken out, so that places stay what they are.
    visible = _COMMENT.sub(lambda match: b" " * len(match[0]), body[: 256 * 1024])
    match = _HEAD.search(visible) or _HTML.search(visible) or _DOCTYPE.search(visible)
    at = match.end() if match else (3 if body.startswith(b"\xef\xbb\xbf") else 0)
    return body[:at] + tag.encode("ascii") + body[at:]


def open_policy(policy: str, origin: str) -> tuple[str, str | None, str | None]:
    """A Content-Security-Policy that lets the SDK in and out, changed by the least.

    Returns:
        The policy, a nonce that the tag must carry (None without), and what was added (None
        where nothing had to be).
    """
    directives = [part.strip() for part in policy.split(";") if part.strip()]
    names = {part.split()[0].lower(): place for place, part in enumerate(directives)}
    added: list[str] = []
    nonce: str | None = None
    for name, file, fallbacks in (
        ("script-src", "perftui.js", ("script-src-elem", "script-src", "default-src")),
        ("connect-src", "batch", ("connect-src", "default-src")),
    ):
        present = [one for one in fallbacks if one in names]
        if not present:
            continue
        directive = directives[names[present[0]]]
        sources = directive.split()[1:]
        if name == "script-src":
            found = _NONCE.search(directive)
            if found is not None:
                nonce = found[1]
                continue
        lets_in = "'self'" in sources or "*" in sources or origin in sources
        if lets_in and "'strict-dynamic'" not in sources:
            continue
        url = f"{origin}{PREFIX}{file}"
        kept = [one for one in sources if one != "'none'"]
        if present[0] == "default-src":
            directives.append(" ".join([name, *kept, url]))
        else:
            directives[names[present[0]]] = " ".join([directive.split()[0], *kept, url])
        added.append(f"{name} {url}")
    return "; ".join(directives), nonce, ", ".join(added) or None


def is_document(flow: mitm_http.HTTPFlow) -> bool:
    """Whether a response is a document that a page is made of: HTML, shown and not fetched by a
    script, not downloaded."""
    response = flow.response
    if response is None or response.status_code in {204, 205, 304} or response.status_code < 200:
        return False
    if "text/html" not in response.headers.get("content-type", "").lower():
        return False
    if "attachment" in response.headers.get("content-disposition", "").lower():
        return False
    if flow.request.method not in {"GET", "POST"} or "x-requested-with" in flow.request.headers:
        return False
    # Every browser tells it to a secure origin; localhost is one.
    wanted = flow.request.headers.get("sec-fetch-dest")
    return wanted is None or wanted in {"document", "iframe", "frame"}


# --- as a request -------------------------------------------------------------------------------


def header_bytes(message: mitm_http.Message, first_line: int) -> int:
    """Length of a message's head in HTTP/1.1's form, bytes."""
    return (
        first_line + 4 + sum(len(name) + len(value) + 4 for name, value in message.headers.fields)
    )


def _pairs(message: mitm_http.Message) -> list[tuple[str, str]]:
    """All headers, those that come several times too, as text."""
    return [
        (name.decode("utf-8", "replace"), value.decode("utf-8", "replace"))
        for name, value in message.headers.fields
    ]


def header_list(message: mitm_http.Message) -> list[dict[str, str]]:
    """Headers in HAR's form, long values cut. The capture server redacts them."""
    return [
        {
            "name": name,
            "value": value if len(value) <= LONGEST_HEADER else value[: LONGEST_HEADER - 1] + "…",
        }
        for name, value in _pairs(message)
    ]


_PROTOCOLS = {
    "HTTP/2.0": "h2",
    "HTTP/2": "h2",
    "HTTP/3": "h3",
    "HTTP/1.1": "http/1.1",
    "HTTP/1.0": "http/1.0",
}


def entry_of(
    flow: mitm_http.HTTPFlow, origin_seconds: float, body_bytes: int | None
) -> dict[str, Any]:
    """A flow as an entry of the wire.

    Args:
        origin_seconds: what times count from, seconds since the epoch.
        body_bytes: the body as sent by the server, where it was streamed; None takes the whole one.
    """
    request, response, server = flow.request, flow.response, flow.server_conn

    def milliseconds(moment: float | None) -> float | None:
        return None if moment is None else round((moment - origin_seconds) * 1000, 3)

    started = request.timestamp_start
    entry: dict[str, Any] = {
        "entryType": "request",
        "name": request.pretty_url,
        "startTime": milliseconds(started),
        "method": request.method,
        "flowId": flow.metadata.get("perftui_flow"),
        "requestHeaders": header_list(request),
    }
    opened = server.timestamp_start
    if opened is not None and opened >= started and server.timestamp_tcp_setup:
        # The connection was new: made for this very request.
        entry["connectStart"] = milliseconds(opened)
        entry["connectEnd"] = milliseconds(server.timestamp_tls_setup or server.timestamp_tcp_setup)
        if server.timestamp_tls_setup:
            entry["secureConnectionStart"] = milliseconds(server.timestamp_tcp_setup)
    ready = server.timestamp_tls_setup or server.timestamp_tcp_setup
    sent = max(started, ready) if ready else started
    entry["requestStart"] = milliseconds(sent)
    if server.peername:
        entry["serverIPAddress"] = server.peername[0]
    if flow.error is not None:
        entry["error"] = flow.error.msg
        entry["duration"] = milliseconds(flow.error.timestamp)
        if entry["duration"] is not None and entry["startTime"] is not None:
            entry["duration"] = max(0.0, entry["duration"] - entry["startTime"])
    if response is None:
        return entry
    ended = response.timestamp_end or time.time()
    entry["responseStatus"] = response.status_code
    entry["statusText"] = response.reason
    entry["responseStart"] = milliseconds(response.timestamp_start)
    entry["responseEnd"] = milliseconds(ended)
    entry.setdefault("duration", round((ended - started) * 1000, 3))
    entry["nextHopProtocol"] = _PROTOCOLS.get(response.http_version, response.http_version.lower())
    content_type = response.headers.get("content-type", "")
    entry["contentType"] = content_type.partition(";")[0].strip().lower() or None
    entry["contentEncoding"] = response.headers.get("content-encoding") or None
    entry["responseHeaders"] = header_list(response)
    encoded = flow.metadata.get("perftui_encoded", body_bytes)
    if encoded is None and response.raw_content is not None:
        encoded = len(response.raw_content)
    head = flow.metadata.get("perftui_head") or header_bytes(
        response, 13 + len(response.reason or "")
    )
    if encoded is not None:
        entry["encodedBodySize"] = encoded
        entry["transferSize"] = encoded + head
    decoded = flow.metadata.get("perftui_decoded")
    if decoded is None and not entry["contentEncoding"]:
        decoded = encoded
    if decoded is not None:
        entry["decodedBodySize"] = decoded
    if flow.websocket is not None:
        messages = flow.websocket.messages
        entry["initiatorType"] = "websocket"
        entry["messages"] = {
            "sent": sum(message.from_client for message in messages),
            "received": sum(not message.from_client for message in messages),
            "bytes": sum(len(message.content) for message in messages),
        }
    return entry


class Sender(threading.Thread):
    """Sends entries to the capture server in batches, from a queue with an end."""

    def __init__(self, server: str, run_id: str, origin_seconds: float) -> None:
        super().__init__(name="perftui sender", daemon=True)
        self._address = urlsplit(server)
        self._run_id = run_id
        self._origin_ms = origin_seconds * 1000
        self._queue: queue.Queue[tuple[float, str, dict[str, Any]] | None] = queue.Queue(
            QUEUE_LIMIT
        )
        self._sessions: dict[str, tuple[str, str]] = {}
        self.dropped = 0
        self.sent = 0

    def put(self, client: str, entry: dict[str, Any]) -> None:
        """Take an entry; never waits."""
        try:
            self._queue.put_nowait((time.monotonic() + HOLD_SECONDS, client, entry))
        except queue.Full:
            self.dropped += 1

    def learn(self, client: str, body: bytes) -> None:
        """Whose session a client's are, from a batch that its SDK sends through the proxy."""
        try:
            told = json.loads(body)
            session, view = told["sessionId"], told["pageViewId"]
        except (ValueError, KeyError, TypeError):
            return
        if isinstance(session, str) and isinstance(view, str):
            self._sessions[client] = (session, view)

    def stop(self) -> None:
        """Send what waits, and end."""
        self._queue.put(None)
        self.join(5)

    def run(self) -> None:
        """Take what has waited long enough, and send it by session."""
        ending = False
        while not ending:
            item = self._queue.get()
            if item is None:
                break
            groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
            while item is not None:
                due, client, entry = item
                time.sleep(max(0.0, due - time.monotonic()))
                owner = self._sessions.get(client, (self._run_id, "proxy"))
                groups.setdefault(owner, []).append(entry)
                if sum(map(len, groups.values())) >= BATCH_LIMIT:
                    break
                try:
                    item = self._queue.get_nowait()
                except queue.Empty:
                    break
                if item is None:
                    ending = True
            for (session, view), entries in groups.items():
                self._post(session, view, entries)

    def _post(self, session: str, view: str, entries: list[dict[str, Any]]) -> None:
        document = {
            "sessionId": session,
            "pageViewId": view,
            "batchId": uuid.uuid4().hex,
            "source": "proxy",
            "timeOrigin": self._origin_ms,
            "sentAt": time.time() * 1000,
            "entries": entries,
            "dropped": {"request": self.dropped} if self.dropped else {},
        }
        dropped, self.dropped = self.dropped, 0
        body = json.dumps(document).encode()
        for attempt in range(3):
            connection = http.client.HTTPConnection(
                self._address.hostname or "127.0.0.1", self._address.port, timeout=5
            )
            try:
                connection.request("POST", "/batch", body, {"Content-Type": "text/plain"})
                status = connection.getresponse().status
            except OSError:
                status = 0
            finally:
                connection.close()
            if 200 <= status < 300:
                self.sent += len(entries)
                return
            if status and status not in {429, 503}:
                break
            time.sleep(0.5 * 2**attempt)
        self.dropped += dropped + len(entries)
        log.warning("perftui: %d requests could not be captured (status %d)", len(entries), status)


class PerftuiAddon:
    """The hooks."""

    def __init__(self) -> None:
        self._sender: Sender | None = None
        self._server = urlsplit("http://127.0.0.1:8137")
        self._origin = time.time()

    def load(self, loader: Any) -> None:
        """mitmproxy: declare the options."""
        loader.add_option("perftui_server", str, "http://127.0.0.1:8137", "The capture server.")
        loader.add_option("perftui_inject", bool, True, "Put the SDK into documents.")

    def running(self) -> None:
        """mitmproxy: it runs; the options are known."""
        self._server = urlsplit(ctx.options.perftui_server)
        self._sender = Sender(
            ctx.options.perftui_server, f"proxy-{uuid.uuid4().hex[:12]}", self._origin
        )
        self._sender.start()

    def done(self) -> None:
        """mitmproxy: it ends."""
        if self._sender is not None:
            self._sender.stop()

    # --- flows ----------------------------------------------------------------------------

    def request(self, flow: mitm_http.HTTPFlow) -> None:
        """mitmproxy: a whole request has been read."""
        flow.metadata["perftui_flow"] = uuid.uuid4().hex
        request = flow.request
        if request.path.startswith(PREFIX):
            self._to_capture_server(flow)
        elif request.port == self._server.port and request.host in {
            *("localhost", "127.0.0.1", "::1", "0.0.0.0"),  # noqa: S104 - reached, not bound
            self._server.hostname,
        }:
            # Else a page could reach the capture server as if it were a program of this machine.
            flow.metadata["perftui_own"] = True
            flow.response = mitm_http.Response.make(
                403,
                b"perftui does not proxy to its own capture server.\n",
                {"Content-Type": "text/plain"},
            )

    def _to_capture_server(self, flow: mitm_http.HTTPFlow) -> None:
        flow.metadata["perftui_own"] = True
        request = flow.request
        if self._sender is not None and request.method == "POST" and request.raw_content:
            self._sender.learn(_client(flow), _unpacked(request.raw_content))
        request.scheme = "http"
        request.host = self._server.hostname or "127.0.0.1"
        request.port = self._server.port or 8137
        request.path = "/" + request.path[len(PREFIX) :]
        request.headers["host"] = f"{request.host}:{request.port}"
        for name in ("origin", "cookie", "authorization", "referer"):
            # It comes from the page's own origin, whose secrets are none of our business.
            request.headers.pop(name, None)

    def responseheaders(self, flow: mitm_http.HTTPFlow) -> None:
        """mitmproxy: the head of a response has been read, its body not yet."""
        response = flow.response
        if response is None or flow.metadata.get("perftui_own"):
            return
        flow.metadata["perftui_head"] = header_bytes(response, 13 + len(response.reason or ""))
        mine = f'{SERVER_TIMING};desc="{flow.metadata["perftui_flow"]}"'
        response.headers.add("Server-Timing", mine)
        length = response.headers.get("content-length", "")
        small = not length.isdigit() or int(length) <= LARGEST_DOCUMENT
        if not (ctx.options.perftui_inject and is_document(flow) and small):
            flow.metadata["perftui_encoded"] = 0
            response.stream = _counting(flow)

    def response(self, flow: mitm_http.HTTPFlow) -> None:
        """mitmproxy: a response is whole (or has been streamed)."""
        if flow.metadata.get("perftui_own") or flow.response is None:
            return
        if flow.websocket is None and ctx.options.perftui_inject and not flow.response.stream:
            self._inject(flow)
        if flow.websocket is None:
            self._keep(flow)

    def websocket_end(self, flow: mitm_http.HTTPFlow) -> None:
        """mitmproxy: a WebSocket is closed."""
        self._keep(flow)

    def error(self, flow: mitm_http.HTTPFlow) -> None:
        """mitmproxy: refused, reset, aborted, or no TLS."""
        if not flow.metadata.get("perftui_own"):
            self._keep(flow)

    def _keep(self, flow: mitm_http.HTTPFlow) -> None:
        if self._sender is not None:
            self._sender.put(_client(flow), entry_of(flow, self._origin, None))

    def _inject(self, flow: mitm_http.HTTPFlow) -> None:
        response = flow.response
        assert response is not None
        raw = response.raw_content or b""
        flow.metadata["perftui_encoded"] = len(raw)
        try:
            body = response.content
        except ValueError:
            log.warning("perftui: %s is damaged; no SDK in it", flow.request.pretty_url[:200])
            return
        if not body:
            return
        flow.metadata["perftui_decoded"] = len(body)
        origin = f"{flow.request.scheme}://{flow.request.host_header or flow.request.pretty_host}"
        nonce = None
        policies = response.headers.get_all("content-security-policy")
        changed: list[str] = []
        for policy in policies:
            opened, found, added = open_policy(policy, origin)
            nonce = nonce or found
            changed.append(opened)
            if added:
                log.warning(
                    "perftui: extended the policy of %s by %s", flow.request.pretty_url[:200], added
                )
        if policies:
            response.headers.set_all("content-security-policy", changed)
        charset = _CHARSET.search(response.headers.get("content-type", ""))
        response.content = inject(body, script_tag(nonce), charset[1] if charset else None)


def _counting(flow: mitm_http.HTTPFlow) -> Callable[[bytes], bytes]:
    def count(piece: bytes) -> bytes:
        flow.metadata["perftui_encoded"] += len(piece)
        return piece

    return count


def _client(flow: mitm_http.HTTPFlow) -> str:
    agent = flow.request.headers.get("user-agent", "")
    return f"{flow.client_conn.peername[0]} {agent}"


def _unpacked(body: bytes) -> bytes:
    if body[:2] == b"\x1f\x8b":
        import zlib

        try:
            return zlib.decompressobj(31).decompress(body, 4 * 1024 * 1024)
        except zlib.error:
            return b""
    return body


addons = [PerftuiAddon()]
