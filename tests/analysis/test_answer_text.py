"""Answers as lines for a terminal."""

from __future__ import annotations

from perftui.analysis.insights.answer import Column, Shape, Table, Unit
from perftui.analysis.rendering.text import NATURAL_WIDTH, Role, table_lines

SHAPE = Shape(
    key="by_url",
    title="By URL",
    description="A row is a URL.",
    columns=(
        Column("url", "url", Unit.TEXT, "What was loaded.", 100),
        Column("requests", "requests", Unit.COUNT, "How many.", 50),
    ),
)


def drawn(*urls: str, width: int = 80) -> list[str]:
    table = Table(SHAPE, tuple((url, 1) for url in urls), len(urls))
    return [line.text for line in table_lines(table, width)]


def addresses(*urls: str, width: int = 80) -> list[str]:
    return [line.split()[0] for line in drawn(*urls, width=width)[2:]]


def test_the_host_that_most_have_is_said_once() -> None:
    lines = drawn("https://shop.test/a.js", "https://shop.test/b.js", "https://cdn.test/c.js")
    assert lines[0] == "By URL   (paths without a host are of shop.test)"
    assert [line.split()[0] for line in lines[2:]] == ["/a.js", "/b.js", "cdn.test/c.js"]


def test_endpoints_keep_their_method() -> None:
    assert drawn("GET shop.test:81/a", "POST shop.test:81/b")[2].split()[:2] == ["GET", "/a"]
    assert addresses("localhost/a", "localhost/b") == ["/a", "/b"]
    assert addresses("http://[::1]:9/a", "http://[::1]:9/b") == ["/a", "/b"]


def test_a_host_of_its_own_is_not_taken_away() -> None:
    assert addresses("https://shop.test/a.js", "https://cdn.test/c.js") == [
        "https://shop.test/a.js",
        "https://cdn.test/c.js",
    ]


def test_what_is_no_address_stays_as_it_is() -> None:
    assert addresses("data:image/png,…", "image/png", "image/png", "a/b.c") == [
        "data:image/png,…",
        "image/png",
        "image/png",
        "a/b.c",
    ]


def test_where_no_terminal_sets_a_width_urls_are_whole() -> None:
    urls = ("https://shop.test/a.js", "https://shop.test/b.js")
    assert addresses(*urls, width=NATURAL_WIDTH) == list(urls)


def test_a_table_without_rows_says_so() -> None:
    lines = table_lines(Table(SHAPE, (), 0), 80)
    assert [(line.text, line.role) for line in lines] == [
        ("By URL", Role.HEADING),
        ("  nothing to show", Role.NOTE),
    ]
