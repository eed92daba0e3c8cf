"""Read-only questions to a store; a :class:`perftui.model.Reader`.

A session is read by the ranges of its batches, never by scanning. What answers with many rows
answers as ONE row that holds a JSON array: SQLite's drivers hand the interpreter over at each row,
and beside a busy thread each hand-over may take 5 ms.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence, Set
from pathlib import Path
from typing import Any, Self

import msgspec

from perftui.analysis.filter_functions import SQL_FUNCTIONS
from perftui.clock import SystemClock
from perftui.entry_fields import REQUEST_ENTRY_TYPES
from perftui.errors import NotAStoreError, NotFoundError, ReadOnlyStoreError
from perftui.model import (
    IN_FLIGHT,
    Entry,
    EntryIndex,
    IndexPiece,
    Order,
    PageView,
    Predicate,
    Record,
    SessionSummary,
    Usual,
)
from perftui.request_columns import ColumnSource, Selection
from perftui.store.connection import Connection, Row, connect, store_errors, value
from perftui.store.filter_columns import ALL_BATCHES, FILTER_COLUMNS
from perftui.store.index_pieces import (
    BatchRange,
    Spans,
    by_start,
    floors,
    in_groups,
    is_falling,
)
from perftui.store.migrations import MIGRATIONS, identify, open_for_writing
from perftui.store.rows import ENTRY_JOINS, ENTRY_JSON
from perftui.store.summaries import BY_START, PAGE_VIEWS, SESSIONS, page_view, session_summary

READ_AT_ONCE = 512
"""Entries decoded at once by :meth:`StoreReader.iter_records`."""

USUAL_CALLS = 200
"""The latest calls of an endpoint that its usual duration is taken from: what it takes these
days, at a bounded cost."""

SEARCHED_BATCHES = 4_000
"""The latest batches that are searched for them."""

CACHED_BATCHES = 50_000
"""Batches whose sessions and pageviews are kept in memory."""

_CACHE_BYTES = 2 * 1024 * 1024


class _Place(msgspec.Struct, frozen=True):
    """Where a batch's entries belong."""

    session_id: str
    page_view_id: str
    number: int
    time_origin_us: int


