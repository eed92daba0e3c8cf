"""Web Vitals out of the store against what the web-vitals library says of the same page in the same
Chromium.

web-vitals reports LCP, CLS and INP when a page is hidden, and with ``reportAllChanges`` each change
before; the last value of a metric counts. By its rules

- a restore from the back/forward cache is a page of its own, with new metrics: those are held
  against the pageview of the kind ``bfcache``, and the load's against that of the load;
- a change of route is no new page: the values of its one page are held against those of the whole
  document, whose entries lie in two pageviews of ours;
- what it does not report (the paints of a page that was hidden) is not measured here either.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from perftui.analysis.vitals import vitals
from perftui.model import PageView
from perftui.store.reader import StoreReader
from tests.browser.bare_tab import BareTab, BareTabs, open_prerendering
from tests.browser.conftest import SDK
from tests.browser.vitals_site import COLLECT, VitalsSite
from tests.server.conftest import servers

pytestmark = [pytest.mark.chromium, pytest.mark.node]

WAIT_S = 20.0

CLOCK_MS = 0.2
"""Differences of two times that the browser gives to 0.1 ms."""

PLAIN = ("/text", "/slow-answer", "/late-lcp", "/many-candidates", "/shifts", "/session-windows")
"""Pages that do everything by themselves."""


class Visits:
    """What came of visiting all pages."""

    def __init__(self, site: VitalsSite, store: Path) -> None:
        self.site = site
        self.store = store

    def computed(self, path: str, kind: str, whole_document: bool) -> dict[str, float]:
        """perftui's values of a page, from the store."""
        with StoreReader(self.store) as reader:
            for session in reader.sessions():
                views = reader.page_views(session.session_id)
                for view in views:
                    if view.url == self.site.url + path and view.kind == kind:
                        return _values(reader, view, whole_document)
        return {}

    def agreement(
        self, path: str, *, restored: bool = False, whole_document: bool = False
    ) -> tuple[dict[str, float], dict[str, float]]:
        """What web-vitals reported and what perftui computed, once both have all there is."""
        end = time.monotonic() + WAIT_S
        while True:
            theirs = self.site.reported(path, restored=restored)
            ours = self.computed(path, "bfcache" if restored else "load", whole_document)
            if agree(theirs, ours) or time.monotonic() > end:
                return theirs, ours
            time.sleep(0.1)


def _values(reader: StoreReader, view: PageView, whole_document: bool) -> dict[str, float]:
    records = reader.iter_records(
        view.session_id, page_view_id=None if whole_document else view.page_view_id
    )
    found = vitals(
        [record for record in records if record.time_origin_us == view.time_origin_us],
        None if whole_document else view,
    )
    return {vital.name: vital.value for vital in found.all()}


def agree(theirs: dict[str, float], ours: dict[str, float]) -> bool:
    """The same metrics, within 1 ms, and CLS within 0.001."""
    return (
        bool(theirs)
        and theirs.keys() == ours.keys()
        and all(
            abs(value - ours[name]) <= (0.001 if name == "CLS" else 1)
            for name, value in theirs.items()
        )
    )


@pytest.fixture(scope="module")
def library(node_modules: Path) -> str:
    """web-vitals from npm, as one script."""
    return subprocess.run(
        [node_modules / ".bin" / "esbuild", "--bundle", "--minify", "--format=iife"],
        input=COLLECT,
        cwd=SDK,
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    ).stdout


def click(tab: BareTab) -> None:
    """One click, once there is something to see."""
    tab.wait("performance.getEntriesByName('first-contentful-paint')[0]")
    tab.click("button")


def interact(tab: BareTab) -> None:
    """Clicks of differing cost, and two keys."""
    for selector in ("button#a", "button#b", "button#c", "input"):
        tab.wait("performance.getEntriesByName('first-contentful-paint')[0]")
        tab.click(selector)
        tab.evaluate("frames()")
    tab.press("a")
    tab.press("b")
    tab.evaluate("frames().then(() => { done = true })")


def interact_shortly(tab: BareTab) -> None:
    """A click that is over within a frame."""
    click(tab)
    tab.evaluate("frames().then(() => later(200)).then(() => { done = true })")


DRIVEN: dict[str, Callable[[BareTab], None]] = {
    "/lcp-after-input": click,
    "/shift-after-input": click,
    "/route": click,
    "/interactions": interact,
    "/short-interaction": interact_shortly,
}


def open_hidden(tabs: BareTabs, url: str) -> BareTab:
    """A page opened in a tab behind another, shown when it has loaded."""
    tabs.open("about:blank")
    tab = tabs.open(url, background=True)
    # The empty document that a tab begins with is complete and hidden too.
    tab.wait("window.perftui && document.readyState == 'complete' && document.hidden")
    tab.show()
    return tab


def cover(tabs: BareTabs, url: str) -> BareTab:
    """A page that another tab covers for a while after its first paint."""
    tab = tabs.open(url)
    tab.wait("ready")
    tabs.open("about:blank")
    tab.wait("waiting")
    tab.show()
    return tab


