"""Figures of many groups at once: counts, sums, percentiles and tests over columns of values.

A group is a small number (0 to ``count - 1``) beside each value; an unknown value is NaN and in no
figure. Percentiles are numpy's, tests scipy's, as in :mod:`perftui.analysis.statistics`, which has
the same for one sample.
"""

from __future__ import annotations

import math
from functools import cached_property

import numpy as np

from perftui.analysis.statistics import EXACT_UP_TO, FEWEST_SAMPLES, MOST_RANKED, mann_whitney
from perftui.request_columns import Flags, Floats, Integers


def dense(keys: Integers) -> tuple[Integers, Integers]:
    """The distinct keys, ascending, and the place of each key among them: ``numpy.unique`` without
    sorting where the keys are small."""
    if not len(keys):
        return keys, keys
    top = int(keys.max())
    if int(keys.min()) < 0 or top > 4 * len(keys) + 1_000_000:
        order = in_order(keys)
        ordered = keys[order]
        is_new = np.concatenate(([True], ordered[1:] != ordered[:-1]))
        places = np.empty(len(keys), dtype=np.int64)
        places[order] = np.cumsum(is_new) - 1
        return ordered[is_new], places
    present = np.zeros(top + 1, dtype=np.bool_)
    present[keys] = True
    values = np.flatnonzero(present)
    places = np.zeros(top + 1, dtype=np.int64)
    places[values] = np.arange(len(values))
    return values, places[keys]


def in_order(keys: Integers) -> Integers:
    """``numpy.argsort(keys, kind="stable")``. Sorting each key together with its place takes a
    fifth of that, where both fit into an integer."""
    bits = max(1, len(keys) - 1).bit_length()
    if not len(keys) or int(keys.min()) < 0 or int(keys.max()) >= 1 << (62 - bits):
        return np.argsort(keys, kind="stable")
    packed = (keys << bits) | np.arange(len(keys))
    packed.sort()
    return packed & ((1 << bits) - 1)


def counts(groups: Integers, count: int, among: Flags | None = None) -> Integers:
    """How many values each group has, ``among`` those marked."""
    chosen = groups if among is None else groups[among]
    return np.bincount(chosen, minlength=count).astype(np.int64)


def sums(groups: Integers, count: int, values: Floats) -> tuple[Floats, Integers]:
    """The sum of each group's known values, and how many are known."""
    known = ~np.isnan(values)
    if not bool(known.all()):
        groups, values = groups[known], values[known]
    return (
        np.bincount(groups, weights=values, minlength=count).astype(np.float64),
        np.bincount(groups, minlength=count).astype(np.int64),
    )


def firsts(groups: Integers, count: int, values: Integers) -> Integers:
    """The first value of each group; 0 where it has none."""
    found = np.zeros(count, dtype=np.int64)
    found[groups[::-1]] = values[::-1]
    return found


class Samples:
    """The known values of each group, in order.

    Args:
        groups: the group of each value.
        count: how many groups there are.
        values: NaN where unknown; whole numbers otherwise (µs, bytes).
    """

    def __init__(self, groups: Integers, count: int, values: Floats) -> None:
        known = ~np.isnan(values)
        if not bool(known.all()):
            groups, values = groups[known], values[known]
        self.counts = np.bincount(groups, minlength=count).astype(np.int64)
        self.begins = np.concatenate(([0], np.cumsum(self.counts)))
        self.values = _sorted_within(groups, count, values)

    def of(self, group: int) -> Floats:
        """The values of a group, ascending."""
        return self.values[self.begins[group] : self.begins[group + 1]]

    def percentile(self, share: float) -> Floats:
        """Of each group, interpolated linearly as ``numpy.percentile`` does, to the last bit; NaN
        where it has no values."""
        has = self.counts > 0
        result = np.full(len(self.counts), np.nan)
        begins, last = self.begins[:-1][has], self.counts[has] - 1
        rank = share * last
        below = np.floor(rank).astype(np.int64)
        low = self.values[begins + below]
        high = self.values[begins + np.minimum(below + 1, last)]
        part, step = rank - below, high - low
        # numpy.lib._function_base_impl._lerp: from the nearer end.
        result[has] = np.where(part >= 0.5, high - step * (1 - part), low + step * part)
        return result

    @cached_property
    def median(self) -> Floats:
        """The middle of each group; NaN where it has no values."""
        return self.percentile(0.5)

    @property
    def largest(self) -> Floats:
        """Of each group; NaN where it has no values."""
        return self.percentile(1.0)


def _sorted_within(groups: Integers, count: int, values: Floats) -> Floats:
    """Values by group, ascending within."""
    packed = _packed(groups, count, values)
    if packed is None:
        return values[np.lexsort((values, groups))]
    # One sort of whole numbers takes a tenth of lexsort's time.
    keys, bits, low = packed
    keys.sort()
    keys &= (1 << bits) - 1
    return keys.astype(np.float64) + low


