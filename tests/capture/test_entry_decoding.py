"""The straight-line decoder says the same as the rules it is written from."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import perftui
from perftui.capture import batch as rules
from perftui.capture.entry_decoding import (
    CHROMIUM_ORDER,
    EMPTY_FIELDS,
    RESOURCE_FIELDS,
    decode_entry,
    decode_envelope,
    guessed_row_decoder,
    resource_decoder,
    row_decoder,
)
from perftui.config import ServerSettings
from perftui.entry_fields import ENTRY_FIELDS, FieldKind
from perftui.errors import UndecodableBatchError
from tests.rows import with_rows

LIMIT = 40

_numbers = (
    st.floats(0, 1e6).map(lambda value: round(value, 1))
    | st.integers(-5, 10**6)
    | st.floats(allow_nan=False)
    | st.just(0)
    | st.integers(-(2**70), 2**70)
)
_words = st.sampled_from(["", "fetch", "h2", "nul\0", "x" * 39, "x" * 41]) | st.text(max_size=5)
_odd: st.SearchStrategy[Any] = (
    st.none() | st.booleans() | st.lists(st.integers(), max_size=1) | st.just({})
)
_values: dict[FieldKind, st.SearchStrategy[Any]] = {
    FieldKind.TIME: _numbers | _odd,
    FieldKind.SIZE: _numbers | _odd,
    FieldKind.STATUS: st.sampled_from([0, 200, 404, 1000, 200.0, -1]) | _odd,
    FieldKind.TEXT: _words | _odd,
}
_usual: dict[FieldKind, st.SearchStrategy[Any]] = {
    FieldKind.TIME: st.floats(0, 1e6),
    FieldKind.SIZE: st.integers(0, 10**9),
    FieldKind.STATUS: st.integers(0, 999),
    FieldKind.TEXT: st.sampled_from(["", "fetch", "h2"]),
}


_metrics = st.lists(
    st.dictionaries(
        st.sampled_from(["name", "duration", "description", "k" * 50]),
        st.sampled_from(["db", "x" * 41, 0, 1.5, 2**60, None, True]),
        max_size=3,
    ),
    max_size=2,
)


def _fields(values: dict[FieldKind, st.SearchStrategy[Any]]) -> dict[str, st.SearchStrategy[Any]]:
    return {
        "duration": values[FieldKind.TIME],
        "startTime": values[FieldKind.TIME],
        **{field.wire: values[field.kind] for field in ENTRY_FIELDS},
        **{name: st.just(empty) for name, empty in EMPTY_FIELDS.items()},
        "serverTiming": st.just([]) | _metrics,
        "navigationId": st.integers(0, 10**6) | st.text(max_size=3) | _odd,
        "value": st.floats(0, 1),
        "k" * 50: st.just(1),
        "nested": st.just({"a": ["b" * 60, 2**60]}),
    }


_required: dict[str, st.SearchStrategy[Any]] = {
    "entryType": st.sampled_from(["resource", "navigation", "request", "paint", "event"]),
    "name": st.sampled_from(["https://a.test/", "n" * 50, ""]),
}


def _items(values: dict[FieldKind, st.SearchStrategy[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(_required, optional=_fields(values))


@given(_items(_usual) | _items(_values))
def test_it_decodes_as_the_rules_do(item: dict[str, Any]) -> None:
    text = rules._Text(LIMIT)
    decoded = decode_entry(item, LIMIT, text.within)
    if decoded is not None:
        assert decoded == rules._entry(item, text)


def test_a_usual_entry_does_not_take_the_slow_way() -> None:
    from bench.generator import Generator

    text = rules._Text(8192)
    for number in range(200):
        item = Generator(seed=number).entry(100.0)
        decoded = decode_entry(item, 8192, text.within)
        assert decoded is not None
        assert decoded.extra == {}
        assert decoded == rules._entry(item, text)


def test_what_is_not_an_entry_is_left_to_the_rules() -> None:
    text = rules._Text(LIMIT)
    items: list[Any] = [None, 1, [], {}, {"entryType": "resource"}, {"entryType": 1, "name": "x"}]
    for item in items:
        assert decode_entry(item, LIMIT, text.within) is None


def _decoded_slowly(body: bytes) -> rules.Decoded:
    with mock.patch.object(rules, "_decode_usual", return_value=None):
        return rules.decode_batch(body, received_us=5)


def _written(items: Sequence[Any], **envelope: Any) -> bytes:
    told = {"sessionId": "s", "pageViewId": "p", "batchId": "b", **envelope, "entries": items}
    return msgspec.json.encode(told)


def _bounded(value: Any) -> Any:
    """With integers that msgspec can write."""
    return 2**60 if type(value) is int and abs(value) >= 2**63 else value


def _without_shares(decoded: rules.Decoded) -> rules.Decoded:
    """How a document's bytes are shared out between types is an estimate either way."""
    batch = msgspec.structs.replace(decoded.batch, bytes_by_type={})
    return msgspec.structs.replace(decoded, batch=batch)


