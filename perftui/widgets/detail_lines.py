"""What the detail pane says of an entry, as styled lines. The knowledge is ``analysis``'s."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from perftui.analysis.describe import Surroundings, severity_of
from perftui.analysis.endpoints import endpoint
from perftui.analysis.happening_detail import happening_facts
from perftui.analysis.log_row import LogRow, log_row
from perftui.analysis.phases import request_duration_us
from perftui.analysis.request_detail import (
    PHASE_WORDS,
    Fact,
    header_groups,
    phase_facts,
    raw_lines,
    request_facts,
    server_timing,
    size_facts,
)
from perftui.analysis.severity import Level, Severity
from perftui.analysis.text import (
    UNKNOWN,
    cell_width,
    counted,
    fit,
    format_count,
    format_duration,
    format_moment,
)
from perftui.analysis.waterfall import EIGHTHS
from perftui.model import Record, Usual
from perftui.widgets.palette import LEFT_EIGHTHS, Palette
from perftui.widgets.styled_lines import StyledLine, beside

TABS = ("Timing", "Headers", "Server-Timing", "Initiator", "Similar", "Raw")
"""In the order of the keys 1 to 6."""

LABEL = 18
"""Cells of the labels on the left."""

WIDEST_LABEL = 30
"""The cell at which values begin at most, however long the names of an event's fields are."""

_LEVELS = {Level.SLOW: "warning", Level.VERY_SLOW: "error", Level.ERROR: "error"}


@dataclass(frozen=True, slots=True)
class Detail:
    """An entry and what belongs to it.

    Attributes:
        record: the entry.
        around: its surroundings.
        similar: the other calls of its endpoint, as far as they have been read.
        initiator: what caused it, where that is known.
        caused: what it caused, where that is known.
        row: the entry as a row describes it.
    """

    record: Record
    around: Surroundings
    similar: Sequence[Record] = ()
    initiator: Record | None = None
    caused: Sequence[Record] = ()
    row: LogRow = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "row", log_row(self.record, self.around))

    @property
    def severity(self) -> Severity:
        """How bad it is, and why; a row says nothing of what is still in flight."""
        row = self.row
        return severity_of(self.record, self.around) if row.growing else row.severity


def tab_lines(tab: str, detail: Detail, palette: Palette, width: int) -> list[StyledLine]:
    """The lines of one tab."""
    match tab:
        case "Timing":
            return timing(detail, palette, width)
        case "Headers":
            return headers(detail)
        case "Server-Timing":
            return facts_or(
                server_timing(detail.record.entry), "The server sent no Server-Timing header."
            )
        case "Initiator":
            return initiator(detail, palette)
        case "Similar":
            return similar(detail, palette, width)
        case _:
            return [[(line, "@1 foreground")] for line in raw_lines(detail.record.entry)]


def title(detail: Detail, palette: Palette) -> list[tuple[str, str]]:
    """The entry in a few words."""
    row = detail.row
    level = _LEVELS.get(row.severity.level, "muted")
    parts = [(f"{palette.glyph(row.severity.glyph)} " if row.severity.glyph != " " else "", level)]
    if detail.record.entry.is_request:
        method = detail.record.entry.method or row.cells["type"]
        parts += [(f"{method} ", "muted"), (row.host + row.directory, "muted")]
    return [*parts, (row.leaf, "!foreground")]


