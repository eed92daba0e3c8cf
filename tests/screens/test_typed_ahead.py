"""Keys that come faster than screens: typed ahead of one that is being made, or behind one that goes. In a real pty, where keys arrive together; a fault ends the app with its traceback."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.screens.sample_store import SESSION
from tests.widgets.terminal import Terminal

KEYS = (
    *"jkw]e?iGgyx15abctspnmf,.<>0",
    "\x1b",
    "\r",
    "\t",
    "\x1b[C",
    "\x1b[D",
    "/is:slow\r",
    "\x1b\x1b\x1b",
)


def bursts(seed: int, count: int) -> list[str]:
    """Some keys at once, again and again; the same ones for the same seed."""
    chance = random.Random(seed)
    return ["".join(chance.choices(KEYS, k=chance.randint(2, 8))) for _ in range(count)]


@pytest.mark.parametrize("seed", range(3))
def test_a_storm_of_keys_is_survived(sample_store: Path, tmp_path: Path, seed: int) -> None:
    # Exports go into the folder that the app was started in.
    arguments = ["--db", str(sample_store), "replay", SESSION]
    with Terminal(arguments, folder=tmp_path) as terminal:
        terminal.wait_for("REPLAY")
        for keys in bursts(seed, 15):
            terminal.press(keys)
            terminal.read(0.1)
        # Screens, panes and inputs that may be open are closed; then it can still be ended.
        for _ in range(10):
            terminal.press("\x1b")
            terminal.wait_until_calm()
            terminal.press("q")
            terminal.wait_until_calm()
            if terminal.has_ended:
                break
        assert b"Traceback" not in terminal.output
        assert terminal.wait_for_end() == 0, terminal.text


@pytest.mark.parametrize("keys", ["iq", "wq", "?q", "qi", "qw?i", "y\x1bq", "yyrr", "w\x1b\x1b"])
def test_keys_typed_ahead_of_a_screen_are_no_fault(sample_store: Path, keys: str) -> None:
    with Terminal(["--db", str(sample_store), "replay", SESSION]) as terminal:
        terminal.wait_for("REPLAY")
        terminal.press(keys)
        terminal.wait_until_calm()
        assert b"Traceback" not in terminal.output, terminal.text
