"""Raw timings made into phases: ordered, clamped, without gaps; what is unknown stays unknown.

Source of the order and of what lies between two moments: W3C Resource Timing, "Processing model",
and Navigation Timing Level 2; a first interim response (103) is no end of waiting.

All times here are µs since the time origin of the entry's document.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from perftui.model import Entry


class PhaseName(Enum):
    """What a request was doing. The values are names in JSON (``wait_ms``)."""

    REDIRECT = "redirect"
    WORKER = "service_worker"
    """From the service worker's start to the fetch event."""
    QUEUE = "queue"
    """Nothing that is told: waiting for a connection, a cache, a preflight, a slot."""
    DNS = "dns"
    CONNECT = "connect"
    TLS = "tls"
    REQUEST = "request"
    """Sending; only where the source tells when it ended (HAR files and proxies do)."""
    WAIT = "wait"
    RECEIVE = "receive"
    OPAQUE = "opaque"
    """The whole of a request whose phases are withheld or not told."""
    SPAN = "span"
    """The whole of an entry that is no request: a task, an event, a measure."""

    # Members are equal only to themselves; Enum's own hash is written in Python, and phases are
    # looked up for every cell that is drawn.
    __hash__ = object.__hash__


class Phase(NamedTuple):
    """One stretch of time: ``start_us`` to ``end_us``, µs since the time origin."""

    name: PhaseName
    start_us: int
    end_us: int

    @property
    def duration_us(self) -> int:
        """How long it took, µs."""
        return self.end_us - self.start_us


REQUEST_END = "requestEnd"
"""The field of :attr:`Entry.extra` that tells when the request had been sent, in milliseconds
since the time origin. Browsers do not tell it; HAR files (``send``) and proxies do."""


def request_end_us(entry: Entry) -> int | None:
    """When the request itself was over: the end of the entry, but for a navigation, whose entry
    lasts until the page's load event, the end of the response. None while in flight."""
    if entry.entry_type == "navigation" and entry.response_end_us is not None:
        return max(entry.start_us, entry.response_end_us)
    return None if entry.duration_us is None else entry.start_us + max(0, entry.duration_us)


def request_duration_us(entry: Entry) -> int | None:
    """From the start of the entry to :func:`request_end_us`; None while in flight."""
    end = request_end_us(entry)
    return None if end is None else end - entry.start_us


def phases(entry: Entry, until_us: int | None = None) -> tuple[Phase, ...]:
    """The phases of an entry, in order, each beginning where the one before ended, the first at
    ``entry.start_us``, the last ending with the request: their sum is its duration.

    Moments out of order or beyond the end are moved to the nearest possible place. A phase
    without length is left out, unless nothing else is left. An opaque request is one ``OPAQUE``
    phase, what is no request is one ``SPAN``.

    Args:
        until_us: where an entry in flight ends for now, µs since the time origin; without it,
            such an entry ends with the last moment that is known.
    """
    start = entry.start_us
    end = request_end_us(entry)
    if not entry.is_request:
        return (Phase(PhaseName.SPAN, start, end if end is not None else _open(start, until_us)),)
    if entry.is_timing_opaque:
        return (Phase(PhaseName.OPAQUE, start, end if end is not None else _open(start, until_us)),)
    if end is None:
        end = _open(_last_told(entry), until_us)

    found: list[Phase] = []
    at = start
    moment = entry.redirect_start_us
    redirected = entry.redirect_end_us
    if moment is not None and redirected is not None:
        at = _add(found, PhaseName.QUEUE, at, moment, end)
        at = _add(found, PhaseName.REDIRECT, at, redirected, end)
    if (moment := entry.worker_start_us) is not None:
        at = _add(found, PhaseName.QUEUE, at, moment, end)
        if (moment := entry.fetch_start_us) is not None:
            at = _add(found, PhaseName.WORKER, at, moment, end)
    moment = entry.domain_lookup_start_us
    looked_up = entry.domain_lookup_end_us
    if moment is not None and looked_up is not None:
        at = _add(found, PhaseName.QUEUE, at, moment, end)
        at = _add(found, PhaseName.DNS, at, looked_up, end)
    moment = entry.connect_start_us
    connected = entry.connect_end_us
    if moment is not None and connected is not None:
        at = _add(found, PhaseName.QUEUE, at, moment, end)
        secured = entry.secure_connection_start_us
        if secured is not None and secured <= connected:
            at = _add(found, PhaseName.CONNECT, at, secured, end)
            at = _add(found, PhaseName.TLS, at, connected, end)
        else:
            at = _add(found, PhaseName.CONNECT, at, connected, end)
    if (moment := entry.request_start_us) is not None:
        at = _add(found, PhaseName.QUEUE, at, moment, end)
        if entry.extra and (sent := _request_sent_us(entry)) is not None:
            at = _add(found, PhaseName.REQUEST, at, sent, end)
    answered = entry.final_response_headers_start_us
    if answered is None:
        answered = entry.response_start_us
    if answered is not None:
        waiting = PhaseName.WAIT if entry.request_start_us is not None else PhaseName.QUEUE
        at = _add(found, waiting, at, answered, end)
        rest = PhaseName.RECEIVE
    else:
        rest = PhaseName.WAIT if entry.request_start_us is not None else PhaseName.QUEUE
    if at < end or not found:
        if found and found[-1].name is rest:
            found[-1] = Phase(rest, found[-1].start_us, max(at, end))
        else:
            found.append(Phase(rest, at, max(at, end)))
    return tuple(found)


