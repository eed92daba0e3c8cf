"""Question 5: is it compressed, and what would compressing it save?"""

from __future__ import annotations

from collections.abc import Sequence

from perftui.analysis.insights.answer import Answer, Cause, Question, Table, Unit, Value, make_table
from perftui.analysis.insights.compression import (
    BROTLI_LEFT,
    COMPRESSED,
    COMPRESSIBLE_KINDS,
    COMPRESSIBLE_TYPES,
    GZIP_LEFT,
    SMALLEST_COMPRESSIBLE,
    UNCOMPRESSED,
)
from perftui.analysis.insights.loading import MOST_ROWS
from perftui.analysis.insights.sentences import compression_headline, compression_notes
from perftui.export.clickhouse_schema import quoted
from perftui.export.questions.asking import Asking, known, number, whole
from perftui.export.questions.requests import NOT_CACHED

_IS_COMPRESSED = (
    "multiIf(ifNull(content_encoding, '') != '',"
    " lower(ifNull(content_encoding, '')) NOT IN ('identity', 'none'),"
    " encoded_body_size IS NULL OR decoded_body_size IS NULL, NULL,"
    " encoded_body_size < decoded_body_size)"
)
"""``insights.compression.compressed``."""


def compression(asking: Asking) -> Answer:
    """Question 5: are assets and responses compressed?"""
    bodies = (
        f"(SELECT *, {_compressible_as()} AS compressible_as, {_IS_COMPRESSED} AS is_compressed,"
        f" {_left_by('gzipSize')} AS gzip_size, {_left_by('brotliSize')} AS brotli_size"
        f" FROM requests WHERE {NOT_CACHED} AND compressible_as != ''"
        " AND (decoded_body_size IS NULL OR decoded_body_size > 0))"
    )
    unknown = asking.value(f"SELECT countIf(is_compressed IS NULL) FROM {bodies}")
    body = asking.quantiles("decoded_body_size", 0.5)
    plain = asking.rows(
        "SELECT plain_url, argMin(resource_type, arrival), count(),"
        f" {body}[1] AS median, argMin(compressible_as, arrival),"
        f" {asking.quantiles('gzip_size', 0.5)}[1], {asking.quantiles('brotli_size', 0.5)}[1]"
        f" FROM {bodies}"
        f" WHERE is_compressed = 0 AND ifNull(decoded_body_size, 0) >= {SMALLEST_COMPRESSIBLE}"
        " GROUP BY plain_url"
    )
    rows: list[tuple[Value, ...]] = [
        (
            *(str(url), kind, count, median),
            *(
                round(median * (1 - left[row])) if told is None else max(0, round(median - told))
                for told, left in zip(map(known, measured), (GZIP_LEFT, BROTLI_LEFT), strict=True)
            ),
            "estimated" if known(measured[0]) is None else "measured",
        )
        for url, kind, count, median, row, *measured in plain
    ]
    rows.sort(key=lambda row: (-number(row[4]), str(row[0])))
    encoded = asking.quantiles("encoded_body_size", 0.5)
    compressed = asking.rows(
        "SELECT plain_url, argMin(resource_type, arrival),"
        " argMinIf(content_encoding, arrival, ifNull(content_encoding, '') != ''),"
        f" {encoded}[1], {body}[1] AS median, count() OVER () FROM {bodies}"
        " WHERE is_compressed = 1 GROUP BY plain_url"
        f" ORDER BY if(isNaN(median), 0, median) DESC, plain_url LIMIT {MOST_ROWS}"
    )
    packed_rows: Sequence[tuple[Value, ...]] = [
        (
            *(str(url), kind, coding or None, known(sent), known(median)),
            None if known(sent) is None or not known(median) else round(1 - sent / median, 4),
        )
        for url, kind, coding, sent, median, _ in compressed
    ]
    cause = None
    if rows:
        cause = Cause("asset", str(rows[0][0]), whole(rows[0][4]) or 0, Unit.BYTES)
    return Answer(
        question=Question.COMPRESSION.value,
        asked=Question.COMPRESSION.words,
        headline=compression_headline(rows, compressed[0][5] if compressed else 0),
        cause=cause,
        tables=(
            make_table(UNCOMPRESSED, rows, MOST_ROWS),
            Table(COMPRESSED, tuple(packed_rows), compressed[0][5] if compressed else 0),
        ),
        coverage=asking.coverage,
        notes=asking.notes(*compression_notes(rows, unknown)),
        unknown={"compression": unknown} if unknown else {},
    )


def _compressible_as() -> str:
    """``insights.compression.compressible_rows``; empty where compressing is of no use."""
    content = ", ".join(
        f"position(assumeNotNull(content_type), {quoted(part)}) > 0, {quoted(row)}"
        for part, row in COMPRESSIBLE_TYPES
    )
    kinds = ", ".join(
        f"resource_type = {quoted(kind.value)}, {quoted(row)}"
        for kind, row in COMPRESSIBLE_KINDS.items()
    )
    return (
        f"multiIf(ifNull(content_type, '') != '', multiIf({content}, ''),"
        f" endsWith(splitByChar('?', name)[1], '.svg'), 'svg', {kinds}, '')"
    )


def _left_by(field: str) -> str:
    """What a coding left of a body, where it was measured."""
    return (
        f"if(JSONType(extra, '{field}') IN ('Int64', 'UInt64', 'Double'),"
        f" JSONExtractFloat(extra, '{field}'), NULL)"
    )
