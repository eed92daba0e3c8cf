"""What every command gets: the settings, where the store is, and how to open and print things."""

from __future__ import annotations

import sys
from codecs import getincrementaldecoder
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
import msgspec

from perftui.clock import SystemClock
from perftui.config import Settings
from perftui.errors import NotFoundError
from perftui.model import Clock
from perftui.request_columns import ColumnReader

if TYPE_CHECKING:
    from perftui.store.reader import StoreReader
    from perftui.store.writer import StoreWriter

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Context:
    """Handed to every command by :data:`pass_context`.

    Attributes:
        settings: file and environment already applied.
        store_path: the store file; it need not exist yet.
        config_path: the file that ``--config`` names; None for the default one.
        color: False after ``--no-color`` or with ``NO_COLOR`` in the environment.
        verbose: how often ``-v`` was given.
    """

    settings: Settings
    store_path: Path
    color: bool
    verbose: int = 0
    config_path: Path | None = None
    clock: Clock = field(default_factory=SystemClock)

    def new_reader(self) -> StoreReader:
        """A reader of the store, which must exist. The caller closes it.

        Raises:
            NotFoundError: there is no store yet.
            StoreError: the file cannot be read.
        """
        from perftui.store.reader import StoreReader

        if not self.store_path.exists():
            raise NotFoundError(
                f"no sessions yet: {self.store_path} does not exist."
                " Run `perftui` and load a page, or `perftui import FILE`"
            )
        return StoreReader(self.store_path)

    @contextmanager
    def open_reader(self) -> Iterator[ColumnReader]:
        """:meth:`new_reader` as a ``with`` block that closes it."""
        reader = self.new_reader()
        try:
            yield reader
        finally:
            reader.close()

    @contextmanager
    def open_writer(self) -> Iterator[StoreWriter]:
        """The store's writer, made where there is no store yet.

        Raises:
            StoreError: the file cannot be written, or is something else.
        """
        from perftui.store.writer import StoreWriter

        writer = StoreWriter(self.store_path, settings=self.settings.store)
        try:
            yield writer
        finally:
            writer.close_now()

    @property
    def has_terminal(self) -> bool:
        """Whether there is a person at both ends: the app can be opened."""
        return sys.stdin.isatty() and sys.stdout.isatty()

    def style(self, text: str, **styles: Any) -> str:
        """``text`` in a style of :func:`click.style`, or as it is without colour.

        Only for text that is ours or has been through ``analysis.text.sanitise``.
        """
        return click.style(text, **styles) if self.color and sys.stdout.isatty() else text

    def progress(self, items: Iterable[Item], label: str, length: int | None = None) -> Any:
        """A progress bar on stderr around ``items``, as a ``with`` block; silent where stderr is
        no terminal."""
        return click.progressbar(
            items,
            length=length,
            label=label,
            file=sys.stderr,
            show_pos=True,
            hidden=not sys.stderr.isatty(),
        )


pass_context = click.make_pass_decorator(Context)


def echo_json(value: Any) -> None:
    """Print one JSON value on one line.

    ``<``-style tricks are no concern here; control characters are, and JSON escapes C0. What it
    leaves as it is (DEL, C1, bidirectional controls) is escaped as ``\\uXXXX``, so that a line
    printed to a terminal can do nothing to it.
    """
    click.echo(escape_json_text(msgspec.json.encode(value).decode()))


class JsonOutput:
    """stdout for JSON that is written piece by piece. Where it is a terminal, it is escaped like
    :func:`echo_json` does it; a pipe gets the bytes as they are."""

    def __init__(self) -> None:
        self._escapes = sys.stdout.isatty()
        self._decoder = getincrementaldecoder("utf-8")("replace")

    def write(self, piece: bytes) -> None:
        """Write a piece of an encoded JSON text, cut anywhere."""
        if self._escapes:
            piece = escape_json_text(self._decoder.decode(piece)).encode()
        sys.stdout.buffer.write(piece)

    def flush(self) -> None:
        """Hand on what was written."""
        sys.stdout.buffer.flush()


def escape_json_text(text: str) -> str:
    """Escape what a terminal might act on in an encoded JSON text; the value stays the same."""
    if text.isascii() and "\x7f" not in text:
        return text
    return "".join(
        character
        if character.isascii() and character != "\x7f"
        else (character if character.isprintable() else _json_escape(character))
        for character in text
    )


def _json_escape(character: str) -> str:
    code = ord(character)
    if code <= 0xFFFF:
        return f"\\u{code:04x}"
    code -= 0x10000
    return f"\\u{0xD800 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"
