"""A scan of the store for columns of requests: its statement, and arrays made of what it tells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from perftui.entry_fields import ENTRY_FIELDS
from perftui.request_columns import TEXT_COLUMNS, Floats, Integers, Part
from perftui.store.schema import column

Condition = tuple[str, Sequence[Any]]
"""SQL over ``entry AS e`` and ``batch AS b``, and what is bound to its question marks."""

UNKNOWN = -(2**62)
"""What stands for NULL in a joined text: moments and starts are within ±2^53, and so no offset or
sum of theirs is as small."""

COLUMNS: Mapping[str, str] = {
    **{name: f"e.{name}" for name in ("url", "start_us", "duration_us")},
    **{field.attribute: f"e.{column(field.attribute, field.kind)}" for field in ENTRY_FIELDS},
    # What is no resource tells it by _REQUEST_DURATION.
    "request_duration_us": "e.duration_us",
}
"""Column -> SQL; ``type`` is told otherwise."""

_REQUEST_DURATION = (
    "CASE WHEN e.response_end_offset_us IS NOT NULL"
    " AND e.type = (SELECT id FROM string WHERE text = 'navigation')"
    " THEN max(0, e.response_end_offset_us) ELSE max(0, e.duration_us) END"
)
"""``analysis.phases.request_duration_us``."""


class Others(NamedTuple):
    """The entries that are no resources: their positions, ascending, and types."""

    seqs: Integers
    types: Integers


class RequestScan:
    """A statement that tells columns of requests, and what it told of one group of ranges of
    positions after the other.

    SQLite joins the values of a column into one text. Where nearly all entries are requests, the
    others are read with them and left out then: to ask each entry for its type and to be told its
    position takes longer.

    Args:
        names: of the columns.
        sparse: those of which so little is known that positions are told with the values.
        flags: columns of yes and no, and what says yes.
        partly: what lets a part of the requests through, and the columns wanted of those.
        request_types, resource_type: IDs of entry types.
        with_others: whether the statement is about all entries, and not about requests alone.
        most: how many requests there are at most.

    Attributes:
        sql: what a row has, in the order of :meth:`take`.
        bound: its values.
        details: how many requests have fields that have no column.
    """

    def __init__(
        self,
        names: Sequence[str],
        sparse: frozenset[str],
        flags: Mapping[str, Condition],
        partly: tuple[Condition, Sequence[str]] | None,
        *,
        request_types: Sequence[int],
        resource_type: int,
        with_others: bool,
        most: int,
    ) -> None:
        self._plain = [name for name in names if name != "type"]
        self._sparse = sparse
        self._flags = list(flags)
        self._partly = () if partly is None else tuple(partly[1])
        self._request_types = request_types
        self._resource_type = resource_type
        self._with_others = with_others
        joined = ["count(e.extra)", "count(*)" if with_others else "group_concat(e.seq)"]
        joined.append(
            f"group_concat(CASE WHEN e.type <> {resource_type} THEN e.seq || ',' || e.type || ','"
            f" || (e.extra IS NOT NULL) || ',' || ifnull({_REQUEST_DURATION}, {UNKNOWN}) END)"
        )
        for name in self._plain:
            unknown = 0 if name in TEXT_COLUMNS else UNKNOWN
            joined.append(
                # NULL is left out of what group_concat joins.
                f"group_concat(e.seq || ',' || {COLUMNS[name]})"
                if name in sparse
                else f"group_concat(ifnull({COLUMNS[name]}, {unknown}))"
            )
        self.bound: list[Any] = []
        for (test, bound), told in (
            *((condition, ()) for condition in flags.values()),
            *(() if partly is None else (partly,)),
        ):
            values = "".join(f" || ',' || ifnull({COLUMNS[name]}, {UNKNOWN})" for name in told)
            joined.append(
                f"group_concat(CASE WHEN {test} AND {one_of('e.type', request_types)}"
                f" THEN e.seq{values} END)"
            )
            self.bound += bound
        self.sql = ", ".join(joined)
        self.details = 0
        self._columns = {name: _Growing(most) for name in (*names, *flags)}
        self._seqs = _Growing(most)
        self._others = [np.empty((0, 2), np.int64)]
        self._of_partly = [np.empty((0, 1 + len(self._partly)), np.int64)]

    def take(self, rows: Sequence[Sequence[Any]], every: Integers | None) -> None:
        """What some rows told.

        Args:
            every: the positions of all their entries, where the others are read, too.
        """
        details, positions, others, *columns = zip(*rows, strict=True)
        told = [parsed(texts) for texts in columns]
        apart = parsed(others).reshape(-1, 4)
        seqs = parsed(positions) if every is None else every
        kept: Any = slice(None)
        self.details += sum(details)
        if every is not None:
            left_out = apart[~np.isin(apart[:, 1], self._request_types)]
            if len(left_out):
                kept = np.ones(len(seqs), dtype=np.bool_)
                kept[np.searchsorted(seqs, left_out[:, 0])] = False
                self.details -= int(left_out[:, 2].sum())
        at = np.searchsorted(seqs, apart[:, 0])
        for name, numbers in zip(self._plain, told, strict=False):
            values = self._values(name, numbers, seqs)
            if name == "request_duration_us":
                values = np.maximum(values, 0)
                values[at] = _floats(apart[:, 3])
            self._columns[name].append(values[kept])
        if "type" in self._columns:
            types = np.full(len(seqs), self._resource_type)
            types[at] = apart[:, 1]
            self._columns["type"].append(types[kept])
        seqs = seqs[kept]
        for name, marked in zip(self._flags, told[len(self._plain) :], strict=False):
            flags = np.zeros(len(seqs), dtype=np.bool_)
            flags[np.searchsorted(seqs, marked)] = True
            self._columns[name].append(flags)
        if self._partly:
            self._of_partly.append(told[-1].reshape(-1, 1 + len(self._partly)))
        self._seqs.append(seqs)
        self._others.append(apart[:, :2])

    def _values(self, name: str, told: Integers, seqs: Integers) -> Integers | Floats:
        if name not in self._sparse:
            return told if name in TEXT_COLUMNS else _floats(told)
        values = np.zeros(len(seqs), np.int64)
        if name not in TEXT_COLUMNS:
            values = np.full(len(seqs), np.nan)
        values[np.searchsorted(seqs, told[0::2])] = told[1::2]
        return values

    @property
    def seqs(self) -> Integers:
        """The positions of the requests."""
        seqs: Integers = self._seqs.values
        return seqs

    @property
    def values(self) -> dict[str, Any]:
        """Column -> its values, one for each request."""
        return {name: column.values for name, column in self._columns.items()}

    @property
    def others(self) -> Others:
        """What was found that is no resource."""
        others = np.concatenate(self._others)
        return Others(others[:, 0], others[:, 1])

    def part(self, seqs: Integers) -> Part | None:
        """What is wanted of a part of the requests; None where nothing is.

        Args:
            seqs: those of all requests.
        """
        if not self._partly:
            return None
        told = np.concatenate(self._of_partly)
        values = {name: _floats(told[:, 1 + place]) for place, name in enumerate(self._partly)}
        return Part(np.searchsorted(seqs, told[:, 0]), values)


class _Growing:
    """An array that pieces are put into as they come. Its whole room is asked for at once, and the
    machine gives no more of it than is written to: pieces that were kept until they can be joined
    would need their room twice.

    Args:
        most: how many values there are at most.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._count = 0
        self._room: Any = None

    def append(self, piece: Any) -> None:
        """Put some values behind those there are; the first piece says of which kind they are."""
        if self._room is None:
            self._room = np.empty(self._most, dtype=piece.dtype)
        self._room[self._count : self._count + len(piece)] = piece
        self._count += len(piece)

    @property
    def values(self) -> Any:
        """What was put into it."""
        return np.empty(0, dtype=np.int64) if self._room is None else self._room[: self._count]


def one_of(expression: str, identifiers: Iterable[int]) -> str:
    """Whether an ID is one of these, as SQL."""
    return f"({expression} IN ({', '.join(map(str, identifiers))}))"


def parsed(texts: Iterable[str | None]) -> Integers:
    """The numbers of some joined texts; none of what nothing was joined of."""
    return np.fromstring(",".join(filter(None, texts)), dtype=np.int64, sep=",")


def joined_arrays(parts: Sequence[Any]) -> Any:
    """One array of some; of none, one without values."""
    return np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)


def _floats(values: Integers) -> Floats:
    numbers = values.astype(np.float64)
    numbers[values == UNKNOWN] = np.nan
    return numbers
