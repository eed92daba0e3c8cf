"""What a page pays for being measured: the SDK beside what others put into pages, in one run.

    python -m bench.sdk                 five rounds, eight to nine minutes; only on an idle machine
    python -m bench.sdk --rounds 1      a quick look
    python -m bench.sdk --only perftui --functions      where the SDK's own time goes

The others come from npm at the versions of ``bench/sdk_tools/package.json``, into a temporary folder,
and esbuild bundles each with the settings that its documentation starts with. All get the same page
in real Chromium: 500 requests (100 images and 400 calls) and 50 long tasks.

Script time is that of V8's sampling profiler (every 100 µs): a sample is a tool's where the
innermost function that stands in a file is one of its file's. The browser's own `fetch` that a tool's
wrapper calls for the page is the page's. Compiling a file, which costs large ones more, is not in
it, but compiling a function when it is first called is, with its caller; nor is what happens once the
page goes. Requests are all that a tool made, what it asks for included. Bytes
are the bodies of what it sent, as they were on the wire, and for each of the page's 500 requests that
are told of in them.

Playwright keeps the Network domain of DevTools on, whose account of each request adds about a fifth to
every tool's script time (33.2 ms without it and 41.2 with it for ours, 161.7 and 194.1 for OpenTelemetry).

The pace of a shared machine changes by half within a minute. So the tools take turns, one round in the
order of :data:`ALL` and the next backwards, with OpenTelemetry, mostly the cheapest, always beside ours;
and what is held to a limit is the median over the rounds of the SDK's share of a rival's figure in the
same round.
What a figure is worth is printed beside it: how far apart the rounds are, and the share of time in which
the sampler paused, because something else had the processor. Where that is more than a few percent,
measure again.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from perftui_server.assets import sdk_asset
from playwright.sync_api import Browser, sync_playwright

TOOLS = Path(__file__).parent / "sdk_tools"
OURS = "perftui"
RIVALS = ("opentelemetry", "faro", "sentry", "posthog")
"""Full-featured: their cheapest is what the limits are taken from."""
ALL = (OURS, *RIVALS, "web-vitals")

COST_LIMIT = 1 / 5
"""The SDK's script time at most, of the cheapest rival's."""
BYTES_LIMIT = 1 / 2
"""The SDK's bytes for each request at most, of the smallest rival's."""

IMAGES = 100
CALLS = 400
SETTLE_S = 6.0
"""How long a tool has to send after the page is done: more than the intervals of all of them."""

SAMPLING_US = 100
PAUSE_US = 500
"""Longer between two samples is a pause: while JavaScript or what it calls in the browser runs, they
are at most 300 µs apart, and then either that or the milliseconds of another process's turn."""
PAGE = (
    "<!doctype html><title>Measured</title><link rel=icon href=data:,>"
    "<script src=/tool.js></script><h1>A page</h1>"
    + "".join(f"<img src=/image-{number}.svg width=9 height=9>" for number in range(IMAGES))
    + "<script src=/page.js></script>"
)
IMAGE = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'
ANSWER = json.dumps({"items": [{"id": n, "name": f"Thing {n}"} for n in range(20)]}).encode()
POSTHOG_SETTINGS = {
    "supportedCompression": ["gzip", "gzip-js"],
    "featureFlags": {},
    "capturePerformance": {"network_timing": True, "web_vitals": True},
    "sessionRecording": {"endpoint": "/s/", "version": "v2", "networkPayloadCapture": {}},
}


class QuietServer(ThreadingHTTPServer):
    """Says nothing of a page that goes while it is answered."""

    def handle_error(self, *_: Any) -> None:
        """What goes wrong shows in the table."""


@dataclass
class Site:
    """The page, the tool in it, and where the tool sends to.

    Attributes:
        asked: how often the tool asked for something by GET.
        sent: bodies that the tool sent, as they came.
    """

    tool: bytes
    asked: int = 0
    sent: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self, body: bytes, kind: str) -> None:
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self) -> None:
                path = self.path.split("?")[0]
                if path == "/":
                    self.answer(PAGE.encode(), "text/html")
                elif path == "/tool.js":
                    self.answer(site.tool, "text/javascript")
                elif path == "/page.js":
                    self.answer((TOOLS / "page.js").read_bytes(), "text/javascript")
                elif path.startswith("/image-"):
                    self.answer(IMAGE, "image/svg+xml")
                elif path.startswith("/api/item-"):
                    self.answer(ANSWER, "application/json")
                else:
                    site.asked += 1
                    self.answer(json.dumps(POSTHOG_SETTINGS).encode(), "application/json")

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                # PostHog asks for its settings by POST.
                if self.path.startswith("/flags"):
                    site.asked += 1
                else:
                    site.sent.append(body)
                self.answer(json.dumps(POSTHOG_SETTINGS).encode(), "application/json")

            def log_message(self, *_: Any) -> None:
                """Print nothing but the table."""

        self.http = QuietServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.http.shutdown()
        self.http.server_close()


