"""Question 4: how large is what is loaded, and what is loaded more than once?"""

from __future__ import annotations

from typing import Any

from perftui.analysis.insights.answer import Answer, Cause, Question, Table, Unit
from perftui.analysis.insights.loading import MOST_ROWS
from perftui.analysis.insights.sentences import size_headline, unknown_sizes
from perftui.analysis.insights.size import DUPLICATES, LARGEST, SIZES_BY_DOMAIN, SIZES_BY_TYPE
from perftui.export.clickhouse_schema import ENTRIES
from perftui.export.questions.asking import Asking, known
from perftui.export.questions.requests import NOT_CACHED


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


def _sizes_by(asking: Asking, name: str, limit: int | None) -> tuple[list[Any], int]:
    rows = asking.rows(
        f"SELECT {name} AS grouped, count(), sum(transfer_size), sum(encoded_body_size),"
        " sum(decoded_body_size), countIf(transfer_size IS NULL), count() OVER ()"
        " FROM requests GROUP BY grouped ORDER BY ifNull(sum(transfer_size), 0) DESC, grouped"
        + ("" if limit is None else f" LIMIT {limit}")
    )
    return [tuple(row[:6]) for row in rows], rows[0][6] if rows else 0


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
