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

from perftui.entry_fields import ENTRY_FIELDS, REQUEST_ENTRY_TYPES
from perftui.model import JSON, Entry, PageView, Predicate, Record
from perftui.request_columns import (
    TEXT_COLUMNS,
    Flags,
    Floats,
    Integers,
    RequestColumns,
    Selection,
    UrlParts,
)
from perftui.store.connection import Connection, connect, store_errors
from perftui.store.schema import column

if TYPE_CHECKING:
    from perftui.store.reader import StoreReader

CHUNK_ENTRIES = 32_768
"""Entries of one statement: parsing one of its columns holds the interpreter for 0.6 ms."""

CONNECTIONS = min(4, max(2, os.cpu_count() or 2))
"""That read at once where there are more than :data:`CHUNK_ENTRIES`."""

_UNKNOWN = -(2**62)
"""What stands for NULL in a joined text: moments and starts are within ±2^53, and so no offset or
sum of theirs is as small."""

_COLUMNS: Mapping[str, str] = {
    **{name: f"e.{name}" for name in ("type", "url", "start_us", "duration_us")},
    **{field.attribute: f"e.{column(field.attribute, field.kind)}" for field in ENTRY_FIELDS},
    # analysis.phases.request_duration_us
    "request_duration_us": (
        "CASE WHEN e.response_end_offset_us IS NOT NULL"
        " AND e.type = (SELECT id FROM string WHERE text = 'navigation')"
        " THEN max(0, e.response_end_offset_us) ELSE max(0, e.duration_us) END"
    ),
}

SPARSE = 0.25
"""A column of which less than this is known is read as positions and values of what is known."""

OTHERS_AT_ONCE = 4_096
"""Of the entries between resources, so many are told at once: decoding them holds the interpreter
for some milliseconds."""

