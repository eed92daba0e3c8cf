"""HAR files: real ones against an independent reading of their JSON, and hostile ones."""

from __future__ import annotations

import io
import json
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perftui.capture.har import HELD_ENTRIES, read_har
from perftui.capture.har_entry import server_timing
from perftui.capture.har_page import MAX_ENTRIES
from perftui.capture.har_values import moment_us
from perftui.capture.json_slices import JsonSlices
from perftui.config import Settings
from perftui.errors import ImportFileError
from perftui.model import Batch, Entry

FILES = (
    "contentTypes_linkedin.har",
    "en.wikipedia.org.spdy-wpt.har",
    "http_http1.1-chrome.har",
    "http_http1.1-firefox.har",
    "http_http2-chrome.har",
    "http_http2-firefox.har",
    "redirect_www.etat.lu.har",
    "responseCodes_304.har",
    "sitespeed_browsertime-recalculate-style.har",
    "size_allSizes.har",
    "www.nytimes.com.har",
)

LONGEST = 8192
"""Characters of a URL that are kept; the rest is cut, with a mark."""


def kept(url: str) -> str:
    return url if len(url) <= LONGEST else url[: LONGEST - 1] + "…"


RECEIVED_US = 1_795_451_690_000_000


def read(document: bytes | Path) -> tuple[list[Batch], list[str]]:
    """The batches of a file, and what was said about it."""
    faults: list[str] = []
    content = document.read_bytes() if isinstance(document, Path) else document
    return list(read_har(io.BytesIO(content), Settings(), RECEIVED_US, faults.append)), faults


def har(*entries: Any, pages: Any = None, **log: Any) -> bytes:
    told = {"version": "1.2", "creator": {"name": "t", "version": "1"}, **log}
    told["pages"] = (
        [{"id": "p", "startedDateTime": "2026-01-01T00:00:00Z", "title": "t", "pageTimings": {}}]
        if pages is None
        else pages
    )
    return json.dumps({"log": {**told, "entries": list(entries)}}).encode()


def one(url: str = "https://a.test/", **fields: Any) -> dict[str, Any]:
    return {
        "pageref": "p",
        "startedDateTime": "2026-01-01T00:00:01Z",
        "time": 100,
        "request": {"method": "GET", "url": url, "httpVersion": "HTTP/1.1", "headers": []},
        "response": {
            "status": 200,
            "headers": [],
            "content": {"size": 10, "mimeType": "image/png"},
        },
        "timings": {"blocked": -1, "dns": -1, "connect": -1, "send": 1, "wait": 90, "receive": 9},
        **fields,
    }


HTML: dict[str, Any] = {
    "response": {"status": 200, "headers": [], "content": {"size": 10, "mimeType": "text/html"}}
}


def entries_of(document: bytes) -> list[Entry]:
    return [entry for batch in read(document)[0] for entry in batch.entries]


@pytest.mark.parametrize(
    ("coding", "size", "decoded"),
    [("gzip", 700, None), ("br", 2048, 2048), ("identity", 700, 700), (None, 700, 700)],
)
def test_a_compressed_body_that_is_no_longer_when_decoded_has_no_known_decoded_size(
    coding: str | None, size: int, decoded: int | None
) -> None:
    headers = [{"name": "Content-Encoding", "value": coding}] if coding else []
    response = {
        "status": 200,
        "headers": headers,
        "bodySize": 700,
        "content": {"size": size, "mimeType": "text/css"},
    }
    (entry,) = entries_of(har(one(response=response)))
    assert entry.encoded_body_size == 700
    assert entry.decoded_body_size == decoded


@pytest.mark.parametrize(
    ("told", "protocol"), [("HTTP/1.1", "http/1.1"), ("1.1", "http/1.1"), ("h2", "h2"), ("", None)]
)
def test_the_protocol_has_its_name_of_resource_timing(told: str, protocol: str | None) -> None:
    request = {"method": "GET", "url": "https://a.test/", "httpVersion": told, "headers": []}
    (entry,) = entries_of(har(one(request=request)))
    assert entry.next_hop_protocol == protocol


