"""What sessions are called, alone and beside each other."""

from __future__ import annotations

from msgspec.structs import replace

from perftui.analysis.session_names import names_apart, session_name
from tests.analysis.test_overlay import track

PLAIN = track("0192f1a0-7c3e-7000-8000-1", 0, []).summary


def test_the_name_of_a_person_comes_before_the_title_and_that_before_the_id() -> None:
    assert session_name(PLAIN) == PLAIN.session_id
    titled = replace(PLAIN, title="Checkout")
    assert session_name(titled) == "Checkout"
    assert session_name(replace(titled, label="slow one")) == "slow one"


def test_beside_each_other_the_same_names_are_told_apart_and_others_stay() -> None:
    one = replace(PLAIN, title="Checkout")
    other = replace(one, session_id="0192f1a0-7c3f-7000-8000-1")
    named = replace(one, session_id="third", label="slow one")
    assert names_apart([one, named, other]) == [
        "Checkout (0192f1a0-7c3e)",
        "slow one",
        "Checkout (0192f1a0-7c3f)",
    ]
    assert names_apart([one, named]) == ["Checkout", "slow one"]
    assert names_apart([PLAIN]) == [PLAIN.session_id]
    assert names_apart([]) == []
