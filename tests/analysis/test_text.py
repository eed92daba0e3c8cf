"""Text for a terminal is harmless, measured in cells, and never torn."""

from __future__ import annotations

import ctypes
import locale
import platform
import unicodedata
from collections.abc import Iterator

import pytest
import wcwidth
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from perftui.analysis.text import (
    _DRAWN,
    ONE_CELL,
    _pieces,
    cell_width,
    counted,
    fit,
    format_bytes,
    format_clock,
    format_count,
    format_duration,
    format_moment,
    sanitise,
    sanitise_lines,
    typed,
)

HOSTILE = (
    "\x00\x07\x1b[31m\x1b]52;c;aGk=\x07\x7f\x9b\u202e\u2066\u200f\u061c\u2028\u200b\ufeff\udc80"
)
anything = st.text(
    st.one_of(
        st.characters(codec=None, exclude_categories=()),
        st.sampled_from(HOSTILE + "日本e\u0301\u0302👩\u200d👧\ufe0f🇩🇪👍🏽❤각क्षि\U000e0041\u3164"),
    )
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/api/cart?x=1", "/api/cart?x=1"),
        ("a\x1b[31mb", "a\\x1b[31mb"),
        ("\x9b2J", "\\x9b2J"),
        ("tab\tline\nreturn\r", "tab\\tline\\nreturn\\r"),
        ("invoice\u202efdp.exe", "invoice\\u202efdp.exe"),
        ("\u2066\u2069\u200e\u200f\u061c", "\\u2066\\u2069\\u200e\\u200f\\u061c"),
        ("a\u2028b\u2029c", "a\\u2028b\\u2029c"),
        ("pay\u200bpal", "pay\\u200bpal"),
        ("x\U000e0041", "x\\U000e0041"),
        ("\ud800", "\\ud800"),
        ("\u0301a", "\\u0301a"),
        ("❤\ufe0f shop", "❤ shop"),
        ("a\ufe0f", "a\\ufe0f"),
        ("日本 [bold]", "日本 [bold]"),
        ("हिन्दी", "हइन्दई"),
        ("தமிழ் நாடு", "தமஇழ் நஆடஉ"),
        ("বাংলা", "বআ◌লআ"),
        ("ಕನ್ನಡ", "ಕನ್ನಡ"),
        ("नमः", "नम◌"),
        ("\u0940", "ई"),
    ],
)
def test_sanitise_shows_what_would_act(text: str, shown: str) -> None:
    assert sanitise(text) == shown


def test_a_stack_of_marks_is_cut() -> None:
    assert sanitise("e" + "\u0301" * 6) == "e" + "\u0301" * 4 + "\\u0301" * 2


@given(anything)
def test_sanitised_text_holds_nothing_that_acts(text: str) -> None:
    shown = sanitise(text)
    assert not {unicodedata.category(character) for character in shown} & {
        "Cc",
        "Cf",
        "Cs",
        "Co",
        "Cn",
        "Zl",
        "Zp",
    }
    shown.encode("utf-8")


@given(anything)
def test_sanitise_is_idempotent(text: str) -> None:
    assert sanitise(sanitise(text)) == sanitise(text)


@given(anything)
def test_the_width_is_what_the_toolkit_measures(text: str) -> None:
    assert cell_width(text) == cell_len(sanitise(text))


def test_every_character_is_as_wide_as_the_toolkit_thinks() -> None:
    differing = [
        hex(code)
        for code in range(0x110000)
        if cell_width(chr(code)) != cell_len(sanitise(chr(code)))
    ]
    assert differing == []


@given(anything)
def test_what_is_typed_has_one_harmless_character_for_each(text: str) -> None:
    shown = typed(text)
    assert len(shown) == len(text)
    assert sanitise(shown) == shown
    assert cell_len(shown) == cell_width(shown)


@pytest.mark.parametrize(
    ("text", "shown"),
    [("शीर्षक", "शईर्षक"), ("e\u0301t\u0301", "e\u0301t\u0301"), ("🇩🇪", "??"), ("\x1b[m", "?[m")],
)
def test_what_is_typed(text: str, shown: str) -> None:
    assert typed(text) == shown


@given(anything, st.integers(-2, 60), st.sampled_from(["end", "middle"]))
def test_fit_is_exact(text: str, width: int, where: str) -> None:
    fitted = fit(text, width, where)
    assert cell_len(fitted) == max(0, width)
    assert sanitise(fitted) == fitted


@given(anything, st.integers(1, 60), st.sampled_from(["end", "middle"]))
def test_what_fits_is_left_whole(text: str, extra: int, where: str) -> None:
    width = cell_width(text) + extra
    assert fit(text, width, where) == sanitise(text) + " " * extra


@pytest.mark.parametrize(
    ("text", "width", "where", "fitted"),
    [
        ("vendor.js", 12, "end", "vendor.js   "),
        ("/static/vendor.js", 8, "end", "/static…"),
        ("/static/vendor.js", 9, "middle", "/sta…r.js"),
        ("日本語", 5, "end", "日本…"),
        ("日本語", 4, "end", "日… "),
        ("日本語", 1, "end", "…"),
        ("日本語", 0, "end", ""),
        ("e\u0301e\u0301e\u0301", 2, "end", "e\u0301…"),
        ("🇩🇪🇫🇷", 3, "end", "🇩🇪…"),
        ("🇩🇪🇫🇷", 2, "end", "… "),
    ],
)
def test_fit_cuts_between_characters(text: str, width: int, where: str, fitted: str) -> None:
    assert fit(text, width, where) == fitted


