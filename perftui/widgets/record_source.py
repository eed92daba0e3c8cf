"""The rows of a log: records fetched in windows around what is in view."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Hashable, Sequence

from textual.cache import LRUCache

from perftui.model import EntryIndex, Record

WINDOW = 64
"""Records fetched at once: one or two screens. Reading as many takes well under 2 ms, so it is
done where the row is asked for; 16 ms would be one frame."""

WINDOWS_KEPT = 32
"""Windows kept in memory: about two thousand records."""


class RecordSource:
    """Records by their place in an index.

    The arrays of the index may grow at their end by another thread; ``length`` says how many of
    them belong to this source, so that what is seen is one moment's state.

    Attributes:
        index: positions and spans, in the order they are shown.
        length: how many of them are shown.
    """

    def __init__(
        self,
        index: EntryIndex,
        fetch: Callable[[Sequence[int]], list[Record]],
        length: int | None = None,
    ) -> None:
        self.index = index
        self.length = len(index) if length is None else length
        self._fetch = fetch
        self._windows: LRUCache[int, dict[int, Record]] = LRUCache(WINDOWS_KEPT)
        self._ordered = False

    def __len__(self) -> int:
        return self.length

    def key(self, place: int) -> int:
        """The record's position in the store."""
        return self.index.seqs[place]

    def row(self, place: int) -> Record | None:
        """The record, fetched with its neighbours; None where it has been deleted meanwhile."""
        number = place // WINDOW
        seq = self.index.seqs[place]
        window = self._window(number)
        if seq not in window:
            # Not yet read; or read when the index ended within this window.
            first = number * WINDOW
            seqs = self.index.seqs[first : first + WINDOW]
            window.update((record.seq, record) for record in self._fetch(seqs))
        return window.get(seq)

    def _window(self, number: int) -> dict[int, Record]:
        """What is known of a window; it grows in place, as the cache keeps the first value that it
        is given for a key."""
        window = self._windows.get(number)
        if window is None:
            window = self._windows[number] = {}
        return window

    def find(self, key: Hashable) -> int:
        """The place of a record by its position in the store, else of a near neighbour."""
        assert isinstance(key, int)
        return place_of(self.index.seqs, key, self.length)

    def forget(self) -> None:
        """Fetch anew whatever is asked for next."""
        self._windows.clear()


def place_of(seqs: array[int], seq: int, length: int) -> int:
    """Where ``seq`` stands among the first ``length`` of ``seqs``.

    Where it is not among them: the place of its nearest neighbour by arrival. In an order other
    than arrival this reads the whole array, which takes about 10 ms for a million.
    """
    if not length:
        return 0
    place = bisect_left(seqs, seq, 0, length)
    if place < length and seqs[place] == seq:
        return place
    try:
        return seqs.index(seq, 0, length)
    except ValueError:
        pass
    return (
        min(range(length), key=lambda at: abs(seqs[at] - seq))
        if length <= 10_000
        else min(place, length - 1)
    )
