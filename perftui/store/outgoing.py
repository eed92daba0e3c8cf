"""What leaves the store for an export: whole batches in blocks (:mod:`perftui.blocks`)."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

import msgspec

from perftui.blocks import Amendment, Block, StoredBatch, StoredUrl
from perftui.entry_fields import ENTRY_FIELDS, FieldKind
from perftui.model import JSON, Batch, Entry, Page
from perftui.store.connection import Row, connect, store_errors
from perftui.store.migrations import identify
from perftui.store.rows import ENTRY_JOINS, ENTRY_JSON
from perftui.store.schema import ENTRY_COLUMNS

BLOCK_ENTRIES = 50_000
"""Entries after which a block ends. Bounds memory: about 30 MB."""


_BATCH = """
SELECT b.id, b.first_seq, b.last_seq, s.session_id, p.page_view_id, b.key, b.time_origin_us,
  b.time_origin_estimated, b.received_us, b.sent_us, b.byte_count, b.wire_byte_count,
  b.rejected_count, u.url, p.title, p.referrer, p.navigation_type, s.client, b.dropped, source.text
FROM batch AS b
JOIN session AS s ON s.id = b.session AND s.session_id IS NOT NULL
JOIN pageview AS p ON p.id = b.pageview
JOIN string AS source ON source.id = b.source
LEFT JOIN url AS u ON u.id = p.url
"""

_TEXT_COLUMNS = (
    "type",
    "name",
    *(field.attribute for field in ENTRY_FIELDS if field.kind is FieldKind.TEXT),
)

_NAMES = (
    *("seq", "batch", "type", "url", "name", "start_us", "duration_us"),
    *(field.attribute for field in ENTRY_FIELDS),
    "extra",
)
"""What a block calls the columns of :data:`ENTRY_COLUMNS`."""

_CHANGED_FLOWS = (
    "SELECT browser_seq, proxy_seq, merged_seq, frame_seq FROM flow"
    " WHERE session IN (SELECT DISTINCT session FROM batch WHERE id BETWEEN ?1 AND ?2)"
)
_SELECT = f"SELECT {', '.join(ENTRY_COLUMNS)} FROM entry"


def _stored_batch(row: Row) -> StoredBatch:
    client: dict[str, JSON] = msgspec.json.decode(row[17]) if row[17] else {}
    dropped: dict[str, int] = msgspec.json.decode(row[18]) if row[18] else {}
    return StoredBatch(
        row=row[0],
        first_seq=row[1],
        last_seq=row[2],
        batch=Batch(
            session_id=row[3],
            page_view_id=row[4],
            entries=(),
            key=row[5],
            time_origin_us=row[6],
            time_origin_estimated=bool(row[7]),
            received_us=row[8],
            sent_us=row[9],
            byte_count=row[10],
            wire_byte_count=row[11],
            rejected_count=row[12],
            page=Page(url=row[13], title=row[14], referrer=row[15], navigation_type=row[16]),
            client=client,
            dropped=dropped,
            source=row[19],
        ),
    )


class OutgoingReader:
    """Reads a store in blocks. Belongs to one thread at a time.

    Raises:
        StoreError: the file cannot be read.
    """

    def __init__(self, path: Path | str, *, driver: str | None = None) -> None:
        from perftui.store.migrations import MIGRATIONS

        self.path = Path(path)
        with store_errors(self.path):
            self._connection = connect(self.path, read_only=True, driver=driver)
            identify(self._connection, self.path, len(MIGRATIONS))
            self.store_id = str(self._rows("SELECT store_id FROM store")[0][0])

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def _rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        rows: list[Row] = self._connection.execute(sql, parameters).fetchall()
        return rows

    def extent(self, after_batch: int = 0, session_id: str | None = None) -> tuple[int, int]:
        """The row of the newest batch, and how many entries arrived after ``after_batch``."""
        where = "b.session IN (SELECT id FROM session WHERE session_id IS NOT NULL) AND b.id > ?"
        parameters = [after_batch]
        if session_id is not None:
            where += " AND b.session = (SELECT id FROM session WHERE session_id = ?)"
            parameters.append(session_id)  # type: ignore[arg-type]
        with store_errors(self.path):
            newest, entries = self._rows(
                "SELECT ifnull(max(b.id), 0), ifnull(sum(b.last_seq - b.first_seq + 1), 0)"
                f" FROM batch AS b WHERE {where}",
                parameters,
            )[0]
        return int(newest), int(entries)

    def blocks(
        self,
        *,
        after_batch: int = 0,
        until_batch: int | None = None,
        session_id: str | None = None,
        since_us: int | None = None,
        until_us: int | None = None,
        block_entries: int = BLOCK_ENTRIES,
    ) -> Iterator[Block]:
        """Blocks of batches in order of arrival.

        Args:
            after_batch, until_batch: only batches of these rows, the first exclusive.
            session_id: only this session's.
            since_us, until_us: only batches received in this half-open time, µs since the epoch.
            block_entries: a block ends with the batch that brings it to this many.
        """
        conditions, parameters = ["b.id > ?"], [after_batch]
        for condition, value in (
            ("b.id <= ?", until_batch),
            ("b.session = (SELECT id FROM session WHERE session_id = ?)", session_id),
            ("b.received_us >= ?", since_us),
            ("b.received_us < ?", until_us),
        ):
            if value is not None:
                conditions.append(condition)
                parameters.append(value)  # type: ignore[arg-type]
        while True:
            with store_errors(self.path):
                block = self._block(conditions, parameters, block_entries)
            if block is None:
                return
            yield block
            parameters[0] = block.last_batch

    def batches(self, session_id: str, *, seqs: Sequence[int] | None = None) -> Iterator[Batch]:
        """The batches of one session with their entries, in order of arrival.

        Args:
            seqs: ascending; only these entries, and no batch that has none of them. A batch that
                lacks some has a key of its own, so that a store may hold it beside the whole.
        """
        with store_errors(self.path):
            stored = [
                _stored_batch(row)
                for row in self._rows(
                    f"{_BATCH} WHERE s.session_id = ? ORDER BY b.id", (session_id,)
                )
            ]
            for one in stored:
                chosen, condition, key = "", "", one.batch.key
                if seqs is not None:
                    within = seqs[
                        bisect_left(seqs, one.first_seq) : bisect_right(seqs, one.last_seq)
                    ]
                    if not within:
                        continue
                    chosen = msgspec.json.encode(list(within)).decode()
                    condition = " AND seq IN (SELECT value FROM json_each(?3))"
                    key = self._key_of_some(one, within)
                text = self._rows(
                    f"SELECT json_group_array({ENTRY_JSON}) FROM"
                    f" (SELECT * FROM entry WHERE seq BETWEEN ?1 AND ?2{condition} ORDER BY seq)"
                    f" AS e {ENTRY_JOINS}",
                    (one.first_seq, one.last_seq, *([chosen] if condition else [])),
                )[0][0]
                yield msgspec.structs.replace(
                    one.batch, key=key, entries=msgspec.json.decode(text, type=list[Entry])
                )

    def _key_of_some(self, stored: StoredBatch, seqs: Sequence[int]) -> bytes:
        """The key of a batch of these entries alone: its own, where there are no others."""
        ((count,),) = self._rows(
            "SELECT count(*) FROM entry WHERE seq BETWEEN ? AND ?",
            (stored.first_seq, stored.last_seq),
        )
        if count == len(seqs):
            return stored.batch.key
        places = ",".join([str(seq - stored.first_seq) for seq in seqs])
        return blake2b(stored.batch.key + places.encode(), digest_size=16).digest()

    def _block(
        self, conditions: Sequence[str], parameters: Sequence[Any], block_entries: int
    ) -> Block | None:
        batches: list[StoredBatch] = []
        entries = 0
        cursor = self._connection.execute(
            f"{_BATCH} WHERE {' AND '.join(conditions)} ORDER BY b.id", parameters
        )
        for row in cursor:
            stored = _stored_batch(row)
            batches.append(stored)
            entries += stored.entry_count
            if entries >= block_entries or len(batches) >= block_entries:
                break
        cursor.close()
        if not batches:
            return None
        rows: list[Row] = []
        for first, last in _ranges(batches):
            rows += self._rows(f"{_SELECT} WHERE seq BETWEEN ? AND ? ORDER BY seq", (first, last))
        columns: dict[str, tuple[Any, ...]] = dict(
            zip(_NAMES, zip(*rows, strict=True), strict=True)
            if rows
            else ((name, ()) for name in _NAMES)
        )
        return Block(
            batches=batches,
            columns=columns,
            strings=self._strings({key for name in _TEXT_COLUMNS for key in set(columns[name])}),
            urls=self._urls(set(columns["url"])),
            amendments=self._amendments(batches),
        )

    def _strings(self, keys: set[int | None]) -> dict[int, str]:
        keys.discard(None)
        return dict(
            self._rows(
                "SELECT id, text FROM string WHERE id IN (SELECT value FROM json_each(?))",
                (msgspec.json.encode(sorted(key for key in keys if key is not None)).decode(),),
            )
        )

    def _urls(self, keys: set[int | None]) -> dict[int, StoredUrl]:
        keys.discard(None)
        rows = self._rows(
            "SELECT u.id, u.url, ifnull(h.text, ''), ifnull(s.text, ''), ifnull(e.text, '')"
            " FROM url AS u LEFT JOIN string AS h ON h.id = u.host"
            " LEFT JOIN string AS s ON s.id = u.site LEFT JOIN string AS e ON e.id = u.endpoint"
            " WHERE u.id IN (SELECT value FROM json_each(?))",
            (msgspec.json.encode(sorted(key for key in keys if key is not None)).decode(),),
        )
        return {key: StoredUrl(*texts) for key, *texts in rows}

    def _amendments(self, batches: Sequence[StoredBatch]) -> list[Amendment]:
        """Rows of earlier blocks that were joined with their other side in this one."""
        first = batches[0].first_seq
        amendments: list[Amendment] = []
        for begin, end in _ranges(batches):
            for browser_seq, proxy_seq, merged_seq, frame_seq in self._rows(
                f"{_CHANGED_FLOWS} AND merged_seq BETWEEN ?3 AND ?4 UNION {_CHANGED_FLOWS}"
                " AND frame_seq IS NOT NULL AND browser_seq BETWEEN ?3 AND ?4",
                (batches[0].row, batches[-1].row, begin, end),
            ):
                for earlier, changes in (
                    (proxy_seq, (merged_seq,)),
                    (browser_seq, (merged_seq,)),
                    (frame_seq, (merged_seq, browser_seq)),
                ):
                    later = max((at for at in changes if at and begin <= at <= end), default=0)
                    if earlier is not None and earlier < first and earlier < later:
                        told = self._amendment(
                            earlier, later, browser_seq, deleted=earlier == proxy_seq
                        )
                        amendments += [] if told is None else [told]
        return amendments

    def _amendment(
        self, earlier: int, later: int, browser_seq: int, *, deleted: bool
    ) -> Amendment | None:
        """What a row is now.

        Args:
            earlier, later: the row, and what changed it.
            browser_seq: the row that it has gone into where it is deleted.

        Returns:
            None where a side has been pruned.
        """
        origin, now = self._batch_of(earlier), self._batch_of(later)
        texts = self._rows(
            f"SELECT {ENTRY_JSON} FROM entry AS e {ENTRY_JOINS} WHERE e.seq = ?",
            (browser_seq if deleted else earlier,),
        )
        if origin is None or now is None or not texts:
            return None
        entry: Entry = msgspec.json.decode(texts[0][0], type=Entry)
        if deleted:
            # The proxy's own start is what the row was known by; the join has kept it.
            start_us = round(entry.extra["proxy"]["startTime"] * 1000)
            entry = Entry(entry_type="request", name=entry.name, start_us=start_us)
        return Amendment(
            origin=origin,
            index=earlier - origin.first_seq,
            entry=entry,
            deleted=deleted,
            version_us=max(now.batch.received_us, origin.batch.received_us + 1),
        )

    def _batch_of(self, seq: int) -> StoredBatch | None:
        rows = self._rows(
            f"{_BATCH} WHERE b.first_seq <= ?1 AND b.last_seq >= ?1 ORDER BY b.id DESC LIMIT 1",
            (seq,),
        )
        return _stored_batch(rows[0]) if rows else None


def _ranges(batches: Sequence[StoredBatch]) -> Iterator[tuple[int, int]]:
    """The entries' positions as few ranges as possible: batches in a row have theirs in a row."""
    begin: int | None = None
    end = 0
    for stored in batches:
        if not stored.entry_count:
            continue
        if begin is not None and stored.first_seq != end + 1:
            yield begin, end
            begin = None
        if begin is None:
            begin = stored.first_seq
        end = stored.last_seq
    if begin is not None:
        yield begin, end
