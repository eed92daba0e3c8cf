"""What starting costs: nobody pays for a part that is not used."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {
    "textual",
    "rich",
    "mitmproxy",
    "chdb",
    "clickhouse_connect",
    "confluent_kafka",
    "pandas",
    "numpy",
    "scipy",
    "pyarrow",
    "uvicorn",
    "sqlite_utils",
    "pydantic",
}

PROBE = """
import json, sys
from perftui.cli import run
code = run(sys.argv[1:])
print(json.dumps({"code": code, "modules": sorted({name.split(".")[0] for name in sys.modules})}))
"""


def modules_after(*arguments: str) -> tuple[int, set[str]]:
    """Run a command line in a fresh interpreter: its exit code, and what it imported."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    answer = json.loads(done.stdout.splitlines()[-1])
    return answer["code"], set(answer["modules"])


@pytest.mark.parametrize("arguments", [["--version"], ["--help"]])
def test_version_and_help_import_no_heavy_part(arguments: list[str]) -> None:
    code, modules = modules_after(*arguments)
    assert code == 0
    assert not modules & HEAVY


def test_listing_and_printing_import_no_heavy_part(tmp_path: Path) -> None:
    code, modules = modules_after("--db", str(tmp_path / "none.db"), "sessions")
    assert code == 1
    assert not modules & HEAVY


def test_the_app_imports_no_optional_part() -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, json, perftui.app; print(json.dumps(sorted(sys.modules)))",
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    modules = {name.split(".")[0] for name in json.loads(done.stdout)}
    # What characters of other scripts take is looked up in wcwidth's tables when one comes.
    assert not modules & (HEAVY - {"textual", "rich"} | {"wcwidth", "publicsuffixlist"})
