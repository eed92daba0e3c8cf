"""Frames in the waterfall of the page around them."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from perftui.entry_fields import FRAME_ENTRY_TYPE
from perftui.model import Record


def with_frames(records: Iterable[Record]) -> list[Record]:
    """The entries of a pageview as its waterfall has them: the documents of its frames are among
    its requests, though each is counted once, as the frame's own."""
    return [
        msgspec.structs.replace(
            record, entry=msgspec.structs.replace(record.entry, entry_type="resource")
        )
        if record.entry.entry_type == FRAME_ENTRY_TYPE
        else record
        for record in records
    ]
