"""Entries by column: what a batch is made of on its way from the wire to the store.

An object for each of a thousand entries, looked at once and taken apart again, would cost more
than to decode and to store them. So the entries of a batch may be kept as one sequence for each
attribute; they are an ordinary sequence of :class:`perftui.model.Entry` for whoever wants one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import repeat
from operator import add, itemgetter
from typing import Any, overload

import msgspec

from perftui.entry_fields import ENTRY_FIELDS, REQUEST_ENTRY_TYPES, FieldKind
from perftui.model import Entry

Column = Sequence[Any]

TIME_COLUMNS = frozenset(field.attribute for field in ENTRY_FIELDS if field.kind is FieldKind.TIME)
"""The columns that hold offsets."""

_ATTRIBUTES = Entry.__struct_fields__


class EntryColumns(Sequence[Entry]):
    """Entries, kept by column. Immutable; an :class:`Entry` is made when somebody asks for it.

    Attributes:
        columns: attribute of :class:`Entry` -> its values, all of one length. The moments of
            ``entry_fields`` are offsets in µs from ``start_us``, as the store has them. Moments
            and durations are whole numbers, of type int or float. A column of which nothing is
            known is missing (``extra``: where all are empty); ``entry_type``, ``name`` and
            ``start_us`` are always there.
    """

    __slots__ = ("_counts", "_entries", "_length", "columns")

    def __init__(self, columns: Mapping[str, Column]) -> None:
        self.columns = columns
        self._length = len(columns["entry_type"])
        self._entries: tuple[Entry, ...] | None = None
        self._counts: Mapping[str, int] | None = None

    @classmethod
    def of(cls, entries: Sequence[Entry]) -> EntryColumns:
        """Any entries by column."""
        if isinstance(entries, cls):
            return entries
        told = zip(*map(msgspec.structs.astuple, entries), strict=True) if entries else repeat(())
        columns: dict[str, Column] = {}
        for attribute, values in zip(_ATTRIBUTES, told, strict=False):
            if attribute not in _ALWAYS and not _is_told(attribute, values):
                continue
            if attribute in TIME_COLUMNS:
                starts = columns["start_us"]
                values = tuple(
                    [
                        None if moment is None else moment - start
                        for moment, start in zip(values, starts, strict=True)
                    ]
                )
            columns[attribute] = values
        return cls(columns)

    @classmethod
    def concatenated(cls, parts: Sequence[EntryColumns]) -> EntryColumns:
        """The entries of all parts, one after the other."""
        if len(parts) == 1:
            return parts[0]
        told = set().union(*[part.columns for part in parts]) | _ALWAYS
        columns: dict[str, Column] = {}
        for attribute in _ATTRIBUTES:
            if attribute in told:
                values: list[Any] = []
                for part in parts:
                    values += part.values(attribute)
                columns[attribute] = values
        return cls(columns)

    def taken(self, places: Sequence[int]) -> EntryColumns:
        """The entries at these places, in this order."""
        if not places:
            return EntryColumns.of(())
        take = itemgetter(*places, places[0])  # of one place it would give no tuple
        return EntryColumns(
            {attribute: take(values)[:-1] for attribute, values in self.columns.items()}
        )

    def replaced(self, **columns: Column) -> EntryColumns:
        """The same entries with other columns."""
        changed = EntryColumns({**self.columns, **columns})
        if "entry_type" not in columns:
            changed._counts = self._counts
        return changed

    def values(self, attribute: str) -> Column:
        """A column, also one that is missing."""
        found = self.columns.get(attribute)
        if found is not None:
            return found
        return (_NOTHING if attribute == "extra" else None,) * self._length

    def counts_by_type(self) -> Mapping[str, int]:
        """Entry type -> how many; counted once."""
        if self._counts is None:
            types = self.columns["entry_type"]
            if types and types.count(types[0]) == self._length:
                self._counts = {types[0]: self._length}
            else:
                self._counts = Counter(types)
        return self._counts

    @property
    def are_requests(self) -> bool:
        """Whether all of the entries stand for one HTTP request each."""
        return self.counts_by_type().keys() <= REQUEST_ENTRY_TYPES

    def request_places(self) -> Sequence[int]:
        """Which of the entries stand for one HTTP request each."""
        if self.are_requests:
            return range(self._length)
        types = self.columns["entry_type"]
        return [place for place, told in enumerate(types) if told in REQUEST_ENTRY_TYPES]

    def span_us(self) -> tuple[int, int] | None:
        """Start of the first and end of the last, µs; what is in flight ends where it starts.
        None where there are none."""
        starts = self.columns["start_us"]
        if not starts:
            return None
        durations = self.columns.get("duration_us", ())
        try:
            ends = max(map(add, starts, durations), default=None)
        except TypeError:
            ends = None
        if ends is None:
            ends = max(
                [
                    start + (duration or 0)
                    for start, duration in zip(starts, self.values("duration_us"), strict=False)
                ]
            )
        return int(min(starts)), int(ends)

    # --- a sequence of entries ------------------------------------------------------------

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, place: int) -> Entry: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[Entry]: ...

    def __getitem__(self, place: int | slice) -> Entry | Sequence[Entry]:
        if self._entries is not None or isinstance(place, slice):
            return self._all()[place]
        return EntryColumns(
            {attribute: (values[place],) for attribute, values in self.columns.items()}
        )._all()[0]

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._all())

    def _all(self) -> tuple[Entry, ...]:
        if self._entries is None:
            starts = list(map(int, self.columns["start_us"]))
            told: list[Iterable[Any]] = []
            for attribute in _ATTRIBUTES:
                values = self.values(attribute)
                if attribute in self.columns and attribute in TIME_COLUMNS:
                    values = [
                        None if offset is None else start + int(offset)
                        for offset, start in zip(values, starts, strict=True)
                    ]
                elif attribute == "start_us":
                    values = starts
                elif attribute == "duration_us":
                    values = [None if one is None else int(one) for one in values]
                told.append(values)
            self._entries = tuple(map(_entry, *told))
        return self._entries

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence):
            return NotImplemented
        return self._all() == tuple(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"EntryColumns.of({list(self._all())!r})"


def once_for_each(function: Callable[[Any], Any], values: Column) -> list[Any]:
    """The function of each value; of values that are one and the same object it is taken once.

    Entries of a batch share what they have in common, such as ``extra``, mostly many in a row.
    """
    results: dict[int, Any] = {}
    told: list[Any] = []
    before = result = object()
    for one in values:
        if one is not before:
            before, key = one, id(one)
            if key in results:
                result = results[key]
            else:
                result = results[key] = function(one)
        told.append(result)
    return told


_ALWAYS = frozenset({"entry_type", "name", "start_us"})
_NOTHING: Mapping[str, Any] = {}


def _is_told(attribute: str, values: Column) -> bool:
    if attribute == "extra":
        return any(values)
    return values.count(None) < len(values)


def _generate_entry() -> Callable[..., Entry]:
    names = ", ".join(_ATTRIBUTES)
    told = ", ".join(
        "extra=extra or {}" if name == "extra" else f"{name}={name}" for name in _ATTRIBUTES
    )
    namespace: dict[str, Any] = {"Entry": Entry}
    # Made of the constants above only, as dataclasses does.
    exec(f"def entry({names}):\n    return Entry({told})", namespace)  # noqa: S102
    entry: Callable[..., Entry] = namespace["entry"]
    return entry


_entry = _generate_entry()
