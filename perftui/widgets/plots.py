"""Distributions and trends of an answer, plotted by plotext (textual-plotext).

What is drawn is told in words and figures by the answer itself; a plot is never needed to read it.
plotext tells colours by escape sequences: these become variables of the theme, so that a plot goes
the way of all other text, to themes, terminals without colour and ASCII.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, ClassVar

from textual import events, on, work
from textual.message import Message

from perftui.analysis.insights.answer import Answer, Distribution, Trend
from perftui.analysis.rendering.cells import words
from perftui.analysis.text import fit, sanitise
from perftui.widgets.styled_lines import StyledLine, StyledLines

HEIGHT = 14
"""Lines of a plot with its heading, where there is room."""

_VALUES, _BESIDE = "red", "blue"
_STYLES = {"": "muted", "1": "accent", "4": "primary"}
"""plotext's number of a colour, and the theme variable that stands for it; empty: the axes."""

_COLOUR = re.compile(r"\x1b\[(?:38;5;(\d+))?[\d;]*m")

_NOTHING = "Nothing to plot: the distribution of calls is in api, a trend over sessions in change."


def plot_lines(answer: Answer, width: int, height: int, *, ascii_only: bool) -> list[StyledLine]:
    """The first plot of an answer with its heading, in so many cells; a sentence where there is
    none. Takes milliseconds, and the first time as long as importing plotext."""
    for distribution in answer.distributions:
        marks = "  ".join(
            f"{name} {words(value, distribution.unit)}" for name, value in distribution.marks
        )
        return [
            _heading(distribution.title, marks),
            *_drawn(_distribution(distribution, width, height - 1, ascii_only)),
        ]
    for trend in answer.trends:
        about = f"median (line), p25 and p75 (dots) of {len(trend.labels)} points in order of time"
        if trend.since is not None:
            about += "; upright: the chosen moment"
        return [
            _heading(trend.title, about),
            *_drawn(_trend(trend, width, height - 1, ascii_only)),
        ]
    return [[(f" {_NOTHING}", "muted")]]


def _heading(title: str, about: str) -> StyledLine:
    return [(f" {sanitise(title)}", "!primary"), (f"   {about}", "muted")]


def _drawn(plot: Any) -> Iterator[StyledLine]:
    for line in plot.build().splitlines():
        # What stands between the codes alternates with the number of the colour from there on.
        parts = _COLOUR.split(line)
        colours = ["", *(colour or "" for colour in parts[1::2])]
        yield [
            (text, _STYLES.get(colour, "muted"))
            for text, colour in zip(parts[0::2], colours, strict=True)
            if text
        ]


def _canvas(width: int, height: int) -> Any:
    from textual_plotext.plot import Plot

    plot: Any = Plot()
    # Otherwise a plot is no larger than the terminal that the process was started in; as
    # textual-plotext's own widget does it.
    plot._limit_size(False, False)
    plot._set_size(width, height)
    plot.theme("clear")
    return plot


def _ticks(low: float, high: float, count: int) -> list[float]:
    return [low + (high - low) * place / (count - 1) for place in range(count)]


def _distribution(told: Distribution, width: int, height: int, ascii_only: bool) -> Any:
    plot = _canvas(width, height)
    bins = len(told.counts)
    # A column of cells at a time: where plotext draws a bar as an area, its foot is narrower.
    middles = [(cell + 0.5) / width * bins for cell in range(width)]
    filled = [(middle, count) for middle in middles if (count := told.counts[int(middle)])]
    plot.scatter(
        [middle - 0.5 for middle, _ in filled],
        [count for _, count in filled],
        fillx=True,
        marker="#" if ascii_only else "sd",
        color=_VALUES,
    )
    plot.xlim(-0.5, bins - 0.5)
    plot.ylim(0, max(told.counts))
    first, last = told.edges[0], told.edges[-1]
    if 0 < first < last:
        for _, value in told.marks:
            # The bins widen by an equal factor.
            place = math.log(max(value, first) / first) / math.log(last / first) * bins
            plot.vline(min(place, bins) - 0.5, color=_BESIDE)
    places = [0, bins // 4, bins // 2, 3 * bins // 4, bins]
    plot.xticks(
        [place - 0.5 for place in places], [words(told.edges[place], told.unit) for place in places]
    )
    most = max(told.counts)
    ticks = sorted({0, most // 2, most})
    plot.yticks(ticks, [str(one) for one in ticks])
    return plot


def _trend(told: Trend, width: int, height: int, ascii_only: bool) -> Any:
    plot = _canvas(width, height)
    known: list[float] = []
    for values in (told.lows, told.highs):
        known += _points(plot, values, "." if ascii_only else "dot", line=False)
    known += _points(plot, told.medians, "*" if ascii_only else "braille", line=True)
    if told.since is not None:
        plot.vline(told.since - 0.5, color=_BESIDE)
    last = len(told.labels) - 1
    places = sorted({0, last // 2, last})
    names = [fit(sanitise(told.labels[place]), 12).rstrip() for place in places]
    if len(set(names)) < len(names):
        # Sessions of one minute have IDs that begin alike.
        names = [str(place + 1) for place in places]
    plot.xticks(places, names)
    plot.xlim(-0.5, last + 0.5)
    low, high = min(known, default=0), max(known, default=0)
    if low < high:
        ticks = _ticks(low, high, 4)
        plot.yticks(ticks, [words(value, told.unit) for value in ticks])
    return plot


def _points(plot: Any, values: Sequence[float | None], marker: str, *, line: bool) -> list[float]:
    """Draw what is known of some values, a line with gaps where nothing is, and give it back."""
    known = [(place, value) for place, value in enumerate(values) if value is not None]
    for _, run in groupby(enumerate(known), key=lambda one: one[1][0] - one[0]):
        places, here = zip(*(point for _, point in run), strict=True)
        draw = plot.plot if line and len(here) > 1 else plot.scatter
        draw(list(places), list(here), marker=marker, color=_VALUES if line else _BESIDE)
    return [value for _, value in known]


class PlotPane(StyledLines):
    """The plot of an answer, at the foot of a screen; hidden until it is asked for."""

    DEFAULT_CSS: ClassVar[str] = """
    PlotPane {
        height: 40%;
        max-height: 14;
        min-height: 8;
        display: none;
        background: $surface;
    }
    """

    class Drawn(Message):
        """A plot has been drawn."""

        def __init__(self, answer: Answer, lines: list[StyledLine]) -> None:
            super().__init__()
            self.answer = answer
            self.lines = lines

    def __init__(self, *, ascii_only: bool) -> None:
        super().__init__(id="plot")
        self._ascii_only = ascii_only
        self._answer: Answer | None = None

    def plot(self, answer: Answer | None) -> None:
        """Show the plot of an answer, unless hidden; nothing while there is none."""
        self._answer = answer
        if self.display and answer is not None and self.size.width:
            self._draw(answer, self.size.width - 1, min(HEIGHT, self.size.height))

    @work(thread=True, exclusive=True, group="plot", exit_on_error=True)
    def _draw(self, answer: Answer, width: int, height: int) -> None:
        lines = plot_lines(answer, max(20, width), max(6, height), ascii_only=self._ascii_only)
        self.post_message(self.Drawn(answer, lines))

    @on(Drawn)
    def _drawn(self, message: Drawn) -> None:
        message.stop()
        if message.answer is self._answer:
            self.tell(message.lines)

    def on_resize(self, event: events.Resize) -> None:
        super().on_resize(event)
        self.plot(self._answer)
