"""What a pageview is held against."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from perftui.analysis.aggregate import aggregate
from perftui.analysis.baseline import (
    difference,
    load_baseline,
    median_baseline,
    median_marks,
    usual_baseline,
)
from perftui.analysis.marks import Mark
from perftui.model import Entry, Record
from tests.analysis.strategies import absurd_entries, record
from tests.analysis.test_aggregate import request, view


def load(*entries: Entry) -> list[Record]:
    return [record(entry, seq) for seq, entry in enumerate(entries, 1)]


QUICK = load(
    request("/", 0, 100, 0),
    request("/api", 110, 50, 0),
    request("/api", 200, 60, 0),
    request("/old.js", 110, 20, 0),
)
SLOW = load(
    request("/", 0, 300, 0),
    request("/api", 310, 50, 0),
    request("/api", 400, 960, 0),
    request("/new.js", 310, 20, 0),
)
QUICK_MARKS = (Mark("FCP", 200_000), Mark("load", 500_000))
SLOW_MARKS = (Mark("FCP", 450_000), Mark("LCP", 800_000), Mark("load", 1_400_000))


def test_each_call_is_held_against_the_same_call() -> None:
    baseline = load_baseline("P1", QUICK, QUICK_MARKS)
    assert baseline.was_us("shop.test/api", 1) == 50_000
    assert baseline.was_us("shop.test/api", 2) == 60_000
    assert baseline.was_us("shop.test/new.js", 1) is None
    found = difference(baseline, SLOW, SLOW_MARKS)
    assert found is not None
    assert found.marks == {"FCP": 250_000, "load": 900_000}, "only what both have"
    assert found.new == ("shop.test/new.js",)
    assert found.gone == ("shop.test/old.js",)
    assert found.transfer_bytes == 0
    assert found.slowest == ("shop.test/api", 900_000)


def test_the_median_leaves_out_what_most_loads_do_not_have() -> None:
    page = aggregate([(view(1), QUICK), (view(2), SLOW), (view(3), SLOW)])
    baseline = median_baseline("median", page, [QUICK_MARKS, SLOW_MARKS, SLOW_MARKS])
    assert baseline.was_us("shop.test/api", 2) == 960_000
    assert baseline.was_us("shop.test/old.js", 1) is None
    assert baseline.marks == {"FCP": 450_000, "LCP": 800_000, "load": 1_400_000}
    assert median_marks([QUICK_MARKS, SLOW_MARKS])[0] == Mark("FCP", 325_000)


def test_what_is_usual_holds_for_every_call_and_says_nothing_of_the_load() -> None:
    baseline = usual_baseline({"shop.test/api": 55_000})
    assert baseline.was_us("shop.test/api", 1) == baseline.was_us("shop.test/api", 7) == 55_000
    assert baseline.was_us("shop.test/", 1) is None
    assert difference(baseline, SLOW, SLOW_MARKS) is None


@given(st.lists(absurd_entries(), max_size=8))
def test_a_load_does_not_differ_from_itself(entries: list[Entry]) -> None:
    records = load(*entries)
    found = difference(load_baseline("itself", records, SLOW_MARKS), records, SLOW_MARKS)
    assert found is not None
    assert (found.new, found.gone, found.transfer_bytes, found.slowest) == ((), (), 0, None)
    assert set(found.marks.values()) == {0}
