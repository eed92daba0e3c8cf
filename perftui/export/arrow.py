"""Blocks of a store as Arrow tables with the columns of the production table.

Everything happens by columns: a text column becomes a dictionary of its few distinct values, a
time is its offset added to the start.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from perftui.analysis.resource_type import resource_type
from perftui.blocks import Amendment, Block, StoredUrl
from perftui.entry_fields import ENTRY_FIELDS, REQUEST_ENTRY_TYPES, FieldKind
from perftui.export.columns import (
    COLUMN_NAMES,
    COLUMNS,
    Kind,
    Row,
    batch_rows,
    json_text,
    url_parts,
)
from perftui.model import Entry

_ARROW_TYPES: dict[Kind, Any] = {
    Kind.TEXT: pa.string(),
    Kind.WORD: pa.string(),
    Kind.NULLABLE_WORD: pa.string(),
    Kind.NULLABLE_TEXT: pa.string(),
    Kind.MOMENT: pa.timestamp("us", tz="UTC"),
    Kind.NULLABLE_MOMENT: pa.timestamp("us", tz="UTC"),
    Kind.NUMBER: pa.int64(),
    Kind.NULLABLE_NUMBER: pa.int64(),
    Kind.COUNT: pa.uint32(),
    Kind.VERSION: pa.uint64(),
    Kind.FLAG: pa.uint8(),
}

SCHEMA = pa.schema([pa.field(column.name, _ARROW_TYPES[column.kind]) for column in COLUMNS])
"""The Arrow schema of rows; of a block's table the text columns are dictionaries."""


def rows_table(rows: Sequence[Row]) -> Any:
    """Rows as an Arrow table of :data:`SCHEMA`."""
    return pa.Table.from_arrays(
        [
            pa.array(values, field.type)
            for values, field in zip(zip(*rows, strict=True), SCHEMA, strict=True)
        ]
        if rows
        else [pa.array([], field.type) for field in SCHEMA],
        schema=SCHEMA,
    )


def table_rows(table: Any) -> list[Row]:
    """An Arrow table with the columns of :data:`COLUMNS` as rows, moments as µs."""
    columns: list[list[Any]] = []
    for column in COLUMNS:
        values = table.column(column.name)
        if column.kind in {Kind.MOMENT, Kind.NULLABLE_MOMENT}:
            values = values.cast(pa.timestamp("us", tz="UTC")).cast(pa.int64())
        columns.append(values.to_pylist())
    return list(zip(*columns, strict=True))


def block_table(block: Block) -> Any:
    """The entries of a block as an Arrow table, in order of arrival, and a row for each batch
    that has no entries. Amendments are not in it (see :func:`amendment_rows`)."""
    places = [
        row
        for stored in block.batches
        if not stored.entry_count
        for row in batch_rows(stored.batch)
    ]
    tables = [_entries_table(block)] if len(block) else []
    if places:
        tables.append(rows_table(places))
    return pa.concat_tables(_plain(table) for table in tables) if places else tables[0]


def _plain(table: Any) -> Any:
    return table.cast(SCHEMA)


def amendment_rows(amendments: Iterable[Amendment]) -> list[Row]:
    """Rows that replace what was exported before: ``row_version`` is higher than theirs."""
    deleted_at = COLUMN_NAMES.index("is_deleted")
    rows: list[Row] = []
    for amendment in amendments:
        (row,) = batch_rows(
            msgspec.structs.replace(amendment.origin.batch, entries=[amendment.entry]),
            indexes=[amendment.index],
            entry_count=amendment.origin.entry_count,
            version=amendment.version_us,
        )
        if amendment.deleted:
            row = (*row[:deleted_at], 1, *row[deleted_at + 1 :])
        rows.append(row)
    return rows


