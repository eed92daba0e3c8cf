"""Which rows are one request, and what each side knows better."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from perftui.model import Entry
from perftui.store.joining import as_frame, flow_id, merged
from perftui.store.outgoing import OutgoingReader
from perftui.store.reader import StoreReader
from perftui.store.writer import StoreWriter
from tests.store.builders import batch

TIMING = {"serverTiming": [{"name": "perftui", "duration": 0, "description": "f1"}]}


def of_browser(**fields: Any) -> Entry:
    return Entry(
        **{
            "entry_type": "resource",
            "name": "http://127.0.0.1:8080/a",
            "start_us": 1_000,
            "extra": TIMING,
            **fields,
        }
    )


def of_proxy(**fields: Any) -> Entry:
    return Entry(
        **{
            "entry_type": "request",
            "name": "http://127.0.0.1:8080/a",
            "start_us": 9_000,
            "extra": {"flowId": "f1"},
            **fields,
        }
    )


@pytest.mark.parametrize(
    ("fields", "is_of_flow"),
    [
        ({"transfer_size": 900, "decoded_body_size": 600}, True),
        ({"transfer_size": None, "decoded_body_size": 600}, True),
        ({"transfer_size": 0, "decoded_body_size": 600}, False),
        ({"transfer_size": None, "delivery_type": "cache"}, False),
        # Chromium calls it a delivery from the cache when the server said "unchanged".
        ({"transfer_size": 300, "decoded_body_size": 600, "delivery_type": "cache"}, True),
    ],
)
def test_an_answer_from_the_cache_repeats_the_headers_of_an_older_one(
    fields: dict[str, Any], is_of_flow: bool
) -> None:
    assert flow_id(of_browser(**fields)) == ("f1" if is_of_flow else None)


def test_an_unchanged_answer_keeps_the_body_that_the_cache_has() -> None:
    browser = of_browser(
        response_status=200, transfer_size=300, encoded_body_size=500, decoded_body_size=600
    )
    proxy = of_proxy(
        response_status=304, transfer_size=97, encoded_body_size=0, decoded_body_size=0
    )
    found = merged(browser, proxy)
    assert (found.response_status, found.transfer_size) == (304, 97)
    assert (found.encoded_body_size, found.decoded_body_size) == (500, 600)


def test_a_redirected_request_has_the_url_that_answered() -> None:
    found = merged(of_browser(), of_proxy(name="http://127.0.0.1:8080/b?x=1"))
    assert found.name == "http://127.0.0.1:8080/b?x=1"
    assert found.extra["requestedUrl"] == "http://127.0.0.1:8080/a"


def test_another_name_of_the_origin_is_no_redirect() -> None:
    found = merged(of_browser(name="https://app.test/a#top"), of_proxy())
    assert found.name == "https://app.test/a#top"
    assert "requestedUrl" not in found.extra


def test_the_proxy_knows_what_an_event_stream_is() -> None:
    found = merged(of_browser(initiator_type="other"), of_proxy(initiator_type="eventsource"))
    assert found.initiator_type == "eventsource"
    assert merged(of_browser(initiator_type="img"), of_proxy()).initiator_type == "img"


# --- a frame's document, told by two pages and the proxy ----------------------------------------------


def navigation(**fields: Any) -> Entry:
    return of_browser(
        **{"entry_type": "navigation", "initiator_type": "navigation", "duration_us": 70, **fields}
    )


def around(**fields: Any) -> Entry:
    """What the page around a frame tells of its document."""
    return of_browser(**{"initiator_type": "iframe", "duration_us": 60, "start_us": 400, **fields})


def by_proxy(**fields: Any) -> Entry:
    return of_proxy(
        **{
            "duration_us": 5_000,
            "request_start_us": 9_500,
            "response_start_us": 11_000,
            "method": "GET",
            "next_hop_protocol": "h2",
            "response_status": 203,
            "transfer_size": 812,
            "encoded_body_size": 600,
            "content_type": "text/html",
            "extra": {"flowId": "f1", "requestHeaders": [{"name": "Accept", "value": "*/*"}]},
            **fields,
        }
    )


PARTS = {
    "document": ("frame", navigation),
    "around": ("page", around),
    "proxy": ("page", by_proxy),
}


def stored(path: Path, order: Sequence[str], **told: Entry) -> dict[str, Entry]:
    """What is in the store once each part has come in a batch of its own, by entry type."""
    path.unlink(missing_ok=True)
    writer = StoreWriter(path)
    for name in order:
        page_view, make = PARTS[name]
        source = "proxy" if name == "proxy" else "sdk"
        writer.write_batches([batch([told.get(name, make())], page_view=page_view, source=source)])
    writer.close_now()
    with StoreReader(path) as reader:
        records = list(reader.iter_records())
        summary = reader.session("s1")
        requests = [one for one in records if one.entry.is_request]
        assert summary.entry_count == len(records)
        assert summary.request_count == len(requests)
        assert summary.transfer_bytes == sum(one.entry.transfer_size or 0 for one in requests)
        views = {one.page_view_id: one.request_count for one in reader.page_views("s1")}
    assert views == {"frame": len(requests), "page": 0}
    return {one.entry.entry_type: one.entry for one in records}


@pytest.mark.parametrize("order", list(permutations(PARTS)))
def test_a_frames_document_is_one_request_whoever_tells_of_it_first(
    path: Path, order: Sequence[str]
) -> None:
    found = stored(path, order)
    assert found == {
        "navigation": merged(navigation(), by_proxy()),
        "frame": as_frame(merged(around(), by_proxy())),
    }
    assert found["navigation"].response_status == 203


@pytest.mark.parametrize("order", list(permutations(PARTS)))
def test_a_frames_document_that_was_redirected_has_the_url_that_answered(
    path: Path, order: Sequence[str]
) -> None:
    final = "http://127.0.0.1:8080/b"
    found = stored(path, order, document=navigation(name=final), proxy=by_proxy(name=final))
    assert found["navigation"].name == found["frame"].name == final
    assert found["frame"].extra["requestedUrl"] == "http://127.0.0.1:8080/a"
    assert "requestedUrl" not in found["navigation"].extra


@pytest.mark.parametrize("order", [("around", "proxy"), ("proxy", "around")])
def test_a_frame_that_tells_nothing_is_a_request_of_the_page_around_it(
    path: Path, order: Sequence[str]
) -> None:
    writer = StoreWriter(path)
    for name in order:
        writer.write_batches([batch([PARTS[name][1]()], page_view="page")])
    writer.close_now()
    with StoreReader(path) as reader:
        (record,) = reader.iter_records()
    assert record.entry == merged(around(), by_proxy())


@pytest.mark.parametrize("order", list(permutations(PARTS)))
@pytest.mark.parametrize("exported_after", [1, 2])
def test_an_export_learns_what_became_of_the_rows_it_has(
    path: Path, order: Sequence[str], exported_after: int
) -> None:
    """What an export has after it went on where it stood is what it has when it begins anew."""
    writer = StoreWriter(path)
    rows: dict[tuple[int, int], tuple[str, int | None]] = {}
    last = 0
    for number, name in enumerate(order, start=1):
        page_view, make = PARTS[name]
        # Each of the three may have a session of its own.
        session = f"of {name}"
        writer.write_batches([batch([make()], page_view=page_view, session=session)])
        if number in {exported_after, len(order)}:
            last = take(path, rows, last)
    writer.close_now()
    anew: dict[tuple[int, int], tuple[str, int | None]] = {}
    take(path, anew, 0)
    assert rows == anew
    assert sorted(entry_type for entry_type, _ in rows.values()) == ["frame", "navigation"]


def take(path: Path, rows: dict[tuple[int, int], tuple[str, int | None]], after: int) -> int:
    """Take the blocks behind a batch; rows by batch and position, with type and status."""
    with closing(OutgoingReader(path)) as reader:
        for block in reader.blocks(after_batch=after):
            columns = block.columns
            first = {stored.row: stored.first_seq for stored in block.batches}
            for place, (row, seq) in enumerate(zip(columns["batch"], columns["seq"], strict=True)):
                rows[row, seq - first[row]] = (
                    block.strings[columns["type"][place]],
                    columns["response_status"][place],
                )
            for amended in block.amendments:
                key = (amended.origin.row, amended.index)
                if amended.deleted:
                    del rows[key]
                else:
                    assert key in rows
                    rows[key] = (amended.entry.entry_type, amended.entry.response_status)
            after = block.batches[-1].row
    return after


def test_the_protocol_of_the_app_stays_beside_that_of_the_browser() -> None:
    browser = of_browser(next_hop_protocol="http/1.1")
    found = merged(browser, of_proxy(next_hop_protocol="h2"))
    assert found.next_hop_protocol == "http/1.1"
    own = found.extra["proxy"]
    assert isinstance(own, dict)
    assert own["nextHopProtocol"] == "h2"
