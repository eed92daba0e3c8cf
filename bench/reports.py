"""``make bench-reports``: each answer over a large store and over one session of ten thousand
entries, with chdb's ``sqlite()`` over the same file as the figure to beat.

    python -m bench.reports                      a million entries: about two minutes
    python -m bench.reports --entries 100000

Each answer is asked for as the app asks: with a reader and a study of its own, nothing read before.
The limits of the project stand beside the figures; OVER marks what exceeds them.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import platform
import random
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from bench.generator import START_EPOCH_MS, Generator
from perftui.analysis.insights.answer import Answer, Question
from perftui.analysis.insights.reading import answer, answers_in_parts, read_study
from perftui.capture.batch import decode_batch
from perftui.store.reader import StoreReader
from perftui.store.writer import StoreWriter

MAXIMUM_ALL_S = 1.0
"""One answer over the whole store of a million entries."""

MAXIMUM_SESSION_S = 0.05
"""One answer over one session of ten thousand entries."""

SESSION_ENTRIES = 10_000
BATCH_ENTRIES = 100
REPEATS = 3

Result = TypeVar("Result")


def surroundings(chance: random.Random, page: str) -> list[dict[str, Any]]:
    """What a pageview has beside its resources: navigation, paints, tasks, inputs, an event."""
    first_byte, painted = chance.uniform(80, 400), chance.uniform(500, 1_500)
    navigation = {
        "entryType": "navigation",
        "name": page,
        "startTime": 0,
        "duration": painted + 300,
        "initiatorType": "navigation",
        "renderBlockingStatus": "non-blocking",
        "requestStart": 5,
        "responseStart": first_byte,
        "responseEnd": first_byte + 20,
        "transferSize": 9_300,
        "encodedBodySize": 9_000,
        "decodedBodySize": 40_000,
        "responseStatus": 200,
        "contentType": "text/html",
    }
    found = [navigation, {"entryType": "pageview", "name": page, "startTime": 0, "kind": "load"}]
    for kind, name, at in (
        ("paint", "first-contentful-paint", painted),
        ("largest-contentful-paint", "", painted),
        ("largest-contentful-paint", "", painted + 400),
    ):
        found.append({"entryType": kind, "name": name, "startTime": at, "duration": 0})
    for place in range(6):
        at = painted + place * 2_500
        found.append({"entryType": "longtask", "name": "self", "startTime": at, "duration": 80})
        found.append({"entryType": "mark", "name": f"step-{place}", "startTime": at})
        found.append(
            {
                "entryType": "event",
                "name": "click",
                "startTime": at + 2_000,
                "duration": chance.choice([24, 64, 240]),
                "interactionId": 1_000 + place * 7,
            }
        )
    name = chance.choice(["bought", "gave_up", "searched"])
    found.append({"entryType": "capture", "name": name, "startTime": 9_000})
    return found


def fill(path: Path, entries: int) -> None:
    """Sessions of ten thousand entries each, from the generator's batches; the first batch of a
    pageview also has what a browser tells beside its resources."""
    generator, chance = Generator(), random.Random(7)
    received_us = round(START_EPOCH_MS * 1000)
    writer = StoreWriter(path)
    known: set[str] = set()
    try:
        for first in range(0, entries, SESSION_ENTRIES):
            batches = []
            room = min(SESSION_ENTRIES, entries - first)
            while room > 0:
                wire = generator.batch(min(BATCH_ENTRIES, room), session=first // SESSION_ENTRIES)
                if wire["pageViewId"] not in known:
                    known.add(wire["pageViewId"])
                    beside = surroundings(chance, wire["page"]["url"])[:room]
                    wire["entries"] = [*beside, *wire["entries"][len(beside) :]]
                room -= len(wire["entries"])
                body = msgspec.json.encode(wire)
                batches.append(decode_batch(body, received_us=received_us + first).batch)
            writer.write_batches(batches)
    finally:
        asyncio.run(writer.close())


def timed(work: Callable[[], Result]) -> tuple[float, Result]:
    """Seconds of the fastest of some runs, and what it made."""
    best, result = float("inf"), None
    for _ in range(REPEATS):
        gc.collect()
        began = time.perf_counter()
        result = work()
        best = min(best, time.perf_counter() - began)
    assert result is not None
    return best, result


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


def ask(path: Path, question: Question, sessions: int | None) -> Answer:
    """One answer from nothing; about the newest session or about all."""
    with StoreReader(path) as reader:
        # A moment is of one session.
        limit = 1 if question is Question.MOMENT else sessions
        summaries = reader.sessions(limit=limit)
        study = read_study(reader, summaries)
        first = summaries[0]
        return answer(study, question, session_id=first.session_id, at_us=first.duration_us // 2)


def first_part(path: Path, question: Question) -> Answer:
    """What is shown first of an answer about all sessions."""
    with StoreReader(path) as reader:
        return next(answers_in_parts(reader, reader.sessions(), question))


def longest_pause_s(work: Callable[[], object]) -> float:
    """For how long at most an event loop did not run while another thread worked."""

    async def watch() -> float:
        longest, before = 0.0, time.perf_counter()
        while thread.is_alive():
            await asyncio.sleep(0.001)
            now = time.perf_counter()
            longest, before = max(longest, now - before - 0.001), now
        return longest

    thread = threading.Thread(target=work)
    thread.start()
    return asyncio.run(watch())


def measure(
    name: str, path: Path, sessions: int | None, limit_s: float, engine: float | None
) -> int:
    """Print a line for each answer; how many exceed the limit."""
    print(name)
    over = 0
    for question in Question:
        seconds, told = timed(lambda question=question: ask(path, question, sessions))  # type: ignore[misc]
        over += seconds > limit_s
        ratio = "" if engine is None else f"  {seconds / engine:5.2f} of chdb"
        verdict = "OVER" if seconds > limit_s else "met"
        first = ""
        if sessions is None and question is not Question.MOMENT:
            shown_s, _ = timed(lambda question=question: first_part(path, question))  # type: ignore[misc]
            first = f"  first rows {shown_s * 1000:6.1f} ms"
        pause = longest_pause_s(lambda question=question: ask(path, question, sessions))  # type: ignore[misc]
        print(
            f"  {question.value:<12} {seconds * 1000:8.1f} ms{ratio}  (at most {limit_s:g} s:"
            f" {verdict}; {told.coverage.requests:,} requests){first}"
            f"  longest pause {pause * 1000:5.1f} ms"
        )
    return over


def main() -> int:
    """Measure; the number of exceeded limits is told, and ends the run with 1."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--store", type=Path, help="a store that this has filled before")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = options.store or Path(folder) / "reports.db"
        if not path.exists():
            fill(path, options.entries)
        print(
            f"Python {platform.python_version()}, {os.cpu_count()} cores, {options.entries:,} entries"
        )
        engine = engine_s(path)
        if engine is not None:
            print(f"chdb sqlite(), percentiles of everything: {engine * 1000:.0f} ms")
        over = measure("one session", path, 1, MAXIMUM_SESSION_S, None)
        over += measure("all sessions", path, None, MAXIMUM_ALL_S, engine)
    print(f"{over} of {2 * len(Question)} answers exceed their limit")
    return int(over > 0)


if __name__ == "__main__":
    sys.exit(main())
