"""The native batch: bytes as they come in -> a validated :class:`perftui.model.Batch`.

The envelope is refused as a whole where it has no session, no pageview or no list of entries;
each entry is judged by itself, so that a bad one takes no good one with it. Types and fields that
are not known are kept.

Rules of the wire (``docs/wire-format.md``): an absent field of a PerformanceEntry means the
default that the W3C gives it, ``null`` means unknown. Here unknown is ``None``: 0 for a moment that
did not happen or is withheld, ``""`` for a word that is not told, status 0, and the sizes of an
entry whose timing is withheld.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Any

import msgspec

from perftui.capture.entry_decoding import (
    EMPTY_FIELDS,
    RESOURCE_NESTING,
    ResourceDecoder,
    decode_entry,
    decode_envelope,
    guessed_row_decoder,
    resource_decoder,
    row_decoder,
)
from perftui.capture.value_limit import ValueLimit
from perftui.config import ServerSettings
from perftui.entry_columns import EntryColumns
from perftui.entry_fields import ENTRY_FIELDS, REQUEST_ENTRY_TYPES, FieldKind
from perftui.errors import IntakeError, InvalidBatchError, TooLargeError, UndecodableBatchError
from perftui.model import JSON, MAX_SAFE_INTEGER, Batch, Entry, Page

CUT_MARK = "…"
"""Ends a string that was cut."""

MAX_TIME_MS = MAX_SAFE_INTEGER / 1000
"""Times beyond ± this many milliseconds (285,000 years) do not fit the store's µs."""

MAX_ENTRY_TYPE_CHARACTERS = 64

MAX_ID_CHARACTERS = 128

MAX_FIELDS = 256
"""So many names ``fields`` may give."""

_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")

_KEY = re.compile(r"[0-9a-f]{32}")

_LONE_SURROGATES = re.compile("[\ud800-\udfff]+")
"""In a text that was decoded: pairs have become one character."""

_SIZES = ("transfer_size", "encoded_body_size", "decoded_body_size")


class Rejection(msgspec.Struct, frozen=True):
    """An entry that was not taken.

    Attributes:
        index: its place in ``entries``, from 0.
        reason: ``field: what is wrong with it``.
    """

    index: int
    reason: str


class Decoded(msgspec.Struct, frozen=True):
    """What a document holds: the good entries as a batch, and why the others are not in it.

    Attributes:
        cut_count: strings that were over their limit, and so were cut.
    """

    batch: Batch
    rejected: tuple[Rejection, ...] = ()
    cut_count: int = 0


class _RefusedEntryError(Exception):
    """One entry is not taken; the message is the reason."""


def decode_document(body: bytes, *, max_nesting: int) -> JSON:
    """Decode a JSON document, with lone surrogates and bytes that are no UTF-8 replaced by U+FFFD.

    Raises:
        UndecodableBatchError: it is no JSON, or nested deeper than ``max_nesting``.
    """
    try:
        document = _decode(body)
    except RecursionError as error:
        raise _nested_too_deep(max_nesting) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as first:
        mended = _mended(body)
        if mended == body:
            raise UndecodableBatchError(f"not JSON: {first}") from first
        try:
            document = _decode(mended)
        except RecursionError as error:
            raise _nested_too_deep(max_nesting) from error
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise UndecodableBatchError(f"not JSON: {error}") from error
    if not _is_shallow(document, max_nesting):
        raise _nested_too_deep(max_nesting)
    return document


def _nested_too_deep(max_nesting: int) -> UndecodableBatchError:
    return UndecodableBatchError(f"nested deeper than {max_nesting}", limit="max_nesting")


_decode: Callable[[bytes], JSON] = msgspec.json.Decoder().decode


def _mended(body: bytes) -> bytes:
    """With U+FFFD in place of what no Unicode text can hold; the same where it is no JSON.

    The standard library's decoder lets lone surrogates through, after which they are easily found.
    """
    try:
        document = json.loads(body.decode("utf-8", "replace"), parse_constant=_refuse_constant)
        text = json.dumps(document, ensure_ascii=False)
    except (ValueError, RecursionError):
        return body
    return _LONE_SURROGATES.sub(lambda found: "\ufffd" * len(found[0]), text).encode()


