"""One page over all its pageviews."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import median
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from perftui.analysis.aggregate import Quartiles, aggregate, place_row
from perftui.analysis.phases import PhaseName
from perftui.analysis.waterfall import fit_viewport
from perftui.model import Entry, PageView, Record
from tests.analysis.strategies import absurd_entries, record

ORIGIN_US = 1_700_000_000_000_000


def view(number: int = 1, start_us: int = 0) -> PageView:
    return PageView(
        session_id="s",
        page_view_id=f"p{number}",
        number=number,
        url="https://shop.test/",
        title=None,
        kind="load",
        referrer=None,
        navigation_type=None,
        time_origin_us=ORIGIN_US,
        start_us=start_us,
        end_us=start_us,
        entry_count=0,
        request_count=0,
        error_count=0,
        transfer_bytes=0,
    )


def request(name: str, start_ms: float, wait_ms: float, receive_ms: float, **more: Any) -> Entry:
    start, wait, receive = (round(value * 1000) for value in (start_ms, wait_ms, receive_ms))
    told: dict[str, Any] = {
        "duration_us": wait + receive,
        "request_start_us": start,
        "response_start_us": start + wait,
        "response_end_us": start + wait + receive,
        "transfer_size": 1_000,
        "response_status": 200,
        "initiator_type": "fetch",
    }
    return Entry(
        entry_type="resource",
        name=f"https://shop.test{name}",
        start_us=start,
        **(told | more),
    )


def loads(*pages: Sequence[Entry]) -> list[tuple[PageView, list[Record]]]:
    seqs = iter(range(1, 10_000))
    return [
        (view(number), [record(entry, next(seqs)) for entry in entries])
        for number, entries in enumerate(pages, 1)
    ]


def test_a_resource_stands_at_its_median_with_its_quartiles() -> None:
    page = aggregate(
        loads(*[[request("/api/cart", 100 + 10 * load, 40, 10 * load)] for load in range(5)])
    )
    (row,) = page.rows
    assert (row.present, row.share, page.page_view_count) == (5, 1.0, 5)
    assert row.start == Quartiles(110_000, 120_000, 130_000)
    assert row.duration == Quartiles(50_000, 60_000, 70_000)
    assert row.end == Quartiles(160_000, 180_000, 200_000)
    assert [(phase.name, phase.start_us, phase.end_us) for phase in row.phases] == [
        (PhaseName.WAIT, 120_000, 160_000),
        (PhaseName.RECEIVE, 160_000, 180_000),
    ]
    assert page.end_us == 200_000


def test_calls_of_one_endpoint_are_told_apart_by_their_order() -> None:
    page = aggregate(
        loads(
            [request("/api/cart/17", 100, 10, 0), request("/api/cart/18", 300, 10, 0)],
            [request("/api/cart/99", 120, 10, 0)],
        )
    )
    assert [(row.endpoint, row.occurrence, row.present, row.share) for row in page.rows] == [
        ("shop.test/api/cart/:id", 1, 2, 1.0),
        ("shop.test/api/cart/:id", 2, 1, 0.5),
    ]
    assert page.rows[0].url.endswith("/99"), "of the newest"


def test_times_count_from_the_start_of_each_pageview() -> None:
    late = view(2, start_us=5_000_000)
    pages = [
        (view(1), [record(request("/a", 100, 10, 0))]),
        (late, [record(request("/a", 5_100, 10, 0), 2)]),
    ]
    assert aggregate(pages).rows[0].start == Quartiles(100_000, 100_000, 100_000)


def test_unknown_is_not_zero() -> None:
    opaque = request(
        "/t.gif", 10, 0, 0, request_start_us=None, response_start_us=None, transfer_size=None
    )
    opaque = replace(opaque, duration_us=70_000)
    flying = Entry(entry_type="resource", name="https://shop.test/slow", start_us=20_000)
    rows = {row.endpoint: row for row in aggregate(loads([opaque, flying])).rows}
    assert [phase.name for phase in rows["shop.test/t.gif"].phases] == [PhaseName.OPAQUE]
    assert rows["shop.test/t.gif"].transfer_size is None
    assert rows["shop.test/slow"].duration is None
    assert rows["shop.test/slow"].end is None


def test_errors_are_counted() -> None:
    page = aggregate(loads([request("/a", 0, 9, 0, response_status=500)], [request("/a", 0, 9, 0)]))
    assert page.rows[0].error_count == 1


def test_nothing_is_no_rows() -> None:
    assert aggregate([]).rows == ()
    assert aggregate([]).end_us == 0


FLYING = Entry(entry_type="resource", name="https://shop.test/a", start_us=2_000_000)
ENDED_BEFORE = request("/a", 0, 9, 0)


def test_a_resource_ends_no_earlier_than_it_starts() -> None:
    """Calls that are in flight count for the start, and not for the end."""
    (row,) = aggregate(loads([ENDED_BEFORE], [FLYING])).rows
    assert row.start == Quartiles(500_000, 1_000_000, 1_500_000)
    assert row.duration == Quartiles(9_000, 9_000, 9_000)
    assert row.end == Quartiles(500_000, 1_000_000, 1_500_000)


@example(pages=[[ENDED_BEFORE], [FLYING]])
@given(pages=st.lists(st.lists(absurd_entries(), max_size=6), max_size=4))
def test_every_request_is_in_one_row_and_every_row_can_be_drawn(pages: list[list[Entry]]) -> None:
    drawn = loads(*pages)
    page = aggregate(drawn)
    requests = [one for _, records in drawn for one in records if one.entry.is_request]
    assert sorted(seq for row in page.rows for seq in row.seqs) == sorted(
        one.seq for one in requests
    )
    assert [row.start.median_us for row in page.rows] == sorted(
        row.start.median_us for row in page.rows
    )
    by_seq = {one.seq: one for one in requests}
    for row in page.rows:
        assert 1 <= row.present == len(row.seqs) <= len(pages)
        assert row.start.p25_us <= row.start.median_us <= row.start.p75_us
        starts = [by_seq[seq].entry.start_us for seq in row.seqs]
        assert abs(row.start.median_us - median(starts)) <= 1
        assert all(one.end_us == other.start_us for one, other in pairwise(row.phases))
        viewport = fit_viewport(row.start.p25_us, (row.end or row.start).p75_us, 80)
        bar, whisker = place_row(row, viewport)
        assert bar is not None or whisker is not None
