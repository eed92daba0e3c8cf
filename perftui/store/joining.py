"""One request seen from two sides: by the browser and by a proxy.

Both name it by the proxy's flow ID: the proxy's ``request`` entry in ``flowId``, the browser's
entry in the ``Server-Timing`` metric that the proxy put into the response.

A frame's document is told by two pages: as the frame's ``navigation`` and as a ``resource`` of the
page around it. The navigation is the request, whatever came first, and what the page around told is
kept as a ``frame``.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec

from perftui.entry_fields import ENTRY_FIELDS, FRAME_ENTRY_TYPE, FieldKind
from perftui.model import JSON, Entry

SERVER_TIMING_NAME = "perftui"
"""The name of the proxy's Server-Timing metric; its description is the flow ID."""

FLOW_FIELD = "flowId"

PROXY_TRUTH = (
    "method",
    "response_status",
    "content_type",
    "content_encoding",
    "transfer_size",
    "encoded_body_size",
    "decoded_body_size",
)
"""What the proxy knows better: it saw the bytes, whatever the browser may tell the page."""

BODY_FIELDS = frozenset(
    {"content_type", "content_encoding", "encoded_body_size", "decoded_body_size"}
)
"""What a response without a body cannot tell of the one that it stands for."""

PROXY_EXTRA = (
    FLOW_FIELD,
    *("statusText", "serverIPAddress", "requestHeaders", "responseHeaders"),
    *("requestBody", "responseBody", "gzipSize", "brotliSize", "messages", "error"),
    "policyExtension",
)
"""What a proxy tells beyond the columns (docs/wire-format.md)."""

EMBEDDING_INITIATORS = frozenset({"iframe", "frame", "embed", "object"})
"""Elements that show another document within theirs, as Resource Timing names them."""


def has_flow_field(extra: Mapping[str, JSON]) -> bool:
    """Whether an entry with these fields may belong to a flow; :func:`flow_id` tells."""
    return "serverTiming" in extra or FLOW_FIELD in extra


def flow_id(entry: Entry) -> str | None:
    """The flow that an entry belongs to; None where there is none.

    An answer from the browser's cache repeats the headers of an older one, so it is of no flow.
    """
    extra = entry.extra
    if entry.entry_type == "request":
        told = extra.get(FLOW_FIELD)
        return told if isinstance(told, str) and told else None
    metrics = extra.get("serverTiming")
    if not isinstance(metrics, list) or not entry.is_request or _is_from_cache(entry):
        return None
    for metric in metrics:
        if isinstance(metric, dict) and metric.get("name") == SERVER_TIMING_NAME:
            description = metric.get("description")
            if isinstance(description, str) and description:
                return description
    return None


def is_of_frame(document: Entry, around: Entry) -> bool:
    """Whether of two browser entries of one flow the first is a frame's document, and the second
    what the page around the frame tells of it."""
    return document.entry_type == "navigation" and (
        around.entry_type == "resource" and around.initiator_type in EMBEDDING_INITIATORS
    )


def as_frame(around: Entry) -> Entry:
    """What the page around a frame told of its document, as no request of its own."""
    return msgspec.structs.replace(around, entry_type=FRAME_ENTRY_TYPE)


def _is_from_cache(entry: Entry) -> bool:
    """Whether nothing was asked. What the server was asked about and called unchanged (304) is no
    such entry, though the browser calls its delivery "cache" too."""
    if entry.transfer_size is None:
        return entry.delivery_type == "cache"
    return entry.transfer_size == 0 and (
        entry.delivery_type == "cache" or bool(entry.decoded_body_size)
    )


def merged(browser: Entry, proxy: Entry) -> Entry:
    """The browser's timing with the proxy's truth.

    What only the proxy tells (headers, bodies, its error) goes to ``extra`` beside what the browser
    told; ``extra["proxy"]`` holds the proxy's own times, in milliseconds from its start, as
    its clock is another, and its protocol. The browser names a redirected request by its first URL, and has no entry
    for the redirects: it gets the URL that answered, as each redirect is a row of the proxy's, and
    ``extra["requestedUrl"]`` is the first.
    """
    truth: tuple[str, ...] = PROXY_TRUTH
    if proxy.response_status == HTTPStatus.NOT_MODIFIED:
        # The body is the cached one: that none was sent says the transferred size.
        truth = tuple(name for name in truth if name not in BODY_FIELDS)
    changes: dict[str, object] = {
        name: told for name in truth if (told := getattr(proxy, name)) is not None
    }
    if browser.next_hop_protocol is None:
        changes["next_hop_protocol"] = proxy.next_hop_protocol
    if browser.initiator_type in {None, "other"} and proxy.initiator_type is not None:
        changes["initiator_type"] = proxy.initiator_type
    extra: dict[str, JSON] = {**proxy.extra, **browser.extra}
    own: dict[str, JSON] = {"startTime": proxy.start_us / 1000, **_own_times(proxy)}
    if proxy.next_hop_protocol is not None:
        # The browser's is what it speaks with the proxy, not what the app speaks.
        own["nextHopProtocol"] = proxy.next_hop_protocol
    extra["proxy"] = own
    if _target(browser.name) != _target(proxy.name):
        changes["name"] = proxy.name
        extra["requestedUrl"] = browser.name
    return msgspec.structs.replace(browser, **changes, extra=extra)


def told_by_proxy(joined: Entry) -> Entry | None:
    """The proxy's side of an entry that it was merged into; None where it was not."""
    times = joined.extra.get("proxy")
    if not isinstance(times, dict):
        return None
    start_us = _microseconds(times.get("startTime")) or 0
    protocol = times.get("nextHopProtocol")
    moments: dict[str, Any] = {
        field.attribute: start_us + offset
        for field in ENTRY_FIELDS
        if field.kind is FieldKind.TIME
        and (offset := _microseconds(times.get(field.wire))) is not None
    }
    return Entry(
        entry_type="request",
        name=joined.name,
        start_us=start_us,
        duration_us=_microseconds(times.get("duration")),
        next_hop_protocol=protocol if isinstance(protocol, str) else None,
        extra={key: joined.extra[key] for key in PROXY_EXTRA if key in joined.extra},
        **{name: getattr(joined, name) for name in PROXY_TRUTH},
        **moments,
    )


def _microseconds(milliseconds: JSON) -> int | None:
    return round(milliseconds * 1000) if isinstance(milliseconds, int | float) else None


def _target(url: str) -> str:
    """Path and query: between browser and proxy the origin may have another name."""
    begin = url.find("/", url.find("://") + 3)
    return url[begin:].partition("#")[0] if begin >= 0 else "/"


def _own_times(proxy: Entry) -> dict[str, JSON]:
    times: dict[str, JSON] = {}
    if proxy.duration_us is not None:
        times["duration"] = proxy.duration_us / 1000
    for field in ENTRY_FIELDS:
        if field.kind is FieldKind.TIME:
            moment = getattr(proxy, field.attribute)
            if moment is not None:
                times[field.wire] = (moment - proxy.start_us) / 1000
    return times
