"""Real Chromium, the example shop and a capture server, for the tests of the whole way."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.recording import Recorder
from tests.server.conftest import capture, start

__all__ = ["capture", "chromium", "start"]

SDK = Path(__file__).resolve().parents[2] / "sdk"

CHROMIUM_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""Keep it offline, and alike on every machine."""


@pytest.fixture(scope="session")
def node_modules() -> Path:
    """The SDK's development tools, as its lock file pins them; for tests marked ``node``."""
    folder = SDK / "node_modules"
    lock, installed = SDK / "package-lock.json", folder / ".package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        subprocess.run(["npm", "ci", "--silent"], cwd=SDK, check=True, timeout=300)
    return folder


@pytest.fixture(scope="module")
def natural_chromium(chromium_path: str) -> Iterator[Browser]:
    """A browser with its back/forward cache, for tabs that Playwright does not manage."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium_path,
            headless=True,
            args=list(CHROMIUM_ARGUMENTS),
            ignore_default_args=["--disable-back-forward-cache"],
        )
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def chromium(chromium_path: str) -> Iterator[Browser]:
    """One browser for a module's tests; each takes a context of its own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium_path, headless=True, args=list(CHROMIUM_ARGUMENTS)
        )
        yield browser
        browser.close()


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    """A site with the SDK in its pages, and what it sends."""
    recorder = Recorder('data-flush-interval="100"')
    yield recorder
    recorder.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A tab in a context of its own."""
    context = chromium.new_context()
    yield context.new_page()
    context.close()
