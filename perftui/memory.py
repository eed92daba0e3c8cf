"""Giving memory back to the system."""

from __future__ import annotations

import ctypes


def give_back() -> None:
    """Let the C library return what it keeps for later. After a million entries have been read that
    is some 10 MB, which a terminal app that stays open all day need not hold. Does nothing where
    the C library is not glibc."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
