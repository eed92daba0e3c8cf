"""THE column list of the production table, and an entry as a row of it.

The DDL, the export, the Kafka message and the way back (``pull``) are all made from
:data:`COLUMNS`; nothing else knows the table's columns.

A row is one entry with all that is known of its batch, pageview and session: repeated values of
neighbouring rows compress to nearly nothing in a column store, and no row needs another one to
be understood or to be sent (a Kafka message is one row).

Moments (``timestamp``, ``time_origin``, …) are µs since the epoch in UTC. Times of an entry
(``start_us``, ``response_start_us``, …) are µs since its document's time origin, as the W3C has
them. NULL is "unknown or not applicable", never zero.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from functools import lru_cache
from typing import Any

import msgspec

from perftui.analysis.endpoints import registrable_domain, split_url, url_endpoint
from perftui.analysis.resource_type import resource_type
from perftui.entry_fields import ENTRY_FIELDS, REQUEST_ENTRY_TYPES, EntryField, FieldKind
from perftui.model import Batch, Entry, Page


class Kind(Enum):
    """A column's type, as ClickHouse names it."""

    TEXT = "String"
    WORD = "LowCardinality(String)"
    NULLABLE_WORD = "LowCardinality(Nullable(String))"
    NULLABLE_TEXT = "Nullable(String)"
    MOMENT = "DateTime64(6, 'UTC')"
    NULLABLE_MOMENT = "Nullable(DateTime64(6, 'UTC'))"
    NUMBER = "Int64"
    NULLABLE_NUMBER = "Nullable(Int64)"
    COUNT = "UInt32"
    VERSION = "UInt64"
    FLAG = "UInt8"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of ``performance_entries``.

    Attributes:
        codec: what compresses it, without ``CODEC(…)``.
        comment: what it is, with its unit; it goes into the DDL.
    """

    name: str
    kind: Kind
    codec: str
    comment: str


_DELTA = "Delta, ZSTD(1)"
_ZSTD = "ZSTD(1)"

_FIELD_KINDS: Mapping[FieldKind, tuple[Kind, str, str]] = {
    FieldKind.TEXT: (Kind.NULLABLE_WORD, _ZSTD, ""),
    FieldKind.TIME: (Kind.NULLABLE_NUMBER, "T64, ZSTD(1)", ", µs since time_origin"),
    FieldKind.SIZE: (Kind.NULLABLE_NUMBER, "T64, ZSTD(1)", ", bytes"),
    FieldKind.STATUS: (Kind.NULLABLE_NUMBER, "T64, ZSTD(1)", ""),
}


def _entry_column(field: EntryField) -> Column:
    kind, codec, unit = _FIELD_KINDS[field.kind]
    return Column(field.attribute, kind, codec, f"{field.wire}{unit}; NULL is unknown")


COLUMNS: tuple[Column, ...] = (
    Column("timestamp", Kind.MOMENT, _DELTA, "when it started, by the client's clock"),
    Column("session_id", Kind.TEXT, _ZSTD, "the session"),
    Column("page_view_id", Kind.TEXT, _ZSTD, "the pageview in which it started"),
    Column("batch_key", Kind.TEXT, _ZSTD, "the batch, 32 hexadecimal digits"),
    Column("batch_index", Kind.COUNT, _DELTA, "position in its batch, from 0"),
    Column("batch_entries", Kind.COUNT, _ZSTD, "entries of its batch; 0: this row stands for it"),
    Column("row_version", Kind.VERSION, _ZSTD, "of rows with one key the highest counts"),
    Column("is_deleted", Kind.FLAG, _ZSTD, "1: the row has gone into another one"),
    Column("entry_type", Kind.WORD, _ZSTD, "PerformanceEntry.entryType"),
    Column("name", Kind.TEXT, "ZSTD(3)", "PerformanceEntry.name; of requests the URL, redacted"),
    Column("host", Kind.WORD, _ZSTD, "host of the URL; empty for what is no request"),
    Column("site", Kind.WORD, _ZSTD, "registrable domain of the URL"),
    Column("endpoint", Kind.WORD, _ZSTD, "host and path template of the URL"),
    Column("resource_type", Kind.WORD, _ZSTD, "document, script, fetch, …; empty: no request"),
    Column("start_us", Kind.NUMBER, _DELTA, "startTime, µs since time_origin"),
    Column("duration_us", Kind.NULLABLE_NUMBER, "T64, ZSTD(1)", "duration, µs; NULL is unknown"),
    *(_entry_column(field) for field in ENTRY_FIELDS),
    Column("extra", Kind.TEXT, "ZSTD(3)", "fields without a column of their own, JSON"),
    Column("page_url", Kind.NULLABLE_TEXT, "ZSTD(3)", "URL of the pageview"),
    Column("page", Kind.WORD, _ZSTD, "host and path template of the pageview's URL"),
    Column("page_title", Kind.NULLABLE_TEXT, "ZSTD(3)", "title of the pageview"),
    Column("page_referrer", Kind.NULLABLE_TEXT, "ZSTD(3)", "referrer of the pageview"),
    Column("navigation_type", Kind.NULLABLE_WORD, _ZSTD, "navigate, reload, back_forward, …"),
    Column("time_origin", Kind.MOMENT, _DELTA, "performance.timeOrigin of the document"),
    Column("time_origin_estimated", Kind.FLAG, _ZSTD, "1: nobody told it"),
    Column("received", Kind.MOMENT, _DELTA, "when the batch arrived, by the server's clock"),
    Column("sent", Kind.NULLABLE_MOMENT, _ZSTD, "when it was sent, by the client's clock"),
    Column("batch_bytes", Kind.COUNT, _ZSTD, "the batch as JSON, bytes"),
    Column("batch_wire_bytes", Kind.COUNT, _ZSTD, "the batch as received, bytes"),
    Column("batch_rejected", Kind.COUNT, _ZSTD, "items of the batch that were refused"),
    Column("client", Kind.TEXT, "ZSTD(3)", "what the client told of itself, JSON"),
    Column("dropped", Kind.TEXT, "ZSTD(3)", "what the client had to drop, by entry type, JSON"),
    Column("source", Kind.WORD, _ZSTD, "sdk, proxy, har, import, …"),
)
"""In the order of the table, of the Arrow blocks and of a Kafka message's keys."""

