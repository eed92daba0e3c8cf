"""Question 3: what do third parties cost?"""

from __future__ import annotations

from math import nan

import numpy as np

from perftui.analysis.critical_path import target_of
from perftui.analysis.endpoints import is_third_party, registrable_domain, split_url
from perftui.analysis.groups import counts, dense, sums
from perftui.analysis.insights.answer import (
    Answer,
    Cause,
    Column,
    Note,
    NoteKind,
    Question,
    Shape,
    Unit,
    Value,
    make_table,
)
from perftui.analysis.insights.lcp_chain import chain_of
from perftui.analysis.insights.loading import MOST_ROWS, opaque_note
from perftui.analysis.insights.requests import Requests
from perftui.analysis.insights.sentences import third_party_headline
from perftui.analysis.insights.study import Study
from perftui.analysis.insights.values import told_ms
from perftui.analysis.text import format_duration
from perftui.model import JSON
from perftui.request_columns import Floats, Integers

THIRD_PARTIES = Shape(
    "third_parties",
    "By registrable domain",
    "A third party; the one with most time on the way to the LCP first, then by total time.",
    (
        Column("domain", "domain", Unit.TEXT, "Registrable domain (Public Suffix List).", 100),
        Column("requests", "requests", Unit.COUNT, "How many.", 90),
        Column("transfer_bytes", "bytes", Unit.BYTES, "Sum of the sizes that are told.", 70),
        Column("unknown_sizes", "unknown", Unit.COUNT, "Requests whose size is withheld.", 40),
        Column(
            "busy_ms",
            "busy",
            Unit.MILLISECONDS,
            "Time with any of its requests in flight, a pageview.",
            80,
        ),
        Column(
            "blocking_ms",
            "blocking",
            Unit.MILLISECONDS,
            "The same of render-blocking ones; unknown where the source tells of none of its"
            " requests whether they are.",
            75,
        ),
        Column(
            "lcp_path_ms",
            "LCP path",
            Unit.MILLISECONDS,
            "Time on the chain of requests to the LCP, a page load whose LCP is known; unknown"
            " where it is in no such load.",
            95,
        ),
        Column(
            "long_task_ms",
            "long tasks",
            Unit.MILLISECONDS,
            "Long tasks that the browser attributes to it, in all; unknown where no long task"
            " is told of at all.",
            60,
        ),
        Column("page_views", "pages", Unit.COUNT, "Pageviews that it is in.", 50),
    ),
)

SHAPES = {Question.THIRD_PARTY: (THIRD_PARTIES,)}

_LCP_PATH = 6
"""Place of the time on the way to the LCP in a row of :data:`THIRD_PARTIES`."""


def third_party(study: Study) -> Answer:
    """Question 3: what do third parties cost?"""
    requests = study.will_need("transfer_size", "is_opaque", "render_blocking_status").requests
    others = requests.is_third_party
    names, domains = requests.by_domain
    rows = np.flatnonzero(others)
    groups = domains[rows]
    here = counts(groups, len(names))
    transferred, known = sums(groups, len(names), requests.numbers("transfer_size")[rows])
    pages = _pages_of(groups, requests.pages[rows], len(names))
    busy = _busy_us(requests, rows, groups, len(names))
    blocking_rows = np.flatnonzero(others & requests.is_blocking)
    blocking = _busy_us(requests, blocking_rows, domains[blocking_rows], len(names))
    tells_blocking = rows[requests.identifiers("render_blocking_status")[rows] != 0]
    tells_blocking_of = counts(domains[tells_blocking], len(names)) > 0
    path, loads, alone = _path_us(study, len(names))
    loads_of = _loads_with_lcp_of(study, rows, groups, len(names))
    tasks = _task_us(study)
    tells_tasks = bool(study.happenings("long-animation-frame", "longtask"))
    found: list[tuple[float, float, str, tuple[Value, ...]]] = []
    for place in np.flatnonzero(here).tolist():
        name, count = names[place], int(pages[place])
        on_path = path[place] / loads_of[place] if loads_of[place] else nan
        row: tuple[Value, ...] = (
            *(name, int(here[place]), int(transferred[place]) if known[place] else None),
            int(here[place] - known[place]),
            told_ms(busy[place] / count),
            told_ms(blocking[place] / count) if tells_blocking_of[place] else None,
            told_ms(on_path),
            told_ms(tasks.get(name, 0)) if tells_tasks else None,
            count,
        )
        found.append((0.0 if on_path != on_path else -on_path, -busy[place] / count, name, row))
    found.sort(key=lambda one: one[:3])
    rows_ = [row for *_, row in found]
    cause = None
    notes: list[Note] = []
    if found:
        first, on_path = found[0][2], rows_[0][_LCP_PATH]
        cause = Cause(
            "domain",
            first,
            on_path if isinstance(on_path, float) else None,
            Unit.MILLISECONDS,
        )
        if found[0][0]:
            notes += _without(study, first, alone[names.index(first)], loads)
    opaque = int((requests.is_opaque & others).sum())
    notes += opaque_note(opaque)
    return Answer(
        question=Question.THIRD_PARTY.value,
        asked=Question.THIRD_PARTY.words,
        headline=third_party_headline(rows_, len(rows), len(requests)),
        cause=cause,
        tables=(make_table(THIRD_PARTIES, rows_, MOST_ROWS),),
        coverage=study.coverage,
        notes=tuple(notes),
    )


