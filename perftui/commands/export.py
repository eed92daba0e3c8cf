"""``perftui export``: what the store holds, in other forms and other places."""

from __future__ import annotations

import importlib

import click

EXPORTS: dict[str, str] = {
    "har": "perftui.commands.export_har:export_har",
    "jsonl": "perftui.commands.export_jsonl:export_jsonl",
    "clickhouse": "perftui.commands.export_clickhouse:export_clickhouse",
    "kafka": "perftui.commands.export_kafka:export_kafka",
    "parquet": "perftui.commands.export_parquet:export_parquet",
}
"""Name -> ``module:attribute``, in the order that ``--help`` lists them."""


class ExportGroup(click.Group):
    """A group whose commands are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(EXPORTS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        target = EXPORTS.get(cmd_name)
        if target is None:
            return None
        module, attribute = target.split(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command


@click.group("export", cls=ExportGroup)
def export() -> None:
    """Write sessions as files, or send the store to where many can read it."""
