"""``perftui schema``: the DDL of the production tables."""

from __future__ import annotations

import re

import click

from perftui.errors import UsageError
from perftui.export.clickhouse_schema import (
    DEFAULT_TTL_DAYS,
    SchemaOptions,
    clickhouse_schema,
    kafka_schema,
    script,
)

_DAYS = re.compile(r"(\d+)d?")


def schema_options(
    ttl: tuple[str, ...], *, database: str | None = None, cluster: str | None = None
) -> SchemaOptions:
    """What the ``--ttl``, ``--database`` and ``--cluster`` options say.

    Raises:
        UsageError: a TTL is neither ``30d`` nor ``event=7d``, or a name is none.
    """
    days = DEFAULT_TTL_DAYS
    by_type: dict[str, int] = {}
    for text in ttl:
        entry_type, separator, span = text.rpartition("=")
        match = _DAYS.fullmatch(span)
        if match is None:
            raise UsageError(f"--ttl {text}: it is days, as 30d, or of one entry type, event=7d")
        if separator:
            by_type[entry_type] = int(match[1])
        else:
            days = int(match[1])
    return SchemaOptions(
        database=database, cluster=cluster, ttl_days=days, ttl_days_by_type=by_type
    )


ttl_option = click.option(
    "--ttl",
    multiple=True,
    metavar="[TYPE=]DAYS",
    help=f"Days that rows stay, as 30d; of one entry type, event=7d [default: {DEFAULT_TTL_DAYS}d].",
)
cluster_option = click.option(
    "--cluster", help="Replicated and distributed tables on this cluster."
)


@click.command()
@click.argument("engine", type=click.Choice(["clickhouse", "kafka"]), default="clickhouse")
@click.option("--database", help="The database that the tables are in.")
@cluster_option
@ttl_option
@click.option("--brokers", default="kafka:9092", show_default=True, help="Kafka: host:port, …")
@click.option("--topic", default="performance_entries", show_default=True, help="Kafka: the topic.")
@click.option("--group", default="perftui", show_default=True, help="Kafka: the consumer group.")
@click.option(
    "--consumers", type=click.IntRange(1), default=1, show_default=True, help="Kafka: how many."
)
def schema(
    engine: str,
    database: str | None,
    cluster: str | None,
    ttl: tuple[str, ...],
    brokers: str,
    topic: str,
    group: str,
    consumers: int,
) -> None:
    """Print the production tables as SQL: those of ClickHouse, or those that read Kafka's topic.

    \b
    perftui schema clickhouse | clickhouse client --multiquery
    perftui schema kafka --brokers kafka-1:9092,kafka-2:9092 | clickhouse client --multiquery
    """
    for told in (database, cluster, *ttl, brokers, topic, group):
        if told is not None and not told.isprintable():
            raise UsageError(f"{told!r} holds characters that no name has")
    options = schema_options(ttl, database=database, cluster=cluster)
    if engine == "clickhouse":
        click.echo(script(clickhouse_schema(options)), nl=False)
        return
    statements = kafka_schema(
        options,
        brokers=[broker.strip() for broker in brokers.split(",")],
        topic=topic,
        group=group,
        consumers=consumers,
    )
    click.echo(script(statements), nl=False)