def _packed(
    groups: Integers, count: int, values: Floats, *, bits_below: int = 0
) -> tuple[Integers, int, float] | None:
    """Whole numbers that order as group and value do, the group above the value, how many bits are
    below the group, and what was taken off each value; None where that does not fit.

    Args:
        bits_below: bits that are left free below the value.
    """
    if not len(values):
        return None
    low, high = float(values.min()), float(values.max())
    bits = (int(high - low) + 1).bit_length() + bits_below
    whole = (values - low).astype(np.int64)
    if count << bits >= 1 << 62 or not bool(np.all(whole == values - low)):
        return None
    whole <<= bits_below
    whole |= groups << bits
    return whole, bits, low


def percentile(values: Floats, share: float) -> float | None:
    """Of all known values; None where there are none."""
    known = values[~np.isnan(values)]
    return float(np.percentile(known, share * 100)) if len(known) else None


def mann_whitney_of_pairs(first: Samples, second: Samples) -> Floats:
    """The two-sided p-value of each group's values in ``first`` against those in ``second``, as
    :func:`~perftui.analysis.statistics.mann_whitney` has it; NaN where a side has fewer than
    :data:`~perftui.analysis.statistics.FEWEST_SAMPLES`. Of more than
    :data:`~perftui.analysis.statistics.MOST_RANKED` values of a side every k-th is ranked.
    """
    enough = (first.counts >= FEWEST_SAMPLES) & (second.counts >= FEWEST_SAMPLES)
    result = np.full(len(enough), np.nan)
    chosen = np.flatnonzero(enough)
    if not len(chosen):
        return result
    place = np.full(len(enough), -1, dtype=np.int64)
    place[chosen] = np.arange(len(chosen))
    sides = [_ranked_of(side, place) for side in (first, second)]
    groups, values = (np.concatenate(parts) for parts in zip(*sides, strict=True))
    n, m = (np.bincount(of, minlength=len(chosen)).astype(np.float64) for of, _ in sides)
    is_first = np.arange(len(values)) < len(sides[0][0])
    groups, values, is_first = _merged(groups, values, is_first)
    # Runs of equal values within a group share the mean of their ranks.
    starts = np.flatnonzero(
        np.concatenate(([True], (values[1:] != values[:-1]) | (groups[1:] != groups[:-1])))
    )
    lengths = np.diff(np.append(starts, len(values)))
    begins = np.searchsorted(groups, np.arange(len(chosen)))
    run_groups = groups[starts]
    ranks = np.repeat(starts - begins[run_groups] + (lengths + 1) / 2, lengths)
    ties = np.bincount(run_groups, weights=lengths.astype(np.float64) ** 3 - lengths)
    u = np.bincount(groups, weights=ranks * is_first, minlength=len(chosen)) - n * (n + 1) / 2
    greater = np.maximum(u, n * m - u)
    total = n + m
    variance = n * m / 12 * ((total + 1) - ties / (total * (total - 1)))
    with np.errstate(divide="ignore", invalid="ignore"):
        z = (greater - n * m / 2 - 0.5) / np.sqrt(variance) / math.sqrt(2)
    p_values = [min(1.0, math.erfc(one)) if one == one else 1.0 for one in z.tolist()]
    result[chosen] = np.where(variance > 0, p_values, 1.0)
    for exact in np.flatnonzero((np.minimum(n, m) <= EXACT_UP_TO) & (ties == 0)).tolist():
        group = int(chosen[exact])
        result[group] = mann_whitney(
            thinned(first.of(group)).tolist(), thinned(second.of(group)).tolist()
        )[1]
    return result


def _merged(groups: Integers, values: Floats, is_first: Flags) -> tuple[Integers, Floats, Flags]:
    """Two sides one after the other, each by group and value, as one so."""
    packed = _packed(groups, int(groups[-1]) + 1, values, bits_below=1)
    if packed is None:
        order = np.lexsort((values, groups))
        return groups[order], values[order], is_first[order]
    keys, bits, low = packed
    keys |= is_first
    # Timsort, which merges two runs in one go.
    keys.sort(kind="stable")
    whole = (keys >> 1) & ((1 << (bits - 1)) - 1)
    return keys >> bits, whole.astype(np.float64) + low, (keys & 1).astype(np.bool_)


def _ranked_of(samples: Samples, place: Integers) -> tuple[Integers, Floats]:
    """The values that are ranked, and the place of each one's group; groups without a place are
    left out."""
    keep = np.repeat(place >= 0, samples.counts)
    for group in np.flatnonzero((samples.counts > MOST_RANKED) & (place >= 0)).tolist():
        begin, end = samples.begins[group], samples.begins[group + 1]
        step = -(-(end - begin) // MOST_RANKED)
        keep[begin:end] = False
        keep[begin + step // 2 : end : step] = True
    return np.repeat(place, samples.counts)[keep], samples.values[keep]


def thinned(ordered: Floats, most: int = MOST_RANKED) -> Floats:
    """At most ``most`` of some ordered values, at even steps through their order."""
    if len(ordered) <= most:
        return ordered
    step = -(-len(ordered) // most)
    return ordered[step // 2 :: step][:most]