def _refuse_constant(name: str) -> None:
    """NaN and the infinities, which are no JSON."""
    raise ValueError(name)


def _is_shallow(document: JSON, max_nesting: int) -> bool:
    """Whether nothing lies deeper than ``max_nesting``; without recursion."""
    level: list[JSON] = [document]
    for _ in range(max_nesting + 1):
        level = [
            child
            for value in level
            for child in (
                value.values() if type(value) is dict else value if type(value) is list else ()
            )
            if type(child) is dict or type(child) is list
        ]
        if not level:
            return True
    return False


def decode_batch(
    body: bytes,
    *,
    received_us: int,
    settings: ServerSettings | None = None,
    wire_byte_count: int | None = None,
) -> Decoded:
    """Decode one batch.

    Args:
        body: the JSON document, decompressed.
        received_us: when its first byte arrived, µs since the epoch.
        settings: the limits.
        wire_byte_count: length as received; by default that of ``body``.

    Raises:
        UndecodableBatchError: it is no JSON document, or nested too deep.
        InvalidBatchError: the envelope has the wrong shape; knows the JSON path.
        TooLargeError: it has more entries or values than allowed.
    """
    settings = settings or ServerSettings()
    ValueLimit(settings.max_values).check(body)
    usual = _decode_usual(body, settings)
    document: JSON
    if usual is None:
        document, judged = decode_document(body, max_nesting=settings.max_nesting), None
    else:
        document, judged = usual
    return batch_of(
        document,
        body,
        received_us=received_us,
        settings=settings,
        wire_byte_count=len(body) if wire_byte_count is None else wire_byte_count,
        judged=judged,
    )


KEY_AND_VALUE = 3
"""So many times as long as the value alone (of what Chromium reports: 25 and 7 bytes)."""


class _Judged(msgspec.Struct, frozen=True):
    """The items of ``entries``.

    Attributes:
        entries: the good ones.
        rejected: the others.
        shares: how much of the document each item is, in a unit of this list.
        cut_count: strings that were cut.
    """

    entries: Sequence[Entry]
    rejected: Sequence[Rejection]
    shares: Sequence[int]
    cut_count: int = 0


def _judge(items: JSON, fields: JSON, settings: ServerSettings) -> _Judged:
    """The ``entries`` and ``fields`` of a decoded document.

    Raises:
        InvalidBatchError: they are no list.
        TooLargeError: they are too many.
    """
    if not isinstance(items, list):
        raise InvalidBatchError("missing" if items is None else "not an array", "$.entries")
    if len(items) > settings.max_entries:
        raise TooLargeError(
            f"{len(items)} entries; at most {settings.max_entries} are taken at once",
            limit="max_entries",
        )
    text = _Text(settings.max_string_characters)
    entries, rejected = _entries(items, fields, text)
    # Their bytes by the number of fields: an entry of three is not as long as one of thirty, and
    # measuring each one would mean encoding it again.
    shares = [
        len(item) * KEY_AND_VALUE
        if isinstance(item, dict)
        else len(item)
        if isinstance(item, list)
        else 1
        for item in items
    ]
    return _Judged(entries, rejected, shares, text.cut_count)


def _decode_usual(body: bytes, settings: ServerSettings) -> tuple[dict[str, JSON], _Judged] | None:
    """The envelope and its items where nothing is wrong with the document as a whole, and usual
    ``resource`` entries are decoded quickly; None where anything in it needs a closer look."""
    # Looking for one byte first is sixty times as fast, and most bodies have no escapes at all.
    if (b"\\" in body and b"\\u0000" in body) or settings.max_nesting < RESOURCE_NESTING:
        return None
    limit = settings.max_string_characters
    decoder = guessed_row_decoder(limit, body) or resource_decoder(limit)
    others: list[JSON] = []
    text = _Text(limit)
    try:
        try:
            envelope = decoder.batch(body)
            items: Any = envelope.entries
            if len(items) > settings.max_entries:
                return None
            judged = _judge_decoded(items, body, others, decoder, text)
        except msgspec.ValidationError:
            envelope = decode_envelope(body)
            items = envelope.entries
            if items is msgspec.UNSET or len(items) > settings.max_entries:
                return None
            judged = _judge_raw(items, envelope.fields, others, text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, OverflowError):
        return None
    document = {
        name: told
        for name, told in msgspec.structs.asdict(envelope).items()
        if told is not msgspec.UNSET and name != "entries"
    }
    if not _is_shallow([document, others], settings.max_nesting - 1):
        return None
    return document, judged


