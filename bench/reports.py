"""``make bench-reports``: each answer over a large store and over one session of ten thousand
entries, with chdb's ``sqlite()`` over the same file as the figure to beat.

    python -m bench.reports                      a million entries: some minutes, 2 GB of memory
    python -m bench.reports --entries 100000

The limits of the project stand beside the figures; OVER marks what exceeds them.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from bench.generator import START_EPOCH_MS, Generator
from perftui.analysis.insights.answer import Question
from perftui.analysis.insights.reading import answer, read_study
from perftui.analysis.insights.study import Study
from perftui.capture.batch import decode_batch
from perftui.store.reader import StoreReader
from perftui.store.writer import StoreWriter

MAXIMUM_ALL_S = 1.0
"""One answer over the whole store of a million entries."""

MAXIMUM_SESSION_S = 0.05
"""One answer over one session of ten thousand entries."""

SESSION_ENTRIES = 10_000
BATCH_ENTRIES = 100

Result = TypeVar("Result")


def fill(path: Path, entries: int) -> None:
    """Sessions of ten thousand entries each, from the generator's batches."""
    generator = Generator()
    received_us = round(START_EPOCH_MS * 1000)
    writer = StoreWriter(path)
    try:
        for first in range(0, entries, SESSION_ENTRIES):
            writer.write_batches(
                [
                    decode_batch(
                        msgspec.json.encode(
                            generator.batch(BATCH_ENTRIES, session=first // SESSION_ENTRIES)
                        ),
                        received_us=received_us + first,
                    ).batch
                    for _ in range(min(SESSION_ENTRIES, entries - first) // BATCH_ENTRIES)
                ]
            )
    finally:
        asyncio.run(writer.close())


def timed(work: Callable[[], Result]) -> tuple[float, Result]:
    """Seconds of one run, and what it made."""
    gc.collect()
    began = time.perf_counter()
    result = work()
    return time.perf_counter() - began, result


def engine_s(path: Path) -> float | None:
    """Percentiles of every URL's durations by chdb over the store's file; None without chdb."""
    if find_spec("chdb") is None:
        return None
    from importlib import import_module

    session: Any = import_module("chdb.session").Session()
    query = (
        "SELECT url, count(), quantiles(0.5, 0.75, 0.95)(duration_us)"
        f" FROM sqlite('{path}', 'entry') GROUP BY url FORMAT Null"
    )
    session.query("SELECT 1")
    seconds, _ = timed(lambda: session.query(query))
    session.close()
    return seconds


def measure(name: str, study_s: float, study: Study, limit_s: float, engine: float | None) -> int:
    """Print a line for each answer; how many exceed the limit."""
    requests = f"{len(study.requests):,} requests"
    print(f"{name}: {requests}; read and sorted out once in {study_s:.2f} s")
    session_id, summary = next(iter(study.summaries.items()))
    over = 0
    for question in Question:
        seconds, _ = timed(
            lambda question=question: answer(  # type: ignore[misc]
                study, question, session_id=session_id, at_us=summary.duration_us // 2
            )
        )
        over += seconds > limit_s
        ratio = "" if engine is None else f"  {seconds / engine:6.2f} of chdb"
        verdict = "OVER" if seconds > limit_s else "met"
        print(
            f"  {question.value:<12} {seconds * 1000:9.1f} ms{ratio}  (at most {limit_s:g} s: {verdict})"
        )
    return over


def main() -> int:
    """Measure; the number of exceeded limits is told, and ends the run with 1."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=1_000_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "reports.db"
        fill(path, options.entries)
        print(
            f"Python {platform.python_version()}, {os.cpu_count()} cores, {options.entries:,} entries"
        )
        engine = engine_s(path)
        if engine is not None:
            print(f"chdb sqlite(), percentiles of everything: {engine * 1000:.0f} ms")
        with StoreReader(path) as reader:
            summaries = reader.sessions()
            seconds, one = timed(lambda: read_study(reader, summaries[:1]))
            over = measure("one session", seconds, one, MAXIMUM_SESSION_S, None)
            seconds, everything = timed(lambda: read_study(reader, summaries))
            over += measure("all sessions", seconds, everything, MAXIMUM_ALL_S, engine)
    print(f"{over} of {2 * len(Question)} answers exceed their limit")
    return int(over > 0)


if __name__ == "__main__":
    sys.exit(main())
