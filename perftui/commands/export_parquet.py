"""``perftui export parquet``: the store as Parquet files, a folder for each day."""

from __future__ import annotations

from pathlib import Path

import click

from perftui.commands.context import Context, pass_context
from perftui.commands.export_all import export_entries, selected, selection_options
from perftui.model import Predicate


@click.command("parquet")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@selection_options
@pass_context
def export_parquet(
    context: Context,
    folder: Path,
    session: str | None,
    since: int | None,
    until: int | None,
    predicate: Predicate | None,
    dry_run: bool,
) -> None:
    """Write the store's entries into FOLDER as Parquet, a folder for each day.

    The columns are those of `perftui schema clickhouse`. Run again, it writes what has arrived
    since. DuckDB, pandas, Spark and ClickHouse read the folder as one table.
    """
    from perftui.export.parquet import ParquetFolder

    export_entries(
        context,
        lambda: ParquetFolder(folder),
        where=str(folder),
        name=f"parquet {folder.resolve()}",
        selection=selected(context, session, since, until, predicate),
        dry_run=dry_run,
    )
