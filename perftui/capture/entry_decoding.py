"""The entries as browsers really send them, decoded quickly.

``capture.batch`` judges each entry field by field, with a reason for whatever is wrong. Nearly all
entries have nothing wrong, and there going through a table of thirty fields is what the speed of
the whole capture would hang on. So the same rules are written twice more, from
``perftui.entry_fields``: for ``resource`` entries, which are nearly all that is sent, as a type
that msgspec decodes and checks in C, and whose entries stay in columns from there on; for all
others as straight-line code. Both give up at the first thing unusual, and tests hold both against
the rules in ``capture.batch``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Annotated, Any, Literal

import msgspec

from perftui.entry_columns import Column, EntryColumns
from perftui.entry_fields import ENTRY_FIELDS, REQUEST_ENTRY_TYPES, FieldKind
from perftui.model import JSON, MAX_SAFE_INTEGER, Entry

EMPTY_FIELDS: Mapping[str, JSON] = {
    "serverTiming": [],
    "workerRouterEvaluationStart": 0,
    "workerCacheLookupStart": 0,
    "workerMatchedRouterSource": "",
    "workerFinalRouterSource": "",
    "workerMatchedSourceType": "",
    "workerFinalSourceType": "",
}
"""Fields without a column of which this value says "there is none", in nearly every entry that
Chromium reports (Resource Timing, ServiceWorker Static Routing API, whose names Chromium has not
followed yet): absent says the same."""

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
    body = "\n        ".join(lines)
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
    is_plain = not is_request and FIELDS.isdisjoint(item)
    if not is_plain:
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
    if is_plain:
        return Entry(
            entry_type=entry_type, name=name, start_us=start_us, duration_us=duration_us,
            extra=extra,
        )
    return Entry(
        entry_type=entry_type, name=name, start_us=start_us, duration_us=duration_us, extra=extra,
        {", ".join(f"{field.attribute}={field.attribute}" for field in ENTRY_FIELDS)},
    )
"""
    namespace: dict[str, Any] = {
        "ABSENT": object(),
        "EMPTY": dict(EMPTY_FIELDS),
        "Entry": Entry,
        "FIELDS": frozenset(field.wire for field in ENTRY_FIELDS),
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


# --- resource entries, by column --------------------------------------------------------------


class Envelope(msgspec.Struct):
    """The envelope of a batch, its entries still as bytes. What is absent is UNSET."""

    sessionId: Any = msgspec.UNSET  # noqa: N815
    pageViewId: Any = msgspec.UNSET  # noqa: N815
    fields: Any = msgspec.UNSET
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

RESOURCE_NESTING = 4
"""How deep the values of a usual batch of resource entries lie: entries, entry, serverTiming,
metric."""

ROUNDING_RANGE_US = 2**51

ROUND = 1.5 * 2**52
"""A float of this size has no fraction, so adding it to another one of less than
:data:`ROUNDING_RANGE_US` rounds that to a whole number, and half to even, as ``round`` does (IEEE
754, 4.3.1); what is taken off again leaves it as it is. Three times as fast as ``round``."""


class ResourceDecoder:
    """Decodes usual ``resource`` entries with the bounds of ``capture.batch``.

    The bytes must hold no escaped NUL. Decoding raises msgspec.DecodeError, UnicodeDecodeError or
    RecursionError at whatever is not usual: another type, a field that is not known, a value out
    of its bounds, more values than fields.

    Args:
        limit: the longest string in characters.
        fields: of entries that are told as rows, the fields that the values of a row are of:
            distinct names of :data:`RESOURCE_FIELDS`. None for entries that are objects.

    Attributes:
        fields: likewise.
        item: decodes one entry.
    """

    def __init__(self, limit: int, fields: tuple[str, ...] | None = None) -> None:
        self.fields = fields
        self._names = list(fields or ())
        self._places = _Places(RESOURCE_FIELDS if fields is None else fields)
        resource, batch = _decoders(limit, fields, only_usual_words=False)
        self.item: Callable[[bytes], Any] = resource
        self._batch: Callable[[bytes], Envelope] = batch
        self._batch_of_usual_words: Callable[[bytes], Envelope] = _decoders(
            limit, fields, only_usual_words=True
        )[1]

    def batch(self, body: bytes) -> Envelope:
        """Decode a whole batch that holds nothing else; its ``entries`` are what :meth:`columns`
        takes. Between rows there may be objects, which are given as they are, each a dict.

        Raises:
            msgspec.ValidationError: also where the batch has other ``fields``.
        """
        try:
            envelope = self._batch_of_usual_words(body)
        except msgspec.ValidationError:
            envelope = self._batch(body)
        if self.fields is not None and envelope.fields != self._names:
            raise msgspec.ValidationError("other fields")
        return envelope

    def columns(self, decoded: Sequence[Any]) -> EntryColumns:
        """What :meth:`batch` and :attr:`item` decoded, by column."""
        if not decoded:
            return EntryColumns.of(())
        places = self._places
        told: list[Column] = list(zip(*map(msgspec.structs.astuple, decoded), strict=True))
        told += [(default,) * len(decoded) for default in places.defaults]
        started = told[places.start]
        # ROUND is still to be taken off of these. (A thousand is a float: the interpreter has quick
        # ways for two floats, none for a float and an int.)
        starts = [start * 1000.0 + ROUND for start in started]
        columns: dict[str, Column] = {
            "entry_type": told[places.entry_type],
            "name": told[places.name],
            "start_us": [start - ROUND for start in starts],
        }
        # Over a connection that is there already most moments are the same as the one before; the
        # first is the start, where that is no zero.
        moments: Column = started if all(started) else ()
        offsets: Column = [0.0] * len(decoded)
        # All columns are of one length, and to see that once more would cost a twentieth.
        for attribute, place in places.times:
            values = told[place]
            if any(values):
                if values != moments:
                    moments = values
                    offsets = [
                        value * 1000.0 + ROUND - start if value else None
                        for value, start in zip(values, starts, strict=False)
                    ]
                columns[attribute] = offsets
        for attribute, place, empty in places.words:
            values = told[place]
            if any(values):
                columns[attribute] = (
                    [value or None for value in values] if empty in values else values
                )
        columns["duration_us"] = _durations(told[places.duration], columns)
        columns["transfer_size"], columns["encoded_body_size"], columns["decoded_body_size"] = (
            _known_sizes(
                [told[place] for place in places.sizes],
                told[places.request_start],
                told[places.response_start],
            )
        )
        extra = _extra(told[places.navigation], told[places.server_timing])
        if extra is not None:
            columns["extra"] = extra
        return EntryColumns(columns)


class _Places:
    """Which field lies where in what is decoded; what is not told follows, with its default.

    Args:
        fields: that are decoded, in their order.

    Attributes:
        defaults: of the fields that are not.
        times, words: attribute of :class:`perftui.model.Entry` and place; of a word also what
            stands for unknown.
        sizes: places as transferred, encoded and decoded.
    """

    def __init__(self, fields: Sequence[str]) -> None:
        absent = [name for name in _DEFAULTS if name not in fields]
        self.defaults = [_DEFAULTS[name] for name in absent]
        places = {name: place for place, name in enumerate((*fields, *absent))}
        self.entry_type = places["entryType"]
        self.name = places["name"]
        self.start = places["startTime"]
        self.duration = places["duration"]
        self.navigation = places["navigationId"]
        self.server_timing = places["serverTiming"]
        self.request_start = places["requestStart"]
        self.response_start = places["responseStart"]
        told = [
            (field.kind, field.attribute, places[field.wire])
            for field in ENTRY_FIELDS
            if field.wire in places
        ]
        self.times = [(name, place) for kind, name, place in told if kind is FieldKind.TIME]
        self.words: list[tuple[str, int, object]] = [
            (name, place, 0 if kind is FieldKind.STATUS else "")
            for kind, name, place in told
            if kind in {FieldKind.STATUS, FieldKind.TEXT}
        ]
        self.sizes = [
            places[name] for name in ("transferSize", "encodedBodySize", "decodedBodySize")
        ]


def _decoders(
    limit: int, fields: tuple[str, ...] | None, *, only_usual_words: bool
) -> tuple[Callable[[bytes], Any], Callable[[bytes], Envelope]]:
    types = _resource_fields(limit, only_usual_words=only_usual_words)
    resource = msgspec.defstruct(
        "ResourceEntry",
        [(name, *types[name]) for name in (types if fields is None else fields)],
        array_like=fields is not None,
        # A row would otherwise have to tell what is required first.
        kw_only=True,
        forbid_unknown_fields=True,
        gc=False,
    )
    item = resource if fields is None else resource | dict[str, Any]
    batch = msgspec.defstruct(
        "ResourceBatch",
        [("entries", list[item])],  # type: ignore[valid-type]
        bases=(Envelope,),
        kw_only=True,
    )
    decode_batch: Callable[[bytes], Any] = msgspec.json.Decoder(batch).decode
    return msgspec.json.Decoder(resource).decode, decode_batch


def _durations(durations: Column, columns: Mapping[str, Column]) -> Column:
    try:
        return [duration * 1000.0 + ROUND - ROUND for duration in durations]
    except TypeError:
        # Some are null, which is unknown, or absent.
        ends = columns.get("response_end_us") or [None] * len(durations)
        return [
            duration * 1000.0 + ROUND - ROUND
            if duration.__class__ is float
            else None
            if duration is None or end is None
            else max(0.0, end)
            for duration, end in zip(durations, ends, strict=True)
        ]


def _known_sizes(sizes: Sequence[Column], requests: Column, responses: Column) -> Sequence[Column]:
    """Where the timing is withheld, as without Timing-Allow-Origin, the zeros are no sizes."""
    if all(requests) or all(responses):
        return sizes
    withheld = [
        place
        for place, request in enumerate(requests)
        if not request and not responses[place] and not any(one[place] for one in sizes)
    ]
    if not withheld:
        return sizes
    changed = list(map(list, sizes))
    for one in changed:
        for place in withheld:
            one[place] = None
    return changed


def _extra(navigations: Column, metrics: Column) -> Column | None:
    """The fields without a column; entries of one navigation share what they have in common."""
    if any(metrics):
        return [
            {
                **({} if navigation is None else {"navigationId": navigation}),
                **({"serverTiming": told} if told else {}),
            }
            for navigation, told in zip(navigations, metrics, strict=True)
        ]
    distinct = set(navigations)
    if distinct == {None}:
        return None
    extra = {
        navigation: {} if navigation is None else {"navigationId": navigation}
        for navigation in distinct
    }
    return list(map(extra.__getitem__, navigations))


USUAL_WORDS: Mapping[str, tuple[str, ...]] = {
    "initiatorType": (
        *("", "fetch", "xmlhttprequest", "img", "script", "link", "css", "beacon", "iframe"),
        *("other", "early-hints", "navigation", "video", "audio", "source", "track", "image"),
        *("input", "icon", "body", "object", "embed", "use", "svg", "ping", "frame"),
    ),
    "deliveryType": ("", "cache", "navigational-prefetch", "cache-storage"),
    "nextHopProtocol": ("", "h2", "h3", "http/1.1", "http/1.0", "h2c", "h3-29", "http/0.9"),
    "renderBlockingStatus": ("", "non-blocking", "blocking"),
    "contentEncoding": ("", "gzip", "br", "zstd", "deflate", "dcb", "dcz", "identity", "unknown"),
    "contentType": (
        *("", "application/json", "text/javascript", "text/css", "text/html", "text/plain"),
        *("image/webp", "image/png", "image/jpeg", "image/avif", "image/gif", "image/svg+xml"),
        *("image/x-icon", "image/vnd.microsoft.icon", "image/bmp", "image/heic", "image/jxl"),
        *("font/woff2", "font/woff", "font/ttf", "font/otf", "application/font-woff2"),
        *("application/font-woff", "application/x-font-ttf", "application/vnd.ms-fontobject"),
        *("application/javascript", "application/x-javascript", "application/xml", "text/xml"),
        *("application/octet-stream", "application/wasm", "application/pdf", "application/zip"),
        *("application/manifest+json", "application/ld+json", "application/grpc-web+proto"),
        *("application/graphql-response+json", "application/problem+json", "text/event-stream"),
        *("application/vnd.apple.mpegurl", "application/dash+xml", "application/x-protobuf"),
        *("application/x-ndjson", "application/rss+xml", "binary/octet-stream", "text/csv"),
        *("video/mp4", "video/webm", "video/mp2t", "audio/mpeg", "audio/mp4", "audio/ogg"),
        *("audio/webm", "audio/wav", "text/vtt", "text/x-component", "model/gltf-binary"),
    ),
}
"""Words that a field nearly always holds. Of a word that is known beforehand no string is made for
each entry, and its hash is known when it is looked up; any other word is fine too, but costs the
batch a second look."""


def _resource_fields(limit: int, *, only_usual_words: bool) -> dict[str, tuple[Any, ...]]:
    """Name of each field -> its type, and its default where it need not be there."""
    most = (ROUNDING_RANGE_US - 1) / 1000
    time = Annotated[float, msgspec.Meta(ge=-most, le=most)]
    size = Annotated[int, msgspec.Meta(ge=0, le=MAX_SAFE_INTEGER)]
    whole = Annotated[int, msgspec.Meta(ge=-MAX_SAFE_INTEGER, le=MAX_SAFE_INTEGER)]
    status = Annotated[int, msgspec.Meta(ge=0, le=999)]
    text = Annotated[str, msgspec.Meta(max_length=limit)]
    kinds: dict[FieldKind, tuple[Any, Any]] = {
        FieldKind.TIME: (time | None, None),
        FieldKind.SIZE: (size | None, 0),
        FieldKind.STATUS: (status | None, None),
        FieldKind.TEXT: (text | None, None),
    }
    fields: dict[str, tuple[Any, ...]] = {
        "name": (text,),
        "entryType": (Literal["resource"],),
        "startTime": (time, 0.0),
        "duration": (
            Annotated[float, msgspec.Meta(ge=0, le=most)] | None | msgspec.UnsetType,
            msgspec.UNSET,
        ),
        **{field.wire: kinds[field.kind] for field in ENTRY_FIELDS},
        # Of every entry that Chromium reports since it knows of soft navigations; null is unusual.
        "navigationId": (size | text, None),
        **{name: (Literal[value], value) for name, value in EMPTY_FIELDS.items()},
        "serverTiming": (list[dict[text, text | whole | float]], ()),
    }
    if only_usual_words:
        for name, words in USUAL_WORDS.items():
            # Each must be within the limit too.
            known = tuple(word for word in words if len(word) <= limit)
            fields[name] = (Literal[known] | None, None)
    # In the order of the wire the decoder finds each field where it looks first.
    return {name: fields[name] for name in dict.fromkeys((*CHROMIUM_ORDER, *fields))}


CHROMIUM_ORDER = (
    *("name", "entryType", "startTime", "duration", "navigationId", "initiatorType"),
    *("deliveryType", "nextHopProtocol", "renderBlockingStatus", "contentType", "contentEncoding"),
    *("workerStart", "workerRouterEvaluationStart", "workerCacheLookupStart"),
    *("workerMatchedSourceType", "workerFinalSourceType", "redirectStart", "redirectEnd"),
    *("fetchStart", "domainLookupStart", "domainLookupEnd", "connectStart"),
    *("secureConnectionStart", "connectEnd", "requestStart", "responseStart"),
    *("firstInterimResponseStart", "finalResponseHeadersStart", "responseEnd", "transferSize"),
    *("encodedBodySize", "decodedBodySize", "responseStatus", "serverTiming"),
)
"""The fields of ``PerformanceResourceTiming.toJSON()`` as Chromium writes them."""

_DEFAULTS: Mapping[str, object] = {
    "startTime": 0.0,
    "duration": msgspec.UNSET,
    "navigationId": None,
    "serverTiming": (),
    "requestStart": None,
    "responseStart": None,
    **{field.wire: 0 for field in ENTRY_FIELDS if field.kind is FieldKind.SIZE},
}
"""Of the fields that are looked at in any case, what absent means: as in
:func:`_resource_fields`."""

RESOURCE_FIELDS = tuple(_resource_fields(1, only_usual_words=False))
"""The fields that a usual ``resource`` entry may have."""


@lru_cache(maxsize=8)
def resource_decoder(limit: int) -> ResourceDecoder:
    """The one decoder for a limit."""
    return ResourceDecoder(limit)


@lru_cache(maxsize=16)
def row_decoder(limit: int, fields: tuple[str, ...]) -> ResourceDecoder | None:
    """The one decoder for a limit and the fields of rows; None where no usual entry has such
    fields."""
    told = set(fields)
    if len(told) < len(fields) or not {"name", "entryType"} <= told <= set(RESOURCE_FIELDS):
        return None
    return ResourceDecoder(limit, fields)


HEAD_BYTES = 4_096
"""Where the names of the fields are looked for: the SDK writes the entries last, behind them."""

_decode_names: Callable[[bytes], list[str]] = msgspec.json.Decoder(list[str]).decode


def guessed_row_decoder(limit: int, body: bytes) -> ResourceDecoder | None:
    """The decoder for the rows that the body seems to hold, found without decoding it.

    The ``fields`` may turn out to be those of another object, or not the last ones: what was
    decoded has to be compared with the decoder's own.
    """
    end = body.find(b'"entries":[', 0, HEAD_BYTES)
    if end < 0:
        return None
    begin = body.find(b'"fields":[', 0, end)
    if begin < 0:
        return None
    begin += len(b'"fields":')
    try:
        names = _decode_names(body[begin : body.find(b"]", begin, end) + 1])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return row_decoder(limit, tuple(names))
