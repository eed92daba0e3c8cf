"""The nine questions, answered about a session or about all of them."""

from __future__ import annotations

from typing import ClassVar

from rich.style import Style
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message

from perftui.analysis.columns import tab_widths
from perftui.analysis.insights.answer import Answer, Question
from perftui.analysis.insights.reading import answer, parse_at, read_study
from perftui.analysis.insights.study import Study
from perftui.analysis.text import format_count
from perftui.model import Reader
from perftui.screens.base import BaseScreen, StoreTrouble
from perftui.screens.registry import Services, Subject
from perftui.widgets.answer_view import answer_view
from perftui.widgets.key_bar import KeyBar
from perftui.widgets.line import Line
from perftui.widgets.painted import Painted
from perftui.widgets.styled_lines import StyledLines
from perftui.widgets.title_bar import TitleBar

QUESTIONS = tuple(Question)

STEP_US = 1_000_000
"""How far a key moves the moment that is asked about."""

MIDDLE = "50%"
"""The moment that is asked about where nobody chose one."""


class StudyTold(Message):
    """The entries have been read.

    Attributes:
        everything: of all sessions, not of one.
    """

    def __init__(self, study: Study, *, everything: bool) -> None:
        super().__init__()
        self.study = study
        self.everything = everything


class AnswerTold(Message):
    """An answer has been found.

    Attributes:
        study: what it is about.
        at_us: the moment it is about, where it is about one.
    """

    def __init__(self, study: Study, question: Question, at_us: int, told: Answer) -> None:
        super().__init__()
        self.study = study
        self.question = question
        self.at_us = at_us
        self.answer = told


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
        self._study: Study | None = None
        self._at_us = 0
        self._told: AnswerTold | None = None
        self._trouble = ""
        self._known: dict[tuple[Question, int], AnswerTold] = {}

    def compose(self) -> ComposeResult:
        yield TitleBar()
        yield QuestionLine()
        yield StyledLines()
        yield KeyBar(
            [
                ("insights.next", "next question"),
                ("insights.all", "this session or all"),
                ("insights.earlier insights.later", "move the moment"),
                ("text.down text.up", "scroll"),
                ("insights.close", "close"),
                ("app.help", "help"),
            ]
        )

    def on_mount(self) -> None:
        """Begin to read."""
        self.query_one(StyledLines).focus()
        self._read()

    def _read(self) -> None:
        everything, session_id = self.everything, self.subject.session_id
        settings = self.services.settings
        self._trouble = ""
        self._study, self._told = None, None
        self._known.clear()
        self._show()

        def read(reader: Reader) -> StudyTold:
            chosen = (
                reader.sessions()
                if everything or session_id is None
                else [reader.session(session_id)]
            )
            study = read_study(
                reader,
                chosen,
                thresholds=settings.thresholds,
                first_party=settings.sites.first_party,
            )
            return StudyTold(study, everything=everything)

        self.ask_store(read)

    @on(StudyTold)
    def _study_told(self, message: StudyTold) -> None:
        if message.everything != self.everything:
            return
        self._study = message.study
        summary = message.study.summaries.get(self.subject.session_id or "")
        if summary is not None and not self._at_us:
            self._at_us = parse_at(self.subject.at or MIDDLE, summary.duration_us)
        self._ask()

    def _ask(self) -> None:
        """Find the answer in a thread, unless it has been found before."""
        study, question = self._study, self.question
        at_us = self._at_us if question is Question.MOMENT else 0
        self._told = self._known.get((question, at_us))
        self._show()
        if study is None or self._told is not None:
            return
        session_id = self.subject.session_id or next(iter(study.summaries), None)

        def find(_reader: Reader) -> AnswerTold:
            told = answer(study, question, session_id=session_id, at_us=at_us)
            return AnswerTold(study, question, at_us, told)

        self.ask_store(find)

    @on(AnswerTold)
    def _answer_told(self, message: AnswerTold) -> None:
        if message.study is not self._study:
            return
        self._known[message.question, message.at_us] = message
        at_us = self._at_us if self.question is Question.MOMENT else 0
        if (message.question, message.at_us) == (self.question, at_us):
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
        tabs = self.query_one(QuestionLine)
        tabs.question = self.question
        tabs.refresh()
        study = self._study
        summary = None if study is None else study.summaries.get(self.subject.session_id or "")
        name = (
            "all sessions"
            if self.everything or summary is None
            else summary.label or summary.title or summary.session_id
        )
        state = (
            [] if study is None else [(f"{format_count(len(study.requests))} requests", "muted")]
        )
        self.query_one(TitleBar).tell(["sessions", name, "insights"], state)
        lines = self.query_one(StyledLines)
        if self._told is None:
            words = "Reading the entries …" if study is None else f"{self.question.words} …"
            words = self._trouble or words
            lines.tell([[(words, "@2 muted")]])
        else:
            ascii_only = self.services.settings.app.ascii
            lines.tell(
                answer_view(self._told.answer, self.size.width, ascii_only=ascii_only), keep=keep
            )

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
        self._read()

    def action_step(self, by: int) -> None:
        """Move the moment that is asked about."""
        study = self._study
        summary = None if study is None else study.summaries.get(self.subject.session_id or "")
        if summary is not None:
            self._at_us = min(max(0, self._at_us + by * STEP_US), summary.duration_us)
            self._ask()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The moment moves only where it is asked about."""
        return action != "step" or self.question is Question.MOMENT
