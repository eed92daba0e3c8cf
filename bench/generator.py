"""Realistic batches for benchmarks and fault tests: resource entries with all 33 fields that
Chromium's ``PerformanceResourceTiming.toJSON()`` gives, of a site with a few hundred URLs of its
own, API calls with IDs in their paths, and some third parties that withhold their timings.

Deterministic: the same seed makes the same bytes.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from perftui.capture.entry_decoding import CHROMIUM_ORDER

START_EPOCH_MS = 1_795_451_678_400.0

FIELDS = (
    *("name", "entryType", "startTime", "duration", "initiatorType", "deliveryType"),
    *("nextHopProtocol", "renderBlockingStatus", "contentType", "contentEncoding", "workerStart"),
    *("workerRouterEvaluationStart", "workerCacheLookupStart", "workerMatchedSourceType"),
    *("workerFinalSourceType", "redirectStart", "redirectEnd", "fetchStart", "domainLookupStart"),
    *("domainLookupEnd", "connectStart", "secureConnectionStart", "connectEnd", "requestStart"),
    *("responseStart", "firstInterimResponseStart", "finalResponseHeadersStart", "responseEnd"),
    *("transferSize", "encodedBodySize", "decodedBodySize", "responseStatus", "serverTiming"),
)
"""The fields of an entry, under the names and in the order of Chromium 156."""

_KINDS = (
    # share, initiator, content type, encoding, path, usual bytes, usual wait in ms
    (0.34, "fetch", "application/json", "gzip", "/api/{resource}/{number}", 1_800, 70.0),
    (0.08, "xmlhttprequest", "application/json", "br", "/api/search?q={word}", 4_200, 140.0),
    (0.20, "img", "image/webp", "", "/images/{slug}.webp", 24_000, 25.0),
    (0.16, "script", "text/javascript", "br", "/assets/{slug}.js", 48_000, 20.0),
    (0.07, "link", "text/css", "br", "/assets/{slug}.css", 12_000, 18.0),
    (0.05, "css", "font/woff2", "", "/fonts/{slug}.woff2", 22_000, 22.0),
    (0.10, "script", "", "", "https://cdn.partner-{party}.example/tag/{slug}.js", 0, 60.0),
)
_RESOURCES = ("users", "orders", "products", "carts", "reviews", "stock", "prices", "events")


class Generator:
    """Makes entries and batches as the wire has them.

    Args:
        seed: what the random numbers begin with.
        origin: of the site.
    """

    def __init__(self, seed: int = 1, origin: str = "https://shop.example.com") -> None:
        self._random = random.Random(seed)
        self._origin = origin
        self._seed = seed
        self._batches = 0
        chance = self._random
        self._slugs = [f"{chance.getrandbits(48):012x}" for _ in range(240)]
        self._weights = [kind[0] for kind in _KINDS]

    def entry(self, now_ms: float) -> dict[str, Any]:
        """One resource entry that begins about ``now_ms`` after the time origin."""
        chance = self._random
        _, initiator, content_type, encoding, path, usual_bytes, usual_wait = chance.choices(
            _KINDS, self._weights
        )[0]
        url = path.format(
            resource=chance.choice(_RESOURCES),
            number=int(chance.paretovariate(0.5)) % 5_000,
            word=chance.choice(_RESOURCES),
            slug=chance.choice(self._slugs),
            party=chance.randrange(6),
        )
        is_opaque = url.startswith("https:")
        is_new = not is_opaque and chance.random() < 0.05
        start = _tenths(now_ms + chance.uniform(0, 40))
        wait = chance.lognormvariate(0, 0.6) * usual_wait
        queue = chance.expovariate(1 / 2.0)
        lookup = chance.uniform(2, 20) if is_new else 0.0
        connect = chance.uniform(10, 60) if is_new else 0.0
        size = int(chance.lognormvariate(0, 0.7) * usual_bytes)
        receive = size / 40_000 + chance.expovariate(1 / 1.5)
        request = start + queue + lookup + connect
        answer = request + wait
        end = _tenths(answer + receive)
        known = 0.0 if is_opaque else 1.0
        return {
            "name": url if is_opaque else self._origin + url,
            "entryType": "resource",
            "startTime": start,
            "duration": _tenths(end - start),
            "initiatorType": initiator,
            "deliveryType": "",
            "nextHopProtocol": "" if is_opaque else "h2",
            "renderBlockingStatus": "blocking" if content_type == "text/css" else "non-blocking",
            "contentType": content_type,
            "contentEncoding": encoding,
            "workerStart": 0,
            "workerRouterEvaluationStart": 0,
            "workerCacheLookupStart": 0,
            "workerMatchedSourceType": "",
            "workerFinalSourceType": "",
            "redirectStart": 0,
            "redirectEnd": 0,
            "fetchStart": start,
            "domainLookupStart": _tenths((start + queue) * known),
            "domainLookupEnd": _tenths((start + queue + lookup) * known),
            "connectStart": _tenths((start + queue + lookup) * known),
            "secureConnectionStart": _tenths((start + queue + lookup + connect / 2) * known),
            "connectEnd": _tenths(request * known),
            "requestStart": _tenths(request * known),
            "responseStart": _tenths(answer * known),
            "firstInterimResponseStart": 0,
            "finalResponseHeadersStart": _tenths(answer * known),
            "responseEnd": end,
            "transferSize": size + 300 if known else 0,
            "encodedBodySize": size,
            "decodedBodySize": size * 3 if encoding else size,
            "responseStatus": 0 if is_opaque else 200 if chance.random() < 0.98 else 404,
            "serverTiming": [],
        }

    def row(self, now_ms: float) -> list[Any]:
        """The same as the SDK sends it: the values of ``CHROMIUM_ORDER``, with the
        ``navigationId`` that Chromium gives it."""
        entry = {**self.entry(now_ms), "navigationId": 3398 + int(now_ms) // 4_000 * 7}
        return [entry[name] for name in CHROMIUM_ORDER]

    def batch(
        self, entries: int, *, session: int | None = None, compact: bool = False
    ) -> dict[str, Any]:
        """One batch; twenty in a row are of one session, five of one pageview. A ``compact`` one
        is as the SDK sends it, its entries as rows."""
        make: Callable[[float], Any] = self.row if compact else self.entry
        number = self._batches
        self._batches += 1
        session = number // 20 if session is None else session
        page_view = number // 5
        moment = (number % 5) * 4_000.0
        return {
            "sessionId": f"0192f1a0-{self._seed:04x}-7000-8000-{session:012x}",
            "pageViewId": f"0192f1a1-{self._seed:04x}-7000-8000-{page_view:012x}",
            "batchId": f"0192f1a2-{self._seed:04x}-7000-8000-{number:012x}",
            "timeOrigin": START_EPOCH_MS + page_view * 20_000.0,
            "sentAt": START_EPOCH_MS + page_view * 20_000.0 + moment + 4_100.0,
            "page": {"url": f"{self._origin}/products", "title": "Products"},
            "client": {"sdk": "perftui/0.1.0", "viewport": [1280, 800]},
            **({"fields": CHROMIUM_ORDER} if compact else {}),
            "entries": [make(moment + index * 40.0) for index in range(entries)],
        }

    def bodies(self, entries: int, count: int, *, compact: bool = False) -> Iterator[bytes]:
        """That many batches as JSON."""
        for _ in range(count):
            yield msgspec.json.encode(self.batch(entries, compact=compact))


def _tenths(milliseconds: float) -> float:
    """Chromium rounds to 100 µs where the page is not cross-origin isolated."""
    return round(milliseconds, 1)