def test_lines_are_sanitised_one_by_one() -> None:
    assert sanitise_lines("Error: a\r\n  at b\x1b[0m\n") == ["Error: a", "  at b\\x1b[0m", ""]


@pytest.mark.parametrize(
    ("us", "text"),
    [
        (None, "—"),
        (0, "0ms"),
        (49, "0ms"),
        (400, "0.4ms"),
        (949, "0.9ms"),
        (950, "1ms"),
        (18_000, "18ms"),
        (101_400, "101ms"),
        (999_499, "999ms"),
        (999_500, "1.00s"),
        (1_370_000, "1.37s"),
        (9_994_999, "9.99s"),
        (9_995_000, "10.0s"),
        (12_410_000, "12.4s"),
        (59_949_999, "59.9s"),
        (59_950_000, "1m00s"),
        (125_000_000, "2m05s"),
        (3_599_600_000, "1h00m"),
        (3_725_000_000, "1h02m"),
        (-1_370_000, "-1.37s"),
    ],
)
def test_durations(us: int | None, text: str) -> None:
    assert format_duration(us) == text


@given(st.integers(0, 86_400_000_000))
def test_durations_are_short(us: int) -> None:
    assert len(format_duration(us)) <= 7


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (None, "—"),
        (0, "0"),
        (640, "640"),
        (999, "999"),
        (1_000, "1.0k"),
        (18_400, "18.4k"),
        (96_049, "96.0k"),
        (99_949, "99.9k"),
        (99_950, "100k"),
        (311_000, "311k"),
        (999_499, "999k"),
        (999_500, "1.0M"),
        (1_100_000, "1.1M"),
        (5_000_000_000, "5.0G"),
        (-38_000, "-38.0k"),
    ],
)
def test_sizes(count: int | None, text: str) -> None:
    assert format_bytes(count) == text


@given(st.integers(0, 2**53))
def test_sizes_are_short(count: int) -> None:
    assert len(format_bytes(count)) <= 5


@pytest.mark.parametrize(
    ("us", "moment", "clock"),
    [
        (None, "—", "—"),
        (0, "0.000", "00:00.0"),
        (561_000, "0.561", "00:00.5"),
        (5_100_000, "5.100", "00:05.1"),
        (99_999_499, "99.999", "01:39.9"),
        (99_999_500, "1:40.00", "01:39.9"),
        (125_120_000, "2:05.12", "02:05.1"),
        (3_725_000_000, "1:02:05", "1:02:05"),
        (-561_000, "-0.561", "-00:00.5"),
    ],
)
def test_moments(us: int | None, moment: str, clock: str) -> None:
    assert format_moment(us) == moment
    assert format_clock(us) == clock


def test_counts() -> None:
    assert format_count(58) == "58"
    assert format_count(1_234_567) == "1,234,567"
    assert format_count(None) == "—"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("🇩🇪", "🇩🇪"),
        ("🇩", "\\U0001f1e9"),
        ("🇩🇪🇫x", "🇩🇪\\U0001f1ebx"),
        ("x🇩\u0301🇪", "x\\U0001f1e9\\u0301\\U0001f1ea"),
    ],
)
def test_half_a_flag_is_escaped_and_a_whole_one_is_not(text: str, shown: str) -> None:
    assert sanitise(text) == shown
    assert wcwidth.wcswidth(shown) == cell_width(text)


@pytest.fixture
def unicode_locale() -> Iterator[None]:
    before = locale.setlocale(locale.LC_CTYPE)
    locale.setlocale(locale.LC_CTYPE, "C.UTF-8")
    yield
    locale.setlocale(locale.LC_CTYPE, before)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="asks the C library of GNU systems")
@pytest.mark.usefixtures("unicode_locale")
def test_every_character_is_as_wide_as_the_c_library_says() -> None:
    """tmux and many terminals ask it. What it and Rich disagree about is escaped."""
    libc_width = ctypes.CDLL(None).wcwidth
    libc_width.argtypes = [ctypes.c_wchar]
    for code in (*range(0x20, 0xD800), *range(0xE000, 0x20000), *range(0xE0000, 0xE0200)):
        text = f"a{chr(code)}"
        if sanitise(text) == text:
            ours, told = cell_width(text) - 1, libc_width(chr(code))
            # -1: a letter that this version of the library does not know yet.
            assert told in {ours, -1}, f"U+{code:04X}"


def test_what_takes_one_cell_without_the_tables_does_so_by_them_too() -> None:
    """All of it: which characters are wide changes with the version of Unicode."""
    letters = [chr(code) for some in ONE_CELL for code in some]
    plain = [one for one in letters if sanitise("x" + one) == "x" + one]
    assert len(plain) > 3000
    assert [one for one in plain if cell_width("x" + one) - 1 != wcwidth.wcwidth(one)] == []


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0 entries"), (1, "1 entry"), (2, "2 entries"), (12_345, "12,345 entries")],
)
def test_what_is_counted_is_named_as_many_as_it_is(count: int, words: str) -> None:
    assert counted(count, "entry", "entries") == words
    assert counted(count, "row") == words.replace("entries", "rows").replace("entry", "row")


def test_what_is_drawn_is_told_from_text_by_a_glance() -> None:
    drawn = [character for character in map(chr, range(0x110000)) if _DRAWN.fullmatch(character)]
    assert len(drawn) == 0x5F + 0xA0 + 1
    for character in drawn:
        assert _pieces(character) == [(character, 1)]
    assert not _DRAWN.fullmatch("█\ufe0f")
    assert not _DRAWN.fullmatch("█\n")
