"""The waterfall's geometry: spans in eighths of a cell, and what a cell can show of them."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from perftui.analysis.phases import Phase, PhaseName, phases
from perftui.analysis.waterfall import (
    BLANK,
    EIGHTHS,
    Bar,
    Cell,
    Span,
    Viewport,
    axis_label,
    cells,
    clip,
    fit_viewport,
    layout,
    place,
    place_whisker,
    runs,
    ticks,
)
from perftui.model import Entry
from tests.analysis.strategies import absurd_entries, ordinary_requests

WAIT, RECEIVE, DNS = PhaseName.WAIT, PhaseName.RECEIVE, PhaseName.DNS

SECOND = Viewport(0, 1_000_000, 100)
"""A second over a hundred cells: 1.25 ms an eighth."""

viewports = st.builds(
    lambda start, duration, width: Viewport(start, start + duration, width),
    st.integers(-(2**41), 2**41),
    st.integers(1, 2**42),
    st.integers(1, 300),
)


def request(start_ms: float, *, wait_ms: float, receive_ms: float) -> Entry:
    start, wait, receive = (round(value * 1000) for value in (start_ms, wait_ms, receive_ms))
    return Entry(
        entry_type="resource",
        name="https://shop.test/a.js",
        start_us=start,
        duration_us=wait + receive,
        request_start_us=start,
        response_start_us=start + wait,
        response_end_us=start + wait + receive,
    )


def check(bar: Bar, viewport: Viewport) -> None:
    """What holds for every bar: in order, adjoining, inside the row, to be seen."""
    assert bar.spans
    assert all(span.start < span.end for span in bar.spans)
    assert all(left.end == right.start for left, right in pairwise(bar.spans))
    assert bar.start >= 0
    assert bar.end <= viewport.eighths


def test_phases_stand_to_the_eighth_of_a_cell() -> None:
    bar = layout(request(100, wait_ms=200, receive_ms=50), SECOND)
    assert bar == Bar((Span(80, 240, WAIT), Span(240, 280, RECEIVE)))


def test_the_shortest_request_is_one_eighth_in_its_longest_phase() -> None:
    bar = layout(request(500, wait_ms=0.1, receive_ms=0.2), SECOND)
    assert bar is not None
    assert bar.spans == (Span(400, 401, RECEIVE),)


def test_at_the_last_moment_of_the_view_it_is_in_the_last_eighth() -> None:
    bar = layout(request(999.99, wait_ms=50, receive_ms=0), SECOND)
    assert bar is not None
    assert bar.spans == (Span(799, 800, WAIT),)
    assert bar.cut_right


@pytest.mark.parametrize("start_ms", [-100, -50, 1000, 5000])
def test_outside_of_the_view_there_is_nothing(start_ms: float) -> None:
    assert layout(request(start_ms, wait_ms=50, receive_ms=0), SECOND) is None


def test_what_goes_on_beyond_the_edges_says_so() -> None:
    bar = layout(request(-100, wait_ms=2000, receive_ms=0), SECOND)
    assert bar is not None
    assert (bar.cut_left, bar.cut_right, bar.start, bar.end) == (True, True, 0, 800)


def test_at_the_playhead_a_request_is_still_growing() -> None:
    entry = request(100, wait_ms=200, receive_ms=50)
    assert layout(entry, SECOND, now_us=99_999) is None
    growing = layout(entry, SECOND, now_us=200_000)
    assert growing == Bar((Span(80, 160, WAIT),), growing=True)
    assert layout(entry, SECOND, now_us=350_000) == layout(entry, SECOND)


@given(
    entry=st.one_of(absurd_entries(), ordinary_requests()),
    viewport=viewports,
    offset_us=st.integers(-(2**41), 2**41),
    now_us=st.one_of(st.none(), st.integers(-(2**42), 2**42)),
)
def test_every_bar_is_ordered_inside_its_row_and_to_be_seen(
    entry: Entry, viewport: Viewport, offset_us: int, now_us: int | None
) -> None:
    bar = layout(entry, viewport, offset_us, now_us)
    if bar is None:
        return
    check(bar, viewport)
    row = cells(bar.spans, viewport.width)
    assert len(row) == viewport.width
    assert any(cell.left is not None or cell.right is not None for cell in row)


@given(entry=ordinary_requests(), width=st.integers(1, 300))
def test_fitted_to_its_view_a_request_is_within_an_eighth_of_the_truth(
    entry: Entry, width: int
) -> None:
    assert entry.end_us is not None
    viewport = fit_viewport(0, entry.end_us, width)
    bar = layout(entry, viewport)
    assert bar is not None
    check(bar, viewport)
    eighth = viewport.duration_us / viewport.eighths
    assert abs(bar.start * eighth - entry.start_us) <= eighth
    if bar.end - bar.start > 1:
        # The shortest bar is one eighth, however short the request.
        assert abs(bar.end * eighth - entry.end_us) <= eighth
    for phase in phases(entry):
        if phase.duration_us > 2 * eighth:
            middle = (phase.start_us + phase.end_us) / 2 / eighth
            shown = next(span for span in bar.spans if span.start <= middle < span.end)
            assert shown.name is phase.name


@given(entry=ordinary_requests(), first=st.integers(0, 2**24), second=st.integers(0, 2**24))
def test_a_bar_never_shrinks_while_the_playhead_moves_on(
    entry: Entry, first: int, second: int
) -> None:
    earlier, later = sorted((first, second))
    viewport = Viewport(0, 2**24, 80)
    before, after = (
        layout(entry, viewport, now_us=earlier),
        layout(entry, viewport, now_us=later),
    )
    if before is not None:
        assert after is not None
        assert before.start == after.start
        assert before.end <= after.end


def test_clipping_keeps_what_had_begun() -> None:
    found = (Phase(DNS, 0, 10), Phase(WAIT, 10, 30), Phase(RECEIVE, 30, 40))
    assert clip(found, 50) == found
    assert clip(found, 20) == (Phase(DNS, 0, 10), Phase(WAIT, 10, 20))
    assert clip(found, 0) == (Phase(DNS, 0, 0),)


# --- cells ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spans", "shown"),
    [
        ([Span(0, 8, WAIT)], Cell(WAIT, 8, None)),
        ([Span(0, 3, WAIT)], Cell(WAIT, 3, None)),
        ([Span(3, 8, WAIT)], Cell(None, 3, WAIT)),
        ([Span(0, 3, WAIT), Span(3, 8, RECEIVE)], Cell(WAIT, 3, RECEIVE)),
        ([Span(1, 3, WAIT)], Cell(WAIT, 2, None)),
        ([Span(5, 7, WAIT)], Cell(None, 6, WAIT)),
        ([Span(0, 1, DNS), Span(1, 4, WAIT), Span(4, 8, RECEIVE)], Cell(WAIT, 3, RECEIVE)),
        ([Span(0, 2, DNS), Span(2, 3, WAIT)], Cell(DNS, 3, None)),
    ],
)
def test_what_one_cell_can_show(spans: list[Span], shown: Cell) -> None:
    assert cells(spans, 1) == [shown]


@st.composite
def rows_of_spans(draw: st.DrawFn) -> tuple[list[Span], int]:
    width = draw(st.integers(1, 40))
    edges = draw(
        st.lists(st.integers(0, width * EIGHTHS), min_size=2, max_size=12, unique=True).map(sorted)
    )
    names = draw(st.lists(st.sampled_from(list(PhaseName)), min_size=len(edges) - 1, max_size=20))
    spans = [
        Span(left, right, name) for (left, right), name in zip(pairwise(edges), names, strict=False)
    ]
    return spans, width


@given(drawn=rows_of_spans())
def test_a_cell_shows_something_exactly_where_the_bar_is(drawn: tuple[list[Span], int]) -> None:
    spans, width = drawn
    row = cells(spans, width)
    start, end = spans[0].start, spans[-1].end
    for number, cell in enumerate(row):
        left, right = number * EIGHTHS, (number + 1) * EIGHTHS
        covered = max(0, min(end, right) - max(start, left))
        filled = (cell.eighths if cell.left is not None else 0) + (
            EIGHTHS - cell.eighths if cell.right is not None else 0
        )
        assert filled == covered
        told = {cell.left, cell.right} - {None}
        assert told <= {span.name for span in spans if span.start < right and span.end > left}


@given(drawn=rows_of_spans())
def test_runs_are_the_row_in_fewer_pieces(drawn: tuple[list[Span], int]) -> None:
    row = cells(*drawn)
    found = runs(*drawn)
    at = 0
    for first, run in found:
        assert row[at:first] == [BLANK] * (first - at)
        assert row[first : first + run.length] == [run.cell] * run.length
        at = first + run.length
    assert row[at:] == [BLANK] * (len(row) - at)
    assert all(
        one.cell != other.cell or first + one.length < second
        for (first, one), (second, other) in pairwise(found)
    )


def test_an_empty_row_is_blank() -> None:
    assert cells([], 3) == [BLANK] * 3
    assert runs([], 3) == []


# --- the view ---------------------------------------------------------------------------------


@given(viewport=viewports, factor=st.floats(0.1, 10), cell=st.integers(0, 300))
def test_zooming_keeps_its_place(viewport: Viewport, factor: float, cell: int) -> None:
    around = viewport.moment(min(cell, viewport.width))
    zoomed = viewport.zoom(factor, around)
    assert zoomed.duration_us >= EIGHTHS
    if EIGHTHS < viewport.duration_us / factor < 2**50:
        before = (around - viewport.start_us) / viewport.duration_us
        after = (around - zoomed.start_us) / zoomed.duration_us
        assert after == pytest.approx(before, abs=1e-6 + 1 / zoomed.duration_us)


def test_panning_moves_by_cells() -> None:
    assert SECOND.pan(10) == Viewport(100_000, 1_100_000, 100)
    assert SECOND.pan(10).pan(-10) == SECOND


@given(viewport=viewports, cell=st.integers(0, 299))
def test_a_cell_holds_the_moment_at_its_left_edge(viewport: Viewport, cell: int) -> None:
    assume(cell < viewport.width)
    assume(viewport.duration_us >= viewport.width * 2)
    found = viewport.cell(viewport.moment(cell))
    assert abs(found - cell) <= 1


def test_a_view_has_room_even_for_nothing() -> None:
    assert fit_viewport(0, 0, 80).duration_us > 0


@given(viewport=viewports, quartiles=st.lists(st.integers(-(2**41), 2**42), min_size=4, max_size=4))
def test_whiskers_are_ordered_and_inside(viewport: Viewport, quartiles: list[int]) -> None:
    start_low, start_high, end_low, end_high = sorted(quartiles)
    found = place_whisker(start_low, start_high, end_low, end_high, viewport)
    if found is not None:
        assert 0 <= found.start_low <= found.start_high <= viewport.eighths
        assert 0 <= found.end_low <= found.end_high <= viewport.eighths


# --- the axis ---------------------------------------------------------------------------------


@given(
    viewport=st.builds(
        lambda start, duration, width: Viewport(start, start + duration, width),
        st.integers(0, 10**9),
        st.integers(1, 10**10),
        st.integers(1, 300),
    )
)
def test_labels_of_the_axis_never_touch(viewport: Viewport) -> None:
    found = ticks(viewport)
    for one, other in pairwise(found):
        assert one.cell + len(one.label) < other.cell
    for tick in found:
        assert tick.cell >= 0
        assert tick.cell + len(tick.label) <= viewport.width
        assert viewport.start_us <= tick.at_us <= viewport.end_us


@pytest.mark.parametrize(
    ("us", "step_us", "label"),
    [
        (0, 500_000, "0s"),
        (400_000, 200_000, "0.4s"),
        (250_000, 50_000, "250ms"),
        (1_500, 500, "1.5ms"),
        (500, 100, "500µs"),
        (90_000_000, 30_000_000, "1:30"),
        (3_661_000_000, 60_000_000, "1:01:01"),
        (75_500_000, 500_000, "1:15.5"),
    ],
)
def test_labels_are_as_exact_as_their_steps(us: int, step_us: int, label: str) -> None:
    assert axis_label(us, step_us) == label


def test_placing_nothing_is_nothing() -> None:
    assert place((), SECOND) is None
    assert place((Phase(WAIT, 0, 5),), SECOND._replace(width=0)) is None
