"""What filters ask for, as this schema says it: the store's side of ``analysis``'s filter language."""

from __future__ import annotations

from perftui.analysis.filter_values import Column
from perftui.entry_fields import ENTRY_FIELDS, FieldKind
from perftui.store.schema import column

ALL_BATCHES = "(SELECT id FROM batch)"
"""What stands in a condition for the batches whose pageviews it looks at; put a narrower selection
in its place."""


def _filter_columns() -> dict[str, Column | str]:
    """How this schema says the logical columns that filters ask for."""

    def url_part(name: str) -> Column:
        return Column(
            f"(SELECT x.text FROM url AS w JOIN string AS x ON x.id = w.{name} WHERE w.id = e.url)",
            f"e.url IN (SELECT w.id FROM url AS w JOIN string AS x ON x.id = w.{name}"
            " WHERE {test})",
            "x.text",
        )

    def page_part(name: str) -> str:
        return (
            "(SELECT x.text FROM pageview AS w JOIN url AS v ON v.id = w.url"
            f" JOIN string AS x ON x.id = v.{name} WHERE w.id = b.pageview)"
        )

    columns: dict[str, Column | str] = {
        "seq": "e.seq",
        "session_id": "(SELECT w.session_id FROM session AS w WHERE w.id = b.session)",
        "page_view_id": "(SELECT w.page_view_id FROM pageview AS w WHERE w.id = b.pageview)",
        "page_view_number": (
            "(SELECT count(*) FROM pageview AS w JOIN pageview AS v ON v.id = b.pageview"
            " WHERE w.session = b.session"
            " AND (w.time_origin_us + ifnull(w.told_start_us, w.start_us), w.id)"
            " <= (v.time_origin_us + ifnull(v.told_start_us, v.start_us), v.id))"
        ),
        "page_origin": page_part("origin"),
        "page_host": page_part("host"),
        "page_site": page_part("site"),
        "entry_type": Column(
            "(SELECT x.text FROM string AS x WHERE x.id = e.type)",
            "e.type IN (SELECT x.id FROM string AS x WHERE {test})",
            "x.text",
        ),
        "url": Column(
            "(SELECT w.url FROM url AS w WHERE w.id = e.url)",
            "e.url IN (SELECT w.id FROM url AS w WHERE {test})",
            "w.url",
        ),
        "label": Column(
            "(SELECT x.text FROM string AS x WHERE x.id = e.name)",
            "e.name IN (SELECT x.id FROM string AS x WHERE {test})",
            "x.text",
        ),
        "origin": url_part("origin"),
        "host": url_part("host"),
        "site": url_part("site"),
        "endpoint": url_part("endpoint"),
        "start_us": "e.start_us",
        "duration_us": "e.duration_us",
        "extra": "e.extra",
        "duplicate": (
            "(e.url IS NOT NULL AND (b.pageview, e.url, ifnull(e.method, 0)) IN"
            " (SELECT w.pageview, v.url, ifnull(v.method, 0) FROM batch AS w"
            " CROSS JOIN entry AS v ON v.seq BETWEEN w.first_seq AND w.last_seq"
            " WHERE w.pageview IN"
            f" (SELECT x.pageview FROM batch AS x WHERE x.id IN {ALL_BATCHES})"
            " AND v.url IS NOT NULL GROUP BY 1, 2, 3 HAVING count(*) > 1))"
        ),
    }
    for field in ENTRY_FIELDS:
        name = field.attribute
        if field.kind is FieldKind.TEXT:
            columns[name] = Column(
                f"(SELECT x.text FROM string AS x WHERE x.id = e.{name})",
                f"e.{name} IN (SELECT x.id FROM string AS x WHERE {{test}})",
                "x.text",
            )
        elif field.kind is FieldKind.TIME:
            offset = f"e.{column(name, field.kind)}"
            columns[name] = Column(f"(e.start_us + {offset})", since_start=offset)
        else:
            columns[name] = f"e.{name}"
    return columns


FILTER_COLUMNS = _filter_columns()
"""Logical column -> SQL over ``entry AS e JOIN batch AS b``."""
