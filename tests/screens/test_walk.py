"""A walk through the app in a real pty, on the recorded demo: no torn row, no traceback, no raw
escape on any frame."""

from __future__ import annotations

import re
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
    """The recorded demo session, imported; and an hour earlier the same once more, to compare."""
    path = tmp_path_factory.mktemp("demo") / "demo.db"
    context = Context(Settings(), path, True)
    hour_ms = 3_600_000
    earlier = [
        {
            **batch,
            "sessionId": f"earlier-{batch['sessionId']}",
            "batchId": f"earlier-{batch['batchId']}",
            **{name: batch[name] - hour_ms for name in MOMENTS if name in batch},
        }
        for batch in recorded_batches()
    ]
    with context.open_writer() as writer:
        import_batches(writer, [*earlier, *recorded_batches()], context.settings)
    return path


MOMENTS = ("timeOrigin", "sentAt", "receivedAt")
"""Fields of a batch that are epoch milliseconds."""


WALK: tuple[tuple[str, str], ...] = (
    # keys (ESC is \x1b), and what is to be seen then and was not before
    ("", "REPLAY"),
    ("e", "500k or more"),
    ("t", "does not tell headers"),
    ("T", "reused connection"),
    ("d", "REPLAY"),
    ("w", "chain to LCP"),
    ("+z0spp", "script  7 requests"),
    ("b1", "against"),
    ("a", "ALL 2 loads"),
    ("a", "36 requests"),
    ("\x1b", "REPLAY"),
    ("0", "00:00.0"),
    ("9", "REPLAY"),
    ("n", "now 00:"),
    ("n", "REPLAY"),
    ("/type:fetch", "enter apply"),
    ("\r", "of 260"),
    ("\x1b", "REPLAY"),
    ("?", "replay and live"),
    ("?", "space play"),
    ("y", "copy as"),
    ("\x1b", "space play"),
    ("\x1b", "enter open"),
    ("?", "copy the script tag"),
    ("q", "enter open"),
    ("mjmc", "compare"),
    ("\x1b", "enter open"),
    ("o", "median of all"),
    ("j\r", "REPLAY"),
    ("\x1b", "median of all"),
    ("\x1b", "enter open"),
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


SHORT_WALK: tuple[tuple[str, str], ...] = (
    ("e", "500k or more"),
    ("w", "chain to LCP"),
    ("\x1b", "REPLAY"),
    ("?", "replay and live"),
    ("q", "REPLAY"),
    ("/", "enter apply"),
    ("\x1b", "? help"),  # not offered while it would be typed
)


@pytest.mark.parametrize("size", [(120, 40), (80, 24)], ids=["120x40", "80x24"])
@pytest.mark.parametrize(
    "environment",
    [
        {"TERM": "screen", "COLORTERM": ""},
        {"TERM": "linux", "COLORTERM": ""},
        {"TERM": "xterm-16color", "COLORTERM": ""},
        {"TERM": "vt220", "COLORTERM": "", "LANG": "C", "LC_ALL": "C"},
    ],
    ids=lambda environment: environment["TERM"],
)
def test_other_terminals(
    demo_store: Path, size: tuple[int, int], environment: dict[str, str]
) -> None:
    """Whatever ``TERM`` says: no colour that it has not, nothing torn, and what was there before
    is there again at the end."""
    arguments = ["--db", str(demo_store), "replay", "last", "--ascii"]
    with Terminal(arguments, size, environment) as terminal:
        terminal.wait_for("REPLAY")
        for keys, seen in SHORT_WALK:
            terminal.press(keys)
            terminal.wait_for(seen)
            terminal.wait_until_calm()
            lines = terminal.screen.display
            assert lines[0].startswith(" perftui")
            assert re.search(r"help|close", lines[-1])
            assert all(line.isascii() for line in lines)
            assert "Traceback" not in terminal.text
        assert b"\x1b[38;2;" not in terminal.output
        assert b"\x1b[48;2;" not in terminal.output
        terminal.press("q")
        assert terminal.wait_for_end() == 0
        terminal.read_all()
        assert b"\x1b[?1049l" in terminal.output


def test_sixteen_colours_are_the_terminals_own(demo_store: Path) -> None:
    arguments = ["--db", str(demo_store), "replay", "last"]
    environment = {"TERM": "xterm", "COLORTERM": ""}
    with Terminal(arguments, environment=environment) as terminal:
        terminal.wait_for("REPLAY")
        terminal.press("w")
        terminal.wait_for("waterfall")
        terminal.wait_until_calm()
        assert not re.findall(rb"\x1b\[[0-9;]*(?:38|48);[0-9;]*m", terminal.output)
        screen = terminal.screen
        row = next(y for y, line in enumerate(screen.display) if "places.js" in line)
        bar = [screen.buffer[row][x] for x in range(60, 118)]
        filled = {cell.bg for cell in bar} | {cell.fg for cell in bar if cell.data in "▏▎▍▌▋▊▉"}
        assert {"green", "brightblue"} <= filled, "waiting and receiving"
        assert "brightblack" in filled, "queueing"


def test_no_color_sends_no_colour(demo_store: Path) -> None:
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