@dataclass(frozen=True)
class Cost:
    """One page load with one tool.

    Attributes:
        until_load_ms, total_ms: script time.
        requests: how many the tool made.
        sent_bytes: their bodies.
        told: how many of the page's requests are in them.
        paused: share of the time from the first sample to the last that is none of the samples'.
        functions: function of the tool -> its own script time, ms; ``early``, until load.
    """

    until_load_ms: float
    total_ms: float
    requests: int
    sent_bytes: int
    told: int
    paused: float
    functions: Counter[str]
    early: Counter[str]

    @property
    def bytes_per_request(self) -> float:
        return self.sent_bytes / self.told if self.told else 0.0


def bundle(folder: Path) -> dict[str, bytes]:
    """Each tool as one minified script, from npm; ours as it is served."""
    for file in TOOLS.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    quiet = ["--silent", "--no-audit", "--no-fund"]
    subprocess.run(["npm", "install", *quiet], cwd=folder, check=True, timeout=300)
    built = {OURS: sdk_asset("perftui.js").content}
    for name in ALL[1:]:
        built[name] = subprocess.run(
            ["npx", "esbuild", f"{name}.js", "--bundle", "--minify-whitespace", "--minify-syntax"],
            cwd=folder,
            check=True,
            stdout=subprocess.PIPE,
            timeout=120,
        ).stdout
    return built


def tool_samples(profile: dict[str, Any]) -> Iterator[tuple[int, float, str]]:
    """Of the samples of a profile those that are the tool's.

    Yields:
        When it was taken (µs, of a monotonic clock), how long it stands for (ms), the function.
    """
    nodes = {node["id"]: node for node in profile["nodes"]}
    parents = {child: node["id"] for node in nodes.values() for child in node.get("children", ())}
    owners: dict[int, str | None] = {}

    def owner(identity: int) -> str | None:
        frames = []
        step: int | None = identity
        while step is not None:
            frames.append(nodes[step]["callFrame"])
            step = parents.get(step)
        in_files = [frame for frame in frames if frame["url"]]
        if not in_files or not in_files[0]["url"].endswith("/tool.js"):
            return None
        is_called_by_page = in_files[-1]["url"].endswith("/page.js")
        if is_called_by_page and frames[0]["functionName"] in {"fetch", "send", "open"}:
            return None
        inner, leaf = in_files[0], frames[0]
        place = f"{inner['functionName'] or '(anonymous)'}:{inner['lineNumber']}:{inner['columnNumber']}"
        return place if leaf is inner else f"{place} {leaf['functionName']}"

    at = profile["startTime"]
    for identity, delta in zip(profile["samples"], profile["timeDeltas"], strict=True):
        at += delta
        if identity not in owners:
            owners[identity] = owner(identity)
        name = owners[identity]
        if name is not None:
            yield at, min(delta, PAUSE_US) / 1000, name


def pauses(profile: dict[str, Any]) -> float:
    """Share of a profile's time in which the page's thread had work but not the processor."""
    nodes = {node["id"]: node["callFrame"]["functionName"] for node in profile["nodes"]}
    busy: list[int] = [
        delta
        for identity, delta in zip(profile["samples"], profile["timeDeltas"], strict=True)
        if nodes[identity] != "(idle)"
    ]
    return sum(max(0, delta - PAUSE_US) for delta in busy) / sum(busy)


def measure(browser: Browser, tool: bytes) -> Cost:
    """Load the page with a tool in it."""
    site = Site(tool)
    context = browser.new_context()
    page = context.new_page()
    tools = context.new_cdp_session(page)
    tools.send("Performance.enable")
    tools.send("Profiler.enable")
    tools.send("Profiler.setSamplingInterval", {"interval": SAMPLING_US})
    # The page's own process is there before it is looked at.
    page.goto(site.url + "/api/item-0")
    tools.send("Profiler.start")
    page.goto(site.url)
    page.wait_for_function("window.isDone", timeout=120_000)
    time.sleep(SETTLE_S)
    profile = tools.send("Profiler.stop")["profile"]
    metrics = {one["name"]: one["value"] for one in tools.send("Performance.getMetrics")["metrics"]}
    load_ms = page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd")
    page.goto("about:blank")
    time.sleep(1)
    context.close()
    site.close()
    loaded_us = metrics["NavigationStart"] * 1e6 + load_ms * 1e3
    until_load = total = 0.0
    functions: Counter[str] = Counter()
    early: Counter[str] = Counter()
    for at, milliseconds, name in tool_samples(profile):
        total += milliseconds
        if at <= loaded_us:
            until_load += milliseconds
            early[name] += milliseconds  # type: ignore[assignment]
        functions[name] += milliseconds  # type: ignore[assignment]
    plain = b"\n".join(gzip.decompress(b) if b[:2] == b"\x1f\x8b" else b for b in site.sent)
    told = set(re.findall(rb"(?:item|image)-\d+", plain))
    return Cost(
        until_load_ms=until_load,
        total_ms=total,
        requests=site.asked + len(site.sent),
        sent_bytes=sum(map(len, site.sent)),
        told=len(told),
        paused=pauses(profile),
        functions=functions,
        early=early,
    )


