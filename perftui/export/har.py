"""Sessions as HAR 1.2, which the network panels of browsers and most tools of the field open.

What HAR cannot say goes into ``_perftui`` fields, from which ``perftui.capture.har`` makes the same
session again. What is unknown is -1, as HAR has it, or left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec

from perftui import __version__
from perftui.analysis.phases import PhaseName, phases, request_duration_us
from perftui.analysis.resource_type import ResourceType, resource_type
from perftui.export.wire import entry_to_wire, page_to_wire
from perftui.model import JSON, Entry, Page, PageView, Record, SessionSummary

_RESOURCE_TYPES = {
    ResourceType.XMLHTTPREQUEST: "xhr",
    ResourceType.BEACON: "ping",
    ResourceType.IFRAME: "document",
}
"""Where Chrome's name differs from ours."""

_HTTP_VERSIONS = {"h2": "HTTP/2", "h3": "HTTP/3", "http/1.1": "HTTP/1.1", "http/1.0": "HTTP/1.0"}


def har_pieces(
    summary: SessionSummary, page_views: Sequence[PageView], records: Iterable[Record]
) -> Iterator[bytes]:
    """A HAR document, piece by piece.

    Args:
        records: the entries of the session in any order, read once.
    """
    requests: list[Record] = []
    others: dict[str, list[Record]] = {}
    for record in records:
        if record.entry.is_request:
            requests.append(record)
        else:
            others.setdefault(record.page_view_id, []).append(record)
    requests.sort(key=lambda record: (record.start_epoch_us, record.seq))
    encode = msgspec.json.encode
    head = {
        "version": "1.2",
        "creator": {"name": "perftui", "version": __version__},
        "_perftui": {"sessionId": summary.session_id, "client": summary.client},
    }
    yield b'{"log":' + encode(head)[:-1] + b',"pages":['
    for number, view in enumerate(page_views):
        navigation = next(
            (
                record.entry
                for record in requests
                if record.page_view_id == view.page_view_id
                and record.entry.entry_type == "navigation"
            ),
            None,
        )
        page = _page(view, navigation, others.get(view.page_view_id, []))
        yield (b",\n" if number else b"\n") + encode(page)
    yield b'],"entries":['
    urls = {view.page_view_id: view for view in page_views}
    for number, record in enumerate(requests):
        yield (b",\n" if number else b"\n") + encode(_entry(record, urls))
    yield b"]}}\n"


def iso(epoch_us: int) -> str:
    """A moment as ISO 8601 in UTC with µs."""
    seconds, rest = divmod(epoch_us, 1_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:06d}Z"


def _page(view: PageView, navigation: Entry | None, others: Sequence[Record]) -> dict[str, Any]:
    timings: dict[str, Any] = {"onContentLoad": -1, "onLoad": -1}
    if navigation is not None and view.start_us == 0:
        timings["onContentLoad"] = _milliseconds(navigation, "domContentLoadedEventEnd")
        timings["onLoad"] = _milliseconds(navigation, "loadEventEnd")
    for record in others:
        name = {
            "first-paint": "_firstPaint",
            "first-contentful-paint": "_firstContentfulPaint",
        }.get(record.entry.name)
        if record.entry.entry_type == "paint" and name:
            timings[name] = record.entry.start_us / 1000
        elif record.entry.entry_type == "largest-contentful-paint":
            timings["_largestContentfulPaint"] = max(
                timings.get("_largestContentfulPaint", 0), record.entry.start_us / 1000
            )
    told = Page(
        url=view.url,
        title=view.title,
        referrer=view.referrer,
        navigation_type=view.navigation_type,
    )
    return {
        "startedDateTime": iso(view.start_epoch_us),
        "id": view.page_view_id,
        "title": view.url or view.title or "",
        "pageTimings": timings,
        "_perftui": {
            "pageViewId": view.page_view_id,
            "timeOrigin": view.time_origin_us / 1000,
            "page": page_to_wire(told),
            "entries": [
                entry_to_wire(record.entry) for record in sorted(others, key=lambda one: one.seq)
            ],
        },
    }


def _milliseconds(entry: Entry, field: str) -> float:
    value = entry.extra.get(field)
    return (
        value
        if isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0
        else -1
    )


