"""Fail when a committed file that is built is not what its source builds.

The browser SDK needs node and npm; without them (a laptop that only works on the Python side)
the check is left to CI, which sets ``PERFTUI_TEST_NO_SKIP=1``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

SDK = Path(__file__).resolve().parent.parent / "sdk"


def main() -> int:
    """Return 0 when all is as built."""
    if shutil.which("npm") is None:
        print("the SDK needs node and npm to be checked", file=sys.stderr)
        return 1 if os.environ.get("PERFTUI_TEST_NO_SKIP") == "1" else 0
    lock, installed = SDK / "package-lock.json", SDK / "node_modules" / ".package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        subprocess.run(["npm", "ci", "--silent"], cwd=SDK, check=True)
    return subprocess.run(["npm", "run", "--silent", "check"], cwd=SDK, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
