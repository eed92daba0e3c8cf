"""THE table: what each URL answers, with which status, after how long, how big, and how cached.

It is the ground truth of tests and of readers: the server in :mod:`.server` does what it says and
nothing else. ``python -m examples.shop --table`` prints it.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from functools import cache
from hashlib import sha256
from typing import Literal

from . import bundles, goods, pages, pictures
from .pages import Site

Origin = Literal["shop", "cdn", "tracker"]


class Cache(Enum):
    """The ``Cache-Control`` of an answer."""

    IMMUTABLE = "public, max-age=31536000, immutable"
    """Never asked for again."""
    TEN_MINUTES = "public, max-age=600"
    REVALIDATE = "no-cache"
    """Kept, and asked for with ``If-None-Match`` each time."""
    NO_STORE = "no-store"
    DOCUMENT = "max-age=0"
    """Asked for anew, yet fit for the back/forward cache."""


HTML = "text/html; charset=utf-8"
CSS = "text/css; charset=utf-8"
SCRIPT = "text/javascript; charset=utf-8"
JSON = "application/json"
LINES = "application/x-ndjson"
SVG = "image/svg+xml"
PNG = "image/png"


@cache
def _gzip(body: bytes) -> bytes:
    return gzip.compress(body, 9, mtime=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One row of the table."""

    path: str
    shows: str
    """What it is here for."""
    method: str = "GET"
    query: str | None = None
    """The exact query it answers; ``None`` for any."""
    origin: Origin = "shop"
    status: int = 200
    delay_ms: int = 0
    """Wait from the request's head to the answer's first byte."""
    body: bytes = b""
    """The whole body before the content coding."""
    search: Callable[[str], bytes] | None = None
    """Makes the body from the query's ``q`` instead, for the one route where it depends on it."""
    pieces: tuple[bytes, ...] = ()
    """The body in chunks, with ``pause_ms`` before each but the first."""
    pause_ms: int = 0
    media_type: str = ""
    coding: Literal["gzip"] | None = None
    """How the body is sent to a client that accepts it."""
    cache: Cache = Cache.NO_STORE
    server_timing: str = ""
    location: str = ""
    retry_after: str = ""
    drops: bool = False
    """The connection is closed after ``delay_ms`` without an answer."""
    is_document: bool = False

    @property
    def whole_body(self) -> bytes:
        """The body before the content coding, streamed or not."""
        return b"".join(self.pieces) or self.body

    @property
    def decoded_bytes(self) -> int:
        """Size of the body before the content coding."""
        return len(self.whole_body)

    @property
    def body_bytes(self) -> int:
        """Size of the body as sent to a client that accepts the coding."""
        return len(self.encoded("gzip" if self.coding else None))

    @property
    def pauses_ms(self) -> int:
        """All pauses between the pieces together."""
        return self.pause_ms * max(0, len(self.pieces) - 1)

    @property
    def etag(self) -> str | None:
        """The ``ETag``, weak for it is the same for both codings; ``None`` for what has none.

        What has one answers 304 to an ``If-None-Match`` with it.
        """
        if self.cache in (Cache.NO_STORE, Cache.DOCUMENT):
            return None
        return f'W/"{sha256(self.whole_body).hexdigest()[:16]}"'

    def encoded(self, coding: str | None) -> bytes:
        """The body in a content coding."""
        return _gzip(self.whole_body) if coding == "gzip" else self.whole_body


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _found(words: str) -> bytes:
    return _json({"products": [product.summary() for product in goods.search(words)]})


