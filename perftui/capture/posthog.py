"""Exports of PostHog: events whose ``$performance_raw`` holds the page's whole performance timeline,
as the first versions of its network view stored them on ``$pageview``.

The document is an array of events, the ``results`` of its API, or events one after the other (one
a line). ``properties`` and ``$performance_raw`` may be JSON within a string. The timeline is
``{"navigation": …, "paint": …, "resource": …}``, each a list of entries, or ``[names, rows]``: that
is how posthog-js spared itself the repetition of the names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from hashlib import blake2b
from typing import Any, BinaryIO

import msgspec

from perftui.capture.batch import decode_batch, decode_document
from perftui.capture.har_values import moment_us
from perftui.capture.json_slices import JsonSlices
from perftui.config import Settings
from perftui.errors import ImportFileError, IntakeError
from perftui.model import JSON, Batch

Fault = Callable[[str], None]

SOURCE = "posthog"
MAX_NESTING = 64
_NOT_IN_ID = re.compile(r"[^A-Za-z0-9._:-]")
_BEGINNING = re.compile(
    rb'\s*(?:\[|\{\s*"(?:results|next|event|uuid|id|distinct_id|properties)"\s*:)'
)


def looks_like_posthog(head: bytes) -> bool:
    """Whether a JSON document that begins so is an export of PostHog (and no HAR file)."""
    return _BEGINNING.match(head.removeprefix(b"\xef\xbb\xbf")) is not None


def read_posthog(
    stream: BinaryIO, settings: Settings, received_us: int, fault: Fault
) -> Iterator[Batch]:
    """Batches of an export: one for each event that has a timeline.

    Args:
        received_us: the moment of the import, µs since the epoch; where an event does not tell
            its own.
        fault: told of what is left out, with the event's number from 0.

    Raises:
        ImportFileError: it is no JSON, or none of its events has a timeline.
    """
    without = 0
    found = 0
    number = -1
    try:
        for number, event in enumerate(_events(stream)):
            if not isinstance(event, dict):
                fault(f"event {number}: not an object, or damaged")
                continue
            properties = _unwrapped(event.get("properties"))
            properties = properties if isinstance(properties, dict) else {}
            if "$performance_raw" not in properties:
                without += 1
                continue
            timeline = _unwrapped(properties["$performance_raw"])
            if not isinstance(timeline, dict):
                fault(f"event {number}: $performance_raw: not an object, or damaged")
                continue
            found += 1
            yield from _batches(number, event, properties, timeline, settings, received_us, fault)
    except ImportFileError as error:
        if not found:
            raise
        fault(f"after event {number}: {error}")
    if not found:
        raise ImportFileError("no event in it has $performance_raw")
    if without:
        fault(f"{without} events without $performance_raw were left out")


def _events(stream: BinaryIO) -> Iterator[JSON]:
    slices = JsonSlices(stream)
    if slices.peek() == b"[":
        for _ in slices.elements():
            yield _decoded(slices.value())
        return
    while slices.peek():
        document = _decoded(slices.value())
        results = document.get("results") if isinstance(document, dict) else None
        if isinstance(results, list):
            yield from results
        else:
            yield document


def _decoded(raw: bytes) -> JSON:
    try:
        return decode_document(raw, max_nesting=MAX_NESTING)
    except IntakeError:
        return None


def _unwrapped(value: JSON) -> JSON:
    """JSON within a string, as such."""
    return _decoded(value.encode("utf-8", "replace")) if isinstance(value, str) else value


def _entries(timeline: Mapping[str, JSON]) -> list[JSON]:
    entries: list[JSON] = []
    for kind, told in timeline.items():
        if not isinstance(told, list):
            continue
        if _is_table(told):
            names, rows = told
            told = [dict(zip(names, row, strict=False)) for row in rows if isinstance(row, list)]
        entries += [{"entryType": kind, **one} for one in told if isinstance(one, dict)]
    return entries


def _is_table(told: list[JSON]) -> bool:
    return (
        len(told) == 2
        and all(isinstance(part, list) for part in told)
        and all(isinstance(name, str) for name in told[0])
    )


def _identifier(value: JSON, otherwise: str) -> str:
    if not isinstance(value, str) or not value:
        return otherwise
    return _NOT_IN_ID.sub("-", value)[:128]


def _batches(
    number: int,
    event: Mapping[str, JSON],
    properties: Mapping[str, JSON],
    timeline: Mapping[str, JSON],
    settings: Settings,
    received_us: int,
    fault: Fault,
) -> Iterator[Batch]:
    digest = blake2b(msgspec.json.encode(event), digest_size=12).hexdigest()
    moment = moment_us(event.get("timestamp"))
    if moment is None:
        fault(f"event {number}: timestamp: no moment; that of the import is taken")
    entries = _entries(timeline)
    url = properties.get("$current_url")
    if isinstance(url, str) and url:
        entries.insert(
            0, {"entryType": "pageview", "name": url, "startTime": 0, "duration": 0, "kind": "load"}
        )
    page: dict[str, Any] = {
        "url": url,
        "title": properties.get("title"),
        "referrer": properties.get("$referrer"),
    }
    client: dict[str, Any] = {
        "sdk": f"posthog-js/{properties.get('$lib_version', '')}".rstrip("/"),
    }
    at_once = settings.server.max_entries
    # The event was made when the last of its entries had ended: the origin lies before that.
    origin_us: int | None = None
    for part, begin in enumerate(range(0, max(1, len(entries)), at_once)):
        document: dict[str, Any] = {
            "sessionId": _identifier(properties.get("$session_id"), f"posthog-{digest}"),
            "pageViewId": _identifier(
                properties.get("$pageview_id") or event.get("uuid") or event.get("id"),
                f"view-{digest}",
            ),
            "batchId": f"{digest}-{part}",
            "source": SOURCE,
            "page": {name: value for name, value in page.items() if isinstance(value, str)},
            "client": client,
            "entries": entries[begin : begin + at_once],
        }
        if origin_us is not None:
            document["timeOrigin"] = origin_us / 1000
        try:
            decoded = decode_batch(
                msgspec.json.encode(document),
                received_us=received_us if moment is None else moment,
                settings=settings.server,
            )
        except IntakeError as error:
            fault(f"event {number}: {error}")
            return
        origin_us = decoded.batch.time_origin_us
        for rejection in decoded.rejected:
            fault(f"event {number}, entry {begin + rejection.index}: {rejection.reason}")
        yield decoded.batch
