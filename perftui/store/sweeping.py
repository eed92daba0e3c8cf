"""Texts that no row holds any more: found and removed in small steps beside the writer.

The interned texts have no count of their users, which every entry would have to pay for. After
sessions went, a sweep reads all that is left once, a stretch at a time, marks each text in use in
a bit field, and removes the others. What is written meanwhile is marked in the same transaction
that removes, so nothing that came into use again is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from perftui.entry_fields import ENTRY_FIELDS, FieldKind
from perftui.store.connection import Connection, value
from perftui.store.schema import SEEDED_STRINGS
from perftui.store.writer import StoreWriter

STRETCH = 4096
"""Rows read or texts removed in one step: a few milliseconds."""

_ENTRY_STRINGS = (
    *("type", "name"),
    *(field.attribute for field in ENTRY_FIELDS if field.kind is FieldKind.TEXT),
)
_URL_STRINGS = ("origin", "host", "site", "endpoint")

_decode = msgspec.json.Decoder(list[list[int | None]]).decode


class _Marks:
    """A set of small integers, one bit each."""

    def __init__(self) -> None:
        self._bits = bytearray()

    def add(self, numbers: Iterable[int | None]) -> None:
        """Mark these; None is passed over."""
        bits = self._bits
        for number in numbers:
            if number is not None:
                place = number >> 3
                if place >= len(bits):
                    bits.extend(bytes(max(place + 1 - len(bits), len(bits))))
                bits[place] |= 1 << (number & 7)

    def __contains__(self, number: int) -> bool:
        place = number >> 3
        return place < len(self._bits) and bool(self._bits[place] & 1 << (number & 7))


class Sweep:
    """One sweep over a store.

    Attributes:
        removed: texts removed so far.
    """

    def __init__(self, writer: StoreWriter) -> None:
        self._writer = writer
        self.removed = 0
        self._strings = _Marks()
        self._urls = _Marks()
        self._strings.add(range(len(SEEDED_STRINGS) + 1))
        self._entries_read = 0
        self._batches_read = 0
        self._urls_read = 0
        self._next_removed = 0
        with writer.transaction() as connection:
            self._newest_string = _newest(connection, "string", "id")
            self._newest_url = _newest(connection, "url", "id")
            self._begun_at = _newest(connection, "entry", "seq")
        self._phase: Callable[[Connection], bool] | None = self._read_entries

    def step(self) -> bool:
        """Do a small piece; False once all is done.

        Raises:
            SinkFullError: there is no space left.
            StoreError: the file cannot be written.
        """
        if self._phase is None:
            return False
        with self._writer.transaction() as connection:
            before = self.removed
            if self._phase(connection):
                self._advance(connection)
        if self.removed > before:
            self._writer.forget()
        return self._phase is not None

    def _advance(self, connection: Connection) -> None:
        after: dict[Any, Callable[[Connection], bool] | None] = {
            self._read_entries: self._read_batches,
            self._read_batches: self._remove_urls,
            self._remove_urls: self._read_urls,
            self._read_urls: self._remove_strings,
            self._remove_strings: None,
        }
        if self._phase == self._remove_urls:
            # From here on a new URL gets a higher ID than all that there are.
            self._newest_url = _newest(connection, "url", "id")
        self._phase = after[self._phase]
        self._next_removed = 0

    # --- marking --------------------------------------------------------------------------

    def _read_entries(self, connection: Connection) -> bool:
        newest = _newest(connection, "entry", "seq")
        # Positions of what was removed are gaps: a stretch begins at the next row there is.
        begin = value(connection, "SELECT min(seq) FROM entry WHERE seq > ?", (self._entries_read,))
        end = newest if begin is None else min(newest, begin + STRETCH)
        if begin is not None:
            self._mark_entries(connection, f"seq BETWEEN {begin} AND {end}")
        self._entries_read = end
        return end >= newest

    def _mark_entries(self, connection: Connection, condition: str) -> None:
        self._urls.add(_distinct(connection, "entry", ("url",), condition)[0])
        for column in _distinct(connection, "entry", _ENTRY_STRINGS, condition):
            self._strings.add(column)

    def _read_batches(self, connection: Connection) -> bool:
        newest = _newest(connection, "batch", "id")
        end = min(newest, self._batches_read + STRETCH)
        condition = f"id > {self._batches_read} AND id <= {end}"
        self._strings.add(_distinct(connection, "batch", ("source",), condition)[0])
        self._batches_read = end
        return end >= newest

    def _read_urls(self, connection: Connection) -> bool:
        end = min(self._newest_url, self._urls_read + STRETCH)
        self._mark_urls(connection, f"id > {self._urls_read} AND id <= {end}")
        self._urls_read = end
        return end >= self._newest_url

    def _mark_urls(self, connection: Connection, condition: str) -> None:
        for column in _distinct(connection, "url", _URL_STRINGS, condition):
            self._strings.add(column)

    def _mark_what_is_new(self, connection: Connection) -> None:
        while not self._read_entries(connection):
            pass
        while not self._read_batches(connection):
            pass
        # Rows that changed in place: a pageview's URL, and entries joined with their other side.
        self._urls.add(_distinct(connection, "pageview", ("url",), "1")[0])
        self._strings.add(_distinct(connection, "session", ("source",), "1")[0])
        self._mark_entries(
            connection,
            "seq IN (SELECT min(browser_seq, proxy_seq) FROM flow"
            f" WHERE merged_seq > {self._begun_at} UNION ALL SELECT frame_seq FROM flow"
            f" WHERE max(browser_seq, ifnull(merged_seq, 0)) > {self._begun_at})",
        )

    # --- removing -------------------------------------------------------------------------

    def _remove_urls(self, connection: Connection) -> bool:
        self._mark_what_is_new(connection)
        return self._remove(connection, "url", self._urls, self._newest_url)

    def _remove_strings(self, connection: Connection) -> bool:
        self._mark_what_is_new(connection)
        self._mark_urls(connection, f"id > {self._newest_url}")
        return self._remove(connection, "string", self._strings, self._newest_string)

    def _remove(self, connection: Connection, table: str, marks: _Marks, newest: int) -> bool:
        end = min(newest, self._next_removed + STRETCH)
        unused = [
            identifier
            for identifier in _distinct(
                connection, table, ("id",), f"id > {self._next_removed} AND id <= {end}"
            )[0]
            if identifier is not None and identifier not in marks
        ]
        if unused:
            connection.execute(
                f"DELETE FROM {table} WHERE id IN (SELECT value FROM json_each(?))",
                (msgspec.json.encode(unused).decode(),),
            )
            self.removed += len(unused)
        self._next_removed = end
        return end >= newest


def _newest(connection: Connection, table: str, key: str) -> int:
    return int(value(connection, f"SELECT ifnull(max({key}), 0) FROM {table}"))


def _distinct(
    connection: Connection, table: str, columns: Iterable[str], condition: str
) -> list[list[int | None]]:
    """The distinct values of each column, as one row of JSON."""
    arrays = ", ".join(f"json_group_array(DISTINCT {column})" for column in columns)
    return _decode(value(connection, f"SELECT json_array({arrays}) FROM {table} WHERE {condition}"))
