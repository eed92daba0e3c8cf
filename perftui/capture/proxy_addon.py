"""The mitmproxy addon: every flow as a request, and perftui's SDK in every document.

It is one file that uses the standard library and mitmproxy alone, so that any mitmdump can run it::

    mitmdump -s "$(perftui proxy --addon-path)" --set perftui_server=http://127.0.0.1:8137

- The SDK and the capture endpoint are served under the page's own origin, below ``/__perftui/``:
  no cross-origin request, no preflight, and the page's policy holds.
- ``Server-Timing: perftui;desc="<flow>"`` in each response comes back in the browser's own entry,
  and the store joins the two.
- Nothing is held: the SDK goes into the first piece of a document that shows where, and every body
  passes as it comes.
- Hooks only put into a queue; a thread sends. A capture server that is slow or gone costs the
  proxied app nothing, and what cannot be sent is dropped and counted.
"""

from __future__ import annotations

import codecs
import functools
import http.client
import json
import logging
import random
import re
import secrets
import threading
import time
import uuid
import zlib
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from mitmproxy import connection, ctx
from mitmproxy import http as mitm_http
from mitmproxy.net import encoding
from mitmproxy.net.http.url import hostport
from mitmproxy.proxy import mode_specs
from mitmproxy.websocket import WebSocketData

log = logging.getLogger("perftui")

_PROXY_LOG = logging.getLogger("mitmproxy.proxy.server")

codings: Any = encoding
"""Where mitmproxy has the libraries for Brotli and Zstandard that it comes with."""

PREFIX = "/__perftui/"
"""Paths below it are the capture server's, on every proxied origin."""

_THIS_MACHINE: frozenset[str | None] = frozenset(
    {"localhost", "127.0.0.1", "::1", "0.0.0.0"}  # noqa: S104 - reached, not bound
)

SERVER_TIMING = "perftui"

QUEUE_LIMIT = 5_000
"""Flows that wait to be sent; more are dropped and counted."""

BATCH_LIMIT = 200
HOLD_SECONDS = 2.5
"""A flow waits this long, so that the browser's first batch can say whose session it is of."""

ROUND_SECONDS = 0.5
"""How often what is due is sent."""

BATCH_BYTES = 512 * 1024
"""About so many bytes of JSON go in one batch; the capture server takes 2 MiB by default."""

LONGEST_PROLOGUE = 64 * 1024
"""Bytes of a document within which its head must begin; they are held until it does."""

LARGEST_MEASURED_BODY = 2 * 1024 * 1024
"""Bytes of an uncompressed body up to which it is measured what compression would save."""

LARGEST_HELD_BODIES = 64 * 1024 * 1024
"""Bytes of such bodies that wait together; what comes beyond is not measured."""

MEASURED_AT_ONCE = 200
MEASURED_PER_SECOND = 20.0
"""Bodies that are measured: those of a page or two at once, then so many a second."""

BUSY_PER_SECOND = 100.0
"""Flows from so many a second on the proxy has no time to measure bodies: what it takes to compress
them (some 2 ms each) would come off what it forwards. The flows of a page are sent some seconds
after they have passed, when a browser asks for little."""

ATTEMPTS = 3
STOP_SECONDS = 5.0

LONGEST_HEADER = 2_000
"""Characters of a header's value that are kept."""

REMEMBERED_HEADERS = 1_024
"""Headers whose form on the wire is remembered: most of a session's come again and again."""

_ATTRIBUTES = rb"""(?:[\s/](?:[^>"']|"[^"]*"|'[^']*')*)?"""
_PROLOGUE = re.compile(
    rb"(?:\xef\xbb\xbf)?(?:\s|<!--.*?-->|<!doctype[^>]*>|<\?[^>]*>|<html" + _ATTRIBUTES + rb">)*",
    re.I | re.S,
)
"""What may stand before a document's head (HTML Standard, "The initial insertion mode" to "The
before head insertion mode")."""

_HEAD = re.compile(rb"<head" + _ATTRIBUTES + rb">", re.I | re.S)
_UNFINISHED = re.compile(
    rb"""<(?:!(?:-|d(?:o(?:c(?:t(?:y(?:pe?)?)?)?)?)?)?|h(?:t(?:m)?|e(?:a)?)?)?\Z"""
    rb"""|<!--|<!doctype|<\?|<(?:html|head)(?:[\s/]|\Z)""",
    re.I,
)
"""The beginning of something that belongs to the prologue and is not closed yet."""

_CHARSET = re.compile(r"charset\s*=\s*\"?([\w.:-]+)", re.I)
_NONCE = re.compile(r"'nonce-([A-Za-z0-9+/_=-]+)'")
_WIDE = ("utf-16", "utf-32", "utf16", "utf32", "ucs-2")


# --- into the document --------------------------------------------------------------------------


def script_tag(nonce: str | None) -> str:
    """The tag that loads the SDK from the page's own origin."""
    told = f' nonce="{nonce}"' if nonce else ""
    return f'<script src="{PREFIX}perftui.js" data-endpoint="{PREFIX}batch"{told}></script>'


def place_of_tag(text: bytes, *, whole: bool) -> int | None:
    """Where in a document the tag belongs: right after ``<head>``; where there is none, before the
    first thing that cannot stand before a head.

    Args:
        text: the beginning of the document, in an encoding that has ASCII's letters as ASCII.
        whole: nothing follows.

    Returns:
        The place; None where more must be seen.
    """
    prologue = _PROLOGUE.match(text)
    at = prologue.end() if prologue else 0
    if head := _HEAD.match(text, at):
        return head.end()
    if whole or len(text) >= LONGEST_PROLOGUE:
        return at
    return None if at == len(text) or _UNFINISHED.match(text, at) else at


