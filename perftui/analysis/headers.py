"""The headers of a request, in whatever form its source tells them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from perftui.model import JSON


def headers(extra: Mapping[str, JSON], which: str) -> list[tuple[str, str]]:
    """The ``request`` or ``response`` headers that a source told: from ``requestHeaders`` and
    ``responseHeaders``, which may be an object, a list of pairs, or HAR's list of name and value.
    """
    told = extra.get(f"{which}Headers")
    found: list[tuple[str, str]] = []
    if isinstance(told, dict):
        pairs: Sequence[Any] = list(told.items())
    elif isinstance(told, list):
        pairs = told
    else:
        return found
    for pair in pairs:
        if isinstance(pair, dict):
            name, value = pair.get("name"), pair.get("value")
        elif isinstance(pair, list | tuple) and len(pair) == 2:
            name, value = pair
        else:
            continue
        if isinstance(name, str) and isinstance(value, str):
            found.append((name, value))
    return found
