"""How much a JSON text decodes to, judged by its signs before it is decoded.

8 kB under gzip can be 8 MiB of ``[],[],…``, which would take two seconds and 380 MiB to decode.
"""

from __future__ import annotations

from perftui.errors import TooLargeError

SMALL_BODY_BYTES = 128 * 1024
"""A body up to this length is not worth counting: decoding whatever it holds takes some 30 ms."""

VALUES_PER_CONTAINER = 5
"""An array or object takes about as long to make as five numbers (and as much memory)."""


class ValueLimit:
    """Counts the values of one body, which may still grow.

    Signs within strings count too, which costs nobody anything: an entry of a browser has some 40.

    Args:
        limit: as many values a body may hold, or a fifth as many arrays and objects.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._counted_bytes = 0
        self._containers = 0
        self._commas = 0

    def check(self, body: bytes | bytearray) -> None:
        """Count what has come since the last time.

        Args:
            body: all of it that there is.

        Raises:
            TooLargeError: it may hold more than the limit.
        """
        begin = self._counted_bytes
        if len(body) <= SMALL_BODY_BYTES:
            return
        self._containers += body.count(b"[", begin) + body.count(b"{", begin)
        self._commas += body.count(b",", begin)
        self._counted_bytes = len(body)
        if self._containers > self._limit // VALUES_PER_CONTAINER or self._commas > self._limit:
            raise TooLargeError(
                f"the body holds more than {self._limit} values", limit="max_values"
            )
