"""``perftui report --html`` makes one file that opens from disk, in real Chromium."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from perftui.analysis.insights.answer import Question
from tests.browser.conftest import CHROMIUM_ARGUMENTS
from tests.conftest import REPOSITORY

pytestmark = pytest.mark.chromium


def perftui(store: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "perftui", "--db", str(store), *arguments],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return done.stdout


def test_the_file_opens_from_disk_and_asks_for_nothing(tmp_path: Path, chromium_path: str) -> None:
    store = tmp_path / "demo.db"
    perftui(store, "import", str(REPOSITORY / "perftui" / "demo" / "session.jsonl"))
    document = tmp_path / "report.html"
    document.write_text(perftui(store, "report", "--html", "--at", "0.5"), encoding="utf-8")
    asked: list[str] = []
    trouble: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium_path, headless=True, args=list(CHROMIUM_ARGUMENTS)
        )
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: trouble.append(message.text))
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.goto(document.as_uri())
        text = page.inner_text("body")
        overflow = page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        drawn = page.evaluate(
            "[...document.querySelectorAll('svg')]"
            ".filter(svg => svg.getBoundingClientRect().height > 10).length"
        )
        browser.close()
    assert asked == [document.as_uri()]
    assert trouble == []
    for question in Question:
        assert question.words in text
    assert drawn >= 2
    assert overflow <= 0
