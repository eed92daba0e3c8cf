"""Moments as a person types them, for the replay's playhead."""

from __future__ import annotations

import re

from perftui.analysis.timeline import Timeline

_CLOCK = re.compile(r"(?:(?P<hours>\d+):)?(?P<minutes>\d+):(?P<seconds>\d+(?:\.\d+)?)")
_SECONDS = re.compile(r"(?P<value>\d+(?:\.\d+)?)\s*(?P<unit>ms|s|m|min|h)?")
_PERCENT = re.compile(r"(?P<value>\d+(?:\.\d+)?)\s*%")
_ROW = re.compile(r"#(?P<row>\d+)")

_UNITS_US = {"ms": 1_000, "s": 1_000_000, "m": 60_000_000, "min": 60_000_000, "h": 3_600_000_000}

EXAMPLES = "12.4, 1:05, 300ms, 40%, #17"
"""What can be typed, as a hint."""


def parse_moment(text: str, timeline: Timeline) -> int:
    """Session time (µs) of ``12.4`` (seconds since the start), ``1:05``, ``1:02:03.5``,
    ``300ms``, ``40%`` (of the played session) or ``#17`` (the start of the 17th entry); held
    within the session.

    Raises:
        ValueError: it is none of these; the message says what is.
    """
    told = text.strip().lower().removeprefix("t+").strip()
    if found := _PERCENT.fullmatch(told):
        fraction = min(float(found["value"]), 100.0) / 100
        return timeline.to_session(round(fraction * timeline.played_us))
    if found := _ROW.fullmatch(told):
        row = min(max(int(found["row"]), 1), max(1, len(timeline.index)))
        return timeline.start_of(row - 1) if len(timeline.index) else timeline.start_us
    if found := _CLOCK.fullmatch(told):
        minutes = int(found["hours"] or 0) * 60 + int(found["minutes"])
        at_us = round((minutes * 60 + float(found["seconds"])) * 1_000_000)
    elif found := _SECONDS.fullmatch(told):
        at_us = round(float(found["value"]) * _UNITS_US[found["unit"] or "s"])
    else:
        raise ValueError(f"no moment: {text.strip()!r}; type one like {EXAMPLES}")
    return min(max(at_us, timeline.start_us), timeline.end_us)