@pytest.mark.parametrize("name", FILES)
def test_a_real_file_is_imported_without_loss(har_folder: Path, name: str) -> None:
    path = har_folder / name
    log = json.loads(path.read_bytes())["log"]
    batches, faults = read(path)
    assert faults == []
    found = [entry for batch in batches for entry in batch.entries if entry.is_request]
    told = log["entries"]

    assert Counter(entry.name for entry in found) == Counter(
        kept(one["request"]["url"]) for one in told
    )
    assert Counter(entry.response_status for entry in found) == Counter(
        one["response"]["status"] or None for one in told
    )
    assert Counter(entry.method for entry in found) == Counter(
        one["request"]["method"] for one in told
    )
    types = Counter(
        one["response"]["content"].get("mimeType", "").partition(";")[0].strip().lower() or None
        for one in told
    )
    assert Counter(entry.content_type for entry in found) == types

    def decoded(one: dict[str, Any]) -> int:
        size = max(0, int(one["response"]["content"].get("size", 0)))
        coded = any(
            header["name"].lower() == "content-encoding" and header["value"] != "identity"
            for header in one["response"]["headers"]
        )
        # The encoded size again, not the decoded one.
        return 0 if coded and size == one["response"]["bodySize"] else size

    by_domain: Counter[str | None] = Counter()
    expected: Counter[str | None] = Counter()
    for entry in found:
        by_domain[urlsplit(entry.name).hostname] += entry.decoded_body_size or 0
    for one in told:
        expected[urlsplit(one["request"]["url"]).hostname] += decoded(one)
    assert by_domain == expected

    def transferred(one: dict[str, Any]) -> int:
        response = one["response"]
        if one.get("_fromCache"):
            return 0
        for value in (response.get("_transferSize"), one.get("_bytesIn")):
            if isinstance(value, (int, float)) and value >= 0:
                return int(value)
        sizes = (response["bodySize"], response["headersSize"])
        return sum(sizes) if min(sizes) >= 0 else 0

    transferred_by_domain: Counter[str | None] = Counter()
    expected_by_domain: Counter[str | None] = Counter()
    for entry in found:
        transferred_by_domain[urlsplit(entry.name).hostname] += entry.transfer_size or 0
    for one in told:
        expected_by_domain[urlsplit(one["request"]["url"]).hostname] += transferred(one)
    assert transferred_by_domain == expected_by_domain


# --- what pages tell, by an independent reading -------------------------------------------------------


def first(page: dict[str, Any], *names: str) -> float | None:
    """The first of some fields, in the page's timings or in the page itself, that was measured."""
    for name in names:
        for place in (page["pageTimings"], page, page.get("_googleWebVitals", {})):
            value = place.get(name, -1)
            if isinstance(value, (int, float)) and value > 0:
                return value
    return None


def told_by(page: dict[str, Any]) -> dict[str, Any]:
    """Moments in milliseconds by name, of a page as the file has it."""
    load = first(page, "onLoad")
    moments = {
        "loadEventEnd": load,
        "domContentLoadedEventEnd": first(page, "onContentLoad", "_domContentLoadedEventEnd"),
        "domInteractive": first(page, "_domInteractiveTime"),
        "first-paint": first(page, "_firstPaint", "_startRender"),
        "first-contentful-paint": first(page, "_firstContentfulPaint"),
        "largest-contentful-paint": first(page, "_largestContentfulPaint"),
        "fullyLoaded": first(page, "_fullyLoaded"),
        "visualComplete": first(page, "_visualComplete"),
        "lastVisualChange": first(page, "_lastVisualChange"),
    }
    start = first(page, "_loadEventStart")
    moments["loadEventStart"] = start if load and start and start <= load else None
    for name, value in page.items():
        if name.startswith("_userTime."):
            moments[name.removeprefix("_userTime.")] = value
    for begin, end in page["pageTimings"].get("_longTasks", []):
        moments[f"longtask {round(begin)}"] = end - begin
    moments["CLS"] = page.get("_googleWebVitals", {}).get("cumulativeLayoutShift")
    moments["speedIndex"] = page.get("_SpeedIndex")
    return {name: round(value, 3) for name, value in moments.items() if value is not None}


