"""The nine questions, answered about a session or about all of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, NamedTuple

from rich.style import Style
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message

from perftui.analysis.columns import tab_widths
from perftui.analysis.insights.answer import Answer, Question
from perftui.analysis.insights.reading import answer, answers_in_parts, parse_at, read_study
from perftui.analysis.session_names import session_name
from perftui.analysis.text import counted
from perftui.model import SessionSummary
from perftui.request_columns import ColumnReader
from perftui.screens.base import BaseScreen, StoreTrouble
from perftui.screens.registry import Services, Subject
from perftui.widgets.answer_view import answer_view
from perftui.widgets.key_bar import KeyBar
from perftui.widgets.line import Line
from perftui.widgets.painted import Painted
from perftui.widgets.plots import PlotPane
from perftui.widgets.styled_lines import StyledLines
from perftui.widgets.title_bar import TitleBar

QUESTIONS = tuple(Question)

SHORT_NAMES = {Question.THIRD_PARTY: "parties", Question.COMPRESSION: "compress"}
"""Names of tabs where there is not room for all of them."""

STEP_US = 1_000_000
"""How far a key moves the moment that is asked about."""

MIDDLE = "50%"
"""The moment that is asked about where nobody chose one."""


class Asked(NamedTuple):
    """What an answer is about.

    Attributes:
        everything: all sessions, not one.
        at_us: the moment, where the question is about one; None: :data:`MIDDLE`.
    """

    question: Question
    everything: bool
    at_us: int | None = None


class AnswerTold(Message):
    """An answer has been found, or a part of it.

    Attributes:
        asked: what it answers.
        summary: the session that it is about; None where about all.
        at_us: the moment it is about, where it is about one.
    """

    def __init__(
        self, asked: Asked, told: Answer, summary: SessionSummary | None, at_us: int | None = None
    ) -> None:
        super().__init__()
        self.asked = asked
        self.answer = told
        self.summary = summary
        self.at_us = at_us


class QuestionLine(Painted):
    """The questions as tabs, in one line at any width."""

    DEFAULT_CSS: ClassVar[str] = """
    QuestionLine {
        height: 1;
        background: $surface;
    }
    """

    question = Question.ASSETS

    def paint(self, line: Line, y: int) -> None:
        palette = self.palette
        labels = [f"{number} {question.value}" for number, question in enumerate(QUESTIONS, 1)]
        if sum(len(label) + 1 for label in labels) > self.size.width:
            labels = [
                f"{number} {SHORT_NAMES.get(question, question.value)}"
                for number, question in enumerate(QUESTIONS, 1)
            ]
        widths = tab_widths([len(label) for label in labels], self.size.width)
        for question, label, width in zip(QUESTIONS, labels, widths, strict=True):
            here = question is self.question
            click = Style.from_meta({"@click": f"screen.question({label[0]})"})
            looks = palette.style("accent" if here else "muted", "bold underline" if here else "")
            line.gap().cell(label, looks + click, width)


class InsightsScreen(BaseScreen):
    """See the module's docstring."""

    NAME = "insights"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "back", "Close", show=False, id="insights.close"),
        *[
            Binding(
                str(number),
                f"question({number})",
                f"Question {question.value}",
                show=False,
                id=f"insights.{question.value}",
            )
            for number, question in enumerate(QUESTIONS, 1)
        ],
        Binding("tab", "turn(1)", "Next question", show=False, id="insights.next"),
        Binding("shift+tab", "turn(-1)", "Question before", show=False, id="insights.before"),
        Binding("a", "everything", "This session or all", show=False, id="insights.all"),
        Binding("p", "plot", "Plot", show=False, id="insights.plot"),
        Binding(
            "right_square_bracket", "step(1)", "A second later", show=False, id="insights.later"
        ),
        Binding(
            "left_square_bracket", "step(-1)", "A second earlier", show=False, id="insights.earlier"
        ),
    ]

    def __init__(self, services: Services, subject: Subject) -> None:
        super().__init__(services, subject)
        self.question = Question.ASSETS
        self.everything = False
        self._at_us: int | None = None
        self._duration_us = 0
        self._told: AnswerTold | None = None
        self._trouble = ""
        self._known: dict[Asked, AnswerTold] = {}

    def compose(self) -> ComposeResult:
        yield TitleBar()
        yield QuestionLine()
        yield StyledLines(id="answer")
        yield PlotPane(ascii_only=self.services.settings.app.ascii)
        yield KeyBar(
            [
                ("insights.next", "next question"),
                ("insights.all", "this session or all"),
                ("insights.plot", "plot"),
                ("insights.earlier insights.later", "move the moment"),
                ("text.down text.up", "scroll"),
                ("insights.close", "close"),
                ("app.help", "help"),
            ]
        )

    def on_mount(self) -> None:
        """Begin to read."""
        self.query_one("#answer", StyledLines).focus()
        self._ask()

    @property
    def asked(self) -> Asked:
        """What is to be shown."""
        if self.question is Question.MOMENT:
            # A moment is of one session.
            return Asked(self.question, False, self._at_us)
        return Asked(self.question, self.everything)

    def _ask(self) -> None:
        """Find the answer in a thread, unless it has been found before."""
        asked = self.asked
        self._trouble = ""
        self._told = self._known.get(asked)
        self._show()
        if self._told is None:
            self.ask_store(self._finder(asked))

    def _finder(self, asked: Asked) -> Callable[[ColumnReader], AnswerTold]:
        """What finds an answer; parts of it are posted as they are found."""
        session_id, at = self.subject.session_id, self.subject.at or MIDDLE
        settings = self.services.settings

        def find(reader: ColumnReader) -> AnswerTold:
            if asked.everything:
                for told in answers_in_parts(
                    reader,
                    reader.sessions(),
                    asked.question,
                    thresholds=settings.thresholds,
                    first_party=settings.sites.first_party,
                ):
                    if told.complete:
                        return AnswerTold(asked, told, None)
                    self.post_message(AnswerTold(asked, told, None))
            assert session_id is not None
            summary = reader.session(session_id)
            study = read_study(
                reader,
                [summary],
                thresholds=settings.thresholds,
                first_party=settings.sites.first_party,
            )
            at_us = asked.at_us
            if at_us is None and asked.question is Question.MOMENT:
                at_us = min(parse_at(at, summary.duration_us), summary.duration_us)
            found = answer(study, asked.question, session_id=session_id, at_us=at_us)
            return AnswerTold(asked, found, summary, at_us)

        return find

    @on(AnswerTold)
    def _answer_told(self, message: AnswerTold) -> None:
        if message.answer.complete:
            self._known[message.asked] = message
        if message.summary is not None:
            self._duration_us = message.summary.duration_us
        if message.asked == self.asked:
            self._told = message
            self._show(keep=True)
            if message.at_us is not None and self._at_us is None:
                self._at_us = message.at_us
                self._known[self.asked] = message

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
        tabs = self.query_one(QuestionLine)
        tabs.question = self.question
        tabs.refresh()
        told = self._told
        summary = None if told is None else told.summary
        name = "all sessions" if summary is None else session_name(summary)
        state = []
        if told is not None:
            state.append((counted(told.answer.coverage.requests, "request"), "muted"))
            if not told.answer.complete:
                state.append(("reading the rest", "accent"))
        self.query_one(TitleBar).tell(["sessions", name, "insights"], state)
        lines = self.query_one("#answer", StyledLines)
        self.query_one(PlotPane).plot(None if told is None else told.answer)
        if told is None:
            words = self._trouble or f"{self.question.words} Reading the entries …"
            lines.tell([[(words, "@2 muted")]])
        else:
            ascii_only = self.services.settings.app.ascii
            lines.tell(answer_view(told.answer, self.size.width, ascii_only=ascii_only), keep=keep)

    # ---- keys -----------------------------------------------------------------------------

    def action_question(self, number: int) -> None:
        """Turn to a question by its number."""
        self.question = QUESTIONS[number - 1]
        self.refresh_bindings()
        self._ask()

    def action_turn(self, by: int) -> None:
        """Turn to the next question or the one before."""
        place = (QUESTIONS.index(self.question) + by) % len(QUESTIONS)
        self.action_question(place + 1)

    def action_everything(self) -> None:
        """Ask about this session alone, or about all."""
        self.everything = not self.everything
        self._ask()

    def action_plot(self) -> None:
        """Show the plot of the answer, or hide it."""
        pane = self.query_one(PlotPane)
        pane.display = not pane.display
        # Once shown it has a size, and draws itself.
        pane.plot(None if self._told is None else self._told.answer)

    def action_step(self, by: int) -> None:
        """Move the moment that is asked about."""
        if self._at_us is not None:
            self._at_us = min(max(0, self._at_us + by * STEP_US), self._duration_us)
            self._ask()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The moment moves only where it is asked about."""
        return action != "step" or self.question is Question.MOMENT
