"""What had just happened at a moment: the last of each kind of event."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from perftui.analysis.describe import Surroundings
from perftui.analysis.text_log import event_words
from perftui.model import Record

MOST_RECENT = 6
"""Events told of at most."""

RECENT_US = 10_000_000
"""What is longer ago has nothing to do with the moment."""


class Recent(NamedTuple):
    """Something that had happened.

    Attributes:
        ago_us: how long before the moment it began.
        words: what it was; not sanitised.
        seq: its position in the store.
    """

    ago_us: int
    words: str
    seq: int


def recent(records: Sequence[Record], at_us: int, around: Surroundings) -> list[Recent]:
    """The last event of each kind (no requests) that began before a moment, the latest first.

    Args:
        records: by start, those before the moment.
        at_us: µs since the session's start.
    """
    found: list[Recent] = []
    kinds: set[str] = set()
    for record in reversed(records):
        entry = record.entry
        ago_us = at_us - (record.start_epoch_us - around.session_start_us)
        if ago_us > RECENT_US or len(found) >= MOST_RECENT:
            break
        if entry.is_request or entry.entry_type in kinds or ago_us < 0:
            continue
        kinds.add(entry.entry_type)
        found.append(Recent(ago_us, event_words(record), record.seq))
    return found
