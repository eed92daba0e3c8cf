"""What had just happened at a moment."""

from __future__ import annotations

from perftui.analysis.describe import Surroundings
from perftui.analysis.moment import RECENT_US, recent
from perftui.model import Entry, Record

AROUND = Surroundings(session_start_us=0, page_urls={})


def record(seq: int, kind: str, start_us: int) -> Record:
    entry = Entry(entry_type=kind, name=f"{kind}-{seq}", start_us=start_us, duration_us=0)
    return Record(seq, "s", "p", 1, 0, entry)


def test_the_last_of_each_kind_the_latest_first() -> None:
    records = [
        record(1, "action", 100),
        record(2, "capture", 200),
        record(3, "resource", 250),
        record(4, "action", 300),
    ]
    found = recent(records, 1_000, AROUND)
    assert [(one.seq, one.ago_us) for one in found] == [(4, 700), (2, 800)]


def test_what_is_long_ago_or_yet_to_come_is_left_out() -> None:
    assert recent([record(1, "action", 0)], RECENT_US + 1, AROUND) == []
    assert recent([record(1, "action", 500)], 100, AROUND) == []
