"""An Entry as a row of ``entry``, and SQL that makes an Entry of a row again.

Both are generated from ``perftui.entry_fields`` when this is imported: a loop over thirty fields
for each entry is what the speed of the store would hang on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from perftui.entry_fields import ENTRY_FIELDS, REQUEST_ENTRY_TYPES, FieldKind
from perftui.model import Entry
from perftui.store.connection import Row
from perftui.store.interning import Strings, Urls
from perftui.store.schema import ENTRY_COLUMNS, column

INSERT_ENTRY = (
    f"INSERT INTO entry ({', '.join(ENTRY_COLUMNS)}) VALUES ({', '.join('?' * len(ENTRY_COLUMNS))})"
)

PackEntry = Callable[[Entry, int, int, Strings, Urls], Row]


def _generate_pack() -> PackEntry:
    names = ["entry_type", "name", "start", "duration"]
    values = ["seq", "batch", "strings[entry_type]", "url", "label", "start", "duration"]
    for field in ENTRY_FIELDS:
        name = field.attribute
        names.append(name)
        if field.kind is FieldKind.TEXT:
            values.append(f"None if {name} is None else strings[{name}]")
        elif field.kind is FieldKind.TIME:
            values.append(f"None if {name} is None else {name} - start")
        else:
            values.append(name)
    source = f"""
def pack(entry, seq, batch, strings, urls):
    ({", ".join(names)}, extra) = astuple(entry)
    if entry_type in REQUEST_ENTRY_TYPES:
        url = urls[name]
        label = None
    else:
        url = None
        label = strings[name]
    return ({", ".join(values)}, encode(extra).decode() if extra else None)
"""
    namespace: dict[str, Any] = {
        "astuple": msgspec.structs.astuple,
        "encode": msgspec.json.encode,
        "REQUEST_ENTRY_TYPES": REQUEST_ENTRY_TYPES,
    }
    # Made of the constants above only, as dataclasses does.
    exec(source, namespace)  # noqa: S102
    pack: PackEntry = namespace["pack"]
    return pack


pack_entry: PackEntry = _generate_pack()
"""``pack_entry(entry, seq, batch, strings, urls)`` is the row of :data:`INSERT_ENTRY`."""


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
