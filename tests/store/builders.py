"""Batches, entries and a clock for the tests of the store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from hypothesis import strategies as st

from perftui.entry_fields import ENTRY_FIELDS, FieldKind
from perftui.model import MAX_SAFE_INTEGER, Batch, Entry, Page

START_US = 1_795_451_678_400_000


class FixedClock:
    """A clock that a test moves by hand."""

    def __init__(self, now_us: int = START_US) -> None:
        self.us = now_us

    def now_us(self) -> int:
        """Microseconds since the Unix epoch."""
        return self.us

    def monotonic(self) -> float:
        """Seconds."""
        return self.us / 1e6

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.us += int(seconds * 1e6)


def request(url: str = "https://a.test/x", start_us: int = 0, **fields: Any) -> Entry:
    """A finished request, unless told otherwise."""
    told: dict[str, Any] = {
        "entry_type": "resource",
        "duration_us": 50_000,
        "initiator_type": "fetch",
        "method": "GET",
        "response_status": 200,
        "request_start_us": start_us + 1_000,
        "response_start_us": start_us + 40_000,
        "response_end_us": start_us + 50_000,
        "transfer_size": 1_000,
        "encoded_body_size": 700,
        "decoded_body_size": 2_100,
        **fields,
    }
    return Entry(name=url, start_us=start_us, **told)


_keys = iter(range(10**9))


def batch(
    entries: Sequence[Entry] = (),
    *,
    session: str = "s1",
    page_view: str = "p1",
    key: bytes | None = None,
    **fields: Any,
) -> Batch:
    """A batch with a key of its own."""
    told: dict[str, Any] = {
        "time_origin_us": START_US,
        "received_us": START_US + 1_000_000,
        "byte_count": 800 * len(entries),
        "wire_byte_count": 200 * len(entries),
        "page": Page(url="https://a.test/", title="A"),
        **fields,
    }
    return Batch(
        session_id=session,
        page_view_id=page_view,
        entries=entries,
        key=next(_keys).to_bytes(16, "big") if key is None else key,
        **told,
    )


_times = st.integers(-(10**6), 10**9) | st.integers(-(2**52), 2**52)
_texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-MAX_SAFE_INTEGER, MAX_SAFE_INTEGER)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_texts, inner, max_size=3),
    max_leaves=6,
)
_kinds: dict[FieldKind, st.SearchStrategy[Any]] = {
    FieldKind.TEXT: _texts.filter(bool),
    FieldKind.TIME: _times,
    FieldKind.SIZE: st.integers(0, MAX_SAFE_INTEGER),
    FieldKind.STATUS: st.integers(1, 999),
}

entries = st.fixed_dictionaries(
    {
        "entry_type": st.sampled_from(["resource", "navigation", "paint", "event", "odd type"]),
        "name": st.sampled_from(["https://a.test/1", "https://a.test/2?q=ü", ""]) | _texts,
        "start_us": _times,
    },
    optional={
        "duration_us": st.none() | st.integers(0, 10**9),
        "extra": st.dictionaries(_texts.filter(lambda key: key != "flowId"), _json, max_size=3),
        **{field.attribute: _kinds[field.kind] for field in ENTRY_FIELDS},
    },
).map(lambda fields: msgspec.convert(fields, Entry))
"""Any entry that capture lets through."""
