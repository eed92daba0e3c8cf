"""Log lines that a client can cause.

Whoever floods the server must not flood its log as well: of each kind one line comes at once, then
at most one in :data:`QUIET_SECONDS`, which says how many were left out.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from perftui.model import Clock

log = logging.getLogger("perftui.server")

QUIET_SECONDS = 10.0
"""How long a kind of line stays away after it was written."""


@dataclass(slots=True)
class _Kind:
    written_at: float
    left_out: int = 0


class Notices:
    """Warnings, each of a kind. The kinds are ours, so there are few."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kinds: dict[str, _Kind] = {}

    def warn(self, kind: str, message: str, *values: object) -> None:
        """Write a warning, unless one of its kind was written just now."""
        now = self._clock.monotonic()
        known = self._kinds.get(kind)
        if known is None:
            self._kinds[kind] = _Kind(now)
        elif now - known.written_at < QUIET_SECONDS:
            known.left_out += 1
            return
        else:
            if known.left_out:
                message += " (and %d more like it since the last such line)"
                values = (*values, known.left_out)
            known.written_at, known.left_out = now, 0
        log.warning(message, *values)
