"""OSC 52, bare and through multiplexers."""

from __future__ import annotations

import base64
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perftui.widgets.clipboard import (
    MAX_SEQUENCE_BYTES,
    copy_by_tmux,
    copy_sequence,
    has_clipboard,
)


def payload(sequence: str) -> str:
    found = re.search(r"\]52;c;([A-Za-z0-9+/=]*)\x07", sequence)
    assert found is not None
    return base64.b64decode(found[1]).decode()


@given(text=st.text(max_size=200))
def test_the_terminal_gets_the_text(text: str) -> None:
    sequence = copy_sequence(text, {})
    assert sequence is not None
    assert payload(sequence) == text.encode("utf-8", "replace").decode()
    # One sequence, and no control character within its payload.
    assert sequence.count("\x1b") == 1
    assert sequence.endswith("\x07")


def test_within_tmux_it_is_wrapped_and_its_escapes_are_doubled() -> None:
    sequence = copy_sequence("a", {"TMUX": "/tmp/x,1,0"})
    assert sequence is not None
    assert sequence.startswith("\x1bPtmux;\x1b\x1b]52;c;YQ==\x07\x1b\\")


def test_within_screen_it_is_cut_into_pieces() -> None:
    sequence = copy_sequence("x" * 2000, {"TERM": "screen-256color"})
    assert sequence is not None
    pieces = re.findall(r"\x1bP(.*?)\x1b\\", sequence, re.DOTALL)
    assert len(pieces) == 6
    assert payload("".join(pieces)) == "x" * 2000


def test_what_is_too_long_is_not_sent() -> None:
    assert copy_sequence("x" * MAX_SEQUENCE_BYTES, {}) is None


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"TERM": "xterm-256color"}, True),
        ({"TERM": "foot"}, True),
        ({}, True),
        ({"TERM": "linux"}, False),
        ({"TERM": "vt220"}, False),
        ({"TERM": "dumb"}, False),
        ({"TERM": "linux", "TMUX": "/tmp/x,1,0"}, True),
    ],
)
def test_consoles_have_no_clipboard(environment: dict[str, str], expected: bool) -> None:
    assert has_clipboard(environment) is expected


def test_without_tmux_nothing_is_copied_by_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert not copy_by_tmux("a")
