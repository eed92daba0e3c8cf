"""Copying an entry and exporting what is seen, in the form that the person picks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from perftui.analysis.copy_forms import as_curl, as_fetch, as_url
from perftui.analysis.describe import Surroundings
from perftui.analysis.text_log import TextLog
from perftui.errors import PerftuiError
from perftui.model import PageView, Record, SessionSummary
from perftui.screens.base import BaseScreen
from perftui.screens.menu import Choice, Menu
from perftui.widgets.record_source import RecordSource

TEXT_WIDTH = 160
"""Cells of a line of exported text: wide enough for whole paths, narrow enough to be read."""

MOST_ROWS = 100_000
"""Rows that an export of the view holds at most; `perftui export` and `perftui log` have no
limit."""


Session = tuple[SessionSummary, Sequence[PageView]]
"""What a HAR document says of the session besides its requests."""


def copy_menu(screen: BaseScreen, record: Record, around: Surroundings, session: Session) -> None:
    """Let the person pick the form, and copy."""
    entry = record.entry
    choices = [Choice("t", "row as text", "text"), Choice("j", "entry as JSON", "json")]
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
            return as_curl(entry), "the cURL command"
        case "fetch":
            return as_fetch(entry), "the fetch call"
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


def har_text(records: Sequence[Record], session: Session) -> str:
    """A HAR 1.2 document of some entries."""
    from perftui.export.har import har_pieces

    summary, page_views = session
    return b"".join(har_pieces(summary, page_views, records)).decode()


def export_menu(
    screen: BaseScreen, source: RecordSource, around: Surroundings, session: Session
) -> None:
    """Let the person pick the form, and write the file."""
    choices = [
        Choice("s", "picture of the screen (SVG)", "svg"),
        Choice("t", f"the {len(source)} rows as text", "txt"),
        Choice("h", "these rows as HAR", "har"),
    ]

    def chosen(form: str | None) -> None:
        if form == "svg":
            # After the menu has gone from the picture.
            screen.call_after_refresh(write, "svg")
        elif form is not None:
            write(form)

    def write(form: str) -> None:
        try:
            if form == "svg":
                text = screen.app.export_screenshot(title="perftui")
            else:
                seqs = list(source.index.seqs[: min(len(source), MOST_ROWS)])
                records = [
                    record
                    for at in range(0, len(seqs), 512)
                    for record in screen.fetch(seqs[at : at + 512])
                ]
                log = TextLog(around, TEXT_WIDTH)
                text = (
                    har_text(records, session)
                    if form == "har"
                    else "\n".join([log.line(record).text for record in records]) + "\n"
                )
            path = write_file(text, screen.here().session_id or "view", form)
        except (OSError, PerftuiError) as error:
            screen.say(f"Could not export: {error}", error=True)
        else:
            screen.say(f"Wrote {path}")

    screen.app.push_screen(Menu("export", choices), chosen)


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
