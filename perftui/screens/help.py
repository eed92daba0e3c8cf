"""The keys of the screen below, and how to read what it shows."""

from __future__ import annotations

from textwrap import wrap
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from perftui.analysis.phases import PhaseName
from perftui.screens.base import BaseScreen
from perftui.screens.registry import Services, Subject
from perftui.widgets.key_bar import KeyBar
from perftui.widgets.key_table import GROUPS, KeyRow, key_rows
from perftui.widgets.palette import Glyphs, Palette
from perftui.widgets.styled_lines import StyledLine, StyledLines, beside
from perftui.widgets.title_bar import TitleBar
from perftui.widgets.waterfall_frame import sample

LEGEND: tuple[tuple[str, str, str], ...] = (
    # glyph by name, theme variable, words
    ("slow", "warning", "slow, or slower than this endpoint usually is"),
    ("very_slow", "error", "very slow"),
    ("error", "error", "failed: status 400 or more, blocked, aborted"),
    ("blocking", "muted", "render-blocking"),
    ("opaque", "muted", "only the total is known: no Timing-Allow-Origin"),
    ("third_party", "muted", "a third party: another site than the page's"),
    ("cached", "muted", "from a cache"),
    ("duplicate", "muted", "the same request again"),
    ("growing", "accent", "in flight at the playhead"),
    ("lcp", "success", "First and Largest Contentful Paint"),
    ("long_task", "phase-span", "a long task: the main thread was blocked"),
    ("action", "primary", "the person clicked or typed"),
    ("shift", "phase-span", "the layout shifted"),
    ("capture", "type-fetch", "an analytics event"),
)

PHASES: tuple[tuple[PhaseName, str], ...] = (
    (PhaseName.REDIRECT, "redirects"),
    (PhaseName.QUEUE, "waiting to be sent"),
    (PhaseName.DNS, "name lookup"),
    (PhaseName.CONNECT, "TCP connect"),
    (PhaseName.TLS, "TLS handshake"),
    (PhaseName.REQUEST, "sending the request"),
    (PhaseName.WAIT, "waiting for the first byte"),
    (PhaseName.RECEIVE, "receiving the body"),
    (PhaseName.OPAQUE, "phases withheld: no Timing-Allow-Origin"),
)


TWO_COLUMNS = 110
"""Cells from which on there is room for two columns."""

MOUSE: tuple[tuple[str, str, str], ...] = (
    # name of the screen (empty: all), where, what it does
    ("", "click", "a row: selects it, a second one opens it"),
    ("", "wheel", "scrolls"),
    ("replay", "rail", "click or drag: moves the playhead"),
    ("replay", "marker", "click: goes to what it stands for"),
    ("replay", "tab", "click: turns to it"),
    ("waterfall", "overview", "click or drag: moves the view"),
    ("waterfall", "#, type, url, dur", "click: sorts by it"),
    ("", "key bar", "click: as if the key were pressed"),
)


class HelpScreen(BaseScreen):
    """See the module's docstring."""

    NAME = "help"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark,q", "back", "Close", show=False, id="help.close"),
    ]

    def __init__(self, services: Services, subject: Subject) -> None:
        super().__init__(services, subject)
        self._rows: list[KeyRow] = []
        self._below = ""

    def compose(self) -> ComposeResult:
        yield TitleBar()
        yield StyledLines()
        yield KeyBar([("text.down text.up", "scroll"), ("help.close", "close")])

    def on_mount(self) -> None:
        """Look at the screen below: it is its keys that help is wanted with."""
        stack = self.app.screen_stack
        below: Screen[object] = stack[-2] if len(stack) > 1 else self
        self._below = below.name or ""
        self._rows = key_rows(below)
        self._show()
        self.query_one(StyledLines).focus()

    def on_resize(self) -> None:
        """Two columns where there is room for them."""
        self._show()

    def palette_changed(self) -> None:
        self._show()
        super().palette_changed()

    def _show(self) -> None:
        self.query_one(TitleBar).tell([self._below, "help"], [])
        lines = help_lines(self._rows, self._below, self.palette, self.size.width)
        self.query_one(StyledLines).tell(lines, keep=True)


def help_lines(rows: list[KeyRow], screen: str, palette: Palette, width: int) -> list[StyledLine]:
    """Keys by group, the mouse, the legend, then the filter language; in two columns where there
    is room.

    Args:
        screen: name of the screen that help is wanted with.
    """
    blocks: list[list[StyledLine]] = []
    for prefix, title in GROUPS:
        found = [row for row in rows if row.group == prefix]
        if found:
            lines: list[StyledLine] = [[(title, "@2 !foreground")]]
            lines += [
                [(row.keys, "@2 !primary"), (row.description, "@18 foreground")] for row in found
            ]
            blocks.append([*lines, []])
    mouse: list[StyledLine] = [[("mouse", "@2 !foreground")]]
    mouse += [
        [(where, "@2 !primary"), (words, "@18 foreground")]
        for name, where, words in MOUSE
        if name in {"", screen}
    ]
    half = width // 2 if width >= TWO_COLUMNS else 0
    blocks += [[*mouse, []], [*_legend(palette), []]]
    if any(row.group == "filter" for row in rows):
        blocks.append([*_filter_fields(width - half), []])
    if not half:
        return [line for block in blocks for line in block]
    left: list[StyledLine] = []
    right: list[StyledLine] = []
    for block in blocks:
        side = left if len(left) <= len(right) else right
        side.extend(block)
    return beside(left, right, half)


def _filter_fields(width: int) -> list[StyledLine]:
    """Every field of the filter language, and what may stand there.

    Args:
        width: cells of a line.
    """
    from perftui.analysis.filter_fields import FIELDS

    lines: list[StyledLine] = [[("what a filter may ask", "@2 !foreground")]]
    for name, rule in FIELDS.items():
        words = f"{rule.words}: {', '.join(rule.values)}" if rule.values else rule.words
        signs = ": > <" if rule.compares else ":"
        first, *rest = wrap(words, max(20, width - 27), break_on_hyphens=False)
        lines.append([(name, "@2 !primary"), (signs, "muted"), (first, "@26 foreground")])
        lines += [[(part, "@26 foreground")] for part in rest]
    lines.append([('word, -word, A OR B, (A B), "two words"', "@2 !primary")])
    return lines


def _legend(palette: Palette) -> list[StyledLine]:
    glyphs: Glyphs = palette.glyphs
    lines: list[StyledLine] = [[("signs", "@2 !foreground")]]
    lines += [
        [(getattr(glyphs, name), f"@2 {style}"), (words, "@8 foreground")]
        for name, style, words in LEGEND
    ]
    lines += [[], [("bars", "@2 !foreground")]]
    lines += [
        [(sign * 4, f"@2 {style}"), (words, "@8 foreground")]
        for (sign, style), words in [(sample(name, palette), words) for name, words in PHASES]
    ]
    return lines