def median(costs: list[Cost], name: str) -> float:
    values: list[float] = [getattr(cost, name) for cost in costs]
    return statistics.median(values)


def spread(costs: list[Cost]) -> float:
    """How far the rounds' script times lie from their median at most, as a share of it."""
    middle = median(costs, "total_ms")
    return max(abs(cost.total_ms - middle) for cost in costs) / middle if middle else 0.0


COLUMNS = (
    *("until_load_ms", "total_ms", "paused"),
    *("requests", "sent_bytes", "told", "bytes_per_request"),
)


def main() -> int:
    """Print the table; 1 where a limit is not held."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=ALL, help="one tool alone; no limits then")
    parser.add_argument("--functions", action="store_true", help="where a tool's time goes")
    parser.add_argument("--chromium", default=os.environ.get("CHROMIUM", "/usr/bin/chromium"))
    arguments = parser.parse_args()
    names = (arguments.only,) if arguments.only else ALL
    costs: dict[str, list[Cost]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        ours = {OURS: sdk_asset("perftui.js").content}
        built = ours if arguments.only == OURS else bundle(Path(folder))
        browser = playwright.chromium.launch(
            executable_path=arguments.chromium,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        print(f"Chromium {browser.version}, {os.cpu_count()} cores, medians of {arguments.rounds}")
        for number in range(arguments.rounds):
            for name in names[:: -1 if number % 2 else 1]:
                costs[name].append(measure(browser, built[name]))
        browser.close()
    print(
        f"{'':16}{'gzip -9':>9}{'until load':>12}{'total':>10}{'± rounds':>10}{'paused':>8}"
        f"{'requests':>10}{'sent':>9}{'told of 500':>13}{'bytes each':>12}"
    )
    table = {name: {key: median(costs[name], key) for key in COLUMNS} for name in names}
    for name, row in table.items():
        print(
            f"{name:16}{len(gzip.compress(built[name], 9)):>9}{row['until_load_ms']:>9.1f} ms"
            f"{row['total_ms']:>7.1f} ms{spread(costs[name]):>10.0%}{row['paused']:>8.0%}"
            f"{row['requests']:>10.0f}{row['sent_bytes']:>9.0f}"
            f"{row['told']:>13.0f}{row['bytes_per_request']:>12.0f}"
        )
        if arguments.functions:
            whole = sum((cost.functions for cost in costs[name]), Counter())
            early = sum((cost.early for cost in costs[name]), Counter())
            for function, milliseconds in whole.most_common(45):
                print(
                    f"    {early[function] / arguments.rounds:8.2f}{milliseconds / arguments.rounds:8.2f} ms  {function}"
                )
    return 0 if arguments.only else _verdict(costs)


def shares(costs: dict[str, list[Cost]], key: str) -> dict[str, list[float]]:
    """Rival -> of each round the SDK's figure as a share of the rival's in that round. A round is
    left out where the rival has none: who tells of none of the requests sends no bytes for them."""
    found = {
        name: [
            getattr(ours, key) / getattr(theirs, key)
            for ours, theirs in zip(costs[OURS], costs[name], strict=True)
            if getattr(theirs, key) > 0
        ]
        for name in RIVALS
    }
    return {name: one for name, one in found.items() if one}


def _verdict(costs: dict[str, list[Cost]]) -> int:
    told = min(cost.told for cost in costs[OURS])
    is_held = told == IMAGES + CALLS
    print(
        f"told of: at least {told} of the page's {IMAGES + CALLS} requests in each round: "
        f"{'held' if is_held else 'BROKEN'}"
    )
    for key, what, limit in (
        ("until_load_ms", "script time until load", COST_LIMIT),
        ("total_ms", "script time in all", COST_LIMIT),
        ("bytes_per_request", "bytes for each request", BYTES_LIMIT),
    ):
        by_rival = shares(costs, key)
        medians = {name: statistics.median(rounds) for name, rounds in by_rival.items()}
        cheapest = max(medians, key=medians.__getitem__)
        held = medians[cheapest] <= limit
        is_held &= held
        each = ", ".join(
            f"{medians[name]:.3f} of {name}'s ({min(rounds):.3f} to {max(rounds):.3f})"
            for name, rounds in by_rival.items()
        )
        print(
            f"{what}: {medians[cheapest]:.3f} of {cheapest}'s, the cheapest, limit {limit:.2f}: "
            f"{'held' if held else 'BROKEN'}\n    by round: {each}"
        )
    return 0 if is_held else 1


if __name__ == "__main__":
    sys.exit(main())
