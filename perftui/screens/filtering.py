"""The filter language as the screens use it. It is imported when the first filter is made, so that
the first screen does not wait for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from perftui.analysis.endpoints import split_url
from perftui.analysis.text import sanitise
from perftui.config import Settings
from perftui.errors import FilterError
from perftui.model import Predicate, Record

if TYPE_CHECKING:
    from perftui.analysis.filter_fields import FilterSettings
    from perftui.analysis.filter_seen import Seen


def filter_settings(settings: Settings) -> FilterSettings:
    """What words like ``slow`` mean, by the person's settings."""
    from perftui.analysis.filter_fields import FilterSettings

    return FilterSettings(settings.thresholds, settings.sites.first_party)


def compile_filter(text: str, settings: Settings) -> Predicate | None:
    """The filter; None where it lets everything through.

    Raises:
        FilterError: it cannot be understood.
    """
    if not text.strip():
        return None
    from perftui.analysis.filters import parse

    return parse(text, filter_settings(settings))


def check_filter(text: str) -> FilterError | None:
    """What is wrong with a filter; None where nothing is."""
    from perftui.analysis.filters import parse

    try:
        parse(text)
    except FilterError as error:
        return error
    return None


def complete_filter(text: str, seen: Seen) -> Sequence[str]:
    """What a filter may go on as: whole texts that begin with what there is."""
    from perftui.analysis.filters import complete

    return complete(text, seen=seen)


def rows_like(record: Record) -> str:
    """A filter for rows like this one: the same host and path, or the same kind of event."""
    entry = record.entry
    if not entry.is_request:
        return f"event:{_word(entry.entry_type)}"
    url = split_url(entry.name)
    terms = [f"domain:{_word(url.host)}"] if url.host else []
    if url.path and url.path != "/":
        terms.append(f"url:{_word(url.path)}")
    return " ".join(terms) or f"url:{_word(entry.name)}"


def _word(text: str) -> str:
    """A value of a term, in quotes where it must be; up to the first character that cannot stand
    in an input line, as terms match parts."""
    shown = sanitise(text)
    if shown != text:
        text = text[: next(at for at in range(len(text)) if text[at] != shown[at : at + 1])]
    from perftui.analysis.filter_seen import needs_no_quotes

    if text and needs_no_quotes(text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
