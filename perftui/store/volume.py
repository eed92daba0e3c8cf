"""How much came in and what it costs: by type, by day, by session, received and on disk."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from perftui.entry_fields import REQUEST_ENTRY_TYPES
from perftui.store.connection import SQLITE_ERRORS
from perftui.store.reader import StoreReader
from perftui.store.schema import ENTRY_COLUMNS

OWN_ENTRY_TYPES = frozenset(
    {"pageview", "capture", "action", "error", "console", "visibility", "request-detail"}
)
"""Entry types that are no performance data: what the SDK adds to the browser's own entries, so
that a session is one stream."""

SAMPLED_BATCHES = 400
"""Batches, spread over the store, whose rows are measured for what each type takes on disk."""


class TypeVolume(msgspec.Struct, frozen=True):
    """One entry type.

    Attributes:
        received_entries, received_bytes: since the store was made, pruned ones too; bytes of JSON.
        stored_entries: what is in the store now.
        disk_bytes: its share of the file.
    """

    entry_type: str
    is_performance_data: bool
    received_entries: int
    received_bytes: int
    stored_entries: int
    disk_bytes: int


class DayVolume(msgspec.Struct, frozen=True):
    """What came in on one day (UTC, ``2026-11-23``), pruned entries too; bytes of JSON."""

    day: str
    received_entries: int
    received_bytes: int


class SessionVolume(msgspec.Struct, frozen=True):
    """One session that is in the store.

    Attributes:
        wire_bytes: as they came over the network, before decompression.
        disk_bytes: its share of the file.
    """

    session_id: str
    label: str | None
    pinned: bool
    received_us: int
    batches: int
    entries: int
    received_bytes: int
    wire_bytes: int
    disk_bytes: int


class Volume(msgspec.Struct, frozen=True):
    """The whole store.

    Attributes:
        file_bytes: the file; ``log_bytes``: the write-ahead log beside it.
        free_bytes: pages of the file that are empty, and will be used or given back.
        table_bytes: table or index -> bytes; None where SQLite was built without ``dbstat``.
        oldest_us, newest_us: receipt of the oldest and newest batch, µs since the epoch.
    """

    file_bytes: int
    log_bytes: int
    free_bytes: int
    sessions: int
    pinned_sessions: int
    stored_entries: int
    received_entries: int
    received_bytes: int
    performance_bytes: int
    oldest_us: int | None
    newest_us: int | None
    types: list[TypeVolume]
    days: list[DayVolume]
    by_session: list[SessionVolume]
    table_bytes: dict[str, int] | None

    @property
    def disk_bytes_per_entry(self) -> float | None:
        """Bytes of the file for each entry in it, all told; None in an empty store."""
        if not self.stored_entries:
            return None
        return (self.file_bytes - self.free_bytes) / self.stored_entries


def _row_bytes() -> str:
    """SQL for what one row of ``entry`` takes: a byte or two of header for each column, and its
    value as https://www.sqlite.org/fileformat2.html#record_format has it."""

    def of_column(name: str) -> str:
        if name == "e.extra":
            return "ifnull(length(CAST(e.extra AS BLOB)) + 1, 0)"
        return (
            f"(CASE WHEN {name} IS NULL OR {name} IN (0, 1) THEN 0"
            f" WHEN {name} BETWEEN -128 AND 127 THEN 1"
            f" WHEN {name} BETWEEN -32768 AND 32767 THEN 2"
            f" WHEN {name} BETWEEN -8388608 AND 8388607 THEN 3"
            f" WHEN {name} BETWEEN -2147483648 AND 2147483647 THEN 4"
            f" WHEN {name} BETWEEN -140737488355328 AND 140737488355327 THEN 6 ELSE 8 END)"
        )

    columns = [name for name in ENTRY_COLUMNS if name != "seq"]
    return f"({len(ENTRY_COLUMNS) + 8} + {' + '.join(of_column(f'e.{name}') for name in columns)})"