def _entry(record: Record, page_views: Mapping[str, PageView]) -> dict[str, Any]:
    entry = record.entry
    timings = har_timings(entry)
    har: dict[str, Any] = {
        "pageref": record.page_view_id,
        "startedDateTime": iso(record.start_epoch_us),
        "time": sum(
            value
            for name, value in timings.items()
            if value > 0 and name in {"blocked", "dns", "connect", "send", "wait", "receive"}
        ),
        "request": _request(entry),
        "response": _response(entry),
        "cache": {},
        "timings": timings,
        "_resourceType": _RESOURCE_TYPES.get(resource_type(entry), resource_type(entry).value),
        "_perftui": {"entry": entry_to_wire(entry)},
    }
    for field in ("serverIPAddress", "connection"):
        value = entry.extra.get(field)
        if isinstance(value, str) and value:
            har[field] = value
    if isinstance(entry.extra.get("priority"), str):
        har["_priority"] = entry.extra["priority"]
    if isinstance(entry.extra.get("initiator"), dict):
        har["_initiator"] = entry.extra["initiator"]
    if entry.delivery_type == "cache":
        har["_fromCache"] = "disk"
    return har


def har_timings(entry: Entry) -> dict[str, float]:
    """HAR's ``timings`` in milliseconds; -1 where it does not apply or is not known. HAR wants
    ``send``, ``wait`` and ``receive`` as numbers: where phases are withheld the whole is ``wait``,
    with a comment."""
    unknown = {"blocked": -1.0, "dns": -1.0, "connect": -1.0, "ssl": -1.0}
    if entry.is_timing_opaque:
        total = request_duration_us(entry)
        return {**unknown, "send": 0.0, "wait": (total or 0) / 1000, "receive": 0.0}
    sums: dict[PhaseName, int] = {}
    for phase in phases(entry):
        sums[phase.name] = sums.get(phase.name, 0) + phase.duration_us
    blocked = sum(
        sums.get(name, 0) for name in (PhaseName.REDIRECT, PhaseName.WORKER, PhaseName.QUEUE)
    )
    tls = sums.get(PhaseName.TLS, 0)
    connect = sums.get(PhaseName.CONNECT, 0) + tls
    return {
        "blocked": blocked / 1000 if blocked else -1.0,
        "dns": sums[PhaseName.DNS] / 1000 if PhaseName.DNS in sums else -1.0,
        "connect": connect / 1000 if connect else -1.0,
        "ssl": tls / 1000 if tls else -1.0,
        "send": sums.get(PhaseName.REQUEST, 0) / 1000,
        "wait": sums.get(PhaseName.WAIT, 0) / 1000,
        "receive": sums.get(PhaseName.RECEIVE, 0) / 1000,
    }


def _version(entry: Entry) -> str:
    protocol = entry.next_hop_protocol
    return _HTTP_VERSIONS.get(protocol, protocol) if protocol else ""


def _headers(entry: Entry, field: str) -> list[dict[str, str]]:
    told: JSON = entry.extra.get(field)
    found: list[dict[str, str]] = []
    for one in told if isinstance(told, list) else []:
        if (
            isinstance(one, dict)
            and isinstance(one.get("name"), str)
            and isinstance(one.get("value"), str)
        ):
            found.append({"name": one["name"], "value": one["value"]})
        elif isinstance(one, list) and len(one) == 2 and all(isinstance(part, str) for part in one):
            found.append({"name": one[0], "value": one[1]})
    return found


def _request(entry: Entry) -> dict[str, Any]:
    return {
        "method": entry.method or "GET",
        "url": entry.name,
        "httpVersion": _version(entry),
        "cookies": [],
        "headers": _headers(entry, "requestHeaders"),
        "queryString": [
            {"name": name, "value": value}
            for name, value in parse_qsl(_query(entry.name), keep_blank_values=True)
        ],
        "headersSize": -1,
        "bodySize": -1,
    }


def _query(url: str) -> str:
    try:
        return urlsplit(url).query
    except ValueError:
        return ""


def _response(entry: Entry) -> dict[str, Any]:
    header_size = -1
    if (
        entry.transfer_size
        and entry.encoded_body_size is not None
        and entry.transfer_size >= entry.encoded_body_size
    ):
        header_size = entry.transfer_size - entry.encoded_body_size
    response: dict[str, Any] = {
        "status": entry.response_status or 0,
        "statusText": _text(entry, "statusText"),
        "httpVersion": _version(entry),
        "cookies": [],
        "headers": _headers(entry, "responseHeaders"),
        "content": {
            "size": -1 if entry.decoded_body_size is None else entry.decoded_body_size,
            "mimeType": _text(entry, "mimeType") or entry.content_type or "x-unknown",
        },
        "redirectURL": _text(entry, "redirectURL"),
        "headersSize": header_size,
        "bodySize": -1 if entry.encoded_body_size is None else entry.encoded_body_size,
    }
    if entry.transfer_size is not None:
        response["_transferSize"] = entry.transfer_size
    if error := _text(entry, "error"):
        response["_error"] = error
    return response


def _text(entry: Entry, field: str) -> str:
    value = entry.extra.get(field)
    return value if isinstance(value, str) else ""