def documents(site: Site) -> Iterable[Route]:
    """The pages."""

    def document(
        path: str, shows: str, body: bytes, delay_ms: int, server_timing: str = ""
    ) -> Route:
        return Route(
            path=path,
            shows=shows,
            body=body,
            delay_ms=delay_ms,
            media_type=HTML,
            coding="gzip",
            cache=Cache.DOCUMENT,
            server_timing=server_timing,
            is_document=True,
        )

    yield document("/", "home page", pages.home(site), 120, 'app;dur=96.5;desc="home"')
    for number in range(1, len(goods.PAGES) + 1):
        path = pages.catalogue_path(number)
        yield document(path, f"catalogue, page {number}", pages.catalogue(site, number), 90)
    for item in goods.PRODUCTS:
        for tab in ("description", "reviews", "delivery"):
            path = f"/products/{item.id}" + ("" if tab == "description" else f"/{tab}")
            yield document(
                path,
                f"product, {tab}",
                pages.product(site, item, tab),
                180,
                'db;dur=61.2;desc="product", app;dur=104.8',
            )
    for step in ("address", "payment", "thank-you"):
        path = "/checkout" + ("" if step == "address" else f"/{step}")
        yield document(
            path,
            f"checkout, {step}: a slow document",
            pages.checkout(site, step),
            850,
            "basket;dur=412.0, prices;dur=366.4, app;dur=48.1",
        )
    yield document("/stores", "the document of an iframe", pages.asset("stores.html"), 130)
    yield Route(
        path="/sale",
        shows="redirect of a navigation",
        status=302,
        delay_ms=70,
        location="/products",
    )


def assets() -> Iterable[Route]:
    """Styles, scripts and pictures of the shop's own origin."""
    for name, shows, delay_ms, coding, cache_ in (
        ("shop.css", "render-blocking CSS, cached for good", 90, "gzip", Cache.IMMUTABLE),
        ("season.css", "render-blocking CSS, never cached", 160, None, Cache.NO_STORE),
        ("stores.css", "CSS of the iframe", 30, None, Cache.TEN_MINUTES),
        ("flags.js", "render-blocking script, never cached", 220, None, Cache.NO_STORE),
        ("shop.js", "module that the pages' scripts import", 60, "gzip", Cache.IMMUTABLE),
        ("home.js", "module of the home page", 40, "gzip", Cache.IMMUTABLE),
        ("catalogue.js", "module of the catalogue", 40, "gzip", Cache.IMMUTABLE),
        ("product.js", "module of the product pages", 40, "gzip", Cache.IMMUTABLE),
        ("checkout.js", "module of the checkout", 40, "gzip", Cache.IMMUTABLE),
    ):
        yield Route(
            path=f"/assets/{name}",
            shows=shows,
            body=pages.asset(name),
            delay_ms=delay_ms,
            media_type=CSS if name.endswith("css") else SCRIPT,
            coding="gzip" if coding else None,
            cache=cache_,
        )
    yield Route(
        path="/assets/places.js",
        shows="large deferred script, not compressed",
        body=bundles.places(),
        delay_ms=150,
        media_type=SCRIPT,
        cache=Cache.TEN_MINUTES,
    )
    yield Route(
        path="/assets/phrases.js",
        shows="large deferred script, compressed",
        body=bundles.phrases(),
        delay_ms=150,
        media_type=SCRIPT,
        coding="gzip",
        cache=Cache.TEN_MINUTES,
    )
    yield Route(
        path="/img/hero.svg",
        shows="the home page's largest picture, late: its LCP; not compressed",
        body=pictures.hero(),
        delay_ms=2500,
        media_type=SVG,
        cache=Cache.REVALIDATE,
    )
    for index, item in enumerate(goods.PRODUCTS):
        yield Route(
            path=f"/img/products/{item.id}.svg",
            shows="product picture, revalidated",
            body=pictures.product(item),
            delay_ms=40 + 10 * (index % 6),
            media_type=SVG,
            coding="gzip",
            cache=Cache.REVALIDATE,
        )
    for name in pictures.DUSKS:
        yield Route(
            path=f"/img/journal/{name}.png",
            shows="lazy picture",
            body=pictures.journal(name),
            delay_ms=110,
            media_type=PNG,
            cache=Cache.TEN_MINUTES,
        )
    yield Route(
        path="/img/map.png",
        shows="picture within the iframe",
        body=pictures.street_map(),
        delay_ms=60,
        media_type=PNG,
        cache=Cache.TEN_MINUTES,
    )
    yield Route(
        path="/go/banner",
        shows="redirect of a picture",
        status=302,
        delay_ms=80,
        location="/img/banner.svg",
    )
    yield Route(
        path="/img/banner.svg",
        shows="where that redirect leads",
        body=pictures.banner(),
        delay_ms=60,
        media_type=SVG,
        cache=Cache.REVALIDATE,
    )
    yield Route(
        path="/img/badges/fair-wood.svg",
        shows="picture that is not there",
        status=404,
        delay_ms=30,
        body=b"no such badge\n",
        media_type="text/plain; charset=utf-8",
    )


