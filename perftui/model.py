"""The domain: what capture makes, the store keeps, analysis reads and the screens show.

Units are in the names: ``_us`` is integer microseconds, sizes are bytes. Times of an
:class:`Entry` are relative to the time origin of the document that reported it
(``performance.timeOrigin``); a :class:`Record` places it in the world. ``None`` always means
"unknown or not applicable", never zero.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from typing import Any, Protocol

import msgspec

from perftui.entry_fields import REQUEST_ENTRY_TYPES

JSON = Any
"""A JSON value: None, bool, int, float, str, list or dict with str keys."""

MAX_SAFE_INTEGER = 2**53 - 1
"""Numbers beyond ± this are refused: JSON readers and SQLite disagree about them
(ECMA-262, Number.MAX_SAFE_INTEGER)."""


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One PerformanceEntry in normal form (see ``entry_fields`` for the wire names).

    Attributes:
        entry_type: ``resource``, ``navigation``, ``paint``, ``event``, ``capture``, …; any string.
        name: the URL for requests, else the entry's name; redacted, at most a bounded length.
        start_us: ``startTime``.
        duration_us: ``duration``; None while in flight, or where nobody told it.
        extra: every field without a column of its own, under its wire name, as JSON values;
            ``serverTiming``, ``value``, ``interactionId``, ``domInteractive``, …. Never None;
            empty when there is none.
    """

    entry_type: str
    name: str
    start_us: int
    duration_us: int | None = None

    initiator_type: str | None = None
    method: str | None = None
    next_hop_protocol: str | None = None
    content_type: str | None = None
    content_encoding: str | None = None
    delivery_type: str | None = None
    render_blocking_status: str | None = None
    response_status: int | None = None
    worker_start_us: int | None = None
    redirect_start_us: int | None = None
    redirect_end_us: int | None = None
    fetch_start_us: int | None = None
    domain_lookup_start_us: int | None = None
    domain_lookup_end_us: int | None = None
    connect_start_us: int | None = None
    secure_connection_start_us: int | None = None
    connect_end_us: int | None = None
    request_start_us: int | None = None
    first_interim_response_start_us: int | None = None
    final_response_headers_start_us: int | None = None
    response_start_us: int | None = None
    response_end_us: int | None = None
    transfer_size: int | None = None
    encoded_body_size: int | None = None
    decoded_body_size: int | None = None

    extra: Mapping[str, JSON] = msgspec.field(default_factory=dict)

    @property
    def is_request(self) -> bool:
        """Whether this entry stands for one HTTP request."""
        return self.entry_type in REQUEST_ENTRY_TYPES

    @property
    def end_us(self) -> int | None:
        """When it ended, relative to the time origin; None while in flight."""
        return None if self.duration_us is None else self.start_us + self.duration_us

    @property
    def is_timing_opaque(self) -> bool:
        """Whether the phases are withheld (cross-origin without Timing-Allow-Origin, or a
        request that failed before it got an answer): no request and no response start.

        Source: Resource Timing Level 2, "Cross-origin resources".
        """
        return self.is_request and self.request_start_us is None and self.response_start_us is None