def _add(found: list[Phase], name: PhaseName, at: int, until: int, end: int) -> int:
    """Append the phase from ``at`` to ``until``, held within ``end``; say where it ends."""
    if until > end:
        until = end
    if until <= at:
        return at
    if found and found[-1].name is name:
        found[-1] = Phase(name, found[-1].start_us, until)
    else:
        found.append(Phase(name, at, until))
    return until


def _open(last: int, until_us: int | None) -> int:
    return last if until_us is None else max(last, until_us)


def _last_told(entry: Entry) -> int:
    """The last moment that is known of an entry in flight."""
    told = (
        entry.start_us,
        entry.redirect_end_us,
        entry.fetch_start_us,
        entry.domain_lookup_end_us,
        entry.connect_end_us,
        entry.request_start_us,
        entry.response_start_us,
        entry.final_response_headers_start_us,
        entry.response_end_us,
    )
    return max([moment for moment in told if moment is not None])


def _request_sent_us(entry: Entry) -> int | None:
    value = entry.extra.get(REQUEST_END)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return round(value * 1000) if abs(value) < 1e15 else None


def phase_durations(entry: Entry) -> dict[PhaseName, int | None]:
    """How long each phase of a request took, µs, the phases without length included as 0; None
    where it is not known. A reused connection has 0 for DNS, CONNECT and TLS.

    The keys are QUEUE, DNS, CONNECT, TLS, REQUEST, WAIT and RECEIVE, and REDIRECT and WORKER
    where there were any. All are None for an opaque request.
    """
    answer: dict[PhaseName, int | None] = dict.fromkeys(_USUAL)
    if not entry.is_request or entry.is_timing_opaque:
        return answer
    for name in (PhaseName.QUEUE, PhaseName.DNS, PhaseName.CONNECT, PhaseName.TLS):
        answer[name] = 0
    if _request_sent_us(entry) is not None:
        answer[PhaseName.REQUEST] = 0
    if entry.request_start_us is not None and entry.response_start_us is not None:
        answer[PhaseName.WAIT] = 0
    if entry.response_start_us is not None and request_end_us(entry) is not None:
        answer[PhaseName.RECEIVE] = 0
    for phase in phases(entry):
        answer[phase.name] = (answer.get(phase.name) or 0) + phase.end_us - phase.start_us
    return answer


_USUAL = (
    PhaseName.QUEUE,
    PhaseName.DNS,
    PhaseName.CONNECT,
    PhaseName.TLS,
    PhaseName.REQUEST,
    PhaseName.WAIT,
    PhaseName.RECEIVE,
)


def is_cached(entry: Entry) -> bool | None:
    """Whether the body came from a cache of the browser: ``deliveryType`` says so, nothing was
    transferred for a body that is there, or the server answered 304. None where the source does
    not tell. Source: Resource Timing, ``deliveryType`` and ``transferSize``.
    """
    if entry.delivery_type == "cache" or entry.response_status == 304:
        return True
    if entry.transfer_size is None:
        return None
    if entry.transfer_size == 0:
        return bool(entry.decoded_body_size or entry.encoded_body_size)
    # Fewer bytes than the body has can only be the headers of a 304 that the page sees as 200.
    return entry.encoded_body_size is not None and entry.transfer_size < entry.encoded_body_size


def reused_connection(entry: Entry) -> bool | None:
    """Whether an open connection served the request; None where the phases are not known or no
    connection was used (a cached answer)."""
    if not entry.is_request or entry.request_start_us is None:
        return None
    if entry.delivery_type == "cache" or (
        entry.transfer_size == 0 and bool(entry.decoded_body_size)
    ):
        return None
    if entry.connect_start_us is None or entry.connect_end_us is None:
        return True
    return entry.connect_end_us <= entry.connect_start_us


def time_to_first_byte_us(entry: Entry) -> int | None:
    """From the start of the entry to ``responseStart``, µs; None where that is not known."""
    if not entry.is_request or entry.response_start_us is None:
        return None
    return max(0, entry.response_start_us - entry.start_us)
