"""One entry in words and figures: what the log prints, what ``--json`` says, what a row holds.

The JSON keys made here are an interface (documented in ``docs/json.md``): snake_case, with the
unit in the name; what is unknown is null.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from perftui.analysis.endpoints import endpoint, is_third_party
from perftui.analysis.phases import is_cached, phases, request_duration_us, time_to_first_byte_us
from perftui.analysis.resource_type import resource_type
from perftui.analysis.severity import Severity, judge
from perftui.config import Thresholds
from perftui.model import Entry, Record, Usual


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """What must be known beside an entry to describe it.

    Attributes:
        session_start_us: the session's start, µs since the epoch: what ``t+`` counts from.
        page_urls: pageview ID -> its URL, to tell first from third party.
        thresholds: what counts as slow.
        first_party: registrable domains of the page's own company.
        usual: endpoint -> what its calls usually take.
    """

    session_start_us: int
    page_urls: Mapping[str, str | None]
    thresholds: Thresholds = Thresholds()
    first_party: tuple[str, ...] = ()
    usual: Mapping[str, Usual] = {}


def severity_of(record: Record, around: Surroundings) -> Severity:
    """How bad it is, and why."""
    entry = record.entry
    usual = around.usual.get(endpoint(entry.method, entry.name)) if entry.is_request else None
    return judge(
        entry,
        around.thresholds,
        usual=usual,
        page_url=around.page_urls.get(record.page_view_id),
        first_party=around.first_party,
    )


def record_to_json(record: Record, around: Surroundings) -> dict[str, Any]:
    """A record as one JSON object. Every entry has the same first keys; a request has all."""
    entry = record.entry
    answer: dict[str, Any] = {
        "seq": record.seq,
        "session_id": record.session_id,
        "page_view_id": record.page_view_id,
        "page_view_number": record.page_view_number,
        "entry_type": entry.entry_type,
        "name": entry.name,
        "start_ms": _ms(record.start_epoch_us - around.session_start_us),
        "start_epoch_ms": _ms(record.start_epoch_us),
        # A navigation's entry lasts until the load event; its request does not.
        "duration_ms": _ms(request_duration_us(entry) if entry.is_request else entry.duration_us),
    }
    if entry.is_request:
        answer |= _request_to_json(entry, record, around)
    if entry.extra:
        answer["extra"] = entry.extra
    return answer


def _request_to_json(entry: Entry, record: Record, around: Surroundings) -> dict[str, Any]:
    severity = severity_of(record, around)
    page_url = around.page_urls.get(record.page_view_id)
    spans: dict[str, float | None] = {}
    for phase in phases(entry):
        key = f"{phase.name.value}_ms"
        spans[key] = (spans.get(key) or 0.0) + (phase.end_us - phase.start_us) / 1000
    return {
        "url": entry.name,
        "method": entry.method,
        "status": entry.response_status,
        "type": resource_type(entry).value,
        "initiator_type": entry.initiator_type,
        "protocol": entry.next_hop_protocol,
        "content_type": entry.content_type,
        "content_encoding": entry.content_encoding,
        "transfer_bytes": entry.transfer_size,
        "encoded_bytes": entry.encoded_body_size,
        "decoded_bytes": entry.decoded_body_size,
        "ttfb_ms": _ms(time_to_first_byte_us(entry)),
        "phases": {name: round(value or 0.0, 3) for name, value in spans.items()},
        "cached": is_cached(entry),
        "third_party": is_third_party(entry.name, page_url, around.first_party)
        if page_url
        else None,
        "timing_opaque": entry.is_timing_opaque,
        "render_blocking": _render_blocking(entry),
        "severity": severity.level.name.lower(),
        "reasons": [reason.words for reason in severity.reasons],
    }


def _render_blocking(entry: Entry) -> bool | None:
    status = entry.render_blocking_status
    return None if status is None else status == "blocking"


def _ms(value_us: int | None) -> float | None:
    return None if value_us is None else value_us / 1000
