"""HAR 1.2 files, in the dialects of Chrome, Firefox, WebPageTest, sitespeed and others.

Pages become pageviews, entries become requests, ``pageTimings`` and the metrics of WebPageTest and
sitespeed become what a browser would have reported for them. -1 means "does not apply" or
"unknown" there, and is ``None`` here, never 0.

Sources: http://www.softwareishard.com/blog/har-12-spec/ (sections ``timings``, ``response``,
``pageTimings``); Chrome's and WebPageTest's extra fields as their files have them.
"""

from __future__ import annotations

import tempfile
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, BinaryIO

import msgspec

from perftui.capture.batch import decode_batch, decode_document
from perftui.capture.bodies import LARGEST_MEASURED, is_text, savings
from perftui.capture.json_slices import JsonSlices
from perftui.config import ServerSettings, Settings
from perftui.errors import ImportFileError, IntakeError
from perftui.model import JSON, MAX_SAFE_INTEGER, Batch, Entry, Page

Fault = Callable[[str], None]

BATCH_ENTRIES = 500
"""Entries of one batch: they are stored together."""

HELD_ENTRIES = 2000
"""Entries of all pages together that are held until their batches are full."""

SOURCE = "har"

MAX_TIME_US = MAX_SAFE_INTEGER
MAX_NESTING = 64

EARLIEST_US = 0
LATEST_US = 253_402_300_800_000_000
"""9999-12-31: the last moment that ISO 8601's four figures can say."""

OWN = "_perftui"
"""The field of our own exports that holds an entry, or a page, as it was."""

_PROTOCOLS = {
    "1.0": "http/1.0",
    "1.1": "http/1.1",
    "2.0": "h2",
    "http/1.0": "http/1.0",
    "http/1.1": "http/1.1",
    "http/2": "h2",
    "http/2.0": "h2",
    "http/2+quic/46": "h3",
    "http/3": "h3",
    "http/3.0": "h3",
    "h2": "h2",
    "h3": "h3",
    "spdy": "spdy",
}
_UNKNOWN_WORDS = frozenset({"", "unknown", "x-unknown", "x-unknown/x-unknown"})

_PAINTS = {
    "_firstPaint": ("paint", "first-paint"),
    "_startRender": ("paint", "first-paint"),
    "_firstContentfulPaint": ("paint", "first-contentful-paint"),
    "_largestContentfulPaint": ("largest-contentful-paint", ""),
}
"""Fields of ``pageTimings`` (milliseconds since the page's start) -> entry type and name."""


def read_har(
    stream: BinaryIO,
    settings: Settings,
    received_us: int,
    fault: Fault,
    *,
    body_characters: int = 0,
) -> Iterator[Batch]:
    """Batches of a HAR file, in bounded memory.

    Args:
        stream: the file; read twice where it can be rewound, else copied to a temporary file.
        received_us: the moment of the import, µs since the epoch.
        fault: told of each thing that is left out, with its place.
        body_characters: how much of each textual body is kept; 0 keeps none.

    Raises:
        ImportFileError: it is no HAR file at all.
    """
    if not stream.seekable():
        with tempfile.TemporaryFile(prefix="perftui-har-") as copy:
            while piece := stream.read(1 << 20):
                copy.write(piece)
            copy.seek(0)
            yield from read_har(copy, settings, received_us, fault, body_characters=body_characters)
        return
    begin = stream.tell()
    head = _read_head(stream, fault)
    stream.seek(begin)
    importer = _Importer(head, settings.server, received_us, fault, body_characters)
    yield from importer.batches(stream)


class _Head(msgspec.Struct):
    """What must be known before the first entry.

    Attributes:
        pages: as the file has them.
        session_id: of our own exports as it was, else made of the file's content.
        own: what our own export kept of the session.
    """

    pages: list[dict[str, JSON]]
    creator: str
    session_id: str
    own: dict[str, JSON]