def found_in(entries: list[Entry]) -> dict[str, Any]:
    """The same of a pageview that was made of it."""
    found: dict[str, Any] = {}
    for entry in entries:
        match entry.entry_type:
            case "navigation":
                found |= {
                    name: entry.extra[name]
                    for name in (
                        *("domInteractive", "domContentLoadedEventEnd", "loadEventEnd"),
                        *("loadEventStart", "speedIndex"),
                    )
                    if name in entry.extra
                }
            case "paint" | "mark":
                found[entry.name] = entry.start_us / 1000
            case "largest-contentful-paint":
                found[entry.entry_type] = entry.start_us / 1000
            case "layout-shift":
                found["CLS"] = entry.extra["value"]
            case "longtask":
                assert entry.duration_us is not None
                found[f"longtask {round(entry.start_us / 1000)}"] = entry.duration_us / 1000
            case _:
                pass
    return {name: round(value, 3) for name, value in found.items()}


OF_NAVIGATION = frozenset(
    {"loadEventEnd", "loadEventStart", "domContentLoadedEventEnd", "domInteractive", "speedIndex"}
)


@pytest.mark.parametrize("name", FILES)
def test_what_the_pages_of_a_real_file_tell_is_what_their_pageviews_have(
    har_folder: Path, name: str
) -> None:
    log = json.loads((har_folder / name).read_bytes())["log"]
    by_view: dict[str, list[Entry]] = {}
    for batch in read(har_folder / name)[0]:
        by_view.setdefault(batch.page_view_id, []).extend(batch.entries)
    with_document = 0
    for number, page in enumerate(log["pages"], start=1):
        has_document = any(
            one.get("pageref") == page["id"]
            and "html" in one["response"]["content"].get("mimeType", "")
            and not 300 <= one["response"]["status"] < 400
            for one in log["entries"]
        )
        with_document += has_document
        expected = told_by(page)
        if not has_document:
            # Without a document there is no navigation that could have them.
            expected = {key: expected[key] for key in expected.keys() - OF_NAVIGATION}
        assert found_in(by_view[f"page-{number}"]) == expected
    assert with_document > 0


@pytest.mark.parametrize("name", FILES)
def test_phases_are_those_of_the_file(har_folder: Path, name: str) -> None:
    told = {
        (kept(one["request"]["url"]), one["startedDateTime"]): one["timings"]
        for one in json.loads((har_folder / name).read_bytes())["log"]["entries"]
    }
    checked = 0
    for batch in read(har_folder / name)[0]:
        for entry in batch.entries:
            if not entry.is_request or entry.response_start_us is None:
                continue
            assert entry.request_start_us is not None
            origin = batch.time_origin_us + entry.start_us
            timings = [
                timings
                for (url, started), timings in told.items()
                if url == entry.name and moment_us(started) == origin
            ]
            sent = float(entry.extra.get("requestEnd", entry.request_start_us / 1000))
            waited = entry.response_start_us / 1000 - sent
            assert any(abs(one["wait"] - waited) < 0.002 for one in timings)
            if entry.connect_end_us is not None and entry.connect_start_us is not None:
                connected = (entry.connect_end_us - entry.connect_start_us) / 1000
                assert any(abs(one["connect"] - connected) < 0.002 for one in timings)
            checked += 1
    assert checked > 0


def test_minus_one_is_unknown_and_never_zero() -> None:
    (entry,) = entries_of(
        har(one(response={"status": 0, "headersSize": -1, "bodySize": -1, "content": {"size": -1}}))
    )
    assert entry.response_status is None
    assert (entry.transfer_size, entry.encoded_body_size, entry.decoded_body_size) == (None,) * 3
    assert entry.domain_lookup_start_us is entry.connect_start_us is None
    assert entry.request_start_us is not None


def test_what_blocks_rendering_keeps_its_own_word_beside_resource_timings() -> None:
    (entry,) = entries_of(har(one(_renderBlocking="in_body_parser_blocking")))
    assert entry.render_blocking_status == "blocking"
    assert entry.extra["renderBlocking"] == "in_body_parser_blocking"


def test_one_file_is_one_session_whenever_it_is_imported() -> None:
    first, second = read(har(one()))[0], read(har(one()))[0]
    assert [batch.key for batch in first] == [batch.key for batch in second]
    assert {batch.session_id for batch in first} != {batch.session_id for batch in read(har())[0]}


