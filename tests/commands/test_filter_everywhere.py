"""One filter lets the same entries through in the app, ``log``, ``report`` and ``export``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from perftui.cli import cli
from perftui.config import load_settings
from perftui.model import Entry
from perftui.screens.filtering import compile_filter
from perftui.store.reader import StoreReader
from tests.screens.sample_store import SESSION, START_US, batch, make_store, write

EXPRESSIONS = (
    "cart", '"inter.woff2"', "-static", "domain:acme.dev", "url:/api/", "method:post",
    "status:200", "status:4xx,5xx", "status>=400", "-status>=400", "type:api", "mime:javascript",
    "initiator:script", "slower-than:0.1s", "faster-than:100", "larger-than:10k",
    "smaller-than:0.01MB", "ttfb>50ms", "phase:wait>20ms", "has:timing", "-has:status", "is:slow",
    "is:very-slow", "is:error", "is:cached", "is:third-party", "-is:third-party", "is:blocking",
    "is:opaque", "is:duplicate", "is:in-flight", "-is:in-flight", "is:request", "pageview:1",
    "pageview:2", "event:longtask", "regexp:/price$/", r"/\.js$/", "cart OR promo",
    "(type:api OR type:script) -is:error slower-than:50ms", "nothing-has-this-name",
)  # fmt: skip
SETTINGS = """
[thresholds]
api_slow_ms = 90
asset_slow_ms = 300
[sites]
first_party = ["acme.dev"]
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample session, and a request in it that nobody told the end of."""
    path = make_store(tmp_path_factory.mktemp("filters") / "sample.db")
    open_end = Entry(
        entry_type="resource", name="https://acme.dev/api/stream", start_us=900_000,
        duration_us=None, initiator_type="fetch", method="GET",
    )  # fmt: skip
    write(path, [batch(SESSION, "chk-1", (open_end,), url="https://acme.dev/checkout",
                       title="Checkout", received_us=START_US + 7_000_000, number=9)])  # fmt: skip
    (path.parent / "perftui.toml").write_text(SETTINGS)
    return path


def printed(store: Path, *arguments: str) -> str:
    """What a command prints, with the settings beside the store."""
    config = str(store.parent / "perftui.toml")
    done = CliRunner().invoke(
        cli, ["--db", str(store), "--config", config, *arguments], catch_exceptions=False
    )
    assert done.exit_code == 0, done.output
    return done.stdout


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_the_same_entries_everywhere(store: Path, expression: str) -> None:
    settings = load_settings(store.parent / "perftui.toml")
    predicate = compile_filter(expression, settings)
    with StoreReader(store) as reader:
        in_app = sorted(reader.index(SESSION, predicate=predicate).seqs)
        records = reader.records(in_app)
    logged = lines(printed(store, "log", SESSION, "--json", "-F", expression))
    assert sorted(row["seq"] for row in logged) == in_app
    batches = lines(printed(store, "export", "jsonl", SESSION, "-F", expression))
    assert sorted(
        (entry["entryType"], entry["name"], entry["startTime"])
        for one in batches
        for entry in one["entries"]
    ) == sorted(
        (record.entry.entry_type, record.entry.name, record.entry.start_us / 1000)
        for record in records
    )
    har = json.loads(printed(store, "export", "har", SESSION, "-F", expression))
    requests = sorted(record.entry.name for record in records if record.entry.is_request)
    assert sorted(entry["request"]["url"] for entry in har["log"]["entries"]) == requests
    (answer,) = lines(
        printed(store, "report", "-q", "third-party", "-s", SESSION, "--json", "-F", expression)
    )
    assert answer["coverage"]["requests"] == len(requests)


def test_the_settings_count(store: Path) -> None:
    with_them = lines(printed(store, "log", SESSION, "--json", "-F", "is:slow"))
    done = CliRunner().invoke(cli, ["--db", str(store), "log", SESSION, "--json", "-F", "is:slow"])
    assert len(lines(done.stdout)) < len(with_them)


def test_some_of_a_session_and_then_all_of_it(store: Path, tmp_path: Path) -> None:
    some, every = tmp_path / "some.jsonl", tmp_path / "all.jsonl"
    other = tmp_path / "other.db"
    printed(store, "export", "jsonl", SESSION, "-F", "type:api", "-o", str(some))
    printed(store, "export", "jsonl", SESSION, "-o", str(every))
    for file in (some, some, every):
        done = CliRunner().invoke(cli, ["--db", str(other), "import", str(file)])
        assert done.exit_code == 0, done.output
    with StoreReader(store) as reader, StoreReader(other) as imported:
        whole = len(reader.index(SESSION))
        assert len(imported.index(SESSION)) >= whole
