"""A walk through the app in a real pty, on the recorded demo: no torn row, no traceback, no raw
escape on any frame."""

from __future__ import annotations

from pathlib import Path

import pytest
from wcwidth import wcswidth

from perftui.commands.context import Context
from perftui.commands.demo import recorded_batches
from perftui.commands.importing import import_batches
from perftui.config import Settings
from tests.widgets.terminal import Terminal


@pytest.fixture(scope="module")
def demo_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The recorded demo session, imported."""
    path = tmp_path_factory.mktemp("demo") / "demo.db"
    context = Context(Settings(), path, True)
    with context.open_writer() as writer:
        import_batches(writer, recorded_batches(), context.settings)
    return path


WALK: tuple[tuple[str, str], ...] = (
    # keys (ESC is \x1b), and what is to be seen then
    ("", "REPLAY"),
    ("e", "P1"),
    ("w", "waterfall"),
    ("\x1b", "REPLAY"),
    ("0", "00:00.0"),
    ("9", "REPLAY"),
    ("n", "now 00:"),
    ("n", "REPLAY"),
    ("/type:fetch", "enter apply"),
    ("\r", "of 260"),
    ("\x1b", "REPLAY"),
    ("?", "replay and live"),
    ("?", "REPLAY"),
    ("y", "copy as"),
    ("\x1b", "REPLAY"),
    ("\x1b", "sessions"),
    ("?", "copy the script tag"),
    ("q", "sessions"),
)


@pytest.mark.parametrize(
    ("size", "look"),
    [((120, 40), "color"), ((80, 24), "NO_COLOR"), ((80, 24), "16 colours")],
    ids=["120x40", "80x24-NO_COLOR", "80x24-16-colours"],
)
def test_walk(demo_store: Path, size: tuple[int, int], look: str) -> None:
    environment = {
        "color": {},
        "NO_COLOR": {"NO_COLOR": "1"},
        "16 colours": {"TERM": "xterm-16color", "COLORTERM": ""},
    }[look]
    with Terminal(["--db", str(demo_store), "replay", "last"], size, environment) as terminal:
        for keys, seen in WALK:
            for key in keys:
                terminal.press(key)
                terminal.wait_until_calm()
            terminal.wait_for(lambda seen=seen: seen.lower() in terminal.text.lower())  # type: ignore[misc]
            assert "Traceback" not in terminal.text
            assert "\\x1b[" not in terminal.text
            for line in terminal.screen.display:
                assert wcswidth(line.rstrip()) <= size[0]
        terminal.press("q")
        assert terminal.wait_for_end() == 0


def test_no_color_sends_no_colour(demo_store: Path) -> None:
    import re

    arguments = ["--no-color", "--db", str(demo_store), "replay", "last"]
    with Terminal(arguments) as terminal:
        terminal.wait_for("REPLAY")
        terminal.press("e")
        terminal.wait_until_calm()
        colours = re.findall(rb"\x1b\[[0-9;]*(?:38|48);[0-9;]*m", terminal.output)
        assert not colours
        codes = set(re.findall(rb"\x1b\[([0-9;]*)m", terminal.output))
        used = {int(part or 0) for code in codes for part in code.split(b";")}
        assert not used & (set(range(30, 38)) | set(range(40, 48)) | set(range(90, 108)))