def calls() -> Iterable[Route]:
    """The JSON API."""

    def call(
        path: str,
        shows: str,
        answer: object,
        delay_ms: int,
        *,
        method: str = "GET",
        query: str | None = None,
        status: int = 200,
        server_timing: str = "",
        retry_after: str = "",
    ) -> Route:
        return Route(
            path=path,
            shows=shows,
            body=_json(answer),
            delay_ms=delay_ms,
            method=method,
            query=query,
            status=status,
            media_type=JSON,
            server_timing=server_timing,
            retry_after=retry_after,
        )

    yield call("/api/session", "fast call", {"greeting": "Good evening"}, 15)
    yield call(
        "/api/promotion",
        "its answer moves the page: a layout shift",
        {
            "title": "Autumn light",
            "text": "Until the end of November, a bulb that lasts for years comes with every lamp. "
            "Tell us the socket, and we put it in before it is packed.",
        },
        350,
    )
    yield call(
        "/api/recommendations",
        "slow call (over 500 ms)",
        {"products": [product.summary() for product in goods.PRODUCTS[4:8]]},
        1250,
        server_timing='cache;desc="miss", model;dur=1104.7;desc="ranking", db;dur=88.3',
    )
    for number, shelf in enumerate(goods.PAGES, start=1):
        yield call(
            "/api/products",
            "page of the catalogue, after a route change",
            {"products": [product.summary() for product in shelf]},
            220,
            query=f"page={number}",
        )
    yield Route(
        path="/api/search",
        shows="call that the next keystroke aborts",
        search=_found,
        delay_ms=700,
        media_type=JSON,
    )
    for item in goods.PRODUCTS:
        base = f"/api/products/{item.id}"
        yield call(
            base,
            "call with Server-Timing",
            {
                **item.summary(),
                "blurb": item.blurb,
                "care": f"{item.material}. Dust it now and then, and it will outlive the sofa.",
            },
            60,
            server_timing='db;dur=38.2;desc="product lookup", cache;desc="hit"',
        )
        yield call(f"{base}/stock", "the same call three times", {"left": 7}, 30)
        yield call(
            f"{base}/reviews",
            "slow call after a route change",
            {
                "reviews": [
                    {"by": by, "stars": stars, "text": text} for by, stars, text in goods.REVIEWS
                ]
            },
            640,
        )
        yield call(
            f"{base}/related",
            "slow call, under way while routes change",
            {"products": [other.summary() for other in goods.related(item)]},
            1400,
        )
        yield call(
            f"{base}/delivery",
            "very slow call (over 2000 ms)",
            {"day": "Thursday, 3 December"},
            2200,
            server_timing="couriers;dur=2140.0",
        )
    yield call("/api/views", "POST under way at a route change", {}, 420, method="POST", status=201)
    yield call(
        "/api/notes/delivery",
        "503, which no code catches",
        {"error": "The notes are being moved."},
        300,
        status=503,
        retry_after="120",
    )
    yield call("/api/basket/items", "POST", {"count": 1}, 180, method="POST", status=201)
    yield call(
        "/api/newsletter",
        "POST refused",
        {"error": "this address has had the letter for years."},
        240,
        method="POST",
        status=422,
    )
    yield call(
        "/api/vouchers",
        "404 of an API",
        {"error": "There is no such voucher."},
        130,
        method="POST",
        status=404,
    )
    yield Route(
        path="/api/risk",
        shows="connection closed without an answer",
        delay_ms=180,
        drops=True,
    )
    yield Route(
        path="/api/shipping",
        shows="streamed answer: one line, a pause, the next",
        pieces=tuple(
            _json({"id": id_, "name": name, "when": when, "price": price}) + b"\n"
            for id_, name, when, price in goods.SHIPPING
        ),
        delay_ms=120,
        pause_ms=250,
        media_type=LINES,
    )
    yield call(
        "/api/payments",
        "the first attempt fails: 500",
        {"error": "The bank did not answer."},
        950,
        method="POST",
        query="attempt=1",
        status=500,
        server_timing='bank;dur=900.0;desc="gave up"',
    )
    yield call(
        "/api/payments",
        "the second attempt works",
        {"paid": True},
        700,
        method="POST",
        query="attempt=2",
        status=201,
        server_timing="bank;dur=641.9",
    )
    yield call("/api/orders", "POST", {"number": "10482"}, 160, method="POST", status=201)
    yield call("/api/orders/10482", "the same call again and again", {"state": "being packed"}, 40)


