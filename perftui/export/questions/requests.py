"""Requests as a common table expression: what every answer about them is computed from.

Each derived column says in SQL what a rule of ``perftui.analysis`` says in Python; the tests hold
the answers made of the two together.
"""

from __future__ import annotations

from collections.abc import Sequence

from perftui.analysis.filter_fields import CACHED, ERROR, IS, FilterSettings
from perftui.analysis.filters import Filter
from perftui.entry_fields import ENTRY_FIELDS, FieldKind
from perftui.export.clickhouse_schema import ENTRIES, quoted
from perftui.export.filter_sql import IS_REQUEST, FilterSql, page_site

TOOK = (
    "if(entry_type = 'navigation' AND response_end_us IS NOT NULL,"
    " if(response_end_us < start_us, 0, response_end_us - start_us),"
    " if(duration_us < 0, 0, duration_us))"
)
"""``phases.request_duration_us``: NULL while in flight."""

OPAQUE = "(request_start_us IS NULL AND response_start_us IS NULL)"

PLAIN_URL = f"extract(name, {quoted('^[^?#]*')})"
"""``insights.requests.plain_url``."""

ENDPOINT = "concat(if(method IS NULL, '', concat(upper(ifNull(method, '')), ' ')), endpoint)"
"""``endpoints.endpoint``."""

NOT_CACHED = "ifNull(is_cached, 0) = 0"
"""What came over the network as far as is known (``insights.requests.Requests.from_network``)."""

API = "resource_type IN ('fetch', 'xmlhttprequest')"
ASSET = "resource_type NOT IN ('fetch', 'xmlhttprequest', 'websocket', 'eventsource', 'beacon')"

_SENT = (
    # Most rows have none, and to look for a word costs less than to read JSON.
    "if(position(extra, 'requestEnd') > 0 AND JSONType(extra, 'requestEnd') IN ('Int64', 'UInt64', 'Double'),"
    " toInt64(round(JSONExtractFloat(extra, 'requestEnd') * 1000)), NULL)"
)

_LAST_TOLD = (
    "arrayMax(arrayFilter(moment -> moment IS NOT NULL, [start_us, redirect_end_us, fetch_start_us,"
    " domain_lookup_end_us, connect_end_us, request_start_us, response_start_us,"
    " final_response_headers_start_us, response_end_us]))"
)

_PHASE_MOMENTS = tuple(field.attribute for field in ENTRY_FIELDS if field.kind is FieldKind.TIME)

_STEPS: Sequence[tuple[str, str, str]] = (
    # Phase, the moment it lasts to, and when there is such a step (``phases.phases``).
    ("queue", "redirect_start_us", "redirect_start_us IS NOT NULL AND redirect_end_us IS NOT NULL"),
    ("", "redirect_end_us", "redirect_start_us IS NOT NULL AND redirect_end_us IS NOT NULL"),
    ("queue", "worker_start_us", "worker_start_us IS NOT NULL"),
    ("", "fetch_start_us", "worker_start_us IS NOT NULL AND fetch_start_us IS NOT NULL"),
    (
        "queue",
        "domain_lookup_start_us",
        "domain_lookup_start_us IS NOT NULL AND domain_lookup_end_us IS NOT NULL",
    ),
    (
        "dns",
        "domain_lookup_end_us",
        "domain_lookup_start_us IS NOT NULL AND domain_lookup_end_us IS NOT NULL",
    ),
    ("queue", "connect_start_us", "connect_start_us IS NOT NULL AND connect_end_us IS NOT NULL"),
    (
        "connect",
        "if(is_secured, secure_connection_start_us, connect_end_us)",
        "connect_start_us IS NOT NULL AND connect_end_us IS NOT NULL",
    ),
    (
        "tls",
        "connect_end_us",
        "connect_start_us IS NOT NULL AND connect_end_us IS NOT NULL AND is_secured",
    ),
    ("queue", "request_start_us", "request_start_us IS NOT NULL"),
    ("", "sent_us", "request_start_us IS NOT NULL AND sent_us IS NOT NULL"),
    ("waiting", "answered_us", "answered_us IS NOT NULL"),
)


