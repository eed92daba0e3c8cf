"""A screen whose rows a filter narrows: the filter line, its keys, and when a filter takes effect."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.message import Message

from perftui.model import Predicate, Reader, Record
from perftui.screens.base import BaseScreen
from perftui.screens.filtering import check_filter, compile_filter, complete_filter, rows_like
from perftui.screens.registry import Services, Subject
from perftui.screens.rest import REST_SECONDS, Rest
from perftui.widgets.filter_line import FilterLine

if TYPE_CHECKING:
    from perftui.analysis.filter_seen import Seen

FILTER_HINTS: tuple[tuple[str, str], ...] = (
    ("filter.complete", "complete"),
    ("filter.earlier filter.later", "earlier filters"),
    ("filter.close", "clear and close"),
)
"""For the bottom line: what works while a filter is typed, when all other keys are letters of it."""


SAMPLED = 2_000
"""How many entries are looked at for what a filter may be completed with."""

READ_AT_ONCE = 200
"""How many of them are held at once: two thousand are some 5 MiB, which the process would keep."""


class ValuesSeen(Message):
    """Hosts, media types and initiators of the session.

    Attributes:
        among: how many entries there were.
    """

    def __init__(self, among: int, seen: Seen) -> None:
        super().__init__()
        self.among = among
        self.seen = seen

    def can_replace(self, message: Message) -> bool:
        """Only the newest matters."""
        return isinstance(message, ValuesSeen)


class FilterScreen(BaseScreen):
    """A screen with a :class:`FilterLine`, made by :meth:`filter_line`.

    Attributes:
        filter_text: what was typed; empty lets everything through.
        filter_off: it is switched off for now.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "Filter", show=False, id="filter.open"),
        Binding("F", "toggle_filter", "Filter on or off", show=False, id="filter.toggle"),
    ]

    def __init__(self, services: Services, subject: Subject) -> None:
        super().__init__(services, subject)
        self.filter_text = subject.filter
        self.filter_off = False
        self._values: Seen = {}
        self._values_among = 0
        self._typing = Rest(self, REST_SECONDS, self.filter_changed)

    # ---- to be told by the screen itself --------------------------------------------------

    def filter_changed(self) -> None:
        """Other rows are to be shown."""
        raise NotImplementedError

    def filter_left(self) -> None:
        """The filter line is done with: the rows have the keys again."""
        raise NotImplementedError

    @property
    def selected(self) -> Record | None:
        """The entry under the cursor."""
        raise NotImplementedError

    @property
    def completed_from(self) -> Sequence[int]:
        """The positions of the entries whose values a filter may be completed with."""
        return ()

    # ---- the filter -----------------------------------------------------------------------

    def filter_line(self) -> FilterLine:
        """The line to type it in."""
        return FilterLine(
            check_filter,
            lambda text: complete_filter(text, self._values),
            self.perftui.filter_history,
        )

    @property
    def predicate(self) -> Predicate | None:
        """The filter, compiled; None where everything is shown."""
        if self.filter_off:
            return None
        return compile_filter(self.filter_text, self.services.settings)

    def action_filter(self) -> None:
        """Type a filter."""
        line = self.query_one(FilterLine)
        line.display = True
        line.edit()
        self._look_for_values()

    def _look_for_values(self) -> None:
        """Find out what the session holds, unless that is known."""
        entries = self.completed_from
        among = len(entries)
        if among == self._values_among or self.filter_text:
            return
        self._values_among = among
        from perftui.analysis.filter_seen import spread, values_seen

        looked_at = spread(entries, SAMPLED)

        def look(reader: Reader) -> ValuesSeen:
            entries = (
                record.entry
                for first in range(0, len(looked_at), READ_AT_ONCE)
                for record in reader.records(looked_at[first : first + READ_AT_ONCE])
            )
            return ValuesSeen(among, values_seen(entries))

        self.ask_store(look)

    @on(ValuesSeen)
    def _values_seen(self, message: ValuesSeen) -> None:
        if message.among == self._values_among:
            self._values = message.seen

    @on(FilterLine.Typed)
    def _filter_typed(self, message: FilterLine.Typed) -> None:
        if message.text.strip() != self.filter_text.strip():
            self.filter_text, self.filter_off = message.text, False
            # A whole session is not looked through for every letter.
            self._typing.stir()

    @on(FilterLine.Applied)
    def _filter_applied(self, message: FilterLine.Applied) -> None:
        if (history := self.services.history) is not None:
            text = message.text.strip()
            self.run_worker(lambda: history.add(text), thread=True, group="history")
        if self._typing.is_waiting:
            self._typing.drop()
            self.filter_changed()
        self.filter_left()

    @on(FilterLine.Closed)
    def _filter_closed(self) -> None:
        self.set_filter("")

    def set_filter(self, text: str) -> None:
        """Show only what passes a filter; empty shows all."""
        self.filter_off = False
        self.query_one(FilterLine).put(text)
        if text != self.filter_text:
            self.filter_text = text
            self.filter_changed()
        self.filter_left()

    def action_toggle_filter(self) -> None:
        """Switch the filter off and on again."""
        if self.filter_text:
            self.filter_off = not self.filter_off
            self.filter_changed()

    def action_requests(self) -> None:
        """Requests only, or everything again."""
        self.set_filter("" if self.filter_text == "is:request" else "is:request")

    def action_like_this(self) -> None:
        """Only rows like the selected one."""
        if (record := self.selected) is not None:
            self.set_filter(rows_like(record))
