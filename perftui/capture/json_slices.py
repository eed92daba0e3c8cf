"""Values out of a JSON document that is too large to hold: found one after the other, in a window
over the stream.

Where a value ends is found by msgspec, which steps over it without making anything of it and says
where it met what follows: eleven times as fast as by the brackets, and no less strict. What it does
not step over (a value of many megabytes, damaged JSON) is found by its brackets: strings are jumped
over by one regular expression, so a body of megabytes costs one step.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import BinaryIO

import msgspec

from perftui.errors import ImportFileError

CHUNK_BYTES = 1 << 20

MAX_VALUE_BYTES = 256 * 1024 * 1024
"""The longest single value (one request with its body) that is held."""

_BRACKET = re.compile(rb'(?:[^"{}\[\]]++|"(?:[^"\\]++|\\.)*+")*+[{}\[\]]', re.S)
"""Up to the next bracket, strings jumped over."""

STEP_BYTES = 8 * CHUNK_BYTES
"""Longer values are found by their brackets: msgspec begins anew where a value was not whole."""

_stepper = msgspec.json.Decoder(msgspec.Raw)
_FOLLOWED = re.compile(r"trailing characters \(byte (\d+)\)")


def _follower(text: bytes | memoryview) -> int | None:
    """What msgspec says about where the first value of a text is followed by something; None where
    it is not whole, damaged, or followed by nothing."""
    try:
        _stepper.decode(text)
    except msgspec.DecodeError as error:
        followed = _FOLLOWED.search(str(error))
        return None if followed is None else int(followed[1])
    except RecursionError:
        pass
    return None


_FOLLOWER_OFFSET = (_follower(b"0,") or 0) - 1
"""How this msgspec counts: 0 where it says the place of what follows, 1 where the place after it."""

_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\]]|"', re.S)
_SCALAR_END = re.compile(rb"[\s,}\]]")
_NO_SPACE = re.compile(rb"[^ \t\r\n]")


class JsonSlices:
    """Walks a document from left to right.

    Raises:
        ImportFileError: the document ends in the middle, or is none.
    """

    def __init__(self, stream: BinaryIO) -> None:
        # Of a damaged stream, `read` loses what came before the damage; `read1` gives it.
        self._read: Callable[[int], bytes] = getattr(stream, "read1", stream.read)
        self._failure: ImportFileError | None = None
        self._window = b""
        self._at = 0
        self._before = 0
        self._fill(0)
        # Fiddler begins its files with a byte order mark.
        if self._window.startswith(b"\xef\xbb\xbf"):
            self._at = 3

    @property
    def offset(self) -> int:
        """Bytes from the beginning of the document to here."""
        return self._before + self._at

    def _fill(self, keep_from: int) -> bool:
        """Read more, keeping the window from ``keep_from`` on; False at the end."""
        wanted = max(CHUNK_BYTES, len(self._window) - keep_from)
        pieces = [self._window[keep_from:]]
        while wanted > 0 and self._failure is None:
            try:
                piece = self._read(wanted)
            except ImportFileError as error:
                self._failure = error
                break
            if not piece:
                break
            pieces.append(piece)
            wanted -= len(piece)
        if len(pieces) == 1 and self._failure is not None:
            raise self._failure
        self._before += keep_from
        self._window = b"".join(pieces)
        self._at -= keep_from
        return len(pieces) > 1

    def peek(self) -> bytes:
        """The next byte that is no space; empty at the end."""
        while True:
            match = _NO_SPACE.search(self._window, self._at)
            if match is not None:
                self._at = match.start()
                return match[0]
            self._at = len(self._window)
            if not self._fill(self._at):
                return b""

    def expect(self, byte: bytes) -> None:
        """Step over a byte that must come now."""
        if self.peek() != byte:
            raise self._wrong(f"{byte.decode()!r} is missing")
        self._at += 1

    def take(self, byte: bytes) -> bool:
        """Step over a byte if it comes now."""
        if self.peek() != byte:
            return False
        self._at += 1
        return True

    def _wrong(self, what: str) -> ImportFileError:
        if self.peek() == b"":
            return ImportFileError(f"the file ends in the middle, at byte {self.offset}")
        return ImportFileError(f"no JSON at byte {self.offset}: {what}")

    def value(self, *, keep: bool = True) -> bytes:
        """The next value, whole; empty where it is not to be kept."""
        first = self.peek()
        if first in {b"{", b"["}:
            return self._container(keep)
        if first == b'"':
            return self._string()
        if first in {b"", b",", b"]", b"}", b":"}:
            raise self._wrong("a value is missing")
        return self._scalar()

    def members(self) -> Iterator[str]:
        """The names of an object's members; the caller takes each value before the next."""
        self.expect(b"{")
        if self.take(b"}"):
            return
        while True:
            if self.peek() != b'"':
                raise self._wrong("a name is missing")
            name = self._string()
            self.expect(b":")
            yield name[1:-1].decode("utf-8", "replace")
            if self.take(b","):
                continue
            self.expect(b"}")
            return

    def elements(self) -> Iterator[int]:
        """The indexes of an array's elements; the caller takes each value before the next."""
        self.expect(b"[")
        if self.take(b"]"):
            return
        index = 0
        while True:
            yield index
            index += 1
            if self.take(b","):
                continue
            self.expect(b"]")
            return

    def _string(self) -> bytes:
        begin = self._at
        while True:
            match = _TOKEN.match(self._window, begin)
            assert match is not None
            if match.end() - begin > 1:
                self._at = match.end()
                return match[0]
            begin = self._more(begin)

    def _scalar(self) -> bytes:
        begin = self._at
        while True:
            match = _SCALAR_END.search(self._window, begin)
            if match is not None:
                self._at = match.start()
                return self._window[begin : self._at]
            length = len(self._window)
            self._at = begin
            if not self._fill(begin):
                self._at = len(self._window)
                return self._window[: self._at]
            begin = 0
            if length - begin > 4096:
                raise self._wrong("a value without an end")

    def _more(self, begin: int, keep_from: int | None = None) -> int:
        """Read more; say where ``begin`` is now."""
        keep = begin if keep_from is None else keep_from
        if len(self._window) - keep > MAX_VALUE_BYTES:
            raise ImportFileError(
                f"a value at byte {self._before + keep} is over {MAX_VALUE_BYTES >> 20} MiB"
            )
        if not self._fill(keep):
            self._at = len(self._window)
            raise ImportFileError(f"the file ends in the middle, at byte {self.offset}")
        return begin - keep

    def _container(self, keep: bool) -> bytes:
        if not keep and self._window[self._at : self._at + 1] == b"[":
            # It may be the whole file; its elements are not.
            return self._skip_elements()
        return self._stepped_over(keep)

    def _skip_elements(self) -> bytes:
        for _ in self.elements():
            if self.peek() in {b"{", b"["}:
                self._stepped_over(False)
            else:
                self.value(keep=False)
        return b""

    def _stepped_over(self, keep: bool) -> bytes:
        begin = self._at
        while True:
            follower = _follower(memoryview(self._window)[begin:])
            if follower is not None:
                end = begin + follower - _FOLLOWER_OFFSET
                if self._window[end : end + 1] in {b",", b"}", b"]"}:
                    self._at = end
                    return self._window[begin:end] if keep else b""
            self._at = begin
            if follower is not None or len(self._window) - begin >= STEP_BYTES:
                return self._by_brackets(keep)
            # Filling moves the value to the window's beginning, also where nothing more comes.
            if not self._fill(begin):
                return self._by_brackets(keep)
            begin = 0

    def _by_brackets(self, keep: bool) -> bytes:
        begin = self._at
        at = begin
        depth = 0
        while True:
            window = self._window
            end = at
            while (match := _BRACKET.match(window, end)) is not None:
                end = match.end()
                if window[end - 1] in b"{[":
                    depth += 1
                    continue
                depth -= 1
                if depth == 0:
                    self._at = end
                    return window[begin:end] if keep else b""
            if keep:
                at = self._more(end, begin)
                begin = 0
            else:
                at = self._more(end)
                begin = at