COLUMN_NAMES: tuple[str, ...] = tuple(column.name for column in COLUMNS)

KEY: tuple[str, ...] = ("session_id", "timestamp", "batch_key", "batch_index")
"""What a row is known by, and the table's order: one session is one range of the table."""

Row = tuple[Any, ...]
"""Values in the order of :data:`COLUMNS`. Moments are integer µs since the epoch."""

BATCH_PLACE = ""
"""Entry type of the one row of a batch without entries, which keeps its counters."""

_encode = msgspec.json.encode
_MOMENTS = frozenset(
    column.name for column in COLUMNS if column.kind in {Kind.MOMENT, Kind.NULLABLE_MOMENT}
)


@lru_cache(maxsize=65536)
def url_parts(url: str) -> tuple[str, str, str]:
    """Host, site and endpoint (host and path template) of a URL."""
    host = split_url(url).host
    return host, registrable_domain(host) if host else "", url_endpoint(url) or ""


def json_text(value: Mapping[str, Any]) -> str:
    """A JSON object as kept in the table; empty for an empty one."""
    return _encode(value).decode() if value else ""


_entry_values: Callable[[Entry], Row] = msgspec.structs.astuple


def batch_rows(
    batch: Batch,
    *,
    indexes: Sequence[int] | None = None,
    entry_count: int | None = None,
    version: int | None = None,
) -> list[Row]:
    """The rows of a batch, in its order.

    Args:
        indexes: the entries' positions in the batch as it was sent, where not all are here.
        entry_count: entries of the batch as it was sent; by default as many as there are.
        version: by default the moment of receipt.
    """
    page = batch.page
    key = batch.key.hex()
    version = batch.received_us if version is None else version
    count = len(batch.entries) if entry_count is None else entry_count
    page_name = url_parts(page.url)[2] if page.url else ""
    after = (
        *(page.url, page_name, page.title, page.referrer, page.navigation_type),
        *(batch.time_origin_us, int(batch.time_origin_estimated), batch.received_us),
        *(batch.sent_us, batch.byte_count, batch.wire_byte_count, batch.rejected_count),
        *(json_text(batch.client), json_text(batch.dropped), batch.source),
    )
    session_id, page_view_id, origin = batch.session_id, batch.page_view_id, batch.time_origin_us
    entries: Sequence[Entry] = batch.entries
    if not count:
        entries = (Entry(entry_type=BATCH_PLACE, name="", start_us=0),)
    rows: list[Row] = []
    for position, entry in enumerate(entries):
        entry_type, name, start, duration, *fields, extra = _entry_values(entry)
        if entry_type in REQUEST_ENTRY_TYPES:
            host, site, endpoint = url_parts(name)
            kind = resource_type(entry).value
        else:
            host = site = endpoint = kind = ""
        index = position if indexes is None else indexes[position]
        rows.append(
            (
                *(origin + start, session_id, page_view_id, key, index, count, version, 0),
                *(entry_type, name, host, site, endpoint, kind, start, duration),
                *fields,
                json_text(extra),
                *after,
            )
        )
    return rows


