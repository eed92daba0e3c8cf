"""The one place that reads the wall clock."""

from __future__ import annotations

import time


class SystemClock:
    """The computer's own clock. Everything else takes a :class:`perftui.model.Clock`."""

    def now_us(self) -> int:
        """Microseconds since the Unix epoch (may step when the clock is set)."""
        return time.time_ns() // 1000

    def monotonic(self) -> float:
        """Seconds from an arbitrary start; never steps back."""
        return time.monotonic()
