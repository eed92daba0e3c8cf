"""Keys from ``perftui.toml``: in force in the app, its footer and its help; what cannot be meant is
said before the app begins."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from perftui.app import PerftuiApp
from perftui.errors import SettingsError
from perftui.screens.key_map import LISTS, key_map
from perftui.screens.registry import SCREENS
from perftui.widgets.row_list import RowList
from perftui.widgets.styled_lines import StyledLines
from tests.screens.conftest import MakeApp, opened
from tests.screens.sample_store import OTHER, SESSION
from tests.widgets.terminal import Terminal


def test_a_settings_file_gives_keys(sample_store: Path, tmp_path: Path) -> None:
    (tmp_path / "perftui.toml").write_text(
        '[app.keys]\n"replay.bad" = "z,f5"\n"waterfall.sort" = "S"\n"app.help" = "f1"\n'
    )
    arguments = ["--db", str(sample_store), "replay", SESSION]
    with Terminal(arguments, folder=tmp_path) as terminal:
        terminal.wait_for("z/E bad")
        terminal.wait_for("f1 help")
        terminal.press("e")  # means nothing any more
        terminal.press("z")
        terminal.wait_for("▲ POST /api/cart/price")
        terminal.press("\x1bOP")  # F1
        terminal.wait_for("z/f5 ")
        terminal.wait_for(lambda: "Next bad row" in terminal.text)
        terminal.press("q")
        terminal.wait_for("REPLAY")
        terminal.press("w")
        terminal.wait_for("S sort")
        terminal.press("S")
        terminal.wait_for("by duration")
        terminal.press("q")
        terminal.wait_for("REPLAY")
        terminal.press("q")
        assert terminal.wait_for_end() == 0


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('"replay.plya" = "p"', "no binding 'replay.plya'; did you mean replay.play?"),
        ('"zzz" = "p"', "no binding 'zzz': `?` and docs/app.md list them"),
        ('"replay.play" = "hyperspace"', "replay.play: there is no key 'hyperspace'"),
        ('"replay.play" = ""', "replay.play: there is no key ''"),
        ('"replay.play" = "meta+x"', "replay.play: there is no key 'meta+x'"),
        ('"replay.play" = "ctrl+q"', "replay.play: ctrl+q always"),
        ('"replay.play" = "w"', "replay.play: the key w is that of replay.waterfall"),
        ('"list.down" = "n"', "list.down: the key n is that of replay.moment"),
        ('"app.help" = "slash"', "app.help: the key / is that of sessions.search"),
        ('"detail.raw" = "1"', "detail.raw: the key 1 is that of detail.timing"),
    ],
)
def test_what_cannot_be_meant_is_told_before_the_app_begins(
    sample_store: Path, tmp_path: Path, line: str, words: str
) -> None:
    (tmp_path / "perftui.toml").write_text(f"[app.keys]\n{line}\n")
    with Terminal(["--db", str(sample_store), "replay", SESSION], folder=tmp_path) as terminal:
        assert terminal.wait_for_end() == 2
        terminal.read_all()
        told = " ".join(terminal.text.split())
        assert told.startswith("perftui: perftui.toml: [app.keys]: ")
        assert words in told


def test_a_theme_that_does_not_exist_is_told(sample_store: Path, tmp_path: Path) -> None:
    (tmp_path / "perftui.toml").write_text('[app]\ntheme = "sepia"\n')
    with Terminal(["--db", str(sample_store), "replay", SESSION], folder=tmp_path) as terminal:
        assert terminal.wait_for_end() == 2
        terminal.read_all()
        told = " ".join(terminal.text.split())
        assert "[app] theme: there is no theme 'sepia'; there are" in told
        assert "perftui-light" in told


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        # Two actions may change places.
        ({"replay.bad": "n", "replay.moment": "e"}, None),
        # A key that is given away is free.
        ({"replay.bad": "f8", "replay.play": "e"}, None),
        # The keys of other screens are of no concern.
        ({"sessions.pin": "s"}, None),
        ({"list.page-down": "pgdn, ctrl+e"}, {"list.page-down": "pagedown,ctrl+e"}),
        ({"waterfall.in": "+,*"}, {"waterfall.in": "plus,asterisk"}),
        ({"replay.step-back": ","}, {"replay.step-back": "comma"}),
        (
            {"replay.back": "←,H", "app.back": "esc"},
            {"replay.back": "left,H", "app.back": "escape"},
        ),
    ],
)
def test_keys_are_taken(keys: dict[str, str], expected: dict[str, str] | None) -> None:
    assert key_map(keys, PerftuiApp) == (keys if expected is None else expected)


@pytest.mark.parametrize("key", ["Ctrl+x", "alt+", "a+b", "f99", " "])
def test_what_is_no_key(key: str) -> None:
    with pytest.raises(SettingsError, match="no key"):
        key_map({"replay.play": key}, PerftuiApp)


SUBJECTS: dict[str, dict[str, Any]] = {
    "sessions": {},
    "replay": {"session_id": SESSION},
    "waterfall": {"session_id": SESSION},
    "insights": {"session_id": SESSION},
    "compare": {"session_id": SESSION, "other_session_id": OTHER},
    "overlay": {"session_ids": (SESSION, OTHER)},
    "request": {"session_id": SESSION, "seq": 2},
    "help": {},
}


@pytest.mark.parametrize("name", [spec.name for spec in SCREENS])
async def test_each_screen_has_the_keys_that_are_checked(make_app: MakeApp, name: str) -> None:
    app = make_app(name, **SUBJECTS[name])
    async with opened(app):
        assert isinstance(app.focused, RowList if name in LISTS else StyledLines)
        assert bool(app.screen.query(RowList)) == (name in LISTS)
