"""Answers as one HTML file that opens from disk: no script, no font and no picture from elsewhere.

Everything from outside is escaped; charts are SVG.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from perftui.analysis.describe import Surroundings, severity_of
from perftui.analysis.endpoints import short_url
from perftui.analysis.insights.answer import Answer, Distribution, Table, Trend, Unit
from perftui.analysis.marks import page_marks
from perftui.analysis.phases import PhaseName, request_duration_us
from perftui.analysis.rendering.cells import words
from perftui.analysis.rendering.text import coverage_words
from perftui.analysis.resource_type import label, resource_type
from perftui.analysis.severity import Level
from perftui.analysis.text import format_duration, sanitise
from perftui.analysis.vitals import vitals
from perftui.analysis.waterfall import EIGHTHS, layout
from perftui.analysis.waterfall_text import page_viewport, vitals_line
from perftui.model import PageView, Record

_NUMERIC = frozenset(Unit) - {Unit.TEXT, Unit.FLAG}

PHASE_COLOURS = {
    PhaseName.REDIRECT: "#8f6fb8",
    PhaseName.WORKER: "#7d7d7d",
    PhaseName.QUEUE: "#c9ced6",
    PhaseName.DNS: "#0f8b8d",
    PhaseName.CONNECT: "#e08e2b",
    PhaseName.TLS: "#a45ec4",
    PhaseName.REQUEST: "#5b7fb5",
    PhaseName.WAIT: "#57a773",
    PhaseName.RECEIVE: "#2b6cd4",
    PhaseName.OPAQUE: "#9aa3af",
    PhaseName.SPAN: "#c9ced6",
}
"""Distinct for the usual forms of colour blindness together with their order in a bar."""

_CSS = """
:root { color-scheme: light dark; --ink: #1d2430; --faint: #667080; --line: #d9dee6; --paper: #fff;
  --bad: #c0262d; --slow: #a86200; --accent: #2b6cd4; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ef; --faint: #97a1b3; --line: #303846;
  --paper: #12161d; --bad: #ff7b72; --slow: #e3a94b; --accent: #79b0ff; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 1200px; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.2rem; margin-top: 2.5rem; } h3 { font-size: 1rem; }
.headline { font-size: 1.05rem; font-weight: 600; } .faint, caption { color: var(--faint); }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
.scroll { overflow-x: auto; } caption { text-align: left; font-size: .85rem; }
th, td { padding: .2rem .6rem; border-bottom: 1px solid var(--line); text-align: left;
  white-space: nowrap; max-width: 40rem; overflow: hidden; text-overflow: ellipsis; }
th { font-weight: 600; } .number { text-align: right; }
svg { display: block; width: 100%; } .bars rect { fill: var(--accent); }
.waterfall td { padding: 0 .6rem; } .waterfall svg { height: 14px; min-width: 30rem; }
.slow { color: var(--slow); } .error { color: var(--bad); } .note { margin: .2rem 0; }
polyline { fill: none; stroke: var(--accent); stroke-width: 2; vector-effect: non-scaling-stroke; }
"""


def safe(text: str) -> str:
    """A text from outside: control characters made visible, and nothing of it markup."""
    return escape(sanitise(text))


def page(
    title: str,
    answers: Sequence[Answer],
    waterfalls: Sequence[tuple[PageView, Sequence[Record], Surroundings]] = (),
) -> str:
    """The file.

    Args:
        waterfalls: pageviews to draw, each with its entries.
    """
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta http-equiv="Content-Security-Policy"'
        " content=\"default-src 'none'; style-src 'unsafe-inline'\">",
        f"<title>{safe(title)}</title><style>{_CSS}</style></head><body>",
        f"<h1>{safe(title)}</h1>",
        *(_answer(answer) for answer in answers),
    ]
    if waterfalls:
        parts.append('<h2 id="waterfalls">Waterfalls</h2>')
        parts += [_waterfall(view, records, around) for view, records, around in waterfalls]
    parts.append("</body></html>\n")
    return "\n".join(parts)


def _answer(answer: Answer) -> str:
    parts = [
        f'<section id="{escape(answer.question)}"><h2>{safe(answer.asked)}</h2>',
        f'<p class="headline">{safe(answer.headline)}</p>',
        f'<p class="faint">{safe(coverage_words(answer))}</p>',
        *(_table(table) for table in answer.tables if table.rows),
        *(_distribution(one) for one in answer.distributions),
        *(_trend(one) for one in answer.trends),
        *(f'<p class="note faint">{safe(note.text)}</p>' for note in answer.notes),
        "</section>",
    ]
    return "\n".join(parts)


def _table(table: Table) -> str:
    columns = table.shape.columns
    numeric = [' class="number"' if column.unit in _NUMERIC else "" for column in columns]
    head = "".join(
        f'<th{kind} title="{safe(column.description)}">{safe(column.title)}</th>'
        for column, kind in zip(columns, numeric, strict=True)
    )
    rows = "".join(
        "<tr>"
        + "".join(
            f"<td{kind}>{safe(words(value, column.unit))}</td>"
            for value, column, kind in zip(row, columns, numeric, strict=True)
        )
        + "</tr>"
        for row in table.rows
    )
    more = table.total - len(table.rows)
    caption = table.shape.description + (f" {more} more are left out." if more > 0 else "")
    return (
        f'<h3>{safe(table.shape.title)}</h3><div class="scroll"><table>'
        f"<caption>{safe(caption)}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{rows}</tbody></table></div>"
    )


def _distribution(one: Distribution) -> str:
    top = max(one.counts, default=0) or 1
    width = 100 / max(1, len(one.counts))
    bars = "".join(
        f'<rect x="{place * width:.2f}" y="{40 - 40 * count / top:.2f}" width="{width * 0.9:.2f}"'
        f' height="{40 * count / top:.2f}"><title>{safe(words(one.edges[place], one.unit))} to'
        f" {safe(words(one.edges[place + 1], one.unit))}: {count}</title></rect>"
        for place, count in enumerate(one.counts)
    )
    marks = ", ".join(f"{name} {words(value, one.unit)}" for name, value in one.marks)
    return (
        f"<h3>{safe(one.title)}</h3><svg class='bars' viewBox='0 0 100 40' height='90'"
        f" preserveAspectRatio='none' role='img' aria-label='{safe(marks)}'>{bars}</svg>"
        f"<p class='faint'>{safe(words(one.edges[0], one.unit))} …"
        f" {safe(words(one.edges[-1], one.unit))}; {safe(marks)}</p>"
    )


def _trend(one: Trend) -> str:
    known = [value for value in one.medians if value is not None]
    if not known:
        return ""
    top = max(known) or 1
    step = 100 / max(1, len(one.medians) - 1)
    points = " ".join(
        f"{place * step:.2f},{40 - 38 * value / top:.2f}"
        for place, value in enumerate(one.medians)
        if value is not None
    )
    return (
        f"<h3>{safe(one.title)}</h3><svg viewBox='0 0 100 40' height='90' role='img'"
        f" preserveAspectRatio='none' aria-label='medians in order of time'>"
        f"<polyline points='{points}'/></svg>"
        f"<p class='faint'>0 … {safe(words(top, one.unit))}, {len(known)} points</p>"
    )


WATERFALL_CELLS = 120


def _waterfall(view: PageView, records: Sequence[Record], around: Surroundings) -> str:
    requests = sorted(
        (record for record in records if record.entry.is_request),
        key=lambda record: (record.entry.start_us, record.seq),
    )
    measured = vitals(records, view, around.thresholds)
    marks = page_marks(records, measured) if view.kind in {None, "load"} else ()
    viewport = page_viewport(view, requests, marks, WATERFALL_CELLS)
    total = WATERFALL_CELLS * EIGHTHS
    lines = "".join(
        f'<line x1="{viewport.eighth(mark.at_us)}" x2="{viewport.eighth(mark.at_us)}" y1="0" y2="14"'
        f' stroke="currentColor" stroke-opacity=".35" stroke-width="2"><title>{mark.name}</title></line>'
        for mark in marks
    )
    rows: list[str] = []
    for record in requests:
        bar = layout(record.entry, viewport)
        spans = "".join(
            f'<rect x="{span.start}" y="2" width="{span.end - span.start}" height="10"'
            f' fill="{PHASE_COLOURS[span.name]}"><title>{span.name.value}</title></rect>'
            for span in (bar.spans if bar else ())
        )
        severity = severity_of(record, around)
        kind = "error" if severity.level is Level.ERROR else "slow" if severity.is_slow else ""
        status = "?" if record.entry.response_status is None else str(record.entry.response_status)
        rows.append(
            f'<tr class="{kind}" title="{safe(severity.words)}"><td>{status}</td>'
            f"<td>{label(resource_type(record.entry))}</td>"
            f"<td>{safe(short_url(record.entry.name, view.url))}</td>"
            f'<td class="number">{format_duration(request_duration_us(record.entry))}</td>'
            f'<td><svg viewBox="0 0 {total} 14" preserveAspectRatio="none">{lines}{spans}</svg></td></tr>'
        )
    legend = " · ".join(
        f'<span style="color:{PHASE_COLOURS[name]}">■</span> {name.value}'
        for name in (
            *(PhaseName.QUEUE, PhaseName.DNS, PhaseName.CONNECT, PhaseName.TLS),
            *(PhaseName.WAIT, PhaseName.RECEIVE, PhaseName.OPAQUE),
        )
    )
    return (
        f"<h3>P{view.number} {safe(view.url or '?')}</h3>"
        f"<p class='faint'>{safe(vitals_line(measured))}</p>"
        f'<div class="scroll"><table class="waterfall">{"".join(rows)}</table></div>'
        f"<p class='faint'>{legend} (opaque: no Timing-Allow-Origin)</p>"
    )
