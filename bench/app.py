"""The app in a real pty, beside an empty Textual app and a DataTable in the same run.

Run with ``make bench-app``; ``--entries`` and ``--rows`` make it smaller. CPU times are of the
thread of the app's event loop, which Linux counts in nanoseconds (``schedstat``; elsewhere in steps
of 10 ms), with everything that a key sets off; wall times from the key to the last byte of the
answer. The limits stand as they are on every machine: on one that is busy with something else the
wall times say little. What is over its limit is marked, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import atexit
import contextlib
import http.client
import json
import os
import pty
import re
import select
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from fcntl import ioctl
from pathlib import Path

import psutil

SIZE = (120, 40)
BYTECODE = Path(tempfile.gettempdir(), f"perftui-bench-bytecode-{os.getuid()}")
"""Where compiled modules are kept, of all programs that are held against each other: the first run
of each writes them."""

START_US = 1_795_451_678_400_000
SESSION = "million"

PAGE_SECONDS = 0.016
"""CPU time of a page down: one frame."""

CURSOR_SECONDS = 0.005
"""CPU time of a movement of the cursor, so that a held key repeats without falling behind."""

PAINT_SECONDS = 0.4
"""How much later than an empty Textual app's the first screen may come."""

FILTER_SECONDS = 0.3
"""From the last key of a filter to its first results."""

TURN_SECONDS = 0.016
"""Live, CPU time of any one turn of the event loop."""

KEY_SECONDS = 0.05
"""Live, until a key is answered."""

REPAINTS = 10.0
"""Live, repaints a second."""

CURSOR = "▌".encode()
"""What the selected row begins with."""

SYNC_ASKED, SYNC_KNOWN = b"\x1b[?2026$p", b"\x1b[?2026;2$y"
"""The question whether the terminal can show a repaint as one, and the answer of one that can."""

SYNC = b"\x1b[?2026h"
"""What Textual begins each repaint with then."""

EMPTY = """
from textual.app import App
App().run()
"""

DATA_TABLE = """
import sys
from textual.app import App
from textual.widgets import DataTable

class Table(App):
    def compose(self):
        yield DataTable(cursor_type="row")

    def on_mount(self):
        table = self.query_one(DataTable)
        table.add_columns("t+", "method", "st", "type", "url", "size", "dur")
        table.add_rows(
            (f"{n / 10:.3f}", "GET", "200", "fetch", f"/api/items/{n}?page={n % 7}", "1.2k", "81ms")
            for n in range(int(sys.argv[1]))
        )
        table.focus()

Table().run()
"""


TURNS = """
import asyncio.events, json, runpy, signal, sys, time

lasted = []
run = asyncio.events.Handle._run

def timed(handle):
    began = time.thread_time()
    try:
        return run(handle)
    finally:
        lasted.append(time.thread_time() - began)

def tell(*_):
    with open(path, "w") as file:
        json.dump(lasted, file)
    lasted.clear()

asyncio.events.Handle._run = timed
signal.signal(signal.SIGUSR1, tell)
path = sys.argv.pop(1)
runpy.run_module("perftui", run_name="__main__", alter_sys=True)
"""
"""The app, counting the CPU time of each turn of its event loop; written down at SIGUSR1."""


@dataclass
class Row:
    """One line of the result."""

    name: str
    value: str
    limit: str = ""
    failed: bool = False


class Rows(list[Row]):
    """Printed as they come: the whole run takes minutes."""

    def append(self, row: Row) -> None:
        super().append(row)
        limit = f"  (limit {row.limit})" if row.limit else ""
        print(f"{row.name:<58}  {row.value}{limit}{'  OVER' if row.failed else ''}", flush=True)


