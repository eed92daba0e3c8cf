"""Question 5: is it compressed, and what would compressing it save?"""

from __future__ import annotations

import numpy as np

from perftui.analysis.groups import Samples, counts, dense, firsts
from perftui.analysis.insights.answer import (
    Answer,
    Cause,
    Column,
    Question,
    Shape,
    Unit,
    Value,
    make_table,
)
from perftui.analysis.insights.loading import MOST_ROWS
from perftui.analysis.insights.requests import KINDS, SIZE_COLUMNS, Requests
from perftui.analysis.insights.sentences import compression_headline, compression_notes
from perftui.analysis.insights.study import Study
from perftui.analysis.insights.values import told
from perftui.analysis.resource_type import ResourceType
from perftui.model import JSON
from perftui.request_columns import Floats, Integers

UNCOMPRESSED = Shape(
    "uncompressed",
    "Compressible and not compressed",
    "A URL whose body is sent as it is; the one that gzip would save most of first.",
    (
        Column("url", "url", Unit.TEXT, "What was loaded.", 100),
        Column("type", "type", Unit.TEXT, "Kind of request.", 50),
        Column("requests", "requests", Unit.COUNT, "How many transfers over the network.", 60),
        Column("body_bytes", "body", Unit.BYTES, "Median of its body.", 90),
        Column("gzip_saves_bytes", "gzip saves", Unit.BYTES, "Of one transfer, by gzip -6.", 95),
        Column(
            "brotli_saves_bytes", "brotli saves", Unit.BYTES, "Of one transfer, by brotli -5.", 85
        ),
        Column(
            "basis",
            "how known",
            Unit.TEXT,
            "measured: the body itself was compressed, by the proxy or from a HAR file;"
            " estimated: by its type.",
            88,
        ),
    ),
)

COMPRESSED = Shape(
    "compressed",
    "Compressed",
    "A URL whose body is sent compressed; the largest after decompression first.",
    (
        Column("url", "url", Unit.TEXT, "What was loaded.", 100),
        Column("type", "type", Unit.TEXT, "Kind of request.", 50),
        Column(
            "coding", "coding", Unit.TEXT, "The content coding, where the browser tells it.", 80
        ),
        Column("encoded_bytes", "encoded", Unit.BYTES, "Median of its body as sent.", 85),
        Column("decoded_bytes", "decoded", Unit.BYTES, "Median after decompression.", 90),
        Column("saved_share", "saved", Unit.SHARE, "What compression saves.", 95),
    ),
)

SHAPES = {Question.COMPRESSION: (UNCOMPRESSED, COMPRESSED)}

SMALLEST_COMPRESSIBLE = 1_400
"""Bytes below which a body fits one packet and compressing it saves no round trip (Lighthouse,
``uses-text-compression``: 1.4 KiB)."""

GZIP_LEFT = {
    "script": 0.27,
    "stylesheet": 0.24,
    "document": 0.36,
    "json": 0.16,
    "svg": 0.36,
    "text": 0.35,
}
BROTLI_LEFT = {
    "script": 0.25,
    "stylesheet": 0.23,
    "document": 0.33,
    "json": 0.16,
    "svg": 0.34,
    "text": 0.33,
}
"""What gzip -6 and brotli -5 leave of a body, by type: medians over files of 2 to 500 kB of the
packages that this project installs (``python scripts/measure_compression.py``)."""

COMPRESSIBLE_TYPES = (
    ("javascript", "script"),
    ("ecmascript", "script"),
    ("wasm", "script"),
    ("css", "stylesheet"),
    ("html", "document"),
    ("json", "json"),
    ("svg", "svg"),
    ("xml", "text"),
    ("text/", "text"),
    ("font/ttf", "text"),
    ("font/otf", "text"),
)
"""Part of a content type -> what its body is; the first that fits. Others are not compressible."""

COMPRESSIBLE_KINDS = {
    ResourceType.SCRIPT: "script",
    ResourceType.STYLESHEET: "stylesheet",
    ResourceType.DOCUMENT: "document",
    ResourceType.IFRAME: "document",
    ResourceType.FETCH: "json",
    ResourceType.XMLHTTPREQUEST: "json",
}
"""The same by the kind of request, where no content type is told."""

_ROWS = tuple(GZIP_LEFT)
_NOT_COMPRESSIBLE = len(_ROWS)


def _compressible_as(content_type: str) -> int:
    row = next((row for part, row in COMPRESSIBLE_TYPES if part in content_type), None)
    return _NOT_COMPRESSIBLE if row is None else _ROWS.index(row)


