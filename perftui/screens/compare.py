"""Two sessions side by side: what became slower or larger, what was added and what is gone."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message

from perftui.analysis.insights.answer import Answer
from perftui.analysis.insights.reading import read_study
from perftui.analysis.session_names import names_apart
from perftui.request_columns import ColumnReader
from perftui.screens.base import BaseScreen, StoreTrouble
from perftui.screens.registry import Services, Subject
from perftui.widgets.answer_view import answer_view
from perftui.widgets.key_bar import KeyBar
from perftui.widgets.styled_lines import StyledLines
from perftui.widgets.title_bar import TitleBar


class ComparisonTold(Message):
    """Two sessions have been compared.

    Attributes:
        names: of the one before and the one after.
    """

    def __init__(self, before_id: str, names: tuple[str, str], told: Answer) -> None:
        super().__init__()
        self.before_id = before_id
        self.names = names
        self.answer = told


class CompareScreen(BaseScreen):
    """See the module's docstring."""

    NAME = "compare"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "back", "Close", show=False, id="compare.close"),
        Binding("x", "swap", "Swap before and after", show=False, id="compare.swap"),
    ]

    def __init__(self, services: Services, subject: Subject) -> None:
        super().__init__(services, subject)
        self._told: ComparisonTold | None = None
        self._trouble = ""
        self.before_id, self.after_id = subject.session_id, subject.other_session_id

    def compose(self) -> ComposeResult:
        yield TitleBar()
        yield StyledLines()
        yield KeyBar(
            [
                ("text.down text.up", "scroll"),
                ("compare.swap", "swap"),
                ("compare.close", "close"),
                ("app.help", "help"),
            ]
        )

    def on_mount(self) -> None:
        """Begin to read."""
        self.query_one(StyledLines).focus()
        self._ask()

    def _ask(self) -> None:
        before_id, after_id = self.before_id, self.after_id
        settings = self.services.settings
        self._trouble = ""
        self._told = None
        self._show()
        if before_id is None or after_id is None:
            return

        def find(reader: ColumnReader) -> ComparisonTold:
            from perftui.analysis.insights.change import Sides, compare, whole

            summaries = reader.session(before_id), reader.session(after_id)
            before, after = names_apart(summaries)
            sides = []
            for summary, name in zip(summaries, (before, after), strict=True):
                study = read_study(
                    reader,
                    [summary],
                    thresholds=settings.thresholds,
                    first_party=settings.sites.first_party,
                )
                sides.append(whole(study, name))
            return ComparisonTold(before_id, (before, after), compare(Sides(*sides)))

        self.ask_store(find)

    @on(ComparisonTold)
    def _comparison_told(self, message: ComparisonTold) -> None:
        if message.before_id == self.before_id:
            self._told = message
            self._show()

    @on(StoreTrouble)
    def _store_trouble(self, message: StoreTrouble) -> None:
        self._trouble = message.words
        self._show()

    def on_resize(self) -> None:
        """Lay the lines out anew."""
        self._show(keep=True)

    def palette_changed(self) -> None:
        self._show(keep=True)
        super().palette_changed()

    def _show(self, *, keep: bool = False) -> None:
        if not self.is_mounted:
            return
        told = self._told
        crumbs = ["sessions", "compare"]
        lines = self.query_one(StyledLines)
        if told is None:
            lines.tell([[(self._trouble or "Reading both sessions …", "@2 muted")]])
        else:
            crumbs.append(f"{told.names[0]} {self.palette.glyphs.chevron} {told.names[1]}")
            ascii_only = self.services.settings.app.ascii
            lines.tell(answer_view(told.answer, self.size.width, ascii_only=ascii_only), keep=keep)
        self.query_one(TitleBar).tell(crumbs)

    # ---- keys -----------------------------------------------------------------------------

    def action_swap(self) -> None:
        """What was after is before."""
        self.before_id, self.after_id = self.after_id, self.before_id
        self._ask()
