"""A selection of a store column by column (:class:`perftui.request_columns.ColumnSource`).

SQLite joins the values of a column of some ten thousand rows into one text, without the
interpreter, and numpy parses it: 0.05 s for a column of a million rows, where the driver's rows
of three columns take 0.35 s, and 50,000 entries as objects 1.3 s. Large selections are read by two connections at once.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from perftui.entry_fields import REQUEST_ENTRY_TYPES
from perftui.model import JSON, Entry, PageView, Predicate, Record
from perftui.request_columns import (
    Integers,
    Partly,
    RequestColumns,
    Selection,
    UrlParts,
)
from perftui.store.connection import Connection, connect, store_errors
from perftui.store.request_scan import (
    COLUMNS,
    Others,
    RequestScan,
    joined_arrays,
    one_of,
    parsed,
)

if TYPE_CHECKING:
    from perftui.store.reader import StoreReader

CHUNK_ENTRIES = 32_768
"""Entries of one statement: parsing one of its columns holds the interpreter for 0.6 ms."""

CONNECTIONS = min(4, max(2, os.cpu_count() or 2))
"""That read at once where there are more than :data:`CHUNK_ENTRIES`."""

MOSTLY = 0.7
"""Where at least this much of a selection is requests, the others are read with them."""

SPARSE = 0.25
"""A column of which less than this is known is read as positions and values of what is known."""

LOOKED_AT = 4_096
"""So many entries of the first and of the last range tell how much of a column is known."""

OTHERS_AT_ONCE = 2_048
"""Of the entries that are no resources, so many are told at once: decoding them holds the
interpreter for a millisecond or two."""

Range = tuple[int, int]


class StoreColumns:
    """See the module's docstring; made by :meth:`perftui.store.reader.StoreReader.columns`."""

    def __init__(
        self,
        reader: StoreReader,
        connection: Connection,
        selection: Selection,
        condition: Callable[[Any], tuple[str, list[Any]]],
    ) -> None:
        """
        Args:
            condition: a predicate as SQL over ``entry AS e`` and ``batch AS b``.
        """
        self._path = reader.path
        self._driver = reader.driver
        self._prepare = reader.prepare
        self._connection = connection
        self.page_views: Sequence[PageView] = [
            view for session_id in selection.session_ids for view in reader.page_views(session_id)
        ]
        place = {
            (view.session_id, view.page_view_id): number
            for number, view in enumerate(self.page_views)
        }
        conditions = ["s.session_id IN (SELECT value FROM json_each(?))"]
        parameters: list[Any] = [msgspec.json.encode(selection.session_ids).decode()]
        for test, bound in (
            ("b.received_us >= ?", selection.since_us),
            ("b.received_us < ?", selection.until_us),
        ):
            if bound is not None:
                conditions.append(test)
                parameters.append(bound)
        rows = self._rows(
            "SELECT b.first_seq, b.last_seq, b.time_origin_us, s.session_id, p.page_view_id,"
            " b.request_count"
            " FROM batch AS b JOIN session AS s ON s.id = b.session"
            " JOIN pageview AS p ON p.id = b.pageview"
            f" WHERE b.last_seq >= b.first_seq AND {' AND '.join(conditions)} ORDER BY b.first_seq",
            parameters,
        )
        # A pageview that came between the two statements is of no interest yet.
        rows = [row for row in rows if (row[3], row[4]) in place]
        self._firsts = np.array([row[0] for row in rows], dtype=np.int64)
        self._lasts = np.array([row[1] for row in rows], dtype=np.int64)
        self.batch_origins = np.array([row[2] for row in rows], dtype=np.int64)
        self.batch_pages = np.array([place[row[3], row[4]] for row in rows], dtype=np.int64)
        self.entry_count = int((self._lasts - self._firsts + 1).sum())
        self._request_count = sum(row[5] for row in rows)
        self._ranges = list(_ranges(self._firsts.tolist(), self._lasts.tolist()))
        self._condition = condition
        self._has_details = True
        self._happening_count: int | None = None
        self._others: Others | None = None
        self._filter, self._filter_parameters = "", list[Any]()
        if selection.predicate is not None:
            self._filter, self._filter_parameters = condition(selection.predicate)

    def _rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        with store_errors(self._path):
            rows: list[Any] = self._connection.execute(sql, parameters).fetchall()
        return rows

    def _types(self, names: Iterable[str]) -> list[int]:
        rows = self._rows(
            "SELECT id FROM string WHERE text IN (SELECT value FROM json_each(?)) ORDER BY id",
            (msgspec.json.encode(sorted(names)).decode(),),
        )
        return [row[0] for row in rows]

    def _each(self, sql: str, parameters: Sequence[Any] = ()) -> Iterator[Any]:
        """The one row of a statement for each range of positions, in their order."""
        for _, rows in self._each_group(sql, parameters):
            yield from rows

    def _each_group(
        self, sql: str, parameters: Sequence[Any] = ()
    ) -> Iterator[tuple[list[Range], list[Any]]]:
        """The ranges of positions in their order, in groups of about :data:`CHUNK_ENTRIES`, and
        the one row of a statement for each of them."""
        groups = list(_shared_out(self._ranges, CHUNK_ENTRIES))
        if len(groups) < 2:
            for group in groups:
                yield group, [self._rows(sql, (*range_, *parameters))[0] for range_ in group]
            return
        with ExitStack() as stack:
            connections = [
                stack.enter_context(closing(self._another())) for _ in range(CONNECTIONS)
            ]
            pool = stack.enter_context(ThreadPoolExecutor(CONNECTIONS, "columns"))

            def ask(number: int) -> list[Any]:
                with store_errors(self._path):
                    rows: list[Any] = []
                    for range_ in groups[number]:
                        rows += connections[number % CONNECTIONS].execute(
                            sql, (*range_, *parameters)
                        )
                    return rows

            # Each connection answers one statement at a time: its next one is asked for when
            # its last has been taken.
            waiting = [pool.submit(ask, number) for number in range(min(CONNECTIONS, len(groups)))]
            for number, group in enumerate(groups):
                rows = waiting[number].result()
                if (following := number + CONNECTIONS) < len(groups):
                    waiting.append(pool.submit(ask, following))
                yield group, rows

    def _each_other(self, columns: str, types: Sequence[int]) -> Iterator[Any]:
        """A row for each of some groups of entries of these types, none of which is that of
        resources. Once requests have been read together with the other entries, it is known where
        these are, and no other entry is looked at."""
        if self._others is None:
            yield from self._each(_scan(columns, one_of("e.type", types)))
            return
        seqs = self._others.seqs[np.isin(self._others.types, types)]
        sql = (
            f"SELECT {columns} FROM json_each(?) AS wanted"
            " CROSS JOIN entry AS e ON e.seq = wanted.value"
        )
        for begin in range(0, len(seqs), OTHERS_AT_ONCE):
            wanted = msgspec.json.encode(seqs[begin : begin + OTHERS_AT_ONCE].tolist())
            yield from self._rows(sql, (wanted.decode(),))

    def _another(self) -> Connection:
        with store_errors(self._path):
            connection = connect(self._path, read_only=True, driver=self._driver)
            connection.execute("PRAGMA query_only = ON")
            self._prepare(connection)
        return connection

    def requests(
        self,
        names: Sequence[str],
        flags: Mapping[str, Predicate] = MappingProxyType({}),
        partly: Partly | None = None,
    ) -> RequestColumns:
        """Columns of the requests."""
        request_types = self._types(REQUEST_ENTRY_TYPES)
        with_others = not self._filter and self._request_count >= MOSTLY * self.entry_count
        condition, bound = "1", list[Any]()
        if not with_others:
            condition = one_of("e.type", request_types)
            if self._filter:
                condition, bound = f"{condition} AND {self._filter}", self._filter_parameters
        scan = RequestScan(
            names,
            self._sparse([name for name in names if name != "type"], condition, bound),
            {name: self._condition(predicate) for name, predicate in flags.items()},
            None if partly is None else (self._condition(partly.predicate), partly.names),
            request_types=request_types,
            resource_type=(self._types(["resource"]) or [0])[0],
            with_others=with_others,
            most=self.entry_count,
        )
        # What is made of one group is made while the next ones are being read.
        for group, rows in self._each_group(_scan(scan.sql, condition), [*scan.bound, *bound]):
            counts = [row[1] for row in rows]
            scan.take(rows, self._positions(group, counts) if with_others else None)
        self._has_details = scan.details > 0
        if with_others:
            self._others = scan.others
        seqs = scan.seqs
        begins = np.searchsorted(seqs, self._firsts)
        batches = np.repeat(
            np.arange(len(begins)), np.diff(begins, append=len(seqs)).astype(np.int64)
        )
        return RequestColumns(seqs, batches, scan.values, scan.part(seqs))

    def _positions(self, ranges: Sequence[Range], counts: Sequence[int]) -> Integers:
        """The positions of all entries of some ranges, given how many each has: where none is
        missing, they need not be asked for."""
        return np.concatenate(
            [
                np.arange(begin, end + 1)
                if count == end - begin + 1
                else parsed(
                    row[0] for row in self._rows(_scan("group_concat(e.seq)", "1"), (begin, end))
                )
                for (begin, end), count in zip(ranges, counts, strict=True)
            ]
        )

    def _sparse(
        self, names: Sequence[str], condition: str, parameters: Sequence[Any]
    ) -> frozenset[str]:
        """The columns of which little is known, by a look at the first and at the last range."""
        if self.entry_count <= CHUNK_ENTRIES or not names:
            return frozenset()
        known = ", ".join(f"count({COLUMNS[name]})" for name in names)
        total, counts = 0, np.zeros(len(names))
        for begin, end in (self._ranges[0], self._ranges[-1]):
            end = min(end, begin + LOOKED_AT)
            ((number, *told),) = self._rows(
                _scan(f"count(*), {known}", condition), (begin, end, *parameters)
            )
            total += number
            counts += told
        return frozenset(
            name for name, told in zip(names, counts.tolist(), strict=True) if told < SPARSE * total
        )

    def middle_us(self) -> int:
        """The moment that half of all entries began before."""
        parts: list[Integers] = [np.empty(0, dtype=np.int64)]
        for seqs, starts in self._each(
            _scan("group_concat(e.seq), group_concat(e.start_us)", "e.seq IS NOT NULL")
        ):
            if seqs is not None:
                at = np.fromstring(seqs, dtype=np.int64, sep=",")
                batches = np.searchsorted(self._firsts, at, side="right") - 1
                starts = np.fromstring(starts, dtype=np.int64, sep=",")
                parts.append(starts + self.batch_origins[batches])
        moments = np.sort(joined_arrays(parts))
        return int(moments[len(moments) // 2]) if len(moments) else 0

    def happening_count(self) -> int:
        """Entries that are no requests."""
        if self._happening_count is None:
            types = self._types(REQUEST_ENTRY_TYPES)
            if self._others is not None:
                self._happening_count = int((~np.isin(self._others.types, types)).sum())
            else:
                # Of a filter's requests nothing follows about how many there are in all.
                rows = self._each(_scan("count(*)", f"NOT {one_of('e.type', types)}"))
                self._happening_count = sum(row[0] for row in rows)
        return self._happening_count

    def details(self, *keys: str) -> Mapping[int, Mapping[str, JSON]]:
        """What is known beside the columns, of requests that have one of the keys."""
        types = one_of("e.type", self._types(REQUEST_ENTRY_TYPES))
        found: dict[int, dict[str, JSON]] = {}
        if not self._has_details:
            return found
        tests = " OR ".join("instr(e.extra, ?)" for _ in keys)
        for row in self._each(
            _scan(
                "json_group_array(json_array(e.seq, json(e.extra)))",
                f"{types} AND e.extra IS NOT NULL AND ({tests})",
            ),
            [f'"{key}"' for key in keys],
        ):
            found |= {
                seq: extra
                for seq, extra in _DETAILS.decode(row[0])
                if any(key in extra for key in keys)
            }
        return found

    def happenings(self, types: Sequence[str]) -> list[tuple[int, Record]]:
        """Entries of these types, each with the place of its pageview."""
        identifiers = self._types(types)
        texts = self.texts(identifiers)
        entries: list[tuple[int, Entry]] = []
        columns = (
            "json_group_array(json_array(e.seq, e.type,"
            " coalesce((SELECT text FROM string WHERE id = e.name),"
            " (SELECT url FROM url WHERE id = e.url), ''), e.start_us, e.duration_us,"
            " e.request_start_offset_us, e.response_start_offset_us, e.response_end_offset_us,"
            " (SELECT text FROM string WHERE id = e.render_blocking_status), json(e.extra)))"
        )
        rows = (
            self._each(_scan(columns, one_of("e.type", identifiers)))
            if "resource" in types
            else self._each_other(columns, identifiers)
        )
        for row in rows:
            for one in _ENTRIES.decode(row[0]):
                seq, kind, name, start, duration, sent, answered, ended, blocking, extra = one
                entry = Entry(
                    entry_type=texts[kind],
                    name=name,
                    start_us=start,
                    duration_us=duration,
                    request_start_us=None if sent is None else start + sent,
                    response_start_us=None if answered is None else start + answered,
                    response_end_us=None if ended is None else start + ended,
                    render_blocking_status=blocking,
                    extra=extra or {},
                )
                entries.append((seq, entry))
        entries.sort(key=_position)
        batches = np.searchsorted(self._firsts, [seq for seq, _ in entries], side="right") - 1
        found: list[tuple[int, Record]] = []
        for (seq, entry), batch in zip(entries, batches.tolist(), strict=True):
            page = int(self.batch_pages[batch])
            view = self.page_views[page]
            record = Record(
                seq=seq,
                session_id=view.session_id,
                page_view_id=view.page_view_id,
                page_view_number=view.number,
                time_origin_us=int(self.batch_origins[batch]),
                entry=entry,
            )
            found.append((page, record))
        return found

    def texts(self, identifiers: Sequence[int]) -> dict[int, str]:
        """ID -> text."""
        return dict(
            self._rows(
                "SELECT id, text FROM string WHERE id IN (SELECT value FROM json_each(?))",
                (msgspec.json.encode(list(identifiers)).decode(),),
            )
        )

    def urls(self, identifiers: Sequence[int]) -> list[UrlParts]:
        """The URLs, in the order asked for."""
        text = self._rows(
            "SELECT json_group_array(json_array(u.id, u.url, u.host, u.site, u.endpoint))"
            " FROM json_each(?) AS wanted JOIN url AS u ON u.id = wanted.value",
            (msgspec.json.encode(list(identifiers)).decode(),),
        )[0][0]
        rows = _URLS.decode(text)
        shared = {part for row in rows for part in row[2:] if part is not None}
        # No text has the ID 0.
        texts = {0: "", **self.texts(sorted(shared))}
        found = {
            key: UrlParts(url, texts[host or 0], texts[site or 0], texts[endpoint or 0])
            for key, url, host, site, endpoint in rows
        }
        gone = UrlParts("", "", "", "")
        return [found.get(key, gone) for key in identifiers]


_DETAILS = msgspec.json.Decoder(list[tuple[int, dict[str, Any]]])
_Offset = int | None
_ENTRIES = msgspec.json.Decoder(
    list[
        tuple[
            int,
            int,
            str,
            int,
            _Offset,
            _Offset,
            _Offset,
            _Offset,
            str | None,
            dict[str, Any] | None,
        ]
    ]
)
_URLS = msgspec.json.Decoder(list[tuple[int, str, int | None, int | None, int | None]])


def _scan(columns: str, condition: str) -> str:
    """A statement over a range of entries, whose ends are its first two parameters."""
    batch = " CROSS JOIN batch AS b ON b.id = e.batch" if "b." in condition + columns else ""
    return (
        "WITH wanted(first_seq, last_seq) AS (VALUES (?, ?))"
        f" SELECT {columns} FROM entry AS e NOT INDEXED{batch}"
        " WHERE e.seq BETWEEN (SELECT first_seq FROM wanted) AND (SELECT last_seq FROM wanted)"
        f" AND {condition}"
    )


def _position(pair: tuple[int, Entry]) -> int:
    return pair[0]


def _ranges(firsts: Sequence[int], lasts: Sequence[int]) -> Iterator[Range]:
    """The positions of batches as few ranges of at most :data:`CHUNK_ENTRIES` each."""
    begin, end = 0, -1
    for first, last in zip(firsts, lasts, strict=True):
        if begin <= end and (first != end + 1 or last - begin >= CHUNK_ENTRIES):
            yield begin, end
            begin = first
        elif begin > end:
            begin = first
        end = last
    if begin <= end:
        yield begin, end


def _shared_out(ranges: Sequence[Range], entries: int) -> Iterator[list[Range]]:
    """Ranges in groups of about so many entries: neither little nor much at a time."""
    group: list[Range] = []
    size = 0
    for begin, end in ranges:
        if group and size + end - begin >= entries:
            yield group
            group, size = [], 0
        group.append((begin, end))
        size += end - begin + 1
    if group:
        yield group
