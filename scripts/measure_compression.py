"""What gzip and brotli leave of files of each type: the medians that the compression answer's
estimates rest on (``perftui/analysis/insights/compression.py``)."""

from __future__ import annotations

import statistics
import zlib
from pathlib import Path

import brotli

REPOSITORY = Path(__file__).resolve().parent.parent
FOLDERS = (REPOSITORY / ".venv", REPOSITORY / "sdk" / "node_modules")
SMALLEST, LARGEST = 2_000, 500_000
TYPES = {
    "script": (".js", ".mjs", ".cjs"),
    "stylesheet": (".css",),
    "document": (".html",),
    "json": (".json",),
    "svg": (".svg",),
    "text": (".txt", ".xml", ".md"),
}


def main() -> None:
    """Print the medians."""
    for name, suffixes in TYPES.items():
        bodies = [
            path.read_bytes()
            for folder in FOLDERS
            for path in folder.rglob("*")
            if path.suffix in suffixes
            and path.is_file()
            and SMALLEST <= path.stat().st_size <= LARGEST
        ]
        if bodies:
            gzip = statistics.median(len(zlib.compress(body, 6)) / len(body) for body in bodies)
            br = statistics.median(
                len(brotli.compress(body, quality=5)) / len(body) for body in bodies
            )
            print(f"{name:10} {len(bodies):4} files  gzip -6 leaves {gzip:.2f}  brotli -5 {br:.2f}")


if __name__ == "__main__":
    main()