def timing(detail: Detail, palette: Palette, width: int) -> list[StyledLine]:
    """The phases as bars, and on the right what is worth knowing about them."""
    if not detail.record.entry.is_request:
        return happening(detail)
    side = min(52, width // 2) if width >= 96 else 0
    lines = phase_lines(detail, palette, width - side)
    notes = _notes(detail, palette)
    if side:
        return beside(lines, notes, width - side)
    indented = [[(first, f"@1 {style}"), *rest] for (first, style), *rest in notes]
    return [*indented, [], *lines] if notes else lines


def phase_lines(detail: Detail, palette: Palette, width: int) -> list[StyledLine]:
    """The phases of a request, its total and what is usual, each as a bar on one scale."""
    record, around = detail.record, detail.around
    entry = record.entry
    total, median = request_duration_us(entry), _median_us(detail)
    longest = max(total or 0, median or 0)
    bar_width = max(8, width - 30)
    bar_at = f"@{LABEL + 8}"
    lines: list[StyledLine] = []
    for fact in phase_facts(entry, around.page_urls.get(record.page_view_id)):
        words = PHASE_WORDS[fact.name]
        line = [(words, "@1 muted")]
        if fact.duration_us is None:
            line += [(UNKNOWN.rjust(8), f"@{LABEL - 2} faint"), (fact.note, f"{bar_at} muted")]
        else:
            style = "foreground" if fact.duration_us else "faint"
            line.append((format_duration(fact.duration_us).rjust(8), f"@{LABEL - 2} {style}"))
            if fact.duration_us and total:
                blocks = _bar(fact.duration_us, longest, bar_width, palette, fact.name.value)
                line.append((blocks, f"{bar_at} phase-{fact.name.value}"))
            elif fact.note:
                line.append((fact.note, f"{bar_at} faint"))
        lines.append(line)
    lit = _LEVELS.get(detail.severity.level, "muted")
    lines.append(
        [
            ("total", "@1 muted"),
            (format_duration(total).rjust(8), f"@{LABEL - 2} !foreground"),
            ("in flight", f"{bar_at} accent")
            if total is None
            else (_bar(total, longest, bar_width, palette, "span"), f"{bar_at} {lit}"),
        ]
    )
    if median is not None:
        lines.append(
            [
                ("usually", "@1 muted"),
                (format_duration(median).rjust(8), f"@{LABEL - 2} foreground"),
                (_bar(median, longest, bar_width, palette, "span"), f"{bar_at} faint"),
            ]
        )
    return lines


def _median_us(detail: Detail) -> int | None:
    """What calls of its endpoint usually take; None where there are none but this one."""
    entry = detail.record.entry
    usual = detail.around.usual.get(endpoint(entry.method, entry.name))
    return None if usual is None or usual.calls < 2 else usual.median_us


def _bar(duration: int, total: int, width: int, palette: Palette, phase: str) -> str:
    eighths = max(1, duration * width * EIGHTHS // max(1, total))
    whole, rest = divmod(min(eighths, width * EIGHTHS), EIGHTHS)
    if palette.plain or palette.ascii:
        return palette.glyphs.textures[phase] * max(1, whole)
    return LEFT_EIGHTHS[8] * whole + (LEFT_EIGHTHS[rest] if rest else "")


def _notes(detail: Detail, palette: Palette) -> list[list[tuple[str, str]]]:
    """Reasons, size, protocol and whatever else stands out, one line each."""
    entry, around = detail.record.entry, detail.around
    lines: list[list[tuple[str, str]]] = []
    for reason in detail.severity.reasons:
        style = _LEVELS.get(reason.level, "muted")
        lines.append([(f"{palette.glyph(reason.glyph)} ", style), (reason.words, style)])
    page_url = around.page_urls.get(detail.record.page_view_id)
    by_label = {fact.label: fact for fact in size_facts(entry, page_url)}
    size, decoded = by_label["transferred"], by_label["body decoded"]
    words = f"{size.value or UNKNOWN} on the wire" if size.value else f"size {size.note}"
    if decoded.value and size.value:
        words += f", {decoded.value} decoded"
    lines.append([(words, "foreground" if size.value else "muted")])
    parts = [entry.next_hop_protocol, entry.content_encoding, entry.content_type]
    if any(parts):
        lines.append([("  ".join([part for part in parts if part]), "muted")])
    if told := server_timing(entry):
        shown = "  ".join([f"{fact.label} {fact.value or fact.note}".strip() for fact in told[:4]])
        lines.append([("server  ", "muted"), (shown, "foreground")])
    usual = around.usual.get(endpoint(entry.method, entry.name))
    if usual is not None and (median := _median_us(detail)) is not None:
        words = f"usually {format_duration(median)} over {format_count(usual.calls)} calls"
        total = request_duration_us(entry)
        if total and median:
            words += f", this one {total / median:.1f} times that"
        lines.append([(words, "muted")])
    return lines


def happening(detail: Detail) -> list[StyledLine]:
    """An entry that is no request: its words and its fields."""
    record = detail.record
    entry = record.entry
    facts = [
        Fact("what", entry.entry_type, entry.name),
        Fact(
            "started", f"{format_moment(record.start_epoch_us - detail.around.session_start_us)} s"
        ),
    ]
    if entry.duration_us:
        facts.append(Fact("duration", format_duration(entry.duration_us)))
    told = happening_facts(entry)
    longest = max((cell_width(fact.label) for fact in told), default=0)
    at = max(LABEL + 2, min(longest + 3, WIDEST_LABEL))
    lines: list[StyledLine] = list(facts_or(facts, "", at=at))
    for reason in detail.severity.reasons:
        style = _LEVELS.get(reason.level, "muted")
        lines.append([(f"{reason.glyph} {reason.words}", f"@1 {style}")])
    for fact in told:
        if fact.value is not None and "\n" in fact.value:
            lines.append([(fact.label, "@1 muted")])
            lines += [[(part, "@3 foreground")] for part in fact.value.split("\n")[:40]]
        else:
            lines += facts_or([fact], "", at=at)
    return lines


def headers(detail: Detail) -> list[StyledLine]:
    """Request and response headers."""
    lines: list[StyledLine] = []
    for name, facts in header_groups(detail.record.entry):
        if lines:
            lines.append([])
        lines.append([(name, "@1 !foreground")])
        lines += [
            [(fact.label, "@3 muted"), ("  ", "muted"), (fact.value or "", "@30 foreground")]
            for fact in facts
        ]
    if lines:
        return lines
    return [
        [("The browser does not tell headers to a page.", "@1 muted")],
        [
            ("perftui proxy", "@1 !foreground"),
            (" and HAR files do; the SDK with ", "muted"),
            ("details", "!foreground"),
            (" does for fetch and XMLHttpRequest.", "muted"),
        ],
    ]


def initiator(detail: Detail, palette: Palette) -> list[StyledLine]:
    """What caused it, and what it caused."""
    entry = detail.record.entry
    lines: list[StyledLine] = [
        [
            ("initiator type", "@1 muted"),
            (entry.initiator_type or "not reported by this source", f"@{LABEL + 2} foreground"),
        ]
    ]
    for key in ("initiatorUrl", "initiatorURL", "initiatorStack"):
        value = entry.extra.get(key)
        if isinstance(value, str) and value:
            lines.append([(key, "@1 muted")])
            lines += [[(part.strip(), "@3 foreground")] for part in value.split("\n")[:30]]
    if detail.initiator is not None:
        lines.append([("caused by", "@1 muted"), *_line(detail.initiator, detail.around)])
    if detail.caused:
        lines.append([(f"it caused {len(detail.caused)}", "@1 muted")])
        lines += [list(_line(record, detail.around)) for record in detail.caused[:50]]
    return lines


def _line(record: Record, around: Surroundings) -> StyledLine:
    row = log_row(record, around)
    style = _LEVELS.get(row.severity.level, "foreground")
    return [
        (row.cells["time"].rjust(8), f"@{LABEL + 2} muted"),
        (row.cells.get("duration", "").rjust(8), f" {style}".strip()),
        ("  ", "muted"),
        (row.host + row.directory, "muted"),
        (row.leaf, "foreground"),
    ]


def similar(detail: Detail, palette: Palette, width: int) -> list[StyledLine]:
    """The other calls of its endpoint, each as a bar against the longest."""
    entry = detail.record.entry
    if not entry.is_request:
        return [[("Only requests have an endpoint.", "@1 muted")]]
    by_seq = {record.seq: record for record in [*detail.similar, detail.record]}
    calls = [by_seq[seq] for seq in sorted(by_seq)]
    count = f"{counted(len(calls), 'call')} in this session  "
    room = max(8, width - LABEL - len(count) - 2)
    name = fit(endpoint(entry.method, entry.name), room, "middle").rstrip()
    lines: list[StyledLine] = [
        [("endpoint", "@1 muted"), (count, f"@{LABEL} muted"), (name, "!foreground")]
    ]
    longest = max((request_duration_us(record.entry) or 0 for record in calls), default=0)
    bar_width = max(8, width - 44)
    for record in calls:
        took = request_duration_us(record.entry)
        here = record.seq == detail.record.seq
        row = log_row(record, detail.around)
        style = _LEVELS.get(row.severity.level, "foreground")
        line = [
            (palette.glyphs.cursor if here else " ", "@1 accent"),
            (row.cells["time"].rjust(9), "@2 muted"),
            (row.cells["status"].rjust(5), "muted"),
            (format_duration(took).rjust(9), style),
        ]
        if took and longest:
            line.append((_bar(took, longest, bar_width, palette, "receive"), "@28 phase-receive"))
        lines.append(line)
    return lines


def facts_or(facts: Sequence[Fact], otherwise: str, *, at: int = LABEL + 2) -> list[StyledLine]:
    """Facts as lines: label, value (at cell ``at``, or behind a longer label), note; or a line that
    there are none."""
    if not facts:
        return [[(otherwise, "@1 muted")]]
    lines: list[StyledLine] = []
    for fact in facts:
        line = [(fact.label, "@1 muted")]
        if cell_width(fact.label) > at - 2:
            line.append(("  ", "muted"))
        if fact.value is None:
            line.append((fact.note or "unknown", f"@{at} faint"))
        else:
            line.append((fact.value, f"@{at} foreground"))
            if fact.note:
                line += [("   ", "muted"), (fact.note, "muted")]
        lines.append(line)
    return lines


def summary(detail: Detail, palette: Palette) -> list[tuple[str, str]]:
    """The entry in one line: what it is, its longest phases, and why it is lit."""
    record, around = detail.record, detail.around
    entry = record.entry
    parts = [*title(detail, palette), ("   ", "muted")]
    if not entry.is_request:
        if entry.duration_us:
            parts.append((format_duration(entry.duration_us), "foreground"))
        return parts
    page_url = around.page_urls.get(record.page_view_id)
    known = [
        (fact.duration_us, PHASE_WORDS[fact.name])
        for fact in phase_facts(entry, page_url)
        if fact.duration_us
    ]
    for duration, words in sorted(known, reverse=True)[:3]:
        parts += [(f"{words} ", "muted"), (f"{format_duration(duration)}  ", "foreground")]
    separator = f"{palette.glyphs.separator} "
    for reason in detail.severity.reasons[:2]:
        style = _LEVELS.get(reason.level, "muted")
        parts += [(separator, "faint"), (f"{palette.glyph(reason.glyph)} {reason.words} ", style)]
    for fact in server_timing(entry)[:1]:
        parts += [(separator, "faint"), (f"{fact.label} {fact.value or fact.note}", "muted")]
    return parts


TWO_COLUMNS = 110
"""Cells from which on the blocks of :func:`everything` stand side by side."""


def everything(
    detail: Detail, usual: Usual | None, palette: Palette, width: int
) -> list[StyledLine]:
    """All that is known of an entry: why it is lit, what it was, how long everything took, then
    the other tabs; in two columns where there is room."""
    record, around = detail.record, detail.around
    lines: list[StyledLine] = [[]]
    for reason in detail.severity.reasons:
        style = _LEVELS.get(reason.level, "muted")
        lines.append([(f"{palette.glyph(reason.glyph)} {reason.words}", f"@1 !{style}")])
    if len(lines) > 1:
        lines.append([])
    if not record.entry.is_request:
        raw = tab_lines("Raw", detail, palette, width)
        return [*lines, *happening(detail), [], *_section("raw"), *raw]
    page_url = around.page_urls.get(record.page_view_id)
    facts = request_facts(record, around.session_start_us, page_url, usual, around.first_party)
    half = width // 2 if width >= TWO_COLUMNS else 0
    room = width - half

    def section(name: str) -> list[StyledLine]:
        return [*_section(name.lower()), *tab_lines(name, detail, palette, room), []]

    what = [*_section("request"), *facts_or(facts[1:], ""), []]
    when = [*_section("timing"), *phase_lines(detail, palette, room), []]
    lines += [[(record.entry.name, "@1 !foreground")], []]
    if half:
        lines += beside(what, [*when, *section("Server-Timing")], half)
        lines += beside(section("Initiator"), section("Similar"), half)
    else:
        lines += [*when, *what, *section("Server-Timing"), *section("Initiator")]
        lines += section("Similar")
    return [*lines, *section("Headers"), *section("Raw")]


def _section(name: str) -> list[StyledLine]:
    return [[(name, "@1 !primary")]]
