"""A real pseudo-terminal around the real command: what goes in as keys, what comes out as bytes,
and the screen that those bytes draw."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType

import pyte

PATIENCE_SECONDS = 30.0
"""How long a condition may take on a loaded machine."""


class Terminal:
    """Runs ``perftui`` with arguments in a pty of some size.

    Attributes:
        output: every byte that has come out so far.
        screen: what a terminal shows of it (pyte, an emulator of a VT100 and more).
    """

    def __init__(
        self,
        arguments: Sequence[str],
        size: tuple[int, int] = (120, 40),
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
    ) -> None:
        columns, lines = size
        self.screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self.screen)
        self.output = b""
        self._hung_up = False
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        told = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "PYTHONUNBUFFERED": "1"}
        inherited = {
            name: value
            for name, value in os.environ.items()
            if name not in {"NO_COLOR", "TMUX", "COLUMNS", "LINES"}
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "perftui", *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            close_fds=True,
            cwd=folder,
            start_new_session=True,
            env={**inherited, **told, **(environment or {})},
        )
        os.close(theirs)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self.hang_up()

    def hang_up(self) -> None:
        """Close the terminal, without the signal that a shell's programs get."""
        if not self._hung_up:
            self._hung_up = True
            os.close(self._ours)

    @property
    def text(self) -> str:
        """The lines of the screen."""
        return "\n".join(self.screen.display)

    def read(self, seconds: float = 0.05) -> None:
        """Take what comes out within some time."""
        ready, _, _ = select.select([self._ours], [], [], seconds)
        if ready:
            try:
                data = os.read(self._ours, 65536)
            except OSError:  # the other end has been closed
                return
            self.output += data
            self._stream.feed(data)

    def wait_for(self, condition: Callable[[], object] | str) -> None:
        """Read until a condition holds, or a text is on the screen.

        Raises:
            AssertionError: it does not, for :data:`PATIENCE_SECONDS`; with the screen as it was.
        """
        end = time.monotonic() + PATIENCE_SECONDS
        while not (condition in self.text if isinstance(condition, str) else condition()):
            assert time.monotonic() < end, f"never: {condition!r}\n{self.text}"
            assert self._process.poll() is None or self._drain(), f"ended\n{self.text}"
            self.read()

    def _drain(self) -> bool:
        before = len(self.output)
        self.read()
        return len(self.output) > before

    def read_all(self) -> None:
        """Take what is left, of a command that has ended."""
        while self._drain():
            pass

    def press(self, keys: str) -> None:
        """Type."""
        os.write(self._ours, keys.encode())

    def resize(self, size: tuple[int, int]) -> None:
        """Give it another size, as a window that is dragged."""
        columns, lines = size
        self.screen.resize(lines, columns)
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        # It is nobody's controlling terminal, which would send it.
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGWINCH)

    def wait_until_calm(self, seconds: float = 0.2) -> None:
        """Read until nothing more comes for so long."""
        quiet_since = time.monotonic()
        end = quiet_since + PATIENCE_SECONDS
        while time.monotonic() - quiet_since < seconds:
            before = len(self.output)
            self.read()
            if len(self.output) > before:
                quiet_since = time.monotonic()
            assert time.monotonic() < end, "it never comes to rest"

    @property
    def has_ended(self) -> bool:
        """Whether the program is over."""
        return self._process.poll() is not None

    def wait_for_end(self) -> int:
        """The exit code, once it has ended."""
        if self._hung_up:
            return self._process.wait(PATIENCE_SECONDS)
        end = time.monotonic() + PATIENCE_SECONDS
        while self._process.poll() is None:
            assert time.monotonic() < end, f"it does not end\n{self.text}"
            self.read()
        return self._process.returncode
