"""Reading a body within bounds: as it comes in, and as it is decompressed.

Never more than the limit is held; a bomb ends where it passes the limit, not where it is full.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from perftui.capture.value_limit import ValueLimit
from perftui.config import ServerSettings
from perftui.errors import IntakeError, SinkBusyError, TooLargeError, UndecodableBatchError

BUSY_RETRY_SECONDS = 1

GRACE_SECONDS = 0.05
"""When time is up, how long to look whether something has come after all: the event loop may
have been late itself."""

Receive = Callable[[], Awaitable[Any]]

BODY_IS_WHOLE = "perftui.body_is_whole"
"""The extension of an ASGI scope whose ``ask``, a function without arguments, tells whether all of
the body has arrived: nobody need look at the clock then."""

STEP_BYTES = 256 * 1024
"""Bytes that are decompressed at once, a fraction of a millisecond; between two steps the others
have their turn."""


class StalledBodyError(IntakeError):
    """The body did not come in time."""

    status = 408


class UnknownCodingError(IntakeError):
    """The body is compressed in a way that is not known here."""

    status = 415


class ClientGoneError(Exception):
    """The client closed the connection before its body was whole."""


ZLIB_WINDOW = 15
GZIP_WINDOW = 16 + ZLIB_WINDOW
"""As ``zlib.decompressobj`` has it: 2 to the 15th bytes, and 16 more for a gzip header."""


def _is_zlib(head: bytes) -> bool:
    """Whether a stream begins with zlib's header (RFC 1950, 2.2)."""
    return head[0] & 0x0F == 8 and int.from_bytes(head[:2], "big") % 31 == 0


class Decompressor(Protocol):
    """A stream that is decompressed piece by piece."""

    def __len__(self) -> int:
        """Bytes so far, decompressed."""
        ...

    def feed(self, piece: bytes) -> bytes:
        """Take a piece, or as much of it as makes :data:`STEP_BYTES`.

        Returns:
            What is left of it.

        Raises:
            UndecodableBatchError: it is damaged.
            TooLargeError: what it holds is over a limit.
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
        self._pieces: list[bytes] = []
        self._byte_count = 0

    def __len__(self) -> int:
        """Bytes so far."""
        return self._byte_count

    def feed(self, piece: bytes) -> bytes:
        """Take a piece."""
        self._pieces.append(piece)
        self._byte_count += len(piece)
        if self._byte_count > self._limit:
            raise TooLargeError(f"the body is over {self._limit} bytes", limit="max_decoded_bytes")
        return b""

    def finish(self) -> bytes:
        """The whole of it."""
        return b"".join(self._pieces)


class Zlib:
    """gzip (of one or several members) and deflate, the latter also without the header that
    RFC 9110, 8.4.1.2 asks for: some clients leave it out."""

    def __init__(self, coding: str, limit: int, max_values: int) -> None:
        self._coding = coding
        self._limit = limit
        self._values = ValueLimit(max_values)
        self._stream = zlib.decompressobj(GZIP_WINDOW)
        self._body = bytearray()
        self._head = b""
        self._has_begun = coding == "gzip"

    def __len__(self) -> int:
        """Bytes so far, decompressed."""
        return len(self._body)

    def feed(self, piece: bytes) -> bytes:
        """Take a piece, or as much of it as makes :data:`STEP_BYTES`."""
        if not self._has_begun:
            self._head += piece
            if len(self._head) < 2:
                return b""
            piece = self._head
            self._has_begun = True
            self._stream = zlib.decompressobj(ZLIB_WINDOW if _is_zlib(piece) else -ZLIB_WINDOW)
        if self._stream.eof:
            if self._coding != "gzip":
                raise UndecodableBatchError("bytes after the end of the deflate stream")
            self._stream = zlib.decompressobj(GZIP_WINDOW)
        room = self._limit + 1 - len(self._body)
        try:
            self._body += self._stream.decompress(piece, min(STEP_BYTES, room))
        except zlib.error as error:
            raise UndecodableBatchError(f"the {self._coding} stream is damaged: {error}") from error
        self._check_length()
        self._values.check(self._body)
        return self._stream.unconsumed_tail or self._stream.unused_data

    def _check_length(self) -> None:
        if len(self._body) > self._limit:
            raise TooLargeError(
                f"the body is over {self._limit} bytes when decompressed",
                limit="max_decoded_bytes",
            )

    def finish(self) -> bytes:
        """The whole of it."""
        if not self._stream.eof:
            # The end of a raw stream can be read before what it stands for is written.
            self._body += self._stream.decompress(b"", self._limit + 1 - len(self._body))
            self._check_length()
        if not self._stream.eof:
            raise UndecodableBatchError(f"the {self._coding} stream ends in the middle")
        return bytes(self._body)


def decompressor(coding: str, limit: int, max_values: int) -> Decompressor:
    """The decompressor of a ``Content-Encoding``.

    Args:
        limit: bytes that it may hold, decompressed.
        max_values: JSON values that a compressed body may hold, which is seen as it grows: a few
            kB can be millions of them.

    Raises:
        UnknownCodingError: it is none of gzip, deflate and identity.
    """
    match coding.strip().lower():
        case "" | "identity":
            return Plain(limit)
        case "gzip" | "x-gzip":
            return Zlib("gzip", limit, max_values)
        case "deflate":
            return Zlib("deflate", limit, max_values)
        case other:
            raise UnknownCodingError(f"Content-Encoding {other[:40]!r}: gzip, deflate or none")


class InFlight:
    """The bytes of bodies that are held at this moment, of all connections.

    Attributes:
        byte_count: how many.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.byte_count = 0

    def check(self, more: int) -> None:
        """See whether so many more may be held.

        Raises:
            SinkBusyError: they may not.
        """
        if self.byte_count + more > self.limit:
            raise SinkBusyError(
                f"{self.byte_count} bytes of bodies are held already",
                BUSY_RETRY_SECONDS,
                limit="max_in_flight_bytes",
            )


