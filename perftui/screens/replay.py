"""One session, replayed like a film or followed live: transport, overview, filter, log, detail."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Sequence
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.timer import Timer
from textual.widgets import Input

from perftui.analysis.band import rail
from perftui.analysis.calm_window import calm_window, extent
from perftui.analysis.describe import Surroundings
from perftui.analysis.endpoints import endpoint
from perftui.analysis.session_facts import LIVE_SECONDS
from perftui.analysis.timeline import Marker, Markers, seek
from perftui.memory import give_back
from perftui.model import EntryIndex, PageView, Record, SessionSummary
from perftui.screens.base import StoreTrouble
from perftui.screens.filter_screen import FILTER_HINTS, FilterScreen
from perftui.screens.registry import Services, Subject
from perftui.screens.replay_panes import PanesScreen
from perftui.screens.replay_view import (
    BandCache,
    chart_state,
    overview_state,
    title_parts,
    transport_state,
    view_of,
    waiting_note,
)
from perftui.screens.rest import REST_SECONDS, Rest
from perftui.screens.session_feed import (
    MANY_ENTRIES,
    Around,
    AroundTold,
    LiveFeed,
    SessionGone,
    SessionGrown,
    SessionTold,
    SessionWatch,
    load,
    look_around,
)
from perftui.screens.usual_screen import UsualScreen
from perftui.widgets.detail_pane import DetailPane
from perftui.widgets.filter_line import FilterLine
from perftui.widgets.head_line import HeadLine
from perftui.widgets.key_bar import KeyBar
from perftui.widgets.log_painter import LogPainter
from perftui.widgets.moment_pane import MomentPane
from perftui.widgets.note import Note
from perftui.widgets.overview import Overview
from perftui.widgets.palette import UNICODE
from perftui.widgets.record_source import RecordSource
from perftui.widgets.row_list import RowList
from perftui.widgets.safe_input import SafeInput
from perftui.widgets.summary_line import SummaryLine
from perftui.widgets.title_bar import TitleBar
from perftui.widgets.transport import Transport

GLANCE_SECONDS = 0.04
"""While keys follow each other, the detail follows the cursor once it has been on a row for so long:
longer than the pause between two repetitions of a key that is held down, too short to be seen."""

GIVE_BACK_SECONDS = 0.5
"""How long after a large session has been left its memory is given back to the system."""

LOOK_SECONDS = 1.0
"""Live, the overview is made anew at most this often …"""

LOOK_SHARE = 10
"""… and takes at most one part in so many of the time."""

_NOTHING = EntryIndex(array("q"), array("q"), array("q"), 0)


class ReplayScreen(FilterScreen, UsualScreen, PanesScreen):
    """See the module's docstring."""

    NAME = "replay"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "requests", "Requests only", show=False, id="filter.requests"),
        Binding("equals_sign", "like_this", "Only rows like this", show=False, id="filter.like"),
        Binding("f", "follow", "Follow the newest row", show=False, id="replay.follow"),
        Binding("e", "bad(1)", "Next bad row", show=False, id="replay.bad"),
        Binding("E", "bad(-1)", "Bad row before", show=False, id="replay.bad-before"),
        Binding("w", "open('waterfall')", "Waterfall", show=False, id="replay.waterfall"),
        Binding("i", "open('insights')", "Insights", show=False, id="replay.insights"),
        Binding("y", "copy", "Copy", show=False, id="replay.copy"),
        Binding("x", "export", "Export", show=False, id="replay.export"),
    ]

    def __init__(self, services: Services, subject: Subject) -> None:
        super().__init__(services, subject)
        self._ask = 0
        self._summary: SessionSummary | None = None
        self._told: SessionTold | None = None
        self._held: SessionTold | None = None
        self._source: RecordSource | None = None
        self._around = Around()
        self._around_count = -1
        self._bad_wanted = 0
        self._looking_since: float | None = None
        self._look_at = 0.0
        self._look_timer: Timer | None = None
        self._seen = 0
        self._wanted_seq = subject.seq
        self._trouble = ""
        self._state_view: PageView | None = None
        self._charted: tuple[int, int] | None = None
        self._glanced_at: Record | None = None
        self._glance = Rest(self, GLANCE_SECONDS, self._glanced)
        self._rest = Rest(self, REST_SECONDS, self._rested)
        self._scroll_rest = Rest(self, REST_SECONDS, self._ask_usual)
        self.bands = BandCache()
        self._since_us = services.clock.now_us() - int(LIVE_SECONDS * 1_000_000)

    def compose(self) -> ComposeResult:
        self.painter = LogPainter(self.palette, self.surroundings)
        self.painter.number_of = self._number
        yield TitleBar()
        yield Transport()
        yield Overview()
        yield self.filter_line()
        yield SafeInput(id="moment", compact=True, classes="hidden")
        yield HeadLine(self.painter.paint_head)
        self._rows = RowList(self.painter, id="log")
        yield self._rows
        yield Note()
        yield SummaryLine()
        yield DetailPane()
        yield MomentPane()
        yield KeyBar(
            [
                ("replay.play", "play"),
                ("replay.back replay.forward", "5 s"),
                ("replay.step-back replay.step", "step"),
                ("replay.marker-before replay.marker", "marker"),
                ("replay.bad replay.bad-before", "bad"),
                ("filter.open", "filter"),
                ("replay.follow", "follow"),
                ("list.choose", "detail"),
                ("replay.waterfall", "waterfall"),
                ("replay.copy", "copy"),
                ("replay.export", "export"),
                ("app.back", "back"),
                *FILTER_HINTS,
                ("app.help", "help"),
            ]
        )

    def on_mount(self) -> None:
        """Begin to read."""
        self.query_one(MomentPane).display = False
        if self.filter_text:
            self.query_one(FilterLine).put(self.filter_text)
        self._rows.focus()
        self.arrange_parts()
        self._read()

    def on_unmount(self) -> None:
        """Let go of the session: some 10 MB for each 100,000 entries, which would stay until the
        garbage collector comes by, if it does."""
        many = self._told is not None and self._told.length >= MANY_ENTRIES
        self._told = self._held = self._source = self._summary = None
        self.timeline, self._found_markers, self._merged = None, Markers(), None
        self._around, self.bands, self.painter.flags = Around(), BandCache(), None
        if many and (app := self.app).is_running:
            # Once whatever was under way for this screen has come to its end too.
            app.set_timer(GIVE_BACK_SECONDS, lambda: app.run_worker(give_back, thread=True))

    # ---- parts ----------------------------------------------------------------------------

    @property
    def surroundings(self) -> Surroundings:
        """What the rows are judged by, as far as it is known."""
        told, usual = self._told, self.usual.known
        views = None if told is None else told.page_views
        return self.bands.get("surroundings", (views, usual), lambda: self._make_surroundings())

    def _make_surroundings(self) -> Surroundings:
        told = self._told
        return Surroundings(
            session_start_us=0 if told is None else told.index.base_us,
            page_urls={}
            if told is None
            else {view.page_view_id: view.url for view in told.page_views},
            thresholds=self.services.settings.thresholds,
            first_party=self.services.settings.sites.first_party,
            usual=self.usual.known,
        )

    def here(self) -> Subject:
        """The session, and what is selected in it."""
        record = self.selected
        return Subject(
            session_id=self.subject.session_id,
            page_view_id=None if record is None else record.page_view_id,
            seq=None if record is None else record.seq,
            live=self.live,
        )

    @property
    def completed_from(self) -> Sequence[int]:
        if self._told is None:
            return ()
        return self._told.index.seqs if self.timeline is None else self.timeline.index.seqs

    @property
    def selected(self) -> Record | None:
        """The record under the cursor."""
        row = self._rows.selected_row
        assert row is None or isinstance(row, Record)
        return row

    @property
    def selected_view(self) -> PageView | None:
        """The pageview of that record; None where it is not known."""
        record, told = self.selected, self._told
        if record is None or told is None:
            return None
        return view_of(told, record)

    @property
    def selected_moment(self) -> int | None:
        source, rows = self._source, self._rows
        if source is None or not rows.cursor < len(source):
            return None
        return source.index.starts[rows.cursor]

    # ---- reading --------------------------------------------------------------------------

    def _read(self, *, anew: bool = False) -> None:
        """Read the session in the way of the mode, with the filter; all of it again where what is
        known of it is no longer true."""
        self._ask += 1
        self._held = None
        ask, session_id, predicate = self._ask, self.subject.session_id, self.predicate
        if self.live:
            self.watch_store(LiveFeed(ask, session_id, predicate, self._since_us))
        elif session_id is not None:
            self.watch_store(SessionWatch(session_id))
            limit = self.services.settings.app.idle_limit_seconds
            limit_us = None if limit is None else int(limit * 1_000_000)
            timeline, clock = None if anew else self.timeline, self.services.clock
            self.ask_store_for_pieces(
                lambda reader: load(reader, ask, session_id, predicate, timeline, limit_us, clock),
            )

    def _number(self, record: Record) -> int:
        """Live by arrival, in a replay by start: what ``#17`` means to the keys of the player."""
        told, timeline = self._told, self.timeline
        if told is None:
            return record.seq
        if self.live or timeline is None:
            return record.seq - told.first_seq + 1
        at_us = record.start_epoch_us - timeline.index.base_us
        return timeline.number_of(record.seq, at_us)

    def playhead_sought(self) -> None:
        self._rows.follow = True

    def mode_changed(self) -> None:
        self._look_at = self.services.clock.monotonic()
        self._rows.follow = self.live
        self._rows.repaint()
        self._read()
        self._show_state()

    @on(SessionTold)
    def _session_told(self, message: SessionTold) -> None:
        if message.ask != self._ask:
            message.shown.set()
            return
        self.call_after_refresh(message.shown.set)
        if self.live and self.frozen and self._told is not None:
            self._held = message
            self._show_title()
            return
        self._take(message)

    def _take(self, message: SessionTold) -> None:
        first = self._told is None
        self._told, self._summary = message, message.summary
        if self.subject.session_id != message.summary.session_id:
            self.subject = Subject(
                session_id=message.summary.session_id, live=self.live, speed=self.subject.speed
            )
        self._trouble = ""
        if message.timeline is not None:
            self.timeline_known(message.timeline, self.subject.at if first else None)
        rows = self._rows
        around = self.surroundings
        if around != self.painter.around:
            self.painter.around = around
            rows.repaint()
        length = self._visible(message)
        if self._source is not None and self._source.index is message.index:
            if self._source.length != length:
                self._source.length = length
                rows.grown()
        else:
            self._source = RecordSource(message.index, self.fetch, length)
            if first:
                rows.follow = self.live or self.player.playing
            rows.show(self._source)
        whole = message.progress >= 1
        if self._wanted_seq is not None and length and whole:
            rows.move_to(self._source.find(self._wanted_seq), centre=True)
            self._wanted_seq = None
        elif first and not self.live and not self.player.playing and self.subject.at is None:
            rows.move_to(0)
        if rows.follow or first:
            self._seen = length
        self._filter_told()
        self.arrange_parts()
        self._chart()
        self._show_state()
        self.show_detail()
        if first:
            self.refresh_bindings()
        if whole:
            self._look()
        self.draw_together()

    def _visible(self, told: SessionTold) -> int:
        """How many of the entries have begun by the playhead; live, all."""
        if self.live or self.timeline is None:
            return told.length
        return bisect_right(told.index.starts, self.player.at_us, 0, told.length)

    @on(SessionGrown)
    def _session_grown(self, message: SessionGrown) -> None:
        told = self._told
        if not self.live and told is not None:
            if message.summary.entry_count == told.summary.entry_count:
                return
            # More has arrived for what is being replayed: the end is further away now.
            self._read(anew=True)

    @on(SessionGone)
    def _session_gone(self) -> None:
        self._trouble = "This session has been deleted."
        self._told = self._source = None
        self._rows.show(RecordSource(_NOTHING, self.fetch))
        self.arrange_parts()
        self.refresh_bindings()

    @on(StoreTrouble)
    def _store_trouble(self, message: StoreTrouble) -> None:
        if self._told is None:
            self._trouble = message.words
            self.arrange_parts()
        else:
            self.say(message.words, error=True)

    # ---- what takes longer to find out ----------------------------------------------------

    def _look(self) -> None:
        """Find what transport and overview show, not too often."""
        told, now = self._told, self.services.clock.monotonic()
        if told is None or self._looking_since is not None:
            return
        if told.summary.entry_count == self._around_count:
            return
        if now < self._look_at:
            if self._look_timer is None:
                self._look_timer = self.set_timer(max(0.05, self._look_at - now), self._look_again)
            return
        self._looking_since = now
        summary, views = told.summary, told.page_views
        settings = self.services.settings
        starts = None if self.timeline is None else self.timeline.index.starts
        self.ask_store(lambda reader: look_around(reader, summary, views, settings, starts))

    def _look_again(self) -> None:
        self._look_timer = None
        self._look()

    @on(AroundTold)
    def _around_told(self, message: AroundTold) -> None:
        now = self.services.clock.monotonic()
        took = now - (self._looking_since or now)
        self._looking_since = None
        self._look_at = now + max(LOOK_SECONDS, took * LOOK_SHARE) if self.live else now
        if self._told is None or message.session_id != self._told.summary.session_id:
            return
        self._around, self._around_count = message.around, message.entry_count
        self._found_markers = message.around.markers
        duplicates = message.around.duplicates
        self.painter.flags = lambda seq: UNICODE.duplicate if seq in duplicates else ""
        self._rows.refresh()
        self._show_state()
        if (by := self._bad_wanted) != 0:
            self._bad_wanted = 0
            self.action_bad(by)
        self._look()

    def _ask_usual(self) -> None:
        source, told = self._source, self._told
        if source is None or told is None:
            return
        first, last = self._rows.window
        records = [source.row(place) for place in range(first, min(last, len(source)))]
        names = [
            endpoint(record.entry.method, record.entry.name)
            for record in records
            if record is not None and record.entry.is_request
        ]
        self.ask_usual(names, told.summary.entry_count)

    def usual_learned(self) -> None:
        self.painter.around = self.surroundings
        self._rows.repaint()
        self.show_detail()

    # ---- showing --------------------------------------------------------------------------

    def playhead_moved(self) -> None:
        source, told = self._source, self._told
        if source is not None and told is not None and not self.live:
            if source.index is not told.index:
                # Another index has come, whose rows are to be shown next.
                return
            length = self._visible(told)
            if length != source.length:
                source.length = length
                self._rows.grown()
            self._chart()
            self._filter_told()
        self._show_state()

    def freeze_changed(self) -> None:
        if not self.frozen and (held := self._held) is not None:
            self._held = None
            self._take(held)
        self._show_state()

    def _chart(self) -> None:
        """The stretch of time that the charts cover: what is in view."""
        source, rows = self._source, self._rows
        if source is None or not len(source):
            return
        at_us = None if self.live or self.timeline is None else self.player.at_us
        first, last = rows.window
        index = source.index
        last = max(min(last, len(source)), first)
        found = extent(index.starts[first:last], index.ends[first:last], at_us)
        if found is not None:
            window = calm_window(*found, self.painter.window if self.painter.has_window else None)
            if chart_state(self.painter, window, at_us):
                rows.refresh()
                self.query_one(HeadLine).refresh()

    def arrange_parts(self) -> None:
        """What has room, and what has anything to show."""
        if not self.is_mounted:
            return
        told, height = self._told, self.size.height
        empty = told is None or not told.length
        waiting = told is None
        line = self.query_one(FilterLine)
        line.display = bool(self.filter_text) or line.query_one(Input).has_focus
        note, rows = self.query_one(Note), self._rows
        rows.display, note.display = not empty, empty
        if empty and self.focused is rows:
            # The keys of a list are of no use before there is one.
            self.set_focus(None)
        for part in (Transport, Overview, HeadLine):
            self.query_one(part).display = not waiting
        self.query_one(Overview).styles.height = 2 if height >= 28 else 1
        self.arrange_panes(empty=empty)
        if empty:
            note.tell(waiting_note(self.services, self._trouble, told, self.filter_text))
        elif self.focused is None:
            rows.focus()

    def _show_state(self) -> None:
        """Title, transport and overview."""
        self._state_view = self.selected_view
        self._show_title()
        told = self._told
        if told is None or not self.is_mounted:
            return
        transport, overview = self.query_one(Transport), self.query_one(Overview)
        _, band = rail(self.size.width)
        palette, bands = self.palette, self.bands
        bad = overview.size.height < 2
        transport.tell(
            transport_state(self, self._rows.follow, told, band, palette, bands, bad=bad)
        )
        overview.tell(overview_state(self, told, self._around, self.selected, band, palette, bands))
        self.show_moment()

    def _show_title(self) -> None:
        held = (
            0 if self._held is None or self._told is None else self._held.length - self._told.length
        )
        fresh = held or (
            0 if self._rows.follow or not self.live else len(self._rows.source) - self._seen
        )
        crumbs, state = title_parts(
            self, self._told, self.selected, len(self._rows.source), fresh, self.palette
        )
        self.query_one(TitleBar).tell(crumbs, state)

    def _filter_told(self) -> None:
        told = self._told
        if told is not None and self.filter_text:
            shown = len(self._rows.source)
            words = f"{shown:,} of {told.summary.entry_count:,}"
            if told.progress < 1:
                words = f"{words}, {told.progress:.0%} looked through"
            self.query_one(FilterLine).tell(words, off=self.filter_off)

    # ---- what the widgets say -------------------------------------------------------------

    @on(RowList.Moved)
    def _moved(self) -> None:
        at_once = not self._glance.is_stirred
        if at_once:
            # The first key after a pause: row and detail are drawn together.
            self._chart()
            self._charted = self._rows.window
            self._glanced()
            self.draw_now()
        self._glance.stir(done=at_once)
        self._rest.stir()

    def _glanced(self) -> None:
        if (record := self.selected) is None or record is not self._glanced_at:
            self._glanced_at = record
            self.show_detail()
            self._show_title()

    def _rested(self) -> None:
        self.find_detail()
        if self.selected_view is not self._state_view:
            self._show_state()

    @on(RowList.Scrolled)
    def _scrolled(self) -> None:
        if self._rows.window != self._charted:
            self._chart()
        self._charted = None
        self._scroll_rest.stir()

    @on(RowList.FollowEnded)
    def _follow_ended(self) -> None:
        self._seen = len(self._rows.source)
        self._show_state()

    @on(RowList.Chosen)
    def _chosen(self) -> None:
        if not self.query_one(DetailPane).display:
            self.action_pane()
        elif self.selected is not None:
            self.perftui.open_screen("request", self.here())

    @on(Transport.Resized)
    def _rail_resized(self) -> None:
        self.call_after_refresh(self._show_state)

    def on_resize(self, event: events.Resize) -> None:
        """Another size has room for other parts; the place in the list stays."""
        self.arrange_parts()
        self.call_after_refresh(self._resized)

    def _resized(self) -> None:
        self._chart()
        self._ask_usual()
        self._show_state()

    def palette_changed(self) -> None:
        self.painter.palette = self.palette
        self._rows.repaint()
        self.query_one(DetailPane).repaint()
        self._show_state()
        super().palette_changed()

    # ---- the filter -----------------------------------------------------------------------

    def filter_changed(self) -> None:
        self._read()

    def filter_left(self) -> None:
        self._rows.focus()
        self.call_after_refresh(self.arrange_parts)

    # ---- other keys -----------------------------------------------------------------------

    def action_follow(self) -> None:
        """Stay on the newest row, or stop that."""
        rows = self._rows
        rows.follow = not rows.follow
        if rows.follow:
            self._seen = len(rows.source)
        self._show_state()

    def action_bad(self, by: int) -> None:
        """Select the next or the previous row that is slow or has failed."""
        if self._around_count < 0:
            # It is still being found out which rows these are.
            self._bad_wanted = by
            return
        source = self._source
        at = self.selected_moment
        found = [index for index in (self._around.errors, self._around.slow) if index is not None]
        bad = sorted(
            {
                (start, seq)
                for index in found
                for start, seq in zip(index.starts, index.seqs, strict=True)
            }
        )
        if source is None or not bad or at is None:
            self.say("Nothing slow and no error so far")
            return
        here = (at, source.index.seqs[self._rows.cursor])
        place = bisect_right(bad, here) if by > 0 else bisect_right(bad, here) - (here in bad) - 1
        if not 0 <= place < len(bad):
            self.say("No more bad rows this way")
            return
        self.select(bad[place][1], bad[place][0])

    def select(self, seq: int, at_us: int) -> None:
        """Select an entry; in a replay the playhead goes there where it has not begun yet."""
        source = self._source
        if source is None:
            return
        if not self.live and at_us > self.player.at_us and self.timeline is not None:
            self.move(seek(self.player, self.timeline, at_us))
        self._rows.follow = False
        place = source.find(seq)
        if place < len(source) and source.index.seqs[place] == seq:
            self._rows.move_to(place, centre=True)
        else:
            self.say("The filter hides that row: F switches it off")

    def marker_reached(self, marker: Marker) -> None:
        if marker.seq is not None:
            seq, at_us = marker.seq, marker.at_us
            self.call_after_refresh(lambda: self.select(seq, at_us))

    def ask_moment(self) -> None:
        line = self.query_one("#moment", Input)
        line.placeholder = "go to: 12.4   1:05   300ms   40%   #17"
        line.value = ""
        line.remove_class("hidden")
        line.focus()

    @on(Input.Submitted, "#moment")
    def _moment_typed(self, event: Input.Submitted) -> None:
        self._close_moment()
        if event.value.strip():
            self.go_to(event.value)

    def _close_moment(self) -> None:
        self.query_one("#moment", Input).add_class("hidden")
        self._rows.focus()

    def action_open(self, name: str) -> None:
        """Open another screen on what is selected."""
        self.perftui.open_screen(name, self.here())

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Before there is a session only some keys make sense."""
        if self._told is None:
            if action == "copy":
                return self.services.server_url is not None
            return action in {"back", "quit", "change_theme"}
        return True

    def action_copy(self) -> None:
        """Copy the selected entry in one of several forms; while there is none, the script tag."""
        if self._told is None:
            self.perftui.copy(self.services.script_tag, "the script tag")
        elif (record := self.selected) is not None:
            from perftui.screens.copying import copy_menu

            told = self._told
            copy_menu(self, record, self.surroundings, (told.summary, told.page_views))

    def action_export(self) -> None:
        """Export what is seen."""
        from perftui.screens.copying import export_menu

        told = self._told
        if self._source is not None and told is not None:
            export_menu(self, self._source, self.surroundings, (told.summary, told.page_views))

    def action_back(self) -> None:
        """Close what is open, else go back."""
        if not self.query_one("#moment", Input).has_class("hidden"):
            self._close_moment()
        elif self.focused is not None and self.focused is not self._rows:
            self._rows.focus()
        elif self.query_one(MomentPane).display:
            self.action_moment()
        elif self.query_one(DetailPane).display and self.pane_wanted:
            self.action_pane()
        elif self.filter_text:
            self.set_filter("")
        else:
            super().action_back()