@example([{"entryType": "resource", "name": "https://a.test/", "startTime": 3e-21}])
@example([{"entryType": "resource", "name": "https://a.test/", "workerStart": 3e-21}])
@given(st.lists(_items(_usual) | _items(_values) | st.just({"entryType": 1}), max_size=4))
def test_a_whole_batch_is_the_same_without_the_detour(items: list[dict[str, Any]]) -> None:
    body = _written([{name: _bounded(value) for name, value in item.items()} for item in items])
    quick = rules.decode_batch(body, received_us=5)
    slow = _decoded_slowly(body)
    assert _without_shares(quick) == _without_shares(slow)
    assert quick.batch.bytes_by_type.keys() == slow.batch.bytes_by_type.keys()


def test_a_usual_batch_takes_the_quick_way() -> None:
    from bench.generator import Generator

    for body in Generator().bodies(50, 4):
        with mock.patch.object(rules, "_entries", side_effect=AssertionError("the slow way")):
            assert rules._decode_usual(body, ServerSettings()) is not None
        assert rules.decode_batch(body, received_us=5) == _decoded_slowly(body)


def test_what_the_sdk_sends_takes_the_quick_way() -> None:
    """Of a session that the SDK recorded in Chromium, every ``resource`` entry."""
    settings = ServerSettings()
    decoder = resource_decoder(settings.max_string_characters)
    session = Path(perftui.__file__).parent / "demo" / "session.jsonl"
    count = 0
    for line in session.read_bytes().splitlines():
        for raw in decode_envelope(line).entries or ():
            item = msgspec.json.decode(raw)
            if item["entryType"] == "resource":
                assert decoder.columns([decoder.item(raw)])[0] == rules._entry(
                    item, rules._Text(settings.max_string_characters)
                )
                count += 1
        assert _without_shares(rules.decode_batch(line, received_us=5)) == _without_shares(
            _decoded_slowly(line)
        )
    assert count > 50


def test_half_a_microsecond_is_rounded_as_the_rules_round_it() -> None:
    half = [0.0005, 0.0015, 0.0025, 1.0005, 112.4005, -0.0005, 1e6 + 0.0005]
    items = [
        {
            "entryType": "resource",
            "name": "/",
            "startTime": start,
            "fetchStart": moment,
            "duration": abs(moment),
        }
        for start in half
        for moment in half
    ]
    body = msgspec.json.encode({"sessionId": "s", "pageViewId": "p", "entries": items})
    assert rules._decode_usual(body, ServerSettings()) is not None
    assert rules.decode_batch(body, received_us=5) == _decoded_slowly(body)


def test_a_time_beyond_exact_rounding_gets_the_closer_look() -> None:
    items = [{"entryType": "resource", "name": "/", "startTime": 2**51 / 1000 + 0.3}]
    body = msgspec.json.encode({"sessionId": "s", "pageViewId": "p", "entries": items})
    with pytest.raises(msgspec.ValidationError):
        resource_decoder(8192).batch(body)
    assert rules.decode_batch(body, received_us=5) == _decoded_slowly(body)


def test_how_deep_it_may_be_nested_holds_for_the_quick_way_too() -> None:
    metric = {"name": "db", "duration": 1.5}
    items = [{"entryType": "resource", "name": "/", "serverTiming": [metric]}]
    body = msgspec.json.encode({"sessionId": "s", "pageViewId": "p", "entries": items})
    for nesting in range(1, 6):
        settings = ServerSettings(max_nesting=nesting)
        quick: object
        slow: object
        try:
            quick = rules.decode_batch(body, received_us=5, settings=settings)
        except UndecodableBatchError as error:
            quick = str(error)
        try:
            with mock.patch.object(rules, "_decode_usual", return_value=None):
                slow = rules.decode_batch(body, received_us=5, settings=settings)
        except UndecodableBatchError as error:
            slow = str(error)
        assert quick == slow


