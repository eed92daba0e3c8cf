"""Percentiles agree with numpy's, tests and intervals with scipy's, on the same samples."""

from __future__ import annotations

import math
from random import Random

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from perftui.analysis import statistics
from perftui.analysis.statistics import (
    FEWEST_SAMPLES,
    RUN_LENGTH,
    Difference,
    Sample,
    adjusted,
    difference,
    logarithmic_edges,
    mann_whitney,
    median_difference_interval,
    percentile,
    spearman,
    thinned,
    with_adjusted,
)

durations_us = st.lists(st.integers(min_value=0, max_value=2**40), min_size=1, max_size=60)
shares = st.sampled_from([0.0, 0.05, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0])


@given(durations_us, shares)
def test_a_percentile_is_numpys_to_the_last_bit(values: list[int], share: float) -> None:
    assert percentile(sorted(values), share) == float(numpy.quantile(values, share))


@given(st.lists(durations_us, min_size=1, max_size=6), shares)
def test_joined_samples_have_the_percentiles_of_all_their_values(
    parts: list[list[int]], share: float
) -> None:
    whole = Sample()
    for part in parts:
        whole.join(Sample(part))
    everything = [value for part in parts for value in part]
    assert whole.percentile(share) == float(numpy.quantile(everything, share))
    assert whole.count == len(everything)
    assert whole.total == sum(everything)
    assert (whole.smallest, whole.largest) == (min(everything), max(everything))


@pytest.mark.parametrize("distinct", [3, 10**9])
def test_percentiles_over_many_runs_are_numpys(distinct: int) -> None:
    random = Random(distinct)
    values = [random.randrange(distinct) for _ in range(RUN_LENGTH * 4 + 17)]
    sample = Sample(values)
    for share in (0.0, 0.001, 0.5, 0.75, 0.95, 0.999, 1.0):
        assert sample.percentile(share) == float(numpy.quantile(values, share))


def test_an_empty_sample_has_no_figures() -> None:
    empty = Sample()
    assert (empty.median, empty.mean, empty.smallest, empty.largest) == (None, None, None, None)
    with pytest.raises(ValueError, match="no values"):
        percentile([], 0.5)


@given(durations_us, st.integers(min_value=1, max_value=20))
def test_every_value_is_in_one_bin(values: list[int], bins: int) -> None:
    sample = Sample(values)
    assert sample.smallest is not None
    assert sample.largest is not None
    edges = logarithmic_edges(sample.smallest, sample.largest, bins)
    assert edges == sorted(edges)
    counts = sample.counts(edges)
    assert len(counts) == bins
    assert sum(counts) == len(values)


def test_bins_count_as_numpys_histogram() -> None:
    random = Random(5)
    values = [random.lognormvariate(4, 1) for _ in range(1000)]
    edges = logarithmic_edges(min(values), max(values), 12)
    assert Sample(values).counts(edges) == list(numpy.histogram(values, edges)[0])


small_samples = st.lists(st.integers(min_value=0, max_value=30), min_size=1, max_size=25)
distinct_samples = st.lists(st.integers(), min_size=4, max_size=40, unique=True)


@given(small_samples, small_samples)
def test_mann_whitney_with_ties_is_scipys(first: list[int], second: list[int]) -> None:
    u, p = mann_whitney(first, second)
    if len(set(first + second)) == 1:
        assert p == 1.0
        return
    expected = stats.mannwhitneyu(first, second)
    assert u == expected.statistic
    assert math.isclose(p, expected.pvalue, rel_tol=1e-9, abs_tol=1e-300)


@given(distinct_samples, st.integers(min_value=1, max_value=39))
def test_mann_whitney_without_ties_is_scipys(values: list[int], cut: int) -> None:
    cut = min(cut, len(values) - 1)
    first, second = values[:cut], values[cut:]
    u, p = mann_whitney(first, second)
    expected = stats.mannwhitneyu(numpy.array(first, float), numpy.array(second, float))
    if len({float(value) for value in values}) == len(values):
        assert u == expected.statistic
        assert math.isclose(p, expected.pvalue, rel_tol=1e-9)


def test_a_comparison_needs_both_sides() -> None:
    with pytest.raises(ValueError, match="both sides"):
        mann_whitney([], [1])
    with pytest.raises(ValueError, match="both sides"):
        median_difference_interval([1], [])


