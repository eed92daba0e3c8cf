"""The list of sessions: the live one on top, what each of them was like, and where to go on."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Input
from textual.worker import get_current_worker

from perftui.analysis.session_facts import VITAL_ENTRY_TYPES, SessionFacts, session_facts
from perftui.analysis.session_names import session_name
from perftui.analysis.text import counted
from perftui.errors import PerftuiError
from perftui.model import Order, Reader, SessionSummary
from perftui.screens.base import BaseScreen, StoreTrouble
from perftui.screens.registry import Editor, Services, Subject
from perftui.widgets.head_line import HeadLine
from perftui.widgets.key_bar import KeyBar
from perftui.widgets.note import Note, NoteLine
from perftui.widgets.row_list import RowList
from perftui.widgets.safe_input import SafeInput
from perftui.widgets.session_list import SessionPainter, SessionSource
from perftui.widgets.title_bar import TitleBar

UNDO_SECONDS = 60.0
"""How long a deleted session can be brought back by a key. The store keeps it for at least as long."""

AGE_STEP_US = 5_000_000
"""Ages are shown as of a moment rounded to this, so that rows are not painted for nothing."""


class SessionsTold(Message):
    """All sessions that match the search, the most recently received first."""

    def __init__(self, search: str, summaries: tuple[SessionSummary, ...]) -> None:
        super().__init__()
        self.search = search
        self.summaries = summaries

    def can_replace(self, message: Message) -> bool:
        """Only the newest matters."""
        return isinstance(message, SessionsTold)


class FactsTold(Message):
    """What was found out about one session."""

    def __init__(self, session_id: str, entry_count: int, facts: SessionFacts) -> None:
        super().__init__()
        self.session_id = session_id
        self.entry_count = entry_count
        self.facts = facts


class Deleted(Message):
    """A session has been deleted.

    Attributes:
        token: brings it back.
        name: what it was called.
    """

    def __init__(self, session_id: str, token: object, name: str) -> None:
        super().__init__()
        self.session_id = session_id
        self.token = token
        self.name = name


class SessionsFeed:
    """Reads the list anew whenever the store changes."""

    more = False

    def __init__(self, search: str) -> None:
        self.search = search

    def poll(self, reader: Reader) -> Message:
        """The whole list: ten thousand sessions take a few milliseconds to read."""
        return SessionsTold(self.search, tuple(reader.sessions(search=self.search)))


class SessionsScreen(BaseScreen):
    """See the module's docstring."""

    NAME = "sessions"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search", "Search", show=False, id="sessions.search"),
        Binding("r", "rename", "Rename", show=False, id="sessions.rename"),
        Binding("p", "pin", "Pin or unpin", show=False, id="sessions.pin"),
        Binding("d,delete", "delete", "Delete", show=False, id="sessions.delete"),
        Binding("u", "undo", "Undo the deletion", show=False, id="sessions.undo"),
        Binding(
            "m,space", "mark", "Mark for a comparison or an overlay", show=False, id="sessions.mark"
        ),
        Binding("c", "compare", "Compare the two marked", show=False, id="sessions.compare"),
        Binding(
            "o", "overlay", "Lay the marked over each other", show=False, id="sessions.overlay"
        ),
        Binding("w", "waterfall", "Waterfall", show=False, id="sessions.waterfall"),
        Binding("y", "copy_tag", "Copy the script tag", show=False, id="sessions.copy-tag"),
    ]

    def __init__(self, services: Services, subject: Subject) -> None:
        super().__init__(services, subject)
        self._summaries: tuple[SessionSummary, ...] = ()
        self._facts: dict[str, tuple[int, SessionFacts]] = {}
        self._marked: list[str] = []
        self._deleted: list[Deleted] = []
        self._being_deleted: set[str] = set()
        self._restored: str | None = None
        self._shown_search = ""
        self._told = False
        self._search = ""
        self._renaming: str | None = None

    def compose(self) -> ComposeResult:
        self.painter = SessionPainter(self.palette)
        yield TitleBar()
        yield SafeInput(id="line", compact=True, classes="hidden")
        yield HeadLine(self.painter.paint_head)
        yield RowList(self.painter, id="sessions")
        yield Note()
        yield KeyBar(
            [
                ("list.choose", "open"),
                ("sessions.search", "search"),
                ("sessions.waterfall", "waterfall"),
                ("sessions.mark", "mark"),
                ("sessions.compare", "compare"),
                ("sessions.overlay", "overlay"),
                ("sessions.rename", "rename"),
                ("sessions.pin", "pin"),
                ("sessions.delete", "delete"),
                ("sessions.undo", "undo"),
                ("sessions.copy-tag", "copy tag"),
                ("app.help", "help"),
            ]
        )

    def on_mount(self) -> None:
        """Begin to watch the store."""
        self.query_one(RowList).display = False
        self.query_one(HeadLine).display = False
        self.watch_store(SessionsFeed(""))
        self.set_interval(AGE_STEP_US / 1e6, self._show)
        self._title()

    def palette_changed(self) -> None:
        """Paint with the new theme."""
        self.painter.palette = self.palette
        self.query_one(RowList).repaint()
        super().palette_changed()

    # ---- what the store tells -------------------------------------------------------------

    @on(SessionsTold)
    def _sessions_told(self, message: SessionsTold) -> None:
        if message.search != self._search:
            return
        self._told = True
        self._summaries = message.summaries
        self._show()
        self._gather()

    @on(FactsTold)
    def _facts_told(self, message: FactsTold) -> None:
        self._facts[message.session_id] = (message.entry_count, message.facts)
        rows = self.query_one(RowList)
        for place in range(*rows.window):
            if rows.source.key(place) == message.session_id:
                rows.refresh_row(place)

    @on(StoreTrouble)
    def _store_trouble(self, message: StoreTrouble) -> None:
        self._told = True
        self._show(message.words)

    def _show(self, trouble: str = "") -> None:
        rows = self.query_one(RowList)
        step = AGE_STEP_US
        now = self.services.clock.now_us() // step * step
        shown = self._summaries
        place, key = rows.cursor, rows.selected_key
        rows.show(SessionSource(shown, self._facts, self._marked, now))
        self._put_cursor(rows, place, key)
        empty = self._told and not shown
        rows.display = bool(shown)
        self.query_one(HeadLine).display = bool(shown)
        note = self.query_one(Note)
        note.display = not shown
        if empty:
            note.tell(tuple(self._nothing(trouble)))
        self._title()
        if shown and self.focused is None:
            rows.focus()
        self.refresh_bindings()

    def _put_cursor(self, rows: RowList, place: int, key: Hashable | None) -> None:
        """Go to what was brought back; where the selected session has gone, stay on its line, so
        that the next key is not for a session somewhere else."""
        search_is_new, self._shown_search = self._search != self._shown_search, self._search
        if self._restored is not None and self._restored in self._known:
            rows.move_to(rows.source.find(self._restored))
            self._restored = None
        elif key is not None and rows.selected_key not in {key, None} and not search_is_new:
            rows.move_to(min(place, len(rows.source) - 1))

    def _nothing(self, trouble: str) -> Iterable[NoteLine]:
        """How to begin."""
        if self._search:
            yield (("No session holds ", "muted"), (self._search, "!foreground"))
            yield (("Search looks at IDs, names, URLs and titles.", "muted"),)
            return
        yield (("No sessions yet", "!foreground"),)
        yield ()
        if self.services.server_url:
            yield (("Paste this line into the head of your page and load it:", "muted"),)
            yield ()
            yield ((f"  {self.services.script_tag}  ", "!primary"),)
            yield ()
            yield (("y", "!primary"), (" copies it. Everything stays on this machine.", "muted"))
            if self.services.invitation:
                yield ()
                yield (("Or ", "muted"), (self.services.invitation, "!foreground"))
        else:
            yield (("perftui", "!primary"), ("              captures from your own page", "muted"))
            yield (("perftui demo", "!primary"), ("         plays a recorded session", "muted"))
            yield (("perftui import FILE", "!primary"), ("  reads a HAR file", "muted"))
        if trouble:
            yield ()
            yield ((trouble, "faint"),)

    def _title(self) -> None:
        count = len(self._summaries)
        state: list[tuple[str, str]] = []
        if self.services.server_url:
            state.append((f"{self.palette.glyphs.live} capturing", "success"))
            state.append((self.services.server_url, "muted"))
        if count:
            state.append((counted(count, "session"), "muted"))
        crumbs = ["sessions"] + ([f"“{self._search}”"] if self._search else [])
        self.query_one(TitleBar).tell(crumbs, state)

    # ---- facts, for the rows in view ------------------------------------------------------

    @on(RowList.Scrolled)
    def _scrolled(self) -> None:
        self._gather()

    def _gather(self) -> None:
        """Find out about the rows in view that nothing, or less, is known of."""
        rows = self.query_one(RowList)
        first, last = rows.window
        wanted: list[SessionSummary] = []
        for place in range(first, max(last, min(len(rows.source), first + 40))):
            summary: SessionSummary = rows.source.row(place).summary
            known = self._facts.get(summary.session_id)
            if known is None or known[0] != summary.entry_count:
                wanted.append(summary)
        if wanted:
            self._find_facts(wanted)

    @work(thread=True, exclusive=True, group="facts")
    def _find_facts(self, wanted: list[SessionSummary]) -> None:
        from perftui.analysis.filters import parse
        from perftui.screens.filtering import filter_settings

        worker = get_current_worker()
        thresholds = self.services.settings.thresholds
        try:
            reader = self.services.open_reader()
        except PerftuiError:
            return
        try:
            slow = parse("is:slow", filter_settings(self.services.settings))
            for summary in wanted:
                if worker.is_cancelled:
                    return
                try:
                    session_id = summary.session_id
                    facts = session_facts(
                        reader.index(session_id, order=Order.ARRIVAL).starts,
                        len(reader.index(session_id, predicate=slow)),
                        reader.iter_records(session_id, entry_types=VITAL_ENTRY_TYPES),
                        summary,
                        reader.page_views(session_id),
                        thresholds,
                    )
                except PerftuiError:
                    continue
                self.post_message(FactsTold(session_id, summary.entry_count, facts))
        finally:
            reader.close()

    # ---- keys -----------------------------------------------------------------------------

    @property
    def selected(self) -> SessionSummary | None:
        """The session under the cursor."""
        rows = self.query_one(RowList)
        row = rows.selected_row if rows.display else None
        return None if row is None else row.summary

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys that make no sense now are not shown."""
        if action in {"rename", "pin", "delete", "mark", "waterfall"}:
            return self.selected is not None and (
                action in {"mark", "waterfall"} or self.services.open_editor is not None
            )
        if action == "compare":
            return len(self._marked) == 2
        if action == "overlay":
            return len(self._marked) >= 2
        if action == "undo":
            return bool(self._deleted)
        if action == "copy_tag":
            return self.services.server_url is not None
        return True

    @on(RowList.Chosen)
    def _chosen(self) -> None:
        if (summary := self.selected) is not None:
            from perftui.analysis.session_facts import is_live

            live = is_live(summary, self.services.clock.now_us())
            self.perftui.open_screen("replay", Subject(session_id=summary.session_id, live=live))

    def action_waterfall(self) -> None:
        """Open the waterfall of its first pageview."""
        if (summary := self.selected) is not None:
            self.perftui.open_screen("waterfall", Subject(session_id=summary.session_id))

    def action_mark(self) -> None:
        """Mark for a comparison or an overlay, or take the mark away."""
        if (summary := self.selected) is None:
            return
        if summary.session_id in self._marked:
            self._marked.remove(summary.session_id)
        else:
            self._marked.append(summary.session_id)
        self._show()

    def action_compare(self) -> None:
        """Compare the two marked sessions."""
        if len(self._marked) == 2:
            one, other = self._marked
            self.perftui.open_screen("compare", Subject(session_id=one, other_session_id=other))

    def action_overlay(self) -> None:
        """Lay the marked sessions over each other."""
        if len(self._marked) >= 2:
            self.perftui.open_screen("overlay", Subject(session_ids=tuple(self._marked)))

    def action_copy_tag(self) -> None:
        """Copy the script tag."""
        self.perftui.copy(self.services.script_tag, "the script tag")

    # ---- searching and renaming: one input for both ---------------------------------------

    def action_search(self) -> None:
        """Look for a part of an ID, a name, a URL or a title."""
        self._renaming = None
        self._ask("search: ID, name, URL or title", self._search)

    def action_rename(self) -> None:
        """Give the session a name."""
        if (summary := self.selected) is not None:
            self._renaming = summary.session_id
            self._ask("name of this session; empty takes it away", summary.label or "")

    def _ask(self, placeholder: str, value: str) -> None:
        line = self.query_one("#line", Input)
        line.placeholder = placeholder
        line.value = value
        line.remove_class("hidden")
        line.focus()

    @on(Input.Changed, "#line")
    def _typed(self, event: Input.Changed) -> None:
        if self._renaming is None and event.value != self._search and self._asking:
            self._search = event.value
            self.watch_store(SessionsFeed(self._search))

    @property
    def _asking(self) -> bool:
        return not self.query_one("#line", Input).has_class("hidden")

    @on(Input.Submitted, "#line")
    def _submitted(self, event: Input.Submitted) -> None:
        if (session_id := self._renaming) is not None:
            name = event.value.strip() or None
            self.edit(lambda editor: editor.rename(session_id, name))
        self._stop_asking()

    def _stop_asking(self) -> None:
        self._renaming = None
        self.query_one("#line", Input).add_class("hidden")
        rows = self.query_one(RowList)
        if rows.display:
            rows.focus()
        else:
            self.set_focus(None)

    def action_back(self) -> None:
        """Close the input; else end the search; else go back."""
        if self._asking:
            renaming = self._renaming is not None
            self._stop_asking()
            if renaming:
                return
        if self._search:
            self._search = ""
            self.watch_store(SessionsFeed(""))
            return
        super().action_back()

    # ---- changing the store ---------------------------------------------------------------

    def action_pin(self) -> None:
        """Keep the session from being pruned, or let it go."""
        if (summary := self.selected) is not None:
            session_id, pinned = summary.session_id, not summary.pinned
            self.edit(lambda editor: editor.pin(session_id, pinned))

    def action_delete(self) -> None:
        """Take the session off every list; for a while it can be brought back."""
        if (summary := self.selected) is None:
            return
        session_id = summary.session_id
        if session_id in self._being_deleted:
            return
        self._being_deleted.add(session_id)
        name = session_name(summary)

        def delete(editor: Editor) -> None:
            try:
                self.post_message(Deleted(session_id, editor.delete(session_id), name))
            finally:
                self._being_deleted.discard(session_id)

        self.edit(delete)

    @on(Deleted)
    def _session_deleted(self, message: Deleted) -> None:
        self._deleted.append(message)
        self.set_timer(UNDO_SECONDS, lambda: self._undo_over(message))
        self._marked = [one for one in self._marked if one in self._known]
        self.say(f"Deleted {message.name}. u brings it back.")
        self.refresh_bindings()

    @property
    def _known(self) -> set[str]:
        return {summary.session_id for summary in self._summaries}

    def _undo_over(self, deleted: Deleted) -> None:
        if deleted in self._deleted:
            self._deleted.remove(deleted)
            self.refresh_bindings()

    def action_undo(self) -> None:
        """Bring back the session that was deleted last; again, the one before it."""
        if not self._deleted:
            return
        deleted = self._deleted[-1]
        self._undo_over(deleted)
        self._restored = deleted.session_id
        self.app.clear_notifications()
        self.edit(lambda editor: editor.restore(deleted.token))
