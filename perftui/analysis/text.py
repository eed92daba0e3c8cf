"""Text for a terminal: made harmless, measured in cells, cut and padded; numbers made short.

Every string that comes from outside (a URL, a title, a header, a message) passes :func:`sanitise`
before it reaches a terminal, in the app and in the plain-text commands alike. :func:`fit` and
:func:`cell_width` do it themselves, so what they return can be written as it is.

Escapes are those of Python and JSON, in ASCII only so that every terminal can show them:
``\\n \\r \\t``, ``\\x1b``, ``\\u202e``, ``\\U000e0041``. A backslash itself stays as it is.

The spacing marks of South and Southeast Asian scripts are the exception: whole languages are written
with them. A vowel sign is shown as the letter of the same vowel, any other as :data:`MARK`.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

UNKNOWN = "—"
"""What stands where a value is not known."""

ELLIPSIS = "…"

MAX_COMBINING = 4
"""Marks that may stand on one character. More of them draw over the rows above and below; no
language needs more (Unicode Standard Annex #15 knows at most a handful in practice)."""

MARK = "◌"
"""What stands for a spacing mark without a letter of its own: Unicode's sign for "a mark is here"."""

SHORT = 64
"""The widths of texts up to so long (glyphs, words, labels) are remembered."""

_ESCAPED_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Controls, invisible formatting (bidi controls, joiners, tags, soft hyphen), surrogates, private
use and unassigned code points (terminals disagree about their width), line and paragraph
separators."""

_SPACING_MARK = "Mc"
"""Vowel signs of South and Southeast Asian scripts, mostly. One is one cell to glibc and many
terminals, none to Rich, which places what stands behind it, and to other terminals; and what it is
within a syllable depends on the terminal again."""

_INVISIBLE = frozenset(
    {0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180B, 0x180C, 0x180D, 0x180F, 0x3164, 0xFFA0}
    | set(range(0xFE00, 0xFE10))
    | set(range(0xE0100, 0xE01F0))
)
"""Letters and marks that draw nothing (Default_Ignorable_Code_Point in Unicode's
DerivedCoreProperties): fillers, joiners and variation selectors."""

_DISPUTED = frozenset(
    code
    for first, last in (
        (0x2630, 0x2637),
        (0x268A, 0x268F),
        (0x3248, 0x324F),
        (0x4DC0, 0x4DFF),
        (0x1D300, 0x1D356),
        (0x1D360, 0x1D376),
    )
    for code in range(first, last + 1)
)
"""Trigrams, hexagrams, counting rods and numbers in squares: one cell or two, depending on the version
of Unicode that a terminal knows (East Asian Width changed with 16.0)."""

_EMOJI_MODIFIERS = range(0x1F3FB, 0x1F400)
"""Skin tones: two cells or none, depending on the terminal."""

_REGIONAL_INDICATORS = range(0x1F1E6, 0x1F200)

_PRESENTATION_SELECTORS = frozenset("\ufe0e\ufe0f")
"""After a symbol they choose between its text and its emoji form. They are left out there, as
terminals disagree about the width of what they make; anywhere else they are escaped."""

ONE_CELL = (range(0xA0, 0x300), range(0x2010, 0x2600), range(0x2690, 0x2E80))
"""Latin letters, punctuation, arrows, mathematics, boxes, blocks and signs: one cell each, unless
Unicode calls them wide or they are marks. wcwidth says the same, but its tables take 50 ms to be
imported, which the first screen would wait for."""

_SHORT_ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


@lru_cache(maxsize=4096)
def _classify(character: str) -> tuple[str, int]:
    """What stands for a character, and how many cells it takes there (0 for a mark)."""
    code = ord(character)
    if short := _SHORT_ESCAPES.get(character):
        return short, len(short)
    category = unicodedata.category(character)
    if (
        category in _ESCAPED_CATEGORIES
        or code in _INVISIBLE
        or code in _DISPUTED
        or code in _EMOJI_MODIFIERS
    ):
        escape = _escape(code)
        return escape, len(escape)
    if category == _SPACING_MARK:
        return _letter_of(character), 1
    if code in _REGIONAL_INDICATORS:
        return character, 1
    if (
        any(code in some for some in ONE_CELL)
        and category[0] != "M"
        and unicodedata.east_asian_width(character) not in {"W", "F"}
    ):
        return character, 1
    import wcwidth

    width = wcwidth.wcwidth(character)
    if width < 0:
        escape = _escape(code)
        return escape, len(escape)
    return character, width


def _letter_of(mark: str) -> str:
    """The letter for the vowel of a spacing mark, which is one cell everywhere; :data:`MARK` where
    Unicode has none. By their names: DEVANAGARI VOWEL SIGN II is the sign of DEVANAGARI LETTER II."""
    try:
        letter = unicodedata.lookup(unicodedata.name(mark).replace(" VOWEL SIGN ", " LETTER "))
    except (KeyError, ValueError):
        return MARK
    return letter if unicodedata.category(letter) == "Lo" else MARK


def _escape(code: int) -> str:
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


_DRAWN = re.compile("[ -~\u2500-\u259f\u2026]*")
"""Printable ASCII and what bars, rules and cuts are drawn with (box drawing and block elements), all
of one cell and harmless: told at once, without a look at each character."""


def _pieces(text: str) -> list[tuple[str, int]]:
    """The text in pieces that must not be cut, each with its width in cells: a character with
    its marks, a pair of regional indicators (a flag), a single character of an escape."""
    pieces: list[tuple[str, int]] = []
    marks = 0
    open_flag = False
    previous = ""
    for character in text:
        shown, width = _classify(character)
        if character in _PRESENTATION_SELECTORS and (
            previous > "\x7f" and unicodedata.category(previous) in {"So", "Sm", "Po"}
        ):
            previous = character
            continue
        previous = character
        if shown is not character and shown != character:
            pieces.extend((letter, 1) for letter in shown)
            marks = 0
            open_flag = False
        elif width == 0:
            if not pieces or marks >= MAX_COMBINING:
                pieces.extend((letter, 1) for letter in _escape(ord(character)))
            else:
                base, base_width = pieces[-1]
                pieces[-1] = (base + shown, base_width)
                marks += 1
            open_flag = False
        elif ord(character) in _REGIONAL_INDICATORS and open_flag:
            base, base_width = pieces[-1]
            pieces[-1] = (base + shown, base_width + width)
            marks = 0
            open_flag = False
        else:
            pieces.append((shown, width))
            marks = 0
            open_flag = ord(character) in _REGIONAL_INDICATORS
    if any(ord(character) in _REGIONAL_INDICATORS for character in text):
        return [told for piece in pieces for told in _without_half_flags(piece)]
    return pieces


def _without_half_flags(piece: tuple[str, int]) -> list[tuple[str, int]]:
    """A regional indicator without its other half is one cell or two, depending on the terminal:
    it is escaped."""
    shown, _ = piece
    if ord(shown[0]) not in _REGIONAL_INDICATORS or (
        shown[1:2] and (ord(shown[1]) in _REGIONAL_INDICATORS)
    ):
        return [piece]
    escaped = "".join(_escape(ord(character)) for character in shown)
    return [(letter, 1) for letter in escaped]


def sanitise(text: str) -> str:
    """Make a text from outside harmless for a terminal.

    C0 controls, DEL, C1, bidi controls, line and paragraph separators, zero-width and other
    invisible characters, tags, lone surrogates, private and unassigned code points, skin-tone
    modifiers, symbols whose width depends on the version of Unicode, halves of flags and stacks of
    more than :data:`MAX_COMBINING` marks become visible escapes; so does a mark at the very
    beginning, which would go on top of what stands before the text. A spacing mark becomes the
    letter of its vowel or :data:`MARK`. What is left takes the same number of cells in every
    terminal. Printable ASCII comes back as it is.
    """
    if (text.isascii() and text.isprintable()) or _DRAWN.fullmatch(text):
        return text
    return "".join([piece for piece, _ in _pieces(text)])


def typed(text: str) -> str:
    """What an input line shows of a text that is being edited: for each character exactly one, so
    that the cursor stands where it is, and none of them acts on a terminal. What cannot be shown is
    a question mark.
    """
    shown: list[str] = []
    marks = 0
    for character in text:
        told, width = _classify(character)
        on_top = width == 0 and shown and marks < MAX_COMBINING
        if len(told) > 1 or ord(character) in _REGIONAL_INDICATORS or not (width or on_top):
            told = "?"
        marks = marks + 1 if on_top and told != "?" else 0
        shown.append(told)
    return "".join(shown)


def sanitise_lines(text: str) -> list[str]:
    """The lines of a text (stack traces, bodies), each sanitised."""
    return [sanitise(line) for line in text.replace("\r\n", "\n").split("\n")]


def cell_width(text: str) -> int:
    """How many terminal cells the text takes once it is sanitised."""
    if text.isascii() and text.isprintable():
        return len(text)
    return _short_width(text) if len(text) <= SHORT else _width(text)


def _width(text: str) -> int:
    if _DRAWN.fullmatch(text):
        return len(text)
    return sum([width for _, width in _pieces(text)])


_short_width = lru_cache(maxsize=4096)(_width)


def fit(text: str, width: int, where: str = "end") -> str:
    """Sanitise a text and bring it to exactly ``width`` cells: padded with spaces, or cut with an
    ellipsis at the ``"end"`` or in the ``"middle"``. Never cuts a wide character or a character
    from its marks: a cell that is left over by that is a space.
    """
    if width <= 0:
        return ""
    if text.isascii() and text.isprintable():
        length = len(text)
        if length <= width:
            return text + " " * (width - length)
        if where == "middle" and width >= 3:
            left = width // 2
            return text[:left] + ELLIPSIS + text[length - (width - 1 - left) :]
        return text[: width - 1] + ELLIPSIS
    pieces = _pieces(text)
    total = sum([piece_width for _, piece_width in pieces])
    if total <= width:
        return "".join([piece for piece, _ in pieces]) + " " * (width - total)
    if where == "middle" and width >= 3:
        head, head_width = _take(pieces, width // 2)
        pieces.reverse()
        tail, tail_width = _take(pieces, width - 1 - width // 2)
        tail.reverse()
        gap = " " * (width - 1 - head_width - tail_width)
        return "".join([*head, ELLIPSIS, *tail]) + gap
    head, head_width = _take(pieces, width - 1)
    return "".join(head) + ELLIPSIS + " " * (width - 1 - head_width)


def _take(pieces: list[tuple[str, int]], width: int) -> tuple[list[str], int]:
    """The first pieces that fit into ``width`` cells, and how many cells they take."""
    taken: list[str] = []
    used = 0
    for piece, piece_width in pieces:
        if used + piece_width > width:
            break
        taken.append(piece)
        used += piece_width
    return taken, used


def format_duration(us: int | None) -> str:
    """A duration in at most seven characters: ``0.4ms``, ``101ms``, ``1.37s``, ``12.4s``,
    ``2m05s``, ``1h02m``, ``4d04h``; :data:`UNKNOWN` where it is not known.

    Args:
        us: microseconds; negative ones (differences) get a minus sign.
    """
    if us is None:
        return UNKNOWN
    if us < 0:
        return "-" + format_duration(-us)
    if us < 950:
        return f"{us / 1000:.1f}ms" if us >= 50 else "0ms"
    if us < 999_500:
        return f"{(us + 500) // 1000}ms"
    if us < 9_995_000:
        return f"{us / 1_000_000:.2f}s"
    if us < 59_950_000:
        return f"{us / 1_000_000:.1f}s"
    seconds = (us + 500_000) // 1_000_000
    if seconds < 3600:
        return f"{seconds // 60}m{seconds % 60:02}s"
    minutes = (seconds + 30) // 60
    if minutes >= 6000:
        return _days(seconds)
    return f"{minutes // 60}h{minutes % 60:02}m"


def _days(seconds: int) -> str:
    """What a broken clock tells, in at most seven characters: ``4d04h``, ``104249d``."""
    days, rest = divmod(seconds, 86_400)
    return f"{days}d{rest // 3600:02}h" if days < 100 else f"{days}d"


def format_bytes(count: int | None) -> str:
    """A size in at most five characters: ``211``, ``18.4k``, ``311k``, ``1.1M``;
    :data:`UNKNOWN` where it is not known.

    Args:
        count: bytes; ``k`` is 1000 of them, as in the browsers' own network panels.
    """
    if count is None:
        return UNKNOWN
    if count < 0:
        return "-" + format_bytes(-count)
    if count < 1000:
        return str(count)
    value = float(count)
    for unit in "kMGTP":
        value /= 1000
        if value < 99.95:
            return f"{value:.1f}{unit}"
        if value < 999.5:
            return f"{value:.0f}{unit}"
    return f"{value:.0f}P"


def format_moment(us: int | None) -> str:
    """A moment since a start in at most nine characters, to the millisecond where there is room:
    ``0.561``, ``12.345``, ``2:05.12``, ``1:02:05``, ``4d04h``; :data:`UNKNOWN` where it is not
    known.

    Args:
        us: microseconds since the start.
    """
    if us is None:
        return UNKNOWN
    if us < 0:
        return "-" + format_moment(-us)
    if us < 99_999_500:
        return f"{us / 1_000_000:.3f}"
    hundredths = (us + 5_000) // 10_000
    if hundredths < 360_000:
        return f"{hundredths // 6000}:{hundredths // 100 % 60:02}.{hundredths % 100:02}"
    seconds = (us + 500_000) // 1_000_000
    if seconds >= 360_000:
        return _days(seconds)
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def format_clock(us: int | None) -> str:
    """A moment as a player shows it: ``00:05.1``, ``1:02:05``; :data:`UNKNOWN` where it is not
    known.

    Args:
        us: microseconds since the start.
    """
    if us is None:
        return UNKNOWN
    if us < 0:
        return "-" + format_clock(-us)
    tenths = us // 100_000
    if tenths < 36_000:
        return f"{tenths // 600:02}:{tenths // 10 % 60:02}.{tenths % 10}"
    seconds = tenths // 10
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def format_count(count: int | None) -> str:
    """A count with its thousands set apart: ``58``, ``1,234,567``; :data:`UNKNOWN` where it is
    not known."""
    return UNKNOWN if count is None else f"{count:,}"


def counted(count: int, noun: str, plural: str = "") -> str:
    """A count and what is counted: ``1 session``, ``12,345 sessions``.

    Args:
        plural: of the noun where it does more than take an *s*.
    """
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"
