"""HAR 1.2 files into batches, in bounded memory.

Pages become pageviews (:mod:`perftui.capture.har_page`), entries become requests
(:mod:`perftui.capture.har_entry`), with their bodies on request (:mod:`perftui.capture.har_bodies`).
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from hashlib import blake2b
from typing import Any, BinaryIO

import msgspec

from perftui.capture.batch import decode_batch, decode_document
from perftui.capture.har_bodies import NOTHING_ATTACHED, Attached, references, with_bodies
from perftui.capture.har_entry import entry_of, is_document_entry, of_mitmproxy, redirect_target
from perftui.capture.har_page import page_entries, with_document_events
from perftui.capture.har_values import microseconds, moment_us
from perftui.capture.json_slices import JsonSlices
from perftui.config import ServerSettings, Settings
from perftui.errors import ImportFileError, IntakeError
from perftui.model import JSON, Batch, Entry, Page

Fault = Callable[[str], None]

BATCH_ENTRIES = 500
"""Entries of one batch: they are stored together."""

HELD_ENTRIES = 2000
"""Entries of all pages together that are held until their batches are full."""

SOURCE = "har"

MAX_NESTING = 64

OWN = "_perftui"
"""The field of our own exports that holds an entry, or a page, as it was."""


def read_har(
    stream: BinaryIO,
    settings: Settings,
    received_us: int,
    fault: Fault,
    *,
    body_characters: int = 0,
    attached: Attached = NOTHING_ATTACHED,
) -> Iterator[Batch]:
    """Batches of a HAR file, in bounded memory.

    Args:
        stream: the file; read twice where it can be rewound, else copied to a temporary file.
        received_us: the moment of the import, µs since the epoch.
        fault: told of each thing that is left out, with its place.
        body_characters: how much of each textual body is kept; 0 keeps none.
        attached: bodies that are in files of their own.

    Raises:
        ImportFileError: it is no HAR file at all.
    """
    if not stream.seekable():
        with tempfile.TemporaryFile(prefix="perftui-har-") as copy:
            while piece := stream.read(1 << 20):
                copy.write(piece)
            copy.seek(0)
            yield from read_har(
                copy,
                settings,
                received_us,
                fault,
                body_characters=body_characters,
                attached=attached,
            )
        return
    begin = stream.tell()
    head = _read_head(stream, fault)
    stream.seek(begin)
    importer = _Importer(head, settings.server, received_us, fault, body_characters, attached)
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
        leads_to: where its address has been redirected to so far; None while it has no address.
        has_document: its document was seen.
    """

    def __init__(self, view_id: str, origin_us: int, page: Page, told: Mapping[str, JSON]) -> None:
        self.view_id = view_id
        self.origin_us = origin_us
        self.page = page
        self.told = told
        self.leads_to = page.url
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
        attached: Attached,
    ) -> None:
        self._head = head
        self._attached = attached
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
        if isinstance(own, dict) and (exact := microseconds(own.get("timeOrigin"))):
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
        for name in references(told):
            self._attached.refer(name)
        state = self._state(told.get("pageref"), started_us)
        entry: Entry | None = None
        if isinstance(own, dict):
            entry = self._own_entry(own, place)
        if entry is None:
            if self._head.creator == "mitmproxy":
                response = of_mitmproxy(response)
            entry = entry_of(
                told,
                request,
                response if isinstance(response, dict) else {},
                start_us=started_us - state.origin_us,
                is_document=not state.has_document and is_document_entry(told, request, response),
            )
            if self._body_characters:
                entry = with_bodies(entry, told, self._body_characters, self._attached)
            if entry.entry_type == "navigation":
                state.has_document = True
                entry = with_document_events(entry, state.told)
                if state.page.url is None or state.leads_to == entry.name:
                    # Where the browser was redirected to is the page, for whose requests are its own.
                    state.page = msgspec.structs.replace(state.page, url=entry.name)
            elif not state.has_document and request["url"] == state.leads_to:
                state.leads_to = redirect_target(entry)
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
        entries, beyond = page_entries(state.told)
        state.entries += map(self._bounded, entries)
        if beyond:
            self._fault(
                f"page {state.view_id}: {beyond} of its marks, tasks and shifts are too many"
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
