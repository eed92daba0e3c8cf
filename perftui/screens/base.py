"""What all screens have in common: their services, the way to the store, keys and notices."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from threading import Event
from typing import Any, ClassVar, Generic, Protocol, TypeVar, cast

from textual import on, work
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.messages import Update
from textual.screen import Screen
from textual.widget import Widget
from textual.worker import get_current_worker

from perftui.analysis.text import sanitise
from perftui.errors import PerftuiError
from perftui.model import Reader, Record
from perftui.request_columns import ColumnReader
from perftui.screens.registry import Editor, Services, Subject
from perftui.widgets.line_compositor import LineCompositor
from perftui.widgets.painted import palette_of
from perftui.widgets.palette import Palette

POLL_SECONDS = 0.12
"""How long after its news have been drawn a feed looks whether the store has changed: some eight
repaints a second, so that with what is found out beside them once a second it is fewer than ten; and
time for keys between them."""

SHOWN_SECONDS = 1.0
"""How long who reads waits at most for what was read to be drawn."""


class OpensScreens(Protocol):
    """What a screen asks of its app."""

    def open_screen(self, name: str, subject: Subject) -> None:
        """Open another screen on top of this one."""
        ...

    def reader(self) -> Reader:
        """The reader of the app's own thread, for reads that take a few milliseconds at most."""
        ...

    def go_back(self) -> None:
        """Leave the screen for the one before."""
        ...

    def copy(self, text: str, what: str) -> None:
        """Put a text on the clipboard, and say so."""
        ...

    @property
    def filter_history(self) -> list[str]:
        """Filters that were applied, the newest last."""
        ...


class Feed(Protocol):
    """Turns changes of the store into messages, in a thread of its own."""

    def poll(self, reader: Reader) -> Message | None:
        """What is new, as one immutable message that may replace the one before; None for
        nothing. Called after each change of the store, and again at once while :attr:`more`."""
        ...

    @property
    def more(self) -> bool:
        """Whether there is more to be told without any change of the store."""
        ...


class Shown(Message):
    """News that its sender waits to see drawn, before it takes the interpreter for more.

    Attributes:
        shown: set once the screen has been drawn with it (or is not to be any more).
    """

    def __init__(self) -> None:
        super().__init__()
        self.shown = Event()

    def wait(self) -> None:
        """Wait until it has been drawn, for :data:`SHOWN_SECONDS` at most; in a worker."""
        worker, waited = get_current_worker(), 0.0
        while waited < SHOWN_SECONDS and not worker.is_cancelled:
            if self.shown.wait(POLL_SECONDS):
                return
            waited += POLL_SECONDS


Given = TypeVar("Given")


class Handed(Generic[Given]):
    """Something that is handed to a worker, and is the worker's alone once it has been taken.

    A finished worker is kept by what it has started (each context that was copied from its own
    names it), and keeps its arguments: a question that names the arrays of a session would keep
    them after the session has been left.
    """

    def __init__(self, given: Given) -> None:
        self._given = [given]

    def take(self) -> Given:
        """What was handed over, once.

        Raises:
            IndexError: it has been taken.
        """
        return self._given.pop()


class StoreTrouble(Message):
    """The store cannot be read (there may be none yet).

    Attributes:
        words: one line that says what to do.
    """

    def __init__(self, words: str) -> None:
        super().__init__()
        self.words = words

    def can_replace(self, message: Message) -> bool:
        """Only the newest matters."""
        return isinstance(message, StoreTrouble)


class Said(Message):
    """Something to tell the person, from a thread.

    Attributes:
        words: one line; may hold text from outside.
    """

    def __init__(self, words: str) -> None:
        super().__init__()
        self.words = words


