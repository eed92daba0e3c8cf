"""Random entries, records and sessions: plausible ones and absurd ones."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from perftui.entry_fields import ENTRY_FIELDS, FieldKind
from perftui.model import Entry, Record

URLS = (
    "https://shop.test/",
    "https://shop.test/checkout?step=2",
    "https://shop.test/api/cart/8812?x=1#top",
    "https://shop.test:8443/static/app.9f2c31aa.css",
    "https://cdn.shop.test/hero@2x.avif",
    "https://t.tracker.example/collect",
    "http://127.0.0.1:8000/a.js",
    "http://[::1]:9000/a.woff2",
    "data:image/png;base64,AAAA",
    "blob:https://shop.test/1f",
    "",
    "/relative/path.mp4",
    "https://user:secret@shop.test/x;jsessionid=1/Ünï%20code",
)

times = st.one_of(
    st.none(), st.integers(0, 5_000_000), st.integers(-(2**53), 2**53), st.sampled_from([0, 1])
)
sizes = st.one_of(st.none(), st.integers(0, 2_000_000), st.just(0))
words: dict[str, Any] = {
    "initiator_type": [
        "fetch",
        "xmlhttprequest",
        "img",
        "script",
        "link",
        "css",
        "beacon",
        "navigation",
    ],
    "method": ["GET", "POST", "put"],
    "next_hop_protocol": ["h2", "http/1.1", "h3"],
    "content_type": [
        "text/html",
        "application/json",
        "image/avif",
        "text/event-stream",
        "font/woff2",
    ],
    "content_encoding": ["br", "gzip", "zstd"],
    "delivery_type": ["cache", "navigational-prefetch"],
    "render_blocking_status": ["blocking", "non-blocking"],
}
extras = st.dictionaries(
    st.sampled_from(["requestEnd", "error", "value", "level", "serverTiming", "selector", "size"]),
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**40), 2**40),
        st.floats(allow_nan=False, allow_infinity=False, width=32),
        st.sampled_from(["net::ERR_ABORTED", "warn", "main>button#buy", ""]),
        st.just([{"name": "db", "duration": 12.5}]),
    ),
    max_size=3,
)


@st.composite
def absurd_entries(draw: st.DrawFn, entry_types: tuple[str, ...] = ()) -> Entry:
    """Entries with any value in any field."""
    fields: dict[str, Any] = {}
    for field in ENTRY_FIELDS:
        match field.kind:
            case FieldKind.TIME:
                fields[field.attribute] = draw(times)
            case FieldKind.SIZE:
                fields[field.attribute] = draw(sizes)
            case FieldKind.STATUS:
                fields[field.attribute] = draw(st.sampled_from([None, 200, 204, 304, 404, 500]))
            case FieldKind.TEXT:
                fields[field.attribute] = draw(st.sampled_from([None, *words[field.attribute]]))
    return Entry(
        entry_type=draw(
            st.sampled_from(
                entry_types
                or (
                    "resource",
                    "navigation",
                    "request",
                    "longtask",
                    "event",
                    "mark",
                    "error",
                    "paint",
                )
            )
        ),
        name=draw(st.sampled_from(URLS)),
        start_us=draw(st.integers(-(2**40), 2**40)),
        duration_us=draw(st.one_of(st.none(), st.integers(-5_000, 10_000_000))),
        extra=draw(extras),
        **fields,
    )


@st.composite
def ordinary_requests(draw: st.DrawFn) -> Entry:
    """Requests as a browser reports them: every moment told, and in order."""
    start = draw(st.integers(0, 10_000_000))
    steps = draw(st.lists(st.integers(0, 400_000), min_size=8, max_size=8))
    moments = [start]
    for step in steps:
        moments.append(moments[-1] + step)
    _, fetch, looked_up, looked, connect, secure, connected, requested, answered = moments
    end = answered + draw(st.integers(0, 400_000))
    return Entry(
        entry_type="resource",
        name=draw(st.sampled_from(URLS)),
        initiator_type=draw(st.sampled_from(words["initiator_type"])),
        start_us=start,
        duration_us=end - start,
        fetch_start_us=fetch,
        domain_lookup_start_us=looked_up,
        domain_lookup_end_us=looked,
        connect_start_us=connect,
        secure_connection_start_us=secure,
        connect_end_us=connected,
        request_start_us=requested,
        response_start_us=answered,
        response_end_us=end,
        response_status=draw(st.sampled_from([200, 204, 304, 404, 500])),
        transfer_size=draw(st.integers(0, 2_000_000)),
        encoded_body_size=draw(st.integers(0, 2_000_000)),
        decoded_body_size=draw(st.integers(0, 4_000_000)),
    )


def record(entry: Entry, seq: int = 1, time_origin_us: int = 1_700_000_000_000_000) -> Record:
    """An entry in a session of one pageview."""
    return Record(
        seq=seq,
        session_id="s",
        page_view_id="p",
        page_view_number=1,
        time_origin_us=time_origin_us,
        entry=entry,
    )
