"""One entry as the row of a list: what stands in each column, in words. No colour, no width."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from perftui.analysis.describe import Surroundings, severity_of
from perftui.analysis.endpoints import short_url, split_url
from perftui.analysis.phases import request_duration_us, request_end_us
from perftui.analysis.resource_type import ResourceType, label, resource_type
from perftui.analysis.severity import Level, Severity
from perftui.analysis.text import ELLIPSIS, UNKNOWN, format_bytes, format_duration, format_moment
from perftui.analysis.text_log import event_words
from perftui.model import Record

IN_FLIGHT_STATUS = "···"
"""What stands for the status of a request that has no answer yet."""


@dataclass(frozen=True, slots=True)
class LogRow:
    """The cells of a row. Texts come from outside and are not sanitised.

    Attributes:
        cells: text by column name; without the chart.
        host, directory, leaf: the name in its parts: a foreign host, what leads to the last part
            of the path, and that part with the query. Joined they are the name. What is no
            request has its words in ``leaf``.
        kind: of a request; None for what is none.
        severity: how bad it is, and why.
        start_us: µs since the session's start.
        offset_us: what to add to the entry's own times to count from the session's start.
        growing: it is in flight.
        remarks: the reason to look at it, in fewer and fewer words; empty for none.
    """

    cells: dict[str, str]
    host: str
    directory: str
    leaf: str
    kind: ResourceType | None
    severity: Severity
    start_us: int
    offset_us: int
    growing: bool
    remarks: tuple[str, ...]


def log_row(record: Record, around: Surroundings, now_us: int | None = None) -> LogRow:
    """Describe a record.

    Args:
        now_us: the moment of the playhead, µs since the session's start: what ends after it is
            still in flight. None shows everything finished.
    """
    entry = record.entry
    offset = record.time_origin_us - around.session_start_us
    start = offset + entry.start_us
    cells = {"time": format_moment(start), "number": str(record.seq)}
    if not entry.is_request:
        severity = severity_of(record, around)
        cells["duration"] = format_duration(entry.duration_us) if entry.duration_us else ""
        # The glyph has a place of its own in a row.
        words = event_words(record, event_name(record, around)).removeprefix("✖ ")
        return LogRow(cells, "", "", words, None, severity, start, offset, False, ())
    end = request_end_us(entry)
    growing = end is None or (now_us is not None and end + offset > now_us)
    severity = FLYING if growing else severity_of(record, around)
    kind = resource_type(entry)
    status, size, took = UNKNOWN, format_bytes(entry.transfer_size), request_duration_us(entry)
    if growing:
        status, size = IN_FLIGHT_STATUS, ""
        took = None if now_us is None else max(0, now_us - start)
    elif entry.response_status is not None:
        status = str(entry.response_status)
    cells |= {
        "method": entry.method or initiator_label(entry.initiator_type),
        "status": status,
        "type": label(kind),
        "size": size,
        "duration": format_duration(took) + (ELLIPSIS if growing and took is not None else ""),
    }
    host, directory, leaf = name_parts(entry.name, around.page_urls.get(record.page_view_id))
    return LogRow(
        cells, host, directory, leaf, kind, severity, start, offset, growing, remarks(severity)
    )


def event_name(record: Record, around: Surroundings) -> str:
    """The name of what is no request: where it is a URL (of a pageview, a soft navigation), as a
    list shows it, with the host only where it is not that of the session's first page."""
    entry = record.entry
    if not entry.name.startswith(("http://", "https://")):
        return entry.name
    begins = entry.entry_type == "pageview" and record.page_view_number == 1
    first = None if begins else next(iter(around.page_urls.values()), None)
    return short_url(entry.name, first)


INITIATOR_LABELS: Mapping[str, str] = {
    "navigation": "nav",
    "xmlhttprequest": "xhr",
    "early-hints": "hints",
    "eventsource": "sse",
    "websocket": "ws",
}
"""Names of initiators (Resource Timing's) in at most 7 cells, where they are longer."""


def initiator_label(initiator: str | None) -> str:
    """What made a request, as it stands in for a method that nobody told: browsers do not."""
    return INITIATOR_LABELS.get(initiator or "", initiator or "")


FLYING = Severity(Level.OK, ())
"""Nothing can be said of a request that is not over."""


def name_parts(url: str, page_url: str | None) -> tuple[str, str, str]:
    """A URL as a list shows it, in three parts: the host where it is not the page's own, the way
    to the last part of the path, and that part with the query. Joined they are
    :func:`perftui.analysis.endpoints.short_url`."""
    shown = short_url(url, page_url)
    authority = split_url(url).authority
    host = authority if authority and shown.startswith(authority) else ""
    rest = shown[len(host) :]
    path = rest.partition("?")[0]
    cut = path.rstrip("/").rfind("/") + 1
    return host, rest[:cut], rest[cut:]


SHORT_REMARKS: Mapping[str, str] = {
    "slow-api": "slow",
    "very-slow-api": "very slow",
    "slow-asset": "slow",
    "very-slow-asset": "very slow",
    "slower-than-usual": "slower than usual",
    "large": "large",
}
"""Reason code -> what is said of it where there is little room."""


def remarks(severity: Severity) -> tuple[str, ...]:
    """Why a row is lit, in a few words, the longest first: what is unusual before what is over a
    threshold. Empty for a row that is not lit.

    The duration stands in its own column and is not said again.
    """
    bad = [reason for reason in severity.reasons if reason.level >= Level.SLOW]
    if not bad:
        return ()
    if bad[0].level is Level.ERROR:
        rest = [SHORT_REMARKS.get(reason.code, reason.words) for reason in bad[1:2]]
        return tuple(dict.fromkeys([", ".join([bad[0].words, *rest]), bad[0].words]))
    first = next((reason for reason in bad if reason.code == "slower-than-usual"), bad[0])
    words = first.words
    if first.code != "slower-than-usual":
        words = words.partition(": ")[2] or words
    return tuple(dict.fromkeys([words, SHORT_REMARKS.get(first.code, words)]))
