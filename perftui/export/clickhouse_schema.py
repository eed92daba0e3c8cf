"""The production tables in ClickHouse, made from the one column list.

What they are asked, and what answers it:

1. *All of this session* (``perftui pull``, a replay): ``WHERE session_id = ? ORDER BY timestamp``.
   The table's order begins with the session, so it is one range of granules of each day.
2. *This endpoint or page over time* (the nine questions over everything): the rollups, whose
   order begins with the name and the hour, for counts, bytes and percentiles of durations;
   for everything else a scan of the days asked for, narrowed by the set index on ``endpoint``.
3. *Sessions of the last days, with their totals* (``perftui sessions --from``): the view
   ``performance_sessions``, over the days asked for.

A row is written at least once and counts once: ``ReplacingMergeTree`` keeps, of rows with one key,
that of the highest ``row_version``, and FINAL does so before they are merged. Repeated inserts of
one block with one ``insert_deduplication_token`` are dropped by the server itself.

Parts hold one day and one retention, so that the TTL drops whole files and rewrites none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from perftui.errors import UsageError
from perftui.export.columns import COLUMNS, KEY, Column

SCHEMA_VERSION = 3
"""Kept in ``performance_schema``. Tables of a lower version are brought forward: what is missing is
made, and :func:`forward` changes the rest; those of a higher version are left alone."""

_EXPIRES = "toDateTime(least(toUnixTimestamp(timestamp) + 86400 * retention_days, 4294967295))"
"""A DateTime ends in 2106; a sum beyond it would begin again in 1970 and expire at once."""

ENTRIES = "performance_entries"
ROLLUPS = "performance_rollups"
VERSIONS = "performance_schema"
QUEUE = "performance_entries_queue"

DEFAULT_TTL_DAYS = 30

DEDUPLICATION_WINDOW = 10_000
"""Blocks whose tokens a table that is not replicated remembers."""

ROLLUP_QUANTILES = (0.5, 0.75, 0.95, 0.99)
"""Kept as t-digests (``quantilesTDigest``): within 1 % of the rank at the middle, closer at
the ends (Dunning, Computing Extremely Accurate Quantiles Using t-Digests)."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TYPE_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaOptions:
    """What differs between installations.

    Attributes:
        database: the database; None is the connection's own.
        cluster: for replicated, distributed tables on this cluster; None is one server.
        ttl_days: days that rows stay.
        ttl_days_by_type: days for some entry types.

    Raises:
        UsageError: a name or a number that ClickHouse would not take.
    """

    database: str | None = None
    cluster: str | None = None
    ttl_days: int = DEFAULT_TTL_DAYS
    ttl_days_by_type: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for what, name in (("database", self.database), ("cluster", self.cluster)):
            if name is not None and not _NAME.fullmatch(name):
                raise UsageError(f"{name!r} is no name of a {what}: letters, digits and _ only")
        for entry_type, days in (("ttl", self.ttl_days), *self.ttl_days_by_type.items()):
            if not _TYPE_NAME.fullmatch(entry_type) or not 1 <= days <= 36_500:
                raise UsageError(f"a TTL is 1 to 36500 days: {entry_type!r} = {days}")

    def name(self, table: str) -> str:
        """The table's full name."""
        return f"{self.database}.{table}" if self.database else table

    @property
    def on_cluster(self) -> str:
        """`` ON CLUSTER name`` or nothing."""
        return f" ON CLUSTER {self.cluster}" if self.cluster else ""

    def stored(self, table: str) -> str:
        """Where the rows lie: the table itself, or the shard's own beside a distributed one."""
        return self.name(f"{table}_local" if self.cluster else table)


