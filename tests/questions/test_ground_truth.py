"""The nine answers against a site whose truth is known, driven by real Chromium with the SDK into
the real capture server. Every planted cause must be the first that its answer names."""

from __future__ import annotations

import asyncio
import gzip
import statistics
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from perftui_server.run import CaptureServer, listening_socket
from playwright.sync_api import sync_playwright

from perftui.analysis.insights.answer import Answer, Question
from perftui.analysis.insights.reading import answer, read_study
from perftui.analysis.insights.study import Study
from perftui.config import ServerSettings, Settings, StoreSettings
from perftui.store.reader import StoreReader
from perftui.store.writer import StoreWriter
from tests.browser.conftest import CHROMIUM_ARGUMENTS
from tests.questions import site as planted
from tests.questions.site import QuestionSite, question_site

pytestmark = pytest.mark.chromium

NOISE_MS = 150.0
"""What the way, the browser and a busy machine may add to the median of the server's own times."""


@dataclass
class Truth:
    """What was driven, and where it is stored."""

    site: QuestionSite
    study: Study

    def ask(self, question: Question, **moment: Any) -> Answer:
        return answer(self.study, question, **moment)


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory, chromium_path: str) -> Iterator[Truth]:
    path = tmp_path_factory.mktemp("questions") / "store.db"
    settings = Settings(server=ServerSettings(port=0), store=StoreSettings(min_free_bytes=0))
    server = CaptureServer(
        StoreWriter(path, settings=settings.store), settings, listening_socket(settings)
    )
    started = threading.Event()
    thread = threading.Thread(
        target=lambda: asyncio.run(server.serve(on_started=started.set)), daemon=True
    )
    thread.start()
    assert started.wait(30)
    try:
        with question_site(f"{server.url}/perftui.js") as site:
            visit_all(site, chromium_path)
            wait_for_all(path)
            with StoreReader(path) as reader:
                yield Truth(site, read_study(reader, reader.sessions()))
    finally:
        server.stop()
        thread.join(30)


def visit_all(site: QuestionSite, chromium_path: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium_path, headless=True, args=list(CHROMIUM_ARGUMENTS)
        )
        for visit in range(planted.VISITS):
            context = browser.new_context(viewport={"width": 1280, "height": 800})
            page = context.new_page()
            page.goto(f"{site.url}/?visit={visit}")
            page.wait_for_function("window.done === true", timeout=60_000)
            page.goto("about:blank")
            context.close()
        browser.close()


def report_rows(study: Study) -> list[int]:
    """The places of the last request that each visit makes."""
    texts = study.requests.url_texts
    return [
        place
        for place, url in enumerate(study.requests.urls.tolist())
        if texts[url].endswith("/api/report")
    ]


def wait_for_all(path: Path) -> None:
    """Until the last thing that each visit does is in the store."""
    deadline = time.monotonic() + 60
    while True:
        with StoreReader(path) as reader:
            study = read_study(reader, reader.sessions())
            reports = report_rows(study)
            painted = [page for page in study.loads if study.vitals[page].lcp is not None]
        if len(reports) == len(painted) == planted.VISITS:
            return
        assert time.monotonic() < deadline, f"{len(reports)} reports, {len(painted)} LCPs"
        time.sleep(0.05)


def rows(told: Answer, table: str) -> list[dict[str, Any]]:
    return [dict(one) for one in told.table(table).records()]


def row(told: Answer, table: str, ending: str) -> dict[str, Any]:
    """The row of a table whose first cell ends so."""
    records = rows(told, table)
    found = [one for one in records if str(next(iter(one.values()))).endswith(ending)]
    assert found, f"no {ending} in {table}: {records}"
    return found[0]


def near(told_ms: float, planted_ms: float, site: QuestionSite, path: str) -> None:
    """At least what was planted, at most what the server took and the noise."""
    took = statistics.median(site.took_ms(path))
    assert planted_ms - 2 <= told_ms <= max(took, planted_ms) + NOISE_MS, path


def test_assets(truth: Truth) -> None:
    told = truth.ask(Question.ASSETS)
    assert told.cause is not None
    hero = row(told, "by_url", "/hero.png")
    near(hero["p50_ms"], planted.HERO_MS, truth.site, "/hero.png")
    assert hero["requests"] == planted.VISITS
    tag = row(told, "by_url", "/tag.js")
    near(tag["p50_ms"], planted.TAG_MS, truth.site, "/tag.js")
    assert tag["render_blocking"] is True
    assert tag["before_lcp_share"] == 1.0
    documents = row(told, "by_type", "document")
    near(documents["p50_ms"], statistics.median(planted.WAITS_MS), truth.site, "/")
    others = [one for one in rows(told, "by_url") if one["type"] != "document"]
    assert others[0]["url"].endswith("/hero.png")