MOST_SEEKS = 0.1
"""Ranges for each entry beyond which looking at all entries takes less than seeking each range."""

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
            "SELECT b.first_seq, b.last_seq, b.time_origin_us, s.session_id, p.page_view_id"
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
        self._ranges = list(_ranges(self._firsts.tolist(), self._lasts.tolist()))
        self._condition = condition
        self._has_details = True
        self._happening_count: int | None = None
        self._others: list[Range] | None = None
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
        if self.entry_count <= CHUNK_ENTRIES:
            for begin, end in self._ranges:
                yield from self._rows(sql, (begin, end, *parameters))
            return
        with ExitStack() as stack:
            connections = [
                stack.enter_context(closing(self._another())) for _ in range(CONNECTIONS)
            ]
            pool = stack.enter_context(ThreadPoolExecutor(CONNECTIONS, "columns"))

            def ask(number: int) -> list[Any]:
                with store_errors(self._path):
                    rows: list[Any] = []
                    for begin, end in groups[number]:
                        rows += connections[number % CONNECTIONS].execute(
                            sql, (begin, end, *parameters)
                        )
                    return rows

            groups = list(_shared_out(self._ranges, CHUNK_ENTRIES))
            # Each connection answers one statement at a time: its next one is asked for when
            # its last has been taken.
            waiting = [pool.submit(ask, number) for number in range(min(CONNECTIONS, len(groups)))]
            for number in range(len(groups)):
                rows = waiting[number].result()
                if (following := number + CONNECTIONS) < len(groups):
                    waiting.append(pool.submit(ask, following))
                yield from rows

    def _each_other(self, columns: str, condition: str) -> Iterator[Any]:
        """A row for each of some groups of entries that are no resources. Once the requests have
        been read, these are what lies between resources, and no other entry is looked at."""
        if self._others is None or len(self._others) > MOST_SEEKS * self.entry_count:
            yield from self._each(_scan(columns, condition))
            return
        sql = (
            "WITH wanted AS MATERIALIZED (SELECT value ->> 0 AS first_seq, value ->> 1 AS last_seq"
            f" FROM json_each(?)) SELECT {columns} FROM wanted CROSS JOIN entry AS e"
            " ON e.seq BETWEEN wanted.first_seq AND wanted.last_seq"
            f" WHERE {condition}"
        )
        for group in _shared_out(self._others, OTHERS_AT_ONCE):
            yield from self._rows(sql, (msgspec.json.encode(group).decode(),))

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
        among: Predicate | None = None,
    ) -> RequestColumns:
        """Columns of the requests."""
        types = ", ".join(map(str, self._types(REQUEST_ENTRY_TYPES))) or "NULL"
        condition, bound = f"e.type IN ({types})", list[Any]()
        if among is not None:
            test, of_test = self._condition(among)
            condition += f" AND {test}"
            bound += of_test
        if self._filter:
            condition += f" AND {self._filter}"
            bound += self._filter_parameters
        sparse = self._sparse(names, condition, bound)
        # All columns are of one scan, so that their values are in one order whatever it is.
        joined, parameters = ["count(e.extra)", "group_concat(e.seq)"], list[Any]()
        # Navigations are also asked for among what else happened.
        resource = ", ".join(map(str, self._types(["resource"]))) or "NULL"
        joined.append(
            f"group_concat(CASE WHEN (e.type IN ({resource})) IS NOT TRUE THEN e.seq END)"
        )
        for name in names:
            column_ = _COLUMNS[name]
            unknown = 0 if name in TEXT_COLUMNS else _UNKNOWN
            joined.append(
                # NULL is left out of what group_concat joins.
                f"group_concat(e.seq || ',' || {column_})"
                if name in sparse
                else f"group_concat(ifnull({column_}, {unknown}))"
            )
        for predicate in flags.values():
            test, of_test = self._condition(predicate)
            joined.append(f"group_concat(CASE WHEN {test} THEN e.seq END)")
            parameters += of_test
        parts: list[list[Integers]] = [[] for _ in joined[1:]]
        details = 0
        for with_details, *texts in self._each(
            _scan(", ".join(joined), condition), [*parameters, *bound]
        ):
            details += with_details
            for part, text in zip(parts, texts, strict=True):
                if text is not None:
                    part.append(np.fromstring(text, dtype=np.int64, sep=","))
        seqs, no_resources, *columns = (_joined(part) for part in parts)
        if among is None:
            self._has_details = details > 0
        order = None
        if len(seqs) > 1 and not bool(np.all(seqs[1:] > seqs[:-1])):
            order = np.argsort(seqs, kind="stable")
            seqs = seqs[order]
        if among is None and not self._filter:
            self._others = list(_between(self._ranges, np.setdiff1d(seqs, no_resources, True)))
        values: dict[str, Integers | Floats | Flags] = {}
        for name, told in zip(names, columns, strict=False):
            if name in sparse:
                values[name] = _spread(told, seqs, is_text=name in TEXT_COLUMNS)
            else:
                told = told if order is None else told[order]
                values[name] = told if name in TEXT_COLUMNS else _numbers(told)
        for name, marked in zip(flags, columns[len(names) :], strict=True):
            values[name] = np.zeros(len(seqs), dtype=np.bool_)
            values[name][np.searchsorted(seqs, marked)] = True
        begins = np.searchsorted(seqs, self._firsts)
        batches = np.repeat(
            np.arange(len(begins)), np.diff(begins, append=len(seqs)).astype(np.int64)
        )
        return RequestColumns(seqs, batches, values)

    def _sparse(
        self, names: Sequence[str], condition: str, parameters: Sequence[Any]
    ) -> frozenset[str]:
        """The columns of which little is known, by a look at the first and the last range."""
        if self.entry_count <= CHUNK_ENTRIES or not names:
            return frozenset()
        known = ", ".join(f"count({_COLUMNS[name]})" for name in names)
        total, counts = 0, np.zeros(len(names))
        for begin, end in (self._ranges[0], self._ranges[-1]):
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
        moments = np.sort(_joined(parts))
        return int(moments[len(moments) // 2]) if len(moments) else 0

    def happening_count(self) -> int:
        """Entries that are no requests."""
        if self._happening_count is None:
            types = ", ".join(map(str, self._types(REQUEST_ENTRY_TYPES))) or "NULL"
            rows = self._each_other("count(*)", f"(e.type IN ({types})) IS NOT TRUE")
            self._happening_count = sum(row[0] for row in rows)
        return self._happening_count

    def details(self, *keys: str) -> Mapping[int, Mapping[str, JSON]]:
        """What is known beside the columns, of requests that have one of the keys."""
        types = ", ".join(map(str, self._types(REQUEST_ENTRY_TYPES))) or "NULL"
        found: dict[int, dict[str, JSON]] = {}
        if not self._has_details:
            return found
        tests = " OR ".join("instr(e.extra, ?)" for _ in keys)
        for row in self._each(
            _scan(
                "json_group_array(json_array(e.seq, json(e.extra)))",
                f"e.type IN ({types}) AND e.extra IS NOT NULL AND ({tests})",
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
        condition = f"e.type IN ({', '.join(map(str, identifiers)) or 'NULL'})"
        rows = (
            self._each(_scan(columns, condition))
            if "resource" in types
            else self._each_other(columns, condition)
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
        f" SELECT {columns} FROM entry AS e{batch}"
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


def _between(ranges: Sequence[Range], seqs: Integers) -> Iterator[Range]:
    """What of some ranges lies between positions, which ascend."""
    for begin, end in ranges:
        here = seqs[np.searchsorted(seqs, begin) : np.searchsorted(seqs, end, side="right")]
        edges = np.concatenate(([begin - 1], here, [end + 1]))
        gaps = np.flatnonzero(edges[1:] - edges[:-1] > 1)
        yield from zip((edges[gaps] + 1).tolist(), (edges[gaps + 1] - 1).tolist(), strict=True)


def _joined(parts: list[Integers]) -> Integers:
    return np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)


def _spread(pairs: Integers, seqs: Integers, *, is_text: bool) -> Integers | Floats:
    """A column made of the positions and values of what is known."""
    column_ = np.zeros(len(seqs), np.int64) if is_text else np.full(len(seqs), np.nan)
    if len(pairs):
        column_[np.searchsorted(seqs, pairs[0::2])] = pairs[1::2]
    return column_


def _numbers(values: Integers) -> Floats:
    numbers = values.astype(np.float64)
    numbers[values == _UNKNOWN] = np.nan
    return numbers
