"""What a HAR page tells of its load by itself: the events of its document, paints, layout shifts, long
tasks and user timing, as the browser would have reported them.

HAR 1.2 has ``pageTimings.onContentLoad`` and ``.onLoad``. All else is in fields of those who write
such files: chrome-har and Browsertime put theirs into ``pageTimings`` and ``_googleWebVitals``,
WebPageTest into the page itself. Times are milliseconds since the page's start in all of them, and
0 or -1 stand for "not measured".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from perftui.capture.har_values import microseconds
from perftui.model import JSON, Entry

MAX_ENTRIES = 5_000
"""Long tasks, shifts and marks of one page that are kept."""

_DOCUMENT_EVENTS: Mapping[str, tuple[str, ...]] = {
    "domInteractive": ("_domInteractiveTime", "_domInteractive"),
    "domContentLoadedEventStart": ("_domContentLoadedEventStart",),
    "domContentLoadedEventEnd": (
        *("onContentLoad", "_domContentLoadedEventEnd", "_domContentLoadedTime"),
    ),
    "domComplete": ("_domComplete",),
    "loadEventStart": ("_loadEventStart",),
    "loadEventEnd": ("onLoad", "_loadEventEnd", "_docTime"),
}
"""Field of Navigation Timing -> fields of HAR, the first that is told counts."""

_FIRST_PAINT = ("_firstPaint", "_startRender", "_render")
_FIRST_CONTENTFUL_PAINT = ("_firstContentfulPaint", "_chromeUserTiming.firstContentfulPaint")
_LARGEST_CONTENTFUL_PAINT = (
    *("_largestContentfulPaint", "_LargestContentfulPaint"),
    "_chromeUserTiming.LargestContentfulPaint",
)
_CUMULATIVE_LAYOUT_SHIFT = (
    *("_cumulativeLayoutShift", "_CumulativeLayoutShift"),
    "_chromeUserTiming.CumulativeLayoutShift",
)

_MOMENTS = {
    "_firstVisualChange": "firstVisualChange",
    "_lastVisualChange": "lastVisualChange",
    "_visualComplete": "visualComplete",
    "_fullyLoaded": "fullyLoaded",
}
"""What WebPageTest and Browsertime see in a film of the page -> the mark that it becomes."""

_USER_MARK = "_userTime."


def _told(page: Mapping[str, JSON]) -> dict[str, JSON]:
    """All fields, wherever they are; what is nearer to the standard comes first."""
    told: dict[str, JSON] = {}
    vitals = page.get("_googleWebVitals")
    if isinstance(vitals, dict):
        told |= {f"_{name}": value for name, value in vitals.items()}
    told |= page
    timings = page.get("pageTimings")
    if isinstance(timings, dict):
        told |= {name: value for name, value in timings.items() if value != -1}
    return told


def _first_us(told: Mapping[str, JSON], names: tuple[str, ...]) -> int | None:
    """The first of some moments that was measured, µs since the page's start."""
    return next((at for name in names if (at := microseconds(told.get(name)))), None)


def with_document_events(navigation: Entry, page: Mapping[str, JSON]) -> Entry:
    """A navigation as the browser would have reported it: it lasts until the load event."""
    told = _told(page)
    extra = dict(navigation.extra)
    load = _first_us(told, _DOCUMENT_EVENTS["loadEventEnd"])
    for event, names in _DOCUMENT_EVENTS.items():
        at = _first_us(told, names)
        # WebPageTest takes its times from two clocks, which may disagree about the order.
        if at and (load is None or at <= load):
            extra[event] = at / 1000
    changes: dict[str, Any] = {}
    if load:
        if navigation.response_end_us is None and navigation.duration_us is not None:
            changes["response_end_us"] = navigation.start_us + navigation.duration_us
        changes["duration_us"] = max(navigation.duration_us or 0, load - navigation.start_us)
    if (index := microseconds(told.get("_SpeedIndex", told.get("_speedIndex")))) is not None:
        extra["speedIndex"] = index / 1000
    return msgspec.structs.replace(navigation, extra=extra, **changes)


