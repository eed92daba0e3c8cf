"""``perftui demo``: a recorded real session played as if live, or the example shop itself."""

from __future__ import annotations

import dataclasses
import http.client
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module, resources
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
import msgspec

from perftui.commands.context import Context, pass_context
from perftui.errors import PerftuiError
from perftui.model import Clock

RECORDING = "session.jsonl"


@click.command()
@click.option("--live", "from_shop", is_flag=True, help="Serve the example shop and capture it.")
@click.option(
    "--speed",
    type=click.FloatRange(min=0.1, max=64),
    default=1.0,
    show_default=True,
    help="How fast the recording is played.",
)
@click.option("--text", is_flag=True, help="Print the log and the waterfalls instead of the app.")
@pass_context
def demo(context: Context, from_shop: bool, speed: float, text: bool) -> None:
    """Play a recorded browser session into the app, as if it happened now.

    The session was recorded in real Chromium from the example shop (examples/shop). It goes the
    whole way: over HTTP into a capture server, into a store of its own in a temporary folder,
    and from there onto the screen. Without a terminal the log and the waterfalls are printed.
    """
    with tempfile.TemporaryDirectory(prefix="perftui-demo-") as folder:
        context = dataclasses.replace(context, store_path=Path(folder) / "demo.db")
        if from_shop:
            _shop(context)
        elif text or not context.has_terminal:
            _print(context)
        else:
            _play(context, speed)


def recorded_batches() -> list[dict[str, Any]]:
    """The recorded batches in the order they were sent: the wire format, and ``receivedAt``
    (epoch ms)."""
    text = resources.files("perftui").joinpath("demo", RECORDING).read_bytes()
    return [msgspec.json.decode(line) for line in text.splitlines() if line.strip()]


def _print(context: Context) -> None:
    from perftui.commands.importing import import_batches
    from perftui.commands.log import print_log
    from perftui.commands.waterfall import print_waterfall

    with context.open_writer() as writer:
        import_batches(writer, recorded_batches(), context.settings)
    with context.open_reader() as reader:
        session_id = reader.find_session("last")
        print_log(context, reader, session_id)
        for page_view in reader.page_views(session_id):
            if page_view.request_count:
                click.echo()
                print_waterfall(context, reader, page_view)


def _on_any_port(context: Context) -> Context:
    """The demo never stands in the way of a capture server that runs on the usual port."""
    server = msgspec.structs.replace(context.settings.server, port=0)
    return dataclasses.replace(
        context, settings=msgspec.structs.replace(context.settings, server=server)
    )


def _play(context: Context, speed: float) -> None:
    from perftui.commands.capture_server import capture_server
    from perftui.commands.open_app import open_app

    with (
        capture_server(_on_any_port(context)) as server,
        playing(recorded_batches(), server.url, context.clock, speed),
    ):
        open_app(context, server_url=server.url, live=True)


@contextmanager
def playing(
    batches: Sequence[Mapping[str, Any]], url: str, clock: Clock, speed: float
) -> Iterator[threading.Thread]:
    """Send recorded batches to a capture server at the pace they were recorded at.

    The recording's clock is moved so that it begins now. Leaving the block stops the player.
    """
    stop = threading.Event()
    player = threading.Thread(
        target=_send_at_pace, args=(batches, url, clock, speed, stop), name="demo player"
    )
    player.start()
    try:
        yield player
    finally:
        stop.set()
        player.join()


def _send_at_pace(
    batches: Sequence[Mapping[str, Any]],
    url: str,
    clock: Clock,
    speed: float,
    stop: threading.Event,
) -> None:
    first = min(batch["timeOrigin"] for batch in batches)
    began, began_epoch_ms = clock.monotonic(), clock.now_us() / 1000
    address = urlsplit(url)
    assert address.hostname is not None
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=10)
    try:
        for batch in batches:
            due = began + (batch["receivedAt"] - first) / 1000 / speed
            if stop.wait(max(0.0, due - clock.monotonic())):
                return
            body = {name: value for name, value in batch.items() if name != "receivedAt"}
            body["timeOrigin"] = began_epoch_ms + (batch["timeOrigin"] - first)
            if "sentAt" in batch:
                body["sentAt"] = began_epoch_ms + (batch["sentAt"] - first)
            connection.request(
                "POST", "/batch", msgspec.json.encode(body), {"Content-Type": "text/plain"}
            )
            connection.getresponse().read()
    except OSError:
        # The server ends before the player when the app is closed in the middle of it.
        return
    finally:
        connection.close()


def _shop(context: Context) -> None:
    from perftui.commands.capture_server import capture_server
    from perftui.commands.live import follow_without_terminal
    from perftui.commands.open_app import open_app

    with (
        capture_server(_on_any_port(context)) as server,
        shop_module().Shop(sdk_url=f"{server.url}/perftui.js") as shop,
    ):
        click.echo(f"The shop is open at {shop.url} : visit it in your browser.")
        if context.has_terminal:
            open_app(context, server_url=server.url, live=True, invitation=f"visit {shop.url}")
        else:
            follow_without_terminal(context, server)


def shop_module() -> Any:
    """The example shop's server module: from the wheel, else from the checkout.

    Raises:
        PerftuiError: neither is there.
    """
    for name in ("perftui._shop.server", "examples.shop.server"):
        try:
            return import_module(name)
        except ModuleNotFoundError as error:
            if not name.startswith(error.name or ""):
                raise
    raise PerftuiError("the example shop is not part of this installation; see examples/shop")
