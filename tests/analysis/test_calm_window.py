from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from perftui.analysis.calm_window import LEAST_US, calm_window, nice_step

MOMENTS = st.integers(-(10**9), 10**12)


@given(st.integers(1, 10**12), st.integers(1, 40))
def test_a_nice_step(span: int, most: int) -> None:
    step = nice_step(span, most)
    assert str(step).rstrip("0") in {"1", "2", "5"}
    assert step * most >= span


@given(MOMENTS, st.integers(0, 10**9), st.none() | st.tuples(MOMENTS, st.integers(1, 10**9)))
def test_a_window_holds_what_is_in_view_and_stays(
    first: int, length: int, before: tuple[int, int] | None
) -> None:
    so_far = None if before is None else (before[0], before[0] + before[1])
    start, end = calm_window(first, first + length, so_far)
    assert start <= first
    assert first + length <= end
    assert (start, end) == so_far or end - start >= LEAST_US
    assert calm_window(first, first + length, (start, end)) == (start, end)


@given(
    MOMENTS,
    st.integers(LEAST_US, 10**9),
    st.tuples(MOMENTS, st.integers(1, 10**9)),
    st.integers(0, 4),
)
def test_a_window_that_has_moved_stays_for_the_next_rows(
    first: int, length: int, before: tuple[int, int], sixteenths: int
) -> None:
    so_far = (before[0], before[0] + before[1])
    last = first + length
    moved = calm_window(first, last, so_far)
    if moved == so_far:
        return
    if last > so_far[1]:
        on = length * sixteenths // 16
        assert calm_window(first + on, last + on, moved) == moved
    if first < so_far[0]:
        back = length * sixteenths // 16
        assert calm_window(first - back, last - back, moved) == moved


def test_a_window_stays_while_it_fits() -> None:
    assert calm_window(100_000, 1_900_000) == (0, 2_000_000)
    assert calm_window(300_000, 1_500_000, (0, 2_000_000)) == (0, 2_000_000)
    assert calm_window(300_000, 2_100_000, (0, 2_000_000)) == (0, 3_000_000)
    assert calm_window(300_000, 500_000, (0, 2_000_000)) == (300_000, 500_000)
    assert calm_window(800_000, 2_600_000, (1_000_000, 3_000_000)) == (0, 3_000_000)
