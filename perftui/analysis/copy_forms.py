"""A request in the forms that other tools take: a URL, a curl command, a fetch call.

What was redacted before it was stored is redacted here too. The texts come from outside: whoever
writes one to a terminal sanitises it first; a clipboard or a file takes it as it is.
"""

from __future__ import annotations

import re
import shlex

import msgspec

from perftui.analysis.request_detail import header_groups
from perftui.model import Entry

_NOT_FOR_CURL = frozenset({"content-length", "host", "connection", "accept-encoding"})
"""Headers that the tool sets itself; repeated they would be wrong or turn compression off."""


_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
"""A token (RFC 9110, 5.6.2). Anything else is no header; curl would read a file for ``@name``."""

_CURL_GLOB = re.compile(r"[\[\]{}]")
"""What curl takes for a set or a range of URLs."""


def request_headers(entry: Entry) -> list[tuple[str, str]]:
    """The request headers that a source told, without the pseudo-headers of HTTP/2 and what is no
    header at all."""
    for title, facts in header_groups(entry):
        if title == "request headers":
            return [
                (fact.label, fact.value or "")
                for fact in facts
                if _HEADER_NAME.fullmatch(fact.label)
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


def request_method(entry: Entry) -> str:
    """The method; where no source told it (browsers do not), what the body makes likely."""
    return entry.method or ("GET" if request_body(entry) is None else "POST")


def as_curl(entry: Entry) -> str:
    """A curl command for a POSIX shell, on one line: every word is quoted where it must be, and a
    line break within a quoted word stays one. The URL is neither an option nor a pattern,
    whatever it holds."""
    url = entry.name
    words = ["curl", *(["--url"] if url.startswith("-") else []), url]
    if _CURL_GLOB.search(url):
        words.append("--globoff")
    body, method = request_body(entry), request_method(entry)
    if method == "HEAD":
        words.append("--head")
    elif method != ("POST" if body is not None else "GET"):
        words += ["-X", method]
    for name, value in request_headers(entry):
        if name.lower() not in _NOT_FOR_CURL:
            # Nothing behind the colon would leave the header out.
            words += ["-H", f"{name}: {value}" if value else f"{name};"]
    if body is not None:
        words += ["--data-raw", body]
    words.append("--compressed")
    return " ".join([shlex.quote(word) for word in words])


def as_fetch(entry: Entry) -> str:
    """A call of ``fetch`` in JavaScript."""
    options: dict[str, object] = {"method": request_method(entry)}
    headers: dict[str, str] = {}
    for name, value in request_headers(entry):
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    if headers:
        options["headers"] = headers
    body = request_body(entry)
    if body is not None:
        options["body"] = body
    url = msgspec.json.encode(entry.name).decode()
    shown = msgspec.json.format(msgspec.json.encode(options), indent=2).decode()
    return f"fetch({url}, {shown});"