def compressible_rows(study: Study) -> Integers:
    """The row of :data:`GZIP_LEFT` that each request's body is of, as its place; one past the last
    where compressing it is of no use."""
    requests = study.requests
    kinds = np.array(
        [
            _ROWS.index(COMPRESSIBLE_KINDS[kind])
            if kind in COMPRESSIBLE_KINDS
            else _NOT_COMPRESSIBLE
            for kind in KINDS
        ]
    )
    rows = kinds[requests.kinds]
    svg = np.array([url.partition("?")[0].endswith(".svg") for url in requests.url_texts], np.bool_)
    if len(requests):
        rows = np.where(svg[requests.urls], _ROWS.index("svg"), rows)
    contents, places = dense(requests.identifiers("content_type"))
    texts = study.source.texts(contents.tolist())
    by_content = np.array([_compressible_as(texts.get(key, "")) for key in contents.tolist()])
    if len(requests):
        rows = np.where(requests.identifiers("content_type") != 0, by_content[places], rows)
    return rows


def compressed(requests: Requests) -> Floats:
    """Whether each body came compressed: 1, 0, or NaN where the browser does not tell."""
    encoded, decoded = (requests.numbers(name) for name in SIZE_COLUMNS[1:])
    by_size = np.where(np.isnan(encoded) | np.isnan(decoded), np.nan, (encoded < decoded) * 1.0)
    coded = requests.identifiers("content_encoding") != 0
    return np.where(coded, ~requests.equals("content_encoding", "identity", "none") * 1.0, by_size)


def compression(study: Study) -> Answer:
    """Question 5: is it compressed?"""
    requests = study.will_need(*SIZE_COLUMNS, "says_cached", "content_encoding").requests
    decoded = requests.numbers("decoded_body_size")
    kinds = compressible_rows(study)
    bodies = requests.from_network & (kinds != _NOT_COMPRESSIBLE) & ~(decoded <= 0)
    is_compressed = compressed(requests)
    unknown = int((bodies & np.isnan(is_compressed)).sum())
    plain = np.flatnonzero(bodies & (is_compressed == 0) & (decoded >= SMALLEST_COMPRESSIBLE))
    rows = _plain_rows(requests, plain, kinds)
    packed_rows = _packed_rows(study, np.flatnonzero(bodies & (is_compressed == 1)))
    cause = None
    if rows:
        cause = Cause("asset", str(rows[0][0]), rows[0][4], Unit.BYTES)  # type: ignore[arg-type]
    return Answer(
        question=Question.COMPRESSION.value,
        asked=Question.COMPRESSION.words,
        headline=compression_headline(rows, len(packed_rows)),
        cause=cause,
        tables=(
            make_table(UNCOMPRESSED, rows, MOST_ROWS),
            make_table(COMPRESSED, packed_rows, MOST_ROWS),
        ),
        coverage=study.coverage,
        notes=compression_notes(rows, unknown),
        unknown={"compression": unknown} if unknown else {},
    )


def _plain_rows(requests: Requests, plain: Integers, kinds: Integers) -> list[tuple[Value, ...]]:
    names, groups = requests.by_asset
    groups = groups[plain]
    body = Samples(groups, len(names), requests.numbers("decoded_body_size")[plain]).median
    there = counts(groups, len(names))
    types = firsts(groups, len(names), requests.kinds[plain])
    of_type = firsts(groups, len(names), kinds[plain])
    left = [
        Samples(groups, len(names), requests.detail(key, _number)[plain]).median
        for key in ("gzipSize", "brotliSize")
    ]
    rows: list[tuple[Value, ...]] = []
    for place in np.flatnonzero(there).tolist():
        row, whole = _ROWS[of_type[place]], float(body[place])
        is_measured = left[0][place] == left[0][place]
        rows.append(
            (
                *(names[place], KINDS[types[place]].value, int(there[place]), whole),
                *(
                    max(0, round(whole - float(one[place])))
                    if one[place] == one[place]
                    else round(whole * (1 - ratios[row]))
                    for one, ratios in zip(left, (GZIP_LEFT, BROTLI_LEFT), strict=True)
                ),
                "measured" if is_measured else "estimated",
            )
        )
    return sorted(rows, key=lambda row: (-(row[4] if isinstance(row[4], int) else 0), str(row[0])))


def _packed_rows(study: Study, packed: Integers) -> list[tuple[Value, ...]]:
    requests = study.requests
    names, groups = requests.by_asset
    groups = groups[packed]
    encoded, decoded = (
        Samples(groups, len(names), requests.numbers(name)[packed]).median
        for name in SIZE_COLUMNS[1:]
    )
    there = counts(groups, len(names))
    types = firsts(groups, len(names), requests.kinds[packed])
    codings = requests.identifiers("content_encoding")[packed]
    coded = firsts(groups[codings != 0], len(names), codings[codings != 0])
    texts = study.source.texts(np.unique(coded).tolist())
    rows: list[tuple[Value, ...]] = [
        (
            *(names[place], KINDS[types[place]].value, texts.get(int(coded[place]))),
            *(told(one[place]) for one in (encoded, decoded)),
            None
            if not decoded[place] > 0
            else told(round(float(1 - encoded[place] / decoded[place]), 4)),
        )
        for place in np.flatnonzero(there).tolist()
    ]
    return sorted(
        rows, key=lambda row: (-(row[4] if isinstance(row[4], (int, float)) else 0), str(row[0]))
    )


def _number(value: JSON) -> float | None:
    return float(value) if isinstance(value, (int, float)) and value >= 0 else None
