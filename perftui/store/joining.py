"""One request seen from two sides: by the browser and by a proxy.

Both name it by the proxy's flow ID: the proxy's ``request`` entry in ``flowId``, the browser's
entry in the ``Server-Timing`` metric that the proxy put into the response.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

import msgspec

from perftui.entry_fields import ENTRY_FIELDS, FieldKind
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
    its clock is another. The browser names a redirected request by its first URL, and has no entry
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
    extra["proxy"] = {"startTime": proxy.start_us / 1000, **_own_times(proxy)}
    if _target(browser.name) != _target(proxy.name):
        changes["name"] = proxy.name
        extra["requestedUrl"] = browser.name
    return msgspec.structs.replace(browser, **changes, extra=extra)


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
