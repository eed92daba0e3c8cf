"""``docs/json.md`` names every field that the commands print."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tests.commands.test_demo import store
from tests.commands.test_errors import perftui

__all__ = ["store"]

NAMED = set(
    re.findall(
        r"`([a-z0-9_]+)`",
        (Path(__file__).resolve().parents[2] / "docs" / "json.md").read_text(encoding="utf-8"),
    )
)


def keys(*arguments: str) -> set[str]:
    lines = perftui(*arguments).stdout.splitlines()
    assert lines
    return {key for line in lines for key in json.loads(line)}


def test_log(store: str) -> None:
    assert keys("--db", store, "log", "--json") <= NAMED


def test_sessions(store: str) -> None:
    assert keys("--db", store, "sessions", "--json") <= NAMED


def test_aggregated_waterfall(store: str) -> None:
    assert keys("--db", store, "waterfall", "--page", "/", "--aggregate", "--json") <= NAMED


def test_doctor(store: str) -> None:
    assert keys("--db", store, "doctor", "--json") <= NAMED
