"""What filters ask that SQL has no words for: functions that a store registers on its connection."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache

from perftui.analysis.headers import headers
from perftui.analysis.resource_type import extension_of, type_by
from perftui.model import JSON

_LOWER = str.maketrans({code: chr(code + 32) for code in range(ord("A"), ord("Z") + 1)})


def lower(text: str) -> str:
    """ASCII letters in lower case, as SQLite's ``lower``."""
    return text.translate(_LOWER)


@lru_cache(maxsize=256)
def compile_pattern(pattern: str) -> re.Pattern[str]:
    """A regular expression as filters read it: in any case of letters.

    Raises:
        re.error: it is not one.
    """
    return re.compile(pattern, re.IGNORECASE)


def regexp(pattern: str, text: str | None) -> int | None:
    """``perftui_regexp(pattern, text)`` in SQL."""
    if text is None:
        return None
    return int(compile_pattern(pattern).search(text) is not None)


def extra_test(name: str, argument: str, extra: str | None) -> int | None:
    """``perftui_extra(name, argument, extra)`` in SQL."""
    import msgspec

    if extra is None:
        return None
    return int(EXTRA_TESTS[name](msgspec.json.decode(extra), argument))


def has_type(
    kinds: str,
    entry_type: str,
    initiator_type: str | None,
    content_type: str | None,
    url: str | None,
) -> int:
    """``perftui_has_type(kinds, …)`` in SQL: whether a request is of one of some kinds."""
    # No :class:`Entry` is made: this is called for each slow request of a session.
    kind = type_by(entry_type, initiator_type, content_type, extension_of(url or ""))
    return int(kind.value in kinds.split())


SQL_FUNCTIONS: tuple[tuple[str, int, Callable[..., int | None]], ...] = (
    ("perftui_regexp", 2, regexp),
    ("perftui_extra", 3, extra_test),
    ("perftui_has_type", 5, has_type),
)
"""Name, number of arguments and function of what a store must register on a connection before it
runs a filter. All are deterministic."""


def _has_header(which: str) -> Callable[[Mapping[str, JSON], str], bool]:
    def test(extra: Mapping[str, JSON], argument: str) -> bool:
        name, _, part = lower(argument).partition("=")
        return any(
            lower(known) == name and part in lower(value) for known, value in headers(extra, which)
        )

    return test


def _set_cookie(what: str) -> Callable[[Mapping[str, JSON], str], bool]:
    def test(extra: Mapping[str, JSON], argument: str) -> bool:
        wanted = lower(argument)
        for name, value in headers(extra, "response"):
            if lower(name) != "set-cookie":
                continue
            for cookie in value.split("\n"):
                first, *attributes = cookie.split(";")
                key, _, content = first.partition("=")
                if what == "name" and lower(key.strip()) == wanted:
                    return True
                if what == "value" and lower(content.strip()) == wanted:
                    return True
                if what == "domain" and any(
                    lower(attribute.strip()) in {f"domain={wanted}", f"domain=.{wanted}"}
                    for attribute in attributes
                ):
                    return True
        return False

    return test


def _cookie(what: str) -> Callable[[Mapping[str, JSON], str], bool]:
    def test(extra: Mapping[str, JSON], argument: str) -> bool:
        wanted = lower(argument)
        for name, value in headers(extra, "request"):
            if lower(name) != "cookie":
                continue
            for cookie in value.split(";"):
                key, _, content = cookie.partition("=")
                if lower((key if what == "name" else content).strip()) == wanted:
                    return True
        return False

    return test


def _field_text(*names: str) -> Callable[[Mapping[str, JSON], str], bool]:
    def test(extra: Mapping[str, JSON], argument: str) -> bool:
        wanted = lower(argument)
        return any(
            isinstance(value := extra.get(name), str) and lower(value) == wanted for name in names
        )

    return test


def _field_contains(*names: str) -> Callable[[Mapping[str, JSON], str], bool]:
    def test(extra: Mapping[str, JSON], argument: str) -> bool:
        wanted = lower(argument)
        return any(
            isinstance(value := extra.get(name), str) and wanted in lower(value) for name in names
        )

    return test


EXTRA_TESTS: dict[str, Callable[[Mapping[str, JSON], str], bool]] = {
    "response-header": _has_header("response"),
    "request-header": _has_header("request"),
    "set-cookie-name": _set_cookie("name"),
    "set-cookie-value": _set_cookie("value"),
    "set-cookie-domain": _set_cookie("domain"),
    "cookie-name": _cookie("name"),
    "cookie-value": _cookie("value"),
    "priority": _field_text("priority", "_priority"),
    "remote-address": _field_contains("serverIPAddress", "remoteAddress"),
    "error": lambda extra, argument: isinstance(told := extra.get("error"), str) and bool(told),
    "level": _field_text("level"),
    "text": _field_contains("message", "selector", "url", "source"),
}
"""Tests of ``extra`` by name; the argument is what the filter's value says."""
