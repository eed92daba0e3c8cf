"""A set of positions in the store, small enough for very many of them."""

from __future__ import annotations

from collections.abc import Iterable


class PositionSet:
    """Positions as bits from the lowest to the highest: a million neighbours are 125 kB, where a
    set of Python's numbers is 60 MB.

    Args:
        positions: in any order.
    """

    def __init__(self, positions: Iterable[int] = ()) -> None:
        self._base = 0
        self._bits = b""
        self._count = 0
        known = list(positions) if not hasattr(positions, "__len__") else positions
        if not known:
            return
        self._base = min(known)
        bits = bytearray((max(known) - self._base) // 8 + 1)
        for position in known:
            at = position - self._base
            bits[at >> 3] |= 1 << (at & 7)
        self._bits = bytes(bits)
        self._count = int.from_bytes(self._bits, "little").bit_count()

    def __len__(self) -> int:
        return self._count

    def __contains__(self, position: object) -> bool:
        if not isinstance(position, int) or position < self._base:
            return False
        at = position - self._base
        return at >> 3 < len(self._bits) and bool(self._bits[at >> 3] >> (at & 7) & 1)