def restore(tabs: BareTabs, url: str) -> BareTab:
    """A page that was left and gone back to."""
    tab = tabs.open(url)
    tab.wait("done")
    tab.click("button")
    tab.evaluate("frames()")
    tab.evaluate("void setTimeout(() => { location = '/elsewhere' })")
    tab.wait("location.pathname == '/elsewhere' && document.readyState == 'complete'")
    tab.evaluate("void setTimeout(() => history.back())")
    tab.wait("restored")
    tab.click("button")
    tab.evaluate("frames()")
    return tab


@pytest.fixture(scope="module")
def visits(
    natural_chromium: Browser, library: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Visits]:
    """All pages, visited side by side, each in a window of its own."""
    with servers(tmp_path_factory.mktemp("vitals")) as start:
        capture = start()
        site = VitalsSite(f"{capture.url}/perftui.js", library)
        windows = [BareTabs(natural_chromium) for _ in range(len(PLAIN) + len(DRIVEN) + 3)]
        window = iter(windows)
        prerendering, _ = open_prerendering(
            natural_chromium, site.url + "/prerendering", site.heard["prerendered"].is_set
        )
        windows.append(prerendering)
        tabs = [next(window).open(site.url + path) for path in PLAIN]
        for path, drive in DRIVEN.items():
            tab = next(window).open(site.url + path)
            drive(tab)
            tabs.append(tab)
        tabs.append(open_hidden(next(window), site.url + "/hidden-at-start"))
        tabs.append(cover(next(window), site.url + "/hidden-early"))
        tabs.append(restore(next(window), site.url + "/restored"))
        for tab in tabs:
            tab.wait("done")
            tab.leave()
        assert site.heard["activated"].wait(WAIT_S), "the prerendered page was never shown"
        yield Visits(site, capture.path)
        for each in windows:
            each.close()
        site.close()


@pytest.mark.parametrize(
    ("path", "metrics"),
    [
        *[(path, {"LCP", "CLS", "FCP", "TTFB"}) for path in PLAIN],
        ("/lcp-after-input", {"LCP", "CLS", "INP", "FCP", "TTFB"}),
        ("/shift-after-input", {"LCP", "CLS", "INP", "FCP", "TTFB"}),
        ("/interactions", {"LCP", "CLS", "INP", "FCP", "TTFB"}),
        ("/short-interaction", {"LCP", "CLS", "INP", "FCP", "TTFB"}),
        ("/prerendered", {"LCP", "CLS", "FCP", "TTFB"}),
        ("/hidden-at-start", {"TTFB"}),
        ("/hidden-early", {"LCP", "CLS", "FCP", "TTFB"}),
        ("/restored", {"LCP", "CLS", "INP", "FCP", "TTFB"}),
    ],
)
def test_the_values_of_a_page_agree(visits: Visits, path: str, metrics: set[str]) -> None:
    theirs, ours = visits.agreement(path)
    assert set(theirs) == metrics
    assert agree(theirs, ours), f"web-vitals: {theirs}, perftui: {ours}"


def test_a_restored_page_is_measured_from_its_restore(visits: Visits) -> None:
    """Its paints are two callbacks' own readings of the clock in one frame, which a busy machine
    holds apart: there both lie between the frame's first callback and its last."""
    theirs, ours = visits.agreement("/restored", restored=True)
    assert set(theirs) == set(ours) == {"LCP", "CLS", "INP", "FCP", "TTFB"}
    began, ended = sorted(visits.site.frames["/restored"])
    for paint in ("FCP", "LCP"):
        assert began - CLOCK_MS <= min(theirs[paint], ours[paint])
        assert max(theirs[paint], ours[paint]) <= ended + CLOCK_MS
        ours[paint] = theirs[paint]
    assert agree(theirs, ours), f"web-vitals: {theirs}, perftui: {ours}"


def test_a_change_of_route_is_no_new_page(visits: Visits) -> None:
    theirs, ours = visits.agreement("/route", whole_document=True)
    assert set(theirs) == {"LCP", "CLS", "INP", "FCP", "TTFB"}
    assert agree(theirs, ours), f"web-vitals: {theirs}, perftui: {ours}"


def test_the_pages_are_what_they_are_meant_to_be(visits: Visits) -> None:
    """Pages that all measured alike would agree for nothing."""
    reported = visits.site.reported
    assert reported("/slow-answer")["TTFB"] >= 300
    assert reported("/late-lcp")["LCP"] >= 500
    assert "/noise.png" in visits.site.largest("/late-lcp")
    # The image came after what ends the search for the largest paint.
    for path in ("/lcp-after-input", "/hidden-early"):
        assert visits.site.largest(path) == ""
    assert reported("/text")["CLS"] == 0
    assert reported("/shifts")["CLS"] > 0
    # 30 pixels without the 200 that followed an input, and 140 in the worst window.
    assert 0 < reported("/shift-after-input")["CLS"] < reported("/session-windows")["CLS"]
    # No bound of its own for the short one: a busy machine takes long to paint anything.
    assert reported("/interactions")["INP"] >= max(160, reported("/short-interaction")["INP"])
    assert reported("/prerendered")["TTFB"] == 0 < reported("/prerendered")["LCP"]
    assert reported("/restored")["CLS"] != reported("/restored", restored=True)["CLS"]
