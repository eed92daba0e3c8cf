"""A store in a folder of its own, written and read with either driver."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from perftui.config import StoreSettings
from perftui.store.connection import DRIVERS
from perftui.store.reader import StoreReader
from perftui.store.writer import StoreWriter
from tests.store.builders import FixedClock


@pytest.fixture(params=("apsw", "sqlite3"))
def driver(request: pytest.FixtureRequest) -> str:
    """Both drivers in turn."""
    if request.param not in DRIVERS:
        pytest.skip("needs apsw (perftui[fast])")
    return str(request.param)


@pytest.fixture
def clock() -> FixedClock:
    """The clock of the store."""
    return FixedClock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the store is."""
    return tmp_path / "perftui.db"


@pytest.fixture
def writer(path: Path, clock: FixedClock) -> Iterator[StoreWriter]:
    """The writer of a new store."""
    writer = StoreWriter(path, clock=clock, settings=StoreSettings(min_free_bytes=0))
    yield writer
    writer.close_now()


@pytest.fixture
def open_reader(path: Path) -> Iterator[Callable[[], StoreReader]]:
    """Opens readers, and closes them in the end."""
    readers: list[StoreReader] = []

    def open_one() -> StoreReader:
        readers.append(StoreReader(path))
        return readers[-1]

    yield open_one
    for reader in readers:
        reader.close()
