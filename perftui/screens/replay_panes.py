"""What stands below the log: the selected entry in tabs or in one line, or what was happening at the
playhead."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType

from perftui.analysis.describe import Surroundings
from perftui.model import PageView, Record
from perftui.screens.detail_finder import DetailTold, find_detail, has_more
from perftui.screens.player import PlayerScreen
from perftui.screens.registry import Services, Subject
from perftui.widgets.detail_lines import TABS, Detail
from perftui.widgets.detail_pane import DetailPane
from perftui.widgets.moment_pane import MomentPane
from perftui.widgets.summary_line import SummaryLine

PANE_FROM_HEIGHT = 34
"""From this many lines on the detail pane is open by itself; below the log needs them."""

MOST_IN_FLIGHT = 40
"""Requests in flight that are listed: the last started."""

LOOKED_BACK = 60
"""Entries before the playhead among which the last of each kind is looked for."""


class PanesScreen(PlayerScreen):
    """A player with a :class:`DetailPane`, a :class:`SummaryLine` and a :class:`MomentPane`.

    Attributes:
        pane_wanted: whether the person has opened or closed the detail; None leaves it to the
            height of the terminal.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("d", "pane", "Detail pane", show=False, id="replay.pane"),
        Binding("n", "moment", "What was happening now", show=False, id="replay.moment"),
        Binding("t", "turn_tab(1)", "Next tab of the detail", show=False, id="replay.tab"),
        Binding("T", "turn_tab(-1)", "Tab before", show=False, id="replay.tab-before"),
    ]

    def __init__(self, services: Services, subject: Subject) -> None:
        super().__init__(services, subject)
        self.pane_wanted: bool | None = None

    # ---- to be told by the screen itself --------------------------------------------------

    @property
    def selected(self) -> Record | None:
        """The entry under the cursor."""
        raise NotImplementedError

    @property
    def selected_view(self) -> PageView | None:
        """The pageview of that entry; None where it is not known."""
        raise NotImplementedError

    @property
    def surroundings(self) -> Surroundings:
        """What entries are judged by."""
        raise NotImplementedError

    def arrange_parts(self) -> None:
        """Another pane is open."""
        raise NotImplementedError

    # ---- what is shown --------------------------------------------------------------------

    def arrange_panes(self, *, empty: bool) -> None:
        """Give each of them its room.

        Args:
            empty: there is no entry to show anything of.
        """
        height = self.size.height
        moment, pane = self.query_one(MomentPane), self.query_one(DetailPane)
        opened = self.pane_wanted if self.pane_wanted is not None else height >= PANE_FROM_HEIGHT
        pane.display = opened and not empty and not moment.display
        pane.styles.height = moment.styles.height = max(6, min(12, height // 3))
        self.query_one(SummaryLine).display = not (pane.display or moment.display or empty)

    def show_detail(self) -> None:
        """What is known at once of the selected entry."""
        record = self.selected
        pane, line = self.query_one(DetailPane), self.query_one(SummaryLine)
        if record is None:
            pane.tell(None)
            line.tell(None)
            return
        known = pane.detail
        if known is not None and known.record == record:
            detail = Detail(record, self.surroundings, known.similar, known.initiator, known.caused)
        else:
            detail = Detail(record, self.surroundings)
        pane.tell(detail)
        line.tell(detail)

    def find_detail(self) -> None:
        """What the store must be asked for."""
        record = self.selected
        pane = self.query_one(DetailPane)
        similar = pane.tab == "Similar"
        if (
            record is not None
            and pane.display
            and has_more(record, self.selected_view, similar=similar)
        ):
            self.ask_store(lambda reader: find_detail(reader, record, similar=similar))

    @on(DetailTold)
    def _detail_told(self, message: DetailTold) -> None:
        record = self.selected
        if record is not None and record.seq == message.seq:
            told = (message.similar, message.initiator, message.caused)
            self.query_one(DetailPane).tell(Detail(record, self.surroundings, *told))

    def show_moment(self) -> None:
        """What was happening at the playhead, where that is to be seen."""
        moment, timeline = self.query_one(MomentPane), self.timeline
        if not moment.display:
            return
        if timeline is None:
            moment.tell(0, (), (), self.surroundings)
            return
        at_us, seqs = self.player.at_us, timeline.index.seqs
        flying = [seqs[place] for place in timeline.in_flight(at_us, MOST_IN_FLIGHT)]
        count = timeline.visible_count(at_us)
        recent = list(seqs[max(0, count - LOOKED_BACK) : count])
        records = {record.seq: record for record in self.fetch([*flying, *recent])}
        moment.tell(
            at_us,
            [records[seq] for seq in flying if seq in records],
            [records[seq] for seq in recent if seq in records],
            self.surroundings,
        )

    # ---- keys -----------------------------------------------------------------------------

    def action_pane(self) -> None:
        """Open or close the detail pane."""
        moment = self.query_one(MomentPane)
        if moment.display:
            moment.display = False
            self.pane_wanted = True
        else:
            self.pane_wanted = not self.query_one(DetailPane).display
        self.arrange_parts()
        self.show_detail()
        self.find_detail()

    def action_moment(self) -> None:
        """Show what was happening at the playhead, or the detail again."""
        if self.live:
            self.say("Live, now is the last row; ← replays from here")
            return
        moment = self.query_one(MomentPane)
        moment.display = not moment.display
        self.arrange_parts()
        self.show_moment()

    def action_turn_tab(self, by: int) -> None:
        """Turn to the next tab."""
        pane = self.query_one(DetailPane)
        self.action_detail_tab(TABS[(TABS.index(pane.tab) + by) % len(TABS)])

    def action_detail_tab(self, name: str) -> None:
        """Turn to a tab of the detail pane."""
        pane = self.query_one(DetailPane)
        if not pane.display:
            self.action_pane()
        pane.show_tab(name)
        self.find_detail()