def message(row: Row) -> bytes:
    """A row as one JSON object (ClickHouse's JSONEachRow), without a line end: the value of a
    Kafka message. Moments are written as ``2026-11-23 22:10:11.123456``."""
    return _encode(
        {
            name: _moment_text(value) if name in _MOMENTS and value is not None else value
            for name, value in zip(COLUMN_NAMES, row, strict=True)
        }
    )


def _moment_text(moment_us: int) -> str:
    seconds, rest = divmod(moment_us, 1_000_000)
    return f"{_second_text(seconds)}.{rest:06d}"


@lru_cache(maxsize=4096)
def _second_text(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}"


_OF_ENTRY = COLUMN_NAMES[COLUMN_NAMES.index("entry_type") : COLUMN_NAMES.index("extra") + 1]
_EntryPart: Callable[..., Any] = msgspec.defstruct("_EntryPart", [*_OF_ENTRY], gc=False)
"""What a message tells of the entry itself; all else but its moment and place is the batch's."""


def batch_messages(batch: Batch) -> list[bytes]:
    """The messages of a batch: the very bytes that :func:`message` makes of :func:`batch_rows`.

    What all rows of a batch have in common is encoded once: a capture server does nothing else
    for Kafka that costs as much.
    """
    rows = batch_rows(batch)
    first = rows[0]
    begin, end = _POSITION["entry_type"], _POSITION["extra"] + 1
    index_at = _POSITION["batch_index"]

    def common(start: int, stop: int) -> bytes:
        told = {
            name: _moment_text(value) if name in _MOMENTS and value is not None else value
            for name, value in zip(COLUMN_NAMES[start:stop], first[start:stop], strict=True)
        }
        return _encode(told)[1:-1]

    before = b'",' + common(1, index_at) + b',"batch_index":'
    between = b"," + common(index_at + 1, begin) + b","
    after = b"," + common(end, len(COLUMN_NAMES)) + b"}"
    return [
        b"".join(
            (
                b'{"timestamp":"',
                _moment_text(row[0]).encode(),
                before,
                str(row[index_at]).encode(),
                between,
                _encode(_EntryPart(*row[begin:end]))[1:-1],
                after,
            )
        )
        for row in rows
    ]


_POSITION = {name: position for position, name in enumerate(COLUMN_NAMES)}
_FIRST_FIELD = _POSITION[ENTRY_FIELDS[0].attribute]
_AFTER_FIELDS = _POSITION["extra"]


def row_entry(row: Row) -> Entry:
    """The entry of a row."""
    fields = {
        field.attribute: row[_FIRST_FIELD + number]
        for number, field in enumerate(ENTRY_FIELDS)
        if row[_FIRST_FIELD + number] is not None
    }
    extra = row[_AFTER_FIELDS]
    return Entry(
        entry_type=row[_POSITION["entry_type"]],
        name=row[_POSITION["name"]],
        start_us=row[_POSITION["start_us"]],
        duration_us=row[_POSITION["duration_us"]],
        extra=msgspec.json.decode(extra) if extra else {},
        **fields,
    )


def rows_batch(rows: Sequence[Row]) -> Batch:
    """The batch that rows with one ``batch_key`` are of, in the order of ``batch_index``.

    Raises:
        ValueError: there are no rows.
    """
    if not rows:
        raise ValueError("a batch has at least one row")
    rows = sorted(rows, key=lambda row: row[_POSITION["batch_index"]])

    def told(name: str) -> Any:
        return rows[0][_POSITION[name]]

    client, dropped = told("client"), told("dropped")
    entries = [row_entry(row) for row in rows if row[_POSITION["entry_type"]] != BATCH_PLACE]
    return Batch(
        session_id=told("session_id"),
        page_view_id=told("page_view_id"),
        entries=entries,
        key=bytes.fromhex(told("batch_key")),
        time_origin_us=told("time_origin"),
        received_us=told("received"),
        time_origin_estimated=bool(told("time_origin_estimated")),
        sent_us=told("sent"),
        byte_count=told("batch_bytes"),
        wire_byte_count=told("batch_wire_bytes"),
        page=Page(
            url=told("page_url"),
            title=told("page_title"),
            referrer=told("page_referrer"),
            navigation_type=told("navigation_type"),
        ),
        client=msgspec.json.decode(client) if client else {},
        dropped=msgspec.json.decode(dropped) if dropped else {},
        rejected_count=told("batch_rejected"),
        source=told("source"),
    )
