"""Real batches, and what a broken or hostile client might make of them."""

from __future__ import annotations

import gzip
import json
import random
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

import perftui
from bench.generator import Generator
from tests.rows import with_rows

HOSTILE: tuple[Any, ...] = (
    *(None, True, False, 0, -0.0, -1, 1, 0.1, 1e-320, 1e308, -1e308, 2**31, 2**53, 2**53 + 1),
    *(-(2**63), 2**64 - 1, 2**70, 1e17, "", " ", "\x00", "a\x00b", "\ud800", "\udc00\ud83d"),
    *("\x1b]52;c;QQ==\x07", "\x9b31m", "\u202e", "NaN", "Infinity", "0", "[bold]", "%00", "..//.."),
    *("https://[::1", "https://a.test:99999/", "http://user:pw@a.test/?token=x", "data:,x", "//"),
    *("é" * 9000, "x" * 8191, "x" * 8192, "x" * 8193, "😀" * 4097, "'; DROP TABLE entry; --"),
    *([], {}, [[]], [None], {"": ""}, {"a": {"b": [1, {"c": None}]}}, {"__proto__": 1}),
    *({"\ud800": 1}, {"a\x00": 1}, {"k" * 9000: 1}, [0] * 1000),
)

ENTRY_TYPES = (
    *("resource", "navigation", "mark", "measure", "paint", "event", "pageview", "capture"),
    *("action", "error", "console", "visibility", "request-detail", "request", "longtask"),
    *("layout-shift", "largest-contentful-paint", "x" * 64, "x" * 65, "\x00", "neu"),
)


def real_batches() -> list[bytes]:
    """Of the demo's recording, and full ones of the generator: of objects, and with rows."""
    recorded = Path(perftui.__file__).parent / "demo" / "session.jsonl"
    lines = recorded.read_bytes().splitlines()
    return [
        *lines,
        *[msgspec.json.encode(with_rows(json.loads(line))) for line in lines],
        *Generator().bodies(7, 5),
        *Generator().bodies(7, 10, compact=True),
    ]