class VolumeReader(StoreReader):
    """A reader that can tell the volume. Raises as :class:`StoreReader` does."""

    def volume(self) -> Volume:
        """Count it all; reads every entry once (about 0.2 s for a million)."""
        page_bytes = int(self._value("PRAGMA page_size"))
        free_bytes = int(self._value("PRAGMA freelist_count")) * page_bytes
        file_bytes = int(self._value("PRAGMA page_count")) * page_bytes
        tables = self._table_bytes()
        stored = self._stored_by_type()
        types = self._types(stored, file_bytes - free_bytes, tables)
        entry_count = sum(stored.values())
        share = (file_bytes - free_bytes) / entry_count if entry_count else 0.0
        sessions = self._sessions(share)
        oldest, newest = self._rows("SELECT min(received_us), max(received_us) FROM batch")[0]
        return Volume(
            file_bytes=file_bytes,
            log_bytes=self._log_bytes(),
            free_bytes=free_bytes,
            sessions=len(sessions),
            pinned_sessions=sum(session.pinned for session in sessions),
            stored_entries=entry_count,
            received_entries=sum(one.received_entries for one in types),
            received_bytes=sum(one.received_bytes for one in types),
            performance_bytes=sum(one.received_bytes for one in types if one.is_performance_data),
            oldest_us=oldest,
            newest_us=newest,
            types=types,
            days=[
                DayVolume(*row)
                for row in self._rows(
                    "SELECT day, sum(entry_count), sum(byte_count) FROM volume"
                    " GROUP BY day ORDER BY day"
                )
            ],
            by_session=sessions,
            table_bytes=tables,
        )

    def _log_bytes(self) -> int:
        log = self.path.with_name(self.path.name + "-wal")
        return log.stat().st_size if log.exists() else 0

    def _table_bytes(self) -> dict[str, int] | None:
        try:
            return dict(
                self._connection.execute(
                    "SELECT name, pgsize FROM dbstat WHERE aggregate = TRUE"
                ).fetchall()
            )
        except SQLITE_ERRORS:
            return None

    def _stored_by_type(self) -> dict[str, int]:
        return dict(
            self._rows(
                "SELECT t.text, c.entries FROM"
                " (SELECT type, count(*) AS entries FROM entry GROUP BY type) AS c"
                " JOIN string AS t ON t.id = c.type"
            )
        )

    def _types(
        self, stored: dict[str, int], used_bytes: int, tables: dict[str, int] | None
    ) -> list[TypeVolume]:
        received = {
            row[0]: row[1:]
            for row in self._rows(
                "SELECT entry_type, sum(entry_count), sum(byte_count) FROM volume"
                " GROUP BY entry_type"
            )
        }
        disk = _shares(stored, self._row_sizes(), used_bytes, tables)
        found = [
            TypeVolume(
                entry_type=entry_type,
                is_performance_data=entry_type not in OWN_ENTRY_TYPES,
                received_entries=received.get(entry_type, (0, 0))[0],
                received_bytes=received.get(entry_type, (0, 0))[1],
                stored_entries=stored.get(entry_type, 0),
                disk_bytes=disk.get(entry_type, 0),
            )
            for entry_type in stored.keys() | received.keys()
        ]
        found.sort(key=lambda one: (-one.received_bytes, -one.stored_entries, one.entry_type))
        return found

    def _row_sizes(self) -> dict[str, float]:
        """Entry type -> mean bytes of a row, from a sample of batches."""
        return dict(
            self._rows(
                f"SELECT t.text, avg({_row_bytes()}) FROM batch AS b"
                " JOIN entry AS e ON e.seq BETWEEN b.first_seq AND b.last_seq"
                " JOIN string AS t ON t.id = e.type WHERE b.id IN ("
                "  SELECT id FROM batch WHERE id % (1 + (SELECT count(*) FROM batch) / ?) = 0)"
                " GROUP BY e.type",
                (SAMPLED_BATCHES,),
            )
        )

    def _sessions(self, share: float) -> list[SessionVolume]:
        return [
            SessionVolume(
                session_id=row[0],
                label=row[1],
                pinned=bool(row[2]),
                received_us=row[3],
                batches=row[4],
                entries=row[5],
                received_bytes=row[6],
                wire_bytes=row[7],
                disk_bytes=round(share * row[5]),
            )
            for row in self._rows(
                "SELECT session_id, label, pinned, received_us, batch_count, entry_count,"
                " byte_count, wire_byte_count FROM session WHERE session_id IS NOT NULL"
                " ORDER BY entry_count DESC, id"
            )
        ]


def _shares(
    stored: dict[str, int],
    row_sizes: dict[str, float],
    used_bytes: int,
    tables: dict[str, int] | None,
) -> dict[str, int]:
    """Entry type -> its share of the file: the rows by their size, the URLs for requests alone,
    everything else by count."""
    total = sum(stored.values())
    if not total:
        return {}
    usual = sum(row_sizes.values()) / len(row_sizes) if row_sizes else 1.0
    weights = {
        entry_type: count * row_sizes.get(entry_type, usual) for entry_type, count in stored.items()
    }
    rows_bytes = used_bytes if tables is None else tables.get("entry", 0)
    url_bytes = 0 if tables is None else _sum(tables, ("url", "url_hash"))
    requests = sum(count for entry_type, count in stored.items() if _is_request(entry_type))
    if not requests:
        url_bytes = 0
    other_bytes = used_bytes - rows_bytes - url_bytes
    weight = sum(weights.values())
    return {
        entry_type: round(
            rows_bytes * weights[entry_type] / weight
            + (url_bytes * count / requests if _is_request(entry_type) else 0)
            + other_bytes * count / total
        )
        for entry_type, count in stored.items()
    }


def _is_request(entry_type: str) -> bool:
    return entry_type in REQUEST_ENTRY_TYPES


def _sum(tables: dict[str, int], names: Sequence[str]) -> int:
    return sum(tables.get(name, 0) for name in names)
