"""``perftui export kafka``: the store into a topic."""

from __future__ import annotations

import os

import click

from perftui.commands.context import Context, pass_context
from perftui.commands.export_all import export_entries, selected, selection_options
from perftui.model import Predicate

PASSWORD_VARIABLE = "PERFTUI_KAFKA_PASSWORD"  # noqa: S105 - the name of a variable


@click.command("kafka")
@click.argument("url")
@selection_options
@pass_context
def export_kafka(
    context: Context,
    url: str,
    session: str | None,
    since: int | None,
    until: int | None,
    predicate: Predicate | None,
    dry_run: bool,
) -> None:
    """Send the store's entries to Kafka, one message each, going on where it stopped.

    URL is kafka://broker:9092,broker:9092/topic, with librdkafka's own settings after a question
    mark (?security.protocol=sasl_ssl&sasl.username=me); the password is PERFTUI_KAFKA_PASSWORD.
    """
    from perftui.export.kafka import KafkaTopic, parse_kafka_target

    target = parse_kafka_target(url)
    where = f"kafka://{target.brokers}/{target.topic}"
    export_entries(
        context,
        lambda: KafkaTopic(target, password=os.environ.get(PASSWORD_VARIABLE)),
        where=where,
        name=where,
        selection=selected(context, session, since, until, predicate),
        dry_run=dry_run,
    )
