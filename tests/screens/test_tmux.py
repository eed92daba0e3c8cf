"""The app in a real tmux: a walk on the recorded demo on which no frame is torn, hostile text that
moves no column, and copies that arrive."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType

import pytest

from tests.screens.conftest import PATIENCE_SECONDS
from tests.screens.test_walk import demo_store
from tests.widgets import hostile_store
from tests.widgets.cells import on_a_terminal

__all__ = ["demo_store"]

pytestmark = pytest.mark.tmux


class Tmux:
    """Runs ``perftui`` in the only pane of a tmux server of its own."""

    def __init__(
        self,
        folder: Path,
        arguments: list[str],
        size: tuple[int, int] = (120, 40),
        environment: Mapping[str, str] | None = None,
        options: Mapping[str, str] | None = None,
    ) -> None:
        self._socket = folder / "tmux.sock"
        self._status = folder / "status"
        self.size = size
        columns, lines = size
        told = {"PYTHONUNBUFFERED": "1", "TMPDIR": str(folder), **(environment or {})}
        command = ["env", *[f"{name}={value}" for name, value in told.items()]]
        command += [sys.executable, "-m", "perftui", *arguments]
        # What remains when the app has ended, so that its last words can be read.
        self.run(
            "-f", "/dev/null", "new-session", "-d", "-x", str(columns), "-y", str(lines), "cat"
        )
        self.run("set", "-g", "status", "off")
        self.run("set", "-g", "remain-on-exit", "on")
        self.run("resize-window", "-x", str(columns), "-y", str(lines))
        for name, value in (options or {}).items():
            self.run("set", "-g", name, value)
        self.run("respawn-pane", "-k", f"{shlex.join(command)}; echo $? > {self._status}")

    def run(self, *arguments: str) -> str:
        """Give tmux a command; what it answers."""
        environment = {
            name: value for name, value in os.environ.items() if name not in {"TMUX", "NO_COLOR"}
        }
        done = subprocess.run(
            ["tmux", "-u", "-S", str(self._socket), *arguments],
            capture_output=True,
            text=True,
            env=environment,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    @property
    def text(self) -> str:
        """What the pane shows."""
        return self.run("capture-pane", "-p")

    def press(self, *keys: str) -> None:
        """Press keys, by tmux's names for them; of a text each letter."""
        for key in keys:
            self.run("send-keys", key)
            self.calm()

    def wait_for_end(self) -> int:
        """Wait until the app has ended; its exit code."""
        end = time.monotonic() + PATIENCE_SECONDS
        while not (self._status.exists() and self._status.read_text().endswith("\n")):
            assert time.monotonic() < end, self.text
            time.sleep(0.03)
        return int(self._status.read_text())

    def calm(self) -> str:
        """Wait until the pane has not changed for a while; what it shows then."""
        before, since = "", time.monotonic()
        end = since + PATIENCE_SECONDS
        while time.monotonic() < end:
            now = self.text
            if now != before:
                before, since = now, time.monotonic()
            elif time.monotonic() - since > 0.15 and now.strip():
                return now
            time.sleep(0.03)
        return before

    def wait_for(self, condition: Callable[[str], object] | str) -> str:
        """Wait until the pane shows a text, or meets a condition; all of what it shows.

        Raises:
            AssertionError: it does not, for ``PATIENCE_SECONDS``; with the pane as it was.
        """
        end = time.monotonic() + PATIENCE_SECONDS
        while True:
            text = self.text
            if condition in text if isinstance(condition, str) else condition(text):
                return text
            assert time.monotonic() < end, f"never: {condition!r}\n{text}"
            time.sleep(0.03)

    def __enter__(self) -> Tmux:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.run("kill-server")


def whole(frame: str, size: tuple[int, int]) -> bool:
    """Whether a frame is in one piece: a title, a line of keys, nothing beyond the width, and in a
    list every time and every duration in its column."""
    columns, height = size
    lines = frame.removesuffix("\n").split("\n")
    if len(lines) != height or not lines[0].startswith(" perftui"):
        return False
    if not re.search(r"help|close|enter ", lines[-1]):
        return False
    cells = [on_a_terminal(line) for line in lines]
    if max(map(len, cells)) > columns:
        return False
    for at, line in enumerate(lines):
        head = re.search(r"t\+.* url .* (dur) ", line)
        if head is None:
            continue
        time_end, duration_end = line.index("t+") + 2, head.end(1)
        status_at = line.index(" st ") + 1
        for row in cells[at + 1 :]:
            if not re.match(r"▌?\s+(\d+\s+)?\d+\.\d{3}", "".join(row)):
                break
            row = row + [" "] * columns
            moment = "".join(row[time_end - 4 : time_end + 1])
            duration = "".join(row[duration_end - 8 : duration_end + 1])
            if not re.fullmatch(r"\.\d{3} ", moment):
                return False
            is_request = re.fullmatch(r"\d{3} |—   |··· ", "".join(row[status_at : status_at + 4]))
            if is_request and not re.fullmatch(r" *([\d.]+(m|h|ms|s)[\dms]*…?|—) ", duration):
                return False
    return True


