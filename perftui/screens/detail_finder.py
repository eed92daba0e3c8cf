"""What the detail of an entry needs from the store: similar calls, what caused it, what it caused."""

from __future__ import annotations

from textual.message import Message

from perftui.entry_fields import REQUEST_ENTRY_TYPES
from perftui.model import Order, PageView, Reader, Record

SIMILAR_CALLS = 200
"""Calls of the same endpoint that are shown: those around it."""

LOOKED_AT = 5_000
"""In a pageview with more entries, causes are not searched for: no page has so many, only what
has been open for days."""


class DetailTold(Message):
    """What was found for one entry."""

    def __init__(
        self,
        seq: int,
        similar: tuple[Record, ...] = (),
        initiator: Record | None = None,
        caused: tuple[Record, ...] = (),
    ) -> None:
        super().__init__()
        self.seq = seq
        self.similar = similar
        self.initiator = initiator
        self.caused = caused

    def can_replace(self, message: Message) -> bool:
        """Only the newest matters."""
        return isinstance(message, DetailTold)


def initiator_url(record: Record) -> str | None:
    """The URL of what caused it, where a source told it."""
    from perftui.analysis.critical_path import INITIATOR_FIELDS

    for field in INITIATOR_FIELDS:
        told = record.entry.extra.get(field)
        if isinstance(told, str) and told:
            return told
    return None


def has_more(record: Record, view: PageView | None, *, similar: bool) -> bool:
    """Whether :func:`find_detail` may find anything.

    Args:
        view: the pageview of the entry; None where it is not known yet.
    """
    if not record.entry.is_request:
        return False
    return similar or view is None or view.entry_count <= LOOKED_AT


def find_detail(reader: Reader, record: Record, *, similar: bool = True) -> DetailTold:
    """Look up what belongs to an entry.

    Args:
        similar: the other calls of its endpoint too; that looks through the whole session.
    """
    if not record.entry.is_request:
        return DetailTold(record.seq)
    calls = _similar(reader, record) if similar else ()
    view = next(
        (
            one
            for one in reader.page_views(record.session_id)
            if one.page_view_id == record.page_view_id
        ),
        None,
    )
    if view is None or view.entry_count > LOOKED_AT:
        return DetailTold(record.seq, calls)
    cause = initiator_url(record)
    initiator: Record | None = None
    caused: list[Record] = []
    for other in reader.iter_records(
        record.session_id,
        page_view_id=record.page_view_id,
        entry_types=tuple(REQUEST_ENTRY_TYPES),
    ):
        if other.seq == record.seq:
            continue
        if cause is not None and other.entry.name == cause and initiator is None:
            initiator = other
        if initiator_url(other) == record.entry.name:
            caused.append(other)
    return DetailTold(record.seq, calls, initiator, tuple(caused))


def _similar(reader: Reader, record: Record) -> tuple[Record, ...]:
    from perftui.analysis.same_endpoint import SameEndpoint

    index = reader.index(
        record.session_id, order=Order.ARRIVAL, predicate=SameEndpoint.of(record.entry)
    )
    place = next((at for at, seq in enumerate(index.seqs) if seq >= record.seq), 0)
    first = max(0, min(place - SIMILAR_CALLS // 2, len(index) - SIMILAR_CALLS))
    return tuple(reader.records(index.seqs[first : first + SIMILAR_CALLS]))