def _read_head(stream: BinaryIO, fault: Fault) -> _Head:
    digest = blake2b(digest_size=12)
    hashing = _Hashing(stream, digest)
    pages: list[dict[str, JSON]] = []
    creator = ""
    own: dict[str, JSON] = {}
    found = False
    slices = JsonSlices(hashing)  # type: ignore[arg-type]
    try:
        for name in slices.members():
            if name != "log":
                slices.value(keep=False)
                continue
            for member in slices.members():
                match member:
                    case "pages":
                        pages += _page_list(slices, fault)
                    case "creator":
                        creator = _creator(slices.value())
                    case "entries":
                        found = True
                        slices.value(keep=False)
                    case name if name == OWN:
                        told = _decoded(slices.value())
                        own = told if isinstance(told, dict) else {}
                    case _:
                        slices.value(keep=False)
    except ImportFileError:
        if not found:
            raise
        # Read on from here, a damaged stream would fail again; the second reading names the place.
        hashing.is_whole = False
    if not found:
        raise ImportFileError("no HAR file: it has no log.entries")
    hashing.finish()
    session_id = own.get("sessionId")
    if not isinstance(session_id, str) or not session_id:
        session_id = f"har-{digest.hexdigest()}"
    return _Head(pages, creator, session_id, own)


class _Hashing:
    """A stream that hashes what is read of it, so that one file is one session."""

    def __init__(self, stream: BinaryIO, digest: Any) -> None:
        self._read = getattr(stream, "read1", stream.read)
        self._digest = digest
        self.is_whole = True

    def read(self, size: int = -1) -> bytes:
        """Read on."""
        piece: bytes = self._read(size)
        self._digest.update(piece)
        return piece

    def finish(self) -> None:
        """Hash the rest, where it can be read."""
        while self.is_whole and self.read(1 << 20):
            pass


def _page_list(slices: JsonSlices, fault: Fault) -> list[dict[str, JSON]]:
    if slices.peek() != b"[":
        slices.value(keep=False)
        fault("log.pages: not an array")
        return []
    pages: list[dict[str, JSON]] = []
    for index in slices.elements():
        page = _decoded(slices.value())
        if isinstance(page, dict):
            pages.append(page)
        else:
            fault(f"page {index}: not an object")
    return pages


def _creator(raw: bytes) -> str:
    told = _decoded(raw)
    name = told.get("name") if isinstance(told, dict) else None
    return name if isinstance(name, str) else ""


def _decoded(raw: bytes) -> JSON:
    try:
        return decode_document(raw, max_nesting=MAX_NESTING)
    except IntakeError:
        return None


class _PageState:
    """A pageview under way.

    Attributes:
        origin_us: what its times count from.
        has_document: its document was seen.
    """

    def __init__(self, view_id: str, origin_us: int, page: Page, told: Mapping[str, JSON]) -> None:
        self.view_id = view_id
        self.origin_us = origin_us
        self.page = page
        self.told = told
        self.has_document = False
        self.entries: list[Entry] = []
        self.batch_count = 0
        self.byte_count = 0


