"""``perftui export clickhouse``: the store into the production table, exactly once."""

from __future__ import annotations

import random
import threading
from pathlib import Path
from typing import Any

import click

from perftui.commands.context import Context, pass_context
from perftui.commands.export_all import export_entries, selected, selection_options
from perftui.commands.schema import cluster_option, schema_options, ttl_option
from perftui.commands.selection import password_file_option
from perftui.export.clickhouse import (
    ClickHouse,
    RetryableError,
    Target,
    ensure_schema,
    parse_target,
    with_retries,
)
from perftui.export.clickhouse_schema import SchemaOptions
from perftui.model import Predicate

ATTEMPTS = 8
"""Tries for each block: about a minute in all."""


class Table:
    """The remote table as a destination of :func:`perftui.export.drain.drain`; made where it is
    missing.

    Attributes:
        clickhouse: the connection.

    Raises:
        ExportError: it cannot be reached, or may not be made.
    """

    def __init__(self, target: Target, options: SchemaOptions) -> None:
        self._never = threading.Event()
        self.clickhouse = ClickHouse(target)
        if ensure_schema(self.clickhouse, options):
            click.echo(f"made the tables in {target.url}", err=True)
        # The tables of a cluster's shards may have been made at different times.
        self.table_id = None if options.cluster else self.clickhouse.table_id()

    def send(self, table: Any, token: str) -> None:
        """Insert, trying again what may pass."""
        with_retries(
            lambda: self.clickhouse.insert(table, token=token),
            wait=self._wait,
            jitter=random.random,
            attempts=ATTEMPTS,
            on_retry=_say_retry,
        )

    def _wait(self, seconds: float) -> None:
        self._never.wait(seconds)

    def close(self) -> None:
        """Let go of the connection."""
        self.clickhouse.close()


def _say_retry(error: RetryableError, seconds: float) -> None:
    from perftui.analysis.text import sanitise

    click.echo(f"perftui: {sanitise(str(error))}; next try in {seconds:.1f} s", err=True)


def default_dsn(context: Context) -> str:
    """An embedded engine in a folder beside the store."""
    path = context.store_path.resolve()
    return f"chdb://{path.with_name(path.name + '.clickhouse')}"


@click.command("clickhouse")
@click.argument("dsn", required=False)
@selection_options
@ttl_option
@cluster_option
@password_file_option
@pass_context
def export_clickhouse(
    context: Context,
    dsn: str | None,
    session: str | None,
    since: int | None,
    until: int | None,
    predicate: Predicate | None,
    dry_run: bool,
    ttl: tuple[str, ...],
    cluster: str | None,
    password_file: Path | None,
) -> None:
    """Send the store's entries to ClickHouse: each exactly once, going on where it stopped.

    DSN is https://host:8443/database, http://host:8123/database, or chdb:///path for the engine
    embedded in this process; without one, a folder beside the store. Missing tables are made.
    User and password are CLICKHOUSE_USER and CLICKHOUSE_PASSWORD.

    What is chosen by --session, --since, --until or --filter is sent whole each time; of rows
    sent twice ClickHouse keeps one.
    """
    target = parse_target(dsn or default_dsn(context), password_file=password_file)
    options = schema_options(ttl, cluster=cluster)
    export_entries(
        context,
        lambda: Table(target, options),
        where=target.url,
        name=f"clickhouse {target.url}",
        selection=selected(context, session, since, until, predicate),
        dry_run=dry_run,
    )
