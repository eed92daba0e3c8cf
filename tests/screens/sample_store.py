"""A store with two deterministic sessions, written by the real writer: a checkout that goes wrong,
and a short visit that is fine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from perftui.model import Batch, Entry, Page
from perftui.store.writer import StoreWriter

START_US = 1_795_451_678_400_000
"""2026-11-23T16:34:38.400Z: the time origin of the first session."""

NOW_US = START_US + 47_000_000
"""What the frozen clock says."""

SESSION = "chk-7f3a9b2c"
OTHER = "home-2210aa"


class FrozenClock:
    """A clock that a test moves by hand."""

    def __init__(self, now_us: int = NOW_US) -> None:
        self.us = now_us

    def now_us(self) -> int:
        return self.us

    def monotonic(self) -> float:
        return self.us / 1_000_000

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.us += int(seconds * 1_000_000)


def request(
    url: str,
    start_ms: float,
    duration_ms: float | None,
    *,
    initiator: str = "fetch",
    method: str | None = "GET",
    status: int | None = 200,
    size: int | None = 4096,
    wait_ms: float | None = None,
    connect_ms: float = 0,
    opaque: bool = False,
    **fields: Any,
) -> Entry:
    """A request of which most of the time is waiting."""
    start = int(start_ms * 1000)
    duration = None if duration_ms is None else int(duration_ms * 1000)
    times: dict[str, Any] = {}
    if duration is not None and not opaque:
        connected = start + int(connect_ms * 1000) + 2_000
        answered = start + int((wait_ms if wait_ms is not None else duration_ms * 0.8) * 1000)  # type: ignore[operator]
        times = {
            "fetch_start_us": start,
            "domain_lookup_start_us": start + 1_000,
            "domain_lookup_end_us": start + 1_000 + (500 if connect_ms else 0),
            "connect_start_us": start + 1_500 if connect_ms else start + 1_000,
            "connect_end_us": connected if connect_ms else start + 1_000,
            "request_start_us": connected,
            "response_start_us": max(connected, answered),
        }
    if duration is not None:
        times["response_end_us"] = start + duration
    return Entry(
        entry_type="navigation" if initiator == "navigation" else "resource",
        name=url,
        start_us=start,
        duration_us=duration,
        initiator_type=initiator,
        method=method,
        response_status=status,
        transfer_size=None if opaque else size,
        encoded_body_size=None if opaque or size is None else max(0, size - 300),
        decoded_body_size=None if opaque or size is None else max(0, size - 300) * 3,
        next_hop_protocol=None if opaque else "h2",
        **times,
        **fields,
    )


def happening(
    entry_type: str, name: str, start_ms: float, duration_ms: float = 0, **extra: Any
) -> Entry:
    """An entry that is no request."""
    return Entry(
        entry_type=entry_type,
        name=name,
        start_us=int(start_ms * 1000),
        duration_us=int(duration_ms * 1000),
        extra=extra,
    )


SHOP = "https://shop.acme.dev"

CHECKOUT: tuple[Entry, ...] = (
    happening("pageview", f"{SHOP}/checkout", 0, kind="load"),
    request(
        f"{SHOP}/checkout", 0, 241, initiator="navigation", size=18_400, connect_ms=90,
        content_type="text/html", content_encoding="br",
        extra={"domContentLoadedEventEnd": 812.0, "loadEventEnd": 1210.0, "type": "navigate"},
    ),
    request(f"{SHOP}/static/app.9f2c31.css", 201, 101, initiator="link", size=42_100,
            content_type="text/css", render_blocking_status="blocking"),
    request(f"{SHOP}/static/vendor.41aa77.js", 202, 338, initiator="script", size=311_000,
            wait_ms=40, content_type="text/javascript", render_blocking_status="blocking"),
    request(f"{SHOP}/static/checkout.77b0aa.js", 203, 192, initiator="script", size=96_000,
            content_type="text/javascript"),
    request("https://fonts.acme-cdn.net/inter.woff2", 311, 41, initiator="css", method=None,
            status=None, opaque=True),
    request(f"{SHOP}/img/logo.svg", 402, 18, initiator="img", size=0, status=304,
            delivery_type="cache", content_type="image/svg+xml"),
    request(f"{SHOP}/api/session", 455, 178, size=1_200, content_type="application/json"),
    happening("paint", "first-contentful-paint", 580),
    request(
        f"{SHOP}/api/cart/price", 561, 1_370, method="POST", size=3_800, wait_ms=1_341,
        content_type="application/json", content_encoding="br",
        extra={
            "serverTiming": [
                {"name": "db", "duration": 1180.0, "description": ""},
                {"name": "cache", "duration": 0, "description": "MISS"},
            ],
            "requestHeaders": {"Accept": "application/json", "Content-Type": "application/json"},
            "responseHeaders": {"Content-Type": "application/json", "Cache-Control": "no-store"},
            "initiatorUrl": f"{SHOP}/static/checkout.77b0aa.js",
        },
    ),
    request("https://cdn.acme.dev/hero@2x.avif", 563, 347, initiator="img", size=214_000,
            content_type="image/avif"),
    request(f"{SHOP}/api/promo/banner", 640, 80, status=404, size=211),
    request(f"{SHOP}/api/recommend?n=12", 702, 100, size=9_600),
    happening("largest-contentful-paint", "", 940, selector="img.hero",
              url="https://cdn.acme.dev/hero@2x.avif", size=240_000, startTime=940.0),
    request("https://t.metrics.example/collect", 915, 146, initiator="beacon", method="POST",
            status=None, opaque=True),
    *[request(f"{SHOP}/api/stock?sku=8812", 1_250 + number * 230, 82 + number, size=640)
      for number in range(3)],
    request(f"{SHOP}/api/pay/intent", 1_950, 1_660, method="POST", status=500, size=482),
    happening("longtask", "self", 2_060, 187),
    happening("layout-shift", "layout-shift", 2_300, value=0.02, hadRecentInput=False),
    happening("action", "click", 3_600, selector="button#buy"),
    happening("event", "click", 3_602, 312, interactionId=7, processingStart=3610.0,
              processingEnd=3881.0, selector="button#buy"),
    happening("capture", "checkout_failed", 3_900, step="pay"),
    happening("error", "TypeError", 3_950, message="Cannot read properties of undefined (reading 'id')",
              stack="TypeError: Cannot read properties of undefined\n    at pay (checkout.77b0aa.js:118:7)"),
    request(f"{SHOP}/api/pay/intent?retry=1", 3_640, None, method="POST", status=None, size=None),
)  # fmt: skip

THANKS: tuple[Entry, ...] = (
    happening("pageview", f"{SHOP}/thanks", 14_000, kind="route"),
    request(f"{SHOP}/api/orders/88127731", 14_020, 2_450, size=7_700),
    request(f"{SHOP}/img/thanks.png", 14_090, 310, initiator="img", size=88_000),
)

HOME: tuple[Entry, ...] = (
    happening("pageview", f"{SHOP}/", 0, kind="load"),
    request(f"{SHOP}/", 0, 120, initiator="navigation", size=9_800),
    request(f"{SHOP}/static/app.9f2c31.css", 130, 60, initiator="link", size=42_100),
    request(f"{SHOP}/api/session", 200, 90, size=1_100),
    happening("paint", "first-contentful-paint", 260),
    happening("largest-contentful-paint", "", 420, size=90_000, startTime=420.0),
)


def batch(
    session_id: str,
    page_view_id: str,
    entries: tuple[Entry, ...],
    *,
    url: str,
    title: str,
    start_us: int = START_US,
    received_us: int,
    number: int = 0,
) -> Batch:
    """One batch."""
    key = f"{session_id}{page_view_id}{number}".encode()[-16:].rjust(16, b"0")
    return Batch(
        session_id=session_id,
        page_view_id=page_view_id,
        entries=entries,
        key=key,
        time_origin_us=start_us,
        received_us=received_us,
        sent_us=received_us - 4_000,
        byte_count=len(entries) * 700,
        page=Page(url=url, title=title),
        client={"sdk": "perftui/0.1.0", "viewport": [1280, 800]},
    )


def batches() -> list[Batch]:
    """Both sessions."""
    earlier = START_US - 3_600_000_000
    return [
        batch(OTHER, "home-1", HOME, url=f"{SHOP}/", title="Acme", start_us=earlier,
              received_us=earlier + 2_000_000),
        batch(SESSION, "chk-1", CHECKOUT, url=f"{SHOP}/checkout", title="Checkout · Acme",
              received_us=START_US + 6_000_000),
        batch(SESSION, "chk-2", THANKS, url=f"{SHOP}/thanks", title="Thank you · Acme",
              received_us=START_US + 18_000_000),
    ]  # fmt: skip


EARLIER = "chk-71d0aa11"
"""A session with a quicker load of the same page, an hour before; see :func:`add_earlier_load`."""


def make_store(path: Path) -> Path:
    """Write the store."""
    write(path, batches())
    return path


def add_earlier_load(path: Path) -> Path:
    """Add a load of the checkout that had no banner, one script more, and a quick price."""
    start = START_US - 3_000_000_000
    entries = [one for one in CHECKOUT if "promo" not in one.name and "price" not in one.name]
    entries += [
        request(f"{SHOP}/api/cart/price", 540, 210, method="POST", size=3_800),
        request(f"{SHOP}/static/old.3f.js", 206, 80, initiator="script", size=12_000),
    ]
    earlier = batch(
        EARLIER, "chk-0", tuple(entries), url=f"{SHOP}/checkout", title="Checkout · Acme",
        start_us=start, received_us=start + 6_000_000,
    )  # fmt: skip
    write(path, [earlier])
    return path


def write(path: Path, written: list[Batch]) -> None:
    """Write batches with the real writer."""
    writer = StoreWriter(path, clock=FrozenClock())
    try:
        writer.write_batches(written)
    finally:
        writer.close_now()
