"""``perftui overlay`` over a real store."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from perftui.analysis.overlay_text import columns
from tests.commands.test_errors import perftui
from tests.conftest import REPOSITORY
from tests.screens.sample_store import OTHER, SESSION, make_store


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(make_store(tmp_path_factory.mktemp("overlay") / "two.db"))


def test_two_sessions_as_text_and_ascii(store: str) -> None:
    done = perftui("--db", store, "overlay", SESSION, OTHER, "--width", "80")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("2 sessions; full height: ")
    name_cells, _band, _figures = columns(80)
    assert [line[:name_cells].rstrip() for line in lines[2:6:2]] == ["Checkout · Acme", "Acme"]
    assert [line.split()[0] for line in lines[6:9]] == ["p75", "median", "p25"]
    assert "✖" in lines[3]
    assert all(len(line) <= 80 for line in lines)
    assert "\x1b" not in done.stdout
    again = perftui("--db", store, "overlay", "--width", "80")
    assert again.stdout == done.stdout, "without any it is the newest"
    plain = perftui("--db", store, "overlay", SESSION, OTHER, "--ascii", "--width", "80")
    assert plain.stdout.isascii()


def test_json_agrees_with_the_log_and_every_field_is_documented(store: str) -> None:
    done = perftui("--db", store, "overlay", SESSION, OTHER, "--json", "--width", "80")
    first, second, whole = [json.loads(line) for line in done.stdout.splitlines()]
    named = set(
        re.findall(r"`([a-z0-9_]+)`", (REPOSITORY / "docs" / "json.md").read_text(encoding="utf-8"))
    )
    assert {*first, *whole, *first["marks"][0]} <= named
    slots = columns(80)[1]
    assert {len(one["in_flight"]) for one in (first, second)} == {slots}
    assert None not in first["in_flight"]
    assert second["in_flight"][-1] is None, "the shorter has ended"
    assert whole["sessions_per_slot"][0] == 2
    assert whole["sessions_per_slot"][-1] == 1
    assert whole["p50"][-1] == first["in_flight"][-1], "and does not enter the median"
    for one, session in ((first, SESSION), (second, OTHER)):
        log = perftui("--db", store, "log", session, "--json", "--filter", "is:request")
        assert one["requests"] == len(log.stdout.splitlines())
        errors = perftui("--db", store, "log", session, "--json", "--filter", "is:error")
        kinds = [mark["kind"] for mark in one["marks"]]
        assert kinds.count("error") == len(errors.stdout.splitlines())


def test_one_session_is_no_overlay(store: str, tmp_path: Path) -> None:
    for sessions in ([SESSION], [SESSION, SESSION]):
        done = perftui("--db", store, "overlay", *sessions)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1)
        assert "two sessions or more" in done.stderr
    done = perftui("--db", store, "overlay", SESSION, "never-was")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
