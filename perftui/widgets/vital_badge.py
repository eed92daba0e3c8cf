"""A vital in a few cells: value, glyph and the theme variable of its rating."""

from __future__ import annotations

from perftui.analysis.text import format_duration
from perftui.analysis.vitals import Rating, Vital
from perftui.widgets.palette import Glyphs

RATING_STYLES = {
    Rating.GOOD: "success",
    Rating.NEEDS_IMPROVEMENT: "warning",
    Rating.POOR: "error",
}


def rating_glyph(rating: Rating, glyphs: Glyphs) -> str:
    """One cell that says the rating without colour."""
    if rating is Rating.GOOD:
        return glyphs.check
    return "!" if rating is Rating.NEEDS_IMPROVEMENT else glyphs.error


def vital_value(vital: Vital) -> str:
    """``312ms``, ``1.02s``; for CLS the score, ``0.02``."""
    return (
        f"{vital.value:.2f}" if vital.name == "CLS" else format_duration(round(vital.value * 1000))
    )


def badge(vital: Vital | None, glyphs: Glyphs) -> tuple[str, str]:
    """The text and the theme variable; a dot where it was not measured."""
    if vital is None:
        return glyphs.separator + " ", "faint"
    return vital_value(vital) + rating_glyph(vital.rating, glyphs), RATING_STYLES[vital.rating]
