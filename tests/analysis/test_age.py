from __future__ import annotations

import pytest

from perftui.analysis.age import format_age

SECOND = 1_000_000


@pytest.mark.parametrize(
    ("us", "words"),
    [
        (-5 * SECOND, "0 s"),
        (999_999, "0 s"),
        (59 * SECOND, "59 s"),
        (60 * SECOND, "1 min"),
        (3599 * SECOND, "59 min"),
        (3600 * SECOND, "1 h"),
        (47 * 3600 * SECOND, "1 d"),
        (7 * 86400 * SECOND, "1 wk"),
        (800 * 86400 * SECOND, "2 y"),
    ],
)
def test_one_unit(us: int, words: str) -> None:
    assert format_age(us) == words
