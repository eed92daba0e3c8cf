"""What filters are completed with besides the words of the language."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from perftui.analysis.filter_seen import MOST_VALUES, needs_no_quotes, spread, values_seen
from perftui.analysis.filters import parse
from perftui.model import Entry


def fetched(url: str, *, media_type: str | None = None) -> Entry:
    return Entry(
        entry_type="resource",
        name=url,
        start_us=0,
        initiator_type="fetch",
        content_type=media_type,
    )


def test_the_most_frequent_come_first_and_what_is_no_request_is_left_out() -> None:
    seen = values_seen(
        [
            fetched("https://one.test/a"),
            fetched("https://two.test/a", media_type="text/html; charset=utf-8"),
            fetched("https://two.test/b", media_type="text/html"),
            fetched("data:text/plain,x"),
            Entry(entry_type="mark", name="https://three.test/", start_us=0),
        ]
    )
    assert seen["domain"] == ("two.test", "one.test")
    assert seen["mime"] == ("text/html",)
    assert seen["initiator"] == ("fetch",)


def test_only_so_many_are_kept() -> None:
    seen = values_seen(fetched(f"https://{number}.test/") for number in range(MOST_VALUES + 50))
    assert len(seen["domain"]) == MOST_VALUES


@given(st.text(max_size=12))
def test_a_value_without_quotes_is_a_term(value: str) -> None:
    seen = values_seen([fetched("https://shop.test/", media_type=value)])
    for found in seen["mime"]:
        assert needs_no_quotes(found)
        parse(f"mime:{found}")


@given(st.lists(st.integers()), st.integers(1, 10))
def test_positions_are_spread_from_the_first_on(positions: list[int], most: int) -> None:
    found = spread(positions, most)
    assert len(found) <= most
    assert list(found[:1]) == positions[:1]
