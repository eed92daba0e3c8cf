"""What batches add to their sessions, their pageviews and the volume of their day.

Sessions and pageviews carry their totals, so that listing them reads no entry. The batches of one
transaction are of few of them, mostly; so what each adds is gathered, and written once for each row
before COMMIT.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache

import msgspec

from perftui.entry_columns import EntryColumns
from perftui.model import Batch, Entry
from perftui.store.connection import Connection, value
from perftui.store.interning import Urls
from perftui.store.totals import Totals

DAY_US = 86_400_000_000


@dataclass(slots=True)
class _Sums:
    """Totals of several batches, and the moments that they span."""

    start_us: int | None = None
    end_us: int | None = None
    entries: int = 0
    requests: int = 0
    errors: int = 0
    transfer_bytes: int = 0
    unknown_sizes: int = 0

    def add(self, totals: Totals, span_us: tuple[int, int] | None) -> None:
        self.entries += totals.entries
        self.requests += totals.requests
        self.errors += totals.errors
        self.transfer_bytes += totals.transfer_bytes
        self.unknown_sizes += totals.unknown_sizes
        if span_us is not None:
            start, end = span_us
            self.start_us = start if self.start_us is None else min(start, self.start_us)
            self.end_us = end if self.end_us is None else max(end, self.end_us)

    def totals(self) -> tuple[int, int, int, int, int]:
        """In the order in which both statements take them."""
        return (
            *(self.entries, self.requests, self.errors),
            *(self.transfer_bytes, self.unknown_sizes),
        )


@dataclass(slots=True)
class _SessionChange:
    """What a session gets; its moments are µs since the epoch."""

    first_seq: int
    last_seq: int = 0
    sums: _Sums = field(default_factory=_Sums)
    received_us: int = 0
    batches: int = 0
    rejected: int = 0
    byte_count: int = 0
    wire_byte_count: int = 0
    clock_error_us: int | None = None
    client: str | None = None
    dropped: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class _PageViewChange:
    """What a pageview gets; its moments are µs after its time origin. Of what several batches tell
    of the page the latest is kept."""

    sums: _Sums = field(default_factory=_Sums)
    url: str | None = None
    title: str | None = None
    referrer: str | None = None
    kind: str | None = None
    navigation_type: str | None = None
    told_start_us: int | None = None

    def tell(self, batch: Batch) -> None:
        """What a batch and its entries tell of the page."""
        page = batch.page
        url, title, referrer = page.url, page.title, page.referrer
        navigation_type = page.navigation_type
        kind = told_start = None
        for entry in _page_entries(batch.entries):
            if entry.entry_type == "pageview":
                url = entry.name or url
                kind = _text(entry, "kind")
                title = title or _text(entry, "title")
                referrer = _text(entry, "referrer") or referrer
                told_start = entry.start_us
            elif entry.entry_type == "navigation" and navigation_type is None:
                navigation_type = _text(entry, "type")
        if url:
            self.url = url
        if title is not None:
            self.title = title
        if referrer is not None:
            self.referrer = referrer
        if kind is not None:
            self.kind = kind
        if navigation_type is not None:
            self.navigation_type = navigation_type
        if told_start is not None:
            self.told_start_us = told_start


class Counters:
    """Gathers within the writer's open transaction.

    Args:
        connection: the writer's, as is ``urls``.
    """

    def __init__(self, connection: Connection, urls: Urls) -> None:
        self._connection = connection
        self._urls = urls
        self._sessions: dict[int, _SessionChange] = {}
        self._page_views: dict[int, _PageViewChange] = {}
        self._volume: Counter[tuple[str, str, str]] = Counter()

    def clear(self) -> None:
        """Forget what was gathered: the transaction is rolled back."""
        self._sessions.clear()
        self._page_views.clear()
        self._volume.clear()

    def add_to_session(
        self,
        row: int,
        batch: Batch,
        totals: Totals,
        *,
        span_us: tuple[int, int] | None,
        seqs: tuple[int, int],
        clock_error_us: int | None,
    ) -> None:
        """Count a batch for its session.

        Args:
            span_us: start and end of its entries, µs since the epoch.
            seqs: their first and last position.
            clock_error_us: what the session's clock is off by, where that is known anew.
        """
        change = self._sessions.get(row)
        if change is None:
            change = self._sessions[row] = _SessionChange(seqs[0])
        change.last_seq = seqs[1]
        change.sums.add(totals, span_us)
        change.received_us = max(change.received_us, batch.received_us)
        change.batches += 1
        change.rejected += batch.rejected_count
        change.byte_count += batch.byte_count
        change.wire_byte_count += batch.wire_byte_count
        if clock_error_us is not None:
            change.clock_error_us = clock_error_us
        if change.client is None and batch.client:
            change.client = msgspec.json.encode(batch.client).decode()
        if batch.dropped:
            change.dropped.update(batch.dropped)

    def add_to_page_view(
        self, row: int, batch: Batch, totals: Totals, *, span_us: tuple[int, int] | None
    ) -> None:
        """Count a batch for its pageview, with what it tells of the page.

        Args:
            span_us: start and end of its entries, µs after the pageview's time origin.
        """
        change = self._page_views.get(row)
        if change is None:
            change = self._page_views[row] = _PageViewChange()
        change.sums.add(totals, span_us)
        change.tell(batch)

    def add_to_volume(self, batch: Batch) -> None:
        """Count a batch for the day on which it was received."""
        day = _day(batch.received_us // DAY_US)
        counts = EntryColumns.of(batch.entries).counts_by_type()
        for entry_type, count in counts.items():
            self._volume[day, entry_type, "entries"] += count
        told = batch.bytes_by_type
        if not told and counts:
            share = batch.byte_count / len(batch.entries)
            told = {entry_type: round(share * count) for entry_type, count in counts.items()}
        for entry_type, byte_count in told.items():
            self._volume[day, entry_type, "bytes"] += byte_count

    def write(self) -> None:
        """Write what was gathered."""
        self.write_sessions_and_page_views()
        self._write_volume()

    def write_sessions_and_page_views(self) -> None:
        """Write what was gathered of these, before somebody reads or changes their rows."""
        page_views, self._page_views = self._page_views, {}
        for row, change in page_views.items():
            self._write_page_view(row, change)
        sessions, self._sessions = self._sessions, {}
        for row, session_change in sessions.items():
            self._write_session(row, session_change)

    def _write_page_view(self, row: int, change: _PageViewChange) -> None:
        self._connection.execute(
            "UPDATE pageview SET url = ifnull(?, url), title = ifnull(?, title),"
            " referrer = ifnull(?, referrer), kind = ifnull(?, kind),"
            " navigation_type = ifnull(?, navigation_type),"
            " told_start_us = ifnull(?, told_start_us),"
            " start_us = min(start_us, ifnull(?, start_us)), end_us = max(end_us, ifnull(?, end_us)),"
            " entry_count = entry_count + ?, request_count = request_count + ?,"
            " error_count = error_count + ?, transfer_bytes = transfer_bytes + ?,"
            " unknown_size_count = unknown_size_count + ? WHERE id = ?",
            (
                self._urls[change.url] if change.url else None,
                *(change.title, change.referrer, change.kind, change.navigation_type),
                *(change.told_start_us, change.sums.start_us, change.sums.end_us),
                *(*change.sums.totals(), row),
            ),
        )

    def _write_session(self, row: int, change: _SessionChange) -> None:
        connection = self._connection
        connection.execute(
            "UPDATE session SET received_us = max(received_us, ?1), batch_count = batch_count + ?2,"
            " started_us = ifnull(min(started_us, ?3), ifnull(started_us, ?3)),"
            " ended_us = ifnull(max(ended_us, ?4), ifnull(ended_us, ?4)),"
            " entry_count = entry_count + ?5, request_count = request_count + ?6,"
            " error_count = error_count + ?7, transfer_bytes = transfer_bytes + ?8,"
            " unknown_size_count = unknown_size_count + ?9, rejected_count = rejected_count + ?10,"
            " byte_count = byte_count + ?11, wire_byte_count = wire_byte_count + ?12,"
            " first_seq = ifnull(first_seq, ?13), last_seq = ?14,"
            " clock_error_us = ifnull(?15, clock_error_us), client = ifnull(client, ?16)"
            " WHERE id = ?17",
            (
                *(change.received_us, change.batches, change.sums.start_us, change.sums.end_us),
                *change.sums.totals(),
                *(change.rejected, change.byte_count, change.wire_byte_count),
                *(change.first_seq, change.last_seq, change.clock_error_us, change.client, row),
            ),
        )
        if change.dropped:
            before = value(connection, "SELECT dropped FROM session WHERE id = ?", (row,))
            dropped = Counter(msgspec.json.decode(before, type=dict[str, int]) if before else {})
            dropped.update(change.dropped)
            connection.execute(
                "UPDATE session SET dropped = ? WHERE id = ?",
                (msgspec.json.encode(dict(dropped)).decode(), row),
            )

    def _write_volume(self) -> None:
        if not self._volume:
            return
        keys = {(day, entry_type) for day, entry_type, _ in self._volume}
        self._connection.executemany(
            "INSERT INTO volume (day, entry_type, entry_count, byte_count) VALUES (?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET entry_count = entry_count + excluded.entry_count,"
            " byte_count = byte_count + excluded.byte_count",
            [
                (*key, self._volume[(*key, "entries")], self._volume[(*key, "bytes")])
                for key in sorted(keys)
            ],
        )
        self._volume.clear()


@lru_cache(maxsize=64)
def _day(number: int) -> str:
    """A day of UTC by its number since the epoch, as ``2026-11-26``."""
    return datetime.fromtimestamp(number * (DAY_US // 1_000_000), UTC).date().isoformat()


def _page_entries(entries: Sequence[Entry]) -> Iterable[Entry]:
    """Those that tell of the page itself, in their order."""
    entries = EntryColumns.of(entries)
    if _PAGE_TYPES.isdisjoint(entries.counts_by_type()):
        return ()
    types = entries.columns["entry_type"]
    return [entries[place] for place, told in enumerate(types) if told in _PAGE_TYPES]


_PAGE_TYPES = frozenset({"pageview", "navigation"})


def _text(entry: Entry, field_name: str) -> str | None:
    told = entry.extra.get(field_name)
    return told if isinstance(told, str) and told else None
