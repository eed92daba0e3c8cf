"""Arguments that several commands share: which session, which pageview, which entries."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from perftui.clock import SystemClock
from perftui.commands.context import Context
from perftui.errors import NotFoundError
from perftui.model import PageView, Predicate, Reader

if TYPE_CHECKING:
    from perftui.analysis.filter_fields import FilterSettings

session_argument = click.argument("session", default="last", metavar="[SESSION]")
"""An ID, the unique beginning of one, a label, or ``last`` (which it is by default)."""


def _parse_filter(
    ctx: click.Context, parameter: click.Parameter, value: str | None
) -> Predicate | None:
    if not value:
        return None
    from perftui.analysis.filters import parse

    context = ctx.find_object(Context)
    assert context is not None
    return parse(value, filter_settings(context))


def filter_settings(context: Context) -> FilterSettings:
    """What words like ``slow`` mean in a filter, by the person's settings; as in the app."""
    from perftui.analysis.filter_fields import FilterSettings

    return FilterSettings(context.settings.thresholds, context.settings.sites.first_party)


filter_option = click.option(
    "--filter",
    "-F",
    "predicate",
    metavar="EXPR",
    callback=_parse_filter,
    help="Only these, such as 'type:fetch slower-than:500ms -domain:cdn.test' (docs/filters.md).",
)
"""A filter expression, compiled before the command runs."""


password_file_option = click.option(
    "--password-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A file that holds the password [default: CLICKHOUSE_PASSWORD].",
)
"""For a ClickHouse that is asked or written to."""


def find_page_view(reader: Reader, session_id: str, text: str) -> PageView:
    """The pageview of a session that ``text`` names: its number, or its ID or the beginning.

    Raises:
        NotFoundError: there is none; the message says which there are.
    """
    views = reader.page_views(session_id)
    number = text.removeprefix("P").removeprefix("p")
    for view in views:
        if view.page_view_id == text or (number.isdigit() and view.number == int(number)):
            return view
    begun = [view for view in views if view.page_view_id.startswith(text)]
    if len(begun) == 1:
        return begun[0]
    raise NotFoundError(
        f"no pageview {text!r} in session {session_id}: it has pageviews 1 to {len(views)}"
    )


def resolve_page_view(reader: Reader, session_id: str, text: str) -> str:
    """The ID of :func:`find_page_view`."""
    return find_page_view(reader, session_id, text).page_view_id


_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|h|d|w)")
_SPAN_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


class MomentType(click.ParamType):  # type: ignore[type-arg]
    """A moment: so long ago (``90m``, ``2d``), or a date, with a time or without, in local time
    unless it says another (``2026-11-23``, ``2026-11-23T14:05``, ``2026-11-23T14:05:00Z``).

    Converts to µs since the epoch.
    """

    name = "moment"

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        return "MOMENT"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        if isinstance(value, int):
            return value
        text = str(value).strip()
        if match := _SPAN.fullmatch(text):
            context = ctx.find_object(Context) if ctx is not None else None
            now_us = (context.clock if context is not None else SystemClock()).now_us()
            return now_us - round(float(match[1]) * _SPAN_SECONDS[match[2]] * 1_000_000)
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            self.fail(
                f"{text!r} is no moment: so long ago (90m, 2d), or a date (2026-11-23,"
                " 2026-11-23T14:05)",
                param,
                ctx,
            )
        if moment.tzinfo is None:
            moment = moment.astimezone()
        return round(moment.timestamp() * 1_000_000)


MOMENT = MomentType()
