"""Values of HAR files. -1 means "does not apply" or "unknown" there, and is ``None`` here, never 0."""

from __future__ import annotations

from datetime import UTC, datetime

from perftui.model import JSON, MAX_SAFE_INTEGER

MAX_TIME_US = MAX_SAFE_INTEGER

EARLIEST_US = 0
LATEST_US = 253_402_300_800_000_000
"""9999-12-31: the last moment that ISO 8601's four figures can say."""

_UNKNOWN_WORDS = frozenset({"", "unknown", "x-unknown", "x-unknown/x-unknown"})


def moment_us(value: JSON) -> int | None:
    """ISO 8601 as µs since the epoch; None for what is no moment between 1970 and 9999."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    try:
        found = round((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1_000_000)
    except OverflowError:
        return None
    return found if EARLIEST_US <= found < LATEST_US else None


def microseconds(value: JSON) -> int | None:
    """Milliseconds as µs; None for -1, other negative numbers, and what is no number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    if not 0 <= value <= MAX_TIME_US / 1000:
        return None
    return round(value * 1000)


def size_of(value: JSON) -> int | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return int(value) if 0 <= value <= MAX_SAFE_INTEGER else None


def word_of(value: JSON) -> str | None:
    return value if isinstance(value, str) and value.lower() not in _UNKNOWN_WORDS else None
