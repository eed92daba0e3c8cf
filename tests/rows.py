"""The second form of a batch: its ``resource`` entries as rows of values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from perftui.capture.entry_decoding import CHROMIUM_ORDER, EMPTY_FIELDS
from perftui.entry_fields import ENTRY_FIELDS, FieldKind

DEFAULTS: Mapping[str, Any] = {
    **dict.fromkeys(CHROMIUM_ORDER, 0),
    **EMPTY_FIELDS,
    **{field.wire: "" for field in ENTRY_FIELDS if field.kind is FieldKind.TEXT},
}
"""What a browser gives for a field of which it has nothing to tell."""


def with_rows(document: Mapping[str, Any]) -> dict[str, Any]:
    """The batch as the SDK sends it: all values of its ``resource`` entries in the order in which
    Chromium gives them, its other entries as they are."""
    return {
        "fields": list(CHROMIUM_ORDER),
        **document,
        "entries": [
            [entry.get(name, DEFAULTS[name]) for name in CHROMIUM_ORDER]
            if entry["entryType"] == "resource"
            else entry
            for entry in document["entries"]
        ],
    }