def check(tmux: Tmux) -> None:
    """No traceback, no raw escape, nothing torn."""
    frame = tmux.wait_for(lambda text: whole(text, tmux.size))
    assert "Traceback" not in frame
    assert not re.search(r"\x1b|\^\[|\[\d+(;\d+)*m", frame), frame


WALK: tuple[tuple[tuple[str, ...], str], ...] = (
    # keys, and what is to be seen then
    (("Escape",), "seen session"),
    (("Enter",), "REPLAY"),
    (("/", "is:error", "Enter"), "of 260"),
    (("F",), "260 rows"),
    (("Escape", "g", "e"), "▼ js /assets/places.js"),
    (("t",), "does not tell headers"),
    (("T",), "reused connection"),
    (("?",), "replay and live"),
    (("?", "w"), "waterfall"),
    (("+", "z", "0", "p"), "waterfall"),
    (("a",), "ALL 2 loads"),
    (("a", "Escape"), "REPLAY"),
    (("i",), "How quickly"),
    (("Escape", "Escape", "Escape"), "seen session"),
    (("m", "j", "m", "c"), "What differs"),
    (("x",), "What differs"),
    (("Escape",), "seen session"),
)


@pytest.mark.parametrize(
    ("size", "environment"),
    [
        ((120, 40), {}),
        ((80, 24), {"NO_COLOR": "1"}),
        ((300, 100), {"TERM": "screen", "COLORTERM": ""}),
    ],
    ids=["120x40", "80x24-NO_COLOR", "300x100-few-colours"],
)
def test_walk(
    tmp_path: Path, demo_store: Path, size: tuple[int, int], environment: dict[str, str]
) -> None:
    arguments = ["--db", str(demo_store), "replay", "last"]
    with Tmux(tmp_path, arguments, size, environment) as tmux:
        tmux.wait_for("REPLAY")
        for keys, seen in WALK:
            for key in keys:
                tmux.press(key)
            tmux.wait_for(seen)
            check(tmux)
        tmux.press("q")
        assert tmux.wait_for_end() == 0


@pytest.mark.parametrize("size", [(120, 40), (80, 24)], ids=["120x40", "80x24"])
def test_hostile_text_moves_no_column(tmp_path: Path, size: tuple[int, int]) -> None:
    store = hostile_store.make_store(tmp_path / "hostile.db")
    arguments = ["--db", str(store), "replay", hostile_store.SESSION]
    with Tmux(tmp_path, arguments, size) as tmux:
        tmux.wait_for("REPLAY")
        for keys in (("Home",), ("Enter",), ("w",), ("p",), ("Escape", "End")):
            for key in keys:
                tmux.press(key)
            frame = tmux.wait_for(lambda text: whole(text, size))
            assert "Traceback" not in frame


@pytest.mark.parametrize("kept", ["external", "on", "off"])
def test_a_copy_is_a_buffer_of_tmux(tmp_path: Path, demo_store: Path, kept: str) -> None:
    """Whatever tmux is set to; ``external`` is what it comes with."""
    arguments = ["--db", str(demo_store), "replay", "last"]
    with Tmux(tmp_path, arguments, options={"set-clipboard": kept}) as tmux:
        tmux.wait_for("REPLAY")
        tmux.press("e")
        tmux.wait_for("▼ js /assets/places.js")  # it is selected
        tmux.press("y")
        tmux.wait_for("copy as")
        tmux.press("u")
        tmux.wait_for("Copied the URL")
        assert tmux.run("show-buffer") == "http://127.0.0.1:8080/assets/places.js"


def test_where_tmux_does_not_answer_the_sequence_is_sent(tmp_path: Path, demo_store: Path) -> None:
    """As over SSH out of a tmux: the app knows of none, and tmux takes OSC 52 if it is set so."""
    arguments = ["--db", str(demo_store), "replay", "last"]
    options = {"set-clipboard": "on"}
    environment = {"TMUX": "", "TERM": "xterm-256color"}
    with Tmux(tmp_path, arguments, environment=environment, options=options) as tmux:
        tmux.wait_for("REPLAY")
        tmux.press("e")
        tmux.wait_for("▼ js /assets/places.js")  # it is selected
        tmux.press("y")
        tmux.wait_for("copy as")
        tmux.press("c")
        tmux.wait_for("Copied the cURL command")
        assert tmux.run("show-buffer").startswith("curl http://127.0.0.1:8080/assets/places.js")