class _Importer:
    def __init__(
        self,
        head: _Head,
        limits: ServerSettings,
        received_us: int,
        fault: Fault,
        body_characters: int,
    ) -> None:
        self._head = head
        self._body_characters = body_characters
        self._limits = limits
        self._received_us = received_us
        self._fault = fault
        self._pages: dict[str, _PageState] = {}
        self._order: list[_PageState] = []
        for index, page in enumerate(head.pages):
            self._add_page(index, page)

    def _add_page(self, index: int, told: Mapping[str, JSON]) -> None:
        identifier = told.get("id")
        if not isinstance(identifier, str):
            self._fault(f"page {index}: id: missing")
            return
        if identifier in self._pages:
            self._fault(f"page {index}: id {identifier[:60]!r} is taken; it is one with the other")
            return
        origin_us = moment_us(told.get("startedDateTime"))
        if origin_us is None:
            self._fault(
                f"page {index}: startedDateTime: no moment; that of its first entry is taken"
            )
        title = told.get("title")
        title = title if isinstance(title, str) else None
        own = told.get(OWN)
        view_id = own.get("pageViewId") if isinstance(own, dict) else None
        if isinstance(own, dict) and (exact := _positive_us(own.get("timeOrigin"))):
            origin_us = exact
        state = _PageState(
            view_id if isinstance(view_id, str) and view_id else f"page-{index + 1}",
            -1 if origin_us is None else origin_us,
            # Chrome writes the URL into the title.
            Page(url=title if title and "://" in title[:12] else None, title=title),
            told,
        )
        self._pages[identifier] = state
        self._order.append(state)

    def batches(self, stream: BinaryIO) -> Iterator[Batch]:
        slices = JsonSlices(stream)
        index = 0
        held = 0
        try:
            for name in slices.members():
                if name != "log":
                    slices.value(keep=False)
                    continue
                for member in slices.members():
                    if member != "entries" or slices.peek() != b"[":
                        if member == "entries":
                            self._fault("log.entries: not an array")
                        slices.value(keep=False)
                        continue
                    for index in slices.elements():
                        begin = slices.offset
                        raw = slices.value()
                        state = self._take(index, begin, raw)
                        if state is None:
                            continue
                        held += 1
                        if len(state.entries) >= BATCH_ENTRIES:
                            held -= len(state.entries)
                            yield self._batch(state)
                        if held >= HELD_ENTRIES:
                            # Many pages of few requests each would fill the memory.
                            held = 0
                            for state in self._order:
                                if state.entries:
                                    yield self._batch(state)
        except ImportFileError as error:
            self._fault(f"after entry {index}: {error}")
        for state in self._order:
            self._add_page_entries(state)
            if state.entries or not state.batch_count:
                yield self._batch(state)

    def _take(self, index: int, begin: int, raw: bytes) -> _PageState | None:
        place = f"entry {index} (byte {begin})"
        told = _decoded(raw)
        if not isinstance(told, dict):
            self._fault(f"{place}: not an object, or damaged")
            return None
        own = told.get(OWN)
        started_us = moment_us(told.get("startedDateTime"))
        if started_us is None:
            self._fault(f"{place}: startedDateTime: no moment")
            return None
        request, response = told.get("request"), told.get("response")
        if not isinstance(request, dict) or not isinstance(request.get("url"), str):
            self._fault(f"{place}: request.url: missing")
            return None
        state = self._state(told.get("pageref"), started_us)
        entry: Entry | None = None
        if isinstance(own, dict):
            entry = self._own_entry(own, place)
        if entry is None:
            if self._head.creator == "mitmproxy":
                response = _of_mitmproxy(response)
            entry = entry_of(
                told,
                request,
                response if isinstance(response, dict) else {},
                start_us=started_us - state.origin_us,
                is_document=not state.has_document and _is_document(told, request, response),
            )
            if self._body_characters:
                entry = with_bodies(entry, told, self._body_characters)
            if entry.entry_type == "navigation":
                state.has_document = True
                entry = _with_page_timings(entry, state.told)
                if state.page.url is None:
                    state.page = msgspec.structs.replace(state.page, url=entry.name)
        state.entries.append(self._bounded(entry))
        state.byte_count += len(raw)
        return state

    def _state(self, reference: JSON, started_us: int) -> _PageState:
        key = reference if isinstance(reference, str) else ""
        state = self._pages.get(key)
        if state is None:
            if key:
                self._fault(f"page {key[:60]!r} is missing; its requests stand by themselves")
            state = _PageState(f"page-{len(self._order) + 1}", started_us, Page(), {})
            self._pages[key] = state
            self._order.append(state)
        if state.origin_us < 0:
            state.origin_us = started_us
        return state

    def _own_entry(self, own: Mapping[str, JSON], place: str) -> Entry | None:
        wire = own.get("entry")
        if not isinstance(wire, dict):
            return None
        entries = self._own_entries([wire], place)
        return entries[0] if entries else None

    def _own_entries(self, wire: list[JSON], place: str) -> list[Entry]:
        document = {"sessionId": "s", "pageViewId": "p", "timeOrigin": 1, "entries": wire}
        decoded = decode_batch(
            msgspec.json.encode(document), received_us=self._received_us, settings=self._limits
        )
        for rejection in decoded.rejected:
            self._fault(f"{place}: {rejection.reason}")
        return list(decoded.batch.entries)

    def _add_page_entries(self, state: _PageState) -> None:
        """What a page tells by itself: paints, and what our own export kept of it."""
        own = state.told.get(OWN)
        if isinstance(own, dict):
            wire = own.get("entries")
            if isinstance(wire, list):
                for begin in range(0, len(wire), self._limits.max_entries):
                    state.entries += self._own_entries(
                        wire[begin : begin + self._limits.max_entries], f"page {state.view_id}"
                    )
            return
        timings = state.told.get("pageTimings")
        if not isinstance(timings, dict):
            return
        seen: set[str] = set()
        for field, (entry_type, name) in _PAINTS.items():
            at_us = _positive_us(timings.get(field))
            if at_us and name not in seen:
                seen.add(name)
                state.entries.append(
                    Entry(entry_type=entry_type, name=name, start_us=at_us, duration_us=0)
                )

    def _batch(self, state: _PageState) -> Batch:
        state.batch_count += 1
        entries, state.entries = state.entries, []
        byte_count, state.byte_count = state.byte_count, 0
        key = f"{self._head.session_id}\0{state.view_id}\0{state.batch_count}"
        own = state.told.get(OWN)
        page = state.page
        if isinstance(own, dict) and isinstance(own.get("page"), dict):
            page = _own_page(own["page"])
        client = self._head.own.get("client")
        if not isinstance(client, dict):
            client = {"sdk": self._head.creator[:100]} if self._head.creator else {}
        return Batch(
            session_id=self._head.session_id,
            page_view_id=state.view_id,
            entries=entries,
            key=blake2b(key.encode(), digest_size=16).digest(),
            time_origin_us=max(0, state.origin_us) or self._received_us,
            received_us=self._received_us,
            byte_count=byte_count,
            wire_byte_count=byte_count,
            page=page,
            client=client if state.batch_count == 1 else {},
            source=SOURCE,
        )

    def _bounded(self, entry: Entry) -> Entry:
        limit = self._limits.max_string_characters
        if len(entry.name) <= limit:
            return entry
        return msgspec.structs.replace(entry, name=entry.name[: limit - 1] + "…")