class BaseScreen(Screen[object]):
    """A screen of perftui."""

    NAME: ClassVar[str] = ""
    """Its name in the registry."""

    AUTO_FOCUS = ""
    """Each screen says itself what has the focus: inputs are hidden until they are asked for."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back", show=False, id="app.back"),
        Binding(
            "backslash", "maximise", "Maximise or restore the pane", show=False, id="app.maximise"
        ),
    ]

    def __init__(self, services: Services, subject: Subject) -> None:
        super().__init__(name=self.NAME)
        self._compositor = LineCompositor()
        self.services = services
        self.subject = subject

    def here(self) -> Subject:
        """What another screen, opened from here, is to show."""
        return self.subject

    @property
    def palette(self) -> Palette:
        """The styles and glyphs of the current theme."""
        return palette_of(self.app)

    @property
    def perftui(self) -> OpensScreens:
        """The app, as far as screens know it."""
        return cast("OpensScreens", self.app)

    def say(self, message: str, *, error: bool = False) -> None:
        """Show a short notice. The message may hold text from outside: it is sanitised, and
        never parsed as markup."""
        self.app.notify(
            sanitise(message), severity="error" if error else "information", markup=False
        )

    @on(Said)
    def _said(self, message: Said) -> None:
        self.say(message.words)

    def fetch(self, seqs: Sequence[int]) -> list[Record]:
        """Some records, by the app's own reader; none where the store has gone."""
        try:
            return self.perftui.reader().records(seqs)
        except PerftuiError as error:
            self.post_message(StoreTrouble(str(error)))
            return []

    def draw_together(self) -> None:
        """Have all that this turn has changed drawn in one repaint. Otherwise each widget says so
        when it comes to rest, and what says so first is drawn alone."""
        for widget in self.walk_children(Widget, with_self=False):
            widget._check_refresh()

    def call_after_refresh(self, callback: Callable[..., Any], *args: Any, **kwargs: Any) -> bool:
        """As Textual has it, but not once this screen is on its way out. What it has asked for is
        called by whichever screen is drawn next, which may be when parts of this one have gone."""

        def call() -> Any:
            return None if self._pruning else callback(*args, **kwargs)

        return super().call_after_refresh(call)

    def draw_now(self) -> None:
        """Draw all that has changed, in one repaint, in this turn: otherwise that takes a message of
        each widget and a timer, a dozen turns of the event loop. Nothing may have changed where
        widgets stand, or which are to be seen."""
        for widget in self._compositor.visible_widgets:
            if widget._repaint_regions:
                widget._repaint_required = False
                self._dirty_widgets.add(widget)
        self._on_timer_update()

    async def _on_update(self, message: Update) -> None:
        """Called by Textual where a widget is to be drawn: it may have been meanwhile."""
        widget = message.widget
        if widget is not self and not widget._repaint_regions:
            message.stop()
            message.prevent_default()
        else:
            await super()._on_update(message)

    def palette_changed(self) -> None:
        """The theme has changed: painted things must be painted anew."""
        self.refresh(layout=False)

    # ---- the store ------------------------------------------------------------------------

    def watch_store(self, feed: Feed) -> None:
        """Poll the store for the feed until the screen goes or another feed takes its place."""
        self._watch_store(Handed(feed))

    @work(thread=True, exclusive=True, group="feed", exit_on_error=True)
    def _watch_store(self, handed: Handed[Feed]) -> None:
        feed = handed.take()
        worker = get_current_worker()
        reader: Reader | None = None
        version: int | None = None
        told = ""
        try:
            while not worker.is_cancelled:
                try:
                    if reader is None:
                        reader = self.services.open_reader()
                    now = reader.data_version()
                    if now != version or feed.more:
                        version = now
                        if (message := feed.poll(reader)) is not None and not worker.is_cancelled:
                            self.post_message(message)
                            if isinstance(message, Shown):
                                message.wait()
                        told = ""
                        if feed.more:
                            continue
                except PerftuiError as error:
                    if str(error) != told:
                        told = str(error)
                        self.post_message(StoreTrouble(told))
                worker.cancelled_event.wait(POLL_SECONDS)
        finally:
            if reader is not None:
                reader.close()

    def ask_store(self, question: Callable[[ColumnReader], Message | None]) -> None:
        """Ask the store one thing in a thread, and post the answer to this screen."""
        self._ask_store(Handed(question))

    @work(thread=True, group="once", exit_on_error=True)
    def _ask_store(self, handed: Handed[Callable[[ColumnReader], Message | None]]) -> None:
        question = handed.take()
        worker = get_current_worker()
        try:
            reader = self.services.open_reader()
        except PerftuiError as error:
            self.post_message(StoreTrouble(str(error)))
            return
        try:
            answer = question(reader)
        except PerftuiError as error:
            answer = StoreTrouble(str(error))
        finally:
            reader.close()
        if answer is not None and not worker.is_cancelled:
            self.post_message(answer)

    def ask_store_for_pieces(self, question: Callable[[Reader], Iterator[Message]]) -> None:
        """Ask the store something that takes longer, in a thread, and post each part of the answer
        to this screen. The next such question breaks off this one."""
        self._ask_store_for_pieces(Handed(question))

    @work(thread=True, exclusive=True, group="pieces", exit_on_error=True)
    def _ask_store_for_pieces(self, handed: Handed[Callable[[Reader], Iterator[Message]]]) -> None:
        question = handed.take()
        worker = get_current_worker()
        try:
            reader = self.services.open_reader()
        except PerftuiError as error:
            self.post_message(StoreTrouble(str(error)))
            return
        try:
            for number, answer in enumerate(question(reader)):
                if worker.is_cancelled:
                    return
                self.post_message(answer)
                if isinstance(answer, Shown) and number == 0:
                    # To read on at once would take the interpreter from those who draw it.
                    answer.wait()
        except PerftuiError as error:
            if not worker.is_cancelled:
                self.post_message(StoreTrouble(str(error)))
        finally:
            reader.close()

    def edit(self, change: Callable[[Editor], None]) -> None:
        """Change the store in a thread; the feed sees it like any other change."""
        self._edit(Handed(change))

    @work(thread=True, group="edit", exit_on_error=True)
    def _edit(self, handed: Handed[Callable[[Editor], None]]) -> None:
        change = handed.take()
        if self.services.open_editor is None:
            return
        try:
            editor = self.services.open_editor()
            try:
                change(editor)
            finally:
                editor.close()
        except PerftuiError as error:
            self.app.call_from_thread(self.say, str(error), error=True)

    # ---- keys -----------------------------------------------------------------------------

    def action_back(self) -> None:
        """Close what is open, else go back to the screen before."""
        if self.maximized is not None:
            self.minimize()
        else:
            self.perftui.go_back()

    def action_maximise(self) -> None:
        """Give the focused pane the whole screen, or take it back."""
        if self.maximized is not None:
            self.minimize()
        elif self.focused is not None:
            self.maximize(self.focused)
