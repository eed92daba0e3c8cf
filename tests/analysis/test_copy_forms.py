"""Requests as curl, fetch and URL."""

from __future__ import annotations

import json
import shlex
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perftui.analysis.copy_forms import as_curl, as_fetch, as_url
from perftui.model import Entry


def entry(name: str, **fields: object) -> Entry:
    return Entry(entry_type="resource", name=name, start_us=0, duration_us=1, **fields)  # type: ignore[arg-type]


def test_a_get_is_a_bare_curl() -> None:
    made = as_curl(entry("https://shop.test/a?b=1&c=2", method="GET"))
    assert made == "curl 'https://shop.test/a?b=1&c=2' --compressed"


def test_headers_method_and_body_are_told() -> None:
    made = as_curl(
        entry(
            "https://shop.test/pay",
            method="POST",
            extra={
                "requestHeaders": {"Content-Type": "application/json", "Content-Length": "2"},
                "requestBody": "{}",
            },
        )
    )
    assert shlex.split(made) == [
        *("curl", "https://shop.test/pay", "-H", "Content-Type: application/json"),
        *("--data-raw", "{}", "--compressed"),
    ]


def test_a_body_with_another_method_names_it() -> None:
    made = as_curl(entry("https://a.test/", method="PUT", extra={"requestBody": "x"}))
    assert shlex.split(made)[2:4] == ["-X", "PUT"]


@given(url=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1))
def test_no_url_gets_out_of_its_word(url: str) -> None:
    assert shlex.split(as_curl(entry(url)))[1] == url
    assert as_url(entry(url)) == url


@pytest.mark.parametrize(
    "url", ["https://a.test/$(touch x)", "https://a.test/`id`';id;'", "a\n;id"]
)
def test_a_real_shell_takes_it_as_one_word(url: str) -> None:
    command = as_curl(entry(url)).replace("curl", "printf '%s|'", 1)
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
    assert done.stdout == f"{url}|--compressed|"


@given(
    url=st.text(st.characters(exclude_categories=["Cs"])), method=st.sampled_from(["GET", "PUT"])
)
def test_a_fetch_call_holds_two_json_values(url: str, method: str) -> None:
    made = as_fetch(entry(url, method=method))
    told, rest = json.JSONDecoder().raw_decode(made.removeprefix("fetch("))
    assert told == url
    options = made.removeprefix("fetch(")[rest:].removeprefix(", ").removesuffix(");")
    assert json.loads(options) == {"method": method}