def _without(study: Study, domain: str, on_path: dict[int, int], loads: int) -> list[Note]:
    """What the LCP might have been without a third party, and what that assumes."""
    lcp = study.lcp_us[study.loads] if study.loads else np.empty(0)
    lcp = lcp[~np.isnan(lcp)]
    if not len(lcp):
        return []
    without = [
        max(0.0, float(study.lcp_us[page]) - on_path.get(page, 0))
        for page in study.loads
        if study.lcp_us[page] == study.lcp_us[page]
    ]
    was, now = float(np.median(lcp)), float(np.median(without))
    affected = sum(1 for moved in on_path.values() if moved)
    return [
        Note(
            NoteKind.ASSUMPTION,
            f"Without {domain} the median LCP would have been about {format_duration(round(now))}"
            f" instead of {format_duration(round(was))} (it is on the way in {affected} of {loads}"
            " page loads), if what waited for it had begun as much earlier and nothing else had"
            " taken its place.",
        )
    ]


def _pages_of(groups: Integers, pages: Integers, count: int) -> Integers:
    """How many pageviews each group is in."""
    if not len(groups):
        return np.zeros(count, dtype=np.int64)
    pairs, _ = dense(groups * (int(pages.max()) + 1) + pages)
    return counts(pairs // (int(pages.max()) + 1), count)


def _loads_with_lcp_of(study: Study, rows: Integers, groups: Integers, count: int) -> Integers:
    """In how many page loads whose LCP is known each group of requests is."""
    known = np.zeros(len(study.page_views), dtype=np.bool_)
    known[study.loads] = ~np.isnan(study.lcp_us[study.loads])
    pages = study.requests.pages[rows]
    return _pages_of(groups[known[pages]], pages[known[pages]], count)


def _busy_us(requests: Requests, rows: Integers, groups: Integers, count: int) -> Floats:
    """Per group: time with any of its requests in flight, summed over the pageviews."""
    if not len(rows):
        return np.zeros(count)
    begins = requests.starts[rows]
    ends = begins + np.nan_to_num(requests.durations[rows])
    _, spans = dense(groups * (int(requests.pages.max()) + 1) + requests.pages[rows])
    order = np.lexsort((begins, spans))
    begins, ends, spans = begins[order], ends[order], spans[order]
    first = np.concatenate(([True], spans[1:] != spans[:-1]))
    zero = begins[np.maximum.accumulate(np.where(first, np.arange(len(first)), 0))]
    begins, ends = begins - zero, ends - zero
    # Each span's times lie above those of the one before, so that one running maximum serves all.
    above = spans * (float(ends.max()) + 1)
    reached = np.maximum.accumulate(ends + above)
    before = np.concatenate(([0.0], reached[:-1]))
    covered = np.maximum(0, ends + above - np.maximum(begins + above, before))
    return np.bincount(groups[order], weights=covered, minlength=count).astype(np.float64)


def _path_us(study: Study, count: int) -> tuple[Floats, int, list[dict[int, int]]]:
    """Per domain: µs that its requests were the link in flight of a chain to an LCP, in all; of how
    many loads; and the same by pageview."""
    requests = study.requests
    _, domains = requests.by_domain
    others = requests.is_third_party
    blocking = requests.is_blocking
    by_page: list[dict[int, int]] = [{} for _ in range(count)]
    third_pages = set(np.unique(requests.pages[others]).tolist())
    loads = 0
    for page in study.loads:
        lcp = study.loading_vitals[page].lcp
        if lcp is None:
            continue
        loads += 1
        if page not in third_pages:
            continue
        target = target_of(lcp)
        rows = study.rows_before_lcp(page)
        rows = rows[requests.starts[rows] <= target]
        if not bool(others[rows].any()):
            continue
        chain = chain_of(study, rows, target, lcp.url)
        if not chain:
            continue
        steps = [row for row, _ in chain]
        starts = requests.starts
        for place, row in enumerate(steps):
            if others[row]:
                end = min(float(np.nan_to_num(requests.ends[row], nan=target)), target)
                if place + 1 < len(steps):
                    end = min(end, float(starts[steps[place + 1]]))
                _add(by_page[domains[row]], page, max(0.0, end - float(starts[row])))
        # What blocks rendering holds up the LCP whether or not something was found by it.
        held = rows[others[rows] & blocking[rows] & (requests.ends[rows] <= target)]
        for row in held.tolist():
            if row not in steps:
                _add(by_page[domains[row]], page, float(requests.durations[row]))
    return np.array([float(sum(one.values())) for one in by_page]), loads, by_page


def _add(found: dict[int, int], page: int, us: float) -> None:
    found[page] = found.get(page, 0) + round(us)


def _task_us(study: Study) -> dict[str, float]:
    """Domain -> µs of long tasks that the browser attributes to it: of a long animation frame's
    scripts by their source, of a long task by the frame that it ran in."""
    found: dict[str, float] = {}
    for page, record in study.happenings("long-animation-frame", "longtask"):
        extra = record.entry.extra
        if record.entry.entry_type == "longtask":
            parts, name = extra.get("attribution"), "containerSrc"
        else:
            parts, name = extra.get("scripts"), "sourceURL"
        for part in parts if isinstance(parts, list) else []:
            if not isinstance(part, dict) or not isinstance(url := part.get(name), str):
                continue
            whole: JSON = (
                (record.entry.duration_us or 0) / 1000
                if name == "containerSrc"
                else part.get("duration")
            )
            if not isinstance(whole, (int, float)):
                continue
            if is_third_party(url, study.page_views[page].url, study.first_party):
                domain = registrable_domain(split_url(url).host)
                found[domain] = found.get(domain, 0) + round(whole * 1000)
    return found
