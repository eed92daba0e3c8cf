"""The fields of what is no request."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from perftui.analysis.happening_detail import MOST_ITEMS, happening_facts
from perftui.analysis.request_detail import Fact
from perftui.model import JSON, Entry


def facts(**extra: JSON) -> list[Fact]:
    return happening_facts(
        Entry(entry_type="mark", name="a", start_us=0, duration_us=0, extra=extra)
    )


def test_the_scripts_of_a_long_animation_frame_are_named() -> None:
    script = {"duration": 28, "invoker": "BUTTON#buy.onclick", "sourceURL": "https://a.test/buy.js",
              "sourceFunctionName": "buy"}  # fmt: skip
    same = {"invoker": "https://a.test/x.js", "sourceURL": "https://a.test/x.js"}
    assert facts(blockingDuration=22.8, scripts=[script, same]) == [
        Fact("blockingDuration", "22.8"),
        Fact("script 1", "28ms", "BUTTON#buy.onclick  buy  https://a.test/buy.js"),
        Fact("script 2", "—", "https://a.test/x.js"),
    ]


def test_the_properties_of_an_analytics_event_are_told() -> None:
    assert facts(properties={"plan": "pro", "items": [1, "b"], "first": True, "x": {"y": 2}}) == [
        Fact("properties.plan", "pro"),
        Fact("properties.items", "1, b"),
        Fact("properties.first", "yes"),
        Fact("properties.x.y", "2"),
    ]


def test_what_is_empty_is_said_to_be_and_what_is_null_nobody_told() -> None:
    assert facts(referrer="", title=None, hidden=False, sources=[]) == [
        Fact("referrer", "", "empty"),
        Fact("hidden", "no"),
    ]


def test_a_long_list_is_cut_and_says_so() -> None:
    told = facts(sources=[{"node": "#a"}] * (MOST_ITEMS + 3))
    assert told[0] == Fact("sources 1", '{"node":"#a"}')
    assert told[-1] == Fact("sources", "3 more")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(st.dictionaries(st.sampled_from(["scripts", "properties", "x"]), json_values))
def test_anything_can_be_told(extra: dict[str, JSON]) -> None:
    for fact in facts(**extra):
        assert isinstance(fact.value, str)
