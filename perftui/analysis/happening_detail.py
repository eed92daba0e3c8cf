"""The fields of an entry that is no request (a long task, an interaction, an analytics event), in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from perftui.analysis.request_detail import Fact
from perftui.analysis.text import format_duration
from perftui.model import JSON, Entry

MOST_ITEMS = 40
"""Items of a list, and fields of an object, that are told; the raw entry has all."""

MOST_LEVELS = 3
"""Objects within objects that are taken apart; what is deeper is told as JSON."""


def happening_facts(entry: Entry) -> list[Fact]:
    """What the source told beyond type, name and times. Objects are taken apart
    (``properties.plan``); each script of a long animation frame is its duration, what called it and
    where it is from (Long Animation Frames API, ``PerformanceScriptTiming``)."""
    return [fact for key, value in entry.extra.items() for fact in _facts(key, value)]


def _facts(label: str, value: JSON, level: int = 1) -> Iterator[Fact]:
    if value is None:
        return
    if isinstance(value, bool):
        yield Fact(label, "yes" if value else "no")
    elif isinstance(value, str):
        yield Fact(label, value, "" if value else "empty")
    elif isinstance(value, int | float):
        yield Fact(label, str(value))
    elif level > MOST_LEVELS:
        yield Fact(label, _json(value))
    elif isinstance(value, Mapping):
        for key, inner in list(value.items())[:MOST_ITEMS]:
            yield from _facts(f"{label}.{key}", inner, level + 1)
    else:
        yield from _items(label, value, level)


def _items(label: str, items: Sequence[JSON], level: int) -> Iterator[Fact]:
    if items and all(isinstance(one, str | int | float) for one in items):
        shown = [one if isinstance(one, str) else _json(one) for one in items[:MOST_ITEMS]]
        yield Fact(label, ", ".join(shown))
        return
    for number, one in enumerate(items[:MOST_ITEMS], 1):
        if label == "scripts" and isinstance(one, Mapping):
            yield _script(number, one)
        else:
            yield Fact(f"{label} {number}", _json(one))
    if (more := len(items) - MOST_ITEMS) > 0:
        yield Fact(label, f"{more} more")


def _script(number: int, script: Mapping[str, JSON]) -> Fact:
    took = script.get("duration")
    known = isinstance(took, int | float) and not isinstance(took, bool)
    words: list[str] = []
    for field in ("invoker", "sourceFunctionName", "sourceURL"):
        told = script.get(field)
        if isinstance(told, str) and told and told not in words:
            words.append(told)
    duration = format_duration(round(took * 1000)) if known and took is not None else None
    return Fact(f"script {number}", duration or "—", "  ".join(words))


def _json(value: JSON) -> str:
    return msgspec.json.encode(value).decode()