def test_api(truth: Truth) -> None:
    told = truth.ask(Question.API)
    assert told.cause is not None
    assert told.cause.name.endswith("/api/report")
    for path, delay in (("/api/report", planted.REPORT_MS), ("/api/user/:id", planted.USER_MS)):
        one = row(told, "by_endpoint", path)
        near(one["p50_ms"], delay, truth.site, path.replace(":id", "1000"))
        assert one["server_p50_ms"] == delay
        assert one["calls"] == planted.VISITS
        assert one["errors"] == 0
    assert row(told, "by_endpoint", "/api/cart")["calls"] == 3 * planted.VISITS


def test_third_parties(truth: Truth) -> None:
    told = truth.ask(Question.THIRD_PARTY)
    assert told.cause is not None
    assert told.cause.name == "localhost"
    one = row(told, "third_parties", "localhost")
    assert one["requests"] == 2 * planted.VISITS
    assert one["unknown_sizes"] == planted.VISITS
    assert one["blocking_ms"] >= planted.TAG_MS - 2
    assert planted.TAG_MS - 2 <= one["lcp_path_ms"] <= planted.TAG_MS + NOISE_MS
    assert any("Without localhost" in note.text for note in told.notes)


def test_size(truth: Truth) -> None:
    told = truth.ask(Question.SIZE)
    assert told.cause is not None
    assert told.cause.name.endswith("/bundle.js")
    for path, body in (("/bundle.js", planted.BUNDLE), ("/hero.png", planted.HERO)):
        one = row(told, "largest", path)
        assert one["encoded_bytes"] == one["decoded_bytes"] == len(body)
    twice = row(told, "duplicates", "/api/twice")
    assert twice["times"] == 2
    assert twice["page_views"] == planted.VISITS
    assert twice["wasted_bytes"] >= len(planted.TWICE) * planted.VISITS
    # The one that withholds its size is counted apart, never as nothing.
    assert told.unknown["size"] >= planted.VISITS


def test_compression(truth: Truth) -> None:
    told = truth.ask(Question.COMPRESSION)
    assert told.cause is not None
    assert told.cause.name.endswith("/bundle.js")
    bundle = row(told, "uncompressed", "/bundle.js")
    assert bundle["body_bytes"] == len(planted.BUNDLE)
    assert 0 < bundle["gzip_saves_bytes"] < len(planted.BUNDLE)
    css = row(told, "compressed", "/good.css")
    assert css["encoded_bytes"] == len(gzip.compress(planted.CSS, mtime=0))
    assert css["decoded_bytes"] == len(planted.CSS)
    names = [
        str(one["url"]) for table in ("uncompressed", "compressed") for one in rows(told, table)
    ]
    assert not any(name.endswith("/pixel.js") for name in names)
    assert told.unknown["compression"] >= planted.VISITS


def test_change(truth: Truth) -> None:
    told = truth.ask(Question.CHANGE)
    assert told.cause is not None
    assert told.cause.name.endswith("/api/cart")
    cart = row(told, "speed", "/api/cart")
    assert cart["significant"] is True
    assert abs(cart["change_ms"] - planted.SLOWER_MS) <= NOISE_MS
    assert cart["low_ms"] <= cart["change_ms"] <= cart["high_ms"]
    assert cart["before_count"] == cart["after_count"] == 3 * planted.VISITS / 2


def test_factors(truth: Truth) -> None:
    told = truth.ask(Question.FACTORS)
    assert told.cause is not None
    assert told.cause.name == "time to first byte"
    first = rows(told, "factors")[0]
    assert first["certain"] is True
    assert first["rho"] > 0.8
    parts = rows(told, "lcp_parts")
    assert {one["page_views"] for one in parts} == {planted.VISITS}
    chain = [str(one["url"]) for one in rows(told, "chain")]
    assert chain[-1].endswith("/hero.png")


def test_events(truth: Truth) -> None:
    told = truth.ask(Question.EVENTS)
    assert told.cause is not None
    assert told.cause.name in {"gave_up", "bought"}
    gave_up = row(told, "events", "gave_up")
    assert gave_up["slow_before"] == planted.VISITS / 3
    assert row(told, "events", "bought")["slow_before"] == 0


def test_moment(truth: Truth) -> None:
    requests = truth.study.requests
    report = report_rows(truth.study)[planted.VISITS // 2]
    session_id = truth.study.page_views[int(requests.pages[report])].session_id
    summary = truth.study.summaries[session_id]
    middle = int(requests.start_epochs[report]) + planted.REPORT_MS * 500 - summary.started_us
    told = truth.ask(Question.MOMENT, session_id=session_id, at_us=middle)
    (flying,) = rows(told, "in_flight")
    assert flying["url"].endswith("/api/report")
    assert flying["running_ms"] == planted.REPORT_MS / 2
    assert flying["left_ms"] == pytest.approx(
        float(requests.durations[report]) / 1000 - planted.REPORT_MS / 2, abs=0.01
    )
