"""Questions 3, 4 and 5: what third parties cost, how large things are, and whether they are
compressed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from perftui.analysis.endpoints import registrable_domain
from perftui.analysis.insights.answer import (
    Answer,
    Cause,
    Note,
    NoteKind,
    Question,
    Table,
    Unit,
    Value,
    make_table,
)
from perftui.analysis.insights.loading import MOST_ROWS, opaque_note
from perftui.analysis.insights.sentences import (
    compression_headline,
    compression_notes,
    size_headline,
    third_party_headline,
    unknown_sizes,
)
from perftui.analysis.insights.weight import (
    BROTLI_LEFT,
    COMPRESSED,
    DUPLICATES,
    GZIP_LEFT,
    LARGEST,
    SIZES_BY_DOMAIN,
    SIZES_BY_TYPE,
    SMALLEST_COMPRESSIBLE,
    THIRD_PARTIES,
    UNCOMPRESSED,
)
from perftui.export.clickhouse_schema import ENTRIES, quoted
from perftui.export.filter_sql import PAGE_HOST, host_of
from perftui.export.questions.asking import Asking, in_milliseconds, known, whole

_ENDED = "start_us + ifNull(took_us, 0)"

NOT_CACHED = "ifNull(is_cached, 0) = 0"
"""What came over the network as far as is known (``weight.from_network``)."""


_SCRIPT_HOST = host_of("JSONExtractString(script, 'sourceURL')")


def third_party(asking: Asking) -> Answer:
    """Question 3: do third parties slow me down?"""
    found = asking.rows(
        "SELECT site, sum(requests), sum(bytes), sum(unknown), sum(busy) / count(),"
        " if(sum(tells_blocking) > 0, sum(blocking) / count(), NULL), count(), sum(opaque) FROM ("
        "SELECT site, session_id, page_view_id, count() AS requests, sum(transfer_size) AS bytes,"
        " countIf(transfer_size IS NULL) AS unknown,"
        f" intervalLengthSum(start_us, {_ENDED}) AS busy,"
        f" intervalLengthSumIf(start_us, {_ENDED}, is_blocking) AS blocking,"
        " countIf(ifNull(render_blocking_status, '') != '') AS tells_blocking,"
        " countIf(is_opaque) AS opaque"
        " FROM requests WHERE is_third_party GROUP BY site, session_id, page_view_id"
        ") GROUP BY site"
    )
    path = asking.page_loads.column(Question.THIRD_PARTY, THIRD_PARTIES.key, "lcp_path_ms")
    tasks = _tasks_us(asking) if _tells_tasks(asking) else None
    rows: list[tuple[Value, ...]] = [
        (
            *(str(site), requests, transferred, unknown),
            *(in_milliseconds(busy), in_milliseconds(blocking), path.get(str(site))),
            *(None if tasks is None else round(tasks.get(str(site), 0) / 1000, 3), views),
        )
        for site, requests, transferred, unknown, busy, blocking, views, _ in found
    ]
    busiest = {str(row[0]): float(row[4]) for row in found}
    rows.sort(key=lambda row: (-_number(row[6]), -busiest[str(row[0])], str(row[0])))
    cause = None
    notes: list[Note] = []
    if rows:
        on_path = None if rows[0][6] is None else _number(rows[0][6])
        cause = Cause("domain", str(rows[0][0]), on_path, Unit.MILLISECONDS)
        if on_path:
            told = asking.page_loads.answer(Question.THIRD_PARTY).notes
            notes += [note for note in told if note.kind is NoteKind.ASSUMPTION]
    notes += opaque_note(sum(row[7] for row in found))
    return Answer(
        question=Question.THIRD_PARTY.value,
        asked=Question.THIRD_PARTY.words,
        headline=third_party_headline(rows, sum(row[1] for row in found), asking.coverage.requests),
        cause=cause,
        tables=(make_table(THIRD_PARTIES, rows, MOST_ROWS),),
        coverage=asking.coverage,
        notes=asking.notes(*notes, from_page_loads=True),
    )


def _number(value: Value) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _tells_tasks(asking: Asking) -> bool:
    return bool(
        asking.clickhouse.rows(
            f"SELECT count() FROM {ENTRIES} FINAL WHERE {asking.where} AND is_deleted = 0"
            " AND entry_type IN ('long-animation-frame', 'longtask')"
        )[0][0]
    )


def _tasks_us(asking: Asking) -> dict[str, int]:
    """Domain -> µs of long animation frames' scripts that came from it."""
    script = (
        "arrayJoin(arrayFilter(one -> JSONType(one, 'sourceURL') = 'String'"
        " AND JSONType(one, 'duration') IN ('Int64', 'UInt64', 'Double'),"
        " JSONExtractArrayRaw(extra, 'scripts'))) AS script"
    )
    rows = asking.clickhouse.rows(
        "SELECT page_host, host, sum(us) FROM ("
        f"SELECT {PAGE_HOST} AS page_host, {script},"
        f" {_SCRIPT_HOST} AS host,"
        " toInt64(round(JSONExtractFloat(script, 'duration') * 1000)) AS us"
        f" FROM {ENTRIES} FINAL WHERE {asking.where} AND entry_type = 'long-animation-frame'"
        ") WHERE host != '' AND page_host != '' GROUP BY page_host, host"
    )
    found: dict[str, int] = {}
    for page_host, host, us in rows:
        domain = registrable_domain(str(host))
        if (
            host != page_host
            and domain != asking.page_sites.get(str(page_host))
            and domain not in asking.settings.first_party
        ):
            found[domain] = found.get(domain, 0) + us
    return found


# --- sizes --------------------------------------------------------------------------------------