def third_parties() -> Iterable[Route]:
    """The two other origins."""
    yield Route(
        origin="cdn",
        path="/trust/stars.js",
        shows="third party's async script, timings visible",
        body=pages.asset("stars.js"),
        delay_ms=140,
        media_type=SCRIPT,
        coding="gzip",
        cache=Cache.TEN_MINUTES,
    )
    yield Route(
        origin="cdn",
        path="/trust/stars.svg",
        shows="third party's picture, timings visible",
        body=pictures.stars(),
        delay_ms=70,
        media_type=SVG,
        cache=Cache.TEN_MINUTES,
    )
    yield Route(
        origin="cdn",
        path="/trust/score.json",
        shows="third party's call, with CORS, timings visible",
        body=_json({"stars": 4.6, "reviews": 218}),
        delay_ms=190,
        media_type=JSON,
        server_timing="edge;dur=1.4",
    )
    yield Route(
        origin="tracker",
        path="/tag.js",
        shows="third party's async script, timings hidden",
        body=pages.asset("tag.js"),
        delay_ms=480,
        media_type=SCRIPT,
    )
    yield Route(
        origin="tracker",
        path="/pixel.png",
        shows="third party's picture, timings hidden",
        body=pictures.pixel(),
        delay_ms=90,
        media_type=PNG,
    )
    yield Route(
        origin="tracker",
        path="/collect",
        shows="beacon",
        method="POST",
        status=204,
        delay_ms=20,
    )


def build(site: Site) -> tuple[Route, ...]:
    """The whole table for pages that are served as ``site`` says."""
    return (*documents(site), *assets(), *calls(), *third_parties())


def missing(origin: Origin, site: Site) -> Route:
    """What every URL answers that is not in the table."""
    if origin == "shop":
        body, media_type = pages.missing(site), HTML
    else:
        body, media_type = b"nothing here\n", "text/plain; charset=utf-8"
    return Route(
        origin=origin,
        path="",
        shows="a URL that is not in the table",
        status=404,
        body=body,
        media_type=media_type,
        coding="gzip" if origin == "shop" else None,
        is_document=origin == "shop",
    )


def text(routes: Iterable[Route]) -> str:
    """The table for people: a line per route."""
    lines = [
        f"{'ORIGIN':8}{'METHOD':7}{'STATUS':7}{'DELAY':>9}{'SENT':>11}{'DECODED':>11}  "
        f"{'CODING':7}{'CACHE-CONTROL':37}PATH"
    ]
    for route in routes:
        status = "closed" if route.drops else str(route.status)
        delay = f"{route.delay_ms}+{route.pauses_ms}" if route.pieces else str(route.delay_ms)
        sizes = (
            f"{'varies':>11}{'varies':>11}"
            if route.search
            else f"{route.body_bytes:>9} B{route.decoded_bytes:>9} B"
        )
        path = route.path + (f"?{route.query}" if route.query else "")
        lines.append(
            f"{route.origin:8}{route.method:7}{status:7}{delay:>6} ms{sizes}  "
            f"{route.coding or '':7}{route.cache.value:37}{path}  ({route.shows})"
        )
    return "\n".join(lines)
