"""What goes from a store to an export: whole batches in blocks, column by column.

Turning a million rows into objects and back into columns would cost more than reading, sending
and storing them, so a block keeps the store's columns, with texts as IDs and a table of these.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from perftui.model import Batch, Entry


@dataclass(frozen=True, slots=True)
class StoredBatch:
    """A batch without its entries.

    Attributes:
        row: its ID in the store, ascending in order of arrival.
        first_seq, last_seq: where its entries are; ``last_seq`` is one less where it has none.
    """

    row: int
    first_seq: int
    last_seq: int
    batch: Batch

    @property
    def entry_count(self) -> int:
        """Entries that it had when it arrived."""
        return self.last_seq - self.first_seq + 1


@dataclass(frozen=True, slots=True)
class StoredUrl:
    """A URL and what follows from it."""

    url: str
    host: str
    site: str
    endpoint: str


@dataclass(frozen=True, slots=True)
class Amendment:
    """A row that another block had, and that this block's batches changed.

    Attributes:
        origin: the batch that the row is of.
        index: its position in that batch.
        entry: what it holds now; of a deleted row, what it is known by.
        deleted: the row has gone into one of this block.
        version_us: moment of receipt of what changed it.
    """

    origin: StoredBatch
    index: int
    entry: Entry
    deleted: bool
    version_us: int


@dataclass(frozen=True, slots=True)
class Block:
    """Consecutive batches with their entries.

    Attributes:
        batches: in order of arrival.
        columns: ``seq``, ``batch``, ``type``, ``url``, ``name``, ``start_us``, ``duration_us``, the
            attributes of ``entry_fields`` and ``extra`` (JSON text) -> their values, all of one
            length, in order of arrival. Texts are IDs of ``strings`` (``url``: of ``urls``), times
            of ``entry_fields`` are offsets to ``start_us``.
        strings: ID -> text, for every ID in the columns of text.
        urls: ID -> URL, for every ID in ``columns["url"]``.
        amendments: rows of earlier blocks that changed.
    """

    batches: Sequence[StoredBatch]
    columns: dict[str, tuple[Any, ...]]
    strings: dict[int, str]
    urls: dict[int, StoredUrl]
    amendments: Sequence[Amendment]

    @property
    def first_batch(self) -> int:
        """Row of the first batch."""
        return self.batches[0].row

    @property
    def last_batch(self) -> int:
        """Row of the last batch."""
        return self.batches[-1].row

    @property
    def last_seq(self) -> int:
        """Position of the last entry that the batches had."""
        return self.batches[-1].last_seq

    def __len__(self) -> int:
        return len(self.columns["seq"])


class BlockSource(Protocol):
    """A store that gives its batches away in blocks. Blocking; belongs to one thread at a time."""

    store_id: str

    def extent(self, after_batch: int = 0, session_id: str | None = None) -> tuple[int, int]:
        """The row of the newest batch, and how many entries arrived after ``after_batch``."""
        ...

    def blocks(
        self,
        *,
        after_batch: int = 0,
        until_batch: int | None = None,
        session_id: str | None = None,
        since_us: int | None = None,
        until_us: int | None = None,
        block_entries: int = ...,
    ) -> Iterator[Block]:
        """Blocks of batches in order of arrival.

        Args:
            after_batch, until_batch: only batches of these rows, the first exclusive.
            session_id: only this session's.
            since_us, until_us: only batches received in this half-open time, µs since the epoch.
            block_entries: a block ends with the batch that brings it to this many.
        """
        ...
