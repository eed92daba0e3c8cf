"""What is notable about the requests of a pageview."""

from __future__ import annotations

from perftui.analysis.describe import Surroundings
from perftui.analysis.page_notes import page_notes
from perftui.analysis.severity import Level
from perftui.analysis.waterfall_list import arranged, request_rows
from perftui.model import Entry
from tests.analysis.strategies import record
from tests.analysis.test_aggregate import ORIGIN_US, request


def notes(*entries: Entry) -> list[tuple[str, Level, str]]:
    records = [record(entry, seq) for seq, entry in enumerate(entries, 1)]
    around = Surroundings(session_start_us=ORIGIN_US, page_urls={"p": "https://shop.test/"})
    rows = arranged(request_rows(records, around, "https://shop.test/"), "start", "type")
    return [(note.glyph, note.level, f"{note.rows} {note.words}") for note in page_notes(rows)]


def test_the_worst_first_each_with_the_numbers_of_its_rows() -> None:
    assert notes(
        request("/", 0, 100, 0),
        request("/a.css", 10, 200, 0, render_blocking_status="blocking", initiator_type="link"),
        request("/api", 20, 700, 0),
        request("/api/2", 30, 2_500, 0),
        request("/gone", 40, 3_000, 0, response_status=503),
        request("/same", 50, 10, 0),
        request("/same", 60, 10, 0),
    ) == [
        ("✖", Level.ERROR, "#5 failed"),
        ("▲", Level.VERY_SLOW, "#4 #3 slow or large"),
        ("≡", Level.NOTE, "#6 #7 are the same again"),
        ("◼", Level.NOTE, "#2 block until 210ms"),
    ]


def test_of_many_some_are_named_and_the_rest_counted() -> None:
    many = [request(f"/{number}", number, 1, 0, response_status=404) for number in range(5)]
    assert notes(*many) == [("✖", Level.ERROR, "#1 #2 #3 +2 failed")]


def test_nothing_notable() -> None:
    assert notes(request("/", 0, 100, 0)) == []