def _sizes_by(asking: Asking, name: str, limit: int | None) -> tuple[list[Any], int]:
    rows = asking.rows(
        f"SELECT {name} AS grouped, count(), sum(transfer_size), sum(encoded_body_size),"
        " sum(decoded_body_size), countIf(transfer_size IS NULL), count() OVER ()"
        " FROM requests GROUP BY grouped ORDER BY ifNull(sum(transfer_size), 0) DESC, grouped"
        + ("" if limit is None else f" LIMIT {limit}")
    )
    return [tuple(row[:6]) for row in rows], rows[0][6] if rows else 0


def size(asking: Asking) -> Answer:
    """Question 4: how large are my assets?"""
    medians = ", ".join(
        f"{asking.quantiles(column, 0.5)}[1]"
        for column in ("transfer_size", "encoded_body_size", "decoded_body_size")
    )
    largest = asking.rows(
        f"SELECT plain_url, argMin(resource_type, arrival), count(), {medians}, count() OVER (),"
        f" {asking.quantiles('transfer_size', 0.5)}[1] AS median"
        f" FROM requests WHERE {NOT_CACHED} GROUP BY plain_url HAVING NOT isNaN(median)"
        f" ORDER BY median DESC, plain_url LIMIT {MOST_ROWS}"
    )
    wasted = "bytes - ifNull(first_bytes.1, 0)"
    repeated = asking.rows(
        f"SELECT name, max(fetches), sum({wasted}) AS wasted, count(), count() OVER () FROM ("
        "SELECT name, session_id, page_view_id, count() AS fetches,"
        " sum(ifNull(transfer_size, 0)) AS bytes,"
        # In a tuple, as argMin passes over NULL.
        " argMin(tuple(transfer_size), arrival) AS first_bytes"
        f" FROM requests WHERE {NOT_CACHED} AND resource_type != 'beacon'"
        " AND (method IS NULL OR method = 'GET')"
        " GROUP BY name, session_id, page_view_id HAVING fetches > 1"
        f") GROUP BY name ORDER BY wasted DESC, name LIMIT {MOST_ROWS}"
    )
    total, unknown, undecoded = asking.rows(
        "SELECT sum(ifNull(transfer_size, 0)), countIf(transfer_size IS NULL),"
        " countIf(encoded_body_size > 0 AND decoded_body_size IS NULL) FROM requests"
    )[0]
    types, type_count = _sizes_by(asking, "resource_type", None)
    domains, domain_count = _sizes_by(asking, "site", MOST_ROWS)
    cause, headline = None, "Nothing was transferred whose size is known."
    if largest:
        name, median = str(largest[0][0]), largest[0][3]
        cause = Cause("asset", name, median, Unit.BYTES)
        headline = size_headline(total, _page_loads(asking), largest[0], repeated)
    return Answer(
        question=Question.SIZE.value,
        asked=Question.SIZE.words,
        headline=headline,
        cause=cause,
        tables=(
            Table(SIZES_BY_TYPE, tuple(types), type_count),
            Table(SIZES_BY_DOMAIN, tuple(domains), domain_count),
            Table(
                LARGEST,
                tuple((*row[:3], *map(known, row[3:6])) for row in largest),
                largest[0][6] if largest else 0,
            ),
            Table(
                DUPLICATES,
                tuple(tuple(row[:4]) for row in repeated),
                repeated[0][4] if repeated else 0,
            ),
        ),
        coverage=asking.coverage,
        notes=asking.notes(*unknown_sizes(unknown, undecoded)),
        unknown={"size": unknown} if unknown else {},
    )


def _page_loads(asking: Asking) -> int:
    """Pageviews that loaded a document, not changes of route."""
    return int(
        asking.clickhouse.rows(
            "SELECT count() FROM (SELECT session_id, page_view_id,"
            " anyIf(JSONExtractString(extra, 'kind'), entry_type = 'pageview') AS kind"
            f" FROM {ENTRIES} FINAL WHERE {asking.where} AND is_deleted = 0"
            " GROUP BY session_id, page_view_id HAVING countIf(entry_type != '') > 0)"
            " WHERE kind IN ('', 'load', 'bfcache')"
        )[0][0]
    )


# --- compression --------------------------------------------------------------------------------

_CONTENT = (
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
_KINDS = {
    "script": "script",
    "stylesheet": "stylesheet",
    "document": "document",
    "iframe": "document",
    "fetch": "json",
    "xmlhttprequest": "json",
}


def _compressible_as() -> str:
    """``weight.compressible_as``; empty where compressing is of no use."""
    content = ", ".join(
        f"position(assumeNotNull(content_type), {quoted(part)}) > 0, {quoted(row)}"
        for part, row in _CONTENT
    )
    kinds = ", ".join(
        f"resource_type = {quoted(kind)}, {quoted(row)}" for kind, row in _KINDS.items()
    )
    return (
        f"multiIf(ifNull(content_type, '') != '', multiIf({content}, ''),"
        f" endsWith(splitByChar('?', name)[1], '.svg'), 'svg', {kinds}, '')"
    )


_IS_COMPRESSED = (
    "multiIf(ifNull(content_encoding, '') != '',"
    " lower(ifNull(content_encoding, '')) NOT IN ('identity', 'none'),"
    " encoded_body_size IS NULL OR decoded_body_size IS NULL, NULL,"
    " encoded_body_size < decoded_body_size)"
)
"""``weight.is_compressed``."""


def _left_by(field: str) -> str:
    """What a coding left of a body, where it was measured."""
    return (
        f"if(JSONType(extra, '{field}') IN ('Int64', 'UInt64', 'Double'),"
        f" JSONExtractFloat(extra, '{field}'), NULL)"
    )


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
    rows.sort(key=lambda row: (-_number(row[4]), str(row[0])))
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
