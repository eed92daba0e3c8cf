"""Order statistics and the three tests that the answers need. Pure Python, exact where it can be.

scipy would bring all of it, at 1.2 to 2.0 s for ``import scipy.stats``: more than any answer may
take over a million entries. So the formulas are here, and the tests hold them against scipy and
numpy on the same samples.

Everything takes and gives plain numbers; units are those of what is put in.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import NormalDist
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

FEWEST_SAMPLES = 5
"""Below this many on either side a comparison says "too few" instead of a verdict. The exact
two-sided Mann-Whitney p of 4 against 4 cannot fall below 0.029, so that one outlier decides; of 5
against 5 it can reach 0.008."""

SIGNIFICANT = 0.05
"""A p-value (adjusted, where many things are tested at once) below this is called significant."""

CONFIDENCE = 0.95
"""What intervals cover."""

RESAMPLES = 2_000
"""Bootstrap resamples. The ends of a 95 % interval then rest on the 50 outermost ones."""

EXACT_UP_TO = 8
"""Mann-Whitney is exact where either sample is at most this large and nothing is tied, as in
``scipy.stats.mannwhitneyu(method="auto")``."""

RUN_LENGTH = 16_384
"""Values sorted in one go. ``list.sort`` holds the interpreter lock all along (about 3 ms for this
many), and the app draws in another thread."""


def percentile(ordered: Sequence[float], share: float) -> float:
    """The value below which ``share`` of the values lie, interpolated linearly.

    The same number, to the last bit, as ``numpy.percentile(values, 100 * share)``: rank
    ``share * (n - 1)``, and numpy's own two-sided interpolation.

    Args:
        ordered: ascending, at least one.
        share: 0 to 1.

    Raises:
        ValueError: nothing is in there.
    """
    if not ordered:
        raise ValueError("no values, no percentile")
    rank = share * (len(ordered) - 1)
    below = math.floor(rank)
    above = min(below + 1, len(ordered) - 1)
    return _interpolate(ordered[below], ordered[above], rank - below)


def _interpolate(low: float, high: float, part: float) -> float:
    """``numpy.lib._function_base_impl._lerp``: from the nearer end, so that the end is met."""
    step = high - low
    return high - step * (1 - part) if part >= 0.5 else low + step * part


class Sample:
    """Values of one group, put in piece by piece, asked for percentiles at the end.

    They are kept as sorted runs that are never merged: no single step holds the interpreter for
    long, groups are joined by sharing their runs, and a percentile is found by bisection.

    Args:
        values: in any order; None is not a value, leave it out and count it.
    """

    __slots__ = ("_runs", "_total", "count")

    def __init__(self, values: Iterable[float] = ()) -> None:
        self._runs: list[list[float]] = []
        self._total: float = 0
        self.count = 0
        self.add(list(values))

    def add(self, values: Sequence[float]) -> None:
        """Take more values."""
        for start in range(0, len(values), RUN_LENGTH):
            run = sorted(values[start : start + RUN_LENGTH])
            self._runs.append(run)
            self._total += sum(run)
            self.count += len(run)

    def join(self, other: Sample) -> None:
        """Take all of another sample's values; nothing is copied or sorted again."""
        self._runs.extend(other._runs)
        self._total += other._total
        self.count += other.count

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[float]:
        """All values, in no order."""
        for run in self._runs:
            yield from run

    @property
    def total(self) -> float:
        """Their sum."""
        return self._total

    @property
    def mean(self) -> float | None:
        """Their arithmetic mean; None where there are none."""
        return self._total / self.count if self.count else None

    @property
    def smallest(self) -> float | None:
        """The least of them; None where there are none."""
        return min((run[0] for run in self._runs), default=None)

    @property
    def largest(self) -> float | None:
        """The greatest of them; None where there are none."""
        return max((run[-1] for run in self._runs), default=None)

    def percentile(self, share: float) -> float | None:
        """As :func:`percentile`; None where there are no values."""
        if not self.count:
            return None
        if len(self._runs) == 1:
            return percentile(self._runs[0], share)
        if self.count <= RUN_LENGTH:
            self._runs = [sorted(self)]
            return percentile(self._runs[0], share)
        rank = share * (self.count - 1)
        below = math.floor(rank)
        low = self._value_at(below)
        return _interpolate(low, self._value_at(min(below + 1, self.count - 1)), rank - below)

    @property
    def median(self) -> float | None:
        """The middle; None where there are none."""
        return self.percentile(0.5)

    def spread(self, most: int) -> list[float]:
        """At most ``most`` values, ascending, at even steps through the order of each run: together
        they have the quantiles of the whole."""
        step = -(-self.count // most)
        return sorted(value for run in self._runs for value in run[step // 2 :: step])[:most]

    def counts(self, edges: Sequence[float]) -> list[int]:
        """How many values lie in each of the ``len(edges) - 1`` half-open bins; the last one takes
        its upper edge too. Values beyond the edges are in none."""
        at_or_below = [0] * len(edges)
        for run in self._runs:
            for position, edge in enumerate(edges[:-1]):
                at_or_below[position] += bisect_left(run, edge)
            at_or_below[-1] += bisect_right(run, edges[-1])
        return [high - low for low, high in pairwise(at_or_below)]

    def _value_at(self, index: int) -> float:
        """The value at a place in the order of all runs together.

        Keeps, per run, the stretch that the value can be in, and cuts them all at the middle of the
        widest one's: each round drops at least a quarter of what that run still has.
        """
        lows = [0] * len(self._runs)
        highs = [len(run) for run in self._runs]
        while True:
            widest = max(range(len(lows)), key=lambda place: highs[place] - lows[place])
            middle = (lows[widest] + highs[widest]) // 2
            pivot = self._runs[widest][middle]
            less = [
                bisect_left(run, pivot, low, high)
                for run, low, high in zip(self._runs, lows, highs, strict=True)
            ]
            up_to = [
                bisect_right(run, pivot, low, high)
                for run, low, high in zip(self._runs, less, highs, strict=True)
            ]
            if index < sum(less):
                highs = less
            elif index < sum(up_to):
                return pivot
            else:
                lows = up_to


def logarithmic_edges(smallest: float, largest: float, bins: int) -> list[float]:
    """Edges of ``bins`` bins from the smallest to the largest value, each wider than the one before
    by the same factor: response times spread over orders of magnitude.

    Values at or below 0 begin at 1 of the unit.
    """
    low = max(1.0, float(smallest))
    high = max(low * 1.000_001, float(largest))
    factor = (high / low) ** (1 / bins)
    edges = [low * factor**place for place in range(bins + 1)]
    edges[0], edges[-1] = min(low, float(smallest)), high
    return edges


def mann_whitney(first: Sequence[float], second: Sequence[float]) -> tuple[float, float]:
    """Whether one sample tends to be larger than the other (two-sided).

    Exact for small samples without ties, else the normal approximation with corrections for ties
    and continuity: the choice and the figures of ``scipy.stats.mannwhitneyu``.
    Mann and Whitney 1947; Hollander and Wolfe, "Nonparametric Statistical Methods", chapter 4.

    Returns:
        U of the first sample, and the p-value.

    Raises:
        ValueError: one of them is empty.
    """
    n, m = len(first), len(second)
    if not n or not m:
        raise ValueError("a comparison needs values on both sides")
    ranked, ties = _ranks([*first, *second])
    u = sum(ranked[:n]) - n * (n + 1) / 2
    greater = max(u, n * m - u)
    if min(n, m) <= EXACT_UP_TO and not ties:
        return u, min(1.0, 2 * _share_at_least(round(greater), n, m))
    total = n + m
    variance = n * m / 12 * ((total + 1) - ties / (total * (total - 1)))
    if variance <= 0:
        return u, 1.0
    z = (greater - n * m / 2 - 0.5) / math.sqrt(variance)
    return u, min(1.0, math.erfc(z / math.sqrt(2)))


def _ranks(values: Sequence[float]) -> tuple[list[float], float]:
    """The ranks from 1 (ties share the mean of theirs), and the sum of t³ - t over all ties."""
    order = sorted(range(len(values)), key=values.__getitem__)
    ranks = [0.0] * len(values)
    ties = 0.0
    start = 0
    while start < len(order):
        end = start + 1
        value = values[order[start]]
        while end < len(order) and values[order[end]] == value:
            end += 1
        rank = (start + 1 + end) / 2
        for place in order[start:end]:
            ranks[place] = rank
        length = end - start
        ties += length**3 - length
        start = end
    return ranks, ties


def _share_at_least(u: int, n: int, m: int) -> float:
    """The exact chance of a U of at least ``u`` where both samples come from one population.

    Counts the ways to reach each U: the coefficients of the Gaussian binomial, as the product of
    (1 - q^(m+i)) / (1 - q^i) for i = 1 … n, with n the smaller.
    """
    n, m = min(n, m), max(n, m)
    size = n * m
    ways = [0] * (size + 1)
    ways[0] = 1
    for i in range(1, n + 1):
        for place in range(size, m + i - 1, -1):
            ways[place] -= ways[place - m - i]
        for place in range(i, size + 1):
            ways[place] += ways[place - i]
    return sum(ways[u:]) / math.comb(n + m, n)


def median_difference_interval(
    first: Sequence[float] | NDArray[numpy.float64],
    second: Sequence[float] | NDArray[numpy.float64],
    *,
    seed: int = 0,
) -> tuple[float, float]:
    """The bootstrap interval (percentile method, 95 %) of median(second) - median(first).

    The median of a resample is drawn in one step instead of drawing the resample: the k-th of n
    resampled values is the value at place ⌊n·U⌋, where U, the k-th of n uniform draws, follows
    Beta(k, n - k + 1). (Efron 1979; David and Nagaraja, "Order Statistics", 2.2.) So it costs the
    same for five values as for a million.

    Args:
        first, second: at least one value each, in any order.
        seed: the same seed gives the same interval.

    Raises:
        ValueError: one of them is empty.
    """
    import numpy

    if not len(first) or not len(second):
        raise ValueError("a comparison needs values on both sides")
    # The one generator whose stream numpy promises to keep.
    random = numpy.random.RandomState(seed)

    def medians(values: Sequence[float] | NDArray[numpy.float64]) -> NDArray[numpy.float64]:
        ordered = numpy.sort(numpy.asarray(values, dtype=numpy.float64))
        n = len(ordered)
        lower = (n + 1) // 2
        at = random.beta(lower, n - lower + 1, RESAMPLES)
        drawn: NDArray[numpy.float64] = ordered[numpy.minimum((n * at).astype(int), n - 1)]
        if n % 2:
            return drawn
        # Given the lower middle one, the next of the n - lower draws above it.
        above = at + (1 - at) * random.beta(1, n - lower, RESAMPLES)
        drawn += ordered[numpy.minimum((n * above).astype(int), n - 1)]
        drawn /= 2
        return drawn

    was = medians(first)
    differences = medians(second) - was
    tail = (1 - CONFIDENCE) / 2
    low, high = numpy.quantile(differences, [tail, 1 - tail])
    return float(low), float(high)


def adjusted(p_values: Sequence[float]) -> list[float]:
    """P-values of many tests made at once, so that of those called significant at 5 % at most 5 %
    are expected to be chance (false discovery rate; Benjamini and Hochberg 1995)."""
    count = len(p_values)
    order = sorted(range(count), key=p_values.__getitem__, reverse=True)
    result = [1.0] * count
    least = 1.0
    for position, place in enumerate(order):
        least = min(least, p_values[place] * count / (count - position))
        result[place] = least
    return result


@dataclass(frozen=True, slots=True)
class Correlation:
    """How two things go together.

    Attributes:
        rho: Spearman's rank correlation, -1 to 1.
        low, high: its 95 % interval.
        count: pairs it rests on.
    """

    rho: float
    low: float
    high: float
    count: int

    @property
    def certain(self) -> bool:
        """Whether the interval keeps clear of 0."""
        return self.low > 0 or self.high < 0


def spearman(first: Sequence[float], second: Sequence[float]) -> Correlation | None:
    """Spearman's rank correlation with its interval.

    The interval is Fisher's z with the variance of Bonett and Wright (2000), (1 + ρ²/2) / (n - 3),
    which keeps its coverage for ranks where 1 / (n - 3) does not.

    Returns:
        None where there are fewer than :data:`FEWEST_SAMPLES` pairs, or one side never varies.

    Raises:
        ValueError: the sides differ in length.
    """
    if len(first) != len(second):
        raise ValueError("pairs need two sides of one length")
    count = len(first)
    if count < FEWEST_SAMPLES:
        return None
    one, other = _ranks(first)[0], _ranks(second)[0]
    mean = (count + 1) / 2
    spread_one = sum((rank - mean) ** 2 for rank in one)
    spread_other = sum((rank - mean) ** 2 for rank in other)
    if not spread_one or not spread_other:
        return None
    together = sum((a - mean) * (b - mean) for a, b in zip(one, other, strict=True))
    rho = max(-1.0, min(1.0, together / math.sqrt(spread_one * spread_other)))
    if abs(rho) == 1.0:
        return Correlation(rho, rho, rho, count)
    width = NormalDist().inv_cdf((1 + CONFIDENCE) / 2) * math.sqrt((1 + rho**2 / 2) / (count - 3))
    centre = math.atanh(rho)
    return Correlation(rho, math.tanh(centre - width), math.tanh(centre + width), count)


@dataclass(frozen=True, slots=True)
class Difference:
    """One sample against another, as a verdict can be read from it.

    Attributes:
        before, after: the medians; None where a side has no values.
        before_count, after_count: how many values each side has.
        change: after - before.
        low, high: the bootstrap interval of the change; None where there are too few values.
        p_value: Mann-Whitney, two-sided; None where there are too few values.
        adjusted_p: the same after Benjamini and Hochberg, where many were tested at once.
    """

    before: float | None
    after: float | None
    before_count: int
    after_count: int
    change: float | None = None
    low: float | None = None
    high: float | None = None
    p_value: float | None = None
    adjusted_p: float | None = None

    @property
    def too_few(self) -> bool:
        """Whether a side has too few values for a verdict."""
        return min(self.before_count, self.after_count) < FEWEST_SAMPLES

    @property
    def share(self) -> float | None:
        """The change in parts of the median before; None where that is 0 or unknown."""
        return self.change / self.before if self.change is not None and self.before else None

    @property
    def significant(self) -> bool | None:
        """Whether the change is more than chance: p (adjusted where it is) below 5 % and an
        interval that keeps clear of 0. None where there are too few values to tell."""
        told = self.p_value if self.adjusted_p is None else self.adjusted_p
        if told is None:
            return None
        if self.low is None or self.high is None:
            return False if told >= SIGNIFICANT else None
        return told < SIGNIFICANT and (self.low > 0 or self.high < 0)


MOST_RANKED = 2_000
"""Values of a side that a comparison ranks. Beyond that every k-th of the ordered values stands for
its neighbours: p-values and intervals become more careful, never bolder, and 2,000 against 2,000
still show a shift that 53 % of all pairs agree on. Medians are taken from all values."""


def thinned(sample: Sample, most: int = MOST_RANKED) -> list[float]:
    """At most ``most`` of a sample's values, ordered, evenly spread over its quantiles."""
    return sorted(sample) if sample.count <= most else sample.spread(most)


def difference(before: Sample, after: Sample, *, always_interval: bool = True) -> Difference:
    """Compare two samples; with too few values on a side there are medians but no verdict.

    Args:
        always_interval: resample also where the p-value alone rules a verdict out; without it a
            comparison of thousands of names costs a fraction.
    """
    was, now = before.median, after.median
    result = Difference(
        before=was,
        after=now,
        before_count=before.count,
        after_count=after.count,
        change=None if was is None or now is None else now - was,
    )
    if result.too_few:
        return result
    first, second = thinned(before), thinned(after)
    p_value = mann_whitney(first, second)[1]
    low = high = None
    if always_interval or p_value < SIGNIFICANT:
        low, high = median_difference_interval(first, second)
    return Difference(
        before=was,
        after=now,
        before_count=before.count,
        after_count=after.count,
        change=result.change,
        low=low,
        high=high,
        p_value=p_value,
    )


def with_adjusted(differences: Sequence[Difference]) -> list[Difference]:
    """The same differences with their p-values adjusted for being many (see :func:`adjusted`)."""
    tested = [found for found in differences if found.p_value is not None]
    levels = iter(adjusted([found.p_value for found in tested if found.p_value is not None]))
    return [
        found if found.p_value is None else replace(found, adjusted_p=next(levels))
        for found in differences
    ]
