"""The app: themes, keys, the screens and what they share. No SQL, no arithmetic.

:class:`PerftuiApp` is put together by the command line, which hands in how to open the store, the
settings and the clock. Screens come from ``screens/registry.py``.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import ClassVar

from rich.console import Console, RenderableType
from textual import events, work
from textual._ansi_sequences import SYNC_END, SYNC_START
from textual.actions import ActionParseResult
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.dom import DOMNode
from textual.filter import Monochrome, NoColor
from textual.screen import Screen
from textual.theme import ThemeProvider
from textual.widget import Widget

from perftui.config import Settings
from perftui.model import Clock, Reader
from perftui.request_columns import ColumnReader
from perftui.screens.base import BaseScreen
from perftui.screens.registry import Editor, History, Services, Subject, spec
from perftui.widgets.ascii_filter import AsciiFilter
from perftui.widgets.clipboard import copy_by_tmux, copy_sequence, has_clipboard, write_copy
from perftui.widgets.hang_up import LOOK_SECONDS, has_hung_up
from perftui.widgets.line_compositor import LineUpdate
from perftui.widgets.palette import Palette
from perftui.widgets.themes import DARK, PLAIN, SIXTEEN, THEMES, check_theme, variable_defaults
from perftui.widgets.typed_ahead import TypedAhead

_KEY_WORDS = {"⏎": "enter", "␛": "esc"}
_ASCII_KEY_WORDS = {"←": "left", "→": "right", "↑": "up", "↓": "down", "⌫": "backspace"}
"""What a key is called where its sign is not on keyboards, or not in the terminal's characters."""


SWITCH_SECONDS = 0.001
"""How long a thread that reads the store may keep the interpreter while the event loop waits for it:
by default 5 ms, each time that it has waited for a key or written to the terminal."""


GARBAGE = (1_000, 4, 500)
"""How many objects make the garbage collector look for cycles among the young ones, and how often it
then looks at the older and at all of them: by default 700, 10 and 10, so that one page in forty of a
long list took 20 ms more. A look at the older ones is short where it comes often: after 20,000
objects it takes 4 ms, after 4,000 less than one."""


def has_sixteen_colors() -> bool:
    """Whether the terminal has no more, as far as ``TERM`` and ``COLORTERM`` tell."""
    return Console().color_system in {"standard", "windows"}