class StoreReader:
    """Reads a store file. Belongs to one thread at a time.

    Args:
        driver: see :func:`perftui.store.connection.connect`.

    Raises:
        NotFoundError: there is no such file.
        StoreError: or one of its kinds; the file was not touched.
    """

    def __init__(self, path: Path | str, *, driver: str | None = None) -> None:
        self.path = Path(path)
        self.driver = driver
        if not self.path.exists():
            raise NotFoundError(f"{self.path} does not exist; name another file with --db")
        if self.path.is_dir():
            raise NotAStoreError(f"{self.path} is a folder; name a file with --db")
        with store_errors(self.path):
            self._connection = self._open(driver)
        self._views: dict[tuple[int, str], list[PageView]] = {}
        self._places: dict[int, _Place] = {}
        self._places_version = -1

    def _open(self, driver: str | None) -> Connection:
        # Beside a file in a folder that cannot be written to SQLite cannot make its -shm; where
        # no log lies beside it, nobody writes either.
        has_log = self.path.with_name(self.path.name + "-wal").exists()
        writable = _can_make_files_beside(self.path)
        connection = connect(
            self.path, read_only=True, immutable=not has_log and not writable, driver=driver
        )
        try:
            version = identify(connection, self.path, len(MIGRATIONS))
            if version == 0:
                raise NotFoundError(f"{self.path} is empty: nothing was captured into it yet")
            if version < len(MIGRATIONS):
                connection.close()
                connection = self._migrated(driver)
            connection.execute(f"PRAGMA cache_size = -{_CACHE_BYTES // 1024}")
            connection.execute("PRAGMA query_only = ON")
            self.prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    @staticmethod
    def prepare(connection: Connection) -> None:
        """Make a connection know the functions that filters use."""
        for name, arguments, function in SQL_FUNCTIONS:
            _register(connection, name, arguments, function)

    def _migrated(self, driver: str | None) -> Connection:
        """Bring an older file up to date, with a backup beside it, then open it for reading."""
        try:
            open_for_writing(self.path, SystemClock(), driver=driver).close()
        except ReadOnlyStoreError as error:
            raise ReadOnlyStoreError(
                f"{self.path} is of an older schema and cannot be brought up to date, as it is"
                " read-only; make it writable, or copy it and name the copy with --db"
            ) from error
        return connect(self.path, read_only=True, driver=driver)

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        with store_errors(self.path):
            rows: list[Row] = self._connection.execute(sql, parameters).fetchall()
        return rows

    def _value(self, sql: str, parameters: Sequence[Any] = ()) -> Any:
        with store_errors(self.path):
            return value(self._connection, sql, parameters)

    # --- the store ------------------------------------------------------------------------

    def data_version(self) -> int:
        """A number that changes whenever another connection has committed."""
        return int(self._value("PRAGMA data_version"))

    def last_seq(self) -> int:
        """The position of the newest entry; 0 in an empty store."""
        return int(self._value("SELECT ifnull(max(seq), 0) FROM entry"))

    def store_id(self) -> str:
        """The identity of the store file."""
        return str(self._value("SELECT store_id FROM store"))

    # --- sessions -------------------------------------------------------------------------

    def sessions(
        self, *, search: str = "", limit: int | None = None, offset: int = 0
    ) -> list[SessionSummary]:
        """Sessions, the most recently received first."""
        condition, parameters = "s.session_id IS NOT NULL", list[Any]()
        if search:
            condition += (
                " AND instr(lower(s.session_id || char(10) || ifnull(s.label, '') || char(10)"
                " || ifnull(u.url, '') || char(10) || ifnull(first.title, '')), lower(?)) > 0"
            )
            parameters.append(search)
        parameters += [-1 if limit is None else limit, offset]
        rows = self._rows(
            f"{SESSIONS} WHERE {condition} ORDER BY s.received_us DESC, s.id DESC LIMIT ? OFFSET ?",
            parameters,
        )
        exported = self._exported_seq()
        return [session_summary(row, exported) for row in rows]

    def session(self, session_id: str) -> SessionSummary:
        """One session."""
        rows = self._rows(f"{SESSIONS} WHERE s.session_id = ?", (session_id,))
        if not rows:
            raise _no_session(session_id)
        return session_summary(rows[0], self._exported_seq())

    def _exported_seq(self) -> int:
        """The position up to which some export has all entries."""
        return int(self._value("SELECT ifnull(max(last_seq), 0) FROM checkpoint"))

    def find_session(self, text: str) -> str:
        """The full ID of the one session that ``text`` names."""
        if text == "last":
            newest = self._value(
                "SELECT session_id FROM session WHERE session_id IS NOT NULL"
                " ORDER BY received_us DESC, id DESC LIMIT 1"
            )
            if newest is None:
                raise NotFoundError(
                    f"no sessions yet in {self.path}; run `perftui` and load a page,"
                    " or `perftui import FILE`"
                )
            return str(newest)
        exact = self._value(
            "SELECT session_id FROM session WHERE session_id = ?1 OR label = ?1"
            " ORDER BY session_id = ?1 DESC, received_us DESC LIMIT 1",
            (text,),
        )
        if exact is not None:
            return str(exact)
        begun = [
            str(row[0])
            for row in self._rows(
                "SELECT session_id FROM session WHERE substr(session_id, 1, ?) = ?"
                " ORDER BY received_us DESC LIMIT 4",
                (len(text), text),
            )
        ]
        if len(begun) == 1 and text:
            return begun[0]
        if begun and text:
            raise NotFoundError(
                f"{text!r} begins the IDs of several sessions: {', '.join(begun[:3])}"
                f"{', …' if len(begun) > 3 else ''}; say more of it"
            )
        raise _no_session(text)

    def page_views(self, session_id: str) -> list[PageView]:
        """The pageviews of a session, by start."""
        key = (self.data_version(), session_id)
        known = self._views.get(key)
        if known is not None:
            return list(known)
        row = self._value("SELECT id FROM session WHERE session_id = ?", (session_id,))
        if row is None:
            raise _no_session(session_id)
        rows = self._rows(f"{PAGE_VIEWS} WHERE p.session = ? {BY_START}", (row,))
        views = [page_view(session_id, number, found) for number, found in enumerate(rows, start=1)]
        if len(self._views) > 256:
            self._views.clear()
        self._views[key] = views
        return list(views)

    def page_view_urls(self, *, sessions: int) -> list[tuple[str, str, str]]:
        """IDs and URLs of the pageviews with requests of the latest sessions, in one query."""
        return self._rows(
            "SELECT s.session_id, p.page_view_id, u.url"
            " FROM (SELECT id, session_id, received_us FROM session"
            " WHERE session_id IS NOT NULL ORDER BY received_us DESC, id DESC LIMIT ?) AS s"
            " JOIN pageview AS p ON p.session = s.id JOIN url AS u ON u.id = p.url"
            " WHERE p.request_count > 0 ORDER BY s.received_us DESC, s.id DESC,"
            " p.time_origin_us + ifnull(p.told_start_us, p.start_us) DESC, p.id DESC",
            (sessions,),
        )

    # --- entries --------------------------------------------------------------------------

    def index(
        self,
        session_id: str | None,
        *,
        order: Order = Order.START,
        predicate: Predicate | None = None,
        page_view_id: str | None = None,
        after_seq: int = 0,
    ) -> EntryIndex:
        """The positions and spans of a session's entries."""
        found: EntryIndex | None = None
        for piece in self.iter_index(
            session_id,
            order=order,
            predicate=predicate,
            page_view_id=page_view_id,
            after_seq=after_seq,
        ):
            if found is None:
                found = piece.index
            else:
                found.starts.extend(piece.index.starts)
                found.ends.extend(piece.index.ends)
                found.seqs.extend(piece.index.seqs)
        assert found is not None
        if order is Order.START and is_falling(found.starts):
            # An entry starts before what its batch says.
            places = sorted(range(len(found)), key=found.starts.__getitem__)
            found = EntryIndex(
                *Spans(found.seqs, found.starts, found.ends).taken(places), found.base_us
            )
        return found

    def iter_index(
        self,
        session_id: str | None,
        *,
        order: Order = Order.START,
        predicate: Predicate | None = None,
        page_view_id: str | None = None,
        after_seq: int = 0,
    ) -> Iterator[IndexPiece]:
        """The same, piece by piece as it is read."""
        base_us = self._base_us(session_id)
        batches, parameters = self._batches(session_id, page_view_id, after_seq)
        rows = self._rows(
            f"SELECT b.id, b.first_seq, b.last_seq, b.start_us FROM batch AS b WHERE {batches}"
            " ORDER BY b.id",
            parameters,
        )
        groups = list(in_groups([BatchRange(*row) for row in rows]))
        del rows
        where, bound, left = self._where(session_id, page_view_id, after_seq, predicate)
        total = sum(batch.entry_count for group in groups for batch in group)
        read = 0

        def pieces() -> Iterator[tuple[Spans, int | None]]:
            nonlocal read
            found = self._spans(groups, base_us, where, bound)
            for group, floor, spans in zip(groups, floors(groups, base_us), found, strict=True):
                read += sum(batch.entry_count for batch in group)
                yield spans if left is None else self._refined(spans, left), floor

        if order is Order.START:
            ordered = by_start(pieces())
        else:
            ordered = (spans for spans, _floor in pieces())
        for spans in ordered:
            yield IndexPiece(EntryIndex(*spans, base_us), read, total)
        if not groups:
            yield IndexPiece(EntryIndex(*Spans.none(), base_us), 0, 0)

    def _spans(
        self,
        groups: Sequence[Sequence[BatchRange]],
        base_us: int,
        where: str,
        parameters: Sequence[Any],
    ) -> Iterator[Spans]:
        """Positions and spans of the entries of each group of batches.

        All groups are rows of one statement, so that what a filter looks up once (the URLs of a
        domain, what a pageview asks for again) is looked up once for all of them. Each row is three
        JSON arrays. ``json_each`` hands out the groups in their order; to ask for it would make
        SQLite find all rows before it hands out the first.
        """
        ranges = [(group[0].row, group[-1].row) for group in groups]
        # By rows only: not by the index of the batches' keys, and above all not by an index of all
        # entries that SQLite would make for the sake of one `column = ?`.
        sql = (
            "SELECT (SELECT json_group_array(e.seq) || ';' ||"
            " json_group_array(b.time_origin_us - ? + e.start_us) || ';' || json_group_array("
            f"ifnull(b.time_origin_us - ? + e.start_us + e.duration_us, {IN_FLIGHT}))"
            " FROM batch AS b NOT INDEXED CROSS JOIN entry AS e NOT INDEXED"
            " ON e.seq BETWEEN b.first_seq AND b.last_seq"
            " WHERE b.id BETWEEN json_extract(piece.value, '$[0]')"
            f" AND json_extract(piece.value, '$[1]') AND {where})"
            " FROM json_each(?) AS piece"
        )
        bound = [base_us, base_us, *parameters, msgspec.json.encode(ranges).decode()]
        with store_errors(self.path):
            for (text,) in self._connection.execute(sql, bound):
                found = Spans(*(array("q", _INTEGERS.decode(part)) for part in text.split(";")))
                if is_falling(found.seqs):
                    seqs = found.seqs
                    found = found.taken(sorted(range(len(seqs)), key=seqs.__getitem__))
                yield found

    def _session_row(self, session_id: str) -> int:
        row = self._value("SELECT id FROM session WHERE session_id = ?", (session_id,))
        if row is None:
            raise _no_session(session_id)
        return int(row)

    def _base_us(self, session_id: str | None) -> int:
        if session_id is None:
            return int(
                self._value(
                    "SELECT ifnull(min(started_us), 0) FROM session WHERE session_id IS NOT NULL"
                )
            )
        rows = self._rows(
            "SELECT ifnull(started_us, first_received_us) FROM session WHERE session_id = ?",
            (session_id,),
        )
        if not rows:
            raise _no_session(session_id)
        return int(rows[0][0])

    def _where(
        self,
        session_id: str | None,
        page_view_id: str | None,
        after_seq: int,
        predicate: Predicate | None,
    ) -> tuple[str, list[Any], Predicate | None]:
        """The condition over ``batch AS b`` and ``entry AS e``, its parameters, and the predicate
        where SQL does not say all of it."""
        batches, parameters = self._batches(session_id, page_view_id, after_seq)
        entries, bound, left = self._entries(after_seq, predicate)
        if session_id is not None:
            entries = entries.replace(
                ALL_BATCHES,
                f"(SELECT id FROM batch WHERE session = {self._session_row(session_id)})",
            )
        return f"{batches} AND {entries}", [*parameters, *bound], left

    def _batches(
        self, session_id: str | None, page_view_id: str | None, after_seq: int
    ) -> tuple[str, list[Any]]:
        """The condition over ``batch AS b``, and its parameters."""
        conditions, parameters = list[str](), list[Any]()
        if session_id is not None:
            conditions.append("b.session = (SELECT id FROM session WHERE session_id = ?)")
            parameters.append(session_id)
        else:
            conditions.append("b.session NOT IN (SELECT id FROM session WHERE session_id IS NULL)")
        if page_view_id is not None:
            conditions.append("b.pageview IN (SELECT id FROM pageview WHERE page_view_id = ?)")
            parameters.append(page_view_id)
        if after_seq:
            conditions.append("b.last_seq > ?")
            parameters.append(after_seq)
        return " AND ".join(conditions), parameters

    def _entries(
        self, after_seq: int, predicate: Predicate | None
    ) -> tuple[str, list[Any], Predicate | None]:
        """The condition over ``entry AS e`` (``1`` for all), its parameters, and the predicate
        where SQL does not say all of it."""
        conditions, parameters = list[str](), list[Any]()
        if after_seq:
            conditions.append("e.seq > ?")
            parameters.append(after_seq)
        left = predicate
        compiled = getattr(predicate, "sql", None)
        if compiled is not None:
            condition, bound = compiled(FILTER_COLUMNS)
            conditions.append(f"({condition})")
            parameters += bound
            left = None
        return " AND ".join(conditions) or "1", parameters, left

    def _refined(self, spans: Spans, predicate: Predicate) -> Spans:
        """Those that a predicate without SQL lets through."""
        passing: set[int] = set()
        for begin in range(0, len(spans.seqs), READ_AT_ONCE):
            for record in self.records(spans.seqs[begin : begin + READ_AT_ONCE]):
                if predicate.matches(record):
                    passing.add(record.seq)
        return spans.taken([place for place, seq in enumerate(spans.seqs) if seq in passing])

    def records(self, seqs: Sequence[int]) -> list[Record]:
        """The entries at these positions, in the order asked for; missing ones are left out."""
        if not seqs:
            return []
        text = self._value(
            f"SELECT json_group_array(json_array(e.seq, e.batch, {ENTRY_JSON}))"
            f" FROM json_each(?) AS wanted JOIN entry AS e ON e.seq = wanted.value {ENTRY_JOINS}",
            (msgspec.json.encode(list(seqs)).decode(),),
        )
        found = {seq: (batch, entry) for seq, batch, entry in _ENTRIES.decode(text)}
        places = self._places_of({batch for batch, _ in found.values()})
        records: list[Record] = []
        for seq in seqs:
            batch, entry = found.get(seq, (0, None))
            place = places.get(batch)
            if entry is not None and place is not None:
                records.append(_record(seq, place, entry))
        return records

    def _places_of(self, batches: Set[int]) -> dict[int, _Place]:
        """Where the entries of batches belong; those of a deleted session belong nowhere."""
        version = self.data_version()
        if version != self._places_version or len(self._places) > CACHED_BATCHES:
            self._places = {}
            self._places_version = version
        missing = sorted(batches - self._places.keys())
        if missing:
            rows = self._rows(
                "SELECT b.id, s.session_id, p.page_view_id, b.time_origin_us FROM batch AS b"
                " JOIN session AS s ON s.id = b.session JOIN pageview AS p ON p.id = b.pageview"
                " WHERE b.id IN (SELECT value FROM json_each(?)) AND s.session_id IS NOT NULL",
                (msgspec.json.encode(missing).decode(),),
            )
            numbers = {
                session_id: {view.page_view_id: view.number for view in self.page_views(session_id)}
                for session_id in {row[1] for row in rows}
            }
            for batch, session_id, page_view_id, origin in rows:
                number = numbers[session_id].get(page_view_id, 0)
                self._places[batch] = _Place(session_id, page_view_id, number, origin)
        return self._places

    def iter_records(
        self,
        session_id: str | None = None,
        *,
        page_view_id: str | None = None,
        entry_types: Sequence[str] | None = None,
        predicate: Predicate | None = None,
        since_us: int | None = None,
        until_us: int | None = None,
        after_seq: int = 0,
    ) -> Iterator[Record]:
        """Entries in order of arrival, streamed in bounded memory."""
        if session_id is not None:
            self._base_us(session_id)
        where, parameters, left = self._where(session_id, page_view_id, after_seq, predicate)
        if entry_types is not None:
            where += (
                " AND e.type IN (SELECT id FROM string"
                " WHERE text IN (SELECT value FROM json_each(?)))"
            )
            parameters.append(msgspec.json.encode(list(entry_types)).decode())
        for condition, bound in (("b.received_us >= ?", since_us), ("b.received_us < ?", until_us)):
            if bound is not None:
                where += f" AND {condition}"
                parameters.append(bound)
        rows = self._rows(
            "SELECT json_group_array(e.seq) FROM batch AS b"
            " JOIN entry AS e ON e.seq BETWEEN b.first_seq AND b.last_seq"
            f" WHERE {where} GROUP BY b.id ORDER BY b.id",
            parameters,
        )
        waiting: list[int] = []
        for (text,) in rows:
            waiting += sorted(_INTEGERS.decode(text))
            while len(waiting) >= READ_AT_ONCE:
                yield from self._passing(waiting[:READ_AT_ONCE], left)
                del waiting[:READ_AT_ONCE]
        yield from self._passing(waiting, left)

    def _passing(self, seqs: Sequence[int], predicate: Predicate | None) -> Iterator[Record]:
        for record in self.records(seqs):
            if predicate is None or predicate.matches(record):
                yield record

    def columns(self, selection: Selection) -> ColumnSource:
        """A selection of the store column by column."""
        from perftui.store.column_reader import StoreColumns

        return StoreColumns(self, self._connection, selection, self._condition)

    def _condition(self, predicate: Predicate) -> tuple[str, list[Any]]:
        """A predicate as SQL over ``entry AS e`` and ``batch AS b``."""
        compiled = getattr(predicate, "sql", None)
        if compiled is not None:
            condition, bound = compiled(FILTER_COLUMNS)
            return f"({condition})", list(bound)
        passing = [record.seq for record in self.iter_records(predicate=predicate)]
        return (
            "e.seq IN (SELECT value FROM json_each(?))",
            [msgspec.json.encode(passing).decode()],
        )

    def usual(self, endpoint: str, *, before_seq: int | None = None) -> Usual:
        """What an endpoint's finished calls usually take: the latest :data:`USUAL_CALLS` of
        them. What came from the browser's cache without a request tells nothing of that."""
        method, space, template = endpoint.rpartition(" ")
        if space and not method.isalpha():
            method, template = "", endpoint
        urls = self._value(
            "SELECT json_group_array(u.id) FROM url AS u JOIN string AS s ON s.id = u.endpoint"
            " WHERE s.text = ?",
            (template,),
        )
        types = self._value(
            "SELECT json_group_array(id) FROM string WHERE text IN (SELECT value FROM json_each(?))",
            (msgspec.json.encode(sorted(REQUEST_ENTRY_TYPES)).decode(),),
        )
        durations = self._rows(
            "SELECT e.duration_us FROM (SELECT first_seq, last_seq FROM batch"
            " WHERE request_count > 0 AND first_seq < ?1 ORDER BY id DESC LIMIT ?2) AS b"
            " JOIN entry AS e ON e.seq BETWEEN b.first_seq AND b.last_seq AND e.seq < ?1"
            " WHERE e.url IN (SELECT value FROM json_each(?3))"
            " AND e.type IN (SELECT value FROM json_each(?4)) AND e.duration_us IS NOT NULL"
            " AND e.method IS (SELECT id FROM string WHERE text = ?5)"
            " AND NOT ifnull(e.delivery_type = (SELECT id FROM string WHERE text = 'cache'), 0)"
            " AND NOT (e.transfer_size IS 0 AND ifnull(e.decoded_body_size, 0) > 0)"
            " ORDER BY e.seq DESC LIMIT ?6",
            (
                *(IN_FLIGHT if before_seq is None else before_seq, SEARCHED_BATCHES),
                *(urls, types, method.upper() if space and method else None, USUAL_CALLS),
            ),
        )
        known = sorted(row[0] for row in durations)
        return Usual(len(known), known[(len(known) - 1) // 2] if known else None)


_INTEGERS = msgspec.json.Decoder(list[int])
_ENTRIES = msgspec.json.Decoder(list[tuple[int, int, Entry]])


def _no_session(text: str) -> NotFoundError:
    return NotFoundError(f"there is no session {text!r}; `perftui sessions` lists them")


def _record(seq: int, place: _Place, entry: Entry) -> Record:
    return Record(
        seq=seq,
        session_id=place.session_id,
        page_view_id=place.page_view_id,
        page_view_number=place.number,
        time_origin_us=place.time_origin_us,
        entry=entry,
    )


def _register(
    connection: Connection, name: str, arguments: int, function: Callable[..., Any]
) -> None:
    """Make a function callable from SQL; the two drivers name it differently."""
    driver: Any = connection
    if hasattr(driver, "create_scalar_function"):
        driver.create_scalar_function(name, function, arguments, deterministic=True)
    else:
        driver.create_function(name, arguments, function, deterministic=True)


def _can_make_files_beside(path: Path) -> bool:
    import os

    return os.access(path.parent, os.W_OK)
