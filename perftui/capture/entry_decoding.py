"""The entries as browsers really send them, decoded by straight-line code.

``capture.batch`` judges each entry field by field, with a reason for whatever is wrong. Nearly all
entries have nothing wrong, and there going through a table of thirty fields is what the speed of
the whole capture would hang on. So the same rules are written out once, from
``perftui.entry_fields``, as one function that gives up at the first thing unusual; a test holds it
against the rules in ``capture.batch``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Annotated, Any, Literal

import msgspec

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


# --- without the detour over a dictionary -----------------------------------------------------


class Envelope(msgspec.Struct):
    """The envelope of a batch, its entries still as bytes. What is absent is UNSET."""

    sessionId: Any = msgspec.UNSET  # noqa: N815
    pageViewId: Any = msgspec.UNSET  # noqa: N815
    entries: list[msgspec.Raw] | msgspec.UnsetType = msgspec.UNSET
    batchId: Any = msgspec.UNSET  # noqa: N815
    timeOrigin: Any = msgspec.UNSET  # noqa: N815
    sentAt: Any = msgspec.UNSET  # noqa: N815
    page: Any = msgspec.UNSET
    client: Any = msgspec.UNSET
    dropped: Any = msgspec.UNSET
    source: Any = msgspec.UNSET


decode_envelope: Callable[[bytes], Envelope] = msgspec.json.Decoder(Envelope).decode
"""Raises msgspec.DecodeError, UnicodeDecodeError or RecursionError where it is nothing usual."""


@lru_cache(maxsize=8)
def resource_decoder(limit: int) -> Callable[[msgspec.Raw], Entry]:
    """A decoder of usual ``resource`` entries, which are nearly all that is sent: JSON to typed
    values in C, with the bounds of ``capture.batch``.

    The bytes must hold no escaped NUL. The decoder raises msgspec.DecodeError, UnicodeDecodeError
    or RecursionError at whatever is not usual: another type, a field that is not known, a value
    out of its bounds.
    """
    most = MAX_SAFE_INTEGER / 1000
    time = Annotated[float, msgspec.Meta(ge=-most, le=most)]
    size = Annotated[int, msgspec.Meta(ge=0, le=MAX_SAFE_INTEGER)]
    status = Annotated[int, msgspec.Meta(ge=0, le=999)]
    text = Annotated[str, msgspec.Meta(max_length=limit)]
    kinds: dict[FieldKind, tuple[Any, Any]] = {
        FieldKind.TIME: (time | None, None),
        FieldKind.SIZE: (size | None, 0),
        FieldKind.STATUS: (status | None, None),
        FieldKind.TEXT: (text | None, None),
    }
    fields: list[Any] = [
        ("name", text),
        ("entryType", Literal["resource"]),
        ("startTime", time, 0.0),
        (
            "duration",
            Annotated[float, msgspec.Meta(ge=0, le=most)] | None | msgspec.UnsetType,
            msgspec.UNSET,
        ),
        *((field.wire, *kinds[field.kind]) for field in ENTRY_FIELDS),
        ("serverTiming", Annotated[list[Any], msgspec.Meta(max_length=0)], ()),
        *(
            (name, Literal[value], value)
            for name, value in EMPTY_FIELDS.items()
            if name != "serverTiming"
        ),
    ]
    wire = msgspec.defstruct("ResourceEntry", fields, forbid_unknown_fields=True, gc=False)
    namespace: dict[str, Any] = {
        "Entry": Entry,
        "UNSET": msgspec.UNSET,
        "astuple": msgspec.structs.astuple,
        "decode": msgspec.json.Decoder(wire).decode,
    }
    # Made of the constants above only, as dataclasses does.
    exec(_resource_source(), namespace)  # noqa: S102
    decoder: Callable[[msgspec.Raw], Entry] = namespace["decode_resource"]
    return decoder


def _resource_source() -> str:
    names: list[str] = []
    lines: list[str] = []
    emit = lines.append
    for field in ENTRY_FIELDS:
        name = field.attribute
        names.append(name)
        match field.kind:
            case FieldKind.TIME:
                # On a connection that stands most moments are the one before.
                emit(f"if not {name}:")
                emit(f"    {name} = None")
                emit(f"elif {name} == before:")
                emit(f"    {name} = before_us")
                emit("else:")
                emit(f"    before = {name}")
                emit(f"    {name} = before_us = round(before * 1000) if before else None")
            case FieldKind.SIZE:
                pass
            case _:
                emit(f"{name} = {name} or None")
    sizes = [field.attribute for field in ENTRY_FIELDS if field.kind is FieldKind.SIZE]
    body = "\n    ".join(lines)
    return f"""
def decode_resource(raw):
    (name, _, start, duration, {", ".join(names)}, *_) = astuple(decode(raw))
    start_us = round(start * 1000)
    before = start or None
    before_us = start_us if start else None
    {body}
    if duration is None:
        duration_us = None
    elif duration is not UNSET:
        duration_us = round(duration * 1000)
    elif response_end_us is None:
        duration_us = None
    else:
        duration_us = max(0, response_end_us - start_us)
    if (
        request_start_us is None and response_start_us is None
        and not {" and not ".join(sizes)}
    ):
        {" = ".join(sizes)} = None
    return Entry(
        entry_type="resource", name=name, start_us=start_us, duration_us=duration_us,
        {", ".join(f"{name}={name}" for name in names)},
    )
"""
