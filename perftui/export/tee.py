"""One batch into several sinks."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from perftui.model import Batch, Receipt, Sink


class TeeSink:
    """Writes to all; acknowledges when all have.

    A batch that one of them refuses is refused as a whole, and when it is sent again, those that
    had it count it once.
    """

    def __init__(self, sinks: Sequence[Sink]) -> None:
        self.sinks = tuple(sinks)

    async def write(self, batch: Batch) -> Receipt:
        """Write to all at once.

        Returns:
            The first sink's receipt.

        Raises:
            SinkError: the first refusal, after all have answered.
        """
        answers = await asyncio.gather(
            *(sink.write(batch) for sink in self.sinks), return_exceptions=True
        )
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer
        first = answers[0]
        assert isinstance(first, Receipt)
        return first

    def figures(self) -> dict[str, float]:
        """Those of all of them."""
        figures: dict[str, float] = {}
        for sink in self.sinks:
            own = getattr(sink, "figures", None)
            if own is not None:
                figures |= own()
        return figures

    async def close(self) -> None:
        """Close all. Safe to call twice."""
        await asyncio.gather(*(sink.close() for sink in self.sinks))