class Page(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a batch tells of the page it comes from. All redacted and bounded."""

    url: str | None = None
    title: str | None = None
    referrer: str | None = None
    navigation_type: str | None = None


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """Entries of one pageview, validated and redacted: the unit that a Sink takes.

    Attributes:
        session_id, page_view_id: 1 to 128 characters of ``[A-Za-z0-9._:-]``.
        key: 16 bytes that are equal for a repetition of this batch and for no other
            (from ``sessionId`` and ``batchId``, or from the content where that is missing).
        time_origin_us: ``performance.timeOrigin`` in µs since the Unix epoch.
        time_origin_estimated: it was not told and is estimated from the receipt.
        received_us: when the first byte arrived; µs since the epoch, this machine's clock.
        sent_us: when the client says it sent it, by the client's clock. ``received_us - sent_us``
            is the client's clock error plus the way; it is kept and never applied silently.
        byte_count: length of the JSON document in bytes (after decompression).
        bytes_by_type: how many of these the stored entries take, by entry type; empty where the
            batch was not made of JSON.
        wire_byte_count: length as received (before decompression).
        client: the ``client`` object of the wire, bounded.
        dropped: how many entries the client had to drop, by entry type.
        rejected_count: how many items of the wire batch were refused (they are not in here).
        source: where it came from: ``sdk``, ``proxy``, ``har``, ``import``, ``demo``, ….
    """

    session_id: str
    page_view_id: str
    entries: Sequence[Entry]
    key: bytes
    time_origin_us: int
    received_us: int
    time_origin_estimated: bool = False
    sent_us: int | None = None
    byte_count: int = 0
    wire_byte_count: int = 0
    page: Page = Page()
    client: Mapping[str, JSON] = msgspec.field(default_factory=dict)
    dropped: Mapping[str, int] = msgspec.field(default_factory=dict)
    rejected_count: int = 0
    source: str = "sdk"
    bytes_by_type: Mapping[str, int] = msgspec.field(default_factory=dict)


class Receipt(msgspec.Struct, frozen=True):
    """What a Sink answers once the batch is durable.

    Attributes:
        accepted: entries stored by this very call; 0 for a repetition.
        duplicate: the batch had been stored before.
        first_seq, last_seq: the rows of a store, where the sink has such; inclusive.
    """

    accepted: int
    duplicate: bool = False
    first_seq: int | None = None
    last_seq: int | None = None


class Record(msgspec.Struct, frozen=True, gc=False):
    """An entry in its place: which session, which pageview, when in the world.

    Attributes:
        seq: position in the store, in order of arrival; unique, ascending.
        page_view_number: 1 for the first pageview of the session, by start.
        time_origin_us: µs since the epoch; add ``entry.start_us`` for the moment of start.
    """

    seq: int
    session_id: str
    page_view_id: str
    page_view_number: int
    time_origin_us: int
    entry: Entry

    @property
    def start_epoch_us(self) -> int:
        """Moment of start, µs since the Unix epoch, by the client's clock."""
        return self.time_origin_us + self.entry.start_us

    @property
    def end_epoch_us(self) -> int | None:
        """Moment of the end, µs since the Unix epoch; None while in flight."""
        end = self.entry.end_us
        return None if end is None else self.time_origin_us + end


class PageView(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One pageview of a session.

    Attributes:
        number: 1 for the first of its session, by start.
        kind: ``load``, ``route``, ``bfcache``, ``manual``; None where nobody told it.
        time_origin_us: of the document it belongs to (route changes share one).
        start_us: when it began, µs after the time origin (0 for a load).
        end_us: end of its last entry, µs after the time origin.
    """

    session_id: str
    page_view_id: str
    number: int
    url: str | None
    title: str | None
    kind: str | None
    referrer: str | None
    navigation_type: str | None
    time_origin_us: int
    start_us: int
    end_us: int
    entry_count: int
    request_count: int
    error_count: int
    transfer_bytes: int

    @property
    def start_epoch_us(self) -> int:
        """When it began, µs since the Unix epoch, by the client's clock."""
        return self.time_origin_us + self.start_us


class SessionSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One session as the list of sessions shows it.

    Attributes:
        started_us, ended_us: start of the first and end of the last entry, µs since the epoch,
            by the client's clock.
        received_us: when its last batch arrived, by this machine's clock: what "live" is judged by.
        transfer_bytes: sum of the known transfer sizes.
        unknown_size_count: requests whose size is not known; they are not in transfer_bytes.
        byte_count: bytes of JSON taken in for it.
        dropped: what the client had to drop, by entry type.
        clock_error_us: median of ``received - sent``; None where not told.
        label: the name a person gave it.
        url, title: of the first pageview.
        source: of the first batch.
    """

    session_id: str
    started_us: int
    ended_us: int
    received_us: int
    page_view_count: int
    entry_count: int
    request_count: int
    error_count: int
    transfer_bytes: int
    unknown_size_count: int
    byte_count: int
    dropped: Mapping[str, int]
    clock_error_us: int | None
    label: str | None
    pinned: bool
    exported: bool
    url: str | None
    title: str | None
    client: Mapping[str, JSON]
    source: str

    @property
    def duration_us(self) -> int:
        """From the first start to the last end."""
        return self.ended_us - self.started_us


class Order(Enum):
    """The order of a session's entries."""

    ARRIVAL = "arrival"
    """As they came in: what a live log grows by (the browser reports at completion)."""

    START = "start"
    """By moment of start: what a replay plays."""


class EntryIndex(msgspec.Struct, frozen=True):
    """All entries of a selection, small enough to keep a million of them in memory.

    Parallel arrays of 8-byte integers (``array('q')``), in the order asked for.

    Attributes:
        seqs: positions in the store.
        starts: moment of start, µs since ``base_us``.
        ends: moment of the end, µs since ``base_us``; ``IN_FLIGHT`` where not known.
        base_us: µs since the epoch that the moments are counted from (the session's start).
    """

    seqs: array[int]
    starts: array[int]
    ends: array[int]
    base_us: int

    def __len__(self) -> int:
        return len(self.seqs)


class IndexPiece(msgspec.Struct, frozen=True):
    """A part of an index that is still being read; one after the other they are the whole.

    Attributes:
        index: the entries that follow those of the pieces before.
        read: entries that have been examined so far, whether they are in it or not.
        total: entries that are to be examined.
    """

    index: EntryIndex
    read: int
    total: int


IN_FLIGHT = 2**63 - 1
"""The end of something that has not ended, in an :class:`EntryIndex`."""


class Usual(msgspec.Struct, frozen=True):
    """What the finished calls of one endpoint usually take.

    Attributes:
        calls: how many there were.
        median_us: the median of their durations; None where there were none.
    """

    calls: int
    median_us: int | None


class Predicate(Protocol):
    """A compiled filter: the same question for Python and for SQL (``analysis.filters``)."""

    def matches(self, record: Record) -> bool:
        """Whether the record passes."""
        ...


class Clock(Protocol):
    """Where the time comes from."""

    def now_us(self) -> int:
        """Microseconds since the Unix epoch."""
        ...

    def monotonic(self) -> float:
        """Seconds from an arbitrary start; never steps back."""
        ...


class Sink(Protocol):
    """Where batches go: one backend, no policy."""

    async def write(self, batch: Batch) -> Receipt:
        """Take the batch; return once it is durable.

        Raises:
            SinkBusyError: too much is in flight; nothing was written.
            SinkFullError: there is no space; nothing was written.
            SinkError: it failed; nothing was written.
        """
        ...

    async def close(self) -> None:
        """Finish what was taken, then let go. Safe to call twice."""
        ...


class Reader(Protocol):
    """Read-only questions to a store. Blocking: call it from a worker, never from a screen's
    own event loop. One Reader belongs to one thread at a time.

    All ``session_id`` arguments raise :class:`perftui.errors.NotFoundError` where unknown.
    """

    def data_version(self) -> int:
        """A number that changes whenever another connection has committed."""
        ...

    def last_seq(self) -> int:
        """The position of the newest entry; 0 in an empty store."""
        ...

    def store_id(self) -> str:
        """The identity of the store file, made once at its creation."""
        ...

    def sessions(
        self, *, search: str = "", limit: int | None = None, offset: int = 0
    ) -> list[SessionSummary]:
        """Sessions, the most recently received first. ``search`` is a part of the ID, label,
        URL or title, in any case."""
        ...

    def session(self, session_id: str) -> SessionSummary:
        """One session."""
        ...

    def find_session(self, text: str) -> str:
        """The full ID of the one session that ``text`` names: an ID, the unique beginning of
        one, a label, or ``last``."""
        ...

    def page_views(self, session_id: str) -> list[PageView]:
        """The pageviews of a session, by start."""
        ...

    def page_view_urls(self, *, sessions: int) -> list[tuple[str, str, str]]:
        """Session ID, pageview ID and URL of the pageviews with requests whose URL is known: of so
        many sessions, the most recently received first, and within one the latest first."""
        ...

    def index(
        self,
        session_id: str | None,
        *,
        order: Order = Order.START,
        predicate: Predicate | None = None,
        page_view_id: str | None = None,
        after_seq: int = 0,
    ) -> EntryIndex:
        """The positions and spans of a session's entries (of all sessions where None), those
        after ``after_seq`` only. ``base_us`` is the session's ``started_us``."""
        ...

    def iter_index(
        self,
        session_id: str | None,
        *,
        order: Order = Order.START,
        predicate: Predicate | None = None,
        page_view_id: str | None = None,
        after_seq: int = 0,
    ) -> Iterator[IndexPiece]:
        """The same, piece by piece as it is read: the first one soon, also among very many."""
        ...

    def records(self, seqs: Sequence[int]) -> list[Record]:
        """The entries at these positions, in the order asked for; missing ones are left out."""
        ...

    def iter_records(
        self,
        session_id: str | None = None,
        *,
        page_view_id: str | None = None,
        entry_types: Sequence[str] | None = None,
        predicate: Predicate | None = None,
        since_us: int | None = None,
        until_us: int | None = None,
        after_seq: int = 0,
    ) -> Iterator[Record]:
        """Entries in order of arrival, streamed in bounded memory. ``since_us`` and ``until_us``
        bound the moment of receipt of their batch (µs since the epoch, half-open)."""
        ...

    def usual(self, endpoint: str, *, before_seq: int | None = None) -> Usual:
        """What an endpoint's finished calls (those before ``before_seq``, without hits of the
        browser's cache) usually take.
        ``endpoint`` is what ``analysis.endpoints.endpoint`` makes of a URL."""
        ...

    def close(self) -> None:
        """Let go of the file."""
        ...
