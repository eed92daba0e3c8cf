"""The entries as browsers really send them, decoded by straight-line code.

``capture.batch`` judges each entry field by field, with a reason for whatever is wrong. Nearly all
entries have nothing wrong, and there going through a table of thirty fields is what the speed of
the whole capture would hang on. So the same rules are written out once, from
``perftui.entry_fields``, as one function that gives up at the first thing unusual; a test holds it
against the rules in ``capture.batch``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from perftui.entry_fields import ENTRY_FIELDS, REQUEST_ENTRY_TYPES, FieldKind
from perftui.model import JSON, MAX_SAFE_INTEGER, Entry

EMPTY_FIELDS: Mapping[str, JSON] = {
    "serverTiming": [],
    "workerRouterEvaluationStart": 0,
    "workerCacheLookupStart": 0,
    "workerMatchedRouterSource": "",
    "workerFinalRouterSource": "",
}
"""Fields without a column of which this value says "there is none", in nearly every entry that
Chromium reports (Resource Timing, ServiceWorker Static Routing API): absent says the same."""

DecodeEntry = Callable[[Any, int, Callable[[JSON], JSON]], Entry | None]


def _generate() -> DecodeEntry:
    lines: list[str] = []
    emit = lines.append
    for field in ENTRY_FIELDS:
        name = field.attribute
        match field.kind:
            case FieldKind.TIME:
                emit(f"v = get({field.wire!r})")
                emit("if not v and (v is None or v.__class__ is int or v.__class__ is float):")
                emit(f"    {name} = None")
                emit("elif (v.__class__ is float or v.__class__ is int) and -MAX <= v <= MAX:")
                emit(f"    {name} = round(v * 1000) if v else None")
                emit("else:")
                emit("    return None")
            case FieldKind.SIZE:
                emit(f"v = get({field.wire!r}, default_size)")
                emit("if v is not None and (v.__class__ is not int or not 0 <= v <= MAX_INTEGER):")
                emit("    return None")
                emit(f"{name} = v")
            case FieldKind.STATUS:
                emit(f"v = get({field.wire!r})")
                emit("if v is not None and (v.__class__ is not int or not 0 <= v <= 999):")
                emit("    return None")
                emit(f"{name} = v or None")
            case FieldKind.TEXT:
                emit(f"v = get({field.wire!r})")
                emit("if v is not None and (")
                emit("    v.__class__ is not str or len(v) > limit or '\\0' in v")
                emit("):")
                emit("    return None")
                emit(f"{name} = v or None")
    sizes = [field.attribute for field in ENTRY_FIELDS if field.kind is FieldKind.SIZE]
    body = "\n    ".join(lines)
    source = f"""
def decode_entry(item, limit, within):
    if item.__class__ is not dict:
        return None
    get = item.get
    entry_type = get("entryType")
    name = get("name")
    start = get("startTime", 0)
    if (
        entry_type.__class__ is not str or not 0 < len(entry_type) <= 64 or "\\0" in entry_type
        or name.__class__ is not str or len(name) > limit or "\\0" in name
        or not (start.__class__ is float or start.__class__ is int) or not -MAX <= start <= MAX
    ):
        return None
    start_us = round(start * 1000)
    is_request = entry_type in REQUESTS
    default_size = 0 if is_request and entry_type != "request" else None
    {body}
    duration = get("duration", ABSENT)
    if duration is ABSENT:
        if not is_request:
            duration_us = 0
        elif response_end_us is None:
            duration_us = None
        else:
            duration_us = max(0, response_end_us - start_us)
    elif duration is None:
        duration_us = None
    elif (duration.__class__ is float or duration.__class__ is int) and 0 <= duration <= MAX:
        duration_us = round(duration * 1000)
    else:
        return None
    if (
        is_request and request_start_us is None and response_start_us is None
        and not {" and not ".join(sizes)}
    ):
        {" = ".join(sizes)} = None
    extra = {{}}
    for key in item:
        if key not in KNOWN:
            v = item[key]
            if key in EMPTY and v == EMPTY[key] and v.__class__ is EMPTY[key].__class__:
                continue
            if len(key) > limit or "\\0" in key:
                return None
            extra[key] = within(v)
    return Entry(
        entry_type=entry_type, name=name, start_us=start_us, duration_us=duration_us, extra=extra,
        {", ".join(f"{field.attribute}={field.attribute}" for field in ENTRY_FIELDS)},
    )
"""
    namespace: dict[str, Any] = {
        "ABSENT": object(),
        "EMPTY": dict(EMPTY_FIELDS),
        "Entry": Entry,
        "KNOWN": frozenset(
            {"entryType", "name", "startTime", "duration", *(field.wire for field in ENTRY_FIELDS)}
        ),
        "MAX": MAX_SAFE_INTEGER / 1000,
        "MAX_INTEGER": MAX_SAFE_INTEGER,
        "REQUESTS": REQUEST_ENTRY_TYPES,
    }
    # Made of the constants above only, as dataclasses does.
    exec(source, namespace)  # noqa: S102
    decode: DecodeEntry = namespace["decode_entry"]
    return decode


decode_entry: DecodeEntry = _generate()
"""``decode_entry(item, limit, within)``: the entry of a decoded JSON value, or None where the slow
way has to judge. ``limit`` is the longest string in characters; ``within`` bounds a value that goes
to ``extra``."""
