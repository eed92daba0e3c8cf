"""Entries as rows of ``entry``, and SQL that makes an Entry of a row again.

Entries come by column and are packed by column: a loop over thirty fields for each entry is what
the speed of the store would hang on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import NamedTuple

import msgspec

from perftui.entry_columns import Column, EntryColumns, once_for_each
from perftui.entry_fields import ENTRY_FIELDS, REQUEST_ENTRY_TYPES, FieldKind
from perftui.model import JSON
from perftui.store.connection import Connection
from perftui.store.interning import Strings, Urls
from perftui.store.schema import column

INSERT_ROWS = (48, 12, 4, 1)
"""How many rows one statement inserts: as many as there still are of the first of these. One
statement of 48 rows takes half as long as 48 of one, as a driver has less to do between two rows
(and does not hand the interpreter over). apsw does not keep statements of more than 16 KiB."""

PACKED_ENTRIES = 64
"""Entries of so many, of several batches, are packed at once: many small batches cost little more
than one large one."""


class Placed(NamedTuple):
    """Entries of one batch, and where they go.

    Attributes:
        entries: what is stored.
        seqs: the position of each.
        batch: the ID of the batch's row.
    """

    entries: EntryColumns
    seqs: Sequence[int]
    batch: int


def insert_entries(
    connection: Connection, parts: Sequence[Placed], strings: Strings, urls: Urls
) -> None:
    """Insert the entries of batches, in their order."""
    together: list[Placed] = []
    count = 0
    for number, part in enumerate(parts, start=1):
        together.append(part)
        count += len(part.entries)
        if count and (count >= PACKED_ENTRIES or number == len(parts)):
            _insert(connection, together, strings, urls)
            together = []
            count = 0


def _insert(connection: Connection, parts: Sequence[Placed], strings: Strings, urls: Urls) -> None:
    entries = EntryColumns.concatenated([part.entries for part in parts])
    seqs = parts[0].seqs
    columns = _packed(entries, strings, urls)
    # What all rows have in common is bound once, and positions count up from the first.
    shared: dict[str, int | None] = {}
    if len(parts) == 1:
        shared["batch"] = parts[0].batch
    else:
        seqs = list(chain.from_iterable([part.seqs for part in parts]))
        columns["batch"] = list(
            chain.from_iterable([[part.batch] * len(part.entries) for part in parts])
        )
    types = entries.columns["entry_type"]
    if len(entries.counts_by_type()) == 1:
        shared["type"] = strings[types[0]]
    else:
        columns["type"] = list(map(strings.__getitem__, types))
    is_counted = seqs[-1] - seqs[0] == len(seqs) - 1
    if not is_counted:
        columns["seq"] = seqs
    names, values = (*shared, *columns), list(columns.values())
    done = 0
    for rows in INSERT_ROWS:
        until = len(seqs) - (len(seqs) - done) % rows
        if until > done:
            connection.executemany(
                _insert_statement(names, len(shared), rows, is_counted=is_counted),
                [
                    [
                        *((seqs[begin],) if is_counted else ()),
                        *shared.values(),
                        *chain.from_iterable([one[begin : begin + rows] for one in values]),
                    ]
                    for begin in range(done, until, rows)
                ],
            )
            done = until


@lru_cache(maxsize=512)
def _insert_statement(columns: tuple[str, ...], shared: int, rows: int, *, is_counted: bool) -> str:
    """Takes the first position where these are counted, one value for each of the columns that are
    shared (the first of ``columns``), then those of the others column by column, as they lie."""
    first = 2 if is_counted else 1
    own = first + shared
    told = [f"?{number}" for number in range(first, own)]

    def row(number: int) -> str:
        seq = [f"?1+{number}"] if is_counted else []
        places = range(own + number, own + number + (len(columns) - shared) * rows, rows)
        return f"({','.join([*seq, *told, *[f'?{place}' for place in places]])})"

    names = ",".join([*(["seq"] if is_counted else []), *columns])
    return f"INSERT INTO entry ({names}) VALUES " + ",".join(map(row, range(rows)))


def _packed(entries: EntryColumns, strings: Strings, urls: Urls) -> dict[str, Column]:
    """Entries as columns of ``entry``, without those that would hold NULL only, and without
    ``seq``, ``batch`` and ``type``."""
    told = entries.columns
    types, names = told["entry_type"], told["name"]
    packed: dict[str, Column] = {}
    if entries.are_requests:
        packed["url"] = list(map(urls.__getitem__, names))
    else:
        are_urls = [entry_type in REQUEST_ENTRY_TYPES for entry_type in types]
        packed["url"] = [
            urls[name] if is_url else None for name, is_url in zip(names, are_urls, strict=True)
        ]
        packed["name"] = [
            None if is_url else strings[name] for name, is_url in zip(names, are_urls, strict=True)
        ]
    for attribute in ("start_us", "duration_us"):
        if attribute in told:
            packed[attribute] = told[attribute]
    for field in ENTRY_FIELDS:
        values = told.get(field.attribute)
        if values is not None:
            is_text = field.kind is FieldKind.TEXT
            packed[column(field.attribute, field.kind)] = (
                list(map(strings.__getitem__, values)) if is_text else values
            )
    if "extra" in told:
        packed["extra"] = once_for_each(_extra_text, told["extra"])
    return packed


def _extra_text(extra: Mapping[str, JSON]) -> str | None:
    return msgspec.json.encode(extra).decode() if extra else None


_TEXT_FIELDS = [field.attribute for field in ENTRY_FIELDS if field.kind is FieldKind.TEXT]

ENTRY_JOINS = "\n".join(
    [
        "JOIN string AS t ON t.id = e.type",
        "LEFT JOIN url AS u ON u.id = e.url",
        "LEFT JOIN string AS n ON n.id = e.name",
        *(f"LEFT JOIN string AS s_{name} ON s_{name}.id = e.{name}" for name in _TEXT_FIELDS),
    ]
)
"""What :data:`ENTRY_JSON` needs beside ``entry AS e``."""


def _entry_json() -> str:
    pairs = [
        "'entry_type', t.text",
        "'name', coalesce(u.url, n.text)",
        "'start_us', e.start_us",
        "'duration_us', e.duration_us",
    ]
    for field in ENTRY_FIELDS:
        name = field.attribute
        if field.kind is FieldKind.TEXT:
            pairs.append(f"'{name}', s_{name}.text")
        elif field.kind is FieldKind.TIME:
            pairs.append(f"'{name}', e.start_us + e.{column(name, field.kind)}")
        else:
            pairs.append(f"'{name}', e.{name}")
    pairs.append("'extra', json(coalesce(e.extra, '{}'))")
    return f"json_object({', '.join(pairs)})"


ENTRY_JSON = _entry_json()
"""SQL for one entry as JSON that msgspec decodes to an :class:`Entry`.

A query of many rows returns ONE row with a JSON array of these: SQLite's drivers hand the
interpreter over at each row, and with a busy screen in the next thread each hand-over may take
5 ms."""
