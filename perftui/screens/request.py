"""Everything that is known of one entry, and why the rest is not known."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from perftui.analysis.describe import Surroundings
from perftui.analysis.endpoints import endpoint
from perftui.analysis.session_names import session_name
from perftui.model import PageView, Reader, Record, SessionSummary, Usual
from perftui.screens.base import BaseScreen, StoreTrouble
from perftui.screens.detail_finder import DetailTold, find_detail
from perftui.screens.registry import Services, Subject
from perftui.widgets.detail_lines import Detail, everything, title
from perftui.widgets.key_bar import KeyBar
from perftui.widgets.styled_lines import StyledLines
from perftui.widgets.title_bar import TitleBar


class RequestTold(DetailTold):
    """An entry with all that belongs to it."""

    def __init__(
        self,
        found: DetailTold,
        record: Record,
        summary: SessionSummary,
        page_views: tuple[PageView, ...],
        usual: Usual | None,
    ) -> None:
        super().__init__(found.seq, found.similar, found.initiator, found.caused)
        self.record = record
        self.summary = summary
        self.page_views = page_views
        self.usual = usual


def look_up(reader: Reader, seq: int) -> RequestTold | StoreTrouble:
    """Read it all."""
    records = reader.records([seq])
    if not records:
        return StoreTrouble("This entry has been deleted.")
    record = records[0]
    entry = record.entry
    usual = reader.usual(endpoint(entry.method, entry.name)) if entry.is_request else None
    return RequestTold(
        find_detail(reader, record),
        record,
        reader.session(record.session_id),
        tuple(reader.page_views(record.session_id)),
        usual,
    )


class RequestScreen(BaseScreen):
    """See the module's docstring."""

    NAME = "request"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "back", "Close", show=False, id="request.close"),
        Binding("y", "copy", "Copy", show=False, id="request.copy"),
        Binding("n", "similar(1)", "Next call of the endpoint", show=False, id="request.next"),
        Binding("N", "similar(-1)", "Call before", show=False, id="request.before"),
        Binding("w", "open('waterfall')", "Waterfall", show=False, id="request.waterfall"),
    ]

    def __init__(self, services: Services, subject: Subject) -> None:
        super().__init__(services, subject)
        self._told: RequestTold | None = None

    def compose(self) -> ComposeResult:
        yield TitleBar()
        yield StyledLines()
        yield KeyBar(
            [
                ("text.down text.up", "scroll"),
                ("request.next request.before", "other calls of the endpoint"),
                ("request.waterfall", "waterfall"),
                ("request.copy", "copy"),
                ("request.close", "close"),
                ("app.help", "help"),
            ]
        )

    def on_mount(self) -> None:
        """Begin to read."""
        self.query_one(StyledLines).focus()
        self._ask()

    def _ask(self) -> None:
        seq = self.subject.seq
        if seq is not None:
            self.ask_store(lambda reader: look_up(reader, seq))

    @on(RequestTold)
    def _request_told(self, message: RequestTold) -> None:
        if message.seq == self.subject.seq:
            again = self._told is not None and self._told.seq == message.seq
            self._told = message
            self._show(keep=again)
            self.refresh_bindings()

    @on(StoreTrouble)
    def _store_trouble(self, message: StoreTrouble) -> None:
        self.query_one(StyledLines).tell([[(message.words, "@2 muted")]])

    def on_resize(self) -> None:
        """Lay the lines out anew."""
        self._show(keep=True)

    def palette_changed(self) -> None:
        self._show(keep=True)
        super().palette_changed()

    def _show(self, *, keep: bool) -> None:
        told = self._told
        if told is None or not self.is_mounted:
            return
        record = told.record
        name = endpoint(record.entry.method, record.entry.name)
        around = Surroundings(
            session_start_us=told.summary.started_us,
            page_urls={view.page_view_id: view.url for view in told.page_views},
            thresholds=self.services.settings.thresholds,
            first_party=self.services.settings.sites.first_party,
            usual={} if told.usual is None else {name: told.usual},
        )
        self.around = around
        detail = Detail(record, around, told.similar, told.initiator, told.caused)
        words = "".join([text for text, _style in title(detail, self.palette)])
        summary = told.summary
        self.query_one(TitleBar).tell(
            ["sessions", session_name(summary), words.strip()],
            [(f"P{record.page_view_number}", "muted")],
        )
        lines = everything(detail, told.usual, self.palette, self.size.width)
        self.query_one(StyledLines).tell(lines, keep=keep)

    # ---- keys -----------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What is no request has no other calls, and some requests have none."""
        if action == "similar":
            return self._told is not None and len(self._told.similar) > 1
        return True

    def action_similar(self, by: int) -> None:
        """Go to the next or the previous call of the same endpoint."""
        if self._told is None:
            return
        calls = sorted(self._told.similar, key=_seq)
        places = [place for place, call in enumerate(calls) if call.seq == self.subject.seq]
        if not places or not 0 <= places[0] + by < len(calls):
            self.say("No more calls of this endpoint")
            return
        call = calls[places[0] + by]
        self.subject = Subject(call.session_id, call.page_view_id, call.seq)
        self._ask()

    def action_copy(self) -> None:
        """Copy it in one of several forms."""
        if self._told is not None:
            from perftui.screens.copying import copy_menu

            told = self._told
            copy_menu(self, told.record, self.around, (told.summary, told.page_views))

    def action_open(self, name: str) -> None:
        """Open another screen on it."""
        self.perftui.open_screen(name, self.here())


def _seq(record: Record) -> int:
    return record.seq