def page_entries(page: Mapping[str, JSON]) -> tuple[list[Entry], int]:
    """What else a page tells.

    Returns:
        The entries in order of their kinds, and how many there were beyond :data:`MAX_ENTRIES`.
    """
    entries: list[Entry] = []
    beyond = 0
    for entry in _entries(_told(page)):
        if len(entries) < MAX_ENTRIES:
            entries.append(entry)
        else:
            beyond += 1
    return entries, beyond


def _entries(told: Mapping[str, JSON]) -> Iterator[Entry]:
    if first_paint := _first_us(told, _FIRST_PAINT):
        yield _at("paint", "first-paint", first_paint)
    if contentful := _first_us(told, _FIRST_CONTENTFUL_PAINT):
        yield _at("paint", "first-contentful-paint", contentful)
    if largest := _first_us(told, _LARGEST_CONTENTFUL_PAINT):
        image = told.get("_LargestContentfulPaintImageURL")
        extra = {"url": image} if isinstance(image, str) and image else {}
        yield _at("largest-contentful-paint", "", largest, extra)
    yield from _shifts(told)
    yield from _long_tasks(told.get("_longTasks"))
    for name, mark in _MOMENTS.items():
        if at := microseconds(told.get(name)):
            yield _at("mark", mark, at)
    yield from _user_marks(told)


def _at(
    entry_type: str, name: str, start_us: int, extra: Mapping[str, JSON] | None = None
) -> Entry:
    return Entry(
        entry_type=entry_type, name=name, start_us=start_us, duration_us=0, extra=extra or {}
    )


def _shifts(told: Mapping[str, JSON]) -> Iterator[Entry]:
    """Each shift where they are told one by one, else their sum as one shift at the load event: CLS
    is known then, and when it came about is not."""
    listed = told.get("_LayoutShifts")
    if isinstance(listed, list) and listed:
        for shift in listed:
            if isinstance(shift, dict):
                at, score = microseconds(shift.get("time")), _score(shift.get("score"))
                if at is not None and score is not None:
                    yield _at("layout-shift", "", at, {"value": score, "hadRecentInput": False})
        return
    for name in _CUMULATIVE_LAYOUT_SHIFT:
        if (score := _score(told.get(name))) is not None:
            load = _first_us(told, _DOCUMENT_EVENTS["loadEventEnd"]) or 0
            extra: dict[str, JSON] = {"value": score, "hadRecentInput": False, "isSum": True}
            yield _at("layout-shift", "", load, extra)
            return


def _score(value: JSON) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value <= 1_000 else None


def _long_tasks(listed: JSON) -> Iterator[Entry]:
    """Pairs of start and end."""
    if not isinstance(listed, list):
        return
    for task in listed:
        if isinstance(task, list) and len(task) == 2:
            start, end = microseconds(task[0]), microseconds(task[1])
            if start is not None and end is not None and end >= start:
                yield Entry(
                    entry_type="longtask",
                    name="unknown",
                    start_us=start,
                    duration_us=end - start,
                )


def _user_marks(told: Mapping[str, JSON]) -> Iterator[Entry]:
    """Marks of User Timing: WebPageTest's ``_userTime.NAME`` and ``_userTimes``, and the list
    ``_userTimings`` of chrome-har."""
    marks: dict[str, JSON] = {
        name.removeprefix(_USER_MARK): value
        for name, value in told.items()
        if name.startswith(_USER_MARK)
    }
    times = told.get("_userTimes")
    if isinstance(times, dict):
        marks |= times
    timings = told.get("_userTimings")
    if isinstance(timings, list):
        for timing in timings:
            if isinstance(timing, dict) and isinstance(name := timing.get("name"), str):
                marks.setdefault(name, timing.get("startTime"))
    for name, value in marks.items():
        if (at := microseconds(value)) is not None:
            yield _at("mark", name, at)
