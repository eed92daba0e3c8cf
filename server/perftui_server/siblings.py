"""Workers of one server: each counts for itself, and whichever is asked tells the sum of all.

They reach each other by sockets in a folder that only their own user may enter.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from pathlib import Path

ANSWER_SECONDS = 1.0
"""How long another worker may take; one that does not answer is left out, and ``perftui_workers``
says how many are in the sum."""


class Siblings:
    """This worker among the others.

    Args:
        folder: of the sockets.
        number: of this worker, from 0.
        count: how many workers there are.
    """

    def __init__(self, folder: Path, number: int, count: int) -> None:
        self._folder = folder
        self._number = number
        self._count = count
        self._server: asyncio.Server | None = None

    def _path(self, number: int) -> Path:
        return self._folder / f"{number}.sock"

    async def start(self, own: Callable[[], str]) -> None:
        """Tell the others what ``own`` gives, whenever they ask."""

        async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(OSError):
                writer.write(own().encode())
                await writer.drain()
            writer.close()

        path = self._path(self._number)
        # What a worker that was killed has left.
        path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(answer, path)

    async def together(self, own: str) -> str:
        """The metrics of all workers that answer, added up."""
        others = [number for number in range(self._count) if number != self._number]
        answers = await asyncio.gather(*(self._ask(number) for number in others))
        texts = [own, *(text for text in answers if text is not None)]
        return (
            "# HELP perftui_workers Workers whose figures these are.\n"
            "# TYPE perftui_workers gauge\n"
            f"perftui_workers {len(texts)}\n" + added_up(texts)
        )

    async def _ask(self, number: int) -> str | None:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                reader, writer = await asyncio.open_unix_connection(self._path(number))
                try:
                    return (await reader.read()).decode()
                finally:
                    writer.close()
        except (OSError, TimeoutError):
            return None

    def stop(self) -> None:
        """Answer no more."""
        if self._server is not None:
            self._server.close()


def added_up(texts: Iterable[str]) -> str:
    """Metrics of several processes in the Prometheus text format as those of one: each sample is
    the sum of theirs (counters, histograms, and gauges that tell how much there is)."""
    families: dict[str, tuple[list[str], dict[str, float]]] = {}
    for text in texts:
        samples: dict[str, float] = {}
        for line in text.splitlines():
            if line.startswith("# HELP "):
                name = line.split(" ", 3)[2]
                _, samples = families.setdefault(name, ([line], {}))
            elif line.startswith("# TYPE "):
                head = families[line.split(" ", 3)[2]][0]
                head[1:] = [line]
            elif line:
                sample, _, value = line.rpartition(" ")
                samples[sample] = samples.get(sample, 0) + float(value)
    lines: list[str] = []
    for head, samples in families.values():
        lines += head
        lines += [f"{sample} {_number(value)}" for sample, value in samples.items()]
    return "\n".join(lines) + "\n"


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() else f"{value:.6f}"
