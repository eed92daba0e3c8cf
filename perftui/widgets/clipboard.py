"""The clipboard of the terminal that a person sits at, by OSC 52: works over SSH and in tmux.

tmux itself takes the text where the app runs in it, whatever its options are: as they come
(``set-clipboard external``) it ignores the sequences of programs.

Source of the sequence: xterm's "Operating System Commands"; of the wrapping: tmux(1),
``allow-passthrough``, and GNU screen's manual, "Control Sequences" (DCS).
"""

from __future__ import annotations

import base64
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

MAX_SEQUENCE_BYTES = 74_994
"""Longest sequence that is sent: what xterm and iTerm take, less their own overhead; beyond this
terminals cut the text without a word, or print the rest of it. Longer texts go to a file."""

WITHOUT_CLIPBOARD = ("linux", "dumb", "vt", "ansi", "cons")
"""What ``TERM`` of terminals begins with that know no OSC 52: consoles and what imitates a VT100."""

TMUX_SECONDS = 3.0
"""How long tmux may take to answer."""

_SCREEN_PIECE = 512
"""GNU screen takes no longer string in one DCS."""


def copy_sequence(text: str, environment: Mapping[str, str]) -> str | None:
    """What to write to the terminal so that ``text`` is on its clipboard; None where it is too
    long for that.

    Args:
        environment: ``TMUX`` and ``TERM`` say whether a multiplexer stands between.
    """
    payload = base64.b64encode(text.encode("utf-8", "replace")).decode()
    sequence = f"\x1b]52;c;{payload}\x07"
    if len(sequence) > MAX_SEQUENCE_BYTES:
        return None
    if environment.get("TMUX"):
        # Both: the wrapped one where passthrough is allowed, the bare one where tmux itself keeps
        # the clipboard (set-clipboard on).
        doubled = sequence.replace("\x1b", "\x1b\x1b")
        return f"\x1bPtmux;{doubled}\x1b\\{sequence}"
    if environment.get("TERM", "").startswith("screen"):
        pieces = [
            sequence[at : at + _SCREEN_PIECE] for at in range(0, len(sequence), _SCREEN_PIECE)
        ]
        return "".join([f"\x1bP{piece}\x1b\\" for piece in pieces])
    return sequence


def has_clipboard(environment: Mapping[str, str]) -> bool:
    """Whether the terminal may have a clipboard that OSC 52 reaches; no terminal tells for sure."""
    return bool(environment.get("TMUX")) or not environment.get("TERM", "").startswith(
        WITHOUT_CLIPBOARD
    )


def copy_by_tmux(text: str) -> bool:
    """Let the tmux that the app runs in take a text, as a buffer of its own and for the clipboard
    of the terminal around it; says whether it has. Waits for tmux: not for the event loop."""
    import subprocess

    try:
        done = subprocess.run(
            ["tmux", "load-buffer", "-w", "-"],
            input=text.encode("utf-8", "replace"),
            capture_output=True,
            timeout=TMUX_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return done.returncode == 0


def write_copy(text: str) -> Path:
    """Keep a text that is too long for the clipboard in a new file that only its owner can read.

    Raises:
        OSError: the file cannot be written.
    """
    number, name = tempfile.mkstemp(prefix="perftui-copy-", suffix=".txt")
    with os.fdopen(number, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(text)
    return Path(name)
