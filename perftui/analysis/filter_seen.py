"""What the terms of a filter may be completed with besides the words of the language: the hosts, media
types and initiators of a session."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from perftui.analysis.endpoints import split_url
from perftui.model import Entry

MOST_VALUES = 200
"""How many of each are kept, the most frequent first."""

Seen = Mapping[str, tuple[str, ...]]
"""Values by the field that asks for them."""


def spread(positions: Sequence[int], most: int) -> Sequence[int]:
    """At most so many of them, evenly from the first on."""
    return positions[:: max(1, -(-len(positions) // most))]


def values_seen(entries: Iterable[Entry]) -> Seen:
    """The values of requests that a term can ask for as they are."""
    found: dict[str, Counter[str]] = {field: Counter() for field in ("domain", "mime", "initiator")}
    for entry in entries:
        if not entry.is_request:
            continue
        for field, value in (
            ("domain", split_url(entry.name).host),
            ("mime", (entry.content_type or "").partition(";")[0].strip()),
            ("initiator", entry.initiator_type),
        ):
            if value and needs_no_quotes(value):
                found[field][value] += 1
    return {
        field: tuple(value for value, _ in counts.most_common(MOST_VALUES))
        for field, counts in found.items()
    }


def needs_no_quotes(value: str) -> bool:
    """Whether a value can stand behind its field as it is."""
    return all(letter.isalnum() or letter in "-_./:*" for letter in value)
