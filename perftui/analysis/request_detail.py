"""Everything that is known of one entry, in words, and why the rest is not known.

What is unknown is said to be unknown, with the reason: it is never 0 and never left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import msgspec

from perftui.analysis.endpoints import endpoint, is_same_origin, is_third_party, split_url
from perftui.analysis.headers import headers
from perftui.analysis.phases import (
    PhaseName,
    is_cached,
    phase_durations,
    request_duration_us,
    reused_connection,
    time_to_first_byte_us,
)
from perftui.analysis.resource_type import resource_type
from perftui.analysis.text import format_bytes, format_count, format_duration, format_moment
from perftui.entry_fields import ENTRY_FIELDS
from perftui.model import JSON, Entry, Record, Usual

NOT_REPORTED = "not reported by this source"
NO_ALLOW_ORIGIN = "unknown: no Timing-Allow-Origin"

PHASE_WORDS: dict[PhaseName, str] = {
    PhaseName.REDIRECT: "redirect",
    PhaseName.WORKER: "service worker",
    PhaseName.QUEUE: "queue",
    PhaseName.DNS: "DNS",
    PhaseName.CONNECT: "TCP",
    PhaseName.TLS: "TLS",
    PhaseName.REQUEST: "send",
    PhaseName.WAIT: "wait",
    PhaseName.RECEIVE: "receive",
    PhaseName.OPAQUE: "opaque",
    PhaseName.SPAN: "in all",
}
"""How the phases are called on the screen; those of the browsers' own panels."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that is known, or not.

    Attributes:
        label: what it is.
        value: from outside, not sanitised; None where it is not known.
        note: more about it; where it is not known, why.
    """

    label: str
    value: str | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class PhaseFact:
    """How long one phase took.

    Attributes:
        name: of the phase.
        duration_us: None where it is not known.
        note: why it is as it is.
    """

    name: PhaseName
    duration_us: int | None
    note: str = ""


def why_unknown(entry: Entry, page_url: str | None) -> str:
    """Why the browser tells so little of a request."""
    if entry.is_timing_opaque and page_url and not is_same_origin(entry.name, page_url):
        return NO_ALLOW_ORIGIN
    return NOT_REPORTED


def phase_facts(entry: Entry, page_url: str | None = None) -> list[PhaseFact]:
    """The phases of a request in order, those without length included; each with a word on why
    where there is one. A phase that did not take place in this request is left out if it is a
    rare one (redirect, service worker, send)."""
    durations = phase_durations(entry)
    reused = reused_connection(entry)
    cached = is_cached(entry)
    reason = why_unknown(entry, page_url)
    found: list[PhaseFact] = []
    for name in (
        PhaseName.REDIRECT,
        PhaseName.WORKER,
        PhaseName.QUEUE,
        PhaseName.DNS,
        PhaseName.CONNECT,
        PhaseName.TLS,
        PhaseName.REQUEST,
        PhaseName.WAIT,
        PhaseName.RECEIVE,
    ):
        duration = durations.get(name)
        if duration is None:
            if name in {PhaseName.REDIRECT, PhaseName.WORKER, PhaseName.REQUEST}:
                continue
            found.append(PhaseFact(name, None, reason))
            continue
        note = ""
        if duration == 0 and name in {PhaseName.DNS, PhaseName.CONNECT, PhaseName.TLS}:
            if cached and entry.response_status != 304:
                note = "cached"
            elif reused:
                note = "reused connection"
            elif name is PhaseName.TLS and split_url(entry.name).scheme == "http":
                note = "plain http"
        found.append(PhaseFact(name, duration, note))
    return found


def size_facts(entry: Entry, page_url: str | None = None) -> list[Fact]:
    """What was transferred, and what it was once decoded."""
    reason = why_unknown(entry, page_url)
    wire, encoded, decoded = entry.transfer_size, entry.encoded_body_size, entry.decoded_body_size
    found = [
        _size("transferred", wire, reason, "cached" if wire == 0 and is_cached(entry) else ""),
        _size("body on the wire", encoded, reason, entry.content_encoding or ""),
        _size("body decoded", decoded, reason, ""),
    ]
    if encoded and decoded and decoded > encoded:
        found[2] = replace(found[2], note=f"{decoded / encoded:.1f} times the wire")
    return found


def _size(label: str, count: int | None, reason: str, note: str) -> Fact:
    if count is None:
        return Fact(label, None, reason)
    exact = f"{format_count(count)} bytes" if count >= 1000 else ""
    return Fact(label, format_bytes(count), ", ".join([part for part in (exact, note) if part]))


def request_facts(
    record: Record,
    session_start_us: int,
    page_url: str | None = None,
    usual: Usual | None = None,
    first_party: Iterable[str] = (),
) -> list[Fact]:
    """What a request was, and how it went.

    Args:
        session_start_us: µs since the epoch that moments count from.
        usual: what calls of its endpoint usually take.
    """
    entry = record.entry
    reason = why_unknown(entry, page_url)
    cached = is_cached(entry)
    facts = [
        Fact("URL", entry.name),
        Fact("method", entry.method, "" if entry.method else NOT_REPORTED),
        Fact(
            "status",
            None if entry.response_status is None else str(entry.response_status),
            "" if entry.response_status is not None else reason,
        ),
        Fact("type", resource_type(entry).value, entry.content_type or ""),
        Fact(
            "initiator",
            entry.initiator_type,
            "" if entry.initiator_type else NOT_REPORTED,
        ),
        Fact(
            "protocol", entry.next_hop_protocol or None, "" if entry.next_hop_protocol else reason
        ),
        Fact("started", f"{format_moment(record.start_epoch_us - session_start_us)} s"),
        Fact(
            "duration",
            None if (took := request_duration_us(entry)) is None else format_duration(took),
            "in flight" if took is None else _usual_words(took, usual),
        ),
        Fact(
            "time to first byte",
            None if (first := time_to_first_byte_us(entry)) is None else format_duration(first),
            "" if first is not None else reason,
        ),
        Fact(
            "cache",
            None if cached is None else "hit" if cached else "no",
            "" if cached is not None else reason,
        ),
        Fact(
            "party",
            None
            if not page_url
            else "third"
            if is_third_party(entry.name, page_url, first_party)
            else "first",
            split_url(entry.name).host,
        ),
        Fact(
            "render blocking",
            entry.render_blocking_status,
            "" if entry.render_blocking_status else NOT_REPORTED,
        ),
        Fact("endpoint", endpoint(entry.method, entry.name)),
    ]
    return [*facts, *size_facts(entry, page_url), *proxy_facts(entry)]


def proxy_facts(entry: Entry) -> list[Fact]:
    """What only a proxy (or a HAR file) tells of few requests: only what there is."""
    found: list[Fact] = []
    messages = entry.extra.get("messages")
    if isinstance(messages, Mapping):
        counts = [
            f"{format_count(count)} {way}"
            for way in ("sent", "received")
            if isinstance(count := messages.get(way), int)
        ]
        size = messages.get("bytes")
        payload = f"{format_bytes(size)} of payload" if isinstance(size, int) else ""
        found.append(Fact("messages", ", ".join(counts) or None, payload))
    asked = entry.extra.get("requestedUrl")
    if isinstance(asked, str):
        found.append(Fact("asked for", asked, "redirected from there"))
    own = entry.extra.get("proxy")
    protocol = own.get("nextHopProtocol") if isinstance(own, Mapping) else None
    if isinstance(protocol, str) and protocol != entry.next_hop_protocol:
        found.append(Fact("app's protocol", protocol, "behind the proxy"))
    policy = entry.extra.get("policyExtension")
    if isinstance(policy, str):
        found.append(Fact("policy", policy, "the proxy extended it by this"))
    return found


def _usual_words(took_us: int, usual: Usual | None) -> str:
    if usual is None or usual.median_us is None or usual.calls < 2:
        return ""
    words = f"usually {format_duration(usual.median_us)} ({format_count(usual.calls)} calls)"
    if usual.median_us > 0 and took_us > usual.median_us:
        words += f", {took_us / usual.median_us:.1f}×"
    return words


def server_timing(entry: Entry) -> list[Fact]:
    """The ``Server-Timing`` entries: what the server says it did."""
    told = entry.extra.get("serverTiming")
    found: list[Fact] = []
    if isinstance(told, list):
        for item in told:
            if not isinstance(item, Mapping):
                continue
            duration = item.get("duration")
            known = isinstance(duration, int | float) and not isinstance(duration, bool)
            value = format_duration(round(float(duration) * 1000)) if known and duration else None
            description = item.get("description")
            found.append(
                Fact(
                    str(item.get("name") or "?"),
                    value,
                    description if isinstance(description, str) else "",
                )
            )
    return found


def raw_lines(entry: Entry) -> list[str]:
    """The entry as the browser's own JSON, indented; fields that nobody told are null."""
    fields: dict[str, JSON] = {
        "entryType": entry.entry_type,
        "name": entry.name,
        "startTime": entry.start_us / 1000,
        "duration": None if entry.duration_us is None else entry.duration_us / 1000,
    }
    for column in ENTRY_FIELDS:
        value = getattr(entry, column.attribute)
        if value is None:
            continue
        fields[column.wire] = value / 1000 if column.attribute.endswith("_us") else value
    fields |= dict(entry.extra)
    text = msgspec.json.format(msgspec.json.encode(fields), indent=2)
    return text.decode().split("\n")


def header_groups(entry: Entry) -> list[tuple[str, list[Fact]]]:
    """Request and response headers, where the source tells them."""
    groups: list[tuple[str, list[Fact]]] = []
    for which in ("request", "response"):
        facts = [Fact(name, value) for name, value in headers(entry.extra, which)]
        if facts:
            groups.append((f"{which} headers", facts))
    return groups
