"""The routes over a real socket: what is answered, and what is then in the store."""

from __future__ import annotations

import gc
import gzip
import json
import socket
import sqlite3
import zlib
from contextlib import closing

import pytest
from perftui_server.assets import sdk_asset
from perftui_server.run import COLLECTION_THRESHOLD, listening_socket, rare_collections

from perftui.config import ServerSettings, Settings
from perftui.store.reader import StoreReader
from tests.server.conftest import Running, Start, batch, mark


def names(capture: Running) -> list[str]:
    with StoreReader(capture.path) as reader:
        return [record.entry.name for record in reader.iter_records()]


def test_a_2xx_means_that_it_is_in_the_store(capture: Running) -> None:
    status, answer = capture.post(batch(mark("a"), mark("b")))
    assert (status, answer) == (200, {"accepted": 2, "rejected": []})
    assert names(capture) == ["a", "b"]


def test_bad_items_are_listed_and_good_ones_stored(capture: Running) -> None:
    status, answer = capture.post(batch(mark("a"), {"entryType": "mark"}, mark("b")))
    assert status == 200
    assert answer == {"accepted": 2, "rejected": [{"index": 1, "reason": "name: missing"}]}
    assert names(capture) == ["a", "b"]


def test_a_repeated_batch_is_answered_and_stored_once(capture: Running) -> None:
    told = batch(mark("a"), batchId="one")
    assert capture.post(told)[1] == {"accepted": 1, "rejected": []}
    assert capture.post(told)[1] == {"accepted": 1, "rejected": [], "duplicate": True}
    assert names(capture) == ["a"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"", 400),
        (b"[" * 10_000, 400),
        (b'{"sessionId":"s","pageViewId":"p","entries":[NaN]}', 400),
        (b"[]", 422),
        (b"{}", 422),
        (b'{"sessionId":"s","pageViewId":"p","entries":5}', 422),
        (b'{"sessionId":"","pageViewId":"p","entries":[]}', 422),
    ],
)
def test_what_is_no_batch_has_its_status_and_the_neighbours_are_stored(
    capture: Running, body: bytes, status: int
) -> None:
    assert capture.post(batch(mark("before"), batchId="1"))[0] == 200
    answered, answer = capture.post(body)
    assert answered == status
    assert answer["error"]
    assert ("path" in answer) == (status == 422)
    assert capture.post(batch(mark("after"), batchId="2"))[0] == 200
    assert names(capture) == ["before", "after"]


def test_a_url_with_escapes_and_markup_is_kept_harmlessly(capture: Running) -> None:
    url = "https://a.test/[bold]\x1b]52;c;AAAA\x07\x9b31m‮"
    assert capture.post(batch(mark(url)))[0] == 200
    assert names(capture) == [url]


@pytest.mark.parametrize(
    ("coding", "pack"),
    [
        ("gzip", gzip.compress),
        ("", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", lambda body: zlib.compress(body, wbits=-15)),
        ("gzip", lambda body: gzip.compress(body[:40]) + gzip.compress(body[40:])),
    ],
)
def test_compressed_bodies(capture: Running, coding: str, pack: object) -> None:
    assert callable(pack)
    packed = pack(json.dumps(batch(mark("packed"))).encode())
    status, _, _ = capture.request("POST", f"/batch?encoding={coding}", packed)
    assert status == 200
    status, _, answer = capture.request("POST", "/batch", packed, {"Content-Encoding": coding})
    assert json.loads(answer)["duplicate"]
    assert names(capture) == ["packed"]


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"Content-Encoding": "gzip"}, b"no gzip", 400),
        ({"Content-Encoding": "gzip"}, gzip.compress(b"{}" * 500)[:-9], 400),
        ({"Content-Encoding": "deflate"}, zlib.compress(b"{}") + b"x", 400),
        ({"Content-Encoding": "snappy"}, b"{}", 415),
    ],
)
def test_damaged_bodies(
    capture: Running, headers: dict[str, str], body: bytes, status: int
) -> None:
    assert capture.request("POST", "/batch", body, headers)[0] == status


def test_a_body_over_the_limit_is_refused_raw_and_decompressed(start: Start) -> None:
    capture = start(max_body_bytes=10_000, max_decoded_bytes=50_000)
    assert capture.request("POST", "/batch", b"x" * 10_001)[0] == 413
    bomb = gzip.compress(b" " * 5_000_000)
    assert len(bomb) < 10_000
    assert capture.request("POST", "/batch", bomb, {"Content-Encoding": "gzip"})[0] == 413
    assert capture.post(batch(mark()))[0] == 200


def test_a_full_disk_is_507_and_says_so(start: Start) -> None:
    capture = start(min_free_bytes=2**62)
    status, answer = capture.post(batch(mark()))
    assert status == 507
    assert "min_free_bytes" in answer["error"]
    status, _, body = capture.request("GET", "/healthz")
    assert status == 503
    assert json.loads(body)["ready"] is False
    assert names(capture) == []


def test_health_names_the_store(capture: Running) -> None:
    status, headers, body = capture.request("GET", "/healthz")
    with StoreReader(capture.path) as reader:
        store_id = reader.store_id()
    told = json.loads(body)
    assert status == 200
    assert (told["name"], told["ready"], told["store_id"]) == ("perftui", True, store_id)
    assert headers["cache-control"] == "no-store"


