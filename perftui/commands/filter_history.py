"""The filters that were applied in the app, kept beside the store."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

KEPT = 100
"""Filters that are remembered."""

MOST_BYTES = 256 * 1024
"""What is read of the file at most, from its end; a longer one is written anew."""


class FilterHistory:
    """A :class:`perftui.screens.registry.History`: a file with a filter in each line, the newest
    last. A history that cannot be read or written is none: nobody's work stops for it.

    Args:
        store_path: of the store; the file is ``perftui.db.filters`` beside ``perftui.db``, for its
            owner alone.
    """

    def __init__(self, store_path: Path) -> None:
        self.path = store_path.with_name(store_path.name + ".filters")

    def read(self) -> list[str]:
        """The last :data:`KEPT` filters, each once."""
        try:
            with self.path.open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                file.seek(max(0, size - MOST_BYTES))
                lines = file.read().decode("utf-8", "replace").split("\n")
        except OSError:
            return []
        if size > MOST_BYTES:
            # The first line may be the end of one.
            lines = lines[1:]
        newest_first = dict.fromkeys(line for line in reversed(lines) if line.strip())
        kept = list(newest_first)[:KEPT][::-1]
        if size > MOST_BYTES:
            with suppress(OSError):
                self._write("".join([f"{line}\n" for line in kept]), os.O_TRUNC)
        return kept

    def add(self, text: str) -> None:
        """Remember a filter. Blocking, for as long as a line takes to be written."""
        if text and "\n" not in text:
            with suppress(OSError):
                self._write(f"{text}\n", os.O_APPEND)

    def _write(self, text: str, how: int) -> None:
        flags = os.O_WRONLY | os.O_CREAT | how
        with os.fdopen(os.open(self.path, flags, 0o600), "wb") as file:
            file.write(text.encode("utf-8", "replace"))
