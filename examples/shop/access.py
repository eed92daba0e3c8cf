"""The shop's own access log: what really went over each connection, as ground truth."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Literal, overload

Outcome = Literal["answered", "dropped", "abandoned"]
"""``answered``: sent whole. ``dropped``: the shop closed the connection without an answer, as its
table says. ``abandoned``: the client, or the end of the shop, closed it before the answer was out.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """One request that reached the shop or one of its third parties."""

    origin: str
    """``shop``, ``cdn`` (third party with ``Timing-Allow-Origin``) or ``tracker`` (without)."""
    method: str
    path: str
    """With the query, as it was asked for."""
    referer: str | None
    """The ``Referer`` header; browsers send other origins no more than the page's origin."""
    status: int | None
    """``None`` where no answer went out."""
    outcome: Outcome
    header_bytes: int
    """Status line, headers and the empty line after them."""
    body_bytes: int
    """The body as sent: after the content coding, without the framing of chunks."""
    decoded_bytes: int
    """The body before the content coding."""
    coding: str | None
    """The ``Content-Encoding``: ``gzip`` or ``None``."""
    delay_ms: float
    """How long the shop meant to wait before the first byte."""
    pauses_ms: float
    """How long it meant to wait between the pieces of a streamed body, all together."""
    started_monotonic_s: float
    """``time.monotonic()`` when the request's head had been read."""
    ended_monotonic_s: float
    """``time.monotonic()`` when the last byte had been handed to the operating system."""
    started_epoch_ms: float
    ended_epoch_ms: float

    @property
    def duration_ms(self) -> float:
        """From the request's head to the last byte of the answer, in ms."""
        return (self.ended_monotonic_s - self.started_monotonic_s) * 1000


class AccessLog(Sequence[Access]):
    """What was asked for, in the order in which the answers ended; safe to read at any time."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._entries: list[Access] = []

    def append(self, access: Access) -> None:
        """Add one, and wake whoever waits in :meth:`wait_for`."""
        with self._changed:
            self._entries.append(access)
            self._changed.notify_all()

    def clear(self) -> None:
        """Forget all that is here."""
        with self._changed:
            self._entries.clear()

    def wait_for(
        self, condition: Callable[[Sequence[Access]], bool], timeout_s: float = 10.0
    ) -> tuple[Access, ...]:
        """Wait until the log satisfies ``condition`` and return it as it then is.

        Raises:
            TimeoutError: it did not within ``timeout_s`` seconds.
        """
        deadline = monotonic() + timeout_s
        with self._changed:
            while not condition(entries := tuple(self._entries)):
                if not self._changed.wait(deadline - monotonic()) and monotonic() >= deadline:
                    raise TimeoutError(f"not in the access log after {timeout_s} s")
            return entries

    def __len__(self) -> int:
        with self._changed:
            return len(self._entries)

    def __iter__(self) -> Iterator[Access]:
        with self._changed:
            return iter(tuple(self._entries))

    @overload
    def __getitem__(self, index: int) -> Access: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Access]: ...
    def __getitem__(self, index: int | slice) -> Access | Sequence[Access]:
        with self._changed:
            return self._entries[index]

    def __repr__(self) -> str:
        return f"AccessLog({list(self)!r})"
