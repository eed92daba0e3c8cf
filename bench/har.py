"""HAR files in and out, against ``json.load`` of the same file, taken in the same run.

    python -m bench.har                         a file of 50 MB
    python -m bench.har --megabytes 500         the promised size; about two minutes

Memory is the peak of a process of its own for each way, as the kernel counts it (VmHWM).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

MAXIMUM_IMPORT_BYTES = 300 * 2**20
RECEIVED_US = 1_795_451_690_000_000
BODY_BYTES = 2_000


def write(path: Path, megabytes: int) -> None:
    """A file in Chrome's form: one page for every hundred requests, bodies of 2 kB."""
    pages = [
        {
            "startedDateTime": "2026-01-01T00:00:00.000Z",
            "id": f"page_{number}",
            "title": f"https://shop.test/{number}",
            "pageTimings": {"onContentLoad": 400, "onLoad": 900},
        }
        for number in range(megabytes * 3)
    ]
    with path.open("w") as file:
        file.write(
            '{"log":{"version":"1.2","creator":{"name":"WebInspector","version":"537.36"},"pages":'
        )
        file.write(json.dumps(pages))
        file.write(',"entries":[')
        number = 0
        while file.tell() < megabytes * 1_000_000:
            file.write(",\n" if number else "\n")
            file.write(json.dumps(_entry(number, len(pages)), indent=2))
            number += 1
        file.write("]}}")


def _entry(number: int, page_count: int) -> dict[str, Any]:
    headers = [{"name": f"x-header-{n}", "value": f"value {n} of {number}"} for n in range(12)]
    return {
        "pageref": f"page_{number // 100 % page_count}",
        "startedDateTime": f"2026-01-01T00:{number // 60 % 60:02}:{number % 60:02}.123Z",
        "time": 84.1,
        "_resourceType": "xhr",
        "_priority": "High",
        "_initiator": {"type": "script", "stack": {"callFrames": [{"functionName": "load"}]}},
        "request": {
            "method": "GET",
            "url": f"https://api.shop.test/items/{number % 5000}?page={number % 7}",
            "httpVersion": "h2",
            "headers": headers,
            "queryString": [],
            "cookies": [],
            "headersSize": -1,
            "bodySize": 0,
        },
        "response": {
            "status": 200,
            "statusText": "OK",
            "httpVersion": "h2",
            "headers": headers,
            "cookies": [],
            "content": {
                "size": BODY_BYTES,
                "mimeType": "application/json",
                "text": '{"a": "[b]"} ' * (BODY_BYTES // 13),
            },
            "redirectURL": "",
            "headersSize": -1,
            "bodySize": -1,
            "_transferSize": 900,
        },
        "cache": {},
        "timings": {
            "blocked": 2.5,
            "dns": -1,
            "connect": -1,
            "ssl": -1,
            "send": 0.2,
            "wait": 80.1,
            "receive": 1.3,
        },
    }


def _json_load(path: Path) -> int:
    with path.open("rb") as file:
        return len(json.load(file)["log"]["entries"])


def _msgspec(path: Path) -> int:
    import msgspec

    return len(msgspec.json.decode(path.read_bytes())["log"]["entries"])


def _ijson(path: Path) -> int:
    import ijson

    with path.open("rb") as file:
        return sum(1 for _ in ijson.items(file, "log.entries.item", use_float=True))


def _read_har(path: Path) -> int:
    from perftui.capture.har import read_har
    from perftui.config import Settings

    with path.open("rb") as file:
        return sum(len(batch.entries) for batch in read_har(file, Settings(), RECEIVED_US, print))


def _import(path: Path) -> int:
    from click.testing import CliRunner

    from perftui.cli import cli

    with tempfile.TemporaryDirectory() as folder:
        database = str(Path(folder) / "bench.db")
        done = CliRunner().invoke(cli, ["--db", database, "import", str(path)])
    if done.exit_code:
        raise SystemExit(done.output)
    return int(done.output.split()[0])


WAYS: dict[str, Callable[[Path], int]] = {
    "json.load": _json_load,
    "msgspec, the whole file": _msgspec,
    "ijson, values only": _ijson,
    "read_har": _read_har,
    "perftui import": _import,
}


def _measured(path: Path) -> Iterator[tuple[str, int, float, int]]:
    """Name, entries, seconds and peak bytes of each way, each in a process of its own."""
    for name in WAYS:
        done = subprocess.run(
            [sys.executable, "-m", "bench.har", "--way", name, "--file", str(path)],
            check=True,
            capture_output=True,
            text=True,
        )
        entries, seconds, peak = done.stdout.split()[-3:]
        yield name, int(entries), float(seconds), int(peak)


def _peak_bytes() -> int:
    """The most memory that this process has had, bytes."""
    told = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert told is not None
    return int(told[1]) * 1024


def main() -> int:
    """Print the table; 1 where the promise of memory is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=50)
    parser.add_argument("--way", choices=list(WAYS))
    parser.add_argument("--file", type=Path)
    arguments = parser.parse_args()
    if arguments.way:
        begin = time.perf_counter()
        count = WAYS[arguments.way](arguments.file)
        print(count, time.perf_counter() - begin, _peak_bytes())
        return 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.har"
        write(path, arguments.megabytes)
        size = path.stat().st_size
        print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {size / 1e6:.0f} MB")
        print(f"{'':26}{'entries':>9}{'entries/s':>11}{'of json.load':>14}{'peak MiB':>10}")
        base = 0.0
        is_held = True
        for name, count, seconds, peak in _measured(path):
            base = base or seconds
            print(
                f"{name:26}{count:>9}{count / seconds:>11.0f}{base / seconds:>14.2f}"
                f"{peak / 2**20:>10.0f}"
            )
            if name == "perftui import" and peak > MAXIMUM_IMPORT_BYTES:
                is_held = False
        print(f"import within {MAXIMUM_IMPORT_BYTES >> 20} MiB: {'held' if is_held else 'BROKEN'}")
    return 0 if is_held else 1


if __name__ == "__main__":
    sys.exit(main())
