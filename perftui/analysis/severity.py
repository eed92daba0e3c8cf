"""How bad an entry is, and why: every level has its reason in words, never a colour alone.

The thresholds are :class:`perftui.config.Thresholds` (``[thresholds]`` in ``perftui.toml``), whose
docstrings name their sources.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import NamedTuple

from perftui.analysis.endpoints import (
    is_same_origin,
    is_third_party,
    registrable_domain,
    split_url,
)
from perftui.analysis.phases import is_cached, request_duration_us
from perftui.analysis.resource_type import API_TYPES, STREAM_TYPES, ResourceType, resource_type
from perftui.analysis.text import format_bytes
from perftui.config import Thresholds
from perftui.entry_columns import EntryColumns
from perftui.model import Entry, Usual


class Level(IntEnum):
    """How bad it is; higher is worse."""

    OK = 0
    NOTE = 1
    """Worth knowing, no fault: cached, render-blocking, opaque, third party, a long task."""
    SLOW = 2
    """Slow or large."""
    VERY_SLOW = 3
    ERROR = 4


class Reason(NamedTuple):
    """Why.

    Attributes:
        level: how bad this alone is.
        code: for JSON and tests, such as ``slow-api``; one of :data:`REASON_CODES`.
        glyph: one cell.
        words: for people, such as ``1.37 s: API call of 500 ms or more``.
    """

    level: Level
    code: str
    glyph: str
    words: str


class Severity(NamedTuple):
    """The verdict: the worst level, and all reasons, the worst first."""

    level: Level
    reasons: tuple[Reason, ...]

    @property
    def glyph(self) -> str:
        """The glyph of the worst reason; a space where there is none."""
        return self.reasons[0].glyph if self.reasons else " "

    @property
    def words(self) -> str:
        """All reasons in one line."""
        return "; ".join([reason.words for reason in self.reasons])

    @property
    def is_slow(self) -> bool:
        """Whether anything in it is slow (or large)."""
        return any(Level.SLOW <= reason.level <= Level.VERY_SLOW for reason in self.reasons)


DEFAULT_THRESHOLDS = Thresholds()

FINE = Severity(Level.OK, ())

REASON_CODES = (
    "status-error",
    "blocked",
    "aborted",
    "failed",
    "script-error",
    "very-slow-api",
    "very-slow-asset",
    "poor-vital",
    "slow-api",
    "slow-asset",
    "slower-than-usual",
    "large",
    "long-task",
    "vital",
    "warning",
    "render-blocking",
    "opaque",
    "third-party",
    "cached",
)
"""Every code there is, worst first."""

GLYPHS = {
    "status-error": "✖",
    "blocked": "✖",
    "aborted": "✖",
    "failed": "✖",
    "script-error": "✖",
    "very-slow-api": "⇈",
    "very-slow-asset": "⇈",
    "poor-vital": "⇈",
    "slow-api": "▲",
    "slow-asset": "▲",
    "slower-than-usual": "▲",
    "large": "▼",
    "long-task": "▮",
    "vital": "▲",
    "warning": "!",
    "render-blocking": "◼",
    "opaque": "◌",
    "third-party": "↗",
    "cached": "c",
}

ASCII_GLYPHS = {
    "✖": "x",
    "▲": "^",
    "⇈": "&",
    "▼": "v",
    "▮": "#",
    "◼": "=",
    "◌": "?",
    "↗": "/",
    "◆": "*",
    "≡": "%",
}
"""What stands for a glyph in terminals and fonts without it."""

ERROR_FIELD = "error"
"""The field of :attr:`Entry.extra` that holds why a request failed, as the source told it, such
as ``net::ERR_BLOCKED_BY_CLIENT`` (HAR's ``_error``) or a proxy's message."""

LONG_TASK_MS = 50.0
"""Shorter tasks are not long (https://w3c.github.io/longtasks/)."""

LONG_TASK_SLOW_MS = 150.0
"""A task from here on counts as slow: RAIL's 50 ms budget for a response, three times
(https://web.dev/articles/rail); the drawing has its highest step there."""


def judge(
    entry: Entry,
    thresholds: Thresholds = DEFAULT_THRESHOLDS,
    usual: Usual | None = None,
    page_url: str | None = None,
    first_party: Iterable[str] = (),
) -> Severity:
    """How bad an entry is, and why.

    Args:
        usual: what earlier calls of the same endpoint took; None leaves that question out.
        page_url: of the page that made it, to tell a failed request of its own origin from one
            that is merely not told.
        first_party: registrable domains of the page's own company, which are no third parties.
    """
    if not entry.is_request:
        return _judge_happening(entry, thresholds)
    reasons: list[Reason] = []
    if failure := _failure(entry, page_url):
        reasons.append(failure)
    duration = request_duration_us(entry)
    if duration is not None:
        kind = resource_type(entry)
        _judge_duration(reasons, duration, kind, thresholds)
        if usual is not None and kind not in STREAM_TYPES:
            _judge_against_usual(reasons, duration, usual, thresholds)
    size = entry.transfer_size
    if size is not None and size >= thresholds.large_bytes:
        reasons.append(
            _reason(
                Level.SLOW,
                "large",
                f"{format_bytes(size)} transferred: {format_bytes(thresholds.large_bytes)} or more",
            )
        )
    if entry.render_blocking_status == "blocking":
        reasons.append(_reason(Level.NOTE, "render-blocking", "blocks rendering"))
    if (
        entry.is_timing_opaque
        and duration is not None
        and not (reasons and reasons[0].level is Level.ERROR)
    ):
        own = is_same_origin(entry.name, page_url)
        why = "not told by the browser" if own else "no Timing-Allow-Origin"
        reasons.append(_reason(Level.NOTE, "opaque", f"{why}: only the total is known"))
    if is_third_party(entry.name, page_url, first_party):
        domain = registrable_domain(split_url(entry.name).host)
        reasons.append(_reason(Level.NOTE, "third-party", f"third party: {domain}"))
    if is_cached(entry):
        how = "not modified (304)" if entry.response_status == 304 else "from the cache"
        reasons.append(_reason(Level.NOTE, "cached", how))
    if not reasons:
        return FINE
    if len(reasons) > 1:
        reasons.sort(key=_worst_first)
    return Severity(reasons[0].level, tuple(reasons))


def is_error(entry: Entry, page_url: str | None = None) -> bool:
    """Whether it failed: status 400 or more, blocked, aborted, or (for the page's own origin)
    ended without phases, status and size; also a script error. What is of another origin and
    tells nothing is not known to have failed."""
    if entry.is_request:
        return _failure(entry, page_url) is not None
    return entry.entry_type == "error" or (
        entry.entry_type == "console" and _console_level(entry) == "error"
    )


def count_errors(entries: EntryColumns, page_url: str | None = None) -> int:
    """How many of them :func:`is_error`; those that plainly are not are not looked at closely."""
    columns = entries.columns
    doubtful = {
        place for place, extra in enumerate(columns.get("extra", ())) if ERROR_FIELD in extra
    }
    requests = entries.request_places()
    if len(requests) < len(entries):
        doubtful.update(set(range(len(entries))).difference(requests))
    statuses = columns.get("response_status", (None,) * len(entries))
    distinct = set(statuses)
    if page_url and None in distinct:
        names = columns["name"]
        doubtful.update(
            [
                place
                for place in requests
                if statuses[place] is None and is_same_origin(names[place], page_url)
            ]
        )
    failures = [status for status in distinct if status is not None and status >= 400]
    if not doubtful:
        return sum(map(statuses.count, failures))
    plain = [place for place in requests if statuses[place] in failures and place not in doubtful]
    return len(plain) + sum([is_error(entries[place], page_url) for place in doubtful])


def is_slow(
    entry: Entry, thresholds: Thresholds = DEFAULT_THRESHOLDS, usual: Usual | None = None
) -> bool:
    """Whether it is slow or large by :func:`judge`."""
    return judge(entry, thresholds, usual).is_slow


def _reason(level: Level, code: str, words: str) -> Reason:
    return Reason(level, code, GLYPHS[code], words)


_RANK = {code: rank for rank, code in enumerate(REASON_CODES)}


def _worst_first(reason: Reason) -> tuple[int, int]:
    return -reason.level, _RANK[reason.code]


def _failure(entry: Entry, page_url: str | None) -> Reason | None:
    told = entry.extra.get(ERROR_FIELD) if entry.extra else None
    if isinstance(told, str) and told:
        upper = told.upper()
        if "BLOCKED" in upper:
            return _reason(Level.ERROR, "blocked", f"blocked ({told})")
        if "ABORT" in upper or "CANCEL" in upper:
            return _reason(Level.ERROR, "aborted", f"aborted ({told})")
        return _reason(Level.ERROR, "failed", f"failed ({told})")
    status = entry.response_status
    if status is not None:
        if status >= 400:
            return _reason(Level.ERROR, "status-error", f"status {status}")
        return None
    if (
        page_url is not None
        and entry.duration_us is not None
        and entry.is_timing_opaque
        and not entry.transfer_size
        and not entry.encoded_body_size
        and not entry.decoded_body_size
        and entry.delivery_type != "cache"
        and entry.initiator_type not in NEVER_TOLD
        and is_same_origin(entry.name, page_url)
    ):
        return _reason(Level.ERROR, "failed", "failed: no answer from the page's own origin")
    return None


NEVER_TOLD = frozenset({"beacon", "ping", "websocket", "eventsource"})
"""Requests whose answer browsers do not report even to the page's own origin."""


def _judge_duration(
    reasons: list[Reason], duration_us: int, kind: ResourceType, thresholds: Thresholds
) -> None:
    if kind in STREAM_TYPES:
        return
    if kind in API_TYPES:
        slow, very_slow = thresholds.api_slow_ms, thresholds.api_very_slow_ms
        what, code = "API call", "api"
    else:
        slow, very_slow = thresholds.asset_slow_ms, thresholds.asset_very_slow_ms
        what, code = ("document" if kind is ResourceType.DOCUMENT else "asset"), "asset"
    milliseconds = duration_us / 1000
    if milliseconds >= very_slow:
        words = f"{_in_words(milliseconds)}: {what} of {_in_words(very_slow)} or more"
        reasons.append(_reason(Level.VERY_SLOW, f"very-slow-{code}", words))
    elif milliseconds >= slow:
        words = f"{_in_words(milliseconds)}: {what} of {_in_words(slow)} or more"
        reasons.append(_reason(Level.SLOW, f"slow-{code}", words))


def is_slower_than_usual(duration_us: int, usual: Usual, thresholds: Thresholds) -> bool:
    """The rule: enough calls, and both the factor and the excess over their median."""
    if usual.median_us is None or usual.calls < thresholds.usual_minimum_calls:
        return False
    return (
        duration_us >= usual.median_us * thresholds.usual_factor
        and duration_us - usual.median_us >= thresholds.usual_excess_ms * 1000
    )


def _judge_against_usual(
    reasons: list[Reason], duration_us: int, usual: Usual, thresholds: Thresholds
) -> None:
    if not is_slower_than_usual(duration_us, usual, thresholds):
        return
    assert usual.median_us is not None
    median = _in_words(usual.median_us / 1000)
    if usual.median_us > 0:
        words = f"{duration_us / usual.median_us:.1f} times its usual {median}"
    else:
        words = f"usually {median}"
    reasons.append(_reason(Level.SLOW, "slower-than-usual", words))


def _judge_happening(entry: Entry, thresholds: Thresholds) -> Severity:
    """The verdict about an entry that is no request."""
    kind = entry.entry_type
    duration_ms = None if entry.duration_us is None else entry.duration_us / 1000
    if kind == "error":
        return _one(_reason(Level.ERROR, "script-error", entry.name or "error"))
    if kind == "console":
        level = _console_level(entry)
        if level == "error":
            return _one(_reason(Level.ERROR, "script-error", "console error"))
        return _one(_reason(Level.NOTE, "warning", "console warning")) if level == "warn" else FINE
    if kind == "longtask" and duration_ms is not None:
        words = f"main thread busy for {_in_words(duration_ms)}"
        return _long_task(duration_ms >= LONG_TASK_SLOW_MS, words)
    if kind == "long-animation-frame" and duration_ms is not None:
        blocking_ms = frame_blocking_us(entry) / 1000
        blocked = _in_words(blocking_ms) if blocking_ms else "none"
        words = f"frame of {_in_words(duration_ms)}, {blocked} of it blocking"
        return _long_task(blocking_ms >= LONG_TASK_SLOW_MS - LONG_TASK_MS, words)
    if kind in {"event", "first-input"} and duration_ms is not None:
        return _against_vital("interaction", duration_ms, thresholds.inp_ms, "ms")
    if kind == "layout-shift" and not entry.extra.get("hadRecentInput"):
        value = entry.extra.get("value")
        if isinstance(value, int | float):
            return _against_vital("layout shift", float(value), thresholds.cls, "")
    if kind == "largest-contentful-paint":
        return _against_vital("LCP candidate", entry.start_us / 1000, thresholds.lcp_ms, "ms")
    if kind == "paint" and entry.name == "first-contentful-paint":
        return _against_vital("FCP", entry.start_us / 1000, thresholds.fcp_ms, "ms")
    return FINE


def _long_task(slow: bool, words: str) -> Severity:
    return _one(_reason(Level.SLOW if slow else Level.NOTE, "long-task", words))


def frame_blocking_us(entry: Entry) -> int:
    """How long a long animation frame kept input waiting, µs: its ``blockingDuration``, what its
    tasks took beyond 50 ms each (https://w3c.github.io/long-animation-frames/). Its duration is
    no measure of that: a frame also lasts while the main thread waits to render. A field that is
    not there is 0, as on the wire."""
    value = entry.extra.get("blockingDuration")
    return round(value * 1000) if isinstance(value, int | float) else 0


def _console_level(entry: Entry) -> str:
    level = entry.extra.get("level")
    return level if isinstance(level, str) else entry.name


def _against_vital(what: str, value: float, limits: tuple[float, float], unit: str) -> Severity:
    good, poor = limits
    shown = _in_words(value) if unit else f"{value:.3f}"
    if value > poor:
        limit = _in_words(poor) if unit else f"{poor:g}"
        return _one(_reason(Level.VERY_SLOW, "poor-vital", f"{what} {shown}: poor above {limit}"))
    if value > good:
        limit = _in_words(good) if unit else f"{good:g}"
        return _one(_reason(Level.SLOW, "vital", f"{what} {shown}: good up to {limit}"))
    return FINE


def _one(reason: Reason) -> Severity:
    return Severity(reason.level, (reason,))


def _in_words(milliseconds: float) -> str:
    """``212 ms``, ``1.37 s``."""
    if milliseconds < 999.5:
        return f"{milliseconds:.0f} ms"
    return f"{milliseconds / 1000:.2f}".rstrip("0").rstrip(".") + " s"
