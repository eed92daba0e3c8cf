"""A store into a remote table: in blocks, exactly once, going on where it stopped.

Before a block is sent, its range is kept in the store's checkpoint; after its acknowledgement
the checkpoint moves. An export that dies in between sends the very same range again under the
very same token, which the server drops where it had arrived.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, Protocol

import msgspec

from perftui.blocks import Block, BlockSource
from perftui.export.columns import message

BLOCK_ENTRIES = 50_000
"""Entries of one insert: large enough that ClickHouse makes one good part of each day, small
enough that memory stays flat."""


class Checkpoints(Protocol):
    """Where a store keeps how far its exports have got."""

    def checkpoint(self, name: str) -> tuple[int, str | None]:
        """The last position that was acknowledged (0 at first), and the state kept with it."""
        ...

    def set_checkpoint(self, name: str, last_seq: int, state: str | None = None) -> None:
        """Keep how far it has got."""
        ...


class Destination(Protocol):
    """A remote table."""

    @property
    def table_id(self) -> str | None:
        """What the table is known by, another one once it was dropped and made anew; None where
        that cannot be told."""
        ...

    def send(self, table: Any, token: str) -> None:
        """Insert an Arrow table; repeated with one token it is stored once.

        Raises:
            RefusedDataError: some of its rows are never taken; none was.
            ExportError: it cannot be done now; none was, or all of them.
        """
        ...


class _State(msgspec.Struct, omit_defaults=True):
    """What the checkpoint keeps: the last batch acknowledged, a range that may be on its way, and
    the table that they went to."""

    batch: int = 0
    pending: tuple[int, int] | None = None
    table: str | None = None


@dataclass(slots=True)
class Summary:
    """What an export did.

    Attributes:
        sent: rows that the remote end has acknowledged.
        skipped: rows left out: by the filter, or without a moment in time.
        refused: rows in the dead-letter file.
        amended: of those sent, rows that replace an earlier one.
    """

    sent: int = 0
    skipped: int = 0
    refused: int = 0
    amended: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What is to leave; all of it where nothing is said.

    Attributes:
        since_us, until_us: moments of receipt, half-open, µs since the epoch.
        seqs: positions in the store of what passes a filter.
        filter_text: that filter, as a person wrote it.
    """

    session_id: str | None = None
    since_us: int | None = None
    until_us: int | None = None
    seqs: Sequence[int] | None = None
    filter_text: str = ""

    @property
    def is_all(self) -> bool:
        """Whether the whole store leaves, so that the checkpoint may move."""
        return (self.session_id, self.since_us, self.until_us, self.seqs) == (None,) * 4


EARLIEST_US = 946_684_800_000_000
"""2000-01-01. A row from before was never told its moment; ClickHouse would take it for expired
and drop it in silence, so it stays here and is counted."""

LATEST_US = 4_102_444_800_000_000
"""2100-01-01; DateTime, which the TTL reckons with, ends in 2106."""


def drain(
    source: BlockSource,
    destination: Destination,
    checkpoints: Checkpoints,
    *,
    name: str,
    selection: Selection | None = None,
    block_entries: int = BLOCK_ENTRIES,
    dead_letters: Path,
    on_progress: Callable[[int], None] | None = None,
) -> Summary:
    """Send what has not been sent.

    Args:
        name: of the checkpoint; it names the remote end.
        selection: a part of the store; it is sent whole each time and moves no checkpoint.
        dead_letters: rows that the remote end refuses are appended here, one JSON object a line.
        on_progress: is told how many more entries are done.

    Raises:
        ExportError: the remote end cannot take it now. What was acknowledged is kept in the
            checkpoint; calling again goes on.
    """
    selection = selection or Selection()
    summary = Summary()
    sender = _Sender(destination, dead_letters, summary)
    prefix = f"{source.store_id}:{_fingerprint(selection)}"
    if not selection.is_all:
        blocks = source.blocks(
            session_id=selection.session_id,
            since_us=selection.since_us,
            until_us=selection.until_us,
            block_entries=block_entries,
        )
        for block, prepared in _prepared_ahead(blocks, selection):
            _send_block(block, prepared, sender, prefix)
            _tell(on_progress, block)
        return summary
    last_seq, state = _progress(checkpoints, name, destination.table_id)
    # What is planned reads ahead, so it starts from a state that the loop does not change.
    blocks = _planned_blocks(source, state.batch, state.pending, block_entries)
    for block, prepared in _prepared_ahead(blocks, selection):
        state.pending = (block.first_batch, block.last_batch)
        checkpoints.set_checkpoint(name, last_seq, msgspec.json.encode(state).decode())
        _send_block(block, prepared, sender, prefix)
        last_seq = max(last_seq, block.last_seq)
        state.batch, state.pending = block.last_batch, None
        checkpoints.set_checkpoint(name, last_seq, msgspec.json.encode(state).decode())
        _tell(on_progress, block)
    return summary


def remaining(
    source: BlockSource, checkpoints: Checkpoints, name: str, table_id: str | None = None
) -> int:
    """How many entries have not been acknowledged yet.

    Args:
        table_id: of the destination: what went to another table is not in this one.
    """
    return source.extent(_progress(checkpoints, name, table_id)[1].batch)[1]