def _own_page(told: Mapping[str, JSON]) -> Page:
    def word(name: str) -> str | None:
        value = told.get(name)
        return value if isinstance(value, str) and value else None

    return Page(
        url=word("url"),
        title=word("title"),
        referrer=word("referrer"),
        navigation_type=word("navigationType"),
    )


# --- one entry --------------------------------------------------------------------------------


def moment_us(value: JSON) -> int | None:
    """ISO 8601 as µs since the epoch; None for what is no moment between 1970 and 9999."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    try:
        found = round((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1_000_000)
    except OverflowError:
        return None
    return found if EARLIEST_US <= found < LATEST_US else None


def _positive_us(value: JSON) -> int | None:
    """Milliseconds as µs; None for -1, other negative numbers, and what is no number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    if not 0 <= value <= MAX_TIME_US / 1000:
        return None
    return round(value * 1000)


def _size(value: JSON) -> int | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return int(value) if 0 <= value <= MAX_SAFE_INTEGER else None


def _word(value: JSON) -> str | None:
    return value if isinstance(value, str) and value.lower() not in _UNKNOWN_WORDS else None


def entry_of(
    told: Mapping[str, JSON],
    request: Mapping[str, JSON],
    response: Mapping[str, JSON],
    *,
    start_us: int,
    is_document: bool,
) -> Entry:
    """One HAR entry as a request that starts at ``start_us`` (µs since its page's start)."""
    content = response.get("content")
    content = content if isinstance(content, dict) else {}
    headers = _headers(response.get("headers"))
    status = _size(response.get("status"))
    coding = headers.get("content-encoding")
    fields = _sizes(told, response, content, status, coding)
    media_type = _word(content.get("mimeType"))
    initiator = told.get("_resourceType")
    url = request["url"]
    assert isinstance(url, str)
    entry = Entry(
        entry_type="navigation" if is_document else "resource",
        name=url,
        start_us=start_us,
        duration_us=_positive_us(told.get("time")),
        initiator_type="navigation" if is_document else _word(initiator),
        method=_word(request.get("method")),
        next_hop_protocol=_protocol(told, request, response),
        content_type=media_type.partition(";")[0].strip().lower() if media_type else None,
        content_encoding=coding,
        delivery_type="cache" if _is_from_cache(told) else None,
        render_blocking_status=_render_blocking(told),
        response_status=status if status and status < 1000 else None,
        extra=_extra(told, request, response, content, headers),
        **fields,
    )
    return _with_timings(entry, told.get("timings"))