def with_phases(source: str) -> str:
    """A query of ``source`` with ``queue_us``, ``dns_us``, ``connect_us``, ``tls_us``, ``wait_us``
    and ``receive_us`` as ``phases.phase_durations`` has them.

    Each step lasts from where the one before ended to its own moment, held within the request: so
    it ends at the greatest of all bounds up to its own. Every layer is a query of its own, as an
    alias is put in wherever it is used, and a chain of them would grow with each step.
    """
    bounds = ", ".join(
        f"if({condition}, least(assumeNotNull({until}), end_us), start_us) AS bound_{number}"
        for number, (_, until, condition) in enumerate(_STEPS, start=1)
    )
    bounded = (
        f"(SELECT *, {bounds} FROM (SELECT *, {_SENT} AS sent_us,"
        f" assumeNotNull(if(took_us IS NULL, {_LAST_TOLD}, start_us + took_us)) AS end_us,"
        " ifNull(secure_connection_start_us <= connect_end_us, 0) AS is_secured,"
        " coalesce(final_response_headers_start_us, response_start_us) AS answered_us,"
        f" request_start_us IS NOT NULL AS is_sent FROM {source}))"
    )
    count = len(_STEPS)
    reached = ", ".join(
        f"greatest(start_us, {', '.join(f'bound_{one}' for one in range(1, number + 1))})"
        f" AS step_{number}"
        for number in range(1, count + 1)
    )
    stepped = (
        f"(SELECT *, start_us AS step_0, {reached}, greatest(0, end_us - step_{count}) AS rest"
        f" FROM {bounded})"
    )
    sums = {
        phase: " + ".join(
            f"step_{number} - step_{number - 1}"
            for number, (name, _, _) in enumerate(_STEPS, start=1)
            if name == phase
        )
        for phase in ("queue", "dns", "connect", "tls", "waiting")
    }
    # Until the first byte nothing is told of a request whose own start is not: that is queueing.
    summed = (
        f"(SELECT *, {sums['queue']} + if(is_sent, 0, {sums['waiting']})"
        " + if(is_sent OR answered_us IS NOT NULL, 0, rest) AS queued,"
        f" {sums['dns']} AS looked_up, {sums['connect']} AS connecting, {sums['tls']} AS securing,"
        f" if(is_sent, {sums['waiting']} + if(answered_us IS NULL, rest, 0), 0) AS waited,"
        " if(answered_us IS NULL, 0, rest) AS receiving,"
        f" step_{count} = start_us AND rest = 0 AS is_momentary FROM {stepped})"
    )
    has_waited = (
        "(is_sent AND response_start_us IS NOT NULL) OR waited > 0"
        " OR (is_momentary AND is_sent AND answered_us IS NULL)"
    )
    has_received = (
        "(response_start_us IS NOT NULL AND took_us IS NOT NULL) OR receiving > 0"
        " OR (is_momentary AND answered_us IS NOT NULL)"
    )
    return (
        "SELECT *, if(is_opaque, NULL, queued) AS queue_us, if(is_opaque, NULL, looked_up) AS dns_us,"
        " if(is_opaque, NULL, connecting) AS connect_us, if(is_opaque, NULL, securing) AS tls_us,"
        f" if(NOT is_opaque AND ({has_waited}), waited, NULL) AS wait_us,"
        f" if(NOT is_opaque AND ({has_received}), receiving, NULL) AS receive_us FROM {summed}"
    )


PHASE_COLUMNS: tuple[str, ...] = (
    *("queue_us", "dns_us", "connect_us", "tls_us", "wait_us", "receive_us"),
)
"""In the order of the tables' columns."""


def is_cached(filters: FilterSql) -> str:
    """``phases.is_cached``: NULL where the source does not tell."""
    return (
        "if(transfer_size IS NULL AND ifNull(delivery_type, '') != 'cache'"
        f" AND ifNull(response_status, 0) != 304, NULL, {filters.condition(CACHED)})"
    )


class Requests:
    """The common table expression ``requests``.

    Args:
        where: what of ``performance_entries`` is asked about.
        page_sites: host of a page -> its registrable domain.
    """

    def __init__(
        self,
        where: str,
        page_sites: dict[str, str],
        *,
        settings: FilterSettings,
        predicate: Filter | None = None,
    ) -> None:
        filters = FilterSql(page_site(page_sites))
        condition = f"{where} AND {IS_REQUEST} AND is_deleted = 0"
        if predicate is not None:
            condition += f" AND {filters.condition(predicate)}"
        self._condition = condition
        self._columns = ",\n  ".join(
            (
                *("session_id", "page_view_id", "timestamp", "received", "batch_key"),
                *("batch_index", "entry_type", "name", "host", "site", "resource_type", "method"),
                *("start_us", "transfer_size", "encoded_body_size", "decoded_body_size"),
                *("content_type", "content_encoding", "response_status", "extra"),
                f"{TOOK} AS took_us",
                f"{PLAIN_URL} AS plain_url",
                f"{ENDPOINT} AS called",
                f"{API} AS is_api",
                f"{ASSET} AS is_asset",
                f"{OPAQUE} AS is_opaque",
                f"{is_cached(filters)} AS is_cached",
                "render_blocking_status",
                "ifNull(render_blocking_status = 'blocking', 0) AS is_blocking",
                f"{filters.condition(ERROR)} AS is_error",
                f"{filters.condition(IS['third-party'](settings))} AS is_third_party",
                "if(request_start_us IS NULL OR response_start_us IS NULL, NULL,"
                " if(response_start_us < request_start_us, 0, response_start_us - request_start_us))"
                " AS waiting_us",
                "(received, batch_key, batch_index) AS arrival",
            )
        )

    def cte(self, *, phases: bool = False) -> str:
        """``WITH requests AS (…)``.

        Args:
            phases: with the columns of :func:`with_phases` too.
        """
        columns = self._columns
        if phases:
            columns += ",\n  " + ",\n  ".join(_PHASE_MOMENTS)
        told = f"SELECT\n  {columns}\nFROM {ENTRIES} FINAL\nWHERE {self._condition}"
        if phases:
            told = with_phases(f"({told})")
        return f"WITH requests AS ({told})\n"
