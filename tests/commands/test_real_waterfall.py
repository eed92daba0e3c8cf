"""A real page's waterfall, request by request, against moments computed here from its HAR file.

Nothing of the product but its geometry and its printed text is used: starts, ends and phases come
from ``startedDateTime`` and ``timings`` as HAR 1.2 defines them (what is -1 does not apply; ``ssl``
is a part of ``connect``, its end).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest
from wcwidth import wcswidth

from perftui.analysis.marks import page_marks
from perftui.analysis.phases import PhaseName
from perftui.analysis.vitals import vitals
from perftui.analysis.waterfall import EIGHTHS, Bar, Viewport, layout
from perftui.analysis.waterfall_text import LEFT_BLOCKS, MARK_LINE, PHASE_GLYPHS, page_viewport
from perftui.store.reader import StoreReader
from tests.commands.test_errors import perftui

WIDTH = 120
URL_CELLS = (WIDTH - 26) * 2 // 5
BAR_AT = 26 + URL_CELLS
BAR_CELLS = WIDTH - BAR_AT
MARGIN = 0.02
"""Room at the end of the view, as a part of it."""

FROM_RIGHT = {"▕": (1, 2), "▐": (4, 3), "█": (8, 2)}
"""Characters that fill a cell from the right: eighths of it, and how many they may be off: what
the character rounds, and one eighth for where the bar stands."""


class Stretch(NamedTuple):
    """A phase as the file tells it, µs since the start of its page."""

    name: PhaseName
    start: float
    end: float


class Told(NamedTuple):
    """A request as the file tells it."""

    url: str
    stretches: tuple[Stretch, ...]

    @property
    def start(self) -> float:
        return self.stretches[0].start

    @property
    def end(self) -> float:
        return self.stretches[-1].end


def _moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp() * 1e6


def _stretches(entry: dict[str, Any], origin: float) -> Iterator[Stretch]:
    timings = {
        name: value * 1000
        for name, value in entry["timings"].items()
        if isinstance(value, int | float) and value >= 0
    }
    tls = timings.get("ssl", 0.0)
    at = _moment(entry["startedDateTime"]) - origin
    for name, lasts in (
        (PhaseName.QUEUE, timings.get("blocked", 0.0)),
        (PhaseName.DNS, timings.get("dns", 0.0)),
        (PhaseName.CONNECT, timings.get("connect", 0.0) - tls),
        (PhaseName.TLS, tls),
        (PhaseName.REQUEST, timings["send"]),
        (PhaseName.WAIT, timings["wait"]),
        (PhaseName.RECEIVE, timings["receive"]),
    ):
        yield Stretch(name, at, at + lasts)
        at += lasts


class Page(NamedTuple):
    """A page of the file: its requests by start, and the last moment that its view shows (the end
    of a request, or the load event)."""

    requests: list[Told]
    last: float

    @property
    def first(self) -> float:
        """The first moment that its view shows, µs."""
        return self.requests[0].start

    @property
    def duration(self) -> float:
        """How much time its view shows, µs."""
        return (self.last - self.first) * (1 + MARGIN)

    def eighth(self, at: float) -> float:
        """Where a moment must stand in a row of :data:`BAR_CELLS` cells, in eighths, unrounded."""
        return (at - self.first) * BAR_CELLS * EIGHTHS / self.duration


def _pages(log: dict[str, Any]) -> list[Page]:
    pages = []
    for page in log["pages"]:
        origin = _moment(page["startedDateTime"])
        requests = [
            Told(entry["request"]["url"], tuple(_stretches(entry, origin)))
            for entry in log["entries"]
            if entry["pageref"] == page["id"]
        ]
        requests.sort(key=lambda told: told.start)
        load = page["pageTimings"]["onLoad"] * 1000
        pages.append(Page(requests, max(load, *(told.end for told in requests))))
    return pages


@pytest.fixture(scope="module")
def pages(har_folder: Path) -> list[Page]:
    return _pages(json.loads((har_folder / "www.nytimes.com.har").read_bytes())["log"])


@pytest.fixture(scope="module")
def store(har_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("real") / "store.db"
    done = perftui("--db", str(path), "import", str(har_folder / "www.nytimes.com.har"))
    assert done.returncode == 0, done.stderr
    return path


def _bars(store: Path, number: int) -> tuple[Viewport, list[tuple[str, Bar | None]]]:
    with StoreReader(store) as reader:
        session = reader.find_session("last")
        (page_view,) = [view for view in reader.page_views(session) if view.number == number]
        records = list(reader.iter_records(session, page_view_id=page_view.page_view_id))
    requests = sorted(
        (record for record in records if record.entry.is_request),
        key=lambda record: (record.entry.start_us, record.seq),
    )
    marks = page_marks(records, vitals(records, page_view))
    viewport = page_viewport(page_view, requests, marks, BAR_CELLS)
    return viewport, [(record.entry.name, layout(record.entry, viewport)) for record in requests]


def _is_same_url(stored: str, url: str) -> bool:
    """Scheme, host and path; what may be a secret is redacted in the store."""
    kept, told = urlsplit(stored), urlsplit(url)
    path = re.escape(kept.path).replace("REDACTED", "[^/]*")
    return kept[:2] == told[:2] and re.fullmatch(path, told.path) is not None


@pytest.mark.parametrize("number", [1, 2])
def test_bars_stand_where_the_file_says(pages: list[Page], store: Path, number: int) -> None:
    page = pages[number - 1]
    viewport, bars = _bars(store, number)
    assert viewport.start_us == page.first
    assert abs(viewport.duration_us - page.duration) <= 1
    assert len(bars) == len(page.requests) == (227, 101)[number - 1]
    for told, (url, bar) in zip(page.requests, bars, strict=True):
        assert _is_same_url(url, told.url)
        assert bar is not None, told
        start, end = page.eighth(told.start), page.eighth(told.end)
        assert abs(bar.start - start) <= 1, told
        # The shortest bar is one eighth, however short the request.
        assert abs(bar.end - max(end, bar.start + 1)) <= 1, told
        shown = {span.name: span for span in bar.spans}
        assert len(shown) == len(bar.spans), told
        for stretch in told.stretches:
            start, end = page.eighth(stretch.start), page.eighth(stretch.end)
            span = shown.pop(stretch.name, None)
            if span is None:
                assert end - start <= 1, (told, stretch)
            else:
                assert stretch.end > stretch.start, (told, stretch)
                assert abs(span.start - start) <= 1, (told, stretch)
                assert abs(span.end - max(end, span.start + 1)) <= 1, (told, stretch)
        assert not shown, told


def _overlap(start: float, end: float, left: float, right: float) -> float:
    return max(0.0, min(end, right) - max(start, left))


@pytest.mark.parametrize("number", [1, 2])
def test_printed_cells_say_what_the_file_says(pages: list[Page], store: Path, number: int) -> None:
    page = pages[number - 1]
    done = perftui(
        *("--db", str(store), "waterfall", "--pageview", str(number), "--width", str(WIDTH))
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    first = next(place for place, line in enumerate(lines) if line.startswith("   1 "))
    rows = lines[first : first + len(page.requests)]
    assert len(rows) == len(page.requests)
    names = {glyph: name for name, glyph in PHASE_GLYPHS.items()}
    names |= dict.fromkeys((*LEFT_BLOCKS[1:], *FROM_RIGHT), PhaseName.RECEIVE)
    filled = 0
    for place, (row, told) in enumerate(zip(rows, page.requests, strict=True), start=1):
        assert row.startswith(f"{place:>4} ")
        assert wcswidth(row) == len(row) <= WIDTH
        edges = [page.eighth(told.start), *(page.eighth(one.end) for one in told.stretches)]
        # The shortest bar is one eighth.
        edges[-1] = max(edges[-1], edges[0] + 1)
        kinds = [one.name for one in told.stretches]
        for cell, glyph in enumerate(row[BAR_AT:].ljust(BAR_CELLS)):
            left, right = cell * EIGHTHS, (cell + 1) * EIGHTHS
            covered = _overlap(edges[0], edges[-1], left, right)
            if glyph in {" ", MARK_LINE}:
                assert covered <= 1, (place, cell, told)
                continue
            filled += 1
            shares = {
                kind: _overlap(begin, end, left, right)
                for kind, (begin, end) in zip(kinds, pairwise(edges), strict=True)
            }
            # Each edge of a phase may be off by half an eighth, so its share by one.
            phase = names[glyph]
            nearest = _overlap(
                *next(
                    (begin - 1, end + 1)
                    for kind, (begin, end) in zip(kinds, pairwise(edges), strict=True)
                    if kind is phase
                ),
                left,
                right,
            )
            assert nearest > 0, (place, cell, glyph, told)
            assert shares[phase] >= max(shares.values()) - 2, (place, cell, glyph, told)
            if phase is PhaseName.RECEIVE:
                # From the right there are characters for one eighth, a half and all of a cell.
                begins_inside = edges[0] > left
                drawn, off = LEFT_BLOCKS.find(glyph), 1
                if drawn < 0 or (begins_inside and glyph == "█"):
                    drawn, off = FROM_RIGHT[glyph]
                assert abs(drawn - covered) <= off + 1e-6, (place, cell, glyph, told)
    assert filled >= len(page.requests)
