"""One pageview request by request and phase by phase, or all loads of its page as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message

from perftui.analysis.aggregate import AggregatedPage, aggregate
from perftui.analysis.critical_path import critical_chain
from perftui.analysis.describe import Surroundings, severity_of
from perftui.analysis.endpoints import endpoint, short_url, split_url, url_endpoint
from perftui.analysis.lanes import lanes
from perftui.analysis.marks import Mark, page_marks
from perftui.analysis.phases import phase_durations, request_duration_us
from perftui.analysis.resource_type import resource_type
from perftui.analysis.text import format_bytes, format_duration
from perftui.analysis.vitals import vitals
from perftui.analysis.waterfall import Viewport, fit_viewport
from perftui.analysis.waterfall_text import page_viewport
from perftui.model import PageView, Reader, Record, SessionSummary
from perftui.screens.base import BaseScreen, StoreTrouble
from perftui.screens.registry import Services, Subject
from perftui.widgets.key_bar import KeyBar
from perftui.widgets.row_list import RowList
from perftui.widgets.title_bar import TitleBar
from perftui.widgets.waterfall_rows import (
    Axis,
    Columns,
    Foot,
    LanesView,
    Rows,
    WaterfallPainter,
    WaterfallRow,
    legend,
)

SORTS = ("start", "duration", "size", "type", "domain")

ZOOM = 1.6
PAN_CELLS = 8

MOST_LOADS = 200
"""Pageviews of a page that are laid over each other: the latest ones."""


class WaterfallTold(Message):
    """A pageview with its entries."""

    def __init__(
        self,
        summary: SessionSummary,
        page_views: Sequence[PageView],
        view: PageView,
        records: Sequence[Record],
        baseline: dict[str, int] | None,
    ) -> None:
        super().__init__()
        self.summary = summary
        self.page_views = tuple(page_views)
        self.view = view
        self.records = tuple(records)
        self.baseline = baseline


class AggregateTold(Message):
    """All loads of a page."""

    def __init__(self, page: str, aggregated: AggregatedPage) -> None:
        super().__init__()
        self.page = page
        self.aggregated = aggregated


def look_up(
    reader: Reader, session_id: str, page_view_id: str | None, baseline: str | None
) -> WaterfallTold | StoreTrouble:
    """Read a pageview: the one asked for, else the first with requests."""
    views = reader.page_views(session_id)
    chosen = next((view for view in views if view.page_view_id == page_view_id), None)
    if chosen is None:
        chosen = next((view for view in views if view.request_count), views[0] if views else None)
    if chosen is None:
        return StoreTrouble("This session has no pageview yet.")
    records = list(reader.iter_records(session_id, page_view_id=chosen.page_view_id))
    usual = None
    if baseline == "median":
        usual = {}
        for record in records:
            name = endpoint(record.entry.method, record.entry.name)
            if record.entry.is_request and name not in usual:
                median = reader.usual(name).median_us
                if median is not None:
                    usual[name] = median
    return WaterfallTold(reader.session(session_id), views, chosen, records, usual)


def look_up_page(reader: Reader, page: str) -> AggregateTold:
    """Read all loads of a page, of all sessions, the latest ones."""
    loads: list[tuple[PageView, list[Record]]] = []
    for summary in reader.sessions():
        for view in reader.page_views(summary.session_id):
            if view.url is not None and url_endpoint(view.url) == page and view.request_count:
                records = list(
                    reader.iter_records(summary.session_id, page_view_id=view.page_view_id)
                )
                loads.append((view, records))
        if len(loads) >= MOST_LOADS:
            break
    return AggregateTold(page, aggregate(loads))


class WaterfallScreen(BaseScreen):
    """See the module's docstring."""

    NAME = "waterfall"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "back", "Close", show=False, id="waterfall.close"),
        Binding("h,left", "pan(-1)", "Pan left", show=False, id="waterfall.left", priority=True),
        Binding("l,right", "pan(1)", "Pan right", show=False, id="waterfall.right", priority=True),
        Binding("plus,equals_sign", "zoom(1)", "Zoom in", show=False, id="waterfall.in"),
        Binding("minus", "zoom(-1)", "Zoom out", show=False, id="waterfall.out"),
        Binding("0", "fit", "Fit everything", show=False, id="waterfall.fit"),
        Binding("z", "zoom_row", "Zoom to the row", show=False, id="waterfall.zoom-row"),
        Binding("s", "sort", "Sort by the next column", show=False, id="waterfall.sort"),
        Binding("p", "group", "Group by domain or type", show=False, id="waterfall.group"),
        Binding("c", "chain", "Chain to the LCP", show=False, id="waterfall.chain"),
        Binding("t", "color", "Colour by phase or type", show=False, id="waterfall.color"),
        Binding(
            "b", "baseline", "Against the endpoints' medians", show=False, id="waterfall.baseline"
        ),
        Binding(
            "a", "aggregate", "All loads of the page as one", show=False, id="waterfall.aggregate"
        ),
        Binding("n", "view(1)", "Next pageview", show=False, id="waterfall.next"),
        Binding("N", "view(-1)", "Pageview before", show=False, id="waterfall.before"),
        Binding("y", "copy", "Copy the row", show=False, id="waterfall.copy"),
    ]

    def __init__(self, services: Services, subject: Subject) -> None:
        super().__init__(services, subject)
        self._painter = WaterfallPainter()
        self._told: WaterfallTold | None = None
        self._page: AggregateTold | None = None
        self._aggregated = False
        self._sort = 0
        self._group = ""
        self._baseline: str | None = None
        self._viewport: Viewport | None = None
        self._chain: tuple[int, ...] = ()
        self._marks: tuple[Mark, ...] = ()

    def compose(self) -> ComposeResult:
        yield TitleBar()
        yield Axis()
        yield RowList(self._painter)
        yield LanesView()
        yield Foot()
        yield KeyBar(
            [
                ("list.down list.up", "row"),
                ("waterfall.left waterfall.right", "pan"),
                ("waterfall.in waterfall.out", "zoom"),
                ("waterfall.fit", "fit"),
                ("waterfall.zoom-row", "zoom row"),
                ("waterfall.sort", "sort"),
                ("waterfall.group", "group"),
                ("waterfall.chain", "chain"),
                ("waterfall.aggregate", "all loads"),
                ("waterfall.baseline", "baseline"),
                ("waterfall.color", "colour"),
                ("app.help", "help"),
            ]
        )

    def on_mount(self) -> None:
        """Begin to read."""
        self._painter.palette = self.palette
        self.query_one(RowList).focus()
        self._ask()

    def here(self) -> Subject:
        """The pageview and the selected request."""
        row = self.query_one(RowList).selected_row
        seq = row.record.seq if isinstance(row, WaterfallRow) and row.record is not None else None
        view = None if self._told is None else self._told.view.page_view_id
        return replace(self.subject, page_view_id=view, seq=seq)

    def _ask(self) -> None:
        session_id, view_id = self.subject.session_id, self.subject.page_view_id
        baseline = self._baseline
        if session_id is not None:
            self.ask_store(lambda reader: look_up(reader, session_id, view_id, baseline))

    @on(WaterfallTold)
    def _waterfall_told(self, message: WaterfallTold) -> None:
        same = self._told is not None and self._told.view.page_view_id == message.view.page_view_id
        self._told = message
        if not same:
            self._viewport = None
        measured = vitals(message.records, message.view, self.services.settings.thresholds)
        loaded = message.view.kind in {None, "load"}
        self._marks = page_marks(message.records, measured) if loaded else ()
        chain = critical_chain(message.records, measured.lcp)
        self._chain = tuple(step.record.seq for step in chain.steps) if chain else ()
        self._show(keep=same)

    @on(AggregateTold)
    def _aggregate_told(self, message: AggregateTold) -> None:
        self._page = message
        self._viewport = None
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
        self._show(keep=True)

    def palette_changed(self) -> None:
        self._painter.palette = self.palette
        self._show(keep=True)
        super().palette_changed()

    # ---- what is shown --------------------------------------------------------------------

    def _show(self, *, keep: bool) -> None:
        if not self.is_mounted or self._told is None:
            return
        rows = self._aggregate_rows() if self._aggregated else self._rows()
        width = Columns.of(self.size.width).chart_width
        if self._viewport is None:
            self._viewport = self._whole(width)
        self._viewport = self._viewport._replace(width=width)
        marks = () if self._aggregated else self._marks
        painter = self._painter
        painter.viewport = self._viewport
        painter.grid = {
            cell: mark.name
            for mark in marks
            if 0 <= (cell := self._viewport.cell(mark.at_us)) < width
        }
        listed = self.query_one(RowList)
        listed.show(Rows(rows), keep=keep)
        listed.repaint()
        self.query_one(Axis).tell(self._viewport, marks, self._words(len(rows)))
        self._tell_lanes()
        self._tell_foot()
        self._tell_title()

    def _whole(self, width: int) -> Viewport:
        told = self._told
        assert told is not None
        if self._aggregated and self._page is not None:
            return fit_viewport(0, self._page.aggregated.end_us, width)
        requests = [record for record in told.records if record.entry.is_request]
        return page_viewport(told.view, requests, self._marks, width)

    def _words(self, count: int) -> str:
        if self._viewport is None:
            return ""
        sort = SORTS[self._sort]
        group = f", by {self._group}" if self._group else ""
        return f"{count} rows, sorted by {sort}{group}"

    def _rows(self) -> list[WaterfallRow]:
        told = self._told
        assert told is not None
        around = Surroundings(
            session_start_us=told.summary.started_us,
            page_urls={view.page_view_id: view.url for view in told.page_views},
            thresholds=self.services.settings.thresholds,
            first_party=self.services.settings.sites.first_party,
        )
        requests = sorted(
            (record for record in told.records if record.entry.is_request),
            key=lambda record: (record.entry.start_us, record.seq),
        )
        baseline = told.baseline or {}
        rows = [
            WaterfallRow(
                number=number,
                record=record,
                severity=severity_of(record, around),
                page_url=told.view.url,
                on_chain=record.seq in self._chain,
                was_us=baseline.get(endpoint(record.entry.method, record.entry.name)),
            )
            for number, record in enumerate(requests, start=1)
        ]
        rows.sort(key=self._order)
        return self._grouped(rows)

    def _order(self, row: WaterfallRow) -> tuple[object, ...]:
        record = row.record
        assert record is not None
        entry = record.entry
        match SORTS[self._sort]:
            case "duration":
                return (-(request_duration_us(entry) or 0), row.number)
            case "size":
                return (-(entry.transfer_size or 0), row.number)
            case "type":
                return (resource_type(entry).value, row.number)
            case "domain":
                return (split_url(entry.name).host, row.number)
            case _:
                return (row.number,)

    def _grouped(self, rows: list[WaterfallRow]) -> list[WaterfallRow]:
        if not self._group:
            return rows
        groups: dict[str, list[WaterfallRow]] = {}
        for row in rows:
            assert row.record is not None
            entry = row.record.entry
            name = (
                split_url(entry.name).host
                if self._group == "domain"
                else resource_type(entry).value
            )
            groups.setdefault(name, []).append(row)
        listed: list[WaterfallRow] = []
        for name, members in groups.items():
            sizes = sum(one.record.entry.transfer_size or 0 for one in members if one.record)
            listed.append(
                WaterfallRow(0, heading=f"{name}  {len(members)} requests, {format_bytes(sizes)}")
            )
            listed += members
        return listed

    def _aggregate_rows(self) -> list[WaterfallRow]:
        if self._page is None:
            return []
        return [
            WaterfallRow(number, resource=row)
            for number, row in enumerate(self._page.aggregated.rows, start=1)
        ]

    def _tell_lanes(self) -> None:
        told = self._told
        if told is None or self._viewport is None or self._aggregated:
            self.query_one(LanesView).tell(None)
            return
        self.query_one(LanesView).tell(
            lanes(told.records, self._viewport, told.view.time_origin_us)
        )

    def _tell_title(self) -> None:
        told = self._told
        assert told is not None
        requests = [record for record in told.records if record.entry.is_request]
        size = sum(record.entry.transfer_size or 0 for record in requests)
        state = f"{len(requests)} requests {format_bytes(size)}"
        if self._aggregated and self._page is not None:
            state = f"{self._page.aggregated.page_view_count} loads of the page"
        path = split_url(told.view.url or "").path or told.view.url or "?"
        self.query_one(TitleBar).tell(
            [
                "sessions",
                told.summary.label or told.summary.title or told.summary.session_id,
                f"P{told.view.number} {path}",
                "waterfall",
            ],
            [(state, "muted")],
        )

    def _tell_foot(self) -> None:
        if self._told is None or not self.is_mounted:
            return
        row = self.query_one(RowList).selected_row
        lines: list[list[tuple[str, str]]] = [[], self._chain_words(), legend(self.palette)]
        if isinstance(row, WaterfallRow) and row.record is not None:
            lines[0] = self._row_words(row)
        elif isinstance(row, WaterfallRow) and row.resource is not None:
            one = row.resource
            lines[0] = [
                (f"{one.endpoint} ", "foreground"),
                (f"in {one.present} of {self._loads()} loads", "muted"),
                (
                    f"  start {format_duration(one.start.p25_us)} to {format_duration(one.start.p75_us)}",
                    "muted",
                ),
            ]
        self.query_one(Foot).tell(lines)

    def _loads(self) -> int:
        return 0 if self._page is None else self._page.aggregated.page_view_count

    def _row_words(self, row: WaterfallRow) -> list[tuple[str, str]]:
        record = row.record
        assert record is not None
        entry = record.entry
        parts: list[tuple[str, str]] = [
            (f"#{row.number} ", "primary"),
            (
                f"{entry.method or ''} {short_url(entry.name, row.page_url)}  ".lstrip(),
                "foreground",
            ),
            (f"start {format_duration(entry.start_us)}  ", "muted"),
        ]
        if entry.is_timing_opaque:
            parts.append(("no Timing-Allow-Origin: only the total is known  ", "muted"))
        else:
            parts += [
                (f"{name.value} {format_duration(duration)}  ", "muted")
                for name, duration in phase_durations(entry).items()
                if duration
            ]
        parts.append((f"= {format_duration(request_duration_us(entry))}  ", "foreground"))
        parts.append(
            (f"{format_bytes(entry.transfer_size)} {entry.next_hop_protocol or ''}  ", "muted")
        )
        if row.severity is not None and row.severity.reasons:
            parts.append((row.severity.words, "warning"))
        return parts

    def _chain_words(self) -> list[tuple[str, str]]:
        told = self._told
        assert told is not None
        if self._aggregated:
            return [("bars are medians, whiskers the middle half of starts and ends", "muted")]
        if not self._chain:
            return [("no Largest Contentful Paint, so no chain to it", "faint")]
        names = {record.seq: short_url(record.entry.name, told.view.url) for record in told.records}
        arrow = f" {self.palette.glyphs.chevron} "
        parts: list[tuple[str, str]] = [("chain to LCP  ", "primary")]
        for place, seq in enumerate(self._chain):
            parts.append(((arrow if place else "") + names.get(seq, "?"), "foreground"))
        return parts

    # ---- keys -----------------------------------------------------------------------------

    def _look(self, viewport: Viewport) -> None:
        self._viewport = viewport
        self._show(keep=True)

    def action_pan(self, way: int) -> None:
        """Move the stretch of time."""
        if self._viewport is not None:
            self._look(self._viewport.pan(way * PAN_CELLS))

    def action_zoom(self, way: int) -> None:
        """Show less or more time, around the selected row."""
        if self._viewport is None:
            return
        row = self.query_one(RowList).selected_row
        around = None
        if isinstance(row, WaterfallRow) and row.record is not None:
            start = row.record.entry.start_us
            if self._viewport.start_us <= start < self._viewport.end_us:
                around = start
        self._look(self._viewport.zoom(ZOOM**way, around))

    def action_fit(self) -> None:
        """Show everything."""
        if self._viewport is not None:
            self._look(self._whole(self._viewport.width))

    def action_zoom_row(self) -> None:
        """Show the selected request alone."""
        row = self.query_one(RowList).selected_row
        if self._viewport is None or not isinstance(row, WaterfallRow) or row.record is None:
            return
        entry = row.record.entry
        duration = max(1_000, request_duration_us(entry) or 0)
        margin = duration // 10
        self._look(
            Viewport(
                entry.start_us - margin, entry.start_us + duration + margin, self._viewport.width
            )
        )

    def action_sort(self) -> None:
        """Sort by the next column."""
        self._sort = (self._sort + 1) % len(SORTS)
        self._show(keep=True)

    def action_group(self) -> None:
        """Group by domain, by type, or not at all."""
        self._group = {"": "domain", "domain": "type", "type": ""}[self._group]
        self._show(keep=True)

    def action_chain(self) -> None:
        """Light up the chain of requests that led to the LCP."""
        if not self._chain:
            self.say("This pageview has no chain to an LCP")
            return
        self._painter.chain = not self._painter.chain
        self._show(keep=True)

    def action_color(self) -> None:
        """Colour the bars by phase or by kind of request."""
        self._painter.by_type = not self._painter.by_type
        self._show(keep=True)

    def action_baseline(self) -> None:
        """Show each request's difference to what its endpoint usually takes."""
        self._baseline = None if self._baseline else "median"
        self._ask()

    def action_aggregate(self) -> None:
        """All loads of the page as one, or this one again."""
        if self._told is None or self._told.view.url is None:
            return
        self._aggregated = not self._aggregated
        self._viewport = None
        if self._aggregated:
            page = url_endpoint(self._told.view.url)
            self.ask_store(lambda reader: look_up_page(reader, page))
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
        self.subject = replace(
            self.subject, page_view_id=views[places[0] + by].page_view_id, seq=None
        )
        self._ask()

    def action_copy(self) -> None:
        """Copy the selected request in one of several forms."""
        row = self.query_one(RowList).selected_row
        told = self._told
        if told is not None and isinstance(row, WaterfallRow) and row.record is not None:
            from perftui.screens.copying import copy_menu

            around = Surroundings(
                session_start_us=told.summary.started_us,
                page_urls={view.page_view_id: view.url for view in told.page_views},
                thresholds=self.services.settings.thresholds,
            )
            copy_menu(self, row.record, around, (told.summary, told.page_views))
