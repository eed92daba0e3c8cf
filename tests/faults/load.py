"""A capture server in a process of its own, and clients that remember what was acknowledged."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import re
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import msgspec
import psutil

from bench.http_load import exchange, http_request
from perftui.store.connection import connect

ALL = os.environ.get("PERFTUI_TEST_FAULTS") == "all"


class CaptureProcess:
    """``perftui serve`` on a free port, with more options.

    Attributes:
        log: what it wrote to stderr.
        started_seconds: from the start of the process until it took connections.
    """

    def __init__(self, store: Path, *options: str, **environment: str) -> None:
        self._log = store.with_name(store.name + ".log")
        begun = time.perf_counter()
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "perftui", "--db", str(store)),
                    *("serve", "--port", "0", *options),
                ],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={**os.environ, **environment},
            )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        found = re.search(r":(\d+)\s*$", line)
        if found is None:
            self.kill()
            raise AssertionError(f"the server did not start: {line!r}")
        self.port = int(found[1])
        self.started_seconds = time.perf_counter() - begun

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def rss_bytes(self) -> int:
        """Its resident memory."""
        return int(psutil.Process(self.process.pid).memory_info().rss)

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        self.wait()

    def end(self) -> int:
        """SIGTERM; the exit code."""
        self.process.terminate()
        return self.wait()

    def wait(self) -> int:
        """The exit code."""
        code = self.process.wait(timeout=60)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code


class Clients:
    """Send batches of one or more entries, each entry with a URL of its own.

    Attributes:
        acknowledged: URLs of batches that were answered with 2xx.
        unanswered: batches without an answer, which a client would send again.
        statuses: HTTP status -> answers.
    """

    def __init__(self, entries: int = 3) -> None:
        self._entries = entries
        self._numbers = itertools.count()
        self.acknowledged: set[str] = set()
        self.unanswered: dict[int, bytes] = {}
        self.statuses: Counter[int] = Counter()

    def _urls(self, number: int) -> list[str]:
        return [f"https://a.test/{number}/{index}" for index in range(self._entries)]

    def _body(self, number: int) -> bytes:
        return msgspec.json.encode(
            {
                "sessionId": f"s{number % 11}",
                "pageViewId": f"p{number % 29}",
                "batchId": f"b{number}",
                "timeOrigin": 1_795_451_678_400.0,
                "entries": [
                    {"entryType": "resource", "name": url, "startTime": 1.5, "duration": 9.5}
                    for url in self._urls(number)
                ],
            }
        )

    async def send(self, port: int, *, connections: int = 8, batches: int | None = None) -> None:
        """Send until the server goes away, or so many batches; first those without an answer."""
        again = list(self.unanswered.items())
        limit = itertools.count() if batches is None else iter(range(batches))

        async def run() -> None:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                return
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                while next(limit, None) is not None:
                    number, body = again.pop() if again else self.new()
                    self.unanswered[number] = body
                    status, _ = await exchange(reader, writer, http_request(body))
                    self.answered(number, status)
            writer.close()

        await asyncio.gather(*(run() for _ in range(connections)))

    def new(self) -> tuple[int, bytes]:
        """A batch that was not sent yet: its number and body."""
        number = next(self._numbers)
        self.unanswered[number] = self._body(number)
        return number, self.unanswered[number]

    def answered(self, number: int, status: int) -> None:
        """A batch was answered."""
        self.statuses[status] += 1
        del self.unanswered[number]
        if status == 200:
            self.acknowledged.update(self._urls(number))


def stored_urls(store: Path) -> Counter[str]:
    """URL -> how many entries have it; after a check of the file."""
    connection = connect(store, read_only=True)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return Counter(
            dict(
                connection.execute(
                    "SELECT u.url, count(*) FROM entry AS e JOIN url AS u ON u.id = e.url"
                    " GROUP BY u.url"
                ).fetchall()
            )
        )
    finally:
        connection.close()


def assert_kept_once(store: Path, acknowledged: set[str]) -> None:
    """Every acknowledged entry is there, and nothing twice."""
    found = stored_urls(store)
    assert acknowledged <= found.keys()
    assert set(found.values()) <= {1}
