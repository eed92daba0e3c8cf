"""Batches and entries as the wire has them (``docs/wire-format.md``)."""

from __future__ import annotations

from typing import Any

from perftui.entry_fields import ENTRY_FIELDS, FieldKind
from perftui.model import Batch, Entry, Page

AT_ORIGIN_MS = 1e-9
"""A moment at the time origin itself. On the wire 0 says that it was not told, so a moment that is
known to be 0 is written as less than anything that the store can tell from 0."""


def page_to_wire(page: Page) -> dict[str, Any]:
    """What is known of a page."""
    told = {
        "url": page.url,
        "title": page.title,
        "referrer": page.referrer,
        "navigationType": page.navigation_type,
    }
    return {name: value for name, value in told.items() if value is not None}


def batch_to_wire(batch: Batch) -> dict[str, Any]:
    """A batch, with ``receivedAt`` and the key that it is known by."""
    wire: dict[str, Any] = {
        "sessionId": batch.session_id,
        "pageViewId": batch.page_view_id,
        "batchKey": batch.key.hex(),
        "receivedAt": batch.received_us / 1000,
        "source": batch.source,
    }
    if not batch.time_origin_estimated:
        wire["timeOrigin"] = batch.time_origin_us / 1000
    if batch.sent_us is not None:
        wire["sentAt"] = batch.sent_us / 1000
    wire["page"] = page_to_wire(batch.page)
    if batch.client:
        wire["client"] = batch.client
    if batch.dropped:
        wire["dropped"] = batch.dropped
    wire["entries"] = [entry_to_wire(entry) for entry in batch.entries]
    return wire


def entry_to_wire(entry: Entry) -> dict[str, Any]:
    """An entry with the W3C's names and milliseconds; what is unknown is null."""
    wire: dict[str, Any] = {
        **entry.extra,
        "entryType": entry.entry_type,
        "name": entry.name,
        "startTime": entry.start_us / 1000,
        "duration": None if entry.duration_us is None else entry.duration_us / 1000,
    }
    for field in ENTRY_FIELDS:
        value = getattr(entry, field.attribute)
        if field.kind is FieldKind.SIZE:
            if value is not None or entry.is_request:
                wire[field.wire] = value
        elif value is not None:
            wire[field.wire] = (
                (value / 1000 or AT_ORIGIN_MS) if field.kind is FieldKind.TIME else value
            )
    return wire