def test_entries_before_pages_and_without_them() -> None:
    document = json.loads(
        har(one(), one("https://b.test/", pageref="gone"), {**one(), "pageref": None})
    )
    log = document["log"]
    reordered = {
        "log": {"entries": log["entries"], "pages": log["pages"], "creator": log["creator"]}
    }
    batches, faults = read(json.dumps(reordered).encode())
    assert sum(len(batch.entries) for batch in batches) == 3
    assert len({batch.page_view_id for batch in batches}) == 3
    assert faults == ["page 'gone' is missing; its requests stand by themselves"]


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        ({"startedDateTime": "yesterday"}, "startedDateTime: no moment"),
        ({"startedDateTime": 5}, "startedDateTime: no moment"),
        ({"startedDateTime": "0001-01-01T00:00:00Z"}, "startedDateTime: no moment"),
        ({"request": None}, "request.url: missing"),
        ({"request": {"url": 5}}, "request.url: missing"),
    ],
)
def test_a_bad_entry_is_named_with_its_place_and_the_others_are_there(
    damage: dict[str, Any], words: str
) -> None:
    batches, faults = read(har(one("https://a.test/1"), one(**damage), one("https://a.test/2")))
    assert [entry.name for batch in batches for entry in batch.entries] == [
        "https://a.test/1",
        "https://a.test/2",
    ]
    (fault,) = faults
    assert fault.startswith("entry 1 (byte ")
    assert words in fault


@pytest.mark.parametrize(
    "strange",
    [
        {"time": -5},
        {"time": 1e300},
        {"time": "soon"},
        {"timings": None},
        {"timings": {"wait": -9e9, "receive": "x", "dns": 1e30}},
        {"response": None},
        {"response": {"status": -5, "content": [], "headers": {"a": 1}, "bodySize": "big"}},
        {"request": {"url": "https://a.test/", "headers": [5, {"name": 1}], "method": {}}},
        {"_initiator": [[[]]]},
    ],
)
def test_strange_values_cost_that_value_alone(strange: dict[str, Any]) -> None:
    batches, faults = read(har(one(**strange)))
    assert sum(len(batch.entries) for batch in batches) == 1
    assert faults == []


def test_duplicate_and_missing_page_ids() -> None:
    page = {"id": "p", "startedDateTime": "2026-01-01T00:00:00Z", "title": "t", "pageTimings": {}}
    batches, faults = read(har(one(), pages=[page, page, {"title": "x"}, 5]))
    assert sum(len(batch.entries) for batch in batches) == 1
    assert len(faults) == 3


@pytest.mark.parametrize(
    "document", [b"", b"[]", b"{", b"{}", b'{"log": {}}', b"\x00\x01", b'{"log": 5}']
)
def test_what_is_no_har_file_is_one_clear_error(document: bytes) -> None:
    with pytest.raises(ImportFileError):
        read(document)


def test_a_file_that_ends_in_the_middle_gives_what_is_whole() -> None:
    whole = har(one("https://a.test/1"), one("https://a.test/2"), one("https://a.test/3"))
    cut = whole[: whole.index(b"https://a.test/3")]
    document = cut.replace(b'"entries"', b'"entries"', 1)
    batches, faults = read(document)
    assert [entry.name for batch in batches for entry in batch.entries] == [
        "https://a.test/1",
        "https://a.test/2",
    ]
    assert "ends in the middle" in faults[-1]


def test_a_value_larger_than_the_window_is_read_whole() -> None:
    big = "x" * 3_000_000
    response = {
        "status": 200,
        "content": {"size": 3_000_000, "mimeType": "text/plain", "text": big + '"\\'},
    }
    found = entries_of(
        har(one("https://a.test/big", response=response), one("https://a.test/after"))
    )
    assert [entry.name for entry in found] == ["https://a.test/big", "https://a.test/after"]


def test_server_timing_headers() -> None:
    assert server_timing('db;dur=53.2, cache;desc="Cache Read";dur=23, miss') == [
        {"name": "db", "duration": 53.2, "description": ""},
        {"name": "cache", "duration": 23.0, "description": "Cache Read"},
        {"name": "miss", "duration": 0, "description": ""},
    ]


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


class _Trickle(io.RawIOBase):
    """A stream that gives a few bytes at a time, so that every value crosses a window's edge."""

    def __init__(self, content: bytes, step: int) -> None:
        self._content = content
        self._step = step

    def read(self, size: int = -1) -> bytes:
        piece, self._content = self._content[: self._step], self._content[self._step :]
        return piece