class Mutator:
    """Makes requests out of real batches; the same seed makes the same ones."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._real = real_batches()
        self._number = 0
        self._seed = seed

    def request(self) -> tuple[bytes, str, bytes]:
        """The JSON document, the ``Content-Encoding``, and the body as sent."""
        body = self._random.choice(self._real)
        if self._random.random() < 0.9:
            try:
                body = self._changed_document(body)
            except RecursionError:
                # Nested again and again: no encoder of ours writes that.
                body = b'{"entries":' * 2_000
        if self._random.random() < 0.25:
            for _ in range(self._random.choice((1, 1, 2, 8))):
                body = self._changed_bytes(body)
        return (body, *self._packed(body))

    def _changed_document(self, body: bytes) -> bytes:
        document = json.loads(body)
        begin = self._random.randrange(len(document["entries"]) + 1)
        document["entries"] = document["entries"][begin : begin + self._random.randrange(1, 20)]
        self._number += 1
        if self._random.random() < 0.95:
            document["batchId"] = f"{self._seed}-{self._number}"
        changes: tuple[Callable[[dict[str, Any]], None], ...] = (
            *(self._replace, self._remove, self._add, self._swap, self._retype),
            *(self._repeat, self._nest, self._elsewhere, self._rename),
        )
        for _ in range(self._random.choice((0, 1, 1, 2, 5, 20))):
            self._random.choice(changes)(document)
        try:
            return msgspec.json.encode(document)
        except (TypeError, ValueError, UnicodeEncodeError, OverflowError):
            # Lone surrogates and numbers that msgspec has no form for.
            return json.dumps(document, ensure_ascii=self._random.random() < 0.8).encode(
                "utf-8", "surrogatepass"
            )

    def _place(self, document: dict[str, Any]) -> tuple[Any, Any]:
        """A container of the document, and one of its keys; found by going down at random."""
        chance = self._random
        container: Any = document
        while True:
            if not container:
                return {"": 0}, ""
            keys = list(container) if isinstance(container, dict) else range(len(container))
            key = "entries" if "entries" in keys and chance.random() < 0.7 else chance.choice(keys)
            child = container[key]
            if not isinstance(child, dict | list) or not child or chance.random() < 0.15:
                return container, key
            container = child

    def _replace(self, document: dict[str, Any]) -> None:
        container, key = self._place(document)
        container[key] = self._hostile()

    def _remove(self, document: dict[str, Any]) -> None:
        container, key = self._place(document)
        del container[key]

    def _add(self, document: dict[str, Any]) -> None:
        container, _ = self._place(document)
        if isinstance(container, dict):
            name = self._random.choice(("x", "", "\x00", "entryType", "dropped"))
            container[name] = self._hostile()
        else:
            container.append(self._hostile())

    def _hostile(self) -> Any:
        value = self._random.choice(HOSTILE)
        return json.loads(json.dumps(value)) if isinstance(value, dict | list) else value

    def _swap(self, document: dict[str, Any]) -> None:
        (first, one), (second, other) = self._place(document), self._place(document)
        copied = json.dumps(second[other])
        # Copies of copies double each time.
        if len(copied) < 2_000:
            first[one] = json.loads(copied)

    def _retype(self, document: dict[str, Any]) -> None:
        entries = document.get("entries")
        if isinstance(entries, list) and entries:
            entry = self._random.choice(entries)
            if isinstance(entry, dict):
                entry["entryType"] = self._random.choice(ENTRY_TYPES)
            elif isinstance(entry, list) and len(entry) > 1:
                # Chromium gives it second.
                entry[1] = self._random.choice(ENTRY_TYPES)

    def _rename(self, document: dict[str, Any]) -> None:
        """Other ``fields`` for the rows."""
        chance = self._random
        names = document.get("fields")
        if not isinstance(names, list) or not names:
            document["fields"] = chance.choice((self._hostile(), ["name", "entryType"]))
            return
        place = chance.randrange(len(names))
        match chance.randrange(7):
            case 0:
                document["fields"] = self._hostile()
            case 1:
                chance.shuffle(names)
            case 2:
                names[place] = self._hostile()
            case 3:
                names[place] = chance.choice(names)
            case 4:
                names.insert(place, chance.choice(("x", "detail", "workerStart", "startTime")))
            case 5:
                # Behind the entries.
                document["fields"] = document.pop("fields")
            case _:
                del names[place:]

    def _repeat(self, document: dict[str, Any]) -> None:
        entries = document.get("entries")
        if isinstance(entries, list) and len(entries) < 300:
            document["entries"] = entries * self._random.choice((0, 2, 3, 3, 20))

    def _nest(self, document: dict[str, Any]) -> None:
        container, key = self._place(document)
        for _ in range(self._random.choice((1, 5, 62, 70, 300))):
            container[key] = (
                [container[key]] if self._random.random() < 0.5 else {"n": container[key]}
            )

    def _elsewhere(self, document: dict[str, Any]) -> None:
        document["sessionId"] = f"s{self._random.randrange(20)}"
        document["pageViewId"] = f"p{self._random.randrange(40)}"
        document["timeOrigin"] = self._random.choice((*HOSTILE[:14], 1_795_476_126_706.1))
        document["sentAt"] = self._random.choice((*HOSTILE[:14], 1_795_476_129_001))

    def _changed_bytes(self, body: bytes) -> bytes:
        chance = self._random
        at, to = sorted((chance.randrange(len(body) + 1), chance.randrange(len(body) + 1)))
        to = min(to, at + chance.choice((1, 4, 60, 4000)))
        match chance.randrange(6):
            case 0:
                return body[:at] + chance.randbytes(chance.choice((1, 2, 8))) + body[at:]
            case 1:
                return body[:at] + body[to:]
            case 2:
                return body[:at] + body[at:to] * 2 + body[to:]
            case 3:
                other = chance.choice(self._real)
                return body[:at] + other[chance.randrange(len(other)) :]
            case 4:
                token = (b'"', b"\\", b"\\u0000", b"\\ud83d", b"]", b"}", b",", b"1e999", b"NaN")
                return body[:at] + chance.choice(token) + body[at:]
            case _:
                return body[:at]

    def _packed(self, body: bytes) -> tuple[str, bytes]:
        match self._random.randrange(12):
            case 0:
                return "gzip", gzip.compress(body, 1)
            case 1:
                return "deflate", zlib.compress(body, 1)
            case 2:
                return "gzip", self._changed_bytes(gzip.compress(body, 1))
            case 3:
                return self._random.choice(("gzip", "deflate", "br", "\x80", "")), body
            case _:
                return "", body