def quoted(text: str) -> str:
    """A string literal of SQL."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def column_definition(column: Column) -> str:
    """One column as CREATE TABLE and ALTER TABLE have it."""
    return (
        f"{column.name} {column.kind.value} CODEC({column.codec}) COMMENT {quoted(column.comment)}"
    )


def _engine(options: SchemaOptions, kind: str, *arguments: str) -> str:
    told = list(arguments)
    if options.cluster:
        told = ["'/clickhouse/tables/{shard}/{database}/{table}'", "'{replica}'", *told]
        kind = f"Replicated{kind}"
    return f"{kind}({', '.join(told)})"


def _retention(options: SchemaOptions) -> str:
    if not options.ttl_days_by_type:
        return str(options.ttl_days)
    pairs = ", ".join(
        f"entry_type = {quoted(entry_type)}, {days}"
        for entry_type, days in sorted(options.ttl_days_by_type.items())
    )
    return f"multiIf({pairs}, {options.ttl_days})"


def _distributed(options: SchemaOptions, table: str, sharding: str) -> list[str]:
    if not options.cluster:
        return []
    database = options.database or "currentDatabase()"
    return [
        f"CREATE TABLE IF NOT EXISTS {options.name(table)}{options.on_cluster}"
        f" AS {options.stored(table)}\n"
        f"ENGINE = Distributed({options.cluster}, {database}, {table}_local, {sharding})"
    ]


def _entries(options: SchemaOptions) -> list[str]:
    columns = ",\n  ".join(column_definition(column) for column in COLUMNS)
    window = (
        "replicated_deduplication_window"
        if options.cluster
        else "non_replicated_deduplication_window"
    )
    return [
        f"CREATE TABLE IF NOT EXISTS {options.stored(ENTRIES)}{options.on_cluster} (\n"
        f"  {columns},\n"
        f"  retention_days UInt16 MATERIALIZED {_retention(options)}"
        " COMMENT 'days that the row stays',\n"
        "  INDEX endpoint_set endpoint TYPE set(256) GRANULARITY 4\n"
        ")\n"
        f"ENGINE = {_engine(options, 'ReplacingMergeTree', 'row_version', 'is_deleted')}\n"
        "PARTITION BY (toDate(timestamp), retention_days)\n"
        f"PRIMARY KEY ({', '.join(KEY[:2])})\n"
        f"ORDER BY ({', '.join(KEY)})\n"
        f"TTL {_EXPIRES}\n"
        f"SETTINGS ttl_only_drop_parts = 1, {window} = {DEDUPLICATION_WINDOW}",
        # The hash of the session keeps a session on one shard, so that FINAL and the views see
        # all rows of a key together.
        *_distributed(options, ENTRIES, "cityHash64(session_id)"),
    ]


def _rollups(options: SchemaOptions) -> list[str]:
    quantiles = ", ".join(str(quantile) for quantile in ROLLUP_QUANTILES)
    window = (
        "replicated_deduplication_window"
        if options.cluster
        else "non_replicated_deduplication_window"
    )
    return [
        f"CREATE TABLE IF NOT EXISTS {options.stored(ROLLUPS)}{options.on_cluster} (\n"
        "  kind LowCardinality(String) COMMENT 'endpoint: its calls; page: its navigations',\n"
        "  name LowCardinality(String) COMMENT 'host and path template',\n"
        "  resource_type LowCardinality(String) COMMENT 'as in performance_entries',\n"
        "  hour DateTime('UTC') CODEC(Delta, ZSTD(1)) COMMENT 'start of the hour of the start',\n"
        "  requests SimpleAggregateFunction(sum, UInt64) COMMENT 'how many',\n"
        "  errors SimpleAggregateFunction(sum, UInt64) COMMENT 'of these with status >= 400',\n"
        "  known_sizes SimpleAggregateFunction(sum, UInt64) COMMENT 'of these with a size',\n"
        "  transfer_bytes SimpleAggregateFunction(sum, UInt64) COMMENT 'sum of the known sizes',\n"
        f"  duration_ms AggregateFunction(quantilesTDigest({quantiles}), Float64)"
        " COMMENT 'state of the known durations',\n"
        f"  response_start_ms AggregateFunction(quantilesTDigest({quantiles}), Float64)"
        " COMMENT 'state of the known times from start to first byte'\n"
        ")\n"
        f"ENGINE = {_engine(options, 'AggregatingMergeTree')}\n"
        "PARTITION BY toYYYYMM(hour)\n"
        "ORDER BY (kind, name, resource_type, hour)\n"
        f"TTL hour + toIntervalDay({12 * options.ttl_days})\n"
        f"SETTINGS ttl_only_drop_parts = 1, {window} = {DEDUPLICATION_WINDOW}",
        *_distributed(options, ROLLUPS, "cityHash64(name)"),
        *(
            f"CREATE MATERIALIZED VIEW IF NOT EXISTS {options.name(f'{ROLLUPS}_of_{kind}s')}"
            f"{options.on_cluster}\nTO {options.stored(ROLLUPS)} AS\n"
            "SELECT\n"
            f"  {quoted(kind)} AS kind,\n"
            f"  {name} AS name,\n"
            "  resource_type,\n"
            "  toStartOfHour(timestamp) AS hour,\n"
            "  count() AS requests,\n"
            "  countIf(response_status >= 400) AS errors,\n"
            "  count(transfer_size) AS known_sizes,\n"
            "  sum(ifNull(transfer_size, 0)) AS transfer_bytes,\n"
            f"  quantilesTDigestStateIf({quantiles})(assumeNotNull(duration_us) / 1000,"
            " duration_us IS NOT NULL) AS duration_ms,\n"
            f"  quantilesTDigestStateIf({quantiles})"
            "(assumeNotNull(response_start_us - start_us) / 1000, response_start_us IS NOT NULL)"
            " AS response_start_ms\n"
            f"FROM {options.stored(ENTRIES)}\n"
            f"WHERE {condition} AND is_deleted = 0\n"
            "GROUP BY kind, name, resource_type, hour"
            for kind, name, condition in (
                ("endpoint", "endpoint", "resource_type != ''"),
                ("page", "page", "entry_type = 'navigation'"),
            )
        ),
    ]


def _views(options: SchemaOptions) -> list[str]:
    return [
        f"CREATE VIEW IF NOT EXISTS {options.name('performance_pageviews')}{options.on_cluster} AS\n"
        "SELECT\n"
        "  session_id,\n"
        "  page_view_id,\n"
        "  ifNull(minOrNullIf(timestamp, entry_type != ''), min(received)) AS started,\n"
        "  argMax(page_url, received) AS url,\n"
        "  argMax(page, received) AS page,\n"
        "  argMax(page_title, received) AS title,\n"
        "  countIf(entry_type != '') AS entries,\n"
        "  countIf(resource_type != '') AS requests,\n"
        "  countIf(resource_type != '' AND response_status >= 400) AS errors,\n"
        "  sum(ifNull(transfer_size, 0)) AS transfer_bytes,\n"
        "  countIf(resource_type != '' AND transfer_size IS NULL) AS unknown_sizes,\n"
        "  minOrNullIf(start_us, name = 'first-contentful-paint') / 1000 AS first_contentful_paint_ms,\n"
        "  maxOrNullIf(start_us, entry_type = 'largest-contentful-paint') / 1000"
        " AS largest_contentful_paint_ms,\n"
        "  minOrNullIf(response_start_us, entry_type = 'navigation') / 1000 AS response_start_ms\n"
        f"FROM {options.name(ENTRIES)} FINAL\n"
        "GROUP BY session_id, page_view_id",
        f"CREATE VIEW IF NOT EXISTS {options.name('performance_sessions')}{options.on_cluster} AS\n"
        f"{sessions_query(options.name(ENTRIES))}",
    ]


def sessions_query(entries: str, where: str = "") -> str:
    """The sessions with their totals.

    Args:
        where: which rows are looked at, as SQL.
    """
    return (
        "SELECT\n"
        "  session_id,\n"
        # The row that stands for a batch without entries says nothing of a start.
        "  ifNull(minOrNullIf(timestamp, entry_type != ''), min(e.received)) AS started,\n"
        "  ifNull(maxOrNullIf(timestamp + toIntervalMicrosecond(ifNull(duration_us, 0)),"
        " entry_type != ''), min(e.received)) AS ended,\n"
        "  max(e.received) AS received,\n"
        "  uniqExact(page_view_id) AS page_views,\n"
        "  countIf(entry_type != '') AS entries,\n"
        "  countIf(resource_type != '') AS requests,\n"
        "  countIf(resource_type != '' AND response_status >= 400) AS errors,\n"
        "  sum(ifNull(transfer_size, 0)) AS transfer_bytes,\n"
        "  countIf(resource_type != '' AND transfer_size IS NULL) AS unknown_sizes,\n"
        "  argMin(page_url, timestamp) AS url,\n"
        "  argMin(page_title, timestamp) AS title,\n"
        "  any(source) AS source\n"
        f"FROM {entries} AS e FINAL\n"
        + (f"WHERE {where}\n" if where else "")
        + "GROUP BY session_id"
    )


def clickhouse_schema(options: SchemaOptions | None = None) -> list[str]:
    """All statements that make the tables, each able to run again without harm."""
    options = options or SchemaOptions()
    return [
        *(
            [f"CREATE DATABASE IF NOT EXISTS {options.database}{options.on_cluster}"]
            if options.database
            else []
        ),
        *_entries(options),
        *_rollups(options),
        *_views(options),
        f"CREATE TABLE IF NOT EXISTS {options.name(VERSIONS)}{options.on_cluster} (\n"
        "  version UInt32 COMMENT 'of the schema',\n"
        "  applied DateTime DEFAULT now() COMMENT 'when'\n"
        ")\n"
        f"ENGINE = {_engine(options, 'ReplacingMergeTree')}\n"
        "ORDER BY version",
    ]


def forward(options: SchemaOptions, version: int) -> list[str]:
    """What brings tables of a lower version forward, besides what they lack."""
    statements: list[str] = []
    if version < 2:
        statements.append(
            f"ALTER TABLE {options.stored(ENTRIES)}{options.on_cluster} MODIFY TTL {_EXPIRES}"
        )
    if version < 3:
        statements += [
            statement.replace("CREATE VIEW IF NOT EXISTS", "CREATE OR REPLACE VIEW", 1)
            for statement in _views(options)
        ]
    return statements


def queue_columns() -> str:
    """The queue table's columns: those of the entries, without codecs."""
    return ",\n  ".join(f"{column.name} {column.kind.value}" for column in COLUMNS)


