"""Figures out of columns as values of an answer, where None is what NaN is there."""

from __future__ import annotations


def share(part: float, whole: float) -> float | None:
    """A part of a whole; None of nothing."""
    return round(float(part) / float(whole), 4) if whole else None


def told(value: float) -> float | None:
    """None for NaN."""
    return None if value != value else float(value)


def told_count(value: float) -> int | None:
    """A whole number; None for NaN."""
    return None if value != value else round(float(value))


def told_ms(us: float) -> float | None:
    """µs as milliseconds, to the microsecond; None for NaN."""
    return None if us != us else round(float(us) / 1000, 3)
