"""What entries add to the counters that batches, pageviews and sessions keep beside them."""

from __future__ import annotations

from typing import NamedTuple

from perftui.analysis.severity import count_errors
from perftui.entry_columns import EntryColumns


class Totals(NamedTuple):
    """What entries add to the counters of their batch, pageview and session."""

    entries: int
    requests: int
    errors: int
    transfer_bytes: int
    unknown_sizes: int


def totals_of(entries: EntryColumns, page_url: str | None) -> Totals:
    """The totals of entries on a page of that address."""
    places = entries.request_places()
    sizes = entries.columns.get("transfer_size", ())
    if sizes and len(places) < len(entries):
        sizes = [sizes[place] for place in places]
    return Totals(
        entries=len(entries),
        requests=len(places),
        errors=count_errors(entries, page_url),
        transfer_bytes=sum(filter(None, sizes)),
        unknown_sizes=len(places) - len(sizes) + sizes.count(None),
    )
