"""One entry of a HAR file as a request, in the dialects of those who write such files.

Sources: http://www.softwareishard.com/blog/har-12-spec/ (sections ``timings`` and ``response``); the
extra fields of Chrome, Firefox, Safari, WebPageTest, Charles, Playwright and mitmproxy as their files
have them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin

import msgspec

from perftui.capture.har_values import microseconds, size_of, word_of
from perftui.model import JSON, Entry

_PROTOCOLS = {
    "1.0": "http/1.0",
    "1.1": "http/1.1",
    "2.0": "h2",
    "http/1.0": "http/1.0",
    "http/1.1": "http/1.1",
    "http/2": "h2",
    "http/2.0": "h2",
    "http/2+quic/46": "h3",
    "http/3": "h3",
    "http/3.0": "h3",
    "h2": "h2",
    "h3": "h3",
    "spdy": "spdy",
}


def entry_of(
    told: Mapping[str, JSON],
    request: Mapping[str, JSON],
    response: Mapping[str, JSON],
    *,
    start_us: int,
    is_document: bool,
) -> Entry:
    """One HAR entry as a request that starts at ``start_us`` (µs since its page's start)."""
    content = response.get("content")
    content = content if isinstance(content, dict) else {}
    headers = _headers(response.get("headers"))
    status = size_of(response.get("status"))
    coding = headers.get("content-encoding")
    fields = _sizes(told, response, content, status, coding)
    media_type = word_of(content.get("mimeType"))
    initiator = told.get("_resourceType")
    url = request["url"]
    assert isinstance(url, str)
    entry = Entry(
        entry_type="navigation" if is_document else "resource",
        name=url,
        start_us=start_us,
        duration_us=microseconds(told.get("time")),
        initiator_type="navigation" if is_document else word_of(initiator),
        method=word_of(request.get("method")),
        next_hop_protocol=_protocol(told, request, response),
        content_type=media_type.partition(";")[0].strip().lower() if media_type else None,
        content_encoding=coding,
        delivery_type="cache" if _is_from_cache(told) else None,
        render_blocking_status=_render_blocking(told),
        response_status=status if status and status < 1000 else None,
        extra=_extra(told, request, response, content, headers),
        **fields,
    )
    return _with_timings(entry, told.get("timings"))


def of_mitmproxy(response: JSON) -> JSON:
    """mitmproxy writes the size of the encoded body as ``content.size``: the decoded one is that
    and what compression saved."""
    content = response.get("content") if isinstance(response, dict) else None
    if not isinstance(response, dict) or not isinstance(content, dict):
        return response
    size, saved = size_of(content.get("size")), content.get("compression")
    if size is None or not isinstance(saved, int):
        return response
    return {**response, "content": {**content, "size": max(0, size + saved)}}


def _headers(value: JSON) -> dict[str, str]:
    """Names in lower case; of several the last."""
    found: dict[str, str] = {}
    if isinstance(value, list):
        for one in value:
            if isinstance(one, dict):
                name, text = one.get("name"), one.get("value")
                if isinstance(name, str) and isinstance(text, str):
                    found[name.lower()] = text
    return found


def _sizes(
    told: Mapping[str, JSON],
    response: Mapping[str, JSON],
    content: Mapping[str, JSON],
    status: int | None,
    coding: str | None,
) -> dict[str, Any]:
    """Transferred, encoded and decoded bytes; those of a body that came from the cache are not
    told as transferred.

    Where a compressed body is said to be no longer when it is decoded, its decoded size is not
    known: WebPageTest and early Browsertime give the encoded size in both places.
    """
    encoded = size_of(response.get("bodySize"))
    decoded = size_of(content.get("size"))
    header = size_of(response.get("headersSize"))
    transferred = size_of(response.get("_transferSize"))
    if transferred is None:
        transferred = size_of(told.get("_bytesIn"))
    if transferred is None and encoded is not None and header is not None:
        transferred = encoded + header
    if _is_from_cache(told):
        transferred = 0
    compression = content.get("compression")
    if (
        encoded is None
        and decoded is not None
        and isinstance(compression, int)
        and 0 <= compression <= decoded
    ):
        encoded = decoded - compression
    if encoded is None and transferred is not None and header is not None and status != 304:
        encoded = max(0, transferred - header)
    if decoded and decoded == encoded and coding and coding.lower() != "identity":
        decoded = None
    return {
        "transfer_size": transferred,
        "encoded_body_size": encoded,
        "decoded_body_size": decoded,
    }


def _protocol(
    told: Mapping[str, JSON], request: Mapping[str, JSON], response: Mapping[str, JSON]
) -> str | None:
    for value in (response.get("httpVersion"), request.get("httpVersion"), told.get("_protocol")):
        word = word_of(value)
        if word is not None:
            return _PROTOCOLS.get(word.lower(), word.lower()[:40])
    return None


def _render_blocking(told: Mapping[str, JSON]) -> str | None:
    value = word_of(told.get("_renderBlocking"))
    if value is None:
        return None
    return "blocking" if value in {"blocking", "in_body_parser_blocking"} else "non-blocking"


def _extra(
    told: Mapping[str, JSON],
    request: Mapping[str, JSON],
    response: Mapping[str, JSON],
    content: Mapping[str, JSON],
    headers: Mapping[str, str],
) -> dict[str, JSON]:
    extra: dict[str, JSON] = {}
    error = _error(told, response)
    if error is not None:
        extra["error"] = error
    if messages := _messages(told.get("_webSocketMessages")):
        extra["messages"] = messages
    words = {
        "statusText": response.get("statusText"),
        "redirectURL": response.get("redirectURL"),
        "serverIPAddress": told.get("serverIPAddress"),
        "connection": told.get("connection"),
        "priority": told.get("_priority"),
        # The word of the browser's trace, which says more than Resource Timing's.
        "renderBlocking": told.get("_renderBlocking"),
        "mimeType": content.get("mimeType"),
    }
    extra |= {name: value for name, value in words.items() if isinstance(value, str) and value}
    values = {
        "initiator": told.get("_initiator"),
        "requestHeaders": request.get("headers"),
        "responseHeaders": response.get("headers"),
    }
    extra |= {name: value for name, value in values.items() if value}
    told_body = size_of(request.get("bodySize"))
    if told_body:
        extra["requestBodySize"] = told_body
    if metrics := server_timing(headers.get("server-timing", "")):
        extra["serverTiming"] = metrics
    return extra


def _is_from_cache(told: Mapping[str, JSON]) -> bool:
    """Chrome says it with ``_fromCache``, Safari with ``_fetchType``."""
    return bool(told.get("_fromCache")) or told.get("_fetchType") in {"Memory Cache", "Disk Cache"}


def _error(told: Mapping[str, JSON], response: Mapping[str, JSON]) -> str | None:
    """Chrome and mitmproxy have ``_error``, Playwright ``_failureText``, Charles ``_charlesStatus``."""
    for value in (response.get("_error"), told.get("_error"), response.get("_failureText")):
        if (word := word_of(value)) is not None:
            return word
    status = word_of(response.get("_charlesStatus"))
    return None if status is None or status.upper() == "COMPLETE" else f"Charles: {status}"


def _messages(told: JSON) -> dict[str, JSON]:
    """Messages of a WebSocket, counted: payload bytes, those of binary ones without their Base64."""
    if not isinstance(told, list):
        return {}
    sent = received = byte_count = 0
    for message in told:
        if not isinstance(message, dict):
            continue
        data = message.get("data")
        if isinstance(data, str):
            size = len(data.encode("utf-8", "replace"))
            is_binary = message.get("opcode") == 2
            byte_count += size // 4 * 3 - data[-2:].count("=") if is_binary else size
        sent += 1 if message.get("type") == "send" else 0
        received += 1 if message.get("type") == "receive" else 0
    return {"sent": sent, "received": received, "bytes": byte_count}


def server_timing(header: str) -> list[JSON]:
    """The metrics of a ``Server-Timing`` header, as the browser has them (W3C Server Timing)."""
    metrics: list[JSON] = []
    for part in header.replace("\n", ",").split(","):
        name, *parameters = part.strip().split(";")
        if not name.strip():
            continue
        metric: dict[str, JSON] = {"name": name.strip(), "duration": 0, "description": ""}
        for parameter in parameters:
            key, _, value = parameter.partition("=")
            value = value.strip().strip('"')
            if key.strip().lower() == "dur":
                try:
                    metric["duration"] = float(value)
                except ValueError:
                    continue
            elif key.strip().lower() == "desc":
                metric["description"] = value
        metrics.append(metric)
    return metrics


def _with_timings(entry: Entry, timings: JSON) -> Entry:
    """Place the phases one after the other: blocked, dns, connect (ssl at its end), send, wait,
    receive. What is -1 did not happen or is not known."""
    if not isinstance(timings, dict):
        return entry
    steps = {
        name: microseconds(timings.get(name))
        for name in ("blocked", "dns", "connect", "ssl", "send", "wait", "receive")
    }
    told = [
        name
        for name in ("blocked", "dns", "connect", "send", "wait", "receive")
        if steps[name] is not None
    ]
    if not told:
        return entry
    changes: dict[str, Any] = {}
    extra = dict(entry.extra)
    at = entry.start_us + (steps["blocked"] or 0)
    changes["fetch_start_us"] = entry.start_us
    if (dns := steps["dns"]) is not None:
        changes["domain_lookup_start_us"] = at
        at += dns
        changes["domain_lookup_end_us"] = at
    if (connect := steps["connect"]) is not None:
        changes["connect_start_us"] = at
        at += connect
        changes["connect_end_us"] = at
        if steps["ssl"]:
            changes["secure_connection_start_us"] = max(at - connect, at - steps["ssl"])
    if (wait := steps["wait"]) is not None:
        changes["request_start_us"] = at
        at += steps["send"] or 0
        if steps["send"] is not None:
            extra["requestEnd"] = at / 1000
        at += wait
        changes["response_start_us"] = at
        if (receive := steps["receive"]) is not None:
            at += receive
            changes["response_end_us"] = at
    if entry.duration_us is None:
        changes["duration_us"] = at - entry.start_us
    return msgspec.structs.replace(entry, extra=extra, **changes)


def redirect_target(entry: Entry) -> str:
    """The absolute URL that a request's answer sends the browser to; its own where to none."""
    target = entry.extra.get("redirectURL")
    if not 300 <= (entry.response_status or 0) < 400 or not isinstance(target, str):
        return entry.name
    try:
        return urljoin(entry.name, target)
    except ValueError:  # such as an address of IPv6 that is none
        return entry.name


def is_document_entry(
    told: Mapping[str, JSON], request: Mapping[str, JSON], response: JSON
) -> bool:
    """Whether it is the answer that a page is made of: the first that is HTML and no redirect."""
    kind = told.get("_resourceType")
    answer = response if isinstance(response, dict) else {}
    if (
        isinstance(size_of(answer.get("status")), int)
        and 300 <= (size_of(answer.get("status")) or 0) < 400
    ):
        return False
    if isinstance(kind, str):
        return kind == "document"
    content = answer.get("content")
    media_type = content.get("mimeType") if isinstance(content, dict) else None
    return (
        isinstance(media_type, str)
        and "html" in media_type.lower()
        and (request.get("method") in {"GET", "POST", None})
    )