def _of_mitmproxy(response: JSON) -> JSON:
    """mitmproxy writes the size of the encoded body as ``content.size``: the decoded one is that
    and what compression saved."""
    content = response.get("content") if isinstance(response, dict) else None
    if not isinstance(response, dict) or not isinstance(content, dict):
        return response
    size, saved = _size(content.get("size")), content.get("compression")
    if size is None or not isinstance(saved, int):
        return response
    return {**response, "content": {**content, "size": max(0, size + saved)}}


def with_bodies(entry: Entry, told: Mapping[str, JSON], characters: int) -> Entry:
    """An entry with the first characters of its textual bodies, and with what compression would
    save where the whole of one is there and came uncompressed."""
    extra = dict(entry.extra)
    request, response = told.get("request"), told.get("response")
    posted = request.get("postData") if isinstance(request, dict) else None
    if isinstance(posted, dict) and isinstance(text := posted.get("text"), str) and text:
        extra["requestBody"] = text[:characters]
    content = response.get("content") if isinstance(response, dict) else None
    text = content.get("text") if isinstance(content, dict) else None
    if isinstance(content, dict) and isinstance(text, str) and is_text(entry.content_type or ""):
        body = text.encode("utf-8", "replace")
        if content.get("encoding") == "base64":
            try:
                body = b64decode(text)
            except ValueError:
                return entry
        if body:
            extra["responseBody"] = body.decode("utf-8", "replace")[:characters]
        is_whole = len(body) == entry.decoded_body_size
        if is_whole and entry.content_encoding is None and 0 < len(body) <= LARGEST_MEASURED:
            extra |= savings(body)
    return msgspec.structs.replace(entry, extra=extra)


def _headers(value: JSON) -> dict[str, str]:
    """Names in lower case; of several the last."""
    found: dict[str, str] = {}
    if isinstance(value, list):
        for one in value:
            if isinstance(one, dict):
                name, text = one.get("name"), one.get("value")
                if isinstance(name, str) and isinstance(text, str):
                    found[name.lower()] = text
    return found


def _sizes(
    told: Mapping[str, JSON],
    response: Mapping[str, JSON],
    content: Mapping[str, JSON],
    status: int | None,
    coding: str | None,
) -> dict[str, Any]:
    """Transferred, encoded and decoded bytes; those of a body that came from the cache are not
    told as transferred.

    Where a compressed body is said to be no longer when it is decoded, its decoded size is not
    known: WebPageTest and early Browsertime give the encoded size in both places.
    """
    encoded = _size(response.get("bodySize"))
    decoded = _size(content.get("size"))
    header = _size(response.get("headersSize"))
    transferred = _size(response.get("_transferSize"))
    if transferred is None:
        transferred = _size(told.get("_bytesIn"))
    if transferred is None and encoded is not None and header is not None:
        transferred = encoded + header
    if _is_from_cache(told):
        transferred = 0
    compression = content.get("compression")
    if (
        encoded is None
        and decoded is not None
        and isinstance(compression, int)
        and 0 <= compression <= decoded
    ):
        encoded = decoded - compression
    if encoded is None and transferred is not None and header is not None and status != 304:
        encoded = max(0, transferred - header)
    if decoded and decoded == encoded and coding and coding.lower() != "identity":
        decoded = None
    return {
        "transfer_size": transferred,
        "encoded_body_size": encoded,
        "decoded_body_size": decoded,
    }


