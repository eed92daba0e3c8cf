"""What came in and what it costs."""

from __future__ import annotations

from pathlib import Path

from perftui.config import StoreSettings
from perftui.model import Entry
from perftui.store.retention import Retention
from perftui.store.volume import VolumeReader
from perftui.store.writer import StoreWriter
from tests.store.builders import batch, request

DAY_US = 86_400_000_000


def _event(name: str) -> Entry:
    return Entry(entry_type="capture", name=name, start_us=0, duration_us=0)


def test_an_empty_store_has_no_volume(path: Path, writer: StoreWriter) -> None:
    with VolumeReader(path) as reader:
        volume = reader.volume()
    assert (volume.received_entries, volume.stored_entries, volume.sessions) == (0, 0, 0)
    assert volume.disk_bytes_per_entry is None
    assert volume.types == []


def test_it_is_told_by_type_by_day_and_by_session(path: Path, writer: StoreWriter) -> None:
    now_us = writer.clock.now_us()
    writer.write_batches(
        [
            batch(
                [request(), request(start_us=9), _event("bought")],
                byte_count=1_000,
                bytes_by_type={"resource": 900, "capture": 100},
                received_us=now_us,
            ),
            batch([request()], session="s2", byte_count=500, received_us=now_us - DAY_US),
        ]
    )
    with VolumeReader(path) as reader:
        volume = reader.volume()
    assert [
        (one.entry_type, one.received_entries, one.received_bytes, one.stored_entries)
        for one in volume.types
    ] == [("resource", 3, 1_400, 3), ("capture", 1, 100, 1)]
    assert [one.is_performance_data for one in volume.types] == [True, False]
    assert (volume.received_bytes, volume.performance_bytes) == (1_500, 1_400)
    assert [(day.day, day.received_entries, day.received_bytes) for day in volume.days] == [
        ("2026-11-22", 1, 500),
        ("2026-11-23", 3, 1_000),
    ]
    assert [(one.session_id, one.entries, one.received_bytes) for one in volume.by_session] == [
        ("s1", 3, 1_000),
        ("s2", 1, 500),
    ]


def test_the_shares_add_up_to_the_file(path: Path, writer: StoreWriter) -> None:
    for number in range(20):
        writer.write_batches(
            [batch([request(f"https://a.test/{number}/{i}") for i in range(100)] + [_event("x")])]
        )
    writer.checkpoint_now()
    with VolumeReader(path) as reader:
        volume = reader.volume()
    assert volume.file_bytes == path.stat().st_size
    used = volume.file_bytes - volume.free_bytes
    assert abs(sum(one.disk_bytes for one in volume.types) - used) <= len(volume.types)
    assert abs(sum(one.disk_bytes for one in volume.by_session) - used) <= 1
    by_type = {one.entry_type: one for one in volume.types}
    # A request has times, sizes and a URL; an event has a name.
    assert (
        by_type["resource"].disk_bytes / by_type["resource"].stored_entries
        > by_type["capture"].disk_bytes / by_type["capture"].stored_entries
    )


def test_what_was_pruned_still_counts_as_received(path: Path, writer: StoreWriter) -> None:
    writer.write_batches([batch([request()] * 5, received_us=1)])
    Retention(writer, StoreSettings(ttl="1d")).run()
    with VolumeReader(path) as reader:
        volume = reader.volume()
    assert (volume.received_entries, volume.stored_entries, volume.sessions) == (5, 0, 0)
    assert volume.types[0].disk_bytes == 0


def test_both_drivers_tell_the_same(path: Path, writer: StoreWriter) -> None:
    writer.write_batches([batch([request()] * 5)])
    writer.close_now()
    found = []
    for driver in ("apsw", "sqlite3"):
        with VolumeReader(path, driver=driver) as reader:
            found.append(reader.volume())
    assert found[0] == found[1]
