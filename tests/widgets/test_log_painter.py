"""A row of the log is the same whether it is painted for the first time or only its chart anew."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from perftui.model import Record, Usual
from perftui.widgets.log_painter import LogPainter
from tests.widgets.test_row_widths import AROUND, PALETTES, call, looks

windows = st.tuples(st.integers(0, 1_400_000), st.integers(100_000, 3_000_000)).map(
    lambda told: (told[0], told[0] + told[1])
)


def painted(painter: LogPainter, told: Record, width: int, *, selected: bool) -> list[object]:
    return [*painter.paint(told, width, selected=selected).strip().simplify()]


@looks
@given(
    told=st.lists(
        st.tuples(windows, st.booleans(), st.sampled_from([60, 120, 200]), st.integers(0, 2)),
        min_size=2,
        max_size=6,
    )
)
def test_a_row_painted_again_is_a_row_painted_anew(
    look: str, told: list[tuple[tuple[int, int], bool, int, int]]
) -> None:
    painter, record = LogPainter(PALETTES[look], AROUND), call("/b")
    for window, selected, width, playhead in told:
        fresh = LogPainter(PALETTES[look], AROUND)
        for one in (painter, fresh):
            one.window = window
            # None, in the middle of the request, and after it.
            one.now_us = (None, 900_000, 2_000_000)[playhead]
            one.flags = lambda seq: "≡"
        again = painted(painter, record, width, selected=selected)
        assert again == painted(fresh, record, width, selected=selected)


def test_what_is_known_of_a_row_is_not_what_was_known_of_another() -> None:
    painter, record = LogPainter(PALETTES["color"], AROUND), call("/b")
    before = painted(painter, record, 120, selected=False)
    usual = Usual(calls=9, median_us=100_000)
    painter.around = msgspec.structs.replace(AROUND, usual={"POST shop.test/a/b": usual})
    assert painted(painter, record, 120, selected=False) != before
    painter.around = AROUND
    assert painted(painter, record, 120, selected=False) == before
    other = msgspec.structs.replace(
        record, entry=msgspec.structs.replace(record.entry, response_status=500)
    )
    assert painted(painter, other, 120, selected=False) != before
    painter.palette = PALETTES["plain"]
    assert painted(painter, record, 120, selected=False) != before
    painter.palette, painter.number_of = PALETTES["color"], lambda _record: 77
    assert painted(painter, record, 120, selected=False) != before
