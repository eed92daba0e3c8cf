"""``perftui waterfall``: a pageview, or all loads of a page, phase by phase."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from typing import Any

import click

from perftui.analysis.aggregate import AggregatedPage, Quartiles, aggregate
from perftui.analysis.describe import Surroundings, record_to_json
from perftui.analysis.endpoints import split_url, url_endpoint
from perftui.analysis.frames import with_frames
from perftui.analysis.text_log import STYLES
from perftui.analysis.waterfall_text import WaterfallLine, aggregate_waterfall, page_waterfall
from perftui.commands.context import Context, echo_json, pass_context
from perftui.commands.log import PLAIN_WIDTH, surroundings
from perftui.commands.selection import find_page_view, session_argument
from perftui.errors import NotFoundError, UsageError
from perftui.model import PageView, Reader


@click.command()
@session_argument
@click.option("--pageview", "page_view", help="Only this pageview: its number or ID.")
@click.option("--page", help="Only pageviews whose URL has this path (or part of it).")
@click.option("--aggregate", "aggregated", is_flag=True, help="All of them as one, with medians.")
@click.option("--width", type=click.IntRange(60, 1000), help="Cells of a line.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per request (or resource).")
@pass_context
def waterfall(
    context: Context,
    session: str,
    page_view: str | None,
    page: str | None,
    aggregated: bool,
    width: int | None,
    as_json: bool,
) -> None:
    """Print the waterfall of SESSION's pageviews (an ID, its beginning, a label, or `last`).

    Each request with its phases: queue, DNS, connect, TLS, wait, receive. What the browser
    withholds (no Timing-Allow-Origin) is one stretch of its own kind.
    """
    if page_view is not None and (page is not None or aggregated):
        raise UsageError("--pageview names one pageview; --page and --aggregate choose several")
    with context.open_reader() as reader:
        session_id = reader.find_session(session)
        chosen = _chosen(reader, session_id, page_view, page)
        around = surroundings(context, reader, session_id)
        if aggregated:
            _print_aggregate(context, reader, chosen, page, width=width, as_json=as_json)
            return
        for number, view in enumerate(chosen):
            if as_json:
                for record in with_frames(
                    reader.iter_records(session_id, page_view_id=view.page_view_id)
                ):
                    if record.entry.is_request:
                        echo_json(record_to_json(record, around))
                continue
            if number:
                click.echo()
            print_waterfall(context, reader, view, around=around, width=width)


def _chosen(
    reader: Reader, session_id: str, page_view: str | None, page: str | None
) -> Sequence[PageView]:
    if page_view is not None:
        return [find_page_view(reader, session_id, page_view)]
    views = reader.page_views(session_id)
    if page is not None:
        views = [view for view in views if page in split_url(view.url or "").path]
        if not views:
            raise NotFoundError(
                f"no pageview of session {session_id} has {page!r} in its path;"
                " `perftui log --filter event:pageview` lists them"
            )
        return views
    return [view for view in views if view.request_count] or views


def print_waterfall(
    context: Context,
    reader: Reader,
    page_view: PageView,
    *,
    around: Surroundings | None = None,
    width: int | None = None,
) -> None:
    """Print the waterfall of one pageview."""
    records = with_frames(
        reader.iter_records(page_view.session_id, page_view_id=page_view.page_view_id)
    )
    if around is None:
        around = surroundings(context, reader, page_view.session_id)
    _echo(
        context,
        page_waterfall(
            page_view,
            records,
            around,
            width=width or _width(),
            ascii_only=context.settings.app.ascii,
        ),
    )


def _print_aggregate(
    context: Context,
    reader: Reader,
    views: Sequence[PageView],
    page: str | None,
    *,
    width: int | None,
    as_json: bool,
) -> None:
    loaded = [
        (view, with_frames(reader.iter_records(view.session_id, page_view_id=view.page_view_id)))
        for view in views
    ]
    found = aggregate(loaded)
    if as_json:
        for row in _rows_to_json(found):
            echo_json(row)
        return
    name = page or " ".join(dict.fromkeys(url_endpoint(view.url or "") for view in views))
    _echo(
        context,
        aggregate_waterfall(
            name,
            found,
            width=width or _width(),
            ascii_only=context.settings.app.ascii,
        ),
    )


def _rows_to_json(found: AggregatedPage) -> list[dict[str, Any]]:
    return [
        {
            "endpoint": row.endpoint,
            "occurrence": row.occurrence,
            "url": row.url,
            "type": row.kind.value,
            "page_views": row.present,
            "of_page_views": found.page_view_count,
            "start_ms": _quartiles(row.start),
            "duration_ms": _quartiles(row.duration),
            "end_ms": _quartiles(row.end),
            "transfer_bytes": row.transfer_size,
            "errors": row.error_count,
        }
        for row in found.rows
    ]


def _quartiles(told: Quartiles | None) -> dict[str, float] | None:
    if told is None:
        return None
    return {
        "p25": told.p25_us / 1000,
        "p50": told.median_us / 1000,
        "p75": told.p75_us / 1000,
    }


def _echo(context: Context, lines: Sequence[WaterfallLine]) -> None:
    for line in lines:
        click.echo(context.style(line.text, **STYLES[line.level]))


def _width() -> int:
    return shutil.get_terminal_size((PLAIN_WIDTH, 24)).columns
