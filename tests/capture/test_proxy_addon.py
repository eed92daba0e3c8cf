"""The addon's pure parts: where the SDK goes in a document, and what a policy needs."""

from __future__ import annotations

import pytest

pytest.importorskip("mitmproxy")

from perftui.capture.proxy_addon import inject, open_policy, script_tag

TAG = script_tag(None)
ORIGIN = "http://127.0.0.1:8080"


@pytest.mark.parametrize(
    ("body", "before"),
    [
        (b"<!doctype html><html><head><title>x</title></head>", b"<!doctype html><html><head>"),
        (b'<HTML><HEAD lang="en"><title>', b'<HTML><HEAD lang="en">'),
        (b"<!-- <head> --><head><title>", b"<!-- <head> --><head>"),
        (b"<html lang=de><body>", b"<html lang=de>"),
        (b"<!doctype html><p>no head", b"<!doctype html>"),
        (b"<p>a bare piece", b""),
        (b"\xef\xbb\xbf<p>with a mark", b"\xef\xbb\xbf"),
        (b"<header>not a head</header><head>", b"<header>not a head</header><head>"),
        ("<head><title>Ünï".encode("latin-1"), b"<head>"),
        (b"", b""),
    ],
)
def test_the_tag_comes_right_after_the_head(body: bytes, before: bytes) -> None:
    assert inject(body, TAG, "latin-1") == before + TAG.encode() + body[len(before) :]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16", "utf-32-be"])
def test_wide_encodings(encoding: str) -> None:
    found = inject("<head><title>€".encode(encoding), TAG, encoding).decode(encoding)
    assert found == f"<head>{TAG}<title>€"


def test_never_twice() -> None:
    once = inject(b"<head></head>", TAG, None)
    assert inject(once, TAG, None) == once


@pytest.mark.parametrize(
    ("policy", "opened", "nonce", "added"),
    [
        ("img-src *", "img-src *", None, None),
        ("default-src 'self'", "default-src 'self'", None, None),
        ("script-src 'nonce-abc='", "script-src 'nonce-abc='", "abc=", None),
        (
            "script-src https://cdn.test; connect-src 'self'",
            f"script-src https://cdn.test {ORIGIN}/__perftui/perftui.js; connect-src 'self'",
            None,
            f"script-src {ORIGIN}/__perftui/perftui.js",
        ),
        (
            "default-src 'none'",
            f"default-src 'none'; script-src {ORIGIN}/__perftui/perftui.js;"
            f" connect-src {ORIGIN}/__perftui/batch",
            None,
            f"script-src {ORIGIN}/__perftui/perftui.js, connect-src {ORIGIN}/__perftui/batch",
        ),
    ],
)
def test_a_policy_is_changed_by_the_least(
    policy: str, opened: str, nonce: str | None, added: str | None
) -> None:
    assert open_policy(policy, ORIGIN) == (opened, nonce, added)
    again, _, more = open_policy(opened, ORIGIN)
    assert (again, more) == (opened, None) or "__perftui" in opened