@dataclass
class Program:
    """A program in a pty."""

    arguments: Sequence[str]
    output: bytes = b""
    started: float = field(default_factory=time.perf_counter)

    def __post_init__(self) -> None:
        self.fd, theirs = pty.openpty()
        columns, lines = SIZE
        ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        environment = {
            name: value
            for name, value in os.environ.items()
            if name not in {"NO_COLOR", "COLUMNS", "LINES", "TMUX", "PYTHONDONTWRITEBYTECODE"}
        }
        # As an installed program starts: pip has compiled it.
        environment.setdefault("PYTHONPYCACHEPREFIX", str(BYTECODE))
        self.started = time.perf_counter()
        self.process = subprocess.Popen(
            [sys.executable, *self.arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            env={**environment, "TERM": "xterm-256color", "COLORTERM": "truecolor"},
        )
        os.close(theirs)
        # Also where the benchmark itself is ended by a signal.
        atexit.register(self.process.kill)
        self.seen = psutil.Process(self.process.pid)

    def read(self, seconds: float) -> bytes:
        ready, _, _ = select.select([self.fd], [], [], seconds)
        data = os.read(self.fd, 1 << 20) if ready else b""
        self.output += data
        if SYNC_ASKED in data:
            os.write(self.fd, SYNC_KNOWN)
        return data

    def until(self, text: bytes, patience: float = 300.0) -> float:
        """Seconds from the start until the text has come out."""
        end = time.perf_counter() + patience
        at = len(self.output)
        while text not in self.output[max(0, at - 64) :]:
            at = len(self.output)
            if time.perf_counter() > end:
                sys.stderr.write(self.output[-2000:].decode("utf-8", "replace"))
                raise TimeoutError(f"{text!r} never came")
            self.read(0.002)
        return time.perf_counter() - self.started

    def calm(self, seconds: float = 0.3, most: float = 10.0) -> float:
        """Read until nothing comes for so long, or for the longest; when the last byte came. (An
        input line's cursor blinks for ever.)"""
        last = time.perf_counter()
        end = last + most
        while time.perf_counter() - last < seconds and time.perf_counter() < end:
            if self.read(0.02):
                last = time.perf_counter()
        return last

    def rest(self, most: float = 60.0) -> None:
        """Read until all threads have come to rest: what is looked up in the background is done."""
        end = time.perf_counter() + most
        while time.perf_counter() < end:
            before = self.seen.cpu_times()
            self.calm(1.0, 1.0)
            after = self.seen.cpu_times()
            if after.user + after.system - before.user - before.system < 0.03:
                return

    def press(self, keys: bytes) -> tuple[float, float]:
        """Wall seconds to the last byte of the answer, and CPU seconds that it took."""
        before = self.cpu()
        began = time.perf_counter()
        os.write(self.fd, keys)
        last = self.calm(0.12)
        return max(0.0, last - began), self.cpu() - before

    def cpu(self) -> float:
        """CPU seconds of the event loop's thread: what the next key has to wait for."""
        counted = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/schedstat")
        if counted.exists():
            return int(counted.read_text().split()[0]) / 1e9
        own = next(one for one in self.seen.threads() if one.id == self.process.pid)
        return float(own.user_time + own.system_time)

    def rss(self) -> int:
        return int(self.seen.memory_info().rss)

    def most_rss(self) -> int:
        """The most it ever was, where the system tells (Linux); else what it is."""
        status = Path(f"/proc/{self.process.pid}/status")
        if status.exists():
            found = re.search(r"^VmHWM:\s*(\d+) kB$", status.read_text(), re.MULTILINE)
            if found is not None:
                return int(found[1]) * 1024
        return self.rss()

    def close(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.fd)


def fill(path: Path, entries: int, sessions: int) -> None:
    """A store with one session of so many entries, and so many small ones."""
    from perftui.model import Batch, Entry, Page
    from perftui.store.writer import StoreWriter

    writer = StoreWriter(path)
    size = 1000
    try:
        for first in range(0, entries, size * 20):
            writer.write_batches(
                [
                    Batch(
                        session_id=SESSION,
                        page_view_id=f"view-{at // 200_000}",
                        entries=[
                            Entry(
                                entry_type="resource",
                                name=f"https://shop.test/api/items/{n % 5000}?page={n % 7}",
                                start_us=n * 3600,
                                duration_us=40_000 + (n * 7919) % 700_000,
                                initiator_type="fetch",
                                method="GET",
                                response_status=200 if n % 97 else 500,
                                fetch_start_us=n * 3600,
                                request_start_us=n * 3600 + 1000,
                                response_start_us=n * 3600 + 30_000,
                                response_end_us=n * 3600 + 40_000 + (n * 7919) % 700_000,
                                transfer_size=1200 + n % 9000,
                                encoded_body_size=900 + n % 9000,
                                decoded_body_size=2000 + n % 9000,
                            )
                            for n in range(at, min(at + size, entries))
                        ],
                        key=b"m" + at.to_bytes(15, "big"),
                        time_origin_us=START_US,
                        received_us=START_US + at * 3600,
                        page=Page(url="https://shop.test/", title="Shop"),
                    )
                    for at in range(first, min(first + size * 20, entries), size)
                ]
            )
        for first in range(0, sessions, 500):
            writer.write_batches(
                [
                    Batch(
                        session_id=f"small-{n}",
                        page_view_id=f"small-view-{n}",
                        entries=[
                            Entry(
                                entry_type="resource",
                                name=f"https://shop.test/p/{n}",
                                start_us=0,
                                duration_us=50_000,
                                initiator_type="fetch",
                            )
                        ],
                        key=b"s" + n.to_bytes(15, "big"),
                        time_origin_us=START_US + n * 1_000_000,
                        received_us=START_US + n * 1_000_000,
                        page=Page(url=f"https://shop.test/p/{n}", title=f"Page {n}"),
                    )
                    for n in range(first, min(first + 500, sessions))
                ]
            )
    finally:
        writer.close_now()


def first_paint(arguments: Sequence[str], mark: bytes) -> float:
    """Seconds until a text of the first screen has come out; the best of three."""
    best = float("inf")
    for _ in range(3):
        program = Program(arguments)
        try:
            best = min(best, program.until(mark))
        finally:
            program.close()
    return best


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"


def p95(values: Sequence[float]) -> float:
    return statistics.quantiles(values, n=20)[-1] if len(values) > 1 else values[0]


def keys_of(program: Program, keys: bytes, count: int) -> tuple[float, float]:
    """p95 of wall and of CPU seconds per key, over so many presses."""
    pressed = [program.press(keys) for _ in range(count)]
    return p95([wall for wall, _cpu in pressed]), p95([cpu for _wall, cpu in pressed])


def table_keys(rows: int, presses: int) -> tuple[float, float]:
    """CPU seconds of a DataTable until its first paint, and p95 of a page down."""
    program = Program(["-c", DATA_TABLE, str(rows)])
    try:
        program.until(b"/api/items/10")
        program.calm()
        start = program.cpu()
        _wall, cost = keys_of(program, b"\x1b[6~", presses)
        return start, cost
    finally:
        program.close()


def measure(store: Path, entries: int, sessions: int, rows: int) -> list[Row]:
    """All figures."""
    empty = first_paint(["-c", EMPTY], b"\x1b[?1049h")
    found = Rows()
    found.append(Row("empty Textual app, first paint", f"{empty * 1000:.0f} ms"))

    page_limit, cursor_limit = PAGE_SECONDS, CURSOR_SECONDS
    base = ["-m", "perftui", "--db", str(store)]
    later = first_paint([*base, "replay", SESSION], b"/api/items/") - empty
    found.append(
        Row(
            f"replay: first rows of {entries:,}, after an empty app",
            _ms(later),
            _ms(PAINT_SECONDS),
            later > PAINT_SECONDS,
        )
    )
    program = Program([*base, "replay", SESSION])
    try:
        program.until(b"/api/items/")
        program.rest()
        most = program.most_rss() / 2**20
        found.append(
            Row(
                f"RSS, the most while {entries:,} are read",
                f"{most:.0f} MiB",
                "120 MiB",
                most > 120,
            )
        )
        wall, cost = keys_of(program, b"\x1b[6~", 40)
        found.append(
            Row("page down, p95 CPU", f"{cost * 1000:.1f} ms", _ms(page_limit), cost > page_limit)
        )
        found.append(Row("page down, p95 wall", f"{wall * 1000:.1f} ms"))
        page = cost
        wall, cost = keys_of(program, b"j", 60)
        found.append(
            Row(
                "cursor down, p95 CPU",
                f"{cost * 1000:.1f} ms",
                _ms(cursor_limit),
                cost > cursor_limit,
            )
        )
        found.append(Row("cursor down, p95 wall", f"{wall * 1000:.1f} ms"))
        wall, cost = program.press(b"G")
        found.append(Row("to the end", f"{wall * 1000:.1f} ms wall, {cost * 1000:.0f} ms CPU"))
        program.press(b"g")
        os.write(program.fd, b"/")
        program.calm()
        before = len(program.output)
        began = time.perf_counter()
        os.write(program.fd, b"status:500")
        # The title says how many rows of how many; all of them is what it said before.
        fewer = re.compile(rf"(?<![\d,])(?!{entries:,}/)[\d,]+/{entries:,} rows".encode())
        expected = f"{(entries - 1) // 97 + 1:,}/{entries:,} rows".encode()
        first = last = float("nan")
        while last != last and time.perf_counter() - began < 30:
            program.read(0.002)
            written = program.output[before:]
            if first != first and fewer.search(written):
                first = time.perf_counter() - began
            if expected in written:
                last = time.perf_counter() - began
        found.append(
            Row(
                f"filter status:500 over {entries:,}, typed to first results",
                _ms(first),
                _ms(FILTER_SECONDS),
                not first <= FILTER_SECONDS,
            )
        )
        found.append(Row("… to the last", _ms(last)))
        program.calm(0.4)
        rss = program.rss() / 2**20
        found.append(Row("RSS, replay", f"{rss:.0f} MiB", "120 MiB", rss > 120))
        # Out of the filter, out of the list, to the sessions.
        os.write(program.fd, b"\x15\r")
        program.calm(0.4)
        before = len(program.output)
        began = time.perf_counter()
        os.write(program.fd, b"\x1b")
        while b"Page " not in program.output[before:] and time.perf_counter() - began < 30:
            program.read(0.002)
        took = time.perf_counter() - began
        found.append(
            Row(
                f"sessions: first rows of {sessions:,}, from escape",
                _ms(took),
                _ms(PAINT_SECONDS),
                took > PAINT_SECONDS,
            )
        )
        rss = program.rss() / 2**20
        found.append(Row("RSS, sessions over the replay", f"{rss:.0f} MiB", "120 MiB", rss > 120))
    finally:
        program.close()

    start, table_page = table_keys(rows, 20)
    found.append(Row(f"DataTable of {rows:,} rows, CPU to first paint", f"{start * 1000:.0f} ms"))
    times = table_page / page if page else float("inf")
    found.append(
        Row(
            "DataTable page down, p95 CPU",
            f"{table_page * 1000:.1f} ms = {times:.1f}x ours over {entries:,}",
        )
    )
    return found


def post(port: int, number: int, count: int, name: str) -> None:
    """Send a batch as a page does."""
    now_ms = time.time() * 1000
    body = {
        "sessionId": "live",
        "pageViewId": "view",
        "batchId": f"batch-{number}",
        "timeOrigin": now_ms - 60_000,
        "sentAt": now_ms,
        "page": {"url": "http://localhost:3000/", "title": "Live"},
        "entries": [
            {
                "entryType": "resource",
                "name": f"http://localhost:3000/api/{name}{place}",
                "initiatorType": "fetch",
                "startTime": number * 100 + place,
                "duration": 12.5,
                "responseStatus": 200,
            }
            for place in range(count)
        ],
    }
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("POST", "/batch", json.dumps(body), {"Content-Type": "text/plain"})
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise RuntimeError(f"the server answered {answer.status}")
    finally:
        connection.close()


def measure_live(folder: Path, seconds: float) -> list[Row]:
    """`perftui` as it is started by a person: server and live app, with real batches over HTTP."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    found = Rows()
    turns = folder / "turns.json"
    store = ["--db", str(folder / "live.db"), "--port", str(port)]
    program = Program(["-c", TURNS, str(turns), *store])

    def turned() -> list[float]:
        """CPU seconds of each turn since the last call."""
        turns.unlink(missing_ok=True)
        program.process.send_signal(signal.SIGUSR1)
        while True:
            program.read(0.02)
            with contextlib.suppress(FileNotFoundError, json.JSONDecodeError):
                return list(json.loads(turns.read_text()))

    try:
        program.until(b"Waiting for a page")
        delays = []
        for number in range(10):
            began = time.perf_counter()
            post(port, number, 1, f"first{number}-")
            program.until(f"first{number}-0".encode())
            delays.append(time.perf_counter() - began)
        worst = max(delays)
        found.append(
            Row(
                "live: batch sent to row on the screen, worst of 10",
                _ms(worst),
                "1000 ms",
                worst > 1,
            )
        )
        stop = threading.Event()
        sent: list[int] = []

        def load() -> None:
            while not stop.is_set():
                due = time.perf_counter() + 0.02
                post(port, 100 + len(sent), 100, "load")
                sent.append(100)
                stop.wait(max(0.0, due - time.perf_counter()))

        turned()
        sender = threading.Thread(target=load)
        sender.start()
        began = time.perf_counter()
        answers: list[float] = []
        # What arrives is no answer: it draws no row while the list stands still, which a key that
        # moves up has it do.
        os.write(program.fd, b"k")
        program.calm(0.02, 1.0)
        while time.perf_counter() - began < seconds:
            at = len(program.output)
            asked = time.perf_counter()
            # There and back: a key at an end of the list would have no effect.
            os.write(program.fd, (b"k", b"j")[len(answers) % 2])
            while (
                CURSOR not in program.output[max(0, at - 8) :] and time.perf_counter() - asked < 5
            ):
                program.read(0.002)
            answers.append(time.perf_counter() - asked)
            rest = time.perf_counter() + 0.1
            while (left := rest - time.perf_counter()) > 0:
                program.read(left)
        took, written = time.perf_counter() - began, sum(sent)
        # Keys have repaints of their own: those of what arrives are counted without any.
        at, began = len(program.output), time.perf_counter()
        while time.perf_counter() - began < seconds / 2:
            program.read(0.02)
        often = program.output.count(SYNC, at) / (time.perf_counter() - began)
        lasted = turned()
        stop.set()
        sender.join()
        found.append(Row("live: entries a second", f"{written / took:.0f}"))
        late = p95(answers)
        found.append(
            Row("live: a key is answered, p95", _ms(late), _ms(KEY_SECONDS), late > KEY_SECONDS)
        )
        found.append(
            Row(
                "live: repaints a second, without keys",
                f"{often:.1f}",
                f"{REPAINTS:.0f}",
                often > REPAINTS,
            )
        )
        worst = max(lasted)
        found.append(
            Row(
                f"live: CPU of the longest of {len(lasted):,} turns of the event loop",
                _ms(worst),
                _ms(TURN_SECONDS),
                worst > TURN_SECONDS,
            )
        )
    finally:
        program.close()
    return found


def main() -> int:
    """Measure and print."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--sessions", type=int, default=10_000)
    parser.add_argument("--rows", type=int, default=10_000, help="rows of the DataTable")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="perftui-bench-") as folder:
        store = Path(folder) / "bench.db"
        began = time.perf_counter()
        fill(store, options.entries, options.sessions)
        print(
            f"store of {options.entries:,} entries written in {time.perf_counter() - began:.1f} s"
        )
        found = measure(store, options.entries, options.sessions, options.rows)
        found += measure_live(Path(folder), 5.0)
    return int(any(row.failed for row in found))


if __name__ == "__main__":
    sys.exit(main())
