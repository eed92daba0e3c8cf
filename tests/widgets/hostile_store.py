"""A store in which every text that can come from outside is hostile, past the intake: as an
import, another program or an older version might have left it."""

from __future__ import annotations

from pathlib import Path

from perftui.model import Batch, Entry, Page
from perftui.store.writer import StoreWriter

SESSION = "hostile"

START_US = 1_795_451_678_400_000

PIECES = {
    "osc52": "\x1b]52;c;aG9zdGlsZQ==\x07",
    "osc8": "\x1b]8;;https://evil.test\x1b\\link\x1b]8;;\x1b\\",
    "title": "\x1b]0;owned\x07",
    "csi": "\x1b[2J\x1b[31mred",
    "c1": "\x9b31m\x9d52;c;AAAA\x9c",
    "dcs": "\x1bPq#0;2;0;0;0\x1b\\",
    "nul": "a\x00b\x7f",
    "bidi": "\u202egnp.exe\u2066x\u2069",
    "lines": "one\ntwo\r\tthree\u2028four",
    "markup": "[bold red]x[/] [link=https://evil.test]y[/link] [@click=app.quit]z[/]",
    "marks": "e" + "\u0301" * 40,
}
HOSTILE = "|".join(PIECES.values())

HOSTILE_SESSION = "other" + HOSTILE
"""ID of the second session; the first has an ordinary one."""

FORBIDDEN = (
    b"\x1b]52;c;aG9z",
    b"\x1b]8;;https://evil",
    b"\x1b]0;owned",
    b"\x1b[2J\x1b[31mred",
    b"\x1b[31mred",
    b"\x1bPq#0",
    b"\x00",
    b"\x7f",
    "\x9b".encode(),
    "\x9d".encode(),
    "\x9c".encode(),
    "\u202e".encode(),
    "\u2066".encode(),
    "\u2069".encode(),
    "\u2028".encode(),
    ("\u0301" * 6).encode(),
)
"""None of these may be among the bytes that reach the terminal."""


def entries() -> list[Entry]:
    """One of every kind of row, hostile in every field."""
    extra = {
        "requestHeaders": {HOSTILE: HOSTILE},
        "responseHeaders": [{"name": HOSTILE, "value": HOSTILE}],
        "serverTiming": [{"name": HOSTILE, "duration": 12.0, "description": HOSTILE}],
        "initiatorUrl": HOSTILE,
        "initiatorStack": HOSTILE,
        "error": HOSTILE,
        HOSTILE: HOSTILE,
    }
    found = [
        Entry(
            entry_type="resource",
            name=f"https://shop.test/{HOSTILE}",
            start_us=number * 100_000,
            duration_us=900_000,
            initiator_type=HOSTILE,
            method=HOSTILE,
            next_hop_protocol=HOSTILE,
            content_type=HOSTILE,
            content_encoding=HOSTILE,
            delivery_type=HOSTILE,
            render_blocking_status=HOSTILE,
            response_status=500,
            extra=extra,
        )
        for number in range(3)
    ]
    for number, kind in enumerate(
        (
            "pageview",
            "capture",
            "action",
            "error",
            "console",
            "largest-contentful-paint",
            "mark",
            HOSTILE,
        )
    ):
        found.append(
            Entry(
                entry_type=kind,
                name=HOSTILE,
                start_us=400_000 + number * 50_000,
                duration_us=0,
                extra={
                    "selector": HOSTILE,
                    "message": HOSTILE,
                    "stack": HOSTILE,
                    "kind": HOSTILE,
                    "url": HOSTILE,
                    "level": HOSTILE,
                },
            )
        )
    return found


def make_store(path: Path) -> Path:
    """Write the store."""
    writer = StoreWriter(path)
    try:
        writer.write_batches(
            [
                Batch(
                    session_id=SESSION,
                    page_view_id="view",
                    entries=entries(),
                    key=b"0123456789abcdef",
                    time_origin_us=START_US,
                    received_us=START_US + 5_000_000,
                    page=Page(url=f"https://shop.test/{HOSTILE}", title=HOSTILE, referrer=HOSTILE),
                    client={"sdk": HOSTILE},
                    source=HOSTILE,
                    dropped={HOSTILE: 3},
                )
            ]
        )
        writer.write_batches(
            [
                Batch(
                    session_id=HOSTILE_SESSION,
                    page_view_id=HOSTILE,
                    entries=entries(),
                    key=b"fedcba9876543210",
                    time_origin_us=START_US - 60_000_000,
                    received_us=START_US - 55_000_000,
                    page=Page(url=HOSTILE, title=HOSTILE, referrer=HOSTILE),
                    client={HOSTILE: {HOSTILE: [HOSTILE]}},
                    source=HOSTILE,
                )
            ]
        )
        writer.set_label(SESSION, HOSTILE)
    finally:
        writer.close_now()
    return path
