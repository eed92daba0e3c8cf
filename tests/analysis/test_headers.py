"""Headers in whatever form a source tells them."""

from __future__ import annotations

import pytest

from perftui.analysis.headers import headers


@pytest.mark.parametrize(
    "told",
    [
        {"accept": "*/*", "x-a": "1"},
        [{"name": "accept", "value": "*/*"}, {"name": "x-a", "value": "1"}],
        [["accept", "*/*"], ("x-a", "1")],
    ],
)
def test_every_form_reads_the_same(told: object) -> None:
    assert headers({"requestHeaders": told}, "request") == [("accept", "*/*"), ("x-a", "1")]
    assert headers({"requestHeaders": told}, "response") == []


def test_a_header_may_come_twice() -> None:
    told = [["set-cookie", "a=1"], ["set-cookie", "b=2"]]
    assert headers({"responseHeaders": told}, "response") == [
        ("set-cookie", "a=1"),
        ("set-cookie", "b=2"),
    ]


@pytest.mark.parametrize(
    "told", [None, "accept: */*", 7, [["a"]], [{"name": 1, "value": "x"}], [[]]]
)
def test_what_is_no_header_is_left_out(told: object) -> None:
    assert headers({"responseHeaders": told}, "response") == []
