"""A request in the forms that other tools take: a URL, a curl command, a fetch call.

What was redacted before it was stored is redacted here too. The texts come from outside: whoever
writes one to a terminal sanitises it first; a clipboard or a file takes it as it is.
"""

from __future__ import annotations

import shlex

import msgspec

from perftui.analysis.request_detail import header_groups
from perftui.model import Entry

_NOT_FOR_CURL = frozenset({"content-length", "host", "connection", "accept-encoding"})
"""Headers that the tool sets itself; repeated they would be wrong or turn compression off."""


def request_headers(entry: Entry) -> list[tuple[str, str]]:
    """The request headers that a source told, without the pseudo-headers of HTTP/2."""
    for title, facts in header_groups(entry):
        if title == "request headers":
            return [
                (fact.label, fact.value or "") for fact in facts if not fact.label.startswith(":")
            ]
    return []


def request_body(entry: Entry) -> str | None:
    """The request body, where a source told it."""
    for key in ("requestBody", "postData"):
        told = entry.extra.get(key)
        if isinstance(told, dict):
            told = told.get("text")
        if isinstance(told, str) and told:
            return told
    return None


def as_url(entry: Entry) -> str:
    """The URL."""
    return entry.name


def as_curl(entry: Entry) -> str:
    """A curl command for a POSIX shell, on one line: every word is quoted where it must be, and a
    line break within a quoted word stays one."""
    words = ["curl", entry.name]
    body = request_body(entry)
    method = entry.method or "GET"
    if method != ("POST" if body is not None else "GET"):
        words += ["-X", method]
    for name, value in request_headers(entry):
        if name.lower() not in _NOT_FOR_CURL:
            words += ["-H", f"{name}: {value}"]
    if body is not None:
        words += ["--data-raw", body]
    words.append("--compressed")
    return " ".join([shlex.quote(word) for word in words])


def as_fetch(entry: Entry) -> str:
    """A call of ``fetch`` in JavaScript."""
    options: dict[str, object] = {"method": entry.method or "GET"}
    if headers := dict(request_headers(entry)):
        options["headers"] = headers
    body = request_body(entry)
    if body is not None:
        options["body"] = body
    url = msgspec.json.encode(entry.name).decode()
    shown = msgspec.json.format(msgspec.json.encode(options), indent=2).decode()
    return f"fetch({url}, {shown});"