def test_what_hides_in_a_batch_gets_the_closer_look() -> None:
    head = b'{"sessionId":"s","pageViewId":"p","entries":['
    nul = head + b'{"entryType":"resource","name":"a\\u0000b"}]}'
    assert rules._decode_usual(nul, ServerSettings()) is None
    assert rules.decode_batch(nul, received_us=5).batch.entries[0].name == "a\ufffdb"
    surrogate = head + b'{"entryType":"resource","name":"a\\ud800"}]}'
    assert rules.decode_batch(surrogate, received_us=5).batch.entries[0].name == "a\ufffd"
    deep = head + b'{"entryType":"x","name":"x","v":' + b"[" * 70 + b"]" * 70 + b"}]}"
    with pytest.raises(UndecodableBatchError):
        rules.decode_batch(deep, received_us=5)


# --- rows -------------------------------------------------------------------------------------


def _same(rows: rules.Decoded, objects: rules.Decoded) -> bool:
    """But for lengths: rows are shorter."""
    lengths: dict[str, Any] = {"byte_count": 0, "wire_byte_count": 0, "bytes_by_type": {}}
    return (
        msgspec.structs.replace(rows, batch=msgspec.structs.replace(rows.batch, **lengths))
        == msgspec.structs.replace(objects, batch=msgspec.structs.replace(objects.batch, **lengths))
        and rows.batch.bytes_by_type.keys() == objects.batch.bytes_by_type.keys()
    )


_not_entries: st.SearchStrategy[Any] = st.sampled_from([None, 1, "x", {}, {"entryType": 1}])


@st.composite
def _rows(draw: st.DrawFn) -> tuple[list[str], list[list[Any]]]:
    """Names of fields, and rows of their values, some of them short."""
    kinds = draw(st.sampled_from([_usual, _usual, _values]))
    values = {**_required, **_fields(kinds)}
    if draw(st.booleans()):
        # As all entries of one page are.
        values["entryType"] = st.just("resource")
        values["navigationId"] = st.integers(0, 3)
    known = draw(st.booleans())
    names = draw(
        st.just(list(CHROMIUM_ORDER))
        | st.lists(st.sampled_from(RESOURCE_FIELDS if known else list(values)), unique=True).map(
            lambda names: list(dict.fromkeys(("name", *names, "entryType")))
        )
        | st.lists(st.sampled_from(list(values)), unique=True)
    )
    row = st.tuples(*[values[name].map(_bounded) for name in names]).map(list)
    short = st.tuples(row, st.integers(0, len(names))).map(lambda told: told[0][: told[1]])
    return names, draw(st.lists(row | row | short, max_size=4))


@given(_rows(), st.lists(_items(_usual) | _items(_values) | _not_entries, max_size=3), st.data())
def test_a_row_is_the_object_of_its_fields_and_values(
    told: tuple[list[str], list[list[Any]]], others: list[Any], data: st.DataObject
) -> None:
    names, rows = told
    others = [
        {name: _bounded(value) for name, value in item.items()} if isinstance(item, dict) else item
        for item in others
    ]
    mixed = data.draw(st.permutations([*rows, *others])) if others else rows
    objects = [
        dict(zip(names, item, strict=False)) if isinstance(item, list) else item for item in mixed
    ]
    of_objects = rules.decode_batch(_written(objects), received_us=5)
    of_rows = rules.decode_batch(_written(mixed, fields=names), received_us=5)
    assert _same(of_rows, of_objects)
    assert _same(of_rows, _decoded_slowly(_written(mixed, fields=names)))
    # Also where the names are told behind the entries, and so cannot be guessed.
    behind = {"sessionId": "s", "pageViewId": "p", "batchId": "b", "entries": mixed}
    body = msgspec.json.encode({**behind, "client": {"x": 1}, "fields": names})
    of_behind = rules.decode_batch(body, received_us=5)
    assert _same(of_behind, rules.decode_batch(_written(objects, client={"x": 1}), received_us=5))


def test_what_the_sdk_recorded_is_the_same_as_rows() -> None:
    session = Path(perftui.__file__).parent / "demo" / "session.jsonl"
    count = 0
    for line in session.read_bytes().splitlines():
        document = with_rows(json.loads(line))
        of_objects = rules.decode_batch(line, received_us=5)
        body = msgspec.json.encode(document)
        with mock.patch.object(rules, "_judge_raw", side_effect=AssertionError("one by one")):
            of_rows = rules.decode_batch(body, received_us=5)
        assert _same(of_rows, of_objects)
        count += sum(isinstance(entry, list) for entry in document["entries"])
    assert count > 50


