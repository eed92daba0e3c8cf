"""What things look like: styles out of the theme, and glyphs for terminals of every kind.

One :class:`Palette` is made per theme; every widget that paints lines asks it. With ``plain``
(NO_COLOR) a style carries weight only, and what colour would have said is said by a glyph. With
``ascii`` all glyphs are ASCII.

The names of phases, severities and resource types are those of ``analysis``; this module knows
nothing else of the domain.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from rich.color import Color as RichColor
from rich.segment import Segment
from rich.style import Style
from textual.color import Color

from perftui.analysis.severity import ASCII_GLYPHS

LEFT_EIGHTHS = " ▏▎▍▌▋▊▉█"
"""Index n covers the left n eighths of a cell (U+2588 to U+258F)."""

LOWER_EIGHTHS = " ▁▂▃▄▅▆▇█"
"""Index n covers the lower n eighths of a cell (U+2581 to U+2588)."""


@dataclass(frozen=True, slots=True)
class Glyphs:
    """Every character that is drawn for its shape. Each is one cell wide."""

    cursor: str
    rule: str
    tick: str
    grid: str
    whisker_left: str
    whisker_right: str
    playhead: str
    playing: str
    paused: str
    live: str
    growing: str
    rail: str
    rail_done: str
    handle: str
    ellipsis: str
    separator: str
    chevron: str
    chevron_left: str
    check: str
    plus_minus: str
    slow: str
    very_slow: str
    error: str
    blocking: str
    opaque: str
    third_party: str
    cached: str
    duplicate: str
    lcp: str
    page_view: str
    route: str
    action: str
    long_task: str
    shift: str
    capture: str
    console: str
    mark: str
    other: str
    pinned: str
    exported: str
    up: str
    down: str
    levels: str
    """Heights from nothing to full; the first is blank."""
    textures: Mapping[str, str]
    """What fills a cell of a phase where there is no colour."""


UNICODE = Glyphs(
    cursor="▌",
    rule="─",
    tick="╵",
    grid="┊",
    whisker_left="├",
    whisker_right="┤",
    playhead="▼",
    playing="▶",
    paused="‖",
    live="●",
    growing="▷",
    rail="─",
    rail_done="━",
    handle="●",
    ellipsis="…",
    separator="·",
    chevron="›",
    chevron_left="‹",
    check="✓",
    plus_minus="±",
    slow="▲",
    very_slow="⇈",
    error="✖",
    blocking="◼",
    opaque="◌",
    third_party="↗",
    cached="c",
    duplicate="≡",
    lcp="◆",
    page_view="▸",
    route="│",
    action="◇",
    long_task="▮",
    shift="╷",
    capture="◈",
    console="»",
    mark="⚑",
    other="·",
    pinned="★",
    exported="⇧",
    up="↑",
    down="↓",
    levels=LOWER_EIGHTHS,
    textures={
        "redirect": "┄",
        "service_worker": "~",
        "queue": "·",
        "dns": "─",
        "connect": "╌",
        "tls": "═",
        "request": "▪",
        "wait": "░",
        "receive": "█",
        "opaque": "▒",
        "span": "▓",
    },
)

ASCII = Glyphs(
    cursor=">",
    rule="-",
    tick="|",
    grid=":",
    whisker_left="[",
    whisker_right="]",
    playhead="v",
    playing=">",
    paused="=",
    live="*",
    growing=">",
    rail="-",
    rail_done="=",
    handle="O",
    ellipsis="~",
    separator="-",
    chevron=">",
    chevron_left="<",
    check="+",
    plus_minus="+",
    slow="^",
    very_slow="&",
    error="x",
    blocking="=",
    opaque="?",
    third_party="/",
    cached="c",
    duplicate="%",
    lcp="*",
    page_view="P",
    route="|",
    action="A",
    long_task="#",
    shift="S",
    capture="C",
    console="K",
    mark="M",
    other=".",
    pinned="*",
    exported="^",
    up="^",
    down="v",
    levels=" ..::=++##"[0:9],
    textures={
        "redirect": "r",
        "service_worker": "w",
        "queue": ".",
        "dns": "d",
        "connect": "t",
        "tls": "s",
        "request": "q",
        "wait": "-",
        "receive": "#",
        "opaque": "=",
        "span": "%",
    },
)


@lru_cache(4096)
def _rich(color: str, background: str | None = None, weight: str = "") -> Style:
    """A Rich style of CSS colours; weight is ``bold``, ``dim``, ``reverse``, … or a mixture."""
    return Style(
        color=_rich_color(color) if color else None,
        bgcolor=_rich_color(background) if background else None,
        bold="bold" in weight or None,
        dim="dim" in weight or None,
        italic="italic" in weight or None,
        underline="underline" in weight or None,
        reverse="reverse" in weight or None,
    )


@lru_cache(4096)
def _rich_color(color: str) -> RichColor:
    return Color.parse(color).rich_color


@dataclass(frozen=True, slots=True)
class Palette:
    """The styles of one theme.

    Attributes:
        variables: the theme's variables, CSS colours by name.
        plain: no colour: weight and glyphs only.
        glyphs: the characters to draw with.
        ascii: ASCII only.
        drawn: what was drawn with it before, kept by those who draw.
    """

    variables: Mapping[str, str]
    plain: bool = False
    ascii: bool = False
    drawn: dict[Hashable, Segment] = field(default_factory=dict, repr=False, compare=False)
    _styles: dict[tuple[str, str, str], Style] = field(default_factory=dict, repr=False)

    @property
    def glyphs(self) -> Glyphs:
        """The characters to draw with."""
        return ASCII if self.ascii else UNICODE

    def style(self, name: str, weight: str = "", on: str = "") -> Style:
        """The style of a theme variable (``foreground``, ``muted``, ``error``, ``phase-wait``, …).

        Args:
            name: a theme variable.
            weight: words out of ``bold dim italic underline reverse``.
            on: a theme variable for the background; empty leaves the row's own.
        """
        key = (name, weight, on)
        style = self._styles.get(key)
        if style is None:
            if self.plain:
                style = Style.parse(f"{_PLAIN_WEIGHTS.get(name, '')} {weight}".strip() or "none")
            else:
                style = _rich(self._color(name), self._color(on) if on else None, weight)
            self._styles[key] = style
        return style

    def named(self, words: str) -> Style:
        """The style of words such as lines in parts carry: a theme variable, ``!`` before it for
        bold, `` on `` and another one behind it for the ground."""
        name, _, ground = words.removeprefix("!").partition(" on ")
        return self.style(name, "bold" if words.startswith("!") else "", ground)

    def _color(self, name: str) -> str:
        if name.startswith("texture-"):
            # The grain of a phase: its own colour, on the way to the ground.
            phase = Color.parse(self._color(name.replace("texture", "phase", 1)))
            return phase.blend(Color.parse(self.variables["background"]), 0.4).hex
        return self.variables.get(name) or self.variables["foreground"]

    def glyph(self, glyph: str) -> str:
        """A glyph of ``analysis.severity`` in characters that this terminal has."""
        return ASCII_GLYPHS.get(glyph, glyph) if self.ascii else glyph

    def row(self, name: str) -> Style:
        """The ground of a whole row: ``selected``, ``slow``, ``very-slow``, ``error`` or ``""``."""
        if not name:
            return Style.null()
        if self.plain:
            return Style(bold=True) if name == "selected" else Style.null()
        return _rich("", self.variables[f"row-{name}"])


_PLAIN_WEIGHTS = {
    "muted": "dim",
    "faint": "dim",
    "border": "dim",
    "error": "bold",
    "warning": "bold",
    "accent": "bold",
    "primary": "bold",
}
