"""What stands around the rows of the waterfall: the axis with its marks, the lanes, the legend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.style import Style
from textual import events
from textual.message import Message

from perftui.analysis.lanes import Lanes, levels, task_level
from perftui.analysis.marks import Mark, mark_labels
from perftui.analysis.phases import PhaseName
from perftui.analysis.resource_type import ResourceType, label
from perftui.analysis.text import cell_width, format_bytes, format_duration
from perftui.analysis.waterfall import Viewport, ticks
from perftui.widgets.bars import TEXTURED
from perftui.widgets.line import Line
from perftui.widgets.painted import Painted
from perftui.widgets.palette import LOWER_EIGHTHS, Palette
from perftui.widgets.vital_badge import RATING_STYLES, rating_glyph
from perftui.widgets.waterfall_rows import Columns

Part = tuple[str, str]
"""A text and what it is painted in, in the words of :meth:`Palette.named`."""


@dataclass(frozen=True, slots=True)
class AxisState:
    """What the axis shows.

    Attributes:
        viewport: the stretch of time of the chart, and ``whole`` all there is.
        in_flight: requests in flight over ``whole``, one count per cell of the chart.
        marks: of the pageview.
        view_words, mark_words: what stands left of the chart, on the line with the overview and
            on the one with the ticks.
        seen: head of the column of the status: aggregated, it is how often a resource is there.
    """

    viewport: Viewport
    whole: Viewport
    in_flight: tuple[int, ...] = ()
    marks: tuple[Mark, ...] = ()
    view_words: tuple[Part, ...] = ()
    mark_words: tuple[Part, ...] = ()
    seen: bool = False


_SORTS = {
    name: Style.from_meta({"@click": f"screen.sort_by('{name}')"})
    for name in ("start", "type", "domain", "duration")
}
"""What a click on the name of a column does."""


class Axis(Painted):
    """Three lines: the whole load with the part in view, round moments, and the names of the
    marks. With two lines of height the first is left out.

    A click or a drag on the overview moves the view there, a click on the name of a column asks the
    screen to sort by it (``screen.sort_by``).
    """

    DEFAULT_CSS: ClassVar[str] = "Axis { height: 3; background: $surface; }"

    class Look(Message):
        """The person wants the view to be around this moment, µs."""

        def __init__(self, at_us: int) -> None:
            super().__init__()
            self.at_us = at_us

        def can_replace(self, message: Message) -> bool:
            """Only the newest place matters."""
            return isinstance(message, Axis.Look)

    def __init__(self) -> None:
        super().__init__()
        self._state = AxisState(Viewport(0, 1, 1), Viewport(0, 1, 1))
        self._dragging = False

    def tell(self, state: AxisState) -> None:
        """Show a state."""
        if state != self._state:
            self._state = state
            self.refresh()

    def paint(self, line: Line, y: int) -> None:
        columns = Columns.of(self.size.width)
        match y + 3 - self.size.height:
            case 0:
                self._overview(line, columns)
            case 1:
                self._ticks(line, columns)
            case _:
                self._head(line, columns)

    def _overview(self, line: Line, columns: Columns) -> None:
        palette, state = self.palette, self._state
        put_parts(line, state.view_words, palette, columns.chart - 1)
        steps = " .:-=+*#@" if palette.ascii else LOWER_EIGHTHS
        view, whole = state.viewport, state.whole
        first, last = whole.cell(view.start_us), whole.cell(max(view.start_us, view.end_us - 1))
        zoomed = first > 0 or last < whole.width - 1
        for cell, height in enumerate(levels(state.in_flight)[: columns.chart_width]):
            inside = first <= cell <= last
            ground = "row-selected" if inside and zoomed else ""
            style = palette.style("primary" if inside else "faint", on=ground)
            line.to(columns.chart + cell).put(steps[height], style)

    def _ticks(self, line: Line, columns: Columns) -> None:
        palette, state = self.palette, self._state
        put_parts(line, state.mark_words, palette, columns.chart - 1)
        for tick in ticks(state.viewport):
            if columns.chart + tick.cell >= line.used:
                line.to(columns.chart + tick.cell)
                line.put(palette.glyphs.tick, palette.style("faint"))
                line.put(tick.label[1:], palette.style("muted"))

    def _head(self, line: Line, columns: Columns) -> None:
        palette = self.palette
        style = palette.style("muted")
        line.to(4).put("#", style + _SORTS["start"])
        if columns.wide:
            line.to(columns.status).put("seen" if self._state.seen else "st", style)
            line.to(columns.kind).put("type", style + _SORTS["type"])
        line.to(columns.url).put("url", style + _SORTS["domain"])
        line.to(columns.duration).cell("dur", style + _SORTS["duration"], 7, right=True)
        for placed in mark_labels(self._state.marks, self._state.viewport, self._names):
            line.to(columns.chart + placed.cell)
            rating = placed.mark.rating
            tone = "accent" if rating is None else RATING_STYLES[rating]
            line.put(placed.text[:1], palette.style("faint"))
            line.put(placed.text[1:], palette.style(tone))

    def _names(self, mark: Mark) -> Sequence[str]:
        glyphs = self.palette.glyphs
        rating = "" if mark.rating is None else rating_glyph(mark.rating, glyphs)
        value = format_duration(mark.at_us)
        return (
            f"{glyphs.grid}{mark.name} {value}{rating}",
            f"{glyphs.grid}{mark.name}{rating}",
            f"{glyphs.grid}{mark.name}",
        )

    # ---- the mouse ------------------------------------------------------------------------

    def _look_at(self, x: int) -> None:
        cell = x - Columns.of(self.size.width).chart
        self.post_message(self.Look(self._state.whole.moment(cell + 0.5)))

    def on_mouse_down(self, event: events.MouseDown) -> None:
        if event.y == self.size.height - 3 and event.x >= Columns.of(self.size.width).chart:
            self._dragging = True
            self.capture_mouse()
            self._look_at(event.x)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        if self._dragging:
            self._look_at(event.x)

    def on_mouse_up(self, event: events.MouseUp) -> None:
        if self._dragging:
            self._dragging = False
            self.release_mouse()


class LanesView(Painted):
    """What else was going on: main thread, requests in flight, bytes, input and shifts. With less
    height the first ones only."""

    DEFAULT_CSS: ClassVar[str] = "LanesView { height: 4; background: $background; }"

    def __init__(self) -> None:
        super().__init__()
        self._lanes: Lanes | None = None

    def tell(self, lanes: Lanes | None) -> None:
        """Show these lanes."""
        self._lanes = lanes
        self.refresh()

    def paint(self, line: Line, y: int) -> None:
        found, palette = self._lanes, self.palette
        if found is None:
            return
        columns = Columns.of(self.size.width)
        steps = " .:-=+*#@" if palette.ascii else LOWER_EIGHTHS
        if y == 0:
            longest = max(found.main_thread, default=0)
            self._label(
                line,
                "main thread",
                f"longest {format_duration(longest)}" if longest else "none reported",
            )
            line.to(columns.chart)
            for duration in found.main_thread[: line.left]:
                level = task_level(duration)
                line.put(steps[min(8, level)], palette.style("warning" if level > 5 else "accent"))
        elif y == 1:
            self._label(line, "in flight", f"most {max(found.in_flight, default=0)}")
            self._heights(line, columns, found.in_flight, steps, "primary")
        elif y == 2:
            known = format_bytes(round(sum(found.received_bytes)))
            unknown = f" (+{found.unknown_size_count} ?)" if found.unknown_size_count else ""
            self._label(line, "bytes", known + unknown)
            self._heights(line, columns, found.received_bytes, steps, "success")
        else:
            glyphs = palette.glyphs
            line.gap(2).put("input ", palette.style("muted"))
            line.put(glyphs.action, palette.style("accent"))
            line.put("  shift ", palette.style("muted"))
            line.put(glyphs.shift, palette.style("warning"))
            cells = {moment.cell: (glyphs.shift, "warning") for moment in found.shifts}
            cells |= {moment.cell: (glyphs.action, "accent") for moment in found.inputs}
            for cell, (glyph, style) in sorted(cells.items()):
                if columns.chart + cell >= line.used:
                    line.to(columns.chart + cell).put(glyph, palette.style(style))

    def _label(self, line: Line, name: str, figure: str) -> None:
        line.gap(2).put(name, self.palette.style("muted")).to(18)
        line.put(figure, self.palette.style("faint"))

    def _heights(
        self,
        line: Line,
        columns: Columns,
        values: Sequence[float],
        steps: str,
        style: str,
    ) -> None:
        line.to(columns.chart)
        heights = levels(values)
        line.put(
            "".join([steps[height] for height in heights[: line.left]]), self.palette.style(style)
        )


class Foot(Painted):
    """Lines of text below the lanes: the selected row, what is notable, the legend."""

    DEFAULT_CSS: ClassVar[str] = "Foot { height: 3; background: $surface; }"

    def __init__(self) -> None:
        super().__init__()
        self.lines: tuple[Sequence[Part], ...] = ()

    def tell(self, lines: Sequence[Sequence[Part]]) -> None:
        """Show lines of texts (which may come from outside)."""
        self.lines = tuple(lines)
        self.refresh()

    def paint(self, line: Line, y: int) -> None:
        put_parts(line, self.lines[y] if y < len(self.lines) else (), self.palette)


def put_parts(line: Line, parts: Sequence[Part], palette: Palette, end: int | None = None) -> None:
    """Texts one after the other, a blank before the first; what would go beyond ``end`` is left
    out from the first part that does not fit, or cut where it is the first."""
    end = line.width - 1 if end is None else end
    line.gap()
    first = True
    for text, style in parts:
        if line.used + cell_width(text.rstrip()) > end:
            if first or end - line.used >= 12:
                line.cell(text, palette.named(style), end - line.used)
            return
        line.outside(text, palette.named(style))
        first = False


PHASE_LEGEND = (
    (PhaseName.QUEUE, "queue"),
    (PhaseName.DNS, "dns"),
    (PhaseName.CONNECT, "tcp"),
    (PhaseName.TLS, "tls"),
    (PhaseName.WAIT, "wait"),
    (PhaseName.RECEIVE, "receive"),
    (PhaseName.OPAQUE, "withheld"),
)

TYPE_LEGEND = (
    ResourceType.DOCUMENT,
    ResourceType.STYLESHEET,
    ResourceType.SCRIPT,
    ResourceType.IMAGE,
    ResourceType.FONT,
    ResourceType.FETCH,
    ResourceType.MEDIA,
    ResourceType.OTHER,
)

SIGN_LEGEND = (
    ("slow", "warning", "slow"),
    ("error", "error", "failed"),
    ("blocking", "muted", "blocks"),
    ("lcp", "success", "LCP"),
    ("cached", "muted", "cache"),
    ("third_party", "muted", "3rd party"),
    ("duplicate", "accent", "again"),
)


def sample(name: PhaseName, palette: Palette) -> Part:
    """One cell of a phase as its bars have it."""
    style = f"phase-{name.value}"
    if palette.plain or palette.ascii:
        return palette.glyphs.textures[name.value], style
    if name in TEXTURED:
        return palette.glyphs.textures[name.value], f"texture-{name.value} on {style}"
    return "█", style


def legend(palette: Palette, width: int, *, by_type: bool = False) -> list[Part]:
    """What the colours of the bars are, and what the signs say, as far as there is room."""
    pairs: list[tuple[Part, str]]
    if by_type:
        pairs = [(("█", f"type-{kind.value}"), label(kind)) for kind in TYPE_LEGEND]
    else:
        pairs = [(sample(name, palette), words) for name, words in PHASE_LEGEND]
    pairs += [((getattr(palette.glyphs, name), style), words) for name, style, words in SIGN_LEGEND]
    parts: list[Part] = []
    left = width - 2
    for (sign, style), words in pairs:
        left -= cell_width(sign) + 1 + len(words)
        if left < 0:
            break
        parts += [(sign, style), (f" {words}  ", "muted")]
        left -= 2
    return parts
