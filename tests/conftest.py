"""What every test may use, and the rule about skips.

A part that is missing on a laptop (Chromium, node, the HAR files) skips the tests that need it.
With ``PERFTUI_TEST_NO_SKIP=1`` (as in CI) each such skip is a failure instead.
"""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes is a matter of what else the machine does.
settings.register_profile("perftui", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("perftui")

REPOSITORY = Path(__file__).resolve().parent.parent
HAR_FOLDER = REPOSITORY.parent / "shared" / "har"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    # A shell's background job ignores it, and so would each program that a test starts to interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)

NEEDS: dict[str, tuple[Callable[[], bool], str]] = {
    "chromium": (lambda: CHROMIUM is not None, "Chromium (apt-get install chromium)"),
    "proxy": (lambda: find_spec("mitmproxy") is not None, "mitmproxy (perftui[proxy])"),
    "chdb": (lambda: find_spec("chdb") is not None, "chdb (perftui[chdb])"),
    "kafka": (lambda: find_spec("confluent_kafka") is not None, "confluent-kafka (perftui[kafka])"),
    "tmux": (lambda: shutil.which("tmux") is not None, "tmux (apt-get install tmux)"),
    "node": (lambda: shutil.which("npm") is not None, "node and npm"),
}


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what this machine cannot run."""
    for marker, (is_there, name) in NEEDS.items():
        if item.get_closest_marker(marker) is not None and not is_there():
            pytest.skip(f"needs {name}")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Turn a skip into a failure where nothing may be missing."""
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]
    if report.skipped and os.environ.get("PERFTUI_TEST_NO_SKIP") == "1":
        if hasattr(report, "wasxfail"):
            return
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid}: skipped where nothing may be: {report.longrepr}"


@pytest.fixture(scope="session")
def har_folder() -> Path:
    """The folder of real HAR files beside the checkout; skips where it is absent."""
    if not HAR_FOLDER.is_dir():
        pytest.skip("needs the HAR files in ../shared/har")
    return HAR_FOLDER


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """The browser binary, for tests marked ``chromium``."""
    assert CHROMIUM is not None
    return CHROMIUM
