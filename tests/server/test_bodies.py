"""Decompression step by step: whatever the length, and wherever the pieces are cut."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from perftui_server.bodies import STEP_BYTES, decompressor

from perftui.errors import TooLargeError

LIMIT = 8 * STEP_BYTES
MAX_VALUES = 500_000


def unpack(coding: str, packed: bytes, limit: int = LIMIT, piece: int = 65536) -> bytes:
    stream = decompressor(coding, limit, MAX_VALUES)
    for begin in range(0, len(packed), piece):
        rest = packed[begin : begin + piece]
        while rest:
            before = len(stream)
            rest = stream.feed(rest)
            assert len(stream) - before <= STEP_BYTES or coding == "identity"
    return stream.finish()


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "zlib": zlib.compress,
    "raw": lambda body: zlib.compress(body, wbits=-15),
    "members": lambda body: gzip.compress(body[:100]) + gzip.compress(body[100:]),
}


@pytest.mark.parametrize("name", PACKERS)
def test_lengths_about_a_step(name: str) -> None:
    coding = "gzip" if name in {"gzip", "members"} else "deflate"
    for steps in (1, 2):
        for more in range(-300, 300, 7):
            body = b"a" * (steps * STEP_BYTES + more)
            assert unpack(coding, PACKERS[name](body)) == body


@given(st.binary(max_size=5000), st.integers(1, 700), st.sampled_from(sorted(PACKERS)))
def test_pieces_may_be_cut_anywhere(body: bytes, piece: int, name: str) -> None:
    coding = "gzip" if name in {"gzip", "members"} else "deflate"
    assert unpack(coding, PACKERS[name](body), piece=piece) == body


@pytest.mark.parametrize("name", PACKERS)
def test_a_bomb_ends_at_the_limit(name: str) -> None:
    coding = "gzip" if name in {"gzip", "members"} else "deflate"
    packed = PACKERS[name](b" " * 50_001)
    assert len(unpack(coding, packed, limit=50_001)) == 50_001
    with pytest.raises(TooLargeError):
        unpack(coding, packed, limit=50_000)


@pytest.mark.parametrize("name", PACKERS)
@pytest.mark.parametrize("content", [b"[],", b'{"a":', b"[", b"0,"])
def test_a_body_of_far_too_many_values_ends_where_it_has_too_many(
    name: str, content: bytes
) -> None:
    coding = "gzip" if name in {"gzip", "members"} else "deflate"
    stream = decompressor(coding, LIMIT * 10, MAX_VALUES)
    rest = PACKERS[name](content * (LIMIT * 4 // len(content)))

    def feed_all(rest: bytes) -> None:
        while rest:
            rest = stream.feed(rest)

    with pytest.raises(TooLargeError) as refused:
        feed_all(rest)
    assert refused.value.limit == "max_values"
    # Of commas the fewest are too many at twice as many bytes.
    assert len(stream) <= 2 * MAX_VALUES + STEP_BYTES
