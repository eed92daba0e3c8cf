"""``perftui serve``: the capture server by itself."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import sys
import threading
from collections.abc import Awaitable, Callable
from functools import partial
from urllib.parse import urlsplit

import click
import msgspec

from perftui.commands.context import Context, pass_context
from perftui.errors import PortTakenError, UsageError
from perftui.model import Sink


def _sqlite_sink(context: Context, url: str) -> Sink:
    from perftui.store.writer import StoreWriter

    return StoreWriter(context.store_path, settings=context.settings.store)


def _kafka_sink(context: Context, url: str) -> Sink:
    from perftui.export.kafka import KafkaSink, parse_kafka_target

    return KafkaSink(parse_kafka_target(url), password=os.environ.get("PERFTUI_KAFKA_PASSWORD"))


def _clickhouse_sink(context: Context, url: str) -> Sink:
    from perftui.export.clickhouse import parse_target
    from perftui.export.clickhouse_sink import ClickHouseSink

    return ClickHouseSink(parse_target(url))


SINKS: dict[str, Callable[[Context, str], Sink]] = {
    "sqlite": _sqlite_sink,
    "kafka": _kafka_sink,
    "clickhouse": _clickhouse_sink,
    "http": _clickhouse_sink,
    "https": _clickhouse_sink,
    "chdb": _clickhouse_sink,
}
"""Scheme of ``--sink`` -> what opens it."""


def open_sink(context: Context, text: str) -> Sink:
    """The sink that ``--sink`` names: ``sqlite``, ``kafka://…``, ``clickhouse://…``, or several
    separated by ``,`` before a scheme (``sqlite,kafka://a:9092,b:9092/topic``).

    Raises:
        UsageError: there is no such sink.
        PerftuiError: it cannot be opened.
    """
    sinks: list[Sink] = []
    for url in split_sinks(text):
        scheme = urlsplit(url).scheme or url
        opener = SINKS.get(scheme)
        if opener is None:
            shown = re.sub(r"//[^/]*@", "//", url)
            raise UsageError(
                f"there is no sink {shown!r}: sqlite, kafka://brokers/topic, clickhouse://host:8123,"
                " https://host:8443 or chdb:///folder, several with commas between"
            )
        sinks.append(opener(context, url))
    if len(sinks) == 1:
        return sinks[0]
    from perftui.export.tee import TeeSink

    return TeeSink(sinks)


def split_sinks(text: str) -> list[str]:
    """The URLs in a list with commas; brokers within a URL have commas between them too."""
    urls: list[str] = []
    for part in text.split(","):
        part = part.strip()
        if urls and "://" not in part and part not in SINKS:
            urls[-1] += f",{part}"
        elif part:
            urls.append(part)
    return urls or ["sqlite"]


@click.command()
@click.option(
    "--host", help="Address to listen on [default: 127.0.0.1]. Beyond it --key is needed."
)
@click.option("--port", type=click.IntRange(0, 65535), help="Port; 0 takes any free one.")
@click.option(
    "--sink",
    default="sqlite",
    show_default=True,
    help="Where batches go: sqlite, kafka://…, clickhouse://…; several with commas between.",
)
@click.option("--allow-origin", multiple=True, help="An origin whose pages may send; repeatable.")
@click.option("--allow-host", multiple=True, help="A name this server is reached by; repeatable.")
@click.option("--key", help="The key that every batch must carry [default: PERFTUI_SERVER_KEY].")
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Processes that serve the port, for sinks beyond this machine.",
)
@click.option("--exit-with-stdin", is_flag=True, help="End when stdin does.")
@pass_context
def serve(
    context: Context,
    host: str | None,
    port: int | None,
    sink: str,
    allow_origin: tuple[str, ...],
    allow_host: tuple[str, ...],
    key: str | None,
    workers: int,
    exit_with_stdin: bool,
) -> None:
    """Run the capture server: batches in by HTTP, out to the store (or another sink).

    It ends on Ctrl+C or SIGTERM, after what was read is committed.
    """
    from perftui_server.run import CaptureServer, listening_socket, rare_collections

    from perftui.analysis.endpoints import load_public_suffixes

    server = context.settings.server
    changes: dict[str, object] = {
        "allow_origins": (*server.allow_origins, *allow_origin),
        "allow_hosts": (*server.allow_hosts, *allow_host),
    }
    told = {"host": host, "port": port, "key": key}
    changes |= {name: value for name, value in told.items() if value is not None}
    settings = msgspec.structs.replace(
        context.settings, server=msgspec.structs.replace(server, **changes)
    )
    if workers > 1:
        _make_sure_of_workers(sink, exit_with_stdin)
    _set_up_log(context.verbose)
    try:
        listener = listening_socket(settings)
    except PortTakenError as error:
        from perftui.commands.capture_server import program_on

        raise PortTakenError(
            f"port {settings.server.port} is taken by {program_on(settings.server.port)};"
            " choose another with --port"
        ) from error
    worker = siblings = None
    try:
        if workers > 1:
            from perftui_server.siblings import Siblings

            from perftui.commands.workers import fork_workers

            worker = fork_workers(workers)
            siblings = Siblings(worker.folder, worker.number, workers)
        opened = open_sink(context, sink)
        capture = CaptureServer(opened, settings, listener, siblings=siblings)
    except BaseException:
        listener.close()
        raise
    if worker is not None:
        worker.when_alone(capture.stop)
    if exit_with_stdin:
        threading.Thread(target=_stop_with_stdin, args=(capture.stop,), daemon=True).start()

    def say() -> None:
        if worker is None or worker.number == 0:
            click.echo(f"perftui captures on {capture.url}")
        # What tells whose server a host is takes some 50 ms to read: the first batch need not wait.
        threading.Thread(target=load_public_suffixes, daemon=True).start()

    with rare_collections():
        asyncio.run(capture.serve(on_started=say, maintenance=_maintenance(opened, context)))


def _make_sure_of_workers(sink: str, exit_with_stdin: bool) -> None:
    if not hasattr(os, "fork"):
        raise UsageError("--workers needs a system with fork; run several servers instead")
    if exit_with_stdin:
        raise UsageError("--workers and --exit-with-stdin do not go together")
    for url in split_sinks(sink):
        if (urlsplit(url).scheme or url) in {"sqlite", "chdb"}:
            raise UsageError(
                f"--workers is for sinks that many may write to (kafka://…, https://…): {url} is"
                " written by one process"
            )


def _maintenance(sink: Sink, context: Context) -> Callable[[], Awaitable[None]] | None:
    """What keeps the store to its TTL and size, where a store is among the sinks."""
    from perftui.store.writer import StoreWriter

    for one in getattr(sink, "sinks", (sink,)):
        if isinstance(one, StoreWriter):
            from perftui.store.retention import maintain

            return partial(maintain, one, context.settings.store)
    return None


def _stop_with_stdin(stop: Callable[[], None]) -> None:
    # Not sys.stdin: its lock, held by a thread that waits, is fatal when the interpreter ends.
    while os.read(0, 4096):
        pass
    stop()


def _set_up_log(verbose: int) -> None:
    from perftui_server.protocol import quiet_loggers

    logging.basicConfig(
        stream=sys.stderr,
        level=logging.DEBUG if verbose > 1 else logging.INFO if verbose else logging.WARNING,
        format="%(asctime)s %(levelname)s %(message)s",
    )
    quiet_loggers(logging.INFO if verbose > 1 else logging.ERROR)
