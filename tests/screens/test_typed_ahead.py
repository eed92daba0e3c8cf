"""Keys that come faster than screens: typed ahead of one that is being made, or behind one that goes. In a real pty, where keys arrive together; a fault ends the app with its traceback."""

from __future__ import annotations

import random
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.ports import free_port
from tests.screens.sample_store import SESSION, make_store
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
    "\x10",  # ctrl+p
    "\x14",  # ctrl+t
    2 * "\x1b[<0;3;38M\x1b[<0;3;38m",  # a double click
    "\x1b[<0;60;4M\x1b[<32;90;4M\x1b[<0;90;4m",  # something dragged
    "\x1b[<65;40;20M",  # the wheel
)


SIZES = ((120, 40), (80, 24), (300, 100), (97, 31), (40, 12), (12, 4))


def storm(terminal: Terminal, seed: int, count: int, pause_seconds: float) -> None:
    """Some keys at once, again and again, and another size now and then; the same ones for the
    same seed."""
    chance = random.Random(seed)
    for _ in range(count):
        terminal.press("".join(chance.choices(KEYS, k=chance.randint(2, 8))))
        if chance.random() < 0.25:
            terminal.resize(chance.choice(SIZES))
        terminal.read(pause_seconds)
    terminal.resize(SIZES[0])


def leave(terminal: Terminal) -> None:
    """Screens, panes and inputs that may be open are closed; then it can still be ended."""
    for _ in range(10):
        terminal.press("\x1b")
        terminal.wait_until_calm()
        terminal.press("q")
        terminal.wait_until_calm()
        if terminal.has_ended:
            break
    assert b"Traceback" not in terminal.output
    assert terminal.wait_for_end() == 0, terminal.text


@pytest.mark.parametrize("seed", range(3))
def test_a_storm_of_keys_is_survived(sample_store: Path, tmp_path: Path, seed: int) -> None:
    # Exports go into the folder that the app was started in.
    arguments = ["--db", str(sample_store), "replay", SESSION]
    with Terminal(arguments, folder=tmp_path) as terminal:
        terminal.wait_for("REPLAY")
        storm(terminal, seed, 15, 0.1)
        leave(terminal)


def loads(number: int) -> dict[str, Any]:
    """One batch: a pageview for eight of them, a session for forty."""
    requests = [
        {
            "entryType": "resource",
            "initiatorType": "fetch" if place % 3 else "img",
            "name": f"https://{'other' if place % 4 else 'shop'}.test/{place}",
            "startTime": number * 50 + place,
            "duration": 30 + place * 60,
            "responseStatus": 200 if place % 7 else 500,
            "transferSize": 1000,
        }
        for place in range(40)
    ]
    return {
        "sessionId": f"session-{number // 40}",
        "pageViewId": f"view-{number // 8}",
        "page": {"url": f"https://shop.test/{number // 8}"},
        "entries": requests,
    }


@contextmanager
def fed(url: str) -> Iterator[None]:
    """Batches are sent there, one after the other, some twenty a second."""
    over = threading.Event()

    def feed() -> None:
        number = 0
        while not over.is_set():
            body = msgspec.json.encode(loads(number))
            ask = urllib.request.Request(f"{url}/batch", body, {"Content-Type": "text/plain"})
            with urllib.request.urlopen(ask, timeout=30) as answer:
                assert answer.status == 200
            number += 1
            over.wait(0.03)

    thread = threading.Thread(target=feed)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@pytest.mark.parametrize("seed", [100, 101])
def test_a_storm_of_keys_over_what_arrives_is_survived(tmp_path: Path, seed: int) -> None:
    port = free_port()
    arguments = ["--db", str(tmp_path / "live.db"), "--port", str(port)]
    with Terminal(arguments, folder=tmp_path) as terminal:
        terminal.wait_for("LIVE")
        with fed(f"http://127.0.0.1:{port}"):
            storm(terminal, seed, 25, 0.02)
        leave(terminal)


ESCAPE = "\x1b[27u"
"""As newer terminals send it, where no byte behind it makes it another key."""

TOGETHER = {
    # What leads to a screen from the replay, and what is then typed there in one write. At a blank
    # it is looked whether both agree; ␛ is escape.
    "replay": (
        "",
        *("\x10\x10 ␛", "\x14\x14 ␛", "??", "\x10\x14 ␛", "?\x10\x10 ␛␛", "\x10\x10help ␛"),
        *("yy ␛", "xx ␛", "ww ␛", "ii ␛", "\r\r ␛", "// ␛", ":: ␛", "nn", "yj\r"),
        *("/is:slow\r? ␛␛", ":40%\rjj", "w? ␛␛", "i\x10\x10 ␛␛", "w␛i␛?␛"),
    ),
    "sessions": (
        "␛",
        *("\x10\x10 ␛", "\x14\x14 ␛", "??", "// ␛", "rr ␛", "ww ␛", "\r\r ␛␛"),
        *("/Acme\r? ␛␛", "rRenamed\rjp", "mjmcc ␛", "oo ␛", "k\r␛j\r␛"),
    ),
    "waterfall": (
        "w",
        *("\x10\x10 ␛", "yy ␛", "xx ␛", "// ␛", "\r\r ␛", "aa", "/type:js\rs? ␛␛"),
    ),
    "insights": ("i", "\x14\x14 ␛", "aa", "pp", "2233", "??"),
    "request": ("\r", "yy ␛", "ww ␛", "n? ␛", "\x10\x10 ␛"),
}
"""All that opens something, twice; inputs with their texts; and what is typed behind them. (What a
key asks the store for comes when it comes: the keys behind it do not wait for that.)"""


def keys_of(text: str) -> list[str]:
    return [ESCAPE if key == "␛" else key for key in text]


@pytest.mark.parametrize("screen", TOGETHER)
def test_what_is_typed_at_once_does_what_it_does_key_by_key(tmp_path: Path, screen: str) -> None:
    with ExitStack() as stack:
        at_once, one_by_one = [
            stack.enter_context(
                Terminal(
                    ["--db", str(make_store(folder / "own.db")), "replay", SESSION], folder=folder
                )
            )
            for folder in (tmp_path / "one", tmp_path / "two")
        ]

        def are_the_same() -> bool:
            at_once.read(0)
            one_by_one.read()
            return at_once.text == one_by_one.text

        def both(text: str) -> None:
            at_once.press("".join(keys_of(text)))
            for key in keys_of(text):
                one_by_one.press(key)
                one_by_one.wait_until_calm(0.05)
            try:
                one_by_one.wait_for(are_the_same)
            except AssertionError as error:
                raise AssertionError(f"{text!r} at once:\n{at_once.text}") from error

        for terminal in (at_once, one_by_one):
            terminal.wait_for("REPLAY")
            terminal.wait_until_calm()
        way, *typed = TOGETHER[screen]
        for step in way:
            both(step)
        for text in typed:
            for part in text.split(" "):
                both(part)
        for terminal in (at_once, one_by_one):
            leave(terminal)


@pytest.mark.parametrize("keys", ["iq", "wq", "?q", "qi", "qw?i", "y\x1bq", "yyrr", "w\x1b\x1b"])
def test_keys_typed_ahead_of_a_screen_are_no_fault(sample_store: Path, keys: str) -> None:
    with Terminal(["--db", str(sample_store), "replay", SESSION]) as terminal:
        terminal.wait_for("REPLAY")
        terminal.press(keys)
        terminal.wait_until_calm()
        assert b"Traceback" not in terminal.output, terminal.text
