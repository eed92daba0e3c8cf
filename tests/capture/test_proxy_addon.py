"""The addon's pure parts: where the SDK goes in a document, and what a policy needs."""

from __future__ import annotations

import gzip
import json
import zlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("mitmproxy")

import brotli
from mitmproxy import http as mitm_http
from mitmproxy.test import tflow

from perftui.capture.proxy_addon import (
    CODERS,
    LONGEST_HEADER,
    Injector,
    Origins,
    Pace,
    Passage,
    encoded_entry_of,
    entry_of,
    is_asked_by_another_origin,
    is_sandboxed,
    open_policy,
    savings,
    script_tag,
)

TAG = script_tag(None)
ORIGIN = "http://127.0.0.1:8080"


def inject(body: bytes, charset: str | None, cuts: list[int] | None = None) -> bytes:
    """The document with the tag, having come in pieces."""
    injector = Injector(TAG, charset)
    edges = [0, *sorted(cuts or []), len(body)]
    pieces = [body[start:end] for start, end in pairwise(edges)]
    return b"".join([injector.feed(piece) for piece in pieces]) + injector.feed(b"", last=True)


DOCUMENTS = [
    (b"<!doctype html><html><head><title>x</title></head>", b"<!doctype html><html><head>"),
    (b'<HTML><HEAD lang="en"><title>', b'<HTML><HEAD lang="en">'),
    (b"<html data-x=\"a>b\"><head data-y='>'><p>", b"<html data-x=\"a>b\"><head data-y='>'>"),
    (b"<!-- <head> --><head><title>", b"<!-- <head> --><head>"),
    (b"<html lang=de><body>", b"<html lang=de>"),
    (b"<!doctype html><p>no head", b"<!doctype html>"),
    (
        b"<?xml version='1.0'?>\n<!DOCTYPE html>\n<html><head/>",
        b"<?xml version='1.0'?>\n<!DOCTYPE html>\n<html><head/>",
    ),
    (b"<p>a bare piece", b""),
    (b"plain words", b""),
    (b"<hr><head>", b""),
    (b"\xef\xbb\xbf<p>with a mark", b"\xef\xbb\xbf"),
    # A header begins the body: a head that comes later is none (HTML Standard, "before head").
    (b"<header>not a head</header><head>", b""),
    ("<head><title>Ünï".encode("latin-1"), b"<head>"),
    (b"<!-- never closed <head>", b""),
    (b"<html", b""),
]


@pytest.mark.parametrize(("body", "before"), DOCUMENTS)
def test_the_tag_comes_right_after_the_head(body: bytes, before: bytes) -> None:
    assert inject(body, "latin-1") == before + TAG.encode() + body[len(before) :]


@given(document=st.sampled_from(DOCUMENTS), cuts=st.lists(st.integers(0, 60), max_size=8))
def test_however_it_is_cut_the_tag_is_in_the_same_place(
    document: tuple[bytes, bytes], cuts: list[int]
) -> None:
    body, before = document
    cuts = [cut for cut in cuts if cut <= len(body)]
    assert inject(body, None, cuts) == before + TAG.encode() + body[len(before) :]


def test_nothing_waits_for_the_end_of_the_document() -> None:
    injector = Injector(TAG, None)
    assert injector.feed(b"<!doctype html><html><he") == b""
    assert injector.feed(b"ad><title>") == f"<!doctype html><html><head>{TAG}<title>".encode()
    assert injector.feed(b"slow") == b"slow"


def test_a_document_whose_head_never_comes_is_not_held_for_ever() -> None:
    injector = Injector(TAG, None)
    comment = b"<!--" + b"x" * 70_000
    assert injector.feed(comment) == TAG.encode() + comment


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-16", "utf-32-be"])
@pytest.mark.parametrize("cut", [0, 1, 3, 9, 20])
def test_wide_encodings(encoding: str, cut: int) -> None:
    found = inject("<head><title>€".encode(encoding), encoding, [cut]).decode(encoding)
    assert found == f"<head>{TAG}<title>€"


def test_a_wide_encoding_is_known_by_its_mark() -> None:
    assert inject("\ufeff<head>€".encode("utf-16-be"), None).decode("utf-16") == f"<head>{TAG}€"


def test_never_twice() -> None:
    once = inject(b"<head></head>", None)
    assert inject(once, None) == once


def test_an_empty_document_stays_empty() -> None:
    assert inject(b"", None) == b""


# --- bodies on their way ------------------------------------------------------------------------

PLAIN = b"<!doctype html><html><head><title>t</title></head>" + b"<p>words and words</p>" * 300


def coded(coding: str, body: bytes) -> bytes:
    coder = CODERS[coding]()
    return coder.encode(body, last=True)


def through(passage: Passage, body: bytes, step: int) -> list[bytes]:
    pieces = [body[start : start + step] for start in range(0, len(body), step)]
    return [part for piece in [*pieces, b""] for part in passage(piece)]


