"""What a body decodes to is bounded before it is decoded, however it comes in."""

from __future__ import annotations

from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

from perftui.capture.value_limit import SMALL_BODY_BYTES, ValueLimit
from perftui.errors import TooLargeError

LIMIT = 100

_pieces = st.lists(
    st.builds(
        lambda sign, count: sign * count,
        st.sampled_from([b"[]", b"{", b",", b"x" * 1000]),
        st.integers(0, 150),
    ),
    max_size=6,
)


def _is_too_much(*bodies: bytes) -> bool:
    values = ValueLimit(LIMIT)
    try:
        for body in bodies:
            values.check(body)
    except TooLargeError as error:
        return error.limit == "max_values"
    return False


@given(_pieces, st.sampled_from([b"", b" " * SMALL_BODY_BYTES]))
def test_a_body_that_grows_is_judged_as_the_whole(pieces: list[bytes], begin: bytes) -> None:
    whole = begin + b"".join(pieces)
    expected = len(whole) > SMALL_BODY_BYTES and (
        whole.count(b",") > LIMIT or whole.count(b"[") + whole.count(b"{") > LIMIT // 5
    )
    assert _is_too_much(whole) is expected
    assert _is_too_much(*accumulate(pieces, initial=begin)) is expected


def test_a_small_body_is_not_counted() -> None:
    assert not _is_too_much(b"[" * SMALL_BODY_BYTES)
    assert _is_too_much(b"[" * (SMALL_BODY_BYTES + 1))