def is_another_table(checkpoints: Checkpoints, name: str, table_id: str | None) -> bool:
    """Whether the checkpoint is of a table that has since been dropped and made anew, so that all
    is to be sent again."""
    known = _state(checkpoints.checkpoint(name)[1]).table
    return None not in (known, table_id) and known != table_id


def _state(text: str | None) -> _State:
    return msgspec.json.decode(text, type=_State) if text else _State()


def _progress(checkpoints: Checkpoints, name: str, table_id: str | None) -> tuple[int, _State]:
    """The last position acknowledged by this very table, and its state."""
    if is_another_table(checkpoints, name, table_id):
        return 0, _State(table=table_id)
    last_seq, text = checkpoints.checkpoint(name)
    state = _state(text)
    state.table = table_id or state.table
    return last_seq, state


def _tell(on_progress: Callable[[int], None] | None, block: Block) -> None:
    if on_progress is not None:
        on_progress(sum(stored.entry_count for stored in block.batches))


def _planned_blocks(
    source: BlockSource, after: int, pending: tuple[int, int] | None, block_entries: int
) -> Iterator[Block]:
    """First the range that may be on its way, as it was; then new ones."""
    if pending is not None:
        first, last = pending
        yield from source.blocks(after_batch=first - 1, until_batch=last, block_entries=2**62)
        after = last
    yield from source.blocks(after_batch=after, block_entries=block_entries)


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A block as it is sent.

    Attributes:
        table: its rows that the selection wants, as Arrow.
        left_out: how many it does not want.
        amended: rows that replace earlier ones; None where there are none.
    """

    table: Any
    left_out: int
    amended: Any


def _prepared_ahead(
    blocks: Iterator[Block], selection: Selection
) -> Iterator[tuple[Block, _Prepared]]:
    """Blocks and their tables. While one is sent, the next one is read and built in a thread:
    whoever sends waits for the network, or for an engine that lets go of the interpreter."""

    def work() -> tuple[Block, _Prepared] | None:
        block = next(blocks, None)
        return None if block is None else (block, _prepare(block, selection))

    with ThreadPoolExecutor(1, thread_name_prefix="export reader") as reader:
        ahead = reader.submit(work)
        while (ready := ahead.result()) is not None:
            ahead = reader.submit(work)
            yield ready


def _fingerprint(selection: Selection) -> str:
    if selection.is_all:
        return "all"
    told = (
        f"{selection.session_id}|{selection.since_us}|{selection.until_us}|{selection.filter_text}"
    )
    return blake2b(told.encode(), digest_size=8).hexdigest()


def _prepare(block: Block, selection: Selection) -> _Prepared:
    from perftui.export.arrow import amendment_rows, block_table, rows_table

    table = block_table(block)
    left_out = 0
    if selection.seqs is not None:
        import pyarrow as pa
        import pyarrow.compute as pc

        wanted = pa.array(selection.seqs, pa.int64())
        passes = pc.is_in(pa.array(block.columns["seq"], pa.int64()), wanted)
        table = table.slice(0, len(block)).filter(passes)
        left_out = len(block) - table.num_rows
    amended = amendment_rows(block.amendments)
    return _Prepared(table, left_out, rows_table(amended) if amended else None)


def _send_block(block: Block, prepared: _Prepared, sender: _Sender, prefix: str) -> None:
    sender.summary.skipped += prepared.left_out
    # The batches alone name a block, so a repetition has the token of the first time.
    token = f"{prefix}:{block.first_batch}-{block.last_batch}"
    sender.send(prepared.table, token)
    if prepared.amended is not None:
        sender.send(prepared.amended, f"{token}:amended")
        sender.summary.amended += prepared.amended.num_rows


class _Sender:
    """Sends tables; parts them where some rows are refused."""

    def __init__(self, destination: Destination, dead_letters: Path, summary: Summary) -> None:
        self._destination = destination
        self._dead_letters = dead_letters
        self.summary = summary

    def send(self, table: Any, token: str) -> None:
        timed = _with_moments(table)
        self.summary.skipped += table.num_rows - timed.num_rows
        if timed.num_rows:
            self._send(timed, token)

    def _send(self, table: Any, token: str) -> None:
        from perftui.export.clickhouse import RefusedDataError

        try:
            self._destination.send(table, token)
        except RefusedDataError as error:
            if table.num_rows == 1:
                self._bury(table, str(error))
                return
            half = table.num_rows // 2
            self._send(table.slice(0, half), f"{token}:0")
            self._send(table.slice(half), f"{token}:1")
        else:
            self.summary.sent += table.num_rows

    def _bury(self, table: Any, reason: str) -> None:
        from perftui.export.arrow import table_rows

        (row,) = table_rows(table)
        self._dead_letters.parent.mkdir(parents=True, exist_ok=True)
        with self._dead_letters.open("ab") as file:
            file.write(
                msgspec.json.encode({"reason": reason})[:-1] + b',"row":' + message(row) + b"}\n"
            )
        self.summary.refused += 1


def _with_moments(table: Any) -> Any:
    """The rows whose moment can be one."""
    import pyarrow as pa
    import pyarrow.compute as pc

    moments = table.column("timestamp").cast(pa.int64())
    possible = pc.and_(pc.greater_equal(moments, EARLIEST_US), pc.less(moments, LATEST_US))
    return table if pc.all(possible).as_py() else table.filter(possible)
