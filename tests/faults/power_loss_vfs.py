"""A file system that may lose power: an SQLite VFS that remembers what was synced.

The files themselves are written as always, so that SQLite sees what it wrote. Beside them this
keeps, for each, what is certainly on the disk, and the writes since the last sync, of which a
disk may have done any, in any order, and each only in part. :meth:`PowerLossVfs.image` is what
might be found when the power comes back.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import apsw

SECTOR = 512
"""Bytes that a disk writes at once; a longer write may be done in part."""


class _Disk:
    """One file: what is certain, and what is not yet."""

    def __init__(self) -> None:
        self.synced = bytearray()
        self.pending: list[tuple[int, bytes] | int] = []
        """Writes (offset, data) and truncations (length), in order."""

    def sync(self) -> None:
        for change in self.pending:
            _apply(self.synced, change)
        self.pending.clear()

    def after_power_loss(self, chance: random.Random) -> bytearray:
        """What is found: the synced content with some of the other writes."""
        content = bytearray(self.synced)
        pieces: list[tuple[int, bytes] | int] = []
        for change in self.pending:
            if isinstance(change, int):
                pieces.append(change)
                continue
            offset, data = change
            begin = 0
            while begin < len(data):
                end = min(len(data), begin + SECTOR - (offset + begin) % SECTOR)
                pieces.append((offset + begin, data[begin:end]))
                begin = end
        kept_share = chance.choice([0.0, 0.1, 0.5, 0.9, 1.0])
        kept = [piece for piece in pieces if chance.random() < kept_share]
        if chance.random() < 0.5:
            chance.shuffle(kept)
        for piece in kept:
            _apply(content, piece)
        return content


def _apply(content: bytearray, change: tuple[int, bytes] | int) -> None:
    if isinstance(change, int):
        del content[change:]
        return
    offset, data = change
    if offset > len(content):
        content.extend(bytes(offset - len(content)))
    content[offset : offset + len(data)] = data


class PowerLossVfs(apsw.VFS):
    """The VFS ``name``, over the system's own.

    Args:
        on_change: called after each write, truncation and sync.
        quota: bytes that all files together may have; None for no limit.
    """

    def __init__(
        self,
        name: str,
        *,
        on_change: Callable[[], None] | None = None,
        quota: int | None = None,
    ) -> None:
        self.disks: dict[str, _Disk] = {}
        self.on_change = on_change
        self.quota = quota
        self.name = name
        super().__init__(name, base="")

    def xOpen(self, name: Any, flags: list[int]) -> _File:  # noqa: N802
        return _File(self, name, flags)

    def xDelete(self, filename: str, sync_directory: bool) -> None:  # noqa: N802
        super().xDelete(filename, sync_directory)
        self.disks.pop(filename, None)

    def changed(self) -> None:
        """Something was written."""
        if self.on_change is not None:
            self.on_change()

    def check_quota(self, filename: str, end: int) -> None:
        """Refuse a write that ends beyond the quota.

        Raises:
            apsw.FullError: as a full disk does.
        """
        if self.quota is None:
            return
        others = sum(
            Path(name).stat().st_size
            for name in self.disks
            if name != filename and Path(name).exists()
        )
        size = Path(filename).stat().st_size
        if end > size and others + end > self.quota:
            error: Any = apsw.FullError("no space left on the simulated disk")
            # What SQLite itself would tell the caller.
            error.result = error.extendedresult = apsw.SQLITE_FULL
            raise error

    def image(self, folder: Path, chance: random.Random) -> None:
        """Write what might be found after a power loss now into a folder."""
        for name, disk in self.disks.items():
            (folder / Path(name).name).write_bytes(disk.after_power_loss(chance))


class _File(apsw.VFSFile):
    def __init__(self, vfs: PowerLossVfs, name: Any, flags: list[int]) -> None:
        self._vfs = vfs
        self._name = name.filename() if isinstance(name, apsw.URIFilename) else str(name)
        super().__init__("", name, flags)
        path = Path(self._name)
        if self._name not in vfs.disks:
            disk = vfs.disks[self._name] = _Disk()
            disk.synced = bytearray(path.read_bytes())
        self._disk = vfs.disks[self._name]

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        self._vfs.check_quota(self._name, offset + len(data))
        super().xWrite(data, offset)
        self._disk.pending.append((offset, bytes(data)))
        self._vfs.changed()

    def xTruncate(self, size: int) -> None:  # noqa: N802
        super().xTruncate(size)
        self._disk.pending.append(size)
        self._vfs.changed()

    def xSync(self, flags: int) -> None:  # noqa: N802
        super().xSync(flags)
        self._disk.sync()
        self._vfs.changed()
