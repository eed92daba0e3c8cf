"""The native batch: what is taken, what is refused, and with which words."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.generator import Generator
from perftui.capture.batch import Decoded, decode_batch, decode_lines
from perftui.config import ServerSettings
from perftui.errors import IntakeError, InvalidBatchError, TooLargeError, UndecodableBatchError
from perftui.model import Entry

RECEIVED_US = 1_795_451_690_000_000

RESOURCE: dict[str, Any] = {
    "entryType": "resource",
    "name": "https://app.test/api/users",
    "initiatorType": "fetch",
    "startTime": 112.4,
    "duration": 84.1,
    "requestStart": 120.0,
    "responseStart": 180.25,
    "responseEnd": 196.5,
    "responseStatus": 200,
    "transferSize": 812,
    "encodedBodySize": 512,
    "decodedBodySize": 2048,
}


def body(*entries: Any, **envelope: Any) -> bytes:
    told = {"sessionId": "s-1", "pageViewId": "p-1", "entries": list(entries), **envelope}
    return json.dumps(told).encode()


def entry(fields: dict[str, Any] | None = None, **more: Any) -> Entry:
    (found,) = decode_batch(
        body({**(RESOURCE if fields is None else fields), **more}), received_us=RECEIVED_US
    ).batch.entries
    return found


def test_the_example_of_the_wire_format() -> None:
    batch = decode_batch(
        body(
            RESOURCE,
            batchId="b-1",
            timeOrigin=1795451678400.1,
            sentAt=1795451690000.0,
            page={"url": "https://app.test/orders", "title": "Orders", "referrer": ""},
            client={"sdk": "perftui/0.1.0", "viewport": [1280, 800]},
            dropped={"resource": 0, "mark": 3},
        ),
        received_us=RECEIVED_US,
    ).batch
    assert (batch.session_id, batch.page_view_id) == ("s-1", "p-1")
    assert batch.time_origin_us == 1_795_451_678_400_100
    assert not batch.time_origin_estimated
    assert batch.sent_us == 1_795_451_690_000_000
    assert batch.page.url == "https://app.test/orders"
    assert batch.page.referrer is None
    assert batch.client["viewport"] == [1280, 800]
    assert batch.dropped == {"mark": 3}
    (found,) = batch.entries
    assert (found.start_us, found.duration_us, found.response_start_us) == (
        112_400,
        84_100,
        180_250,
    )
    assert (found.transfer_size, found.decoded_body_size) == (812, 2048)


def test_absent_is_the_default_and_null_is_unknown() -> None:
    assert entry(transferSize=None).transfer_size is None
    without = {name: value for name, value in RESOURCE.items() if name != "transferSize"}
    assert entry(without).transfer_size == 0
    assert entry(responseStatus=0).response_status is None
    assert entry(nextHopProtocol="").next_hop_protocol is None
    assert entry(domainLookupStart=0).domain_lookup_start_us is None
    assert entry(duration=None).duration_us is None
    no_duration = {name: value for name, value in RESOURCE.items() if name != "duration"}
    assert entry(no_duration).duration_us == 84_100
    assert entry({"entryType": "mark", "name": "m", "startTime": 1}).duration_us == 0


def test_withheld_sizes_are_unknown_not_zero() -> None:
    opaque = {
        "entryType": "resource",
        "name": "https://cdn.test/x.js",
        "startTime": 5,
        "duration": 9,
        "transferSize": 0,
        "encodedBodySize": 0,
        "decodedBodySize": 0,
        "requestStart": 0,
    }
    found = entry(opaque)
    assert found.is_timing_opaque
    assert (found.transfer_size, found.encoded_body_size, found.decoded_body_size) == (None,) * 3
    assert entry(transferSize=0).transfer_size == 0, "a cached answer really had none"


def test_what_is_not_known_is_kept() -> None:
    found = entry({"entryType": "future-thing", "name": "x", "startTime": 1, "shape": {"a": [1]}})
    assert found.entry_type == "future-thing"
    assert found.extra == {"shape": {"a": [1]}}


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (5, "not an object"),
        ({}, "entryType: missing"),
        ({"entryType": 5}, "entryType: not a string"),
        ({"entryType": "mark"}, "name: missing"),
        ({"entryType": "mark", "name": 5}, "name: not a string"),
        ({**RESOURCE, "startTime": "12"}, "startTime: not a number"),
        ({**RESOURCE, "startTime": True}, "startTime: not a number"),
        ({**RESOURCE, "startTime": None}, "startTime: unknown, so it has no place in time"),
        ({**RESOURCE, "startTime": 2**70}, "startTime: out of range"),
        ({**RESOURCE, "duration": -1}, "duration: negative"),
        ({**RESOURCE, "transferSize": 1.5}, "transferSize: not a whole number"),
        ({**RESOURCE, "transferSize": -1}, "transferSize: out of range"),
        ({**RESOURCE, "transferSize": 2**70}, "transferSize: out of range"),
        ({**RESOURCE, "responseStatus": 70_000}, "responseStatus: no HTTP status"),
        ({**RESOURCE, "initiatorType": []}, "initiatorType: not a string"),
    ],
)
def test_a_bad_item_takes_no_good_one_with_it(item: Any, reason: str) -> None:
    decoded = decode_batch(body(RESOURCE, item, RESOURCE), received_us=RECEIVED_US)
    assert len(decoded.batch.entries) == 2
    assert decoded.batch.rejected_count == 1
    ((index, told),) = [(one.index, one.reason) for one in decoded.rejected]
    assert (index, told) == (1, reason)


@pytest.mark.parametrize(
    ("document", "path"),
    [
        (b"[]", "$"),
        (b"{}", "$.sessionId"),
        (b'{"sessionId": 5}', "$.sessionId"),
        (b'{"sessionId": "a b"}', "$.sessionId"),
        (b'{"sessionId": "' + b"a" * 129 + b'"}', "$.sessionId"),
        (b'{"sessionId": "a"}', "$.pageViewId"),
        (b'{"sessionId": "a", "pageViewId": "b"}', "$.entries"),
        (b'{"sessionId": "a", "pageViewId": "b", "entries": {}}', "$.entries"),
    ],
)
def test_a_wrong_envelope_is_refused_with_the_place_of_the_fault(
    document: bytes, path: str
) -> None:
    with pytest.raises(InvalidBatchError) as told:
        decode_batch(document, received_us=RECEIVED_US)
    assert told.value.path == path


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"{",
        b"NaN",
        b'{"a": NaN}',
        b"[" * 10_000,
        b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
        b"\xff",
    ],
)
def test_what_is_no_json_is_refused(document: bytes) -> None:
    with pytest.raises(IntakeError) as told:
        decode_batch(document, received_us=RECEIVED_US)
    assert isinstance(told.value, UndecodableBatchError | InvalidBatchError)


def test_nesting_is_bounded() -> None:
    deep: Any = 1
    for _ in range(70):
        deep = [deep]
    with pytest.raises(UndecodableBatchError, match="nested deeper than 64"):
        decode_batch(body({**RESOURCE, "x": deep}), received_us=RECEIVED_US)


def test_too_many_entries_are_refused() -> None:
    with pytest.raises(TooLargeError):
        decode_batch(
            body(*[RESOURCE] * 11), received_us=RECEIVED_US, settings=ServerSettings(max_entries=10)
        )


ROW_FIELDS = list(RESOURCE)
ROW = list(RESOURCE.values())


def rows(*items: Any, fields: Any = ROW_FIELDS, **envelope: Any) -> Decoded:
    return decode_batch(body(*items, fields=fields, **envelope), received_us=RECEIVED_US)


def test_the_row_of_the_wire_format() -> None:
    decoded = rows(ROW, {"entryType": "mark", "name": "ready", "startTime": 5}, ROW)
    assert not decoded.rejected
    first, mark, last = decoded.batch.entries
    assert first == last == entry()
    assert (mark.entry_type, mark.name, mark.start_us) == ("mark", "ready", 5_000)


def test_a_short_row_does_not_tell_the_last_fields() -> None:
    place = ROW_FIELDS.index("transferSize")
    (found,) = rows(ROW[:place]).batch.entries
    assert found == entry(dict(list(RESOURCE.items())[:place]))
    assert found.transfer_size == 0
    (found,) = rows([*ROW[:place], None]).batch.entries
    assert found.transfer_size is None, "null is unknown, as in an object"


def test_a_field_of_a_row_that_is_not_known_is_kept() -> None:
    (found,) = rows([*ROW, {"a": [1]}], fields=[*ROW_FIELDS, "shape"]).batch.entries
    assert found == entry(shape={"a": [1]})
    assert found.extra == {"shape": {"a": [1]}}


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ([*ROW, 5], "13 values for 12 fields"),
        ([], "entryType: missing"),
        (["resource"], "name: missing"),
        ([5, "x"], "entryType: not a string"),
        (["resource", "x", [], 1], "initiatorType: not a string"),
        (["resource", "x", "fetch", None], "startTime: unknown, so it has no place in time"),
        (["resource", "x", "fetch", "12"], "startTime: not a number"),
        (["resource", "x", "fetch", 1, -1], "duration: negative"),
        ([[], "x"], "entryType: not a string"),
        ("resource", "not an object"),
    ],
)
def test_a_bad_row_takes_no_good_one_with_it(item: Any, reason: str) -> None:
    decoded = rows(ROW, item, ROW, RESOURCE)
    assert list(decoded.batch.entries) == [entry()] * 3
    assert [(one.index, one.reason) for one in decoded.rejected] == [(1, reason)]
    assert decoded.batch.rejected_count == 1


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        (None, "fields: missing"),
        (5, "fields: not an array"),
        ({"name": 0}, "fields: not an array"),
        ("name", "fields: not an array"),
        (["name", 5], "fields: not all are strings"),
        (["name", ["x"]], "fields: not all are strings"),
        (["name", ""], "fields: not all are 1 to 8192 characters long"),
        (["name", "x" * 8193], "fields: not all are 1 to 8192 characters long"),
        (["name", "entryType", "name"], "fields: not distinct"),
        ([f"x{number}" for number in range(257)], "fields: more than 256"),
    ],
)
def test_rows_of_no_good_fields_are_refused_one_by_one(fields: Any, reason: str) -> None:
    decoded = rows(ROW, RESOURCE, ROW, fields=fields)
    assert list(decoded.batch.entries) == [entry()]
    assert [(one.index, one.reason) for one in decoded.rejected] == [(0, reason), (2, reason)]
    assert not rows(RESOURCE, fields=fields).rejected, "what nobody needs does no harm"


def test_rows_of_a_batch_without_fields_are_refused_one_by_one() -> None:
    decoded = decode_batch(body(ROW, RESOURCE), received_us=RECEIVED_US)
    assert list(decoded.batch.entries) == [entry()]
    assert [(one.index, one.reason) for one in decoded.rejected] == [(0, "fields: missing")]


def test_as_many_fields_as_may_be() -> None:
    fields = [*ROW_FIELDS, *[f"x{number}" for number in range(256 - len(ROW))]]
    (found,) = rows([*ROW, *range(256 - len(ROW))], fields=fields).batch.entries
    assert found.extra["x243"] == 243


def test_strings_of_rows_are_mended_and_cut() -> None:
    place = ROW_FIELDS.index("name")
    for name in ["a\0b", "x" * 9_000, "a\ud800b"]:
        row = [*ROW[:place], name, *ROW[place + 1 :]]
        decoded = rows(row, ROW)
        assert list(decoded.batch.entries) == [entry(name=name), entry()]
        assert decoded.cut_count == (len(name) == 9_000)


def test_numbers_that_no_reader_agrees_on_beside_rows_are_kept_as_text() -> None:
    mark = {"entryType": "mark", "name": "m", "startTime": 1, "detail": 2**70}
    decoded = rows(ROW, mark, [*ROW, 2**70], fields=[*ROW_FIELDS, "detail"])
    first, second, third = decoded.batch.entries
    assert first == entry()
    assert second.extra == third.extra == {"detail": str(2**70)}
    decoded = rows(ROW, mark)
    assert [one.extra for one in decoded.batch.entries] == [{}, {"detail": str(2**70)}]


def test_nesting_of_rows_is_bounded() -> None:
    deep: Any = 1
    for _ in range(70):
        deep = [deep]
    with pytest.raises(UndecodableBatchError, match="nested deeper than 64"):
        rows([*ROW, deep], fields=[*ROW_FIELDS, "x"])


def test_too_many_rows_are_refused() -> None:
    with pytest.raises(TooLargeError):
        decode_batch(
            body(*[ROW] * 11, fields=ROW_FIELDS),
            received_us=RECEIVED_US,
            settings=ServerSettings(max_entries=10),
        )


def test_lines_of_a_file_may_hold_rows() -> None:
    ((number, decoded),) = decode_lines(
        iter([body(ROW, RESOURCE, fields=ROW_FIELDS)]), received_us=RECEIVED_US
    )
    assert number == 1
    assert isinstance(decoded, Decoded)
    assert list(decoded.batch.entries) == [entry()] * 2


ENVELOPE = b'{"sessionId":"s","pageViewId":"p","entries":[%s],"client":{"x":[%s]}}'


@pytest.mark.parametrize("values", [b"[]", b"{}", b"0"])
@pytest.mark.parametrize("place", ["entries", "client", "field"])
def test_what_would_decode_to_far_more_than_its_length_is_refused(
    values: bytes, place: str
) -> None:
    many = b",".join([values] * 600_000)
    document = {
        "entries": ENVELOPE % (many, b""),
        "client": ENVELOPE % (b"", many),
        "field": ENVELOPE % (b'{"entryType":"mark","name":"n","x":[%s]}' % many, b""),
    }[place]
    with pytest.raises(TooLargeError, match="500000 values") as caught:
        decode_batch(document, received_us=RECEIVED_US)
    assert caught.value.limit == "max_values"


def test_the_largest_batch_of_full_entries_is_taken() -> None:
    (body,) = Generator().bodies(5000, 1)
    assert len(decode_batch(body, received_us=RECEIVED_US).batch.entries) == 5000


@pytest.mark.parametrize("bad", [b"\xff", b"\\ud800", b"\\udc00\\ud83d"])
def test_what_is_mended_is_otherwise_the_same(bad: bytes) -> None:
    item = b'{"entryType":"mark","name":"%s","startTime":0.1,"x":[1e3,-0.0,1.25,"\\u00e9\\ud83d\\ude00",null]}'
    found = decode_batch(ENVELOPE % (item % bad, b""), received_us=RECEIVED_US).batch.entries[0]
    good = decode_batch(ENVELOPE % (item % b"a", b""), received_us=RECEIVED_US).batch.entries[0]
    assert set(found.name) == {"\ufffd"}
    assert (found.start_us, found.extra) == (good.start_us, good.extra)


def test_lone_surrogates_nul_and_broken_utf8_are_mended() -> None:
    raw = (
        b'{"sessionId":"s","pageViewId":"p","entries":['
        b'{"entryType":"mark","name":"a\\ud800b","startTime":1},'
        b'{"entryType":"mark","name":"\\ud83d\\ude00","startTime":1},'
        b'{"entryType":"mark","name":"a\\u0000b","startTime":1},'
        b'{"entryType":"mark","name":"\xff","startTime":1}]}'
    )
    names = [one.name for one in decode_batch(raw, received_us=RECEIVED_US).batch.entries]
    assert names == ["a�b", "😀", "a�b", "�"]


def test_long_strings_are_cut_with_a_mark() -> None:
    found = entry(name="https://a.test/" + "x" * 100_000, detail={"deep": ["y" * 100_000]})
    assert len(found.name) == 8192
    assert found.name.endswith("…")
    assert len(found.extra["detail"]["deep"][0]) == 8192


def test_numbers_that_no_reader_agrees_on_are_kept_as_text() -> None:
    assert entry(detail=2**70).extra["detail"] == str(2**70)


def test_the_time_origin_is_estimated_where_it_is_missing() -> None:
    batch = decode_batch(body(RESOURCE), received_us=RECEIVED_US).batch
    assert batch.time_origin_estimated
    assert batch.time_origin_us == RECEIVED_US - 112_400 - 84_100


def test_a_repetition_has_the_same_key_and_nothing_else_has() -> None:
    def key(document: bytes) -> bytes:
        return decode_batch(document, received_us=RECEIVED_US).batch.key

    assert key(body(RESOURCE, batchId="b")) == key(body(batchId="b"))
    assert key(body(RESOURCE, batchId="b")) != key(body(RESOURCE, batchId="c"))
    assert key(body(RESOURCE, batchId="b")) != key(body(RESOURCE, batchId="b", sessionId="other"))
    assert key(body(RESOURCE)) == key(body(RESOURCE)) != key(body())


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.lists(
        st.dictionaries(st.sampled_from([*RESOURCE, "x"]), json_values, max_size=6), max_size=4
    )
)
def test_any_entry_is_taken_or_refused_with_a_reason(items: list[dict[str, Any]]) -> None:
    decoded = decode_batch(
        msgspec.json.encode(
            {"sessionId": "s", "pageViewId": "p", "entries": [RESOURCE, *items, RESOURCE]}
        ),
        received_us=RECEIVED_US,
    )
    assert len(decoded.batch.entries) + len(decoded.rejected) == len(items) + 2
    assert decoded.batch.entries[0] == decoded.batch.entries[-1] == entry()
    assert sum(decoded.batch.bytes_by_type.values()) <= decoded.batch.byte_count + len(items)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_batch_or_an_intake_error(document: bytes) -> None:
    with pytest.raises(IntakeError):
        decode_batch(document, received_us=RECEIVED_US)
