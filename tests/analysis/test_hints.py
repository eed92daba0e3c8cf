from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from perftui.analysis.hints import Hint, choose

HINTS = st.lists(
    st.builds(
        Hint,
        keys=st.text(min_size=1, max_size=5),
        label=st.text(min_size=1, max_size=9),
        importance=st.integers(0, 9),
    ),
    max_size=12,
)


@given(HINTS, st.integers(0, 200))
def test_the_chosen_fit_and_keep_their_order(hints: list[Hint], width: int) -> None:
    chosen = choose(hints, width)
    drawn = "  ".join(f"{hint.keys} {hint.label}" for hint in chosen)
    assert len(drawn) <= width
    rest = iter(hints)
    assert all(hint in rest for hint in chosen)


def test_the_least_important_goes_first() -> None:
    hints = [
        Hint("a", "one", importance=2),
        Hint("b", "two", importance=1),
        Hint("?", "help", importance=3),
    ]
    assert [hint.keys for hint in choose(hints, 100)] == ["a", "b", "?"]
    assert [hint.keys for hint in choose(hints, 15)] == ["a", "?"]
    assert choose(hints, 3) == []
