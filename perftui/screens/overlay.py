"""The timelines of several sessions laid over each other, each from its own start."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message

from perftui.analysis.overlay import MOST_SHOWN, Overlay, Track, overlay
from perftui.model import Reader
from perftui.screens.base import BaseScreen, StoreTrouble
from perftui.screens.registry import Services, Subject
from perftui.widgets.head_line import HeadLine
from perftui.widgets.key_bar import KeyBar
from perftui.widgets.note import Note
from perftui.widgets.overlay_rows import (
    Layout,
    OverlayList,
    OverlayPainter,
    OverlaySource,
    QuartileLines,
)
from perftui.widgets.row_list import RowList
from perftui.widgets.title_bar import TitleBar


class OverlayTold(Message):
    """Some sessions have been read.

    Attributes:
        width: of the screen that it was made for.
        overlay: None while there is more to read.
    """

    def __init__(self, width: int, read: int, told: Overlay | None) -> None:
        super().__init__()
        self.width = width
        self.read = read
        self.overlay = told


class OverlayScreen(BaseScreen):
    """See the module's docstring."""

    NAME = "overlay"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "back", "Close", show=False, id="overlay.close"),
        Binding("w", "waterfall", "Waterfall", show=False, id="overlay.waterfall"),
    ]

    def __init__(self, services: Services, subject: Subject) -> None:
        super().__init__(services, subject)
        self._told: Overlay | None = None
        self._trouble = ""
        self._read = 0
        self._asked_width = 0

    def compose(self) -> ComposeResult:
        self.painter = OverlayPainter(self.palette)
        yield TitleBar()
        yield HeadLine(self.painter.paint_head)
        yield OverlayList(self.painter, id="overlay")
        yield QuartileLines()
        yield Note()
        yield KeyBar(
            [
                ("list.choose", "replay"),
                ("overlay.waterfall", "waterfall"),
                ("list.down list.up", "session"),
                ("overlay.close", "close"),
                ("app.help", "help"),
            ]
        )

    def on_mount(self) -> None:
        """Say that it is being read: it is once the width is known."""
        self._show()

    def on_resize(self, event: events.Resize) -> None:
        """The slots are as many as there is room for: they are counted anew, in a worker."""
        width = event.size.width
        if width == self._asked_width:
            return
        self._asked_width = width
        settings, session_ids = self.services.settings, self.subject.session_ids or ()
        if not session_ids:
            return

        def read(reader: Reader) -> Iterator[OverlayTold]:
            from perftui.analysis.overlay_reading import read_track

            tracks: list[Track] = []
            for session_id in session_ids:
                yield OverlayTold(width, len(tracks), None)
                tracks.append(read_track(reader, reader.session(session_id), settings))
            yield OverlayTold(width, len(tracks), overlay(tracks, Layout.of(width).slots))

        self.ask_store_for_pieces(read)

    @on(OverlayTold)
    def _overlay_told(self, message: OverlayTold) -> None:
        if message.width != self._asked_width:
            return
        self._read, self._trouble = message.read, ""
        if message.overlay is not None:
            self._told = message.overlay
            self.painter.layout = Layout.of(message.width)
        self._show()

    @on(StoreTrouble)
    def _store_trouble(self, message: StoreTrouble) -> None:
        self._trouble = message.words
        self._told = None
        self._show()

    def palette_changed(self) -> None:
        """Paint with the new theme."""
        self.painter.palette = self.palette
        self.query_one(RowList).repaint()
        super().palette_changed()

    def _show(self) -> None:
        told, rows, note = self._told, self.query_one(OverlayList), self.query_one(Note)
        for widget in (rows, self.query_one(HeadLine), self.query_one(QuartileLines)):
            widget.display = told is not None
        note.display = told is None
        crumbs = ["sessions", "overlay"]
        if told is None:
            count = len(self.subject.session_ids or ())
            reading = f"Reading {min(self._read + 1, count)} of {count} sessions …"
            nothing = "No sessions to lay over each other: mark two or more in the list of sessions"
            words = self._trouble or (reading if count else nothing)
            note.tell((((words, "muted"),),))
            self.query_one(TitleBar).tell(crumbs)
            return
        if self.painter.told is not told:
            self.painter.told = told
            rows.show(OverlaySource(told))
            self.query_one(HeadLine).refresh()
            self.query_one(QuartileLines).tell(told, self.painter.layout)
        count = len(told.lanes)
        shown = f"{MOST_SHOWN} of {count} sessions" if count > MOST_SHOWN else f"{count} sessions"
        self.query_one(TitleBar).tell(
            crumbs, [(f"full height: {told.peak} in flight", "muted"), (shown, "muted")]
        )
        if self.focused is None:
            rows.focus()
        self.refresh_bindings()

    # ---- keys -----------------------------------------------------------------------------

    @property
    def selected_id(self) -> str | None:
        """The session under the cursor."""
        rows = self.query_one(OverlayList)
        row = rows.selected_row if self._told is not None else None
        return None if row is None else row.lane.track.summary.session_id

    def here(self) -> Subject:
        """The session under the cursor."""
        return Subject(session_id=self.selected_id, session_ids=self.subject.session_ids)

    @on(RowList.Chosen)
    def _chosen(self) -> None:
        if (session_id := self.selected_id) is not None:
            self.perftui.open_screen("replay", Subject(session_id=session_id))

    def action_waterfall(self) -> None:
        """Open the waterfall of the session's first pageview."""
        if (session_id := self.selected_id) is not None:
            self.perftui.open_screen("waterfall", Subject(session_id=session_id))
