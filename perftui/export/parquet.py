"""Parquet files with the production table's columns, one folder for each day.

``day=2026-11-23/entries-1-812.parquet`` holds the rows of that day of a block of batches. The name
follows from the block, so a repeated export writes the same files again and adds nothing.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from perftui.errors import ExportError, MissingExtraError

EPOCH = date(1970, 1, 1)


class ParquetFolder:
    """A destination of :func:`perftui.export.drain.drain`.

    Raises:
        MissingExtraError: pyarrow is not installed.
        ExportError: the folder cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        try:
            import pyarrow.parquet  # noqa: F401
        except ImportError as error:
            raise MissingExtraError("clickhouse", "writing Parquet") from error
        self.folder = folder
        self.table_id = _identity(folder)

    def send(self, table: Any, token: str) -> None:
        """Write a table's rows into the folders of their days.

        Args:
            token: ``store:selection:first-last``, which names the file.

        Raises:
            ExportError: a file cannot be written.
        """
        import pyarrow as pa
        import pyarrow.compute as pc
        from pyarrow import parquet

        days = pc.floor_temporal(table.column("timestamp"), unit="day")
        numbers = pc.divide(
            days.cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()), 86_400_000_000
        )
        name = token.split(":", 1)[1].removeprefix("all:").replace(":", "-")
        for number in sorted(pc.unique(numbers).to_pylist()):
            day = EPOCH + timedelta(days=number)
            path = self.folder / f"day={day.isoformat()}" / f"entries-{name}.parquet"
            unfinished = path.with_name(f".{path.name}.unfinished")
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                parquet.write_table(
                    table.filter(pc.equal(numbers, number)), unfinished, compression="zstd"
                )
                unfinished.replace(path)
            except OSError as error:
                raise ExportError(f"cannot write {path}: {error.strerror or error}") from error


def _identity(folder: Path) -> str:
    """What a folder is known by; another one once it was deleted and made anew."""
    path = folder / ".perftui-export"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.write_text(f"{uuid4()}\n", encoding="ascii")
        return path.read_text(encoding="ascii").strip()
    except OSError as error:
        raise ExportError(f"cannot write {path}: {error.strerror or error}") from error