@pytest.mark.parametrize(("n", "m"), [(5, 5), (30, 41), (200, 200)])
def test_the_interval_of_the_medians_difference_is_scipys(n: int, m: int) -> None:
    random = Random(n * m)
    first = [random.lognormvariate(5, 0.6) for _ in range(n)]
    second = [random.lognormvariate(5.3, 0.6) for _ in range(m)]
    low, high = median_difference_interval(first, second)
    expected = stats.bootstrap(
        (first, second),
        lambda a, b, axis: numpy.median(b, axis=axis) - numpy.median(a, axis=axis),
        method="percentile",
        n_resamples=20_000,
        rng=numpy.random.default_rng(1),
    ).confidence_interval
    # Both are draws; the spread between them is far below the interval's own width.
    tolerance = 0.08 * (expected.high - expected.low)
    assert abs(low - expected.low) < tolerance
    assert abs(high - expected.high) < tolerance


def test_the_interval_is_the_same_each_time() -> None:
    first, second = [1.0, 2, 3, 4, 5, 6], [2.0, 3, 4, 5, 6, 9]
    told = median_difference_interval(first, second)
    assert median_difference_interval(first[::-1], second[::-1]) == told


pairs = st.lists(
    st.tuples(st.integers(min_value=0, max_value=50), st.integers(min_value=0, max_value=50)),
    min_size=FEWEST_SAMPLES,
    max_size=60,
)


@given(pairs)
def test_rank_correlation_is_scipys(values: list[tuple[int, int]]) -> None:
    first, second = [a for a, _ in values], [b for _, b in values]
    found = spearman(first, second)
    if len(set(first)) == 1 or len(set(second)) == 1:
        assert found is None
        return
    assert found is not None
    assert math.isclose(found.rho, stats.spearmanr(first, second).statistic, abs_tol=1e-12)
    assert -1 <= found.low <= found.rho <= found.high <= 1


def test_the_correlations_interval_covers_the_truth_as_often_as_it_says() -> None:
    # For a bivariate normal, Spearman's rho is 6/π · asin(r/2) (Pearson 1907).
    r, count, repeats = 0.6, 40, 1500
    truth = 6 / math.pi * math.asin(r / 2)
    random = Random(7)
    covered = 0
    for _ in range(repeats):
        first = [random.gauss(0, 1) for _ in range(count)]
        second = [r * a + math.sqrt(1 - r * r) * random.gauss(0, 1) for a in first]
        found = spearman(first, second)
        assert found is not None
        covered += found.low <= truth <= found.high
    assert 0.93 < covered / repeats < 0.97


def test_too_few_pairs_have_no_correlation() -> None:
    assert spearman([1, 2, 3, 4], [1, 2, 3, 4]) is None
    with pytest.raises(ValueError, match="one length"):
        spearman([1], [1, 2])


@given(st.lists(st.floats(min_value=0, max_value=1), min_size=1, max_size=40))
def test_adjusted_p_values_are_scipys(p_values: list[float]) -> None:
    expected = stats.false_discovery_control(p_values)
    assert adjusted(p_values) == pytest.approx(list(expected), abs=1e-12)


def test_a_plain_change_is_significant_and_noise_is_not() -> None:
    random = Random(3)
    quiet = [random.gauss(200_000, 20_000) for _ in range(40)]
    slower = [random.gauss(500_000, 20_000) for _ in range(40)]
    again = [random.gauss(200_000, 20_000) for _ in range(40)]
    told = difference(Sample(quiet), Sample(slower))
    assert told.significant is True
    assert told.low is not None
    assert told.high is not None
    assert told.low < 300_000 < told.high
    assert difference(Sample(quiet), Sample(again)).significant is False


def test_too_few_values_give_medians_but_no_verdict() -> None:
    told = difference(Sample([1, 2, 3, 4]), Sample([100, 200, 300, 400, 500]))
    assert (told.before, told.after, told.change) == (2.5, 300, 297.5)
    assert told.too_few
    assert told.significant is None
    nothing = difference(Sample(), Sample([1]))
    assert (nothing.before, nothing.change, nothing.share) == (None, None, None)


def test_many_comparisons_at_once_are_held_to_more() -> None:
    random = Random(11)
    found = [
        difference(
            Sample([random.gauss(100, 10) for _ in range(12)]),
            Sample([random.gauss(100, 10) for _ in range(12)]),
        )
        for _ in range(200)
    ]
    alone = sum(bool(each.significant) for each in found)
    together = sum(bool(each.significant) for each in with_adjusted(found))
    assert alone > together
    assert together <= 1


def test_adjusting_leaves_the_too_few_alone() -> None:
    few = Difference(before=1, after=2, before_count=1, after_count=1, change=1)
    assert with_adjusted([few]) == [few]


def test_a_thinned_sample_keeps_its_quantiles() -> None:
    random = Random(2)
    values = [random.lognormvariate(10, 1) for _ in range(50_000)]
    kept = thinned(Sample(values))
    assert len(kept) <= statistics.MOST_RANKED
    assert kept == sorted(kept)
    for share in (0.1, 0.5, 0.9):
        assert percentile(kept, share) == pytest.approx(numpy.quantile(values, share), rel=0.01)