def _entries_table(block: Block) -> Any:
    columns = block.columns
    strings = block.strings
    of_batch = pc.index_in(
        pa.array(columns["batch"], pa.int64()),
        value_set=pa.array([stored.row for stored in block.batches], pa.int64()),
    )
    start = pa.array(columns["start_us"], pa.int64())
    batches = [stored.batch for stored in block.batches]

    def by_batch(values: Sequence[Any], kind: Any) -> Any:
        return pa.array(values, kind).take(of_batch)

    def words_by_batch(values: Sequence[str | None]) -> Any:
        told = dict.fromkeys(value for value in values if value is not None)
        distinct = {value: number for number, value in enumerate(told)}
        numbers = pa.array(
            [None if value is None else distinct[value] for value in values], pa.int32()
        ).take(of_batch)
        return pa.DictionaryArray.from_arrays(numbers, pa.array(list(distinct), pa.string()))

    moments = pa.timestamp("us", tz="UTC")
    origin = by_batch([batch.time_origin_us for batch in batches], pa.int64())
    first = by_batch([stored.first_seq for stored in block.batches], pa.int64())
    name, host, site, endpoint = _names(block)
    made: dict[str, Any] = {
        "timestamp": pc.add(origin, start).cast(moments),
        "session_id": words_by_batch([batch.session_id for batch in batches]),
        "page_view_id": words_by_batch([batch.page_view_id for batch in batches]),
        "batch_key": words_by_batch([batch.key.hex() for batch in batches]),
        "batch_index": pc.subtract(pa.array(columns["seq"], pa.int64()), first).cast(pa.uint32()),
        "batch_entries": by_batch([stored.entry_count for stored in block.batches], pa.uint32()),
        "row_version": by_batch([batch.received_us for batch in batches], pa.uint64()),
        "is_deleted": pa.repeat(pa.scalar(0, pa.uint8()), len(block)),
        "entry_type": _words(columns["type"], strings),
        "name": name,
        "host": host,
        "site": site,
        "endpoint": endpoint,
        "resource_type": _resource_types(block),
        "start_us": start,
        "duration_us": pa.array(columns["duration_us"], pa.int64()),
        "extra": pc.fill_null(pa.array(columns["extra"], pa.string()), ""),
        "page_url": words_by_batch([batch.page.url for batch in batches]),
        "page": words_by_batch(
            [url_parts(batch.page.url)[2] if batch.page.url else "" for batch in batches]
        ),
        "page_title": words_by_batch([batch.page.title for batch in batches]),
        "page_referrer": words_by_batch([batch.page.referrer for batch in batches]),
        "navigation_type": words_by_batch([batch.page.navigation_type for batch in batches]),
        "time_origin": origin.cast(moments),
        "time_origin_estimated": by_batch(
            [int(batch.time_origin_estimated) for batch in batches], pa.uint8()
        ),
        "received": by_batch([batch.received_us for batch in batches], pa.int64()).cast(moments),
        "sent": by_batch([batch.sent_us for batch in batches], pa.int64()).cast(moments),
        "batch_bytes": by_batch([batch.byte_count for batch in batches], pa.uint32()),
        "batch_wire_bytes": by_batch([batch.wire_byte_count for batch in batches], pa.uint32()),
        "batch_rejected": by_batch([batch.rejected_count for batch in batches], pa.uint32()),
        "client": words_by_batch([json_text(batch.client) for batch in batches]),
        "dropped": words_by_batch([json_text(batch.dropped) for batch in batches]),
        "source": words_by_batch([batch.source for batch in batches]),
    }
    for field in ENTRY_FIELDS:
        values = columns[field.attribute]
        match field.kind:
            case FieldKind.TEXT:
                made[field.attribute] = _words(values, strings)
            case FieldKind.TIME:
                made[field.attribute] = pc.add(start, pa.array(values, pa.int64()))
            case FieldKind.SIZE | FieldKind.STATUS:
                made[field.attribute] = pa.array(values, pa.int64())
    return pa.table({column: made[column] for column in COLUMN_NAMES})