def _protocol(
    told: Mapping[str, JSON], request: Mapping[str, JSON], response: Mapping[str, JSON]
) -> str | None:
    for value in (response.get("httpVersion"), request.get("httpVersion"), told.get("_protocol")):
        word = _word(value)
        if word is not None:
            return _PROTOCOLS.get(word.lower(), word.lower()[:40])
    return None


def _render_blocking(told: Mapping[str, JSON]) -> str | None:
    value = _word(told.get("_renderBlocking"))
    if value is None:
        return None
    return "blocking" if value in {"blocking", "in_body_parser_blocking"} else "non-blocking"


def _extra(
    told: Mapping[str, JSON],
    request: Mapping[str, JSON],
    response: Mapping[str, JSON],
    content: Mapping[str, JSON],
    headers: Mapping[str, str],
) -> dict[str, JSON]:
    extra: dict[str, JSON] = {}
    error = _error(told, response)
    if error is not None:
        extra["error"] = error
    if messages := _messages(told.get("_webSocketMessages")):
        extra["messages"] = messages
    words = {
        "statusText": response.get("statusText"),
        "redirectURL": response.get("redirectURL"),
        "serverIPAddress": told.get("serverIPAddress"),
        "connection": told.get("connection"),
        "priority": told.get("_priority"),
        "mimeType": content.get("mimeType"),
    }
    extra |= {name: value for name, value in words.items() if isinstance(value, str) and value}
    values = {
        "initiator": told.get("_initiator"),
        "requestHeaders": request.get("headers"),
        "responseHeaders": response.get("headers"),
    }
    extra |= {name: value for name, value in values.items() if value}
    told_body = _size(request.get("bodySize"))
    if told_body:
        extra["requestBodySize"] = told_body
    if metrics := server_timing(headers.get("server-timing", "")):
        extra["serverTiming"] = metrics
    return extra


def _is_from_cache(told: Mapping[str, JSON]) -> bool:
    """Chrome says it with ``_fromCache``, Safari with ``_fetchType``."""
    return bool(told.get("_fromCache")) or told.get("_fetchType") in {"Memory Cache", "Disk Cache"}


def _error(told: Mapping[str, JSON], response: Mapping[str, JSON]) -> str | None:
    """Chrome and mitmproxy have ``_error``, Playwright ``_failureText``, Charles ``_charlesStatus``."""
    for value in (response.get("_error"), told.get("_error"), response.get("_failureText")):
        if (word := _word(value)) is not None:
            return word
    status = _word(response.get("_charlesStatus"))
    return None if status is None or status.upper() == "COMPLETE" else f"Charles: {status}"


def _messages(told: JSON) -> dict[str, JSON]:
    """Messages of a WebSocket, counted: payload bytes, those of binary ones without their Base64."""
    if not isinstance(told, list):
        return {}
    sent = received = byte_count = 0
    for message in told:
        if not isinstance(message, dict):
            continue
        data = message.get("data")
        if isinstance(data, str):
            size = len(data.encode("utf-8", "replace"))
            is_binary = message.get("opcode") == 2
            byte_count += size // 4 * 3 - data[-2:].count("=") if is_binary else size
        sent += 1 if message.get("type") == "send" else 0
        received += 1 if message.get("type") == "receive" else 0
    return {"sent": sent, "received": received, "bytes": byte_count}


