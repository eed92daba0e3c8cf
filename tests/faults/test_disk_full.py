"""The disk is full: 507 and no false 2xx, the store is read all the same, and service resumes."""

from __future__ import annotations

import os
import resource
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from perftui.config import StoreSettings
from perftui.errors import SinkFullError
from perftui.store.connection import DRIVERS
from perftui.store.reader import StoreReader
from perftui.store.retention import Retention, delete_sessions
from perftui.store.writer import StoreWriter
from tests.faults.load import CaptureProcess, Clients, assert_kept_once
from tests.faults.power_loss_vfs import PowerLossVfs
from tests.store.builders import batch, request

pytestmark = pytest.mark.faults


def _mount(folder: Path, size: str) -> bool:
    """Mount a small file system of its own; False where this process may not."""
    if os.geteuid() != 0:
        return False
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)],
        capture_output=True,
        check=False,
    )
    return done.returncode == 0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path | None]:
    """A file system of 8 MiB; None where none can be mounted."""
    folder = tmp_path / "small"
    if not _mount(folder, "8m"):
        yield None
        return
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


async def _fill(clients: Clients, port: int) -> None:
    for _ in range(2_000):
        await clients.send(port, connections=4, batches=20)
        if clients.statuses[507]:
            return
    raise AssertionError(f"never full: {clients.statuses}")


async def test_a_file_that_may_not_grow_is_507_and_service_resumes(tmp_path: Path) -> None:
    store = tmp_path / "perftui.db"
    clients = Clients(entries=50)
    server = CaptureProcess(store, PERFTUI_STORE_MIN_FREE_BYTES="0")
    try:
        limits = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (600_000, limits[1]))
        await _fill(clients, server.port)
        assert set(clients.statuses) == {200, 507}
        with StoreReader(store) as reader:
            assert sum(one.entry_count for one in reader.sessions()) >= len(clients.acknowledged)
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, limits)
        before = len(clients.acknowledged)
        full = clients.statuses[507]
        await clients.send(server.port, batches=20)
        assert len(clients.acknowledged) == before + 20 * 50
        assert clients.statuses[507] == full
    finally:
        server.end()
    assert_kept_once(store, clients.acknowledged)


@pytest.mark.parametrize("min_free", ["0", "2000000"])
async def test_a_full_disk_is_507_and_service_resumes(
    small_disk: Path | None, tmp_path: Path, min_free: str
) -> None:
    if small_disk is None:
        # Where nothing may be mounted the tests beside this one stand for it.
        return
    store = small_disk / "perftui.db"
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(4 * 2**20))
    clients = Clients(entries=50)
    server = CaptureProcess(store, PERFTUI_STORE_MIN_FREE_BYTES=min_free)
    try:
        await _fill(clients, server.port)
        assert set(clients.statuses) == {200, 507}
        with StoreReader(store) as reader:
            assert len(reader.sessions()) == 11
        ballast.unlink()
        before = len(clients.acknowledged)
        await clients.send(server.port, batches=20)
        assert len(clients.acknowledged) == before + 20 * 50
    finally:
        server.end()
    assert_kept_once(store, clients.acknowledged)


@pytest.mark.skipif("apsw" not in DRIVERS, reason="needs apsw (perftui[fast])")
def test_pruning_makes_room_on_a_disk_that_is_nearly_full(tmp_path: Path) -> None:
    vfs = PowerLossVfs(f"quota-{uuid.uuid4().hex}", quota=1_500_000)
    settings = StoreSettings(min_free_bytes=0, max_wal_bytes=200_000)
    writer = StoreWriter(tmp_path / "a.db", settings=settings, driver="apsw", vfs=vfs.name)
    stored: dict[str, int] = {}
    try:
        for number in range(10_000):
            session = f"s{number // 40}"
            urls = [request(f"https://a.test/{number}/{index}") for index in range(50)]
            try:
                writer.write_batches([batch(urls, session=session)])
            except SinkFullError:
                break
            stored[session] = stored.get(session, 0) + 50
        else:
            raise AssertionError("never full")
        with StoreReader(tmp_path / "a.db") as reader:
            assert {one.session_id: one.entry_count for one in reader.sessions()} == stored
        # What the watermark keeps free in life is what pruning needs.
        vfs.quota = 4_000_000
        doomed = list(stored)[: len(stored) // 2]
        delete_sessions(writer, doomed)
        Retention(writer, undo_seconds=-1.0).run()
        vfs.quota = 1_500_000
        (receipt,) = writer.write_batches([batch([request()], session="after")])
        assert receipt.accepted == 1
        with StoreReader(tmp_path / "a.db") as reader:
            left = {one.session_id for one in reader.sessions()}
        assert left == stored.keys() - set(doomed) | {"after"}
    finally:
        writer.close_now()
        vfs.unregister()
