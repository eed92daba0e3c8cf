"""The key map of the settings: checked as a whole before the app begins, so that no key that a
person gives takes another one away unseen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from itertools import combinations

from textual.binding import Binding
from textual.dom import DOMNode
from textual.keys import KEY_NAME_REPLACEMENTS, Keys, _character_to_key, key_to_character
from textual.screen import Screen

from perftui.errors import SettingsError
from perftui.screens.registry import SCREENS
from perftui.widgets.detail_pane import DetailPane
from perftui.widgets.filter_line import FilterInput
from perftui.widgets.row_list import RowList
from perftui.widgets.styled_lines import StyledLines

LISTS = frozenset({"sessions", "replay", "waterfall", "overlay"})
"""Screens whose keys are pressed with a list in front; on the others it is a text."""

IN_FRONT: tuple[type[DOMNode], ...] = (DetailPane, FilterInput)
"""What takes keys before its screen does, but only while a person has turned to it."""

SHOWN_NAMES: Mapping[str, str] = {
    "esc": "escape",
    "pgup": "pageup",
    "pgdn": "pagedown",
    "←": "left",
    "→": "right",
    "↑": "up",
    "↓": "down",
}
"""Names of keys as the app shows them, where its framework calls them something else."""

TAKEN = frozenset({"ctrl+p", "ctrl+q"})
"""The command palette, and the framework's own key to quit: no action can have them."""

_NAMED = (
    {key.value for key in Keys}
    | set(KEY_NAME_REPLACEMENTS.values())
    | {"space", "enter", "tab", "backspace"}
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where keys work together: of two actions with the same key only one is done there.

    Attributes:
        words: what it is called in a message.
        keys: keys by binding ID.
    """

    words: str
    keys: Mapping[str, tuple[str, ...]]


def key_map(keys: Mapping[str, str], app: type[DOMNode]) -> dict[str, str]:
    """The map in the framework's names of keys.

    Args:
        keys: of the settings: comma-separated keys by binding ID.
        app: the class of the app, whose own keys work on every screen.

    Raises:
        SettingsError: an ID or a key does not exist, or two actions would have the same key in one
            place. Of several faults the first; :func:`read_key_map` tells all.
    """
    found, faults = read_key_map(keys, app)
    for fault in faults:
        raise fault
    return found


def read_key_map(
    keys: Mapping[str, str], app: type[DOMNode]
) -> tuple[dict[str, str], list[SettingsError]]:
    """:func:`key_map` of what is right, and all that is wrong, which raises nothing here."""
    if not keys:
        return {}, []
    places = tuple(_places(app))
    known = sorted({name for place in places for name in place.keys})
    found: dict[str, tuple[str, ...]] = {}
    faults: list[SettingsError] = []
    for name, text in keys.items():
        try:
            if name not in known:
                raise _no_binding(name, known)
            found[name] = tuple(_key(name, part) for part in _parts(text))
        except SettingsError as fault:
            faults.append(fault)
    faults += [clash for place in places for clash in _clashes(place, found)]
    return {name: ",".join(told) for name, told in found.items()}, faults


def _no_binding(name: str, known: Sequence[str]) -> SettingsError:
    close = get_close_matches(name, known, 1)
    hint = f"; did you mean {close[0]}?" if close else ": `?` and docs/app.md list them"
    return SettingsError(f"[app.keys]: there is no binding {name!r}{hint}")


def _parts(text: str) -> list[str]:
    """The keys of a comma-separated list; a comma alone is the key."""
    return [text] if text.strip() == "," else text.split(",")


def _key(name: str, text: str) -> str:
    """The framework's name of one key."""
    modifiers, _, last = text.strip().rpartition("+")
    if text.strip() == "+" or modifiers.endswith("+"):  # the key + itself
        modifiers, last = modifiers.removesuffix("+"), "+"
    last = SHOWN_NAMES.get(last, last)
    if len(last) == 1:
        last = _character_to_key(last)
    parts = modifiers.split("+") if modifiers else []
    known = last in _NAMED or key_to_character(last) is not None
    if not known or not set(parts) <= {"ctrl", "shift", "alt"}:
        raise SettingsError(
            f"[app.keys]: {name}: there is no key {text.strip()!r};"
            " keys are written as x, X, ?, space, enter, f5, ctrl+x, shift+left"
        )
    key = "+".join([*parts, last])
    if key in TAKEN:
        raise SettingsError(f"[app.keys]: {name}: {key} always opens the palette or quits")
    return key


def _clashes(place: Place, changed: Mapping[str, tuple[str, ...]]) -> Iterator[SettingsError]:
    for one, other in combinations(place.keys, 2):
        if one not in changed and other not in changed:
            continue
        before = set(place.keys[one]) & set(place.keys[other])
        after = set(changed.get(one, place.keys[one])) & set(changed.get(other, place.keys[other]))
        # Some share a key by design: ``q`` closes a screen, and quits where there is none to close.
        for key in sorted(after - before):
            mapped, taken = (one, other) if one in changed else (other, one)
            yield SettingsError(
                f"[app.keys]: {mapped}: the key {_shown(key)} is that of {taken} in {place.words};"
                " give one of the two another key"
            )


def _shown(key: str) -> str:
    """The character of a key where it has one: ``/`` for ``slash``."""
    names = (key, *(long for long, short in KEY_NAME_REPLACEMENTS.items() if short == key))
    return next((one for name in names if (one := key_to_character(name))), key)


def _places(app: type[DOMNode]) -> Iterator[Place]:
    """Every screen with what has its keys by default; and what may come before a screen."""
    for spec in SCREENS:
        module, attribute = spec.target.split(":")
        screen: type[Screen[object]] = getattr(import_module(module), attribute)
        body = RowList if spec.name in LISTS else StyledLines
        owners = [*_owners(screen), *_owners(body), *_owners(app)]
        yield Place(f"the screen {spec.title!r}", _keys(owners))
    for widget in IN_FRONT:
        words = "the detail pane" if widget is DetailPane else "the filter line"
        yield Place(words, _keys(_owners(widget)))


def _owners(kind: type[DOMNode]) -> list[type[object]]:
    """The class and what it is made of, as far as it is ours."""
    return [one for one in kind.__mro__ if one.__module__.partition(".")[0] != "textual"]


def _keys(owners: list[type[object]]) -> dict[str, tuple[str, ...]]:
    return {
        binding.id: tuple(binding.key.split(","))
        for owner in owners
        for binding in owner.__dict__.get("BINDINGS", ())
        if isinstance(binding, Binding) and binding.id
    }