def _judge_decoded(
    items: Sequence[Any], body: bytes, others: list[JSON], decoder: ResourceDecoder, text: _Text
) -> _Judged:
    """What :meth:`ResourceDecoder.batch` decoded: ``others`` are the objects between rows."""
    if decoder.fields is None:
        return _Judged(decoder.columns(items), (), (1,) * len(items))
    other_places = [place for place, item in enumerate(items) if item.__class__ is dict]
    if not other_places:
        return _Judged(decoder.columns(items), (), (1,) * len(items))
    others += map(items.__getitem__, other_places)
    lengths = [len(msgspec.json.encode(item)) for item in others]
    # The rows are all of one type, so what they take together is enough.
    row_places = [place for place, item in enumerate(items) if item.__class__ is not dict]
    rows_length = len(body) - body.find(b'"entries"') - sum(lengths)
    shares = [max(1, rows_length // max(1, len(row_places)))] * len(items)
    for place, length in zip(other_places, lengths, strict=True):
        shares[place] = length
    rows = decoder.columns([items[place] for place in row_places])
    return _put_together([rows], row_places, others, other_places, None, shares, text)


def _judge_raw(
    items: Sequence[msgspec.Raw], fields: JSON, others: list[JSON], text: _Text
) -> _Judged:
    """Usual ``resource`` entries go into columns; the ``others`` are judged one by one."""
    of_objects = resource_decoder(text.limit)
    names = _field_names(fields, text.limit)
    of_rows = None if isinstance(names, str) else row_decoder(text.limit, names)
    objects: list[Any] = []
    object_places: list[int] = []
    rows: list[Any] = []
    row_places: list[int] = []
    other_places: list[int] = []
    raw_items = list(map(bytes, items))
    for place, item in enumerate(raw_items):
        try:
            if not item.startswith(b"["):
                objects.append(of_objects.item(item))
                object_places.append(place)
                continue
            if of_rows is not None:
                rows.append(of_rows.item(item))
                row_places.append(place)
                continue
        except msgspec.ValidationError:
            pass
        others.append(_decode(item))
        other_places.append(place)
    decoded = [of_objects.columns(objects)]
    if of_rows is not None:
        decoded.append(of_rows.columns(rows))
    shares = list(map(len, raw_items))
    return _put_together(
        decoded, object_places + row_places, others, other_places, fields, shares, text
    )


def _put_together(
    decoded: Sequence[EntryColumns],
    decoded_places: list[int],
    others: list[JSON],
    other_places: Sequence[int],
    fields: JSON,
    shares: Sequence[int],
    text: _Text,
) -> _Judged:
    """The entries that are decoded, and the ``others``, which are judged here, in the order of
    their places."""
    entries, refused = _entries(others, fields, text)
    rejected = [Rejection(other_places[one.index], one.reason) for one in refused]
    gone = {one.index for one in rejected}
    places = decoded_places + [place for place in other_places if place not in gone]
    all_of_them = EntryColumns.concatenated([*decoded, EntryColumns.of(entries)])
    return _Judged(
        all_of_them.taken(sorted(range(len(places)), key=places.__getitem__)),
        rejected,
        shares,
        text.cut_count,
    )


def batch_of(
    document: JSON,
    body: bytes,
    *,
    received_us: int,
    settings: ServerSettings,
    wire_byte_count: int,
    judged: _Judged | None = None,
) -> Decoded:
    """The batch of a decoded document, or of its envelope and its items; see
    :func:`decode_batch`."""
    if not isinstance(document, dict):
        raise InvalidBatchError("a batch is an object", "$")
    text = _Text(settings.max_string_characters)
    session_id = _identifier(document, "sessionId")
    page_view_id = _identifier(document, "pageViewId")
    if judged is None:
        judged = _judge(document.get("entries"), document.get("fields"), settings)
    entries = EntryColumns.of(judged.entries)
    sent_us = _moment(document, "sentAt")
    origin_us = _moment(document, "timeOrigin")
    estimated = origin_us is None
    if origin_us is None:
        # What was just reported ended just now, at the latest.
        span = entries.span_us()
        origin_us = received_us - max(0, span[1] if span else 0)
    source = document.get("source")
    batch = Batch(
        session_id=session_id,
        page_view_id=page_view_id,
        entries=entries,
        key=_key(document, session_id, body),
        time_origin_us=origin_us,
        time_origin_estimated=estimated,
        received_us=received_us,
        sent_us=sent_us,
        byte_count=len(body),
        wire_byte_count=wire_byte_count,
        page=_page(document.get("page"), text),
        client=_object(document.get("client"), text),
        dropped=_dropped(document.get("dropped")),
        rejected_count=len(judged.rejected),
        source=source if isinstance(source, str) and _ID.fullmatch(source) else "sdk",
        bytes_by_type=_bytes_by_type(judged, entries, len(body)),
    )
    return Decoded(batch, tuple(judged.rejected), text.cut_count + judged.cut_count)


def decode_lines(
    lines: Iterator[bytes], *, received_us: int, settings: ServerSettings | None = None
) -> Iterator[tuple[int, Decoded | IntakeError]]:
    """Batches of a ``.jsonl`` file: one a line, ``receivedAt`` (epoch ms) beside the wire's fields
    where it is known.

    Yields:
        The number of each line that is not blank, from 1, and its batch or why it is none.
    """
    settings = settings or ServerSettings()
    for number, line in enumerate(lines, start=1):
        body = line.strip()
        if not body:
            continue
        try:
            document = decode_document(body, max_nesting=settings.max_nesting)
            told = _moment(document, "receivedAt") if isinstance(document, dict) else None
            yield (
                number,
                batch_of(
                    document,
                    body,
                    received_us=received_us if told is None else told,
                    settings=settings,
                    wire_byte_count=len(body),
                ),
            )
        except IntakeError as error:
            yield number, error


# --- the envelope -----------------------------------------------------------------------------


def _identifier(document: Mapping[str, JSON], field: str) -> str:
    value = document.get(field)
    path = f"$.{field}"
    if value is None:
        raise InvalidBatchError("missing", path)
    if not isinstance(value, str):
        raise InvalidBatchError("not a string", path)
    if not _ID.fullmatch(value):
        raise InvalidBatchError(
            f"1 to {MAX_ID_CHARACTERS} characters of A-Z a-z 0-9 . _ : - are an ID", path
        )
    return value


def _moment(document: Mapping[str, JSON], field: str) -> int | None:
    """Epoch milliseconds as µs; None where it is absent or no moment."""
    value = document.get(field)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    if not math.isfinite(value) or not 0 < value <= MAX_TIME_MS:
        return None
    return round(value * 1000)


def _key(document: Mapping[str, JSON], session_id: str, body: bytes) -> bytes:
    key = document.get("batchKey")
    if isinstance(key, str) and _KEY.fullmatch(key):
        # Of a batch that was exported: it is the same one.
        return bytes.fromhex(key)
    batch_id = document.get("batchId")
    if isinstance(batch_id, str) and batch_id:
        told = f"{session_id}\0{batch_id}".encode("utf-8", "replace")
    else:
        told = body
    return blake2b(told, digest_size=16).digest()


def _page(value: JSON, text: _Text) -> Page:
    if not isinstance(value, dict):
        return Page()

    def word(field: str) -> str | None:
        told = value.get(field)
        return text(told) or None if isinstance(told, str) else None

    return Page(
        url=word("url"),
        title=word("title"),
        referrer=word("referrer"),
        navigation_type=word("navigationType"),
    )


def _object(value: JSON, text: _Text) -> Mapping[str, JSON]:
    return (
        {text(key): text.within(child) for key, child in value.items()}
        if isinstance(value, dict)
        else {}
    )


def _dropped(value: JSON) -> dict[str, int]:
    if not isinstance(value, dict):
        return {}
    return {
        entry_type[:MAX_ENTRY_TYPE_CHARACTERS]: count
        for entry_type, count in value.items()
        if isinstance(count, int)
        and not isinstance(count, bool)
        and 0 < count <= MAX_SAFE_INTEGER
        and entry_type
    }


def _bytes_by_type(judged: _Judged, entries: EntryColumns, byte_count: int) -> dict[str, int]:
    """How many bytes of the document each entry type takes, the envelope shared out with them."""
    types = entries.columns["entry_type"]
    shares = judged.shares
    if judged.rejected:
        refused = {rejection.index for rejection in judged.rejected}
        shares = [share for place, share in enumerate(shares) if place not in refused]
    elif len(entries.counts_by_type()) == 1:
        return {types[0]: byte_count}
    by_type: Counter[str] = Counter()
    for entry_type, share in zip(types, shares, strict=True):
        by_type[entry_type] += share
    total = sum(judged.shares)
    return {entry_type: round(byte_count * share / total) for entry_type, share in by_type.items()}


# --- strings ----------------------------------------------------------------------------------


class _Text:
    """Bounds strings: the store keeps at most ``limit`` characters, and no NUL (which SQL's own
    functions take for the end)."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.cut_count = 0

    def __call__(self, value: str) -> str:
        if len(value) > self.limit:
            self.cut_count += 1
            value = value[: self.limit - 1] + CUT_MARK
        return value.replace("\0", "\ufffd") if "\0" in value else value

    def within(self, value: JSON) -> JSON:
        """The same in a JSON value, and numbers that no reader agrees on as text."""
        kind = type(value)
        if kind is str:
            # Nearly all are as they should be, and a call costs more than to look.
            return value if len(value) <= self.limit and "\0" not in value else self(value)
        if kind is dict:
            limit, within = self.limit, self.within
            return {
                (key if len(key) <= limit and "\0" not in key else self(key)): within(child)
                for key, child in value.items()
            }
        if kind is list:
            return [self.within(child) for child in value]
        if kind is int and not -MAX_SAFE_INTEGER <= value <= MAX_SAFE_INTEGER:
            return str(value)[: self.limit]
        return value


# --- one entry --------------------------------------------------------------------------------


def _entries(items: list[JSON], fields: JSON, text: _Text) -> tuple[list[Entry], list[Rejection]]:
    entries: list[Entry] = []
    rejected: list[Rejection] = []
    names: tuple[str, ...] | str | None = None
    for index, item in enumerate(items):
        cut_before = text.cut_count
        try:
            if type(item) is list:
                if names is None:
                    names = _field_names(fields, text.limit)
                item = _object_of_row(item, names)
            entry = decode_entry(item, text.limit, text.within)
            if entry is None:
                # Whatever it cut on the way is cut anew.
                text.cut_count = cut_before
                entry = _entry(item, text)
            entries.append(entry)
        except _RefusedEntryError as error:
            rejected.append(Rejection(index, str(error)))
    return entries, rejected


def _field_names(fields: JSON, limit: int) -> tuple[str, ...] | str:
    """The names that ``fields`` gives, or what is wrong with it."""
    if fields is None or fields is msgspec.UNSET:
        return "fields: missing"
    if not isinstance(fields, list):
        return "fields: not an array"
    if len(fields) > MAX_FIELDS:
        return f"fields: more than {MAX_FIELDS}"
    for name in fields:
        if not isinstance(name, str):
            return "fields: not all are strings"
        if not 0 < len(name) <= limit:
            return f"fields: not all are 1 to {limit} characters long"
    if len(set(fields)) < len(fields):
        return "fields: not distinct"
    return tuple(fields)


def _object_of_row(row: list[JSON], names: tuple[str, ...] | str) -> dict[str, JSON]:
    """What a row stands for; a row that is shorter does not tell the last fields."""
    if isinstance(names, str):
        raise _RefusedEntryError(names)
    if len(row) > len(names):
        raise _RefusedEntryError(f"{len(row)} values for {len(names)} fields")
    return dict(zip(names, row, strict=False))


_FIELDS = tuple((field.wire, field.attribute, field.kind) for field in ENTRY_FIELDS)
_WIRE_NAMES = frozenset(wire for wire, _, _ in _FIELDS)
_OWN = frozenset({"entryType", "name", "startTime", "duration"})


def _entry(item: JSON, text: _Text) -> Entry:
    if type(item) is not dict:
        raise _RefusedEntryError("not an object")
    entry_type = item.get("entryType")
    if type(entry_type) is not str or not entry_type:
        raise _RefusedEntryError(
            "entryType: missing" if entry_type is None else "entryType: not a string"
        )
    if len(entry_type) > MAX_ENTRY_TYPE_CHARACTERS:
        raise _RefusedEntryError(f"entryType: longer than {MAX_ENTRY_TYPE_CHARACTERS} characters")
    name = item.get("name")
    if type(name) is not str:
        raise _RefusedEntryError("name: missing" if name is None else "name: not a string")
    start_us = _time(item, "startTime")
    if start_us is None:
        if item.get("startTime", 0) is None:
            raise _RefusedEntryError("startTime: unknown, so it has no place in time")
        start_us = 0
    is_request = entry_type in REQUEST_ENTRY_TYPES
    # What the browser reports has the W3C's defaults; of what others saw, nothing told is unknown.
    default_size = 0 if is_request and entry_type != "request" else None
    fields: dict[str, Any] = {}
    for wire, attribute, kind in _FIELDS:
        if wire in item:
            value = _READ[kind](item, wire, text)
            if value is not None:
                fields[attribute] = value
        elif kind is FieldKind.SIZE and default_size is not None:
            fields[attribute] = default_size
    extra = {
        text(key): text.within(value)
        for key, value in item.items()
        if key not in _WIRE_NAMES
        and key not in _OWN
        and not (key in EMPTY_FIELDS and value == EMPTY_FIELDS[key])
    }
    duration_us = _duration(item, is_request, start_us, fields.get("response_end_us"))
    if (
        is_request
        and "request_start_us" not in fields
        and "response_start_us" not in fields
        and not any(fields.get(size) for size in _SIZES)
    ):
        # Withheld, as without Timing-Allow-Origin: the zeros are no sizes.
        for size in _SIZES:
            fields.pop(size, None)
    return Entry(
        entry_type=text(entry_type),
        name=text(name),
        start_us=start_us,
        duration_us=duration_us,
        extra=extra,
        **fields,
    )


def _duration(
    item: Mapping[str, JSON], is_request: bool, start_us: int, response_end_us: int | None
) -> int | None:
    if "duration" in item:
        if item["duration"] is None:
            return None
        duration_us = _time(item, "duration") or 0
        if duration_us < 0:
            raise _RefusedEntryError("duration: negative")
        return duration_us
    if not is_request:
        return 0
    return None if response_end_us is None else max(0, response_end_us - start_us)


def _time(item: Mapping[str, JSON], field: str, text: _Text | None = None) -> int | None:
    """Milliseconds as µs; None for 0 and null."""
    value = item.get(field)
    if value is None:
        return None
    kind = type(value)
    if kind is not float and kind is not int:
        raise _RefusedEntryError(f"{field}: not a number")
    if not -MAX_TIME_MS <= value <= MAX_TIME_MS:
        raise _RefusedEntryError(f"{field}: out of range")
    return round(value * 1000) if value else None


def _size(item: Mapping[str, JSON], field: str, text: _Text) -> int | None:
    value = item[field]
    if value is None:
        return None
    kind = type(value)
    if kind is float and value.is_integer():
        value = int(value)
    elif kind is not int:
        raise _RefusedEntryError(f"{field}: not a whole number")
    if not 0 <= value <= MAX_SAFE_INTEGER:
        raise _RefusedEntryError(f"{field}: out of range")
    size: int = value
    return size


def _status(item: Mapping[str, JSON], field: str, text: _Text) -> int | None:
    value = _size(item, field, text)
    if value is not None and value > 999:
        raise _RefusedEntryError(f"{field}: no HTTP status")
    return value or None


def _word(item: Mapping[str, JSON], field: str, text: _Text) -> str | None:
    value = item[field]
    if value is None:
        return None
    if type(value) is not str:
        raise _RefusedEntryError(f"{field}: not a string")
    return text(value) or None


_READ: Mapping[FieldKind, Callable[[Mapping[str, JSON], str, _Text], Any]] = {
    FieldKind.TIME: _time,
    FieldKind.SIZE: _size,
    FieldKind.STATUS: _status,
    FieldKind.TEXT: _word,
}
