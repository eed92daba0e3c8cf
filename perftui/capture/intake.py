"""The way in: bytes -> decoded, validated, redacted, handed to a Sink; an outcome for each item.

Everything that comes from outside goes through here: the capture server's bodies, imported files,
the proxy's batches.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import msgspec

from perftui.capture.batch import Decoded, Rejection, decode_batch
from perftui.capture.redact import Redactor
from perftui.config import Settings
from perftui.entry_columns import EntryColumns
from perftui.model import Batch, Receipt, Sink

MAX_REASONS = 100
"""Rejections that an answer lists; the rest are counted."""


class Outcome(msgspec.Struct, frozen=True):
    """What became of a batch.

    Attributes:
        batch: as it was stored.
        receipt: of the sink.
        rejected: the entries that were not taken.
        cut_count: strings that were over their limit, and so were cut.
    """

    batch: Batch
    receipt: Receipt
    rejected: tuple[Rejection, ...]
    cut_count: int = 0

    def to_json(self) -> bytes:
        """The answer: ``{"accepted": 98, "rejected": [{"index": 3, "reason": "…"}]}``.

        ``accepted`` counts the good entries of the batch, also of one that had been stored
        before (then ``duplicate`` is true).
        """
        answer: dict[str, object] = {
            "accepted": len(self.batch.entries),
            "rejected": [
                {"index": item.index, "reason": item.reason} for item in self.rejected[:MAX_REASONS]
            ],
        }
        if len(self.rejected) > MAX_REASONS:
            answer["rejected_count"] = len(self.rejected)
        if self.receipt.duplicate:
            answer["duplicate"] = True
        return msgspec.json.encode(answer)


class Intake:
    """Takes batches into a sink, and counts.

    Attributes:
        batches, entries, duplicates: how many were taken; ``entries`` by entry type.
        rejected: entries that were not, by reason.
        dropped: entries that clients say they had to drop, by entry type.
        byte_count: bytes of the documents taken, by entry type.
    """

    def __init__(self, sink: Sink, settings: Settings | None = None) -> None:
        settings = settings or Settings()
        self._sink = sink
        self._settings = settings.server
        self._redactor = Redactor(settings.redaction)
        self.batches = 0
        self.duplicates = 0
        self.entries: Counter[str] = Counter()
        self.rejected: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()
        self.byte_count: Counter[str] = Counter()

    async def take(
        self, body: bytes, *, received_us: int, wire_byte_count: int | None = None
    ) -> Outcome:
        """Take one batch; return once it is durable.

        Args:
            body: the JSON document, decompressed.
            received_us: when its first byte arrived, µs since the epoch.

        Raises:
            IntakeError: it is no batch; knows the HTTP status.
            SinkError: it could not be stored; knows the HTTP status.
        """
        decoded = decode_batch(
            body,
            received_us=received_us,
            settings=self._settings,
            wire_byte_count=wire_byte_count,
        )
        return await self.take_decoded(decoded)

    async def take_decoded(self, decoded: Decoded) -> Outcome:
        """The same for what is decoded already."""
        batch = self._redactor.batch(decoded.batch)
        receipt = await self._sink.write(batch)
        self._count(batch, receipt, decoded.rejected)
        return Outcome(batch, receipt, decoded.rejected, decoded.cut_count)

    def redacted(self, decoded: Decoded) -> Batch:
        """The batch as it may be stored, for callers with a sink of their own."""
        return self._redactor.batch(decoded.batch)

    def _count(self, batch: Batch, receipt: Receipt, rejected: tuple[Rejection, ...]) -> None:
        for item in rejected:
            self.rejected[_kind(item.reason)] += 1
        if receipt.duplicate:
            self.duplicates += 1
            return
        self.batches += 1
        _add(self.entries, EntryColumns.of(batch.entries).counts_by_type())
        _add(self.dropped, batch.dropped)
        _add(self.byte_count, batch.bytes_by_type)


MAX_COUNTED_TYPES = 64
"""Entry types that are counted by name; a page can make up any number of them."""


def _bounded(counter: Counter[str], name: str) -> str:
    return name if name in counter or len(counter) < MAX_COUNTED_TYPES else "(other)"


def _add(counter: Counter[str], counts: Mapping[str, int]) -> None:
    for name, count in counts.items():
        counter[_bounded(counter, name)] += count


def _kind(reason: str) -> str:
    """A reason as a label: the fields are ours, so there are few."""
    return reason[:80]
