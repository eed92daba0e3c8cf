"""Rows of the log and of the waterfall are as wide as they are to be, whatever URLs and names hold:
no letter moves a column, none lies over another. Measured with two tables that know nothing of our
rules: wcwidth's, and Rich's, by which Textual cuts lines."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.color import Color
from textual.strip import Strip

from perftui.analysis.describe import Surroundings
from perftui.analysis.text_log import TextLog
from perftui.analysis.waterfall import Viewport
from perftui.analysis.waterfall_list import WaterfallRow, request_rows
from perftui.analysis.waterfall_text import MINIMUM_WIDTH, page_waterfall
from perftui.model import Entry, PageView, Record
from perftui.widgets.ascii_filter import AsciiFilter
from perftui.widgets.log_painter import LogPainter
from perftui.widgets.palette import Palette
from perftui.widgets.themes import DARK, THEMES
from perftui.widgets.waterfall_rows import Columns, WaterfallPainter
from tests.analysis.strategies import record
from tests.widgets.cells import on_a_terminal

ORIGIN_US = 1_700_000_000_000_000
PAGE = "https://shop.test/"
AROUND = Surroundings(session_start_us=ORIGIN_US, page_urls={"p": PAGE})
VIEW = PageView(
    session_id="s",
    page_view_id="p",
    number=1,
    url=PAGE,
    title=None,
    kind="load",
    referrer=None,
    navigation_type=None,
    time_origin_us=ORIGIN_US,
    start_us=0,
    end_us=3_000_000,
    entry_count=1,
    request_count=1,
    error_count=0,
    transfer_bytes=0,
)
VARIABLES = {
    "foreground": "#ffffff",
    "background": "#000000",
    **next(theme for theme in THEMES if theme.name == DARK).variables,
}
PALETTES = {
    "color": Palette(VARIABLES),
    "plain": Palette(VARIABLES, plain=True),
    "ascii": Palette(VARIABLES, ascii=True),
}

pieces = st.one_of(
    st.text("aZ09-._~/?&=%#:@", max_size=12),
    st.text(st.characters(), max_size=6),
    # wide: CJK, Hangul (whole and in parts), full-width forms, emoji
    st.text("漢字かなカナ한국어ｱＡ！🛒🎉👩💻", max_size=8),
    st.text("\u1100\u1161\u11a8\u115f\u3164", max_size=4),
    # marks, joiners, selectors, skin tones, halves of flags, tags
    st.text("e\u0301\u0323\u20dd\u200d\u200b\ufeff\ufe0f\ufe0e\u2764\u2600", max_size=10),
    st.text("🏽👍🏴🇩🇪\U000e0067\U000e007f", max_size=6),
    st.just("👩\u200d👩\u200d👧\u200d👦"),
    # marks of scripts that are written above, below and around a letter
    st.text("กำ้นิ่हिन्दीค্ุ\u0488\u0e33\u0eb3", max_size=8),
    # directions and controls
    st.text("אבג\u202e\u2066\u2069\u200f\u061c", max_size=6),
    st.text("\x00\x07\x08\t\n\r\x1b[]0;m\x7f\x9b\u2028\ud800", max_size=8),
    st.just("\x1b]52;c;aGk=\x07"),
    # ambiguous width, boxes and blocks: what our own drawing is made of
    st.text("…—·×│█▏▌░▶◆✖①Ωα", max_size=8),
)
hostile = st.lists(pieces, max_size=6).map("".join)
widths = st.integers(40, 300)
looks = pytest.mark.parametrize("look", PALETTES)


def call(tail: str) -> Record:
    """A request of one second; its URL ends in something."""
    return record(
        Entry(
            entry_type="resource",
            name=f"{PAGE}a{tail}",
            start_us=500_000,
            duration_us=1_000_000,
            initiator_type="fetch",
            method="POST",
            response_status=200,
            request_start_us=600_000,
            response_start_us=1_200_000,
            response_end_us=1_500_000,
            transfer_size=2_048,
        )
    )


def check(text: str, plain: str, width: int, from_cell: int) -> None:
    """The text is ``width`` cells wide, and from a cell on it is the same as another one."""
    found = on_a_terminal(text)
    assert len(found) == width
    assert cell_len(text) == width
    assert found[from_cell:] == on_a_terminal(plain)[from_cell:]


def drawn(strip: Strip, palette: Palette) -> str:
    """The text of a strip on its way to the terminal."""
    if palette.ascii:
        strip = strip.apply_filter(AsciiFilter(), Color.parse("black"))
    assert strip.cell_length == sum(segment.cell_length for segment in strip)
    return strip.text


@looks
@given(tail=hostile, width=widths, selected=st.booleans())
@example(tail="", width=40, selected=False)
@example(tail="/" + "漢" * 200, width=80, selected=True)
@example(tail="?q=" + "e\u0301" * 60, width=81, selected=True)
def test_rows_of_the_log(look: str, tail: str, width: int, selected: bool) -> None:
    palette = PALETTES[look]
    painter = LogPainter(palette, AROUND)
    painter.window = (0, 2_000_000)
    name = next(column for column in painter.columns(width) if column.name == "name")
    hostile_row = painter.paint(call(tail), width, selected=selected).strip()
    plain_row = painter.paint(call("/b"), width, selected=selected).strip()
    check(drawn(hostile_row, palette), drawn(plain_row, palette), width, name.end)


@looks
@given(words=hostile, width=widths, entry_type=st.sampled_from(["mark", "measure", "pageview"]))
def test_rows_of_events(look: str, words: str, width: int, entry_type: str) -> None:
    palette = PALETTES[look]
    painter = LogPainter(palette, AROUND)
    painter.window = (0, 2_000_000)

    def event(name: str) -> Record:
        duration = 300_000 if entry_type == "measure" else 0
        return record(
            Entry(entry_type=entry_type, name=name, start_us=700_000, duration_us=duration)
        )

    columns = {column.name: column for column in painter.columns(width)}
    ends = [columns[name].x for name in ("duration", "chart") if name in columns]
    if entry_type != "measure":
        ends = ends[1:]
    hostile_row = drawn(painter.paint(event(f"n{words}"), width, selected=False).strip(), palette)
    plain_row = drawn(painter.paint(event("name"), width, selected=False).strip(), palette)
    check(hostile_row, plain_row, width, min(ends, default=width))


@looks
@given(tail=hostile, heading=hostile, width=widths)
def test_rows_of_the_waterfall(look: str, tail: str, heading: str, width: int) -> None:
    palette = PALETTES[look]
    columns = Columns.of(width)
    painter = WaterfallPainter()
    painter.palette = palette
    painter.viewport = Viewport(0, 2_000_000, columns.chart_width)
    painter.grid = {columns.chart_width // 2: "LCP"}

    def row(told: WaterfallRow) -> str:
        return drawn(painter.paint(told, width, selected=False).strip(), palette)

    (found,) = request_rows([call(tail)], AROUND, PAGE)
    (plain,) = request_rows([call("/b")], AROUND, PAGE)
    check(row(found), row(plain), width, columns.duration)
    group = row(WaterfallRow(0, heading=f"h{heading}"))
    assert len(on_a_terminal(group)) == cell_len(group) == width


@pytest.mark.parametrize("ascii_only", [False, True], ids=["unicode", "ascii"])
@given(tail=hostile, width=widths)
def test_printed_waterfalls(ascii_only: bool, tail: str, width: int) -> None:
    def lines(told: Record) -> list[str]:
        printed = page_waterfall(VIEW, [told], AROUND, width=width, ascii_only=ascii_only)
        return [line.text for line in printed]

    found, plain = lines(call(tail)), lines(call("/b"))
    assert len(found) == len(plain)
    place = next(at for at, line in enumerate(plain) if "/a/b" in line)
    before = on_a_terminal(plain[place])
    after = on_a_terminal(found[place])
    assert len(after) == len(before) <= max(width, MINIMUM_WIDTH)
    from_cell = plain[place].index("1.00s")
    assert after[from_cell:] == before[from_cell:], "the bar has moved"
    for line in found[1:]:
        assert len(on_a_terminal(line)) == cell_len(line) <= max(width, MINIMUM_WIDTH)


@pytest.mark.parametrize("ascii_only", [False, True], ids=["unicode", "ascii"])
@given(tail=hostile, width=widths)
def test_printed_logs(ascii_only: bool, tail: str, width: int) -> None:
    log = TextLog(AROUND, width, ascii_only=ascii_only)
    found, plain = log.line(call(tail)).text, log.line(call("/b")).text
    assert found.split()[-1] == plain.split()[-1]
    assert len(on_a_terminal(found)) == len(on_a_terminal(plain)) == cell_len(found)
