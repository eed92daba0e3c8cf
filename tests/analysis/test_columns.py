from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perftui.analysis.columns import (
    GAP,
    LOG_COLUMNS,
    SESSION_COLUMNS,
    WATERFALL_COLUMNS,
    ColumnSpec,
    place,
    tab_widths,
)

TABLES = (LOG_COLUMNS, WATERFALL_COLUMNS, SESSION_COLUMNS)


@given(st.sampled_from(TABLES), st.integers(-5, 400), st.integers(0, 3))
def test_columns_are_ordered_and_inside_the_width(
    table: tuple[ColumnSpec, ...], width: int, indent: int
) -> None:
    columns = place(table, width, indent=indent)
    names = [spec.name for spec in table]
    assert [column.name for column in columns] == [
        name for name in names if name in {column.name for column in columns}
    ]
    at = indent
    for column in columns:
        assert column.x == at
        assert column.width >= 1
        at = column.end + GAP
    if columns:
        assert columns[-1].end <= width


@given(st.sampled_from(TABLES), st.integers(1, 400))
def test_a_wider_table_never_loses_a_column(table: tuple[ColumnSpec, ...], width: int) -> None:
    names = {column.name for column in place(table, width)}
    assert names
    assert names <= {column.name for column in place(table, width + 1)}


@given(st.integers(64, 400))
def test_the_log_uses_the_whole_width(width: int) -> None:
    assert place(LOG_COLUMNS, width)[-1].end == width


@pytest.mark.parametrize(
    ("width", "names"),
    [
        (20, "name"),
        (79, "time status name duration marks chart"),
        (
            119,
            "number time method status type name size duration marks chart",
        ),
        (90, "time status name size duration marks chart"),
    ],
)
def test_the_columns_of_the_log(width: int, names: str) -> None:
    assert " ".join(column.name for column in place(LOG_COLUMNS, width)) == names


def test_no_room_no_columns() -> None:
    assert place(LOG_COLUMNS, 0) == ()
    assert place(LOG_COLUMNS, 2, indent=2) == ()
    assert place((), 80) == ()


@given(st.lists(st.integers(1, 20), max_size=12), st.integers(0, 200))
def test_labels_are_cut_only_where_there_is_no_room(lengths: list[int], width: int) -> None:
    found = tab_widths(lengths, width)
    room = width - len(lengths)
    if sum(lengths) <= room:
        assert found == lengths
    elif len(lengths) <= room:
        assert sum(found) <= room
        cut = {got for got, length in zip(found, lengths, strict=True) if got < length}
        assert len(cut) == 1, "all that are cut have one length"
        assert max(found) in cut
