"""PostHog's exports with ``$performance_raw``."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from perftui.capture.posthog import looks_like_posthog, read_posthog
from perftui.config import Settings
from perftui.errors import ImportFileError
from perftui.model import Batch

RECEIVED_US = 1_795_451_690_000_000

TIMELINE: dict[str, list[Any]] = {
    "navigation": [
        ["name", "startTime", "duration", "requestStart", "responseStart", "loadEventEnd"],
        [["https://a.test/", 0, 800.5, 40, 90.25, 800.5]],
    ],
    "paint": [
        ["name", "startTime", "duration"],
        [["first-paint", 120, 0], ["first-contentful-paint", 130, 0]],
    ],
    "resource": [
        ["name", "initiatorType", "startTime", "duration", "transferSize"],
        [
            ["https://a.test/a.js", "script", 100, 50, 900],
            ["https://a.test/b.css", "link", 99, 9, 1],
        ],
    ],
}


def event(raw: Any = None, **changes: Any) -> dict[str, Any]:
    return {
        "event": "$pageview",
        "uuid": "0182-aa",
        "timestamp": "2026-01-01T00:00:01.000Z",
        "properties": {
            "$session_id": "s 1",
            "$current_url": "https://a.test/",
            "$performance_raw": json.dumps(TIMELINE) if raw is None else raw,
        },
        **changes,
    }


def read(content: bytes) -> tuple[list[Batch], list[str]]:
    faults: list[str] = []
    return list(read_posthog(io.BytesIO(content), Settings(), RECEIVED_US, faults.append)), faults


def test_the_timeline_of_a_pageview() -> None:
    (batch,), faults = read(json.dumps([event()]).encode())
    assert faults == []
    assert (batch.session_id, batch.page_view_id, batch.source) == ("s-1", "0182-aa", "posthog")
    assert [(entry.entry_type, entry.name) for entry in batch.entries] == [
        ("pageview", "https://a.test/"),
        ("navigation", "https://a.test/"),
        ("paint", "first-paint"),
        ("paint", "first-contentful-paint"),
        ("resource", "https://a.test/a.js"),
        ("resource", "https://a.test/b.css"),
    ]
    navigation = batch.entries[1]
    assert navigation.response_start_us == 90_250
    assert navigation.extra["loadEventEnd"] == 800.5
    assert batch.entries[4].transfer_size == 900
    # The event was made when its last entry had ended.
    assert batch.time_origin_us == 1_767_225_601_000_000 - 800_500
    assert batch.time_origin_estimated


@pytest.mark.parametrize(
    "form",
    [
        lambda events: json.dumps(events),
        lambda events: json.dumps({"next": None, "results": events}),
        lambda events: "\n".join(map(json.dumps, events)),
        lambda events: json.dumps(
            [{**one, "properties": json.dumps(one["properties"])} for one in events]
        ),
        lambda events: json.dumps([event(TIMELINE), event(TIMELINE)]),
        lambda events: json.dumps(
            [
                event(
                    {
                        kind: [dict(zip(n, r, strict=True)) for r in rows]
                        for kind, (n, rows) in TIMELINE.items()
                    }
                )
                for _ in events
            ]
        ),
    ],
)
def test_every_form_tells_the_same(form: Any) -> None:
    content = form([event(), event()]).encode()
    assert looks_like_posthog(content)
    batches, faults = read(content)
    assert faults == []
    expected = read(json.dumps([event()]).encode())[0][0].entries
    assert [list(batch.entries) for batch in batches] == [list(expected)] * 2


def test_what_cannot_be_read_is_named_and_the_rest_is_there() -> None:
    batches, faults = read(
        json.dumps([5, event("{"), event(), {"event": "x"}, event(timestamp="soon")]).encode()
    )
    assert len(batches) == 2
    assert faults == [
        "event 0: not an object, or damaged",
        "event 1: $performance_raw: not an object, or damaged",
        "event 4: timestamp: no moment; that of the import is taken",
        "1 events without $performance_raw were left out",
    ]


def test_a_file_cut_short_gives_what_is_whole() -> None:
    content = json.dumps([event(), event()]).encode()[:-20]
    batches, faults = read(content)
    assert len(batches) == 1
    assert "ends in the middle" in faults[-1]


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"[5]", b'[{"event": "a"}]', b"nonsense"])
def test_what_has_no_timeline_is_one_clear_error(content: bytes) -> None:
    with pytest.raises(ImportFileError):
        read(content)


def test_a_har_file_does_not_look_like_one() -> None:
    assert not looks_like_posthog(b'\xef\xbb\xbf{"log": {"entries": []}}')
