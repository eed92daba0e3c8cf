"""Nothing from outside reaches the terminal raw: each widget that shows such text, in a real pty."""

from __future__ import annotations

from pathlib import Path

import pytest

from perftui.screens.registry import SCREENS
from tests.widgets.hostile_store import FORBIDDEN, SESSION, make_store
from tests.widgets.terminal import Terminal


def check(terminal: Terminal, where: str) -> None:
    found = [piece for piece in FORBIDDEN if piece in terminal.output]
    assert not found, f"{where}: raw in the output: {found}\n{terminal.text}"
    # Two OSC sequences are the app's own: none may carry text of the session.
    assert b"evil.test\x07" not in terminal.output
    assert "Traceback" not in terminal.text


STEPS: tuple[tuple[str, str, str], ...] = (
    # what it is, keys (ESC is \x1b), what is to be seen then
    ("log, title, transport, overview", "", "REPLAY"),
    ("detail: timing", "e", "x1b"),
    ("detail: headers", "t", "request headers"),
    ("detail: server timing", "t", "x1b"),
    ("detail: initiator", "t", "initiator type"),
    ("detail: similar calls", "t", "endpoint"),
    ("detail: raw", "t", "entryType"),
    ("events", "Gkkk", "x1b"),
    ("moment", "5n", "in flight"),
    ("rows like this", "ng=", "domain:shop.test"),
    ("a filter with a mistake", "/[[[", "/"),
    ("filter closed", "\x1b", "REPLAY"),
    ("waterfall", "wjp", "waterfall"),
    ("baselines", "b", "hold this load"),
    ("the usual as baseline", "u", "against"),
    ("all loads", "a", "ALL"),
    ("waterfall closed", "\x1b", "REPLAY"),
    ("copy menu", "y", "copy as"),
    ("copy menu closed", "\x1b", "REPLAY"),
    ("request", "\r", "timing"),
    ("request, further down", "G", "}"),
    ("help", "q?", "replay and live"),
    ("palette", "\x1b\x10", "Search"),
    ("list of sessions", "\x1b\x1b\x1b", "errors"),
    ("search", "/zzz", "No session holds"),
    ("search closed", "\x1b", "errors"),
    ("notice", "d", "brings it back"),
)


@pytest.mark.parametrize("size", [(120, 40), (80, 24)], ids=["120x40", "80x24"])
def test_no_raw_text(tmp_path: Path, size: tuple[int, int]) -> None:
    store = make_store(tmp_path / "hostile.db")
    with Terminal(["--db", str(store), "replay", SESSION], size) as terminal:
        terminal.wait_for("REPLAY")
        terminal.wait_until_calm()
        for name, keys, seen in STEPS:
            for key in keys:
                terminal.press(key)
                terminal.wait_until_calm()
            if name == "list of sessions":
                # However many layers were open.
                while seen not in terminal.text:
                    terminal.press("\x1b")
                    terminal.wait_until_calm()
            terminal.wait_for(seen)
            check(terminal, name)


JOURNEYS: dict[str, tuple[tuple[str, str, str], ...]] = {
    # screen -> what it is, keys, what is to be seen then; from a replay of the session
    "replay": (("replay", "", "REPLAY"),),
    "request": (("request", "\r", "protocol"), ("its end", "G", "}")),
    "waterfall": (
        ("waterfall", "w", "waterfall"),
        ("sorted, grouped, coloured", "sspptt", "x1b"),
        ("chain to the LCP", "c", "x1b"),
        ("baselines", "b", "x1b"),
        ("baselines closed", "\x1b", "waterfall"),
        ("copied", "y", "waterfall"),
    ),
    "insights": (
        ("insights", "i", "How quickly"),
        *((f"question {number}", f"{number}", "insights") for number in range(1, 10)),
        ("of all sessions", "1a", "insights"),
        ("its rows", "jjjj\r", "x1b"),
    ),
    "sessions": (("list of sessions", "\x1b\x1b", "activity"), ("renaming", "r", "x1b")),
    "compare": (
        ("list of sessions", "\x1b\x1b", "activity"),
        ("comparison", "mjmc", "What differs"),
        ("the other way round", "x", "What differs"),
        ("further down", "jjjjjjjj", "compare"),
    ),
    "overlay": (
        ("list of sessions", "\x1b\x1b", "activity"),
        ("sessions over each other", "mjmo", "median of all"),
        ("the next of them", "j", "median of all"),
    ),
    "help": (("help", "?", "replay and live"), ("its end", "G", "two words")),
}


def test_every_screen_is_driven_here() -> None:
    assert {screen.name for screen in SCREENS} == set(JOURNEYS)


@pytest.mark.parametrize("screen", JOURNEYS)
def test_no_raw_text_on_any_screen(tmp_path: Path, screen: str) -> None:
    store = make_store(tmp_path / "hostile.db")
    with Terminal(["--db", str(store), "replay", SESSION]) as terminal:
        terminal.wait_for("REPLAY")
        terminal.wait_until_calm()
        for name, keys, seen in JOURNEYS[screen]:
            for key in keys:
                terminal.press(key)
                terminal.wait_until_calm()
            terminal.wait_for(seen)
            check(terminal, name)


def test_the_check_finds_what_is_raw() -> None:
    """The rule itself: were the pieces written as they are, each would be found."""
    from tests.widgets.hostile_store import HOSTILE

    raw = HOSTILE.encode()
    missing = [piece for piece in FORBIDDEN if piece not in raw]
    assert not missing
