"""What the lines around the rows of the waterfall say.

Functions of what is known; the screen hands the answers to its widgets. A part is a text and the
theme variable it is painted in; ``!name`` is bold.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from perftui.analysis.aggregate import AggregatedPage, Quartiles
from perftui.analysis.baseline import Baseline, Difference
from perftui.analysis.critical_path import Chain
from perftui.analysis.endpoints import endpoint, short_url, split_url
from perftui.analysis.marks import Mark, mark_rank
from perftui.analysis.page_notes import PageNote
from perftui.analysis.phases import phase_durations
from perftui.analysis.request_detail import PHASE_WORDS
from perftui.analysis.session_names import session_name
from perftui.analysis.severity import Level
from perftui.analysis.text import counted, format_bytes, format_count, format_duration
from perftui.analysis.waterfall import Viewport
from perftui.analysis.waterfall_list import WaterfallRow, total_size_words
from perftui.model import PageView, Usual
from perftui.screens.waterfall_reading import WaterfallTold
from perftui.widgets.name_cell import LEVEL_STYLES
from perftui.widgets.palette import Palette
from perftui.widgets.vital_badge import RATING_STYLES, rating_glyph
from perftui.widgets.waterfall_frame import sample

Part = tuple[str, str]


def page_name(view: PageView) -> str:
    """``P2 /checkout``."""
    path = split_url(view.url or "").path or view.url or "?"
    return f"P{view.number} {path}"


def title_parts(
    told: WaterfallTold, page: AggregatedPage | None, sort: str, group: str, shown: int
) -> tuple[list[str], list[Part]]:
    """Where we are, and what the rows are.

    Args:
        page: all loads of the page, where these are shown.
        shown: rows that a filter lets through.
    """
    name = session_name(told.summary)
    crumbs = ["sessions", name, page_name(told.view), "waterfall"]
    order = f"by {sort}" + (f" in {group}s" if group else "")
    if page is not None:
        loads = counted(page.page_view_count, "load")
        return crumbs, [
            (f"ALL {loads}", "accent"),
            (f"{shown} resources", "muted"),
            (order, "muted"),
        ]
    sizes = [record.entry.transfer_size for record in told.records if record.entry.is_request]
    count = f"{shown}/{len(sizes)}" if shown != len(sizes) else str(shown)
    state: list[Part] = [
        (f"{count} request{'s' * (len(sizes) != 1)}", "foreground"),
        (total_size_words(sizes), "muted"),
        (order, "muted"),
    ]
    return crumbs, state


def mark_words(marks: Sequence[Mark], palette: Palette, room: int) -> tuple[Part, ...]:
    """``FCP 0.58s✓  LCP 0.94s✓  load 1.21s``, by time; where there is no room for all, the most
    important ones."""
    shown: dict[str, list[Part]] = {}
    for mark in sorted(marks, key=mark_rank):
        rating = "" if mark.rating is None else rating_glyph(mark.rating, palette.glyphs)
        style = "foreground" if mark.rating is None else RATING_STYLES[mark.rating]
        value = f"{format_duration(mark.at_us)}{rating}"
        room -= len(mark.name) + len(value) + 3
        if room < -2:
            break
        shown[mark.name] = [(f"{mark.name} ", "muted"), (f"{value}  ", style)]
    return tuple([part for mark in marks for part in shown.get(mark.name, ())])


def view_words(viewport: Viewport, whole: Viewport) -> tuple[Part, ...]:
    """Which part of the load is in view."""
    if viewport.start_us <= whole.start_us and viewport.end_us >= whole.end_us:
        return (("all of ", "muted"), (format_duration(whole.duration_us), "foreground"))
    start, end = format_duration(viewport.start_us), format_duration(viewport.end_us)
    return (
        (f"{start} to {end}", "accent"),
        (f" of {format_duration(whole.duration_us)}   ", "muted"),
        ("0 fits all", "faint"),
    )


def row_words(row: WaterfallRow, usual: Mapping[str, Usual], palette: Palette) -> list[Part]:
    """The selected request: why it is lit, its phases, and what is usual."""
    record = row.record
    assert record is not None
    entry = record.entry
    name = f"{entry.method or ''} {short_url(entry.name, row.page_url)}  ".lstrip()
    parts: list[Part] = [(f"#{row.number} ", "!primary"), (name, "!foreground")]
    parts += [("= ", "muted"), (f"{format_duration(row.duration_us)}  ", "!foreground")]
    for reason in row.severity.reasons if row.severity is not None else ():
        style = LEVEL_STYLES.get(reason.level, "muted")
        parts.append((f"{palette.glyph(reason.glyph)} {reason.words}  ", style))
    known = usual.get(endpoint(entry.method, entry.name))
    if known is not None and known.median_us is not None and known.calls > 1:
        median = format_duration(known.median_us)
        parts.append((f"usually {median} over {format_count(known.calls)} calls  ", "muted"))
    return parts


def phase_words(row: WaterfallRow, palette: Palette) -> list[Part]:
    """The phases of the selected request, its size and protocol."""
    record = row.record
    assert record is not None
    entry = record.entry
    parts: list[Part] = [
        ("start ", "muted"),
        (f"{format_duration(entry.start_us)}  ", "foreground"),
    ]
    if not entry.is_timing_opaque:
        for name, duration in phase_durations(entry).items():
            if duration:
                parts += [sample(name, palette), (f" {PHASE_WORDS[name]} ", "muted")]
                parts.append((f"{format_duration(duration)}  ", "foreground"))
    if entry.transfer_size is not None:
        parts.append((f"{format_bytes(entry.transfer_size)} ", "muted"))
    return [*parts, (entry.next_hop_protocol or "", "muted")]


def resource_words(row: WaterfallRow, loads: int) -> list[list[Part]]:
    """An aggregated resource in two lines."""
    one = row.resource
    assert one is not None
    lines: list[list[Part]] = [
        [
            (f"#{row.number} ", "!primary"),
            (f"{one.endpoint}  ", "!foreground"),
            (f"in {format_count(one.present)} of {format_count(loads)} loads  ", "muted"),
        ]
    ]
    if one.error_count:
        lines[0].append((f"{format_count(one.error_count)} failed", "error"))
    lines.append([*_quartiles("took", one.duration), *_quartiles("start", one.start)])
    if one.transfer_size is not None:
        lines[1].append((f"{format_bytes(one.transfer_size)}", "muted"))
    return lines


def _quartiles(name: str, told: Quartiles | None) -> list[Part]:
    if told is None:
        return [(f"{name} ", "muted"), ("unknown  ", "faint")]
    half = f" (half of them {format_duration(told.p25_us)} to {format_duration(told.p75_us)})  "
    if told.p25_us == told.p75_us:
        half = "  "
    return [(f"{name} ", "muted"), (format_duration(told.median_us), "foreground"), (half, "muted")]


def chain_words(chain: Chain | None, rows: Sequence[WaterfallRow], palette: Palette) -> list[Part]:
    """The chain of requests that led to the LCP or the load event, by the numbers of their rows."""
    if chain is None:
        return [("neither LCP nor load event is known, so no chain to it", "faint")]
    numbers = {row.key: row.number for row in rows}
    parts: list[Part] = [(f"chain to {chain.target}  ", "primary")]
    for place, step in enumerate(chain.steps):
        if place:
            parts.append((f" {palette.glyphs.chevron} ", "faint"))
        number = numbers.get(step.record.seq)
        name = _last_part(step.record.entry.name)
        parts += [(f"#{number or '?'} ", "muted"), (name, "foreground")]
    share = f"  {format_duration(chain.covered_us)} of {format_duration(chain.total_us)}"
    told = all(step.told for step in chain.steps)
    how = "" if told else ", inferred from the times"
    return [*parts, (f"{share} ({chain.share:.0%}){how}", "muted")]


def _last_part(url: str) -> str:
    path = split_url(url).path.rstrip("/")
    return path.rpartition("/")[2] or "/"


def short_words(
    chain: Chain | None, notes: Sequence[PageNote], rows: Sequence[WaterfallRow], palette: Palette
) -> list[Part]:
    """Chain and findings in one line: numbers and counts alone."""
    parts: list[Part] = []
    if chain is not None:
        numbers = {row.key: row.number for row in rows}
        between = f" {palette.glyphs.chevron} "
        steps = between.join([f"#{numbers.get(step.record.seq, '?')}" for step in chain.steps])
        parts += [(f"chain to {chain.target} ", "primary"), (steps, "foreground")]
        parts.append((f" ({chain.share:.0%})    ", "muted"))
    for note in notes:
        style = LEVEL_STYLES.get(note.level, "muted")
        parts.append((f"{palette.glyph(note.glyph)} {note.row_count} {note.kind}   ", style))
    return parts


def note_words(notes: Sequence[PageNote], palette: Palette) -> list[Part]:
    """What is notable about the requests, the worst first."""
    if not notes:
        return [("nothing failed, slow, sent again or render-blocking", "faint")]
    parts: list[Part] = []
    for note in notes:
        style = LEVEL_STYLES.get(note.level, "muted")
        strong = "!" if note.level >= Level.SLOW else ""
        parts.append((f"{palette.glyph(note.glyph)} ", strong + style))
        parts.append((f"{note.rows} {note.words}   ", style if strong else "muted"))
    return parts


def baseline_words(baseline: Baseline, found: Difference | None) -> list[Part]:
    """How the pageview differs from its baseline."""
    parts: list[Part] = [("against ", "muted"), (f"{baseline.name}  ", "!accent")]
    if found is None:
        return parts
    for name in ("LCP", "load", "FCP"):
        if name in found.marks:
            words, style = _signed(found.marks[name], 10_000)
            parts.append((f"{name} {words}", style))
    if found.slowest is not None:
        name, by_us = found.slowest
        words, style = _signed(by_us, 0)
        parts.append((f"{_last_part('http://' + name)} {words}", style))
    if found.new:
        parts.append((f"{len(found.new)} new  ", "warning"))
    if found.gone:
        parts.append((f"{len(found.gone)} gone  ", "foreground"))
    if found.transfer_bytes:
        sign = "+" if found.transfer_bytes > 0 else "-"
        parts.append((f"{sign}{format_bytes(abs(found.transfer_bytes))}  ", "foreground"))
    return parts


def _signed(by_us: int, small_us: int) -> Part:
    if abs(by_us) < 1_000:
        return "as before  ", "muted"
    sign = "+" if by_us >= 0 else "-"
    style = "muted" if abs(by_us) < small_us else "warning" if by_us > 0 else "success"
    return f"{sign}{format_duration(abs(by_us))}  ", style
