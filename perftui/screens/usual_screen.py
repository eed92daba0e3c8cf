"""A screen that tells of requests what calls of their endpoint usually take, as it becomes known."""

from __future__ import annotations

from collections.abc import Sequence

from textual import on, work
from textual.worker import get_current_worker

from perftui.analysis.usual_book import UsualBook
from perftui.errors import PerftuiError
from perftui.model import Usual
from perftui.screens.base import BaseScreen
from perftui.screens.registry import Services, Subject
from perftui.screens.session_feed import UsualTold


class UsualScreen(BaseScreen):
    """Asks for the endpoints that are in view, in a thread, one after the other: in a large store
    each of them takes some milliseconds.

    Attributes:
        usual: what is known so far.
    """

    def __init__(self, services: Services, subject: Subject) -> None:
        super().__init__(services, subject)
        self.usual = UsualBook()

    def usual_learned(self) -> None:
        """More is known: what is judged by it must be shown anew."""
        raise NotImplementedError

    def ask_usual(self, endpoints: Sequence[str], entry_count: int) -> None:
        """Find out about endpoints of which nothing, or too little, is known.

        Args:
            entry_count: entries of the session; what was found out about much fewer is asked anew.
        """
        wanted = self.usual.wanted(list(endpoints), entry_count)
        if wanted:
            self._find_usual(wanted)

    @work(thread=True, exclusive=True, group="usual")
    def _find_usual(self, endpoints: list[str]) -> None:
        """Ask one by one, and stop when other rows have come into view."""
        worker = get_current_worker()
        try:
            reader = self.services.open_reader()
        except PerftuiError:
            return
        answers: dict[str, Usual] = {}
        try:
            for name in endpoints:
                if worker.is_cancelled:
                    break
                answers[name] = reader.usual(name)
        except PerftuiError:
            return
        finally:
            reader.close()
        self.post_message(UsualTold(answers, [one for one in endpoints if one not in answers]))

    @on(UsualTold)
    def _usual_told(self, message: UsualTold) -> None:
        self.usual.forget(message.unasked)
        if self.usual.learn(message.answers):
            self.usual_learned()