def kafka_schema(
    options: SchemaOptions | None = None,
    *,
    brokers: Sequence[str] = ("kafka:9092",),
    topic: str = "performance_entries",
    group: str = "perftui",
    consumers: int = 1,
    engine: str | None = None,
) -> list[str]:
    """The statements that read the topic into the entries table.

    Args:
        engine: another engine than Kafka's, with the same columns: ``Null`` in tests.
    """
    options = options or SchemaOptions()
    told = engine or (
        "Kafka\n"
        "SETTINGS\n"
        f"  kafka_broker_list = {quoted(','.join(brokers))},\n"
        f"  kafka_topic_list = {quoted(topic)},\n"
        f"  kafka_group_name = {quoted(group)},\n"
        "  kafka_format = 'JSONEachRow',\n"
        f"  kafka_num_consumers = {consumers},\n"
        # A message that cannot be read goes to the stream of errors below, never blocks the rest.
        "  kafka_handle_error_mode = 'stream'"
    )
    names = ", ".join(column.name for column in COLUMNS)
    statements = [
        f"CREATE TABLE IF NOT EXISTS {options.name(QUEUE)}{options.on_cluster} (\n"
        f"  {queue_columns()}\n"
        f")\nENGINE = {told}",
        f"CREATE MATERIALIZED VIEW IF NOT EXISTS {options.name(f'{QUEUE}_reader')}"
        f"{options.on_cluster}\nTO {options.name(ENTRIES)} AS\n"
        f"SELECT {names}\nFROM {options.name(QUEUE)}"
        + ("" if engine else "\nWHERE length(_error) = 0"),
    ]
    if not engine:
        statements += [
            f"CREATE TABLE IF NOT EXISTS {options.stored('performance_dead_letters')}"
            f"{options.on_cluster} (\n"
            "  seen DateTime DEFAULT now() COMMENT 'when it was read',\n"
            "  topic LowCardinality(String) COMMENT 'Kafka topic',\n"
            "  partition UInt64 COMMENT 'Kafka partition',\n"
            "  offset UInt64 COMMENT 'Kafka offset',\n"
            "  error String COMMENT 'why it could not be read',\n"
            "  message String CODEC(ZSTD(3)) COMMENT 'the message as it was'\n"
            ")\n"
            f"ENGINE = {_engine(options, 'MergeTree')}\n"
            "ORDER BY seen\n"
            f"TTL seen + toIntervalDay({options.ttl_days})",
            f"CREATE MATERIALIZED VIEW IF NOT EXISTS {options.name(f'{QUEUE}_errors')}"
            f"{options.on_cluster}\nTO {options.stored('performance_dead_letters')} AS\n"
            "SELECT now() AS seen, _topic AS topic, _partition AS partition, _offset AS offset,"
            f" _error AS error, _raw_message AS message\nFROM {options.name(QUEUE)}\n"
            "WHERE length(_error) > 0",
        ]
    return statements


def script(statements: Sequence[str]) -> str:
    """Statements as one file."""
    return "".join(f"{statement};\n\n" for statement in statements).rstrip("\n") + "\n"