def test_the_sdk_is_served_under_its_name_and_under_its_hash(capture: Running) -> None:
    asset = sdk_asset("perftui.js")
    status, headers, body = capture.request("GET", "/perftui.js")
    assert (status, body) == (200, asset.content)
    assert headers["content-type"] == "text/javascript; charset=utf-8"
    assert headers["cache-control"] == "no-cache"
    status, headers, body = capture.request(
        "GET", f"/{asset.hashed_name}", headers={"Accept-Encoding": "gzip, br"}
    )
    assert gzip.decompress(body) == asset.content
    assert "immutable" in headers["cache-control"]
    status, _, body = capture.request("GET", "/perftui.js", headers={"If-None-Match": asset.etag})
    assert (status, body) == (304, b"")
    status, headers, body = capture.request("HEAD", "/perftui.js")
    assert (status, body, headers["content-length"]) == (200, b"", str(len(asset.content)))


@pytest.mark.parametrize("path", ["/nothing", "/../etc/passwd", "/perftui.0000.js", "/batch/x"])
def test_what_is_not_there(capture: Running, path: str) -> None:
    assert capture.request("GET", path)[0] == 404


def test_wrong_methods(capture: Running) -> None:
    status, headers, _ = capture.request("GET", "/batch")
    assert (status, headers["allow"]) == (405, "POST, OPTIONS")
    assert capture.request("DELETE", "/perftui.js")[0] == 405


def test_metrics_count_what_came_in(capture: Running) -> None:
    capture.post(batch(mark("a"), {}, batchId="1"))
    capture.post(batch(mark("a"), {}, batchId="1"))
    capture.post(b"{")
    _, headers, body = capture.request("GET", "/metrics")
    text = body.decode()
    assert headers["content-type"].startswith("text/plain; version=0.0.4")
    for line in (
        "perftui_batches_total 1",
        "perftui_duplicate_batches_total 1",
        'perftui_entries_total{type="mark"} 1',
        'perftui_rejected_entries_total{reason="entryType: missing"} 2',
        'perftui_responses_total{route="batch",status="400"} 1',
        "perftui_commit_seconds_count 2",
    ):
        assert line in text.splitlines()


def test_the_store_reads_as_plain_english(capture: Running) -> None:
    capture.post(
        batch(
            {
                "entryType": "resource",
                "name": "https://shop.test/api/cart?token=geheim",
                "startTime": 12.5,
                "duration": 100,
                "requestStart": 13,
                "responseStart": 90.5,
                "responseEnd": 112.5,
                "transferSize": 800,
                "encodedBodySize": 500,
                "decodedBodySize": 900,
                "responseStatus": 200,
                "initiatorType": "fetch",
            },
            sessionId="session-1",
            pageViewId="view-1",
        )
    )
    with closing(sqlite3.connect(capture.path)) as connection:
        connection.row_factory = sqlite3.Row
        (row,) = connection.execute("SELECT * FROM requests LIMIT 5").fetchall()
    told = dict(row)
    assert told["url"] == "https://shop.test/api/cart?token=REDACTED"
    assert (told["session_id"], told["page_view_id"]) == ("session-1", "view-1")
    assert (told["start_ms"], told["duration_ms"], told["server_ms"]) == (12.5, 100.0, 77.5)
    assert (told["transfer_bytes"], told["decoded_body_bytes"]) == (800, 900)
    assert (told["status"], told["initiator_type"]) == (200, "fetch")


def test_a_clock_that_is_wrong_is_measured_and_nothing_is_moved_by_it(capture: Running) -> None:
    origin_ms, sent_ms = 1_795_451_678_400.0, 1_795_451_690_000.0
    told = {"timeOrigin": origin_ms, "sentAt": sent_ms, "sessionId": "wrong"}
    assert capture.post(batch(mark(start_time=250), **told))[0] == 200
    assert capture.post(batch(mark(start_time=250), sessionId="silent"))[0] == 200
    with StoreReader(capture.path) as reader:
        (record,) = reader.iter_records("wrong")
        assert record.start_epoch_us == (origin_ms + 250) * 1000
        wrong = reader.session("wrong")
        assert wrong.clock_error_us == wrong.received_us - sent_ms * 1000
        silent = reader.session("silent")
        assert silent.clock_error_us is None
        # Nobody told when its page began: what is latest in it had just happened.
        assert silent.ended_us == silent.received_us
    with closing(sqlite3.connect(capture.path)) as connection:
        marked = "SELECT time_origin_estimated FROM pageview ORDER BY id"
        assert connection.execute(marked).fetchall() == [(0,), (1,)]


def test_answers_are_not_held_back_by_the_system() -> None:
    """Without the protocol's name asyncio leaves Nagle's algorithm on: 40 ms for each answer."""
    listener = listening_socket(Settings(server=ServerSettings(port=0)))
    assert listener.proto == socket.IPPROTO_TCP
    listener.close()


def test_cyclic_garbage_is_looked_for_rarely_only_while_it_serves() -> None:
    before = gc.get_threshold()
    with rare_collections():
        assert gc.get_threshold()[0] == COLLECTION_THRESHOLD
        assert gc.get_freeze_count() > 0
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0
