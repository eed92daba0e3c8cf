"""The keys that are in force on a screen, as rows for the help and the docs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from textual.screen import Screen

GROUPS: tuple[tuple[str, str], ...] = (
    ("sessions", "sessions"),
    ("replay", "replay and live"),
    ("waterfall", "waterfall"),
    ("insights", "insights"),
    ("compare", "compare"),
    ("overlay", "overlay"),
    ("request", "request"),
    ("detail", "detail pane"),
    ("filter", "filter"),
    ("list", "lists"),
    ("text", "text"),
    ("app", "everywhere"),
)
"""First part of the binding IDs, and what the group is called; in the order of the help."""


@dataclass(frozen=True, slots=True)
class KeyRow:
    """One binding.

    Attributes:
        group: first part of its ID.
        keys: as shown, such as ``j/↓``.
        description: a few words.
        id: what the key map of the settings calls it.
    """

    group: str
    keys: str
    description: str
    id: str


def key_rows(screen: Screen[Any]) -> list[KeyRow]:
    """The bindings of a screen, of its widgets and of the app, each once."""
    app = screen.app
    keys: dict[str, list[str]] = {}
    words: dict[str, str] = {}
    taken: set[str] = set()
    for node in [screen, *screen.query("*"), app]:
        bindings = node._bindings.copy()
        bindings.apply_keymap(app._keymap)
        if node is screen:
            taken = set(bindings.key_to_bindings)
        for key, bound in bindings.key_to_bindings.items():
            if node is app and key in taken:
                # The screen comes first: ``q`` closes it, and does not quit.
                continue
            for binding in bound:
                if binding.id and "." in binding.id:
                    shown = keys.setdefault(binding.id, [])
                    display = app.get_key_display(binding)
                    if display not in shown:
                        shown.append(display)
                    words.setdefault(binding.id, binding.description)
    rows = [
        KeyRow(name.partition(".")[0], "/".join(shown), words[name], name)
        for name, shown in keys.items()
    ]
    return list(_folded(rows))


_FAMILIES = {"replay.to-": "To a tenth of the session", "detail.": "Tab of the detail pane"}
"""First part of the IDs of bindings that are one thing to a person, such as ``0`` to ``9``."""


def _folded(rows: list[KeyRow]) -> Iterable[KeyRow]:
    """The rows with each family as one."""
    for row in rows:
        family = next((start for start in _FAMILIES if row.id.startswith(start)), None)
        if family is None:
            yield row
            continue
        members = [one for one in rows if one.id.startswith(family)]
        if row is members[0]:
            keys = f"{members[0].keys} to {members[-1].keys}"
            yield KeyRow(row.group, keys, _FAMILIES[family], f"{family}*")