class PerftuiApp(App[None]):
    """The terminal app.

    Args:
        open_reader: makes a reader of the store; each thread opens its own and closes it. May
            raise a PerftuiError: the app says so and tries again.
        settings: file, environment and flags already applied.
        clock: where the time comes from.
        start_screen: name of the screen to begin with; see ``screens/registry.py``.
        subject: what it is to show.
        open_editor: makes what renames, pins and deletes sessions; None forbids it.
        server_url, invitation: shown where there is nothing to see yet.
        history: the filters of earlier runs.
        color: False draws without any colour.
        sixteen_colors: the terminal has no more; unless the settings name a theme, the one made
            for that is worn.

    Raises:
        SettingsError: the settings name a theme, a binding or a key that does not exist, or give
            two actions the same key in one place.
    """

    TITLE = "perftui"
    CSS_PATH = "app.tcss"
    ENABLE_COMMAND_PALETTE = True

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "quit", "Quit", show=False, id="app.quit"),
        Binding("question_mark", "open('help')", "Help", show=False, id="app.help"),
        Binding("ctrl+t", "change_theme", "Theme", show=False, id="app.theme"),
    ]

    def __init__(
        self,
        open_reader: Callable[[], ColumnReader],
        settings: Settings,
        clock: Clock,
        *,
        start_screen: str = "sessions",
        subject: Subject | None = None,
        open_editor: Callable[[], Editor] | None = None,
        server_url: str | None = None,
        invitation: str | None = None,
        history: History | None = None,
        color: bool = True,
        sixteen_colors: bool = False,
    ) -> None:
        super().__init__()
        if not color or self.no_color:
            # Where NO_COLOR is in the environment Textual makes greys of all colours, before it
            # knows that the theme has none: the terminal's own two would be black on black.
            self.no_color = True
            self._filters = [one for one in self._filters if not isinstance(one, Monochrome)]
            self._filters.append(NoColor())
        self.services = Services(
            open_reader=open_reader,
            open_editor=open_editor,
            settings=settings,
            clock=clock,
            server_url=server_url,
            invitation=invitation,
            history=history,
        )
        self._start = (start_screen, subject or Subject())
        self._leaving = False
        self._typed_ahead = TypedAhead(self, super().on_event)
        self._color = color and not self.no_color
        self._reader: Reader | None = None
        self.ascii_only = settings.app.ascii
        if self.ascii_only:
            self._filters.append(AsciiFilter())
        self._palette: Palette | None = None
        self.filter_history: list[str] = history.read() if history is not None else []
        """Filters that were applied, the newest last."""
        for theme in THEMES:
            self.register_theme(theme)
        wanted = settings.app.theme or (SIXTEEN if sixteen_colors else DARK)
        check_theme(wanted)
        self.theme = wanted if self._color else PLAIN
        if settings.app.keys:
            from perftui.screens.key_map import key_map

            self.set_keymap(key_map(settings.app.keys, PerftuiApp))

    # ---- themes ---------------------------------------------------------------------------

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """The waterfall's colours, for themes that do not bring them."""
        return variable_defaults(dark=self.current_theme.dark)

    @property
    def palette(self) -> Palette:
        """The styles and glyphs of the current theme."""
        if self._palette is None:
            self._palette = Palette(
                self.theme_variables, plain=not self._color, ascii=self.services.settings.app.ascii
            )
        return self._palette

    def _watch_theme(self, theme_name: str) -> None:
        self._palette = None
        super()._watch_theme(theme_name)
        for screen in self.screen_stack:
            if isinstance(screen, BaseScreen) and screen.is_mounted:
                screen.palette_changed()

    def get_key_display(self, binding: Binding) -> str:
        """How a key is called in hints and in the help: words where the sign is not on keyboards
        or not in fonts."""
        shown = super().get_key_display(binding)
        for sign, word in {**_KEY_WORDS, **(_ASCII_KEY_WORDS if self.ascii_only else {})}.items():
            shown = shown.replace(sign, word)
        return shown

    # ---- the screens ----------------------------------------------------------------------

    async def on_event(self, event: events.Event) -> None:
        """As Textual has it, but what is typed and clicked is taken in its turn."""
        if not isinstance(event, events.InputEvent | events.Paste):
            await super().on_event(event)
        elif not event.is_forwarded:
            await self._typed_ahead.came(event)
        else:
            await super().on_event(event)
            self._typed_ahead.done(event)

    async def run_action(
        self,
        action: str | ActionParseResult,
        default_namespace: DOMNode | None = None,
        namespaces: Mapping[str, DOMNode] | None = None,
    ) -> bool:
        """Do what a key asks for; not any more once the screen that it was for has gone or the app was
        told to end."""
        gone = isinstance(default_namespace, Widget) and not any(
            isinstance(one, Screen) and one in self.screen_stack
            for one in default_namespace.ancestors_with_self
        )
        if gone or self._leaving:
            return True
        return await super().run_action(action, default_namespace, namespaces)

    async def action_quit(self) -> None:
        """End the app."""
        self._leaving = True
        self.exit()

    def on_mount(self) -> None:
        """Open the first screen."""
        if not self.is_headless:
            sys.setswitchinterval(SWITCH_SECONDS)
        name, subject = self._start
        self.open_screen(name, subject)

    def on_ready(self) -> None:
        """What start-up has made lasts: the garbage collector need not go through it again and
        again, which would hold up a key by some 30 ms each time, nor so often through what has come
        since. (A headless app is a test's: its process outlives it.)"""
        if not self.is_headless:
            gc.freeze()
            gc.set_threshold(*GARBAGE)
            self.set_interval(LOOK_SECONDS, self._end_without_terminal)

    def _end_without_terminal(self) -> None:
        if sys.__stdin__ is not None and has_hung_up(sys.__stdin__.fileno()):
            self._leaving = True
            self.exit()

    def _display(self, screen: Screen[object], renderable: RenderableType | None) -> None:
        """Called by Textual with each repaint. What has changed is written at once, begin and end of
        the repaint with it: each write is handed to another thread, which then wants the
        interpreter."""
        driver = self._driver
        if (
            not isinstance(renderable, LineUpdate)
            or driver is None
            or driver.is_inline
            or self.is_headless
            or self._batch_count
            or self._closed
            or not self._running
        ):
            super()._display(screen, renderable)
            return
        cursor = self.screen.outer_size.clamp_offset(self.cursor_position)
        self._previous_cursor_position = cursor
        written = f"{renderable.render_segments(self.console)}\x1b[{cursor.y + 1};{cursor.x + 1}H"
        driver.write(f"{SYNC_START}{written}{SYNC_END}" if self._sync_available else written)
        driver.flush()
        self.post_display_hook()

    def on_unmount(self) -> None:
        """Let go of the store."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def action_command_palette(self) -> None:
        """Show all there is to do."""
        from perftui.screens.commands import Commands, offers_commands

        if not offers_commands(self):
            self.push_screen(Commands())

    def search_themes(self) -> None:
        """Let a theme be chosen."""
        from perftui.screens.commands import Commands, offers_commands

        if not offers_commands(self):
            self.push_screen(Commands([ThemeProvider], placeholder="Search for themes…"))

    def open_screen(self, name: str, subject: Subject) -> None:
        """Open a screen on top of the others; one that is open already is not opened twice."""
        if self.screen.name == name == "help":
            return
        wanted = spec(name)
        if not wanted.exists:
            self.notify(f"{wanted.title} is not part of this installation", markup=False)
        elif wanted.fits(subject):
            self.push_screen(wanted.make(self.services, subject))

    def action_open(self, name: str) -> None:
        """Open a screen on what the current one is about."""
        screen = self.screen
        self.open_screen(name, screen.here() if isinstance(screen, BaseScreen) else Subject())

    def go_back(self) -> None:
        """Leave a screen; from the first one, to the sessions."""
        if len(self.screen_stack) > 2:
            self.pop_screen()
        elif self.screen.name != "sessions":
            screen = spec("sessions").make(self.services, Subject())
            self.switch_screen(screen)

    # ---- what screens share ---------------------------------------------------------------

    def reader(self) -> Reader:
        """The reader of the app's own thread, for reads that take a few milliseconds at most.

        Raises:
            PerftuiError: there is no store, or it cannot be read.
        """
        if self._reader is None:
            self._reader = self.services.open_reader()
        return self._reader

    def copy(self, text: str, what: str) -> None:
        """Put a text on the clipboard of the terminal; where it is too long for that, or there is
        none, into a file. Says which."""
        sequence = copy_sequence(text, os.environ)
        if sequence is None:
            self._copy_to_file(text, what, "Too long for the clipboard")
        elif not has_clipboard(os.environ):
            self._copy_to_file(text, what, "This terminal has no clipboard")
        elif os.environ.get("TMUX"):
            self._copy_in_tmux(text, what, sequence)
        else:
            self._copy_by_sequence(what, sequence)

    @work(thread=True, group="copy")
    def _copy_in_tmux(self, text: str, what: str, sequence: str) -> None:
        if copy_by_tmux(text):
            self.call_from_thread(self.notify, f"Copied {what}", markup=False)
        else:
            self.call_from_thread(self._copy_by_sequence, what, sequence)

    def _copy_by_sequence(self, what: str, sequence: str) -> None:
        if self._driver is not None:
            self._driver.write(sequence)
            self.notify(f"Copied {what}", markup=False)

    def _copy_to_file(self, text: str, what: str, why: str) -> None:
        try:
            path = write_copy(text)
        except OSError as error:
            self.notify(f"Could not copy {what}: {error}", severity="error", markup=False)
        else:
            self.notify(f"{why}: {what} is in {path}", markup=False)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Everything there is to do, for the command palette."""
        from perftui.screens.commands import system_commands

        yield from system_commands(self, screen)