@given(st.lists(json_values, max_size=6), st.integers(1, 7), st.sampled_from([None, 1]))
def test_slices_are_the_values(values: list[Any], step: int, indent: int | None) -> None:
    text = json.dumps({"a": 1, "list": values, "z": [{}]}, indent=indent).encode()
    slices = JsonSlices(_Trickle(text, step))  # type: ignore[arg-type]
    found: list[Any] = []
    names = []
    for name in slices.members():
        names.append(name)
        if name == "list":
            found = [json.loads(slices.value()) for _ in slices.elements()]
        else:
            slices.value(keep=name == "z")
    assert names == ["a", "list", "z"]
    assert found == values


def test_redirects_in_a_circle_are_requests_like_others() -> None:
    def redirect(url: str, target: str) -> dict[str, Any]:
        return one(url, response={"status": 302, "redirectURL": target, "content": {"size": 0}})

    found = entries_of(
        har(redirect("https://a.test/1", "/2"), redirect("https://a.test/2", "/1"), one())
    )
    assert [entry.extra.get("redirectURL") for entry in found] == ["/2", "/1", None]


@pytest.mark.parametrize(
    ("target", "document", "page"),
    [
        ("https://new.test/home", "https://new.test/home", "https://new.test/home"),
        ("//new.test/home", "https://new.test/home", "https://new.test/home"),
        # Another document than that of the page, such as a frame's, says nothing of it.
        ("https://new.test/home", "https://frame.test/", "https://old.test/"),
        ("https://[new.test/home", "https://frame.test/", "https://old.test/"),
    ],
)
def test_the_address_of_a_page_is_the_one_it_was_redirected_to(
    target: str, document: str, page: str
) -> None:
    redirect = {"status": 301, "redirectURL": target, "content": {"size": 0}}
    title = {"id": "p", "startedDateTime": "2026-01-01T00:00:00Z", "title": "https://old.test/"}
    batches, faults = read(
        har(one("https://old.test/", response=redirect), one(document, **HTML), pages=[title])
    )
    assert [batch.page.url for batch in batches] == [page]
    assert faults == []


def test_many_entries_with_one_url_and_one_moment_are_all_there() -> None:
    batches, faults = read(har(*[one()] * 20_000))
    assert sum(len(batch.entries) for batch in batches) == 20_000
    assert len({batch.key for batch in batches}) == len(batches) == 40
    assert faults == []


def test_many_pages_of_few_requests_do_not_wait_for_the_end() -> None:
    pages = [
        {"id": str(number), "startedDateTime": "2026-01-01T00:00:00Z", "pageTimings": {}}
        for number in range(6000)
    ]
    content = har(*(one(pageref=str(number)) for number in range(6000)), pages=pages)
    stream = io.BytesIO(content)
    faults: list[str] = []
    batches = read_har(stream, Settings(), RECEIVED_US, faults.append)
    first = [next(batches) for _ in range(HELD_ENTRIES)]
    assert stream.tell() < len(content)
    assert [batch.page_view_id for batch in [*first, *batches]] == [
        f"page-{number + 1}" for number in range(6000)
    ]


@pytest.mark.parametrize("step", [7, 1 << 20])
def test_what_msgspec_does_not_step_over_is_found_by_its_brackets(step: int) -> None:
    text = b'{"list": [{"a": "\\ud800"}, {"b": NaN}, {"c": [1, {"d": "]}"}]}, {"e": 1}], "z": {}}'
    slices = JsonSlices(_Trickle(text, step))  # type: ignore[arg-type]
    found: list[bytes] = []
    for name in slices.members():
        if name == "list":
            found = [slices.value().strip() for _ in slices.elements()]
        else:
            slices.value(keep=False)
    assert found == [
        b'{"a": "\\ud800"}',
        b'{"b": NaN}',
        b'{"c": [1, {"d": "]}"}]}',
        b'{"e": 1}',
    ]


def test_arrays_as_deep_as_you_like_are_jumped_over() -> None:
    text = b'{"x": ' + b"[" * 100_000 + b"]" * 100_000 + b', "y": 1}'
    slices = JsonSlices(io.BytesIO(text))
    assert [(name, slices.value(keep=name == "y")) for name in slices.members()] == [
        ("x", b""),
        ("y", b"1"),
    ]