def server_timing(header: str) -> list[JSON]:
    """The metrics of a ``Server-Timing`` header, as the browser has them (W3C Server Timing)."""
    metrics: list[JSON] = []
    for part in header.replace("\n", ",").split(","):
        name, *parameters = part.strip().split(";")
        if not name.strip():
            continue
        metric: dict[str, JSON] = {"name": name.strip(), "duration": 0, "description": ""}
        for parameter in parameters:
            key, _, value = parameter.partition("=")
            value = value.strip().strip('"')
            if key.strip().lower() == "dur":
                try:
                    metric["duration"] = float(value)
                except ValueError:
                    continue
            elif key.strip().lower() == "desc":
                metric["description"] = value
        metrics.append(metric)
    return metrics


def _with_timings(entry: Entry, timings: JSON) -> Entry:
    """Place the phases one after the other: blocked, dns, connect (ssl at its end), send, wait,
    receive. What is -1 did not happen or is not known."""
    if not isinstance(timings, dict):
        return entry
    steps = {
        name: _positive_us(timings.get(name))
        for name in ("blocked", "dns", "connect", "ssl", "send", "wait", "receive")
    }
    told = [
        name
        for name in ("blocked", "dns", "connect", "send", "wait", "receive")
        if steps[name] is not None
    ]
    if not told:
        return entry
    changes: dict[str, Any] = {}
    extra = dict(entry.extra)
    at = entry.start_us + (steps["blocked"] or 0)
    changes["fetch_start_us"] = entry.start_us
    if (dns := steps["dns"]) is not None:
        changes["domain_lookup_start_us"] = at
        at += dns
        changes["domain_lookup_end_us"] = at
    if (connect := steps["connect"]) is not None:
        changes["connect_start_us"] = at
        at += connect
        changes["connect_end_us"] = at
        if steps["ssl"]:
            changes["secure_connection_start_us"] = max(at - connect, at - steps["ssl"])
    if (wait := steps["wait"]) is not None:
        changes["request_start_us"] = at
        at += steps["send"] or 0
        if steps["send"] is not None:
            extra["requestEnd"] = at / 1000
        at += wait
        changes["response_start_us"] = at
        if (receive := steps["receive"]) is not None:
            at += receive
            changes["response_end_us"] = at
    if entry.duration_us is None:
        changes["duration_us"] = at - entry.start_us
    return msgspec.structs.replace(entry, extra=extra, **changes)


def _is_document(told: Mapping[str, JSON], request: Mapping[str, JSON], response: JSON) -> bool:
    """Whether it is the answer that a page is made of: the first that is HTML and no redirect."""
    kind = told.get("_resourceType")
    answer = response if isinstance(response, dict) else {}
    if (
        isinstance(_size(answer.get("status")), int)
        and 300 <= (_size(answer.get("status")) or 0) < 400
    ):
        return False
    if isinstance(kind, str):
        return kind == "document"
    content = answer.get("content")
    media_type = content.get("mimeType") if isinstance(content, dict) else None
    return (
        isinstance(media_type, str)
        and "html" in media_type.lower()
        and (request.get("method") in {"GET", "POST", None})
    )


def _with_page_timings(entry: Entry, page: Mapping[str, JSON]) -> Entry:
    """A navigation as the browser would have reported it: it lasts until the load event."""
    timings = page.get("pageTimings")
    if not isinstance(timings, dict):
        return entry
    extra = dict(entry.extra)
    loaded = _positive_us(timings.get("onContentLoad"))
    if loaded:
        extra["domContentLoadedEventEnd"] = loaded / 1000
    load = _positive_us(timings.get("onLoad"))
    changes: dict[str, Any] = {}
    if load:
        extra["loadEventEnd"] = load / 1000
        if entry.response_end_us is None and entry.duration_us is not None:
            changes["response_end_us"] = entry.start_us + entry.duration_us
        changes["duration_us"] = max(entry.duration_us or 0, load - entry.start_us)
    return msgspec.structs.replace(entry, extra=extra, **changes)
