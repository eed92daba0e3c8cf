"""The power goes at any moment: no batch that was acknowledged is lost, none is there twice.

The VFS drops, reorders and tears whatever was not synced. That it would find a writer which does
not sync is a test of its own.
"""

from __future__ import annotations

import os
import random
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from perftui.config import StoreSettings
from perftui.store.connection import DRIVERS, connect
from perftui.store.retention import Retention, delete_sessions
from perftui.store.writer import StoreWriter
from tests.faults.power_loss_vfs import PowerLossVfs
from tests.store.builders import batch, request

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif("apsw" not in DRIVERS, reason="needs apsw (perftui[fast])"),
]

IMAGES = 300 if os.environ.get("PERFTUI_TEST_FAULTS") == "all" else 60
SETTINGS = StoreSettings(min_free_bytes=0, max_wal_bytes=200 * 1024)


@contextmanager
def _vfs(**options: object) -> Iterator[PowerLossVfs]:
    vfs = PowerLossVfs(f"power-loss-{uuid.uuid4().hex}", **options)  # type: ignore[arg-type]
    try:
        yield vfs
    finally:
        vfs.unregister()


class _Crashes:
    """Takes an image of the disk at random moments, with what was acknowledged by then."""

    def __init__(self, folder: Path, vfs: PowerLossVfs, seed: int, share: float = 0.02) -> None:
        self._share = share
        self._folder = folder
        self._vfs = vfs
        self._chance = random.Random(seed)
        self.acknowledged: set[str] = set()
        self.images: list[tuple[Path, frozenset[str]]] = []

    def __call__(self) -> None:
        if self._chance.random() < self._share and len(self.images) < IMAGES:
            folder = self._folder / f"image-{len(self.images)}"
            folder.mkdir()
            self._vfs.image(folder, self._chance)
            self.images.append((folder, frozenset(self.acknowledged)))


def _write_until_enough(writer: StoreWriter, crashes: _Crashes, chance: random.Random) -> None:
    number = 0
    while len(crashes.images) < IMAGES:
        urls = [f"https://a.test/{number + step}" for step in range(chance.choice([1, 3, 40]))]
        number += len(urls)
        writer.write_batches([batch([request(url)], session=f"s{number % 7}") for url in urls])
        crashes.acknowledged.update(urls)


def _urls(path: Path) -> list[str]:
    connection = connect(path)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return [
            row[0]
            for row in connection.execute(
                "SELECT u.url FROM entry AS e JOIN url AS u ON u.id = e.url"
                " JOIN batch AS b ON b.id = e.batch AND e.seq BETWEEN b.first_seq AND b.last_seq"
            ).fetchall()
        ]
    finally:
        connection.close()


def test_what_was_acknowledged_is_there_after_a_power_loss(tmp_path: Path) -> None:
    chance = random.Random(1)
    with _vfs() as vfs:
        writer = StoreWriter(
            tmp_path / "perftui.db", settings=SETTINGS, driver="apsw", vfs=vfs.name
        )
        crashes = _Crashes(tmp_path, vfs, seed=2)
        vfs.on_change = crashes
        _write_until_enough(writer, crashes, chance)
        vfs.on_change = None
        writer.close_now()
    assert len(crashes.images) == IMAGES
    for folder, acknowledged in crashes.images:
        StoreWriter(folder / "perftui.db", settings=SETTINGS).close_now()
        urls = _urls(folder / "perftui.db")
        assert len(urls) == len(set(urls))
        assert acknowledged <= set(urls)


def test_pruning_loses_nothing_else_when_the_power_goes(tmp_path: Path) -> None:
    with _vfs() as vfs:
        writer = StoreWriter(
            tmp_path / "perftui.db", settings=SETTINGS, driver="apsw", vfs=vfs.name
        )
        kept = {f"https://kept.test/{number}" for number in range(200)}
        gone = {f"https://gone.test/{number}" for number in range(4_000)}
        for session, urls in (("kept", sorted(kept)), ("gone", sorted(gone))):
            for begin in range(0, len(urls), 50):
                some = [request(url) for url in urls[begin : begin + 50]]
                writer.write_batches([batch(some, session=session)])
        delete_sessions(writer, ["gone"])
        crashes = _Crashes(tmp_path, vfs, seed=3, share=0.3)
        vfs.on_change = crashes
        Retention(writer, undo_seconds=-1.0).run()
        vfs.on_change = None
        writer.close_now()
    assert len(crashes.images) > 20
    for folder, _ in crashes.images:
        writer = StoreWriter(folder / "perftui.db", settings=SETTINGS)
        Retention(writer, undo_seconds=-1.0).run()
        writer.close_now()
        assert set(_urls(folder / "perftui.db")) == kept


def test_the_simulation_finds_a_writer_that_does_not_sync(tmp_path: Path) -> None:
    chance = random.Random(4)
    lost = 0
    with _vfs() as vfs:
        writer = StoreWriter(
            tmp_path / "perftui.db", settings=SETTINGS, driver="apsw", vfs=vfs.name
        )
        with writer.transaction():
            pass
        writer._connection.execute("PRAGMA synchronous = OFF")
        crashes = _Crashes(tmp_path, vfs, seed=5)
        vfs.on_change = crashes
        _write_until_enough(writer, crashes, chance)
        vfs.on_change = None
        writer.close_now()
    for folder, acknowledged in crashes.images:
        try:
            StoreWriter(folder / "perftui.db", settings=SETTINGS).close_now()
            found = set(_urls(folder / "perftui.db"))
        except Exception:
            lost += 1
        else:
            lost += not acknowledged <= found
    assert lost > IMAGES // 10
