"""``perftui log``: the network log of a session as text or JSON lines."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterable, Iterator

import click

from perftui.analysis.describe import Surroundings, record_to_json
from perftui.analysis.text_log import TextLog
from perftui.commands.context import Context, echo_json, pass_context
from perftui.commands.selection import filter_option, resolve_page_view, session_argument
from perftui.commands.surroundings import LazyUsual
from perftui.model import Order, Predicate, Reader, Record

WINDOW = 256
"""Records read at once: enough that reading them costs little each."""

POLL_SECONDS = 0.1
"""How often ``--follow`` asks whether anything was committed (one PRAGMA)."""

PLAIN_WIDTH = 160
"""Width of a line where stdout is no terminal: a pipe has no edge, but a reader's eye has."""


@click.command()
@session_argument
@filter_option
@click.option("--pageview", "page_view", help="Only this pageview: its number or ID.")
@click.option(
    "--order",
    type=click.Choice([order.value for order in Order]),
    default=Order.START.value,
    show_default=True,
    help="By moment of start, or as it arrived.",
)
@click.option("--width", type=click.IntRange(60, 1000), help="Cells of a line.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line.")
@click.option("--follow", "-f", "following", is_flag=True, help="Go on with whatever arrives.")
@pass_context
def log(
    context: Context,
    session: str,
    predicate: Predicate | None,
    page_view: str | None,
    order: str,
    width: int | None,
    as_json: bool,
    following: bool,
) -> None:
    """Print the network log of SESSION (an ID, its beginning, a label, or `last`).

    Slow requests and errors are marked, each with its reason. What nobody told is `?`, never 0.
    """
    with context.open_reader() as reader:
        session_id = reader.find_session(session)
        page_view_id = resolve_page_view(reader, session_id, page_view) if page_view else None
        last = print_log(
            context,
            reader,
            session_id,
            predicate=predicate,
            page_view_id=page_view_id,
            order=Order.ARRIVAL if following else Order(order),
            width=width,
            as_json=as_json,
        )
        if following:
            follow(
                context,
                reader,
                session_id=session_id,
                after_seq=last,
                predicate=predicate,
                width=width,
                as_json=as_json,
            )


def print_log(
    context: Context,
    reader: Reader,
    session_id: str,
    *,
    predicate: Predicate | None = None,
    page_view_id: str | None = None,
    order: Order = Order.START,
    width: int | None = None,
    as_json: bool = False,
) -> int:
    """Print a session's log; return the position of the newest entry that was considered."""
    last = reader.last_seq()
    index = reader.index(session_id, order=order, predicate=predicate, page_view_id=page_view_id)
    around = surroundings(context, reader, session_id)
    records = (
        record
        for begin in range(0, len(index), WINDOW)
        for record in reader.records(index.seqs[begin : begin + WINDOW])
    )
    if as_json:
        for record in records:
            echo_json(record_to_json(record, around))
        return last
    printer = _printer(context, around, width)
    for line in printer.header(reader.session(session_id)):
        click.echo(line)
    _echo_lines(context, printer, records)
    return last


def follow(
    context: Context,
    reader: Reader,
    *,
    session_id: str | None,
    after_seq: int,
    predicate: Predicate | None = None,
    width: int | None = None,
    as_json: bool,
) -> None:
    """Print what arrives, in order of arrival, until interrupted. None follows all sessions."""
    printers: dict[str, tuple[Surroundings, TextLog]] = {}
    for record in _arriving(reader, session_id, after_seq, predicate):
        known = printers.get(record.session_id)
        if known is None or record.page_view_id not in known[0].page_urls:
            around = surroundings(context, reader, record.session_id)
            printer = _printer(context, around, width)
            if known is None and not as_json:
                for line in printer.header(reader.session(record.session_id)):
                    click.echo(line)
            known = (around, printer)
            printers[record.session_id] = known
        if as_json:
            echo_json(record_to_json(record, known[0]))
        else:
            _echo_lines(context, known[1], [record])


def surroundings(context: Context, reader: Reader, session_id: str) -> Surroundings:
    """What the entries of a session are described with."""
    return Surroundings(
        session_start_us=reader.session(session_id).started_us,
        page_urls={view.page_view_id: view.url for view in reader.page_views(session_id)},
        thresholds=context.settings.thresholds,
        first_party=context.settings.sites.first_party,
        usual=LazyUsual(reader),
    )


def _arriving(
    reader: Reader, session_id: str | None, after_seq: int, predicate: Predicate | None
) -> Iterator[Record]:
    never = threading.Event()
    while True:
        newest = reader.last_seq()
        if newest > after_seq:
            yield from reader.iter_records(session_id, predicate=predicate, after_seq=after_seq)
            after_seq = newest
        version = reader.data_version()
        while reader.data_version() == version and reader.last_seq() == newest:
            never.wait(POLL_SECONDS)


def _printer(context: Context, around: Surroundings, width: int | None) -> TextLog:
    return TextLog(around, width or _width(), ascii_only=context.settings.app.ascii)


def _echo_lines(context: Context, printer: TextLog, records: Iterable[Record]) -> None:
    for record in records:
        line = printer.line(record)
        click.echo(context.style(line.text, **line.style))


def _width() -> int:
    return shutil.get_terminal_size((PLAIN_WIDTH, 24)).columns