def test_a_page_of_webpagetest_as_it_writes_it_today() -> None:
    page = {
        "id": "p",
        "startedDateTime": "2026-01-01T00:00:00Z",
        "title": "Run 1, First View for https://a.test/",
        "pageTimings": {"onLoad": 2400, "onContentLoad": -1, "_startRender": 900},
        "_render": 900,
        "_firstContentfulPaint": 812.5,
        "_chromeUserTiming.LargestContentfulPaint": 1990,
        "_LargestContentfulPaintImageURL": "https://a.test/hero.avif",
        "_chromeUserTiming.CumulativeLayoutShift": 0.4,
        "_LayoutShifts": [{"time": 700, "score": 0.1}, {"time": 1500, "score": 0.3}, {"time": "x"}],
        "_domInteractive": 640,
        "_domContentLoadedEventStart": 650,
        "_domContentLoadedEventEnd": 655,
        "_longTasks": [[100, 180.5], [5], "x", [9, 3]],
        "_userTimes": {"hero": 1990, "bad": "soon", "never": -1},
        "_SpeedIndex": 1100,
    }
    batches, faults = read(har(one(**HTML), pages=[page]))
    assert faults == []
    entries = [entry for batch in batches for entry in batch.entries]
    assert [entry.extra["value"] for entry in entries if entry.entry_type == "layout-shift"] == [
        *(0.1, 0.3)
    ]
    (largest,) = [one for one in entries if one.entry_type == "largest-contentful-paint"]
    assert largest.extra == {"url": "https://a.test/hero.avif"}
    found = found_in(entries)
    assert found.pop("CLS") == 0.3
    assert found == {
        "domInteractive": 640,
        "domContentLoadedEventEnd": 655,
        "loadEventEnd": 2400,
        "first-paint": 900,
        "first-contentful-paint": 812.5,
        "largest-contentful-paint": 1990,
        "longtask 100": 80.5,
        "hero": 1990,
        "speedIndex": 1100,
    }


def test_a_sum_of_shifts_is_one_shift_that_says_so_and_none_told_is_none() -> None:
    page = {"id": "p", "startedDateTime": "2026-01-01T00:00:00Z", "pageTimings": {"onLoad": 500}}
    summed = {**page, "_googleWebVitals": {"cumulativeLayoutShift": 0}}
    (shift,) = [
        entry
        for entry in entries_of(har(one(), pages=[summed]))
        if entry.entry_type == "layout-shift"
    ]
    assert (shift.start_us, shift.extra["value"], shift.extra["isSum"]) == (500_000, 0.0, True)
    assert not [
        entry for entry in entries_of(har(one(), pages=[page])) if entry.entry_type != "resource"
    ]


def test_more_marks_than_a_page_may_have_are_counted() -> None:
    page = {
        "id": "p",
        "startedDateTime": "2026-01-01T00:00:00Z",
        "pageTimings": {},
        "_userTimes": {f"m{number}": number for number in range(MAX_ENTRIES + 7)},
    }
    batches, faults = read(har(one(), pages=[page]))
    assert sum(len(batch.entries) for batch in batches) == 1 + MAX_ENTRIES
    assert faults == ["page page-1: 7 of its marks, tasks and shifts are too many"]


@pytest.mark.parametrize(
    "strange",
    [
        {"_LayoutShifts": {"time": 5}, "_longTasks": "x", "_userTimes": [1], "_userTimings": 5},
        {"_googleWebVitals": [], "_LargestContentfulPaintImageURL": 7},
        {"_firstPaint": True, "_SpeedIndex": "fast", "_userTime.x": None},
        {"pageTimings": [5], "_CumulativeLayoutShift": -1},
        {"pageTimings": {"onLoad": 1e300, "_longTasks": [[1e300, 2e300], [-5, 5]]}},
    ],
)
def test_strange_metrics_of_a_page_cost_themselves_alone(strange: dict[str, Any]) -> None:
    page = {"id": "p", "startedDateTime": "2026-01-01T00:00:00Z", "pageTimings": {}, **strange}
    batches, faults = read(har(one(**HTML), pages=[page]))
    assert [entry.entry_type for batch in batches for entry in batch.entries] == ["navigation"]
    assert faults == []
