"""The app ends where its terminal goes."""

from __future__ import annotations

import os
import pty
from pathlib import Path

from perftui.widgets.hang_up import has_hung_up
from tests.widgets.terminal import Terminal


def test_a_terminal_has_hung_up_once_its_other_end_is_closed() -> None:
    ours, theirs = pty.openpty()
    try:
        assert not has_hung_up(theirs)
        os.close(ours)
        assert has_hung_up(theirs)
    finally:
        os.close(theirs)


def test_an_app_whose_terminal_has_gone_ends(tmp_path: Path) -> None:
    with Terminal(["--db", str(tmp_path / "none.db"), "demo"]) as terminal:
        terminal.wait_for("LIVE")
        terminal.hang_up()
        assert terminal.wait_for_end() == 0
