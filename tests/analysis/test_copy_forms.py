"""Requests as curl, fetch and URL."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

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
    words = shlex.split(as_curl(entry(url)))
    assert words[2 if words[1] == "--url" else 1] == url
    assert as_url(entry(url)) == url


@pytest.mark.parametrize(
    "url", ["https://a.test/$(touch x)", "https://a.test/`id`';id;'", "a\n;id"]
)
def test_a_real_shell_takes_it_as_one_word(url: str) -> None:
    command = as_curl(entry(url)).replace("curl", "printf '%s|'", 1)
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
    assert done.stdout == f"{url}|--compressed|"


def test_a_url_is_no_option_and_no_pattern() -> None:
    assert shlex.split(as_curl(entry("-K/etc/passwd")))[1:3] == ["--url", "-K/etc/passwd"]
    assert "--globoff" in shlex.split(as_curl(entry("https://a.test/?ids[]=1&f={a,b}")))


def test_what_is_no_header_is_left_out_and_an_empty_one_is_sent() -> None:
    told = {"@/etc/passwd": "x", ":authority": "a.test", "X-Empty": "", "X-A": "b"}
    made = entry("https://a.test/", method="HEAD", extra={"requestHeaders": told})
    assert shlex.split(as_curl(made))[2:] == [
        *("--head", "-H", "X-Empty;", "-H", "X-A: b", "--compressed")
    ]
    assert json.loads(as_fetch(made).partition(", ")[2].removesuffix(");"))["headers"] == {
        "X-Empty": "",
        "X-A": "b",
    }


def test_a_body_without_a_method_is_posted() -> None:
    made = entry("https://a.test/", extra={"requestBody": "x"})
    assert "-X" not in shlex.split(as_curl(made))
    assert '"POST"' in as_fetch(made)


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")
def test_a_real_curl_sends_it() -> None:
    seen: list[tuple[str, str, str | None, str]] = []

    class Answer(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length).decode()
            seen.append((self.command, self.path, self.headers.get("X-Quote"), body))
            self.send_response(204)
            self.end_headers()

        do_GET = do_POST = do_HEAD = do_PUT  # noqa: N815 - the standard library's names

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Not on stderr."""

    quote = 'it\'s "$(id)" `id` \\ %41'
    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        base = f"http://127.0.0.1:{server.server_address[1]}"
        for path, fields in (
            ("/a?ids[]=1&f={a,b}&c=[1-9]", {"method": "GET"}),
            ("/it's$(id)`id`;id", {"method": "HEAD"}),
            ("/pay", {"method": "POST", "extra": {"requestBody": f"@{quote}\n&"}}),
            ("/put", {"method": "PUT", "extra": {"requestBody": "x",
                      "requestHeaders": {"X-Quote": quote, "Content-Length": "900"}}}),
        ):  # fmt: skip
            command = as_curl(entry(base + path, **fields))
            subprocess.run(["sh", "-c", command], check=True, capture_output=True)
        server.shutdown()
    assert seen == [
        ("GET", "/a?ids[]=1&f={a,b}&c=[1-9]", None, ""),
        ("HEAD", "/it's$(id)`id`;id", None, ""),
        ("POST", "/pay", None, f"@{quote}\n&"),
        ("PUT", "/put", quote, "x"),
    ]


@given(
    url=st.text(st.characters(exclude_categories=["Cs"])), method=st.sampled_from(["GET", "PUT"])
)
def test_a_fetch_call_holds_two_json_values(url: str, method: str) -> None:
    made = as_fetch(entry(url, method=method))
    told, rest = json.JSONDecoder().raw_decode(made.removeprefix("fetch("))
    assert told == url
    options = made.removeprefix("fetch(")[rest:].removeprefix(", ").removesuffix(");")
    assert json.loads(options) == {"method": method}
