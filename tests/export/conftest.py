"""Batches to export, and the real engine in a folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

import pytest

from perftui.model import Batch, Entry, Page
from perftui.store.writer import StoreWriter

BEGAN_US = 1_795_451_678_400_100
"""2026-11-23, in µs since the epoch."""

SETTLED = (
    "https://shop.test/app.js",
    "https://cdn.test/x/8812/hero.avif",
    "https://shop.test/api/cart/1",
)


def made_batches(count: int, entries: int = 20, *, seed: int = 1) -> list[Batch]:
    """Batches of several sessions and pageviews, some without entries or with client's losses."""
    random = Random(seed)
    return [_made_batch(number, entries, random) for number in range(count)]


def _made_batch(number: int, entries: int, random: Random) -> Batch:
    return Batch(
        session_id=f"session-{number // 8}",
        page_view_id=f"view-{number // 3}",
        entries=[_made_entry(random, place) for place in range(entries if number % 7 else 0)],
        key=number.to_bytes(16, "big"),
        time_origin_us=BEGAN_US + number // 3 * 5_000_000,
        received_us=BEGAN_US + number * 1_700_000,
        sent_us=BEGAN_US + number * 1_700_000 - 900 if number % 2 else None,
        byte_count=1000 + number,
        wire_byte_count=500 + number,
        page=Page(url=f"https://shop.test/p/{number // 3}", title=f"Page {number // 3}"),
        client={"sdk": "perftui/0.1.0", "viewport": [1280, 800]} if number % 8 == 0 else {},
        dropped={"mark": number} if number % 5 == 0 else {},
        rejected_count=number % 3,
    )


def _made_entry(random: Random, place: int) -> Entry:
    start = random.randrange(5_000_000)
    if place % 10 == 9:
        # A URL that is also the name of something that is no request.
        return Entry(entry_type="request-detail", name=SETTLED[0], start_us=start, duration_us=0)
    if place % 5 == 4:
        return Entry(entry_type="mark", name=f"m{place}", start_us=start, duration_us=0)
    if place % 5 == 3:
        return Entry(
            entry_type="layout-shift", name="", start_us=start, duration_us=0, extra={"value": 0.25}
        )
    url = random.choice(SETTLED)
    if place % 10 == 1:
        return Entry(entry_type="resource", name=SETTLED[0], start_us=start, duration_us=7000)
    if place % 5 == 2:  # opaque: neither phases nor sizes
        return Entry(entry_type="resource", name=url, start_us=start, duration_us=9000)
    return Entry(
        entry_type="resource",
        name=f"{url}?v={random.randrange(50)}",
        start_us=start,
        duration_us=random.randrange(900_000),
        initiator_type="fetch" if "api" in url else "script",
        response_status=random.choice([200, 200, 304, 500]),
        request_start_us=start + 100,
        response_start_us=start + random.randrange(100, 8000),
        response_end_us=start + 9000,
        transfer_size=random.randrange(100_000),
        encoded_body_size=random.randrange(100_000),
        decoded_body_size=random.randrange(300_000),
        extra={"serverTiming": [{"name": "db", "duration": 5}]} if place % 4 == 0 else {},
    )


StoreOf = Callable[[Sequence[Batch]], Path]


@pytest.fixture
def store_of(tmp_path: Path) -> StoreOf:
    """Makes a store file that holds some batches."""
    made: list[Path] = []

    def make(batches: Sequence[Batch]) -> Path:
        path = tmp_path / f"store-{len(made)}.db"
        made.append(path)
        writer = StoreWriter(path)
        try:
            writer.write_batches(batches)
        finally:
            writer.close_now()
        return path

    return make


@pytest.fixture
def engine_dsn(tmp_path: Path) -> str:
    """An embedded engine's DSN in a folder of its own."""
    return f"chdb://{tmp_path}/clickhouse"