def _words(keys: Sequence[int | None], texts: dict[int, str]) -> Any:
    """IDs as a dictionary array of what they stand for; None stays null."""
    values = pa.array(keys, pa.int64())
    distinct = pc.unique(values).drop_null()
    return pa.DictionaryArray.from_arrays(
        pc.index_in(values, value_set=distinct),
        pa.array([texts[key] for key in distinct.to_pylist()], pa.string()),
    )


def _names(block: Block) -> tuple[Any, Any, Any, Any]:
    """Name, host, site and endpoint. An entry has a URL or another name, so one dictionary holds
    both: URLs under their ID, other names under its negative."""
    columns, strings, urls = block.columns, block.strings, block.urls
    values = pc.coalesce(
        pa.array(columns["url"], pa.int64()),
        pc.negate(pa.array(columns["name"], pa.int64())),
    )
    distinct = pc.unique(values).drop_null()
    indexes = pc.index_in(values, value_set=distinct)
    keys = distinct.to_pylist()
    requests = _request_types(block)
    is_request = pc.is_in(pa.array(columns["type"], pa.int64()), pa.array(requests, pa.int64()))

    def of_url(attribute: str) -> Any:
        texts = [getattr(urls[key], attribute) if key > 0 else "" for key in keys]
        array = pa.DictionaryArray.from_arrays(indexes, pa.array(texts, pa.string()))
        return pc.if_else(is_request, array.cast(pa.string()), pa.scalar("", pa.string()))

    names = [urls[key].url if key > 0 else strings[-key] for key in keys]
    # A URL may also be the name of something else, and a dictionary holds each text once.
    texts = {text: number for number, text in enumerate(dict.fromkeys(names))}
    places = pa.array([texts[text] for text in names], pa.int32())
    name = pa.DictionaryArray.from_arrays(places.take(indexes), pa.array(list(texts), pa.string()))
    return name, of_url("host"), of_url("site"), of_url("endpoint")


def _request_types(block: Block) -> list[int]:
    return [key for key, text in block.strings.items() if text in REQUEST_ENTRY_TYPES]


_FOLLOWS_FROM = ("type", "initiator_type", "content_type", "url")


def _resource_types(block: Block) -> Any:
    """The kind of each entry; distinct combinations of what it follows from are few."""
    strings, urls = block.strings, block.urls
    requests = set(_request_types(block))
    combination: Any = pa.repeat(pa.scalar(0, pa.int64()), len(block))
    distinct: list[list[int | None]] = []
    for name in _FOLLOWS_FROM:
        column = pa.array(block.columns[name], pa.int64())
        encoded = column.dictionary_encode(null_encoding="encode")
        distinct.append(encoded.dictionary.to_pylist())
        # A digit of a number to a mixed base: one number for each combination.
        combination = pc.add(
            pc.multiply(combination, len(distinct[-1])), encoded.indices.cast(pa.int64())
        )
    combinations = combination.dictionary_encode()
    kinds: list[str] = []
    for number in combinations.dictionary.to_pylist():
        keys: list[Any] = []
        for values in reversed(distinct):
            number, place = divmod(number, len(values))
            keys.append(values[place])
        kinds.append(_kind(*reversed(keys), strings=strings, urls=urls, requests=requests))
    told = list(dict.fromkeys(kinds))
    places = pa.array([told.index(kind) for kind in kinds], pa.int32())
    return pa.DictionaryArray.from_arrays(
        places.take(combinations.indices), pa.array(told, pa.string())
    )


def _kind(
    entry_type: int | None,
    initiator: int | None,
    content_type: int | None,
    url: int | None,
    *,
    strings: dict[int, str],
    urls: dict[int, StoredUrl],
    requests: set[int],
) -> str:
    if entry_type is None or url is None or entry_type not in requests:
        return ""
    return resource_type(
        Entry(
            entry_type=strings[entry_type],
            initiator_type=None if initiator is None else strings[initiator],
            content_type=None if content_type is None else strings[content_type],
            name=urls[url].url,
            start_us=0,
        )
    ).value