class Held:
    """What one request holds of :class:`InFlight`, as a ``with`` block that lets go of it."""

    def __init__(self, in_flight: InFlight) -> None:
        self._in_flight = in_flight
        self._byte_count = 0

    def __enter__(self) -> Held:
        return self

    def __exit__(self, *_: object) -> None:
        self._in_flight.byte_count -= self._byte_count

    def grow_to(self, byte_count: int) -> None:
        """Hold so many bytes from now on.

        Raises:
            SinkBusyError: that is more than there is room for.
        """
        more = byte_count - self._byte_count
        self._in_flight.check(more)
        self._in_flight.byte_count += more
        self._byte_count = byte_count


async def _next_event(receive: Receive, seconds: float) -> Any:
    try:
        async with asyncio.timeout(seconds):
            return await receive()
    except TimeoutError:
        async with asyncio.timeout(GRACE_SECONDS):
            return await receive()


GZIP_MAGIC = b"\x1f\x8b"
"""RFC 1952, section 2.3.1; no JSON document begins so. A page that compresses by itself need not say
it in a header, which would cost a preflight at another origin."""


async def read_body(
    receive: Receive,
    settings: ServerSettings,
    coding: str,
    held: Held,
    is_whole: Callable[[], bool] = lambda: False,
) -> tuple[bytes, int]:
    """Read and decompress a body.

    Args:
        held: told how much is held as it grows.
        is_whole: whether all of it is known to have arrived; see :data:`BODY_IS_WHOLE`.

    Returns:
        The body, and its length as received in bytes.

    Raises:
        TooLargeError: it is over one of the limits.
        StalledBodyError: it stalled, or took too long in all.
        UndecodableBatchError, UnknownCodingError: it cannot be decompressed.
        SinkBusyError: there is no room for it among those of the other connections.
        ClientGoneError: the connection ended first.
    """
    bounds = (settings.max_decoded_bytes, settings.max_values)
    stream = decompressor(coding, *bounds)
    received = 0
    clock = asyncio.get_running_loop().time
    ends_at = clock() + settings.max_body_seconds
    while True:
        left = ends_at - clock()
        stall = settings.body_timeout_seconds
        try:
            if is_whole():
                event = await receive()
            else:
                event = await _next_event(receive, max(0.0, min(stall, left)))
        except TimeoutError as error:
            raise StalledBodyError(
                "the body did not come in time",
                limit="body_timeout_seconds" if stall < left else "max_body_seconds",
            ) from error
        if event["type"] == "http.disconnect":
            raise ClientGoneError
        piece: bytes = event.get("body", b"")
        if not received and not coding and piece.startswith(GZIP_MAGIC):
            stream = decompressor("gzip", *bounds)
        received += len(piece)
        if received > settings.max_body_bytes:
            raise TooLargeError(
                f"the body is over {settings.max_body_bytes} bytes", limit="max_body_bytes"
            )
        while piece:
            piece = stream.feed(piece)
            held.grow_to(len(stream))
            if piece:
                await asyncio.sleep(0)
        if not event.get("more_body", False):
            return stream.finish(), received
