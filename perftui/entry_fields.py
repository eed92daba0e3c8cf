"""The one table of PerformanceEntry fields that have a column of their own.

Capture turns the wire name into the attribute, the store turns the attribute into a column of the
same name, and the exports go the other way, all from this list. Fields that are not in it are kept
under their wire name in :attr:`perftui.model.Entry.extra`.

Names and meanings: W3C Performance Timeline, Resource Timing and Navigation Timing; ``method`` is
the one addition (a browser does not tell it in a PerformanceEntry; proxies, HAR files and the
SDK's request details do).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class FieldKind(Enum):
    """What a field's value is, and how it is kept."""

    TEXT = "text"
    """A short string of few distinct values, interned. Empty on the wire means unknown (None)."""

    TIME = "time"
    """Milliseconds since the time origin on the wire; integer µs since the time origin here.
    0 on the wire means "did not happen" or "not told" (Resource Timing), which is None here."""

    SIZE = "size"
    """Bytes. 0 is a real size, unless the whole entry is timing-opaque: then it is None."""

    STATUS = "status"
    """HTTP status. 0 on the wire means unknown (None)."""


@dataclass(frozen=True, slots=True)
class EntryField:
    """One field: its name on the wire, its attribute and column here, and its kind."""

    wire: str
    attribute: str
    kind: FieldKind


ENTRY_FIELDS: tuple[EntryField, ...] = (
    EntryField("initiatorType", "initiator_type", FieldKind.TEXT),
    EntryField("method", "method", FieldKind.TEXT),
    EntryField("nextHopProtocol", "next_hop_protocol", FieldKind.TEXT),
    EntryField("contentType", "content_type", FieldKind.TEXT),
    EntryField("contentEncoding", "content_encoding", FieldKind.TEXT),
    EntryField("deliveryType", "delivery_type", FieldKind.TEXT),
    EntryField("renderBlockingStatus", "render_blocking_status", FieldKind.TEXT),
    EntryField("responseStatus", "response_status", FieldKind.STATUS),
    EntryField("workerStart", "worker_start_us", FieldKind.TIME),
    EntryField("redirectStart", "redirect_start_us", FieldKind.TIME),
    EntryField("redirectEnd", "redirect_end_us", FieldKind.TIME),
    EntryField("fetchStart", "fetch_start_us", FieldKind.TIME),
    EntryField("domainLookupStart", "domain_lookup_start_us", FieldKind.TIME),
    EntryField("domainLookupEnd", "domain_lookup_end_us", FieldKind.TIME),
    EntryField("connectStart", "connect_start_us", FieldKind.TIME),
    EntryField("secureConnectionStart", "secure_connection_start_us", FieldKind.TIME),
    EntryField("connectEnd", "connect_end_us", FieldKind.TIME),
    EntryField("requestStart", "request_start_us", FieldKind.TIME),
    EntryField("firstInterimResponseStart", "first_interim_response_start_us", FieldKind.TIME),
    EntryField("finalResponseHeadersStart", "final_response_headers_start_us", FieldKind.TIME),
    EntryField("responseStart", "response_start_us", FieldKind.TIME),
    EntryField("responseEnd", "response_end_us", FieldKind.TIME),
    EntryField("transferSize", "transfer_size", FieldKind.SIZE),
    EntryField("encodedBodySize", "encoded_body_size", FieldKind.SIZE),
    EntryField("decodedBodySize", "decoded_body_size", FieldKind.SIZE),
)
"""In the order of :class:`perftui.model.Entry`'s attributes (after name, type, start, duration)."""

REQUEST_ENTRY_TYPES: frozenset[str] = frozenset({"navigation", "resource", "request"})
"""Entry types that stand for one HTTP request: the browser's two, and ``request`` for what only a
proxy or a HAR file saw."""

FRAME_ENTRY_TYPE = "frame"
"""The page around a frame tells of its document, too: what it told where the document's own
``navigation`` entry is known to be the same request. So it is no request of its own."""
