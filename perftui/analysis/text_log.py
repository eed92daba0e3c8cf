"""The network log as plain lines: what ``perftui log`` prints, and what a screen reader reads.

Fixed columns, one line an entry, glyph and words for what is wrong; no colour is needed to read
it. Every string from outside goes through ``text.sanitise``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from perftui.analysis.ascii_text import to_ascii
from perftui.analysis.describe import Surroundings, severity_of
from perftui.analysis.endpoints import short_url
from perftui.analysis.phases import request_duration_us
from perftui.analysis.resource_type import label, resource_type
from perftui.analysis.severity import Level
from perftui.analysis.text import (
    counted,
    fit,
    format_bytes,
    format_duration,
    format_moment,
    sanitise,
)
from perftui.model import Record, SessionSummary

MINIMUM_URL_WIDTH = 16
"""Narrower than this a URL says nothing; the line is then wider than asked for."""

STYLES: Mapping[Level, Mapping[str, Any]] = {
    Level.OK: {},
    Level.NOTE: {},
    Level.SLOW: {"fg": "yellow"},
    Level.VERY_SLOW: {"fg": "red"},
    Level.ERROR: {"fg": "red", "bold": True},
}
"""Severity -> keyword arguments of ``click.style``: always beside a glyph and words."""


class Line(msgspec.Struct, frozen=True):
    """A line of text, safe for a terminal, and the style that it may be printed in."""

    text: str
    style: Mapping[str, Any] = {}


class TextLog:
    """Formats the entries of one session for a line of ``width`` cells; notes and what is no
    request may go on beyond it, as nothing of them is cut."""

    def __init__(self, around: Surroundings, width: int, *, ascii_only: bool = False) -> None:
        self._around = around
        self._safe: Callable[[str], str] = _safe_ascii if ascii_only else sanitise
        self._ours: Callable[[str], str] = to_ascii if ascii_only else str
        # t+ 9, method 7, status 4, type 6, size 8, duration 8 and the spaces between.
        self._url_width = max(MINIMUM_URL_WIDTH, (width - 48) * 2 // 3)

    def header(self, summary: SessionSummary) -> list[str]:
        """The session in one line, and the names of the columns."""
        what = summary.label or summary.title or summary.url or ""
        unknown = (
            f" (+{summary.unknown_size_count} of unknown size)"
            if summary.unknown_size_count
            else ""
        )
        lines = [
            f"session {self._safe(summary.session_id)}  {self._safe(what)}",
            f"{counted(summary.page_view_count, 'pageview')},"
            f" {counted(summary.request_count, 'request')}, {counted(summary.error_count, 'error')},"
            f" {format_bytes(summary.transfer_bytes)} transferred{unknown},"
            f" {format_duration(summary.duration_us)}",
            f"{'t+ s':>9} {'method':6} {'st':>3} {'type':5} "
            f"{fit('url', self._url_width)} {'size':>7} {'dur':>7}  notes",
        ]
        return [self._ours(line) for line in lines]

    def line(self, record: Record) -> Line:
        """One entry as one line."""
        if record.entry.is_request:
            return self._request(record)
        return self._event(record)

    def _moment(self, record: Record) -> str:
        return format_moment(record.start_epoch_us - self._around.session_start_us)

    def _request(self, record: Record) -> Line:
        entry = record.entry
        severity = severity_of(record, self._around)
        page_url = self._around.page_urls.get(record.page_view_id)
        status = "?" if entry.response_status is None else str(entry.response_status)
        notes = "; ".join(f"{reason.glyph} {reason.words}" for reason in severity.reasons)
        text = (
            f"{self._moment(record):>9} {fit(self._safe(entry.method or ''), 6)} {fit(f'{status:>3}', 3)}"
            f" {label(resource_type(entry)):5}"
            f" {fit(self._safe(short_url(entry.name, page_url)), self._url_width, where='middle')}"
            f" {format_bytes(entry.transfer_size):>7} {format_duration(request_duration_us(entry)):>7}"
            f"  {self._safe(notes)}"
        )
        return Line(self._ours(text.rstrip()), STYLES[severity.level])

    def _event(self, record: Record) -> Line:
        entry = record.entry
        details = event_words(record)
        duration = format_duration(entry.duration_us) if entry.duration_us else ""
        text = (
            f"{self._moment(record):>9} {'·':6} {'':>3} {'':5} ─ {self._safe(details)} {duration}"
        )
        return Line(self._ours(text.rstrip()), {"fg": "cyan"})


def _safe_ascii(text: str) -> str:
    return to_ascii(sanitise(text))


def event_words(record: Record, name: str | None = None) -> str:
    """What an entry that is no request says, in a few words; not yet sanitised.

    Args:
        name: what stands for the entry's name, where there is little room for it.
    """
    entry, extra = record.entry, record.entry.extra
    name = entry.name if name is None else name
    match entry.entry_type:
        case "pageview":
            return f"pageview {record.page_view_number} ({extra.get('kind', 'load')}) {name}"
        case "paint":
            return name
        case "largest-contentful-paint":
            target = extra.get("selector") or extra.get("url") or ""
            return f"largest contentful paint candidate {target}".rstrip()
        case "layout-shift":
            return f"layout shift {extra.get('value', 0):.4f}" + (
                " (after input)" if extra.get("hadRecentInput") else ""
            )
        case "longtask":
            return "long task"
        case "long-animation-frame":
            return "long animation frame"
        case "event" | "first-input":
            return f"{entry.entry_type} {name} {extra.get('selector', '')}".rstrip()
        case "capture":
            return f"event {name}"
        case "action":
            return f"{name} {extra.get('selector', '')}".rstrip()
        case "error":
            return f"✖ {name}: {extra.get('message', '')}"
        case "console":
            return f"console.{name} {extra.get('message', '')}"
        case "visibility":
            return f"page {name}"
        case _:
            return f"{entry.entry_type} {name}"
