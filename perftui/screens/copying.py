"""Copying an entry and exporting what is seen, in the form that the person picks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from perftui.analysis.aggregate import AggregatedPage
from perftui.analysis.copy_forms import as_curl, as_fetch, as_url, request_method
from perftui.analysis.describe import Surroundings
from perftui.analysis.text import format_count
from perftui.analysis.text_log import TextLog
from perftui.errors import PerftuiError
from perftui.model import Entry, PageView, Reader, Record, SessionSummary
from perftui.screens.base import BaseScreen, Said
from perftui.screens.menu import Choice, Menu
from perftui.widgets.record_source import RecordSource

TEXT_WIDTH = 160
"""Cells of a line of exported text: wide enough for whole paths, narrow enough to be read."""

MOST_ROWS = 100_000
"""Rows that an export of the view holds at most; `perftui export` and `perftui log` have no
limit."""

PIECE = 512
"""Rows that are read at once."""

Session = tuple[SessionSummary, Sequence[PageView]]
"""What a HAR document says of the session besides its requests."""


def copy_menu(screen: BaseScreen, record: Record, around: Surroundings, session: Session) -> None:
    """Let the person pick the form, and copy."""
    entry = record.entry
    choices = [Choice("t", "row as text", "text"), Choice("r", "raw entry as JSON", "json")]
    if entry.is_request:
        choices = [
            Choice("u", "URL", "url"),
            Choice("c", "cURL command", "curl"),
            Choice("f", "fetch call", "fetch"),
            Choice("h", "HAR entry", "har"),
            *choices,
        ]

    def chosen(form: str | None) -> None:
        if form is not None:
            try:
                text, what = copied(record, around, session, form)
            except PerftuiError as error:
                screen.say(str(error), error=True)
            else:
                screen.perftui.copy(text, what)

    screen.app.push_screen(Menu("copy as", choices), chosen)


def copied(record: Record, around: Surroundings, session: Session, form: str) -> tuple[str, str]:
    """The text of a form, and what it is called."""
    entry = record.entry
    match form:
        case "url":
            return as_url(entry), "the URL"
        case "curl":
            return as_curl(entry), f"the cURL command{_supposed(entry)}"
        case "fetch":
            return as_fetch(entry), f"the fetch call{_supposed(entry)}"
        case "har":
            document = msgspec.json.decode(har_text([record], session))
            entry_text = msgspec.json.format(
                msgspec.json.encode(document["log"]["entries"][0]), indent=2
            )
            return entry_text.decode(), "the HAR entry"
        case "json":
            from perftui.analysis.request_detail import raw_lines

            return "\n".join(raw_lines(entry)), "the entry as JSON"
        case _:
            return TextLog(around, TEXT_WIDTH).line(record).text, "the row"


def _supposed(entry: Entry) -> str:
    """What a copied request supposes: browsers do not tell the method."""
    return "" if entry.method else f" ({request_method(entry)}: the method was not reported)"


def har_text(records: Sequence[Record], session: Session) -> str:
    """A HAR 1.2 document of some entries."""
    from perftui.export.har import har_pieces

    summary, page_views = session
    return b"".join(har_pieces(summary, page_views, records)).decode()


def export_menu(
    screen: BaseScreen, source: RecordSource, around: Surroundings, session: Session
) -> None:
    """Let the person pick the form of the log that is seen, and write the file."""
    count = len(source)

    def text_of(reader: Reader, form: str) -> str:
        seqs = list(source.index.seqs[: min(count, MOST_ROWS)])
        records = [
            record
            for at in range(0, len(seqs), PIECE)
            for record in reader.records(seqs[at : at + PIECE])
        ]
        if form == "har":
            return har_text(records, session)
        log = TextLog(around, TEXT_WIDTH)
        return "\n".join([log.line(record).text for record in records]) + "\n"

    first = "the first " if count > MOST_ROWS else "the "
    rows = f"{first}{format_count(min(count, MOST_ROWS))} rows"
    choices = [Choice("t", f"{rows} as text", "txt"), Choice("h", "these rows as HAR", "har")]
    _export(screen, choices, text_of)


def export_waterfall_menu(
    screen: BaseScreen,
    records: Sequence[Record],
    around: Surroundings,
    session: Session,
    view: PageView,
    page: tuple[str, AggregatedPage] | None,
) -> None:
    """Let the person pick the form of the waterfall that is seen, and write the file.

    Args:
        records: the requests that a filter lets through.
        page: all loads of the page, where these are seen.
    """
    from perftui.analysis.waterfall_text import aggregate_waterfall, page_waterfall

    def text_of(reader: Reader, form: str) -> str:
        if form == "har":
            return har_text(records, session)
        if page is not None:
            lines = aggregate_waterfall(*page, width=TEXT_WIDTH)
        else:
            lines = page_waterfall(view, records, around, width=TEXT_WIDTH)
        return "\n".join([line.text for line in lines]) + "\n"

    choices = [Choice("t", "the waterfall as text", "txt")]
    if page is None:
        choices.append(Choice("h", "its requests as HAR", "har"))
    _export(screen, choices, text_of)


def _export(
    screen: BaseScreen, choices: Sequence[Choice], text_of: Callable[[Reader, str], str]
) -> None:
    """Let the person pick, and write the file in a thread; a picture is made of what is seen."""

    def chosen(form: str | None) -> None:
        if form == "svg":
            # After the menu has gone from the picture.
            screen.call_after_refresh(save_picture, screen)
        elif form is not None:
            screen.ask_store(
                lambda reader: Said(_written(screen, form, lambda: text_of(reader, form)))
            )

    listed = [Choice("s", "picture of the screen (SVG)", "svg"), *choices]
    screen.app.push_screen(Menu("export", listed), chosen)


def save_picture(screen: BaseScreen) -> None:
    """Write a picture of what is seen, and say where it is."""
    screen.say(_written(screen, "svg", lambda: screen.app.export_screenshot(title="perftui")))


def _written(screen: BaseScreen, form: str, text: Callable[[], str]) -> str:
    """Write an export, and say in words what came of it."""
    try:
        return f"Wrote {write_file(text(), screen.here().session_id or 'view', form)}"
    except OSError as error:
        return f"Could not export: {error}"


def write_file(text: str, name: str, suffix: str, folder: Path | None = None) -> Path:
    """Write an export beside the person, under a name that is not taken.

    Args:
        name: a part of the file's name; anything but letters, digits, ``-`` and ``_`` is left out.
        folder: the current one by default.

    Raises:
        OSError: the file cannot be written.
    """
    folder = folder or Path.cwd()
    clean = "".join([letter for letter in name if letter.isalnum() or letter in "-_"])[:40]
    for number in range(1, 10_000):
        extra = "" if number == 1 else f"-{number}"
        path = folder / f"perftui-{clean}{extra}.{suffix}"
        try:
            with path.open("x", encoding="utf-8", errors="backslashreplace") as file:
                file.write(text)
        except FileExistsError:
            continue
        return path
    raise FileExistsError(f"{folder} holds too many exports of {clean}")
