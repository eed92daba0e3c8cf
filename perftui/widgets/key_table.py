"""The keys that are in force on a screen, as rows for the help and the docs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from textual.screen import Screen

GROUPS: tuple[tuple[str, str], ...] = (
    ("sessions", "sessions"),
    ("replay", "replay and live"),
    ("waterfall", "waterfall"),
    ("insights", "insights"),
    ("compare", "compare"),
    ("request", "request"),
    ("detail", "detail pane"),
    ("filter", "filter line"),
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
    for node in [screen, *screen.query("*"), app]:
        bindings = node._bindings.copy()
        bindings.apply_keymap(app._keymap)
        for bound in bindings.key_to_bindings.values():
            for binding in bound:
                if binding.id and "." in binding.id:
                    shown = keys.setdefault(binding.id, [])
                    display = app.get_key_display(binding)
                    if display not in shown:
                        shown.append(display)
                    words.setdefault(binding.id, binding.description)
    return [
        KeyRow(name.partition(".")[0], "/".join(shown), words[name], name)
        for name, shown in keys.items()
    ]