class Injector:
    """Puts a tag into a document that comes in pieces, once."""

    def __init__(self, tag: str, charset: str | None) -> None:
        self.tag = tag
        self._held = b""
        self._done = False
        self._charset = charset

    def feed(self, piece: bytes, *, last: bool = False) -> bytes:
        """What may go on of the document, now that ``piece`` has come."""
        if self._done:
            return piece
        self._held += piece
        if len(self._held) < 3 and not last:
            # Too short to tell a byte order mark.
            return b""
        wide = self._wide()
        if wide is not None:
            return self._feed_wide(wide, last)
        at = place_of_tag(self._held, whole=last)
        return b"" if at is None else self._insert(self._held, at, self.tag.encode("ascii"))

    def _insert(self, text: bytes, at: int, tag: bytes) -> bytes:
        self._done, self._held = True, b""
        if (PREFIX + "perftui.js").encode() in text or not text:
            # Another proxy before this one did it; or there is no document at all.
            return text
        return text[:at] + tag + text[at:]

    def _wide(self) -> str | None:
        """The encoding, where ASCII's letters are no ASCII in it."""
        if self._held.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16-le" if self._held.startswith(codecs.BOM_UTF16_LE) else "utf-16-be"
        name = (self._charset or "").lower()
        if not name.startswith(_WIDE):
            return None
        # Without a mark it is little-endian (Encoding Standard, "utf-16").
        return "utf-16-le" if name in {"utf-16", "utf16", "ucs-2", "unicode"} else name

    def _feed_wide(self, encoding: str, last: bool) -> bytes:
        try:
            unit = 4 if "32" in encoding else 2
            text = self._held[: len(self._held) // unit * unit].decode(encoding, "surrogatepass")
        except (LookupError, UnicodeDecodeError):
            # Not what it says it is: it goes on as it came.
            self._done = True
            held, self._held = self._held, b""
            return held
        mark = "\ufeff" if text.startswith("\ufeff") else ""
        # One byte for each character, so that places are the same.
        plain = text[len(mark) :].encode("ascii", "replace")
        at = place_of_tag(plain, whole=last)
        if at is None:
            return b""
        place = len((mark + text[len(mark) : len(mark) + at]).encode(encoding, "surrogatepass"))
        return self._insert(self._held, place, self.tag.encode(encoding))


class Coder(Protocol):
    """Takes a coding off pieces of a body and puts it on again."""

    def decode(self, piece: bytes, *, last: bool) -> bytes:
        """Decode a piece. Raises an error of its own where the body is damaged."""
        ...

    def encode(self, piece: bytes, *, last: bool) -> bytes:
        """Encode a piece, so that all of it can be decoded at once."""
        ...


class Plain:
    """No coding."""

    def decode(self, piece: bytes, *, last: bool) -> bytes:
        """As it is."""
        return piece

    def encode(self, piece: bytes, *, last: bool) -> bytes:
        """As it is."""
        return piece


class Zlib:
    """``gzip`` and ``deflate``, the latter also without zlib's header, as some servers send it."""

    def __init__(self, gzip: bool) -> None:
        self._decoder: Any = None if not gzip else zlib.decompressobj(31)
        self._encoder = zlib.compressobj(6, zlib.DEFLATED, 31 if gzip else 15)

    def decode(self, piece: bytes, *, last: bool) -> bytes:
        """Decode a piece."""
        if self._decoder is None and piece:
            has_header = piece[0] & 15 == 8 and piece[0] >> 4 <= 7
            self._decoder = zlib.decompressobj(15 if has_header else -15)
        if self._decoder is None:
            return b""
        text: bytes = self._decoder.decompress(piece)
        return text + self._decoder.flush() if last else text

    def encode(self, piece: bytes, *, last: bool) -> bytes:
        """Encode a piece."""
        return self._encoder.compress(piece) + self._encoder.flush(
            zlib.Z_FINISH if last else zlib.Z_SYNC_FLUSH
        )


class Brotli:
    """``br``, by the library that mitmproxy comes with."""

    def __init__(self) -> None:
        self._decoder = codings.brotli.Decompressor()
        self._encoder = codings.brotli.Compressor(quality=5)

    def decode(self, piece: bytes, *, last: bool) -> bytes:
        """Decode a piece."""
        return bytes(self._decoder.process(piece)) if piece else b""

    def encode(self, piece: bytes, *, last: bool) -> bytes:
        """Encode a piece."""
        coded = self._encoder.process(piece) if piece else b""
        return bytes(coded + (self._encoder.finish() if last else self._encoder.flush()))


class Zstandard:
    """``zstd``, by the library that mitmproxy comes with."""

    def __init__(self) -> None:
        self._decoder = codings.zstd.ZstdDecompressor().decompressobj()
        self._encoder = codings.zstd.ZstdCompressor().compressobj()

    def decode(self, piece: bytes, *, last: bool) -> bytes:
        """Decode a piece."""
        return bytes(self._decoder.decompress(piece)) if piece else b""

    def encode(self, piece: bytes, *, last: bool) -> bytes:
        """Encode a piece."""
        coded = self._encoder.compress(piece) if piece else b""
        flush = (
            codings.zstd.COMPRESSOBJ_FLUSH_FINISH if last else codings.zstd.COMPRESSOBJ_FLUSH_BLOCK
        )
        return bytes(coded + self._encoder.flush(flush))


CODERS: dict[str, Callable[[], Coder]] = {
    "": Plain,
    "identity": Plain,
    "gzip": lambda: Zlib(gzip=True),
    "x-gzip": lambda: Zlib(gzip=True),
    "deflate": lambda: Zlib(gzip=False),
    "br": Brotli,
    "zstd": Zstandard,
}
"""Content coding -> how it is taken off and put on again, piece by piece."""


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
    for name, fallbacks in (
        ("script-src", ("script-src-elem", "script-src", "default-src")),
        ("connect-src", ("connect-src", "default-src")),
    ):
        present = [one for one in fallbacks if one in names]
        if not present:
            continue
        directive = directives[names[present[0]]]
        sources = directive.split()[1:]
        source = f"{origin}{PREFIX}"
        if name == "script-src":
            found = _NONCE.search(directive)
            if found is not None:
                nonce = found[1]
                continue
            if "'strict-dynamic'" in sources:
                # Beside it no address counts, only nonces and hashes.
                nonce = secrets.token_urlsafe(16)
                source = f"'nonce-{nonce}'"
        lets_in = not {"'self'", "*", origin}.isdisjoint(sources)
        if lets_in and not source.startswith("'nonce-"):
            continue
        kept = [one for one in sources if one != "'none'"]
        if present[0] == "default-src":
            directives.append(" ".join([name, *kept, source]))
        else:
            directives[names[present[0]]] = " ".join([directive.split()[0], *kept, source])
        added.append(f"{name} {source}")
    return "; ".join(directives), nonce, ", ".join(added) or None


def is_sandboxed(policy: str) -> bool:
    """Whether a policy takes the document's origin away: the SDK could send nothing from there."""
    for part in policy.lower().split(";"):
        words = part.split()
        if words and words[0] == "sandbox":
            return "allow-same-origin" not in words
    return False


class Header(NamedTuple):
    """A header as it came.

    Attributes:
        key: its name in lower case.
        value: cut where it is long.
        byte_count: in HTTP/1.1's form, with its line end.
        json: in HAR's form.
    """

    name: str
    key: str
    value: str
    byte_count: int
    json: str

    @classmethod
    @functools.lru_cache(maxsize=REMEMBERED_HEADERS)
    def of(cls, raw_name: bytes, raw_value: bytes) -> Header:
        """Read a header."""
        name, value = raw_name.decode("utf-8", "replace"), raw_value.decode("utf-8", "replace")
        if len(value) > LONGEST_HEADER:
            value = value[: LONGEST_HEADER - 1] + "…"
        told = json.dumps({"name": name, "value": value})
        return cls(name, name.lower(), value, len(raw_name) + len(raw_value) + 4, told)


class Head(NamedTuple):
    """The head of a message as it came, before anything of it is changed.

    Attributes:
        headers: in their order. The capture server redacts them.
        values: by name in lower case; of several with one name the first.
    """

    headers: list[Header]
    values: dict[str, str]

    @classmethod
    def of(cls, message: mitm_http.Message) -> Head:
        """Read a message's head, once."""
        headers = [Header.of(name, value) for name, value in message.headers.fields]
        return cls(headers, {one.key: one.value for one in reversed(headers)})

    @property
    def byte_count(self) -> int:
        """Bytes of all headers in HTTP/1.1's form, with their line ends."""
        return sum(one.byte_count for one in self.headers)

    @property
    def har(self) -> list[dict[str, str]]:
        """In HAR's form."""
        return [{"name": one.name, "value": one.value} for one in self.headers]

    @property
    def json(self) -> str:
        """In HAR's form, as JSON."""
        return f"[{','.join([one.json for one in self.headers])}]"


class Seen:
    """What is known of a flow beside what mitmproxy keeps.

    It is not in the flow's ``metadata``: mitmproxy writes that to files (``-w``), which takes plain
    values alone.

    Attributes:
        request: the head of the request, as its client sent it.
        response: the head of the response, as its server sent it; None before it has come.
        origin: that it has for its client.
        url: as its client asked for it.
        flow_id: what the browser hands back in its own entry.
        origins: the names of an app that hears its own.
        passage: what the response's body goes through.
        policy_extension: what was added to the document's policy.
        is_own: it is perftui's own, and none of the app's.
    """

    __slots__ = (
        *("flow_id", "is_own", "origin", "origins", "passage", "policy_extension"),
        *("request", "response", "url"),
    )

    def __init__(self, request: Head, origin: str, url: str, flow_id: str | None = None) -> None:
        self.request = request
        self.origin = origin
        self.url = url
        self.flow_id = flow_id
        self.response: Head | None = None
        self.origins: Origins | None = None
        self.passage: Passage | None = None
        self.policy_extension: str | None = None
        self.is_own = False


_SEEN: WeakKeyDictionary[mitm_http.HTTPFlow, Seen] = WeakKeyDictionary()


def seen_of(flow: mitm_http.HTTPFlow) -> Seen:
    """What is known of a flow."""
    seen = _SEEN.get(flow)
    if seen is None:
        # It failed before it was whole, or comes from a file.
        head = Head.of(flow.request)
        origin = origin_of(flow.request, flow.client_conn, head)
        _SEEN[flow] = seen = Seen(head, origin, flow.request.pretty_url)
    return seen


def response_head(flow: mitm_http.HTTPFlow) -> Head:
    """The head of a flow's response, as its server sent it."""
    seen = seen_of(flow)
    if seen.response is None:
        assert flow.response is not None
        seen.response = Head.of(flow.response)
    return seen.response


def head_bytes(flow: mitm_http.HTTPFlow) -> int:
    """Length of a response's head in HTTP/1.1's form, bytes: status line, headers, blank line."""
    response = flow.response
    assert response is not None
    line = len("HTTP/1.1 200 \r\n") + len(response.reason or "")
    return line + response_head(flow).byte_count + len("\r\n")


def is_document(flow: mitm_http.HTTPFlow) -> bool:
    """Whether a response is a document that a page is made of: HTML, shown and not fetched by a
    script, not downloaded."""
    response = flow.response
    if response is None or response.status_code in {204, 205, 206, 304}:
        return False
    told = response_head(flow).values
    if "text/html" not in told.get("content-type", "").lower():
        return False
    if "attachment" in told.get("content-disposition", "").lower():
        return False
    asked = seen_of(flow).request.values
    if flow.request.method not in {"GET", "POST"} or "x-requested-with" in asked:
        return False
    # Every browser tells it to a secure origin; localhost is one.
    wanted = asked.get("sec-fetch-dest")
    return wanted is None or wanted in {"document", "iframe", "frame", "object", "embed"}


# --- origins ------------------------------------------------------------------------------------


def is_asked_by_another_origin(flow: mitm_http.HTTPFlow) -> bool:
    """Whether a page of another origin asks, for what is to be part of it."""
    asked = seen_of(flow).request.values
    site = asked.get("sec-fetch-site")
    if site is not None:
        return site in {"cross-site", "same-site"} and asked.get("sec-fetch-dest") != "document"
    # Browsers tell the site to secure origins alone.
    asking = asked.get("origin") or asked.get("referer")
    if asking is None:
        return False
    page, own = urlsplit(asking), urlsplit(seen_of(flow).url)
    return (page.scheme, page.netloc) != (own.scheme, own.netloc)


def origin_of(request: mitm_http.Request, client: connection.Client, head: Head) -> str:
    """The origin that a request has for its client, as ``http://127.0.0.1:8080``: before a proxy
    in reverse mode it is the proxy's own.

    Args:
        head: the request's, as its client sent it.
    """
    scheme = request.scheme
    if isinstance(client.proxy_mode, mode_specs.ReverseMode):
        scheme = "https" if client.tls else "http"
    host = head.values.get("host")
    if host is None or request.is_http2 or request.is_http3:
        # They tell it beside the headers.
        host = request.host_header
    return f"{scheme}://{host or hostport(scheme, request.host, request.port)}"


class Origins(NamedTuple):
    """Both names of an app behind a proxy in reverse mode: what its pages are called by the
    browser, and what the app calls itself. The app hears and says its own name alone, as some
    answer to no other.

    Attributes:
        page: such as ``http://127.0.0.1:8080``.
        app: such as ``https://staging.example.test``.
    """

    page: str
    app: str

    def to_app(self, request: mitm_http.Request) -> None:
        """Tell the app its own name."""
        request.host_header = self.app.partition("://")[2]
        for name in ("origin", "referer"):
            value = request.headers.get(name)
            if value is not None and self._begins(value, self.page):
                request.headers[name] = self.app + value[len(self.page) :]

    def to_page(self, response: mitm_http.Response) -> None:
        """Keep the browser with the proxy: redirects, and cookies for the app's domain."""
        location = response.headers.get("location", "")
        if self._begins(location, self.app):
            response.headers["location"] = self.page + location[len(self.app) :]
        cookies = response.headers.get_all("set-cookie")
        if cookies:
            response.headers.set_all("set-cookie", [_COOKIE_DOMAIN.sub("", one) for one in cookies])

    @staticmethod
    def _begins(url: str, origin: str) -> bool:
        return url.startswith(origin) and url[len(origin) : len(origin) + 1] in {"", "/", "?", "#"}


_COOKIE_DOMAIN = re.compile(r";\s*domain=[^;]*", re.I)


# --- a body on its way -------------------------------------------------------------------------


class Passage:
    """What a response's body goes through on its way to the client, piece by piece.

    Attributes:
        encoded, decoded: bytes so far; ``decoded`` is None where the coding is not known or the
            body is damaged.
        events: of an event stream (``text/event-stream``): how many have passed.
        text: the first characters of the decoded body, as bytes, where they are wanted.
    """

    def __init__(self, coding: str, *, injector: Injector | None, keep: int) -> None:
        self._injector = injector
        self._keep = keep
        self._kept: list[bytes] = []
        self._kept_bytes = 0
        # What came is held as it came until the first of it goes on with the tag in it.
        self._held: list[bytes] | None = []
        self._tail = b""
        self.encoded = 0
        self.decoded: int | None = 0
        self.events = 0
        self.counts_events = False
        try:
            self._coder: Coder | None = CODERS[coding]()
        except (KeyError, AttributeError):
            self._coder, self._injector, self.decoded = None, None, None

    @property
    def can_inject(self) -> bool:
        """Whether the body's coding can be taken off and put on again."""
        return self._coder is not None

    @property
    def text(self) -> bytes:
        """The kept part of the decoded body."""
        return b"".join(self._kept)

    @property
    def is_whole(self) -> bool:
        """Whether all of the decoded body has been kept."""
        return self.decoded is not None and self._kept_bytes == self.decoded

    def __call__(self, piece: bytes) -> list[bytes]:
        """mitmproxy: a piece of the body, empty at the end; what goes on to the client. An empty
        piece must not go on: as a chunk it would end the body."""
        passed = self._pass(piece)
        return [passed] if passed else []

    def _pass(self, piece: bytes) -> bytes:
        self.encoded += len(piece)
        last = not piece
        if self._coder is None:
            return b"" if self._held is None else piece
        if self._injector is not None and self._held is not None:
            self._held.append(piece)
        try:
            text = self._coder.decode(piece, last=last)
            self._look_at(text)
            if self._injector is None:
                return piece
            passed = self._injector.feed(text, last=last)
            if not passed and not last:
                return b""
            coded = self._coder.encode(passed, last=last)
        except Exception as error:
            log.warning("perftui: a body is not what its header says (%s)", error)
            return self._give_up(piece)
        self._held = None
        return coded

    def _look_at(self, text: bytes) -> None:
        if self.decoded is not None:
            self.decoded += len(text)
        if text and self._kept_bytes < self._keep:
            part = text[: self._keep - self._kept_bytes]
            self._kept.append(part)
            self._kept_bytes += len(part)
        if self.counts_events:
            whole = self._tail + text.replace(b"\r", b"")
            self.events += whole.count(b"\n\n")
            self._tail = b"\n" if whole.endswith(b"\n") and not whole.endswith(b"\n\n") else b""

    def _give_up(self, piece: bytes) -> bytes:
        """Let the body go on as it came, as far as that can be: nothing fits behind what has been
        coded anew."""
        self._coder, self.decoded = None, None
        if self._injector is None:
            return piece
        return b"" if self._held is None else b"".join(self._held)


def passage_of(
    flow: mitm_http.HTTPFlow, *, injector: Injector | None = None, body_characters: int = 0
) -> Passage:
    """What the body of a flow's response is to go through, by its headers.

    Args:
        body_characters: how much of a textual body will be told.
    """
    told = response_head(flow).values
    coding = told.get("content-encoding", "").strip().lower()
    is_stream = _stays_open(flow)
    keep = 0
    if _is_text(told.get("content-type", "")) and not is_stream:
        keep = 4 * body_characters if coding else LARGEST_MEASURED_BODY
    passage = Passage(coding, injector=injector, keep=keep)
    passage.counts_events = is_stream
    return passage


# --- as a request -------------------------------------------------------------------------------


_TEXT_TYPES = re.compile(
    r"\s*(?:text/|[\w.+-]+/(?:[\w.+-]*\+)?(?:json|xml|javascript|ecmascript|x-www-form-urlencoded|graphql)"
    r"|image/svg)",
    re.I,
)
"""Media types whose bodies are text: what a person can read, and what compresses."""

_PROTOCOLS = {
    "HTTP/2.0": "h2",
    "HTTP/2": "h2",
    "HTTP/3": "h3",
    "HTTP/1.1": "http/1.1",
    "HTTP/1.0": "http/1.0",
}


def entry_of(
    flow: mitm_http.HTTPFlow, origin_seconds: float, body_characters: int = 0
) -> dict[str, Any]:
    """A flow as an entry of the wire.

    Args:
        origin_seconds: what times count from, seconds since the epoch.
        body_characters: how much of each textual body is told.
    """
    entry = _fields_of(flow, origin_seconds, body_characters)
    entry["requestHeaders"] = seen_of(flow).request.har
    if flow.response is not None:
        entry["responseHeaders"] = response_head(flow).har
    return entry


def encoded_entry_of(
    flow: mitm_http.HTTPFlow, origin_seconds: float, body_characters: int = 0
) -> str:
    """The same as JSON. A text lives on while it waits to be sent; the objects that it is made of
    would each be looked at by the garbage collector until then."""
    fields = _encode(_fields_of(flow, origin_seconds, body_characters))
    headers = f'"requestHeaders": {seen_of(flow).request.json}'
    if flow.response is not None:
        headers += f', "responseHeaders": {response_head(flow).json}'
    return f"{fields[:-1]}, {headers}}}"


_encode = json.JSONEncoder(check_circular=False).encode


def _fields_of(
    flow: mitm_http.HTTPFlow, origin_seconds: float, body_characters: int
) -> dict[str, Any]:
    """All but the headers."""
    seen = seen_of(flow)
    passage = seen.passage
    request, response, server = flow.request, flow.response, flow.server_conn
    started = request.timestamp_start
    opened, ready = server.timestamp_start, server.timestamp_tcp_setup
    secured = server.timestamp_tls_setup

    def milliseconds(moment: float | None) -> float | None:
        return None if moment is None else round((moment - origin_seconds) * 1000, 3)

    entry: dict[str, Any] = {
        "entryType": "request",
        "name": seen.url,
        "startTime": milliseconds(started),
        "method": request.method,
        "flowId": seen.flow_id,
    }
    if ready and opened is not None and opened >= started:
        # The connection was new: made for this very request.
        entry["connectStart"] = milliseconds(opened)
        entry["connectEnd"] = milliseconds(secured or ready)
        if secured:
            entry["secureConnectionStart"] = milliseconds(ready)
    entry["requestStart"] = milliseconds(max(started, secured or ready or started))
    if server.peername:
        entry["serverIPAddress"] = server.peername[0]
    if body_characters and _is_text(seen.request.values.get("content-type", "")):
        entry["requestBody"] = (request.get_text(strict=False) or "")[:body_characters] or None
    if flow.error is not None:
        entry["duration"] = max(0.0, round((flow.error.timestamp - started) * 1000, 3))
        if response is None or not _stays_open(flow):
            entry["error"] = _error_words(flow.error.msg)
    if response is None:
        return entry
    ended = response.timestamp_end or time.time()
    if flow.websocket is not None and flow.websocket.timestamp_end is not None:
        ended = flow.websocket.timestamp_end
    told = response_head(flow).values
    content_type = told.get("content-type", "")
    protocol = response.http_version
    entry["responseStatus"] = response.status_code
    entry["statusText"] = response.reason
    entry["responseStart"] = milliseconds(response.timestamp_start)
    entry["responseEnd"] = milliseconds(ended)
    if "duration" not in entry:
        entry["duration"] = round((ended - started) * 1000, 3)
    entry["nextHopProtocol"] = _PROTOCOLS.get(protocol) or protocol.lower()
    entry["contentType"] = content_type.partition(";")[0].strip().lower() or None
    entry["contentEncoding"] = told.get("content-encoding") or None
    if seen.policy_extension:
        entry["policyExtension"] = seen.policy_extension
    if passage is not None:
        entry["encodedBodySize"] = passage.encoded
        entry["transferSize"] = passage.encoded + head_bytes(flow)
        if passage.decoded is not None:
            entry["decodedBodySize"] = passage.decoded
        if passage.counts_events:
            entry["initiatorType"] = "eventsource"
            entry["messages"] = {"received": passage.events, "bytes": passage.decoded}
        if body_characters and _is_text(content_type):
            charset = _CHARSET.search(content_type)
            text = _decoded(passage.text[: 4 * body_characters], charset[1] if charset else "utf-8")
            entry["responseBody"] = text[:body_characters] or None
    if flow.websocket is not None:
        entry |= _websocket_fields(flow.websocket, head_bytes(flow))
    return entry


def _websocket_fields(socket: WebSocketData, head_byte_count: int) -> dict[str, Any]:
    """What a WebSocket's messages tell; sizes are of payloads, without their frames."""
    sent = [len(message.content) for message in socket.messages if message.from_client]
    received = [len(message.content) for message in socket.messages if not message.from_client]
    return {
        "initiatorType": "websocket",
        "messages": {
            "sent": len(sent),
            "received": len(received),
            "bytes": sum(sent) + sum(received),
        },
        "encodedBodySize": sum(received),
        "decodedBodySize": sum(received),
        "transferSize": head_byte_count + sum(received),
    }


def _decoded(text: bytes, charset: str) -> str:
    try:
        return text.decode(charset, "replace")
    except LookupError:
        return text.decode("utf-8", "replace")


def _is_text(content_type: str) -> bool:
    return _TEXT_TYPES.match(content_type) is not None


def _stays_open(flow: mitm_http.HTTPFlow) -> bool:
    """Whether a response is meant to last until somebody ends it: that is no failure."""
    assert flow.response is not None
    content_type = response_head(flow).values.get("content-type", "")
    return content_type.lower().startswith("text/event-stream") or flow.response.status_code == 101


_ERROR_KINDS = (
    ("aborted by the client", re.compile(r"client (?:disconnected|closed)", re.I)),
    ("TLS failed", re.compile(r"\btls\b|certificate|handshake", re.I)),
    ("connection refused", re.compile(r"refused|connect call failed", re.I)),
    ("name not found", re.compile(r"name or service not known|nodename|getaddrinfo", re.I)),
    ("timed out", re.compile(r"timed? ?out", re.I)),
    (
        "connection reset",
        re.compile(r"(?:server|peer) (?:closed|disconnected)|reset by peer", re.I),
    ),
)
"""What a browser would call it, and the words by which mitmproxy tells of it."""


def _error_words(message: str) -> str:
    kind = next((kind for kind, words in _ERROR_KINDS if words.search(message)), None)
    return f"{kind} ({message})" if kind else message


def savings(body: bytes) -> dict[str, int]:
    """What an uncompressed body would be as gzip (level 6) and Brotli (quality 5), bytes: what
    servers compress with by default or as they go."""
    return {
        "gzipSize": len(zlib.compress(body, 6, 31)),
        "brotliSize": len(codings.brotli.compress(body, quality=5)),
    }


class Waiting(NamedTuple):
    """An entry that waits to be sent.

    Attributes:
        due: when, by the monotonic clock, seconds.
        client: whose it is.
        entry: as JSON.
        body: the whole decoded body where it came uncompressed and would compress; else None.
    """

    due: float
    client: str
    entry: str
    body: bytes | None


class Group:
    """Entries of one session that go in one batch, as JSON."""

    def __init__(self) -> None:
        self.entries: list[str] = []
        self._characters = 0

    def add(self, entry: str) -> None:
        """Put one more into it."""
        self.entries.append(entry)
        self._characters += len(entry)

    @property
    def is_full(self) -> bool:
        """Whether it must go now."""
        return len(self.entries) >= BATCH_LIMIT or self._characters >= BATCH_BYTES


class Budget:
    """How much may be measured: so many bodies at once, and so many a second after that. Compressing
    takes the interpreter from the proxy each time, so under load it is left out."""

    def __init__(self, at_once: int, per_second: float) -> None:
        self._most = float(at_once)
        self._left = float(at_once)
        self._per_second = per_second
        self._at = time.monotonic()

    def take(self) -> bool:
        """Whether one more may be measured."""
        now = time.monotonic()
        self._left = min(self._most, self._left + (now - self._at) * self._per_second)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


class Pace:
    """How fast flows pass, from one look to the next."""

    def __init__(self, at: float) -> None:
        self._count = 0
        self._at = at

    def is_busy(self, count: int, at: float) -> bool:
        """Whether more have passed since the last look than leave time to measure bodies.

        Args:
            count: flows so far.
            at: now, by the monotonic clock, seconds.
        """
        seconds = max(at - self._at, ROUND_SECONDS)
        passed = count - self._count
        self._count, self._at = count, at
        return passed > BUSY_PER_SECOND * seconds


class Sender(threading.Thread):
    """Sends entries to the capture server in batches, from a queue with an end.

    It wakes up twice a second and takes all that is due: a thread that woke for each entry would
    take the interpreter from the proxy as often. Each counter is written by one thread alone.

    Attributes:
        sent: entries that the capture server has.
    """

    def __init__(self, server: str, run_id: str, origin_seconds: float) -> None:
        super().__init__(name="perftui sender", daemon=True)
        self._address = urlsplit(server)
        self._run_id = run_id
        self._origin_ms = origin_seconds * 1000
        self._queue: deque[Waiting] = deque()
        self._budget = Budget(MEASURED_AT_ONCE, MEASURED_PER_SECOND)
        self._is_busy = False
        self._ending = threading.Event()
        self._sessions: dict[str, tuple[str, str]] = {}
        self._put = 0
        self._body_bytes_in = 0
        self._body_bytes_out = 0
        self._refused = 0
        self._failed = 0
        self._told = 0
        self.sent = 0

    @property
    def dropped(self) -> int:
        """Entries that could not be sent and that no batch has told of yet."""
        return self._refused + self._failed - self._told

    def put(self, client: str, entry: str, body: bytes | None = None) -> None:
        """Take an entry, as JSON; never waits."""
        self._put += 1
        if len(self._queue) >= QUEUE_LIMIT:
            self._refused += 1
            return
        if body is not None:
            held = self._body_bytes_in - self._body_bytes_out
            body = body if held + len(body) <= LARGEST_HELD_BODIES else None
            self._body_bytes_in += len(body or b"")
        self._queue.append(Waiting(time.monotonic() + HOLD_SECONDS, client, entry, body))

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
        """Send what waits, without further delay, and end; gives up after some seconds."""
        self._ending.set()
        self.join(STOP_SECONDS)
        left = self.dropped + len(self._queue)
        if left:
            log.warning("perftui: %d requests could not be captured", left)

    def run(self) -> None:
        """Take what has waited long enough, and send it by session."""
        pace = Pace(time.monotonic())
        while not (self._ending.is_set() and not self._queue):
            self._ending.wait(ROUND_SECONDS)
            self._is_busy = pace.is_busy(self._put, time.monotonic())
            groups: dict[tuple[str, str], Group] = {}
            while self._queue and self._is_due(self._queue[0]):
                waiting = self._queue.popleft()
                owner = self._sessions.get(waiting.client, (self._run_id, "proxy"))
                group = groups.setdefault(owner, Group())
                group.add(self._measured(waiting))
                if group.is_full:
                    self._post(*owner, groups.pop(owner).entries)
            for owner, group in groups.items():
                self._post(*owner, group.entries)

    def _is_due(self, waiting: Waiting) -> bool:
        return self._ending.is_set() or waiting.due <= time.monotonic()

    def _measured(self, waiting: Waiting) -> str:
        if waiting.body is None:
            return waiting.entry
        self._body_bytes_out += len(waiting.body)
        if self._is_busy or not self._budget.take():
            return waiting.entry
        return f"{waiting.entry[:-1]}, {json.dumps(savings(waiting.body))[1:]}"

    def _post(self, session: str, view: str, entries: list[str]) -> None:
        told = self.dropped
        head = {
            "sessionId": session,
            "pageViewId": view,
            "batchId": uuid.uuid4().hex,
            "source": "proxy",
            "timeOrigin": self._origin_ms,
            "sentAt": time.time() * 1000,
            "dropped": {"request": told} if told else {},
        }
        body = f'{json.dumps(head)[:-1]}, "entries": [{",".join(entries)}]}}'.encode()
        status = 0
        for attempt in range(ATTEMPTS):
            status = self._attempt(body)
            if 200 <= status < 300:
                self.sent += len(entries)
                self._told += told
                return
            if (status and status not in {429, 503}) or attempt == ATTEMPTS - 1:
                break
            # The batch keeps its ID, so that it is stored once even if only the answer was lost.
            self._ending.wait(0.5 * 2**attempt)
        self._failed += len(entries)
        log.warning(
            "perftui: %d requests could not be captured (%s)",
            len(entries),
            f"status {status}" if status else "the capture server does not answer",
        )

    def _attempt(self, body: bytes) -> int:
        """The status of one attempt; 0 without an answer."""
        connection = http.client.HTTPConnection(
            self._address.hostname or "127.0.0.1", self._address.port, timeout=5
        )
        try:
            connection.request("POST", "/batch", body, {"Content-Type": "text/plain"})
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return 0
        finally:
            connection.close()


def _log_all_but_streaming(level: int, message: str, *values: Any, **options: Any) -> None:
    """mitmproxy notes each body that it does not hold: here all, a line and an event for each. A
    filter would come after the note is made, which costs more than a body's whole passage."""
    if not str(message).startswith("Streaming "):
        logging.Logger.log(_PROXY_LOG, level, message, *values, **{"stacklevel": 2, **options})


class PerftuiAddon:
    """The hooks."""

    def __init__(self) -> None:
        self._sender: Sender | None = None
        self._server = urlsplit("http://127.0.0.1:8137")
        self._server_names: frozenset[str | None] = _THIS_MACHINE
        self._origin = time.time()
        self._tells_app_its_name = False
        self._injects = True
        self._body_characters = 0

    def load(self, loader: Any) -> None:
        """mitmproxy: declare the options."""
        loader.add_option("perftui_server", str, "http://127.0.0.1:8137", "The capture server.")
        loader.add_option("perftui_inject", bool, True, "Put the SDK into documents.")
        loader.add_option(
            "perftui_bodies", int, 0, "Characters of each textual body to keep; 0 keeps none."
        )

    def configure(self, updated: set[str]) -> None:
        """mitmproxy: options have changed. It looks each up by name, too slow for each flow."""
        if "perftui_inject" in updated:
            self._injects = ctx.options.perftui_inject
        if "perftui_bodies" in updated:
            self._body_characters = ctx.options.perftui_bodies

    def running(self) -> None:
        """mitmproxy: it runs; the options are known."""
        if any(mode.startswith("reverse:") for mode in ctx.options.mode):
            # mitmproxy would take the page's own origin off before anybody could see it.
            self._tells_app_its_name = not ctx.options.keep_host_header
            ctx.options.keep_host_header = True
        self._server = urlsplit(ctx.options.perftui_server)
        self._server_names = _THIS_MACHINE | {self._server.hostname}
        self._sender = Sender(
            ctx.options.perftui_server, f"proxy-{uuid.uuid4().hex[:12]}", self._origin
        )
        self._sender.start()
        vars(_PROXY_LOG)["log"] = _log_all_but_streaming

    def done(self) -> None:
        """mitmproxy: it ends."""
        vars(_PROXY_LOG).pop("log", None)
        if self._sender is not None:
            self._sender.stop()

    # --- flows ----------------------------------------------------------------------------

    def request(self, flow: mitm_http.HTTPFlow) -> None:
        """mitmproxy: a whole request has been read."""
        request = flow.request
        head = Head.of(request)
        origin = origin_of(request, flow.client_conn, head)
        # It is to differ from others, and no secret.
        flow_id = f"{random.getrandbits(128):032x}"
        _SEEN[flow] = seen = Seen(head, origin, origin + request.path, flow_id)
        if request.path.startswith(PREFIX):
            self._to_capture_server(flow, seen, origin)
        elif request.port == self._server.port and request.host in self._server_names:
            # Else a page could reach the capture server as if it were a program of this machine.
            self._refuse(flow, seen, "perftui does not proxy to its own capture server.")
        elif self._tells_app_its_name:
            seen.origins = names = Origins(
                origin, f"{request.scheme}://{hostport(request.scheme, request.host, request.port)}"
            )
            names.to_app(request)

    def _refuse(self, flow: mitm_http.HTTPFlow, seen: Seen, why: str) -> None:
        seen.is_own = True
        flow.response = mitm_http.Response.make(
            403, f"{why}\n".encode(), {"Content-Type": "text/plain"}
        )

    def _to_capture_server(self, flow: mitm_http.HTTPFlow, seen: Seen, origin: str) -> None:
        request = flow.request
        if seen.request.values.get("origin", origin) != origin:
            # A page of another origin has no business here; what it may send to the capture
            # server itself is for that to say.
            self._refuse(flow, seen, f"only pages of {origin} are captured here")
            return
        seen.is_own = True
        if self._sender is not None and request.method == "POST" and request.raw_content:
            self._sender.learn(_client(flow, seen), _unpacked(request.raw_content))
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
        seen = seen_of(flow)
        if response is None or seen.is_own:
            return
        seen.response = head = Head.of(response)
        if seen.origins is not None:
            seen.origins.to_page(response)
        added = [(b"Server-Timing", f'{SERVER_TIMING};desc="{seen.flow_id}"'.encode())]
        if is_asked_by_another_origin(flow):
            # Else the browser would withhold it from the page, and with it the flow.
            added.append((b"Timing-Allow-Origin", b"*"))
        response.headers.fields += tuple(added)
        if response.status_code == 101:
            return
        injector: Injector | None = None
        if self._injects and is_document(flow) and self._can_capture(flow):
            charset = _CHARSET.search(head.values.get("content-type", ""))
            injector = Injector("", charset[1] if charset else None)
        passage = passage_of(flow, injector=injector, body_characters=self._body_characters)
        if injector is not None and passage.can_inject:
            injector.tag = script_tag(self._open_policies(flow, seen))
            self._change_length(flow)
        elif injector is not None:
            log.warning("perftui: no SDK in %s: its coding is not known", _shown_url(seen))
        seen.passage = passage
        response.stream = passage

    def _can_capture(self, flow: mitm_http.HTTPFlow) -> bool:
        assert flow.response is not None
        if "content-security-policy" not in response_head(flow).values:
            return True
        policies = flow.response.headers.get_all("content-security-policy")
        if not any(is_sandboxed(one) for policy in policies for one in policy.split(",")):
            return True
        log.warning(
            "perftui: no SDK in %s: its policy takes its origin away (sandbox)",
            _shown_url(seen_of(flow)),
        )
        return False

    def _open_policies(self, flow: mitm_http.HTTPFlow, seen: Seen) -> str | None:
        """Let the SDK through the document's policies; the nonce that its tag must carry."""
        response = flow.response
        assert response is not None
        nonce = None
        extensions: list[str] = []
        for header in ("content-security-policy", "content-security-policy-report-only"):
            if header not in response_head(flow).values:
                continue
            policies = response.headers.get_all(header)
            changed: list[str] = []
            for policy in policies:
                opened, found, added = open_policy(policy, seen.origin)
                nonce = nonce or found
                changed.append(opened)
                if added:
                    extensions.append(added)
            response.headers.set_all(header, changed)
        if extensions:
            seen.policy_extension = told = "; ".join(dict.fromkeys(extensions))
            log.warning("perftui: extended the policy of %s by %s", _shown_url(seen), told)
        return nonce

    def _change_length(self, flow: mitm_http.HTTPFlow) -> None:
        """The body will be longer than announced, and nobody knows yet by how much."""
        response = flow.response
        assert response is not None
        response.headers.pop("content-length", None)
        if flow.request.http_version == response.http_version == "HTTP/1.1":
            response.headers["transfer-encoding"] = "chunked"

    def response(self, flow: mitm_http.HTTPFlow) -> None:
        """mitmproxy: a response is over."""
        if flow.websocket is None:
            self._keep(flow)

    def websocket_end(self, flow: mitm_http.HTTPFlow) -> None:
        """mitmproxy: a WebSocket is closed."""
        self._keep(flow)

    def error(self, flow: mitm_http.HTTPFlow) -> None:
        """mitmproxy: refused, reset, aborted, or no TLS."""
        self._keep(flow)

    def _keep(self, flow: mitm_http.HTTPFlow) -> None:
        seen = seen_of(flow)
        if self._sender is None or seen.is_own:
            return
        entry = encoded_entry_of(flow, self._origin, self._body_characters)
        passage = seen.passage
        body = None
        if (
            passage is not None
            and passage.is_whole
            and not response_head(flow).values.get("content-encoding")
        ):
            body = passage.text or None
        self._sender.put(_client(flow, seen), entry, body)


def _shown_url(seen: Seen) -> str:
    """The URL without its query, which may hold secrets, for a message."""
    return seen.url.partition("?")[0][:200]


def _client(flow: mitm_http.HTTPFlow, seen: Seen) -> str:
    return f"{flow.client_conn.peername[0]} {seen.request.values.get('user-agent', '')}"


def _unpacked(body: bytes) -> bytes:
    if body[:2] == b"\x1f\x8b":
        try:
            return zlib.decompressobj(31).decompress(body, 4 * 1024 * 1024)
        except zlib.error:
            return b""
    return body


addons = [PerftuiAddon()]