def test_a_batch_of_rows_is_decoded_in_one_call() -> None:
    from bench.generator import Generator

    for body in Generator().bodies(50, 4, compact=True):
        with (
            mock.patch.object(rules, "_entries", side_effect=AssertionError("one by one")),
            mock.patch.object(rules, "_judge_raw", side_effect=AssertionError("one by one")),
        ):
            quick = rules.decode_batch(body, received_us=5)
        assert quick == _decoded_slowly(body)
        assert len(quick.batch.entries) == 50


def test_names_of_another_object_mislead_nobody() -> None:
    row = ["https://a.test/", "resource", 5.0]
    good = ["name", "entryType", "startTime"]
    other = ["name", "entryType", "fetchStart"]
    # The last of two is the one that counts, and of an object within nothing does.
    twice = b'{"sessionId":"s","pageViewId":"p","batchId":"b","fields":%s,"entries":%s,"fields":%s}'
    told = [msgspec.json.encode(one) for one in (other, [row], good)]
    expected = rules.decode_batch(_written([row], fields=good), received_us=5)
    assert expected.batch.entries[0].start_us == 5_000
    body = twice % (told[0], told[1], told[2])
    assert guessed_row_decoder(8192, body) is row_decoder(8192, tuple(other))
    assert _same(rules.decode_batch(body, received_us=5), expected)
    within: dict[str, Any] = {"client": {"fields": other}, "entries": [row]}
    body = msgspec.json.encode({"sessionId": "s", "pageViewId": "p", **within})
    assert guessed_row_decoder(8192, body) is row_decoder(8192, tuple(other))
    decoded = rules.decode_batch(body, received_us=5)
    assert [one.reason for one in decoded.rejected] == ["fields: missing"]
    body = msgspec.json.encode({"sessionId": "s", "pageViewId": "p", **within, "fields": good})
    assert rules.decode_batch(body, received_us=5).batch.entries[0].start_us == 5_000


def test_rows_of_fields_that_no_usual_entry_has_get_no_decoder_of_their_own() -> None:
    assert row_decoder(8192, CHROMIUM_ORDER) is row_decoder(8192, CHROMIUM_ORDER) is not None
    assert row_decoder(8192, ("entryType", "name")) is not None
    for names in [("name",), ("entryType",), (*CHROMIUM_ORDER, "x"), (*CHROMIUM_ORDER, "name")]:
        assert row_decoder(8192, names) is None
    for body in [b'"fields":[', b'"fields":[5]', b'"fields":["\xff"]', b'"fields":[["name"]]', b""]:
        assert guessed_row_decoder(8192, body + b',"entries":[') is None
    named = b'"fields":["entryType","name"]'
    assert guessed_row_decoder(8192, named + b',"entries":[') is not None
    assert guessed_row_decoder(8192, named) is None
    assert guessed_row_decoder(8192, b'"entries":[],' + named) is None


def test_how_deep_a_row_may_be_nested_is_how_deep_its_object_may_be() -> None:
    metric = {"name": "db", "duration": 1.5}
    names = ["entryType", "name", "serverTiming"]
    bodies = [
        _written([["resource", "/", [metric]]], fields=names),
        _written([{"entryType": "resource", "name": "/", "serverTiming": [metric]}]),
    ]
    for nesting in range(1, 6):
        taken = []
        for body in bodies:
            try:
                rules.decode_batch(
                    body, received_us=5, settings=ServerSettings(max_nesting=nesting)
                )
                taken.append(True)
            except UndecodableBatchError:
                taken.append(False)
        assert taken == [nesting >= 4] * 2


def test_the_bytes_of_a_mixed_batch_are_shared_out_by_length() -> None:
    task = {"entryType": "longtask", "name": "self", "startTime": 1.0, "attribution": ["x" * 500]}
    row = ["https://a.test/" + "y" * 85, "resource"]
    body = _written([row, task, row], fields=["name", "entryType"])
    quick = rules.decode_batch(body, received_us=5).batch.bytes_by_type
    lengths = {"resource": 2 * len(json.dumps(row)), "longtask": len(json.dumps(task))}
    for entry_type, length in lengths.items():
        assert quick[entry_type] / len(body) == pytest.approx(
            length / sum(lengths.values()), abs=0.05
        )
