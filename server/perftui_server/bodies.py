"""Reading a body within bounds: as it comes in, and as it is decompressed.

Never more than the limit is held; a bomb ends where it passes the limit, not where it is full.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from perftui.config import ServerSettings
from perftui.errors import IntakeError, TooLargeError, UndecodableBatchError

MAX_BODY_SECONDS = 30.0
"""How long a whole body may take. The stall limit alone would let a client hold a connection for
days with a byte every few seconds."""

Receive = Callable[[], Awaitable[Any]]

PIECE = 64 * 1024


class StalledBodyError(IntakeError):
    """The body did not come in time."""

    status = 408


class UnknownCodingError(IntakeError):
    """The body is compressed in a way that is not known here."""

    status = 415


class ClientGoneError(Exception):
    """The client closed the connection before its body was whole."""


class Decompressor(Protocol):
    """A stream that is decompressed piece by piece."""

    def feed(self, piece: bytes) -> None:
        """Take a piece.

        Raises:
            UndecodableBatchError: it is damaged.
            TooLargeError: what it holds is over the limit.
        """
        ...

    def finish(self) -> bytes:
        """The whole of it.

        Raises:
            UndecodableBatchError: it ends in the middle.
        """
        ...


class Plain:
    """No compression."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._body = bytearray()

    def feed(self, piece: bytes) -> None:
        """Take a piece."""
        self._body += piece
        if len(self._body) > self._limit:
            raise TooLargeError(f"the body is over {self._limit} bytes")

    def finish(self) -> bytes:
        """The whole of it."""
        return bytes(self._body)


class Zlib:
    """gzip (of one or several members) and deflate."""

    def __init__(self, coding: str, limit: int) -> None:
        self._coding = coding
        self._limit = limit
        self._window = 31 if coding == "gzip" else 15
        self._stream = zlib.decompressobj(self._window)
        self._body = bytearray()
        self._begun = False

    def feed(self, piece: bytes) -> None:
        """Take a piece."""
        while piece:
            if self._stream.eof:
                if self._coding != "gzip":
                    raise UndecodableBatchError("bytes after the end of the deflate stream")
                self._stream = zlib.decompressobj(self._window)
            piece = self._inflate(piece)
            self._begun = True

    def _inflate(self, piece: bytes) -> bytes:
        room = self._limit + 1 - len(self._body)
        try:
            self._body += self._stream.decompress(piece, max(1, room))
        except zlib.error as error:
            if self._coding == "deflate" and not self._begun:
                # Some clients send it without its header (RFC 9110, 8.4.1.2).
                self._stream = zlib.decompressobj(-15)
                self._begun = True
                return self._inflate(piece)
            raise UndecodableBatchError(f"the {self._coding} stream is damaged: {error}") from error
        if len(self._body) > self._limit:
            raise TooLargeError(f"the body is over {self._limit} bytes when decompressed")
        return self._stream.unconsumed_tail or self._stream.unused_data

    def finish(self) -> bytes:
        """The whole of it."""
        if not self._stream.eof:
            raise UndecodableBatchError(f"the {self._coding} stream ends in the middle")
        return bytes(self._body)


def decompressor(coding: str, limit: int) -> Decompressor:
    """The decompressor of a ``Content-Encoding``.

    Raises:
        UnknownCodingError: it is none of gzip, deflate and identity.
    """
    match coding.strip().lower():
        case "" | "identity":
            return Plain(limit)
        case "gzip" | "x-gzip":
            return Zlib("gzip", limit)
        case "deflate":
            return Zlib("deflate", limit)
        case other:
            raise UnknownCodingError(f"Content-Encoding {other[:40]!r}: gzip, deflate or none")


class InFlight:
    """The bytes of bodies that are held at this moment, of all connections."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.byte_count = 0

    def has_room(self, byte_count: int) -> bool:
        """Whether so many more may be held."""
        return self.byte_count + byte_count <= self.limit


async def read_body(
    receive: Receive, settings: ServerSettings, coding: str, in_flight: InFlight
) -> tuple[bytes, int]:
    """Read and decompress a body.

    Returns:
        The body, and its length as received in bytes.

    Raises:
        TooLargeError: it is over one of the limits.
        StalledBodyError: it stalled, or took too long in all.
        UndecodableBatchError, UnknownCodingError: it cannot be decompressed.
        ClientGoneError: the connection ended first.
    """
    stream = decompressor(coding, settings.max_decoded_bytes)
    received = 0
    try:
        async with asyncio.timeout(MAX_BODY_SECONDS):
            while True:
                async with asyncio.timeout(settings.body_timeout_seconds):
                    event = await receive()
                if event["type"] == "http.disconnect":
                    raise ClientGoneError
                piece: bytes = event.get("body", b"")
                received += len(piece)
                in_flight.byte_count += len(piece)
                if received > settings.max_body_bytes:
                    raise TooLargeError(f"the body is over {settings.max_body_bytes} bytes")
                for begin in range(0, len(piece), PIECE):
                    stream.feed(piece[begin : begin + PIECE])
                if not event.get("more_body", False):
                    return stream.finish(), received
    except TimeoutError as error:
        raise StalledBodyError("the body did not come in time") from error
    finally:
        in_flight.byte_count -= received
