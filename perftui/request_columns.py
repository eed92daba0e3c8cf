"""Requests column by column: what the figures of reports are computed from.

An answer over a million requests needs a dozen of their fields and none of the requests
themselves, so that a store gives arrays instead of objects. Numbers are ``float64`` with NaN for
what is not known (all integers up to ±2^53, which is all there are, are exact in it); texts are the
store's IDs of them, 0 where there is none, told by :meth:`ColumnSource.texts` and
:meth:`ColumnSource.urls`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias

import msgspec

from perftui.entry_fields import ENTRY_FIELDS, FieldKind
from perftui.model import JSON, PageView, Predicate, Reader, Record

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Integers: TypeAlias = "NDArray[np.int64]"
Floats: TypeAlias = "NDArray[np.float64]"
Flags: TypeAlias = "NDArray[np.bool_]"

TEXT_COLUMNS: frozenset[str] = frozenset(
    {
        "type",
        "url",
        *(field.attribute for field in ENTRY_FIELDS if field.kind is FieldKind.TEXT),
    }
)
"""Columns of IDs: ``url`` of URLs, the others of texts."""

OFFSET_COLUMNS: frozenset[str] = frozenset(
    field.attribute for field in ENTRY_FIELDS if field.kind is FieldKind.TIME
)
"""Columns of moments, told as µs since the entry's own start."""


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """Which entries are asked about.

    Attributes:
        session_ids: of these sessions.
        since_us, until_us: bounds of the moment of receipt, µs since the epoch, half-open.
        predicate: narrows the requests, and nothing else.
    """

    session_ids: tuple[str, ...]
    since_us: int | None = None
    until_us: int | None = None
    predicate: Predicate | None = None


class Partly(NamedTuple):
    """Columns of numbers that are wanted of a small part of the requests.

    Attributes:
        predicate: lets the requests of that part through.
        names: of the columns.
    """

    predicate: Predicate
    names: tuple[str, ...]


class Part(NamedTuple):
    """Columns of numbers of some requests.

    Attributes:
        places: where these stand among all requests, ascending.
        values: column -> its values, NaN where unknown.
    """

    places: Integers
    values: dict[str, Floats]


@dataclass(frozen=True, slots=True)
class RequestColumns:
    """Some columns of all requests of a selection, in order of arrival.

    Attributes:
        seqs: positions in the store.
        batches: the place of each one's batch in :attr:`ColumnSource.batch_pages`.
        values: column -> its values.
        part: what was wanted of a part of them; None where nothing was.
    """

    seqs: Integers
    batches: Integers
    values: dict[str, Integers | Floats | Flags]
    part: Part | None = None


class UrlParts(NamedTuple):
    """A URL and what follows from it; empty where it has no such part.

    Attributes:
        domain: the registrable domain of the host.
        endpoint: host and path template.
    """

    url: str
    host: str
    domain: str
    endpoint: str


class ColumnSource(Protocol):
    """A selection of a store, fixed when it is made: what arrives later is in none of its answers.
    Blocking; belongs to one thread at a time.

    Attributes:
        page_views: of the selected sessions.
        batch_pages: the place of each batch's pageview in ``page_views``.
        batch_origins: its time origin, µs since the epoch.
    """

    page_views: Sequence[PageView]
    batch_pages: Integers
    batch_origins: Integers

    def middle_us(self) -> int:
        """The moment that half of all entries began before, µs since the epoch; 0 where there are
        none."""
        ...

    def happening_count(self) -> int:
        """Entries that are no requests."""
        ...

    def requests(
        self,
        names: Sequence[str],
        flags: Mapping[str, Predicate] = ...,
        partly: Partly | None = None,
    ) -> RequestColumns:
        """Columns of the requests: ``start_us`` (µs since the time origin), ``duration_us``,
        ``request_duration_us`` (``analysis.phases.request_duration_us``), :data:`TEXT_COLUMNS`,
        :data:`OFFSET_COLUMNS`, and the attributes of sizes and status.

        Args:
            flags: columns that say where a filter lets a request through, and their filters.
            partly: columns of a part of the requests only.
        """
        ...

    def details(self, *keys: str) -> Mapping[int, Mapping[str, JSON]]:
        """Position -> what :attr:`Entry.extra` holds, for requests that have one of the keys."""
        ...

    def happenings(self, types: Sequence[str]) -> list[tuple[int, Record]]:
        """Entries of these types in order of arrival, each with the place of its pageview. Of a
        navigation they have the moments of request and response and whether it blocks rendering, no other field of
        ``entry_fields``."""
        ...

    def texts(self, identifiers: Sequence[int]) -> dict[int, str]:
        """ID -> text."""
        ...

    def urls(self, identifiers: Sequence[int]) -> list[UrlParts]:
        """The URLs, in the order asked for; empty ones for those that are gone."""
        ...


class ColumnReader(Reader, Protocol):
    """A reader that also gives columns."""

    def columns(self, selection: Selection) -> ColumnSource:
        """A selection of the store column by column. Needs the reader for as long as it is
        asked."""
        ...