@pytest.mark.parametrize("coding", sorted(CODERS))
@pytest.mark.parametrize("step", [1, 37, 4096])
def test_a_document_in_any_coding_keeps_its_coding(coding: str, step: int) -> None:
    body = coded(coding, PLAIN)
    passage = Passage(coding, injector=Injector(TAG, None), keep=0)
    came = b"".join(through(passage, body, step))
    decoder = CODERS[coding]()
    plain = decoder.decode(came, last=False) + decoder.decode(b"", last=True)
    assert plain == PLAIN.replace(b"<head>", b"<head>" + TAG.encode())
    assert (passage.encoded, passage.decoded) == (len(body), len(PLAIN))


@pytest.mark.parametrize("coding", sorted(CODERS))
def test_what_has_come_of_a_document_is_shown_at_once(coding: str) -> None:
    coder = CODERS[coding]()
    first = coder.encode(PLAIN[:2000], last=False)
    passage = Passage(coding, injector=Injector(TAG, None), keep=0)
    shown = CODERS[coding]().decode(b"".join(passage(first)), last=False)
    assert shown.endswith(PLAIN[1000:2000])


def test_deflate_without_a_header_is_read_too() -> None:
    raw = zlib.compressobj(6, zlib.DEFLATED, -15)
    body = raw.compress(PLAIN) + raw.flush()
    passage = Passage("deflate", injector=None, keep=0)
    assert b"".join(through(passage, body, 100)) == body
    assert passage.decoded == len(PLAIN)


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd", "deflate"])
def test_a_body_that_is_not_in_its_coding_passes_as_it_came(coding: str) -> None:
    passage = Passage(coding, injector=Injector(TAG, None), keep=0)
    assert b"".join(through(passage, PLAIN, 500)) == PLAIN
    assert (passage.encoded, passage.decoded) == (len(PLAIN), None)


def test_a_coding_that_nobody_knows_passes_as_it_came() -> None:
    passage = Passage("x-own", injector=Injector(TAG, None), keep=0)
    assert not passage.can_inject
    assert b"".join(through(passage, PLAIN, 500)) == PLAIN
    assert passage.decoded is None


def test_events_of_a_stream_are_counted_however_they_are_cut() -> None:
    body = b"data: 1\n\nevent: x\ndata: 2\r\n\r\n: a comment\n\n"
    for step in (1, 2, 3, 100):
        passage = Passage("", injector=None, keep=0)
        passage.counts_events = True
        assert b"".join(through(passage, body, step)) == body
        assert passage.events == 3, step


def test_what_is_kept_has_an_end() -> None:
    passage = Passage("gzip", injector=None, keep=1000)
    through(passage, coded("gzip", PLAIN), 64)
    assert passage.text == PLAIN[:1000]
    assert not passage.is_whole
    whole = Passage("", injector=None, keep=10**6)
    through(whole, PLAIN, 999)
    assert whole.text == PLAIN
    assert whole.is_whole


def test_savings_are_what_the_codings_give() -> None:
    found = savings(PLAIN)
    assert found == {
        "gzipSize": len(gzip.compress(PLAIN, 6)),
        "brotliSize": len(brotli.compress(PLAIN, quality=5)),
    }


def test_a_proxy_is_busy_while_more_than_a_page_passes() -> None:
    pace = Pace(10.0)
    assert not pace.is_busy(50, 10.5)
    assert pace.is_busy(101, 11.0)
    # What passed before the last look is past.
    assert not pace.is_busy(101, 11.5)
    assert pace.is_busy(302, 13.5)
    assert not pace.is_busy(502, 15.5)
    # A look that comes at once says nothing of a second.
    assert not pace.is_busy(552, 15.5)
    assert pace.is_busy(603, 15.5)


# --- policies -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "opened", "nonce", "added"),
    [
        ("img-src *", "img-src *", None, None),
        ("default-src 'self'", "default-src 'self'", None, None),
        ("script-src 'nonce-abc='", "script-src 'nonce-abc='", "abc=", None),
        (
            "script-src https://cdn.test; connect-src 'self'",
            f"script-src https://cdn.test {ORIGIN}/__perftui/; connect-src 'self'",
            None,
            f"script-src {ORIGIN}/__perftui/",
        ),
        (
            "default-src 'none'",
            f"default-src 'none'; script-src {ORIGIN}/__perftui/; connect-src {ORIGIN}/__perftui/",
            None,
            f"script-src {ORIGIN}/__perftui/, connect-src {ORIGIN}/__perftui/",
        ),
    ],
)
def test_a_policy_is_changed_by_the_least(
    policy: str, opened: str, nonce: str | None, added: str | None
) -> None:
    assert open_policy(policy, ORIGIN) == (opened, nonce, added)
    again, _, more = open_policy(opened, ORIGIN)
    assert (again, more) == (opened, None) or "__perftui" in opened


