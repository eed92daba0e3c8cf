"""One pageview request by request and phase by phase, or all loads of its page as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Input

from perftui.analysis.age import format_age
from perftui.analysis.aggregate import occurrences
from perftui.analysis.baseline import difference
from perftui.analysis.describe import Surroundings
from perftui.analysis.endpoints import url_endpoint
from perftui.analysis.filters import Filter, FilterContext, find_duplicates
from perftui.analysis.lanes import concurrency, lanes
from perftui.analysis.marks import Mark
from perftui.analysis.page_notes import page_notes
from perftui.analysis.phases import request_end_us
from perftui.analysis.session_names import session_name
from perftui.analysis.severity import Level
from perftui.analysis.waterfall import Viewport, fit_viewport
from perftui.analysis.waterfall_list import (
    WaterfallRow,
    arranged,
    request_rows,
    resource_rows,
)
from perftui.analysis.waterfall_text import page_viewport
from perftui.model import Record
from perftui.screens.base import StoreTrouble
from perftui.screens.filter_screen import FILTER_HINTS, FilterScreen
from perftui.screens.menu import Choice, Menu
from perftui.screens.registry import Services, Subject
from perftui.screens.usual_screen import UsualScreen
from perftui.screens.waterfall_reading import (
    AggregateTold,
    FindBaseline,
    LoadsTold,
    WaterfallTold,
    against_load,
    against_median,
    against_usual,
    find_loads,
    look_up,
    look_up_page,
)
from perftui.screens.waterfall_words import (
    baseline_words,
    chain_words,
    mark_words,
    note_words,
    page_name,
    phase_words,
    resource_words,
    row_words,
    short_words,
    title_parts,
    view_words,
)
from perftui.widgets.filter_line import FilterLine
from perftui.widgets.key_bar import KeyBar
from perftui.widgets.row_list import RowList
from perftui.widgets.title_bar import TitleBar
from perftui.widgets.waterfall_frame import Axis, AxisState, Foot, LanesView, legend
from perftui.widgets.waterfall_rows import Columns, Rows, WaterfallPainter

SORTS = ("start", "duration", "size", "type", "domain")
"""What ``s`` goes through; with a baseline also ``difference``."""

GROUPS = ("", "domain", "type")
"""What ``p`` goes through."""

ZOOM = 1.6
PAN_CELLS = 8

ROOMY = 30
"""Lines from which on all lanes, the overview and all lines of the foot are shown."""


class WaterfallScreen(FilterScreen, UsualScreen):
    """See the module's docstring."""

    NAME = "waterfall"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "back", "Close", show=False, id="waterfall.close"),
        Binding("h,left", "pan(-1)", "Pan left", show=False, id="waterfall.left"),
        Binding("l,right", "pan(1)", "Pan right", show=False, id="waterfall.right"),
        Binding("plus,equals_sign", "zoom(1)", "Zoom in", show=False, id="waterfall.in"),
        Binding("minus", "zoom(-1)", "Zoom out", show=False, id="waterfall.out"),
        Binding("0", "fit", "Fit everything", show=False, id="waterfall.fit"),
        Binding("z", "zoom_row", "Zoom to the row", show=False, id="waterfall.zoom-row"),
        Binding("e", "bad(1)", "Next bad row", show=False, id="waterfall.bad"),
        Binding("E", "bad(-1)", "Bad row before", show=False, id="waterfall.bad-before"),
        Binding("s", "sort", "Sort by the next column", show=False, id="waterfall.sort"),
        Binding("p", "group", "Group by domain or type", show=False, id="waterfall.group"),
        Binding("c", "chain", "Chain to the LCP", show=False, id="waterfall.chain"),
        Binding("t", "color", "Colour by phase or type", show=False, id="waterfall.color"),
        Binding("b", "baseline", "Choose a baseline", show=False, id="waterfall.baseline"),
        Binding(
            "a", "aggregate", "All loads of the page as one", show=False, id="waterfall.aggregate"
        ),
        Binding("n", "view(1)", "Next pageview", show=False, id="waterfall.next"),
        Binding("N", "view(-1)", "Pageview before", show=False, id="waterfall.before"),
        Binding("y", "copy", "Copy the row", show=False, id="waterfall.copy"),
        Binding("x", "export", "Export", show=False, id="waterfall.export"),
    ]

    def __init__(self, services: Services, subject: Subject) -> None:
        super().__init__(services, replace(subject, filter=""))
        self._painter = WaterfallPainter()
        self._told: WaterfallTold | None = None
        self._page: AggregateTold | None = None
        self._aggregated = False
        self._sort = "start"
        self._group = ""
        self._find_baseline: FindBaseline | None = None
        self._all_rows: list[WaterfallRow] = []
        self._viewport: Viewport | None = None

    def compose(self) -> ComposeResult:
        yield TitleBar()
        yield self.filter_line()
        yield Axis()
        yield RowList(self._painter)
        yield LanesView()
        yield Foot()
        yield KeyBar(
            [
                ("waterfall.left waterfall.right", "pan"),
                ("waterfall.in waterfall.out", "zoom"),
                ("waterfall.zoom-row", "zoom row"),
                ("waterfall.sort", "sort"),
                ("waterfall.group", "group"),
                ("waterfall.chain", "chain"),
                ("waterfall.baseline", "baseline"),
                ("waterfall.aggregate", "all loads"),
                ("filter.open", "filter"),
                ("waterfall.color", "colour"),
                ("waterfall.export", "export"),
                *FILTER_HINTS,
                ("app.help", "help"),
            ]
        )

    def on_mount(self) -> None:
        """Begin to read."""
        self._painter.palette = self.palette
        self._arrange()
        self._rows.focus()
        self._ask()

    # ---- parts ----------------------------------------------------------------------------

    @property
    def _rows(self) -> RowList:
        return self.query_one(RowList)

    @property
    def selected_row(self) -> WaterfallRow | None:
        """The row under the cursor."""
        row = self._rows.selected_row
        assert row is None or isinstance(row, WaterfallRow)
        return row

    @property
    def completed_from(self) -> Sequence[int]:
        told = self._told
        return () if told is None else [record.seq for record in told.records]

    @property
    def selected(self) -> Record | None:
        """The request under the cursor; None for a heading and for an aggregated resource."""
        row = self.selected_row
        return None if row is None else row.record

    @property
    def around(self) -> Surroundings:
        """What the requests are judged by, as far as it is known."""
        told = self._told
        assert told is not None
        return Surroundings(
            session_start_us=told.summary.started_us,
            page_urls={view.page_view_id: view.url for view in told.page_views},
            thresholds=self.services.settings.thresholds,
            first_party=self.services.settings.sites.first_party,
            usual=self.usual.known,
        )

    def here(self) -> Subject:
        """The pageview and the selected request."""
        record = self.selected
        view = self.subject.page_view_id if self._told is None else self._told.view.page_view_id
        seq = None if record is None else record.seq
        return replace(self.subject, page_view_id=view, seq=seq)

    # ---- reading --------------------------------------------------------------------------

    def _ask(self) -> None:
        session_id, view_id = self.subject.session_id, self.subject.page_view_id
        baseline, limits = self._find_baseline, self.services.settings.thresholds
        if session_id is not None:
            self.ask_store(lambda reader: look_up(reader, session_id, view_id, limits, baseline))

    @on(WaterfallTold)
    def _waterfall_told(self, message: WaterfallTold) -> None:
        same = self._told is not None and self._told.view.page_view_id == message.view.page_view_id
        self._told = message
        if not same:
            self._viewport = None
            names = [name for name, _number, _record in occurrences(message.records)]
            self.ask_usual(names, message.summary.entry_count)
        self._make_rows()
        self._show(keep=same)
        if not same and self.subject.seq is not None:
            self._rows.move_to(self._rows.source.find(self.subject.seq), centre=True)

    def usual_learned(self) -> None:
        if self._told is not None:
            self._make_rows()
            self._show(keep=True)

    @on(AggregateTold)
    def _aggregate_told(self, message: AggregateTold) -> None:
        self._page = message
        if self._aggregated:
            self._viewport = None
            self._make_rows()
            self._show(keep=False)

    @on(StoreTrouble)
    def _store_trouble(self, message: StoreTrouble) -> None:
        self.query_one(Foot).tell([[(message.words, "muted")]])

    @on(RowList.Moved)
    def _moved(self) -> None:
        self._tell_foot()

    @on(RowList.Chosen)
    def _chosen(self) -> None:
        here = self.here()
        if here.seq is not None:
            self.perftui.open_screen("request", here)

    def on_resize(self) -> None:
        """The same stretch of time, in the new width."""
        self._arrange()
        self._show(keep=True)

    def palette_changed(self) -> None:
        self._painter.palette = self.palette
        self._show(keep=True)
        super().palette_changed()

    # ---- what is shown --------------------------------------------------------------------

    def _arrange(self) -> None:
        """What has room."""
        roomy = self.size.height >= ROOMY
        self.query_one(Axis).styles.height = 3 if roomy else 2
        lanes_view = self.query_one(LanesView)
        lanes_view.display = not self._aggregated
        lanes_view.styles.height = 4 if roomy else 2
        self.query_one(Foot).styles.height = 5 if roomy and not self._aggregated else 4
        line = self.query_one(FilterLine)
        line.display = bool(self.filter_text) or line.query_one(Input).has_focus

    def _make_rows(self) -> None:
        told = self._told
        assert told is not None
        if self._aggregated:
            page = self._page
            self._all_rows = [] if page is None else resource_rows(page.aggregated, told.view.url)
        else:
            self._all_rows = request_rows(
                told.records, self.around, told.view.url, told.chain, told.baseline
            )

    @property
    def _passing(self) -> list[WaterfallRow]:
        """The rows that the filter lets through; aggregated, all of them."""
        predicate, told = self.predicate, self._told
        if predicate is None or told is None or self._aggregated:
            return self._all_rows
        if isinstance(predicate, Filter):
            urls = {view.page_view_id: view.url for view in told.page_views}
            predicate = predicate.within(FilterContext(urls, find_duplicates(told.records)))
        return [
            row
            for row in self._all_rows
            if row.record is not None and predicate.matches(row.record)
        ]

    @property
    def _marks(self) -> tuple[Mark, ...]:
        if self._aggregated:
            return () if self._page is None else self._page.marks
        return () if self._told is None else self._told.marks

    def _show(self, *, keep: bool) -> None:
        if not self.is_mounted or self._told is None:
            return
        passing = self._passing
        width = Columns.of(self.size.width).chart_width
        whole = self._whole(width)
        self._viewport = (self._viewport or whole)._replace(width=width)
        painter = self._painter
        painter.viewport = self._viewport
        painter.grid = {
            cell: mark.name
            for mark in self._marks
            if 0 <= (cell := self._viewport.cell(mark.at_us)) < width
        }
        listed = self._rows
        listed.show(Rows(arranged(passing, self._sort, self._group)), keep=keep)
        listed.repaint()
        self._tell_axis(whole)
        self._tell_lanes()
        self._tell_foot()
        page = self._page.aggregated if self._aggregated and self._page is not None else None
        crumbs, state = title_parts(self._told, page, self._sort, self._group, len(passing))
        self.query_one(TitleBar).tell(crumbs, state)
        if self.filter_text:
            words = f"{len(passing)} of {len(self._all_rows)}"
            self.query_one(FilterLine).tell(words, off=self.filter_off)

    def _whole(self, width: int) -> Viewport:
        told = self._told
        assert told is not None
        if self._aggregated and self._page is not None:
            last = [self._page.aggregated.end_us, *[mark.at_us for mark in self._page.marks]]
            return fit_viewport(0, max(last), width)
        requests = [record for record in told.records if record.entry.is_request]
        return page_viewport(told.view, requests, told.marks, width)

    def _tell_axis(self, whole: Viewport) -> None:
        assert self._viewport is not None
        spans = [
            (row.start_us, row.start_us + (row.duration_us or 0))
            if row.record is None
            else (row.start_us, request_end_us(row.record.entry) or whole.end_us)
            for row in self._all_rows
        ]
        self.query_one(Axis).tell(
            AxisState(
                self._viewport,
                whole,
                tuple(concurrency(spans, whole)),
                self._marks,
                view_words(self._viewport, whole),
                mark_words(self._marks, self.palette, Columns.of(self.size.width).chart - 1),
                seen=self._aggregated,
            )
        )

    def _tell_lanes(self) -> None:
        told = self._told
        if told is not None and self._viewport is not None and not self._aggregated:
            found = lanes(told.records, self._viewport, told.view.time_origin_us)
            self.query_one(LanesView).tell(found)

    def _tell_foot(self) -> None:
        told, row = self._told, self.selected_row
        if told is None or not self.is_mounted:
            return
        palette, foot = self.palette, self.query_one(Foot)
        signs = legend(palette, self.size.width, by_type=self._painter.by_type)
        if self._aggregated:
            loads = 0 if self._page is None else self._page.aggregated.page_view_count
            words = resource_words(row, loads) if row is not None and row.resource else [[], []]
            how = "bars are medians; whiskers are the middle half of the starts and of the ends"
            foot.tell([*words, [(how, "muted")], signs])
            return
        about: list[list[tuple[str, str]]] = [[], []]
        if row is not None and row.record is not None:
            about = [row_words(row, self.usual.known, palette), phase_words(row, palette)]
        elif row is not None:
            about = [[(row.heading, "foreground")], []]
        notes = page_notes(self._all_rows)
        against = None
        if told.baseline is not None:
            found = difference(told.baseline, told.records, told.marks)
            against = baseline_words(told.baseline, found)
        if self.size.height >= ROOMY:
            chain = against or chain_words(told.chain, self._all_rows, palette)
            foot.tell([*about, chain, note_words(notes, palette), signs])
        else:
            short = against or short_words(told.chain, notes, self._all_rows, palette)
            foot.tell([*about, short, signs])

    # ---- the filter -----------------------------------------------------------------------

    def filter_changed(self) -> None:
        self._show(keep=True)

    def filter_left(self) -> None:
        self._rows.focus()
        self.call_after_refresh(self._arrange)

    # ---- keys: time -----------------------------------------------------------------------

    def _look(self, viewport: Viewport) -> None:
        self._viewport = viewport
        self._show(keep=True)

    def action_pan(self, way: int) -> None:
        """Move the stretch of time."""
        if self._viewport is not None:
            self._look(self._viewport.pan(way * PAN_CELLS))

    @on(Axis.Look)
    def _overview_used(self, message: Axis.Look) -> None:
        view = self._viewport
        if view is not None:
            start = message.at_us - view.duration_us // 2
            self._look(Viewport(start, start + view.duration_us, view.width))

    def action_zoom(self, way: int) -> None:
        """Show less or more time, around the selected row."""
        view, row = self._viewport, self.selected_row
        if view is None:
            return
        around = None
        if row is not None and not row.heading and view.start_us <= row.start_us < view.end_us:
            around = row.start_us
        self._look(view.zoom(ZOOM**way, around))

    def action_fit(self) -> None:
        """Show everything."""
        if self._viewport is not None:
            self._look(self._whole(self._viewport.width))

    def action_zoom_row(self) -> None:
        """Show the time of the selected row alone."""
        view, row = self._viewport, self.selected_row
        if view is None or row is None or row.heading:
            return
        duration = max(1_000, row.duration_us or 0)
        margin = duration // 10
        self._look(Viewport(row.start_us - margin, row.start_us + duration + margin, view.width))

    # ---- keys: rows -----------------------------------------------------------------------

    def action_bad(self, by: int) -> None:
        """Select the next or the previous row that is slow or has failed."""
        listed = self._rows
        source = listed.source
        place = listed.cursor + by
        while 0 <= place < len(source):
            severity = source.row(place).severity
            if severity is not None and severity.level >= Level.SLOW:
                listed.move_to(place, centre=True)
                return
            place += by
        self.say("No more bad rows this way")

    def action_sort(self) -> None:
        """Sort by the next column."""
        compared = self._told is not None and self._told.baseline is not None
        sorts = (*SORTS, "difference") if compared and not self._aggregated else SORTS
        at = sorts.index(self._sort) if self._sort in sorts else -1
        self.action_sort_by(sorts[(at + 1) % len(sorts)])

    def action_sort_by(self, name: str) -> None:
        """Sort by a column; see ``SORTS``."""
        self._sort = name
        self._rearranged()

    def action_group(self) -> None:
        """Group by domain, by type, or not at all."""
        self._group = GROUPS[(GROUPS.index(self._group) + 1) % len(GROUPS)]
        self._rearranged()

    def _rearranged(self) -> None:
        """At the top of the list the top stays in view; else the selected row does."""
        top = self._rows.scroll_offset.y == 0 and self._rows.cursor <= 1
        self._show(keep=not top)

    def action_chain(self) -> None:
        """Light up the chain of requests that led to the LCP, or without one to the load event."""
        if self._told is None or self._told.chain is None or self._aggregated:
            self.say("No chain to an LCP or a load event is known here")
            return
        self._painter.chain = not self._painter.chain
        self._show(keep=True)

    def action_color(self) -> None:
        """Colour the bars by phase or by kind of request."""
        self._painter.by_type = not self._painter.by_type
        self._show(keep=True)

    # ---- keys: other loads ----------------------------------------------------------------

    def action_baseline(self) -> None:
        """Choose what the requests are held against."""
        told = self._told
        if told is not None and told.view.url is not None:
            view = told.view
            self.ask_store(lambda reader: find_loads(reader, view))

    @on(LoadsTold)
    def _loads_told(self, message: LoadsTold) -> None:
        told = self._told
        if told is None or self.app.screen is not self:
            # It may have been left, or have opened another menu, before the store has answered.
            return
        limits = self.services.settings.thresholds
        found: dict[str, FindBaseline | None] = {"none": None, "usual": against_usual}
        choices: list[Choice] = []
        if message.loads:
            choices.append(Choice("m", "the median of all loads of this page", "median"))
            found["median"] = against_median(limits)
        choices.append(Choice("u", "what each endpoint usually takes", "usual"))
        now = self.services.clock.now_us()
        for key, (summary, view) in enumerate(message.loads, start=1):
            here = summary.session_id == told.summary.session_id
            where = "this session" if here else session_name(summary)
            name = page_name(view)
            words = f"{name}, {where}, {format_age(now - view.start_epoch_us)} ago"
            choices.append(Choice(str(key), words, str(key)))
            named = name if here else f"{name} of {where}"
            found[str(key)] = against_load(named, summary.session_id, view.page_view_id, limits)
        if told.baseline is not None:
            choices.append(Choice("0", "no baseline", "none"))

        def chosen(value: str | None) -> None:
            if value is not None:
                self._find_baseline = found[value]
                if value == "none" and self._sort == "difference":
                    self._sort = "start"
                self._ask()

        self.app.push_screen(Menu("hold this load against", choices), chosen)

    def action_aggregate(self) -> None:
        """All loads of the page as one, or this one again."""
        told = self._told
        if told is None or told.view.url is None:
            return
        self._aggregated = not self._aggregated
        self._viewport = None
        if self._aggregated:
            page, limits = url_endpoint(told.view.url), self.services.settings.thresholds
            self._page = None
            self.ask_store(lambda reader: look_up_page(reader, page, limits))
        self._arrange()
        self._make_rows()
        self._show(keep=False)

    def action_view(self, by: int) -> None:
        """Go to the next or the previous pageview with requests."""
        told = self._told
        if told is None:
            return
        views = [view for view in told.page_views if view.request_count]
        places = [
            place for place, view in enumerate(views) if view.page_view_id == told.view.page_view_id
        ]
        if not places or not 0 <= places[0] + by < len(views):
            self.say("No more pageviews")
            return
        self._aggregated = False
        self._arrange()
        self.subject = replace(
            self.subject, page_view_id=views[places[0] + by].page_view_id, seq=None
        )
        self._ask()

    # ---- keys: out of here ----------------------------------------------------------------

    def action_copy(self) -> None:
        """Copy the selected request in one of several forms."""
        record, told = self.selected, self._told
        if told is not None and record is not None:
            from perftui.screens.copying import copy_menu

            copy_menu(self, record, self.around, (told.summary, told.page_views))
        elif self._aggregated:
            self.say("This row is many requests: a shows this load, y copies one of its")

    def action_export(self) -> None:
        """Export what is seen."""
        told = self._told
        if told is None:
            return
        from perftui.screens.copying import export_waterfall_menu

        page = self._page if self._aggregated else None
        export_waterfall_menu(
            self,
            [row.record for row in self._passing if row.record is not None],
            self.around,
            (told.summary, told.page_views),
            told.view,
            None if page is None else (page.page, page.aggregated),
        )

    def action_open(self, name: str) -> None:
        """Open another screen on what is selected."""
        self.perftui.open_screen(name, self.here())

    def action_back(self) -> None:
        """Close what is open, else go back."""
        if self.focused is not None and self.focused is not self._rows:
            self._rows.focus()
            self._arrange()
        elif self.filter_text:
            self.set_filter("")
        else:
            super().action_back()