@pytest.mark.parametrize(
    ("policy", "sandboxed"),
    [
        ("sandbox", True),
        ("default-src 'self'; SANDBOX allow-scripts", True),
        ("sandbox allow-scripts allow-same-origin", False),
        ("script-src 'self'", False),
        ("", False),
    ],
)
def test_a_page_without_an_origin_can_send_nothing(policy: str, sandboxed: bool) -> None:
    assert is_sandboxed(policy) is sandboxed


# --- origins ------------------------------------------------------------------------------------

NAMES = Origins("http://127.0.0.1:8080", "https://app.test")


def test_an_app_hears_its_own_name() -> None:
    request = mitm_http.Request.make("POST", "https://app.test/x")
    request.headers.update(
        {"host": "127.0.0.1:8080", "origin": NAMES.page, "referer": f"{NAMES.page}/y?z"}
    )
    NAMES.to_app(request)
    assert request.headers["host"] == "app.test"
    assert request.headers["origin"] == "https://app.test"
    assert request.headers["referer"] == "https://app.test/y?z"


@pytest.mark.parametrize(
    ("location", "rewritten"),
    [
        ("https://app.test/login?next=/", "http://127.0.0.1:8080/login?next=/"),
        ("https://app.test", "http://127.0.0.1:8080"),
        ("https://app.test.evil.test/", "https://app.test.evil.test/"),
        ("/relative", "/relative"),
        ("https://other.test/", "https://other.test/"),
    ],
)
def test_redirects_of_an_app_stay_with_the_proxy(location: str, rewritten: str) -> None:
    response = mitm_http.Response.make(302, headers={"Location": location})
    NAMES.to_page(response)
    assert response.headers["location"] == rewritten


def test_cookies_for_the_domain_of_an_app_are_for_the_proxys() -> None:
    response = mitm_http.Response.make(200)
    response.headers.set_all("set-cookie", ["a=1; Domain=app.test; Path=/", "b=2; Secure"])
    NAMES.to_page(response)
    assert response.headers.get_all("set-cookie") == ["a=1; Path=/", "b=2; Secure"]


@pytest.mark.parametrize(
    ("headers", "is_of_another"),
    [
        ({}, False),
        ({"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Dest": "image"}, False),
        ({"Sec-Fetch-Site": "none", "Sec-Fetch-Dest": "document"}, False),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "image"}, True),
        ({"Sec-Fetch-Site": "same-site", "Sec-Fetch-Dest": "iframe"}, True),
        # Whoever follows a link has left the page that it was on.
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "document"}, False),
        ({"Referer": "http://cdn.test/a/b"}, False),
        ({"Referer": "https://cdn.test/a"}, True),
        ({"Origin": "http://app.test", "Referer": "http://cdn.test/"}, True),
        ({"Origin": "null"}, True),
    ],
)
def test_who_asks_is_known_by_what_browsers_tell(
    headers: dict[str, str], is_of_another: bool
) -> None:
    flow = tflow.tflow()
    flow.request = mitm_http.Request.make(
        "GET",
        "http://cdn.test/x",
        headers=mitm_http.Headers(
            [(name.encode(), value.encode()) for name, value in headers.items()]
        ),
    )
    assert is_asked_by_another_origin(flow) is is_of_another


HEADERS = st.lists(
    st.tuples(
        st.sampled_from([b"Content-Type", b"content-type", b"X-1", b"ETag", b"\xe9"]) | st.binary(),
        st.binary() | st.just(b"v" * (LONGEST_HEADER + 1)),
    )
)


@given(HEADERS, HEADERS)
def test_an_entry_is_the_same_as_an_object_and_as_text(
    asked: list[tuple[bytes, bytes]], told: list[tuple[bytes, bytes]]
) -> None:
    flow = tflow.tflow(resp=True)
    assert flow.response is not None
    flow.request.headers = mitm_http.Headers(asked)
    flow.response.headers = mitm_http.Headers(told)
    entry = entry_of(flow, flow.request.timestamp_start)
    assert json.loads(encoded_entry_of(flow, flow.request.timestamp_start)) == entry
    assert [one["name"].encode("utf-8", "replace") for one in entry["requestHeaders"]] == [
        name.decode("utf-8", "replace").encode() for name, _ in asked
    ]
    assert all(len(one["value"]) <= LONGEST_HEADER for one in entry["responseHeaders"])


def test_a_flow_without_a_response_is_told_as_text_too() -> None:
    flow = tflow.tflow(err=True)
    entry = json.loads(encoded_entry_of(flow, flow.request.timestamp_start))
    assert entry == entry_of(flow, flow.request.timestamp_start)
    assert entry["error"]
    assert "responseHeaders" not in entry
