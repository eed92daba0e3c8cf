"""The nine questions asked in ClickHouse and in the local store: the same answers about the same
data, figure by figure."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from perftui.analysis.endpoints import endpoint
from perftui.analysis.filters import parse
from perftui.analysis.insights.answer import Answer, NoteKind, Question
from perftui.analysis.phases import request_duration_us
from perftui.analysis.resource_type import API_TYPES, resource_type
from perftui.cli import cli
from perftui.commands.context import Context
from perftui.commands.report_remote import Report, remote_answers
from perftui.config import Settings
from perftui.errors import NotFoundError, UsageError
from perftui.export.clickhouse import ClickHouse, parse_target
from perftui.export.filter_sql import FilterSql, page_site, page_sites
from perftui.model import Batch, Entry
from perftui.store.outgoing import OutgoingReader
from perftui.store.reader import StoreReader
from perftui.store.writer import StoreWriter
from tests.export.conftest import made_batches

pytestmark = pytest.mark.chdb

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "perftui/demo/session.jsonl"
RECORDINGS = sorted((ROOT.parent / "shared/har").glob("*.har"))
SESSIONS = 20
"""So many variations of the demo session: others have other speeds, sizes and events."""


def perftui(store: Path, *arguments: str) -> str:
    done = CliRunner().invoke(cli, ["--db", str(store), *arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def varied(batch: Batch, number: int, random: Random) -> Batch:
    """A batch of the demo session as one of another day, slower and larger the later."""
    later_us = number * 3_600_000_000
    entries: list[Entry] = []
    for entry in batch.entries:
        if entry.entry_type == "capture" and (number + len(entries)) % 3 == 0:
            continue
        changes: dict[str, Any] = {}
        if entry.entry_type == "resource" and entry.duration_us is not None:
            changes["duration_us"] = entry.duration_us + random.randrange(1 + 9_000 * number)
        if entry.transfer_size:
            changes["transfer_size"] = entry.transfer_size + 700 * number
        entries.append(msgspec.structs.replace(entry, **changes))
    entries.append(
        Entry(
            entry_type="longtask",
            name="cross-origin-descendant",
            start_us=100_000,
            duration_us=60_000 + 1_000 * number,
            extra={
                "attribution": [
                    {"containerType": "iframe", "containerSrc": "http://localhost:8082/frame"},
                    {"containerType": "window", "containerSrc": ""},
                ]
            },
        )
    )
    return msgspec.structs.replace(
        batch,
        session_id=f"{batch.session_id}-{number}",
        key=bytes([number]) + batch.key[1:],
        entries=entries,
        time_origin_us=batch.time_origin_us + later_us,
        received_us=batch.received_us + later_us,
    )


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A store with many sessions, and the DSN of a ClickHouse that it was exported to."""
    folder = tmp_path_factory.mktemp("questions")
    demo, store, dsn = folder / "demo.db", folder / "store.db", f"chdb://{folder}/clickhouse"
    perftui(demo, "import", str(DEMO))
    for recording in RECORDINGS:
        perftui(store, "import", str(recording))
    outgoing, reader = OutgoingReader(demo), StoreReader(demo)
    (summary,) = reader.sessions()
    recorded = list(outgoing.batches(summary.session_id))
    reader.close()
    outgoing.close()
    random = Random(1)
    writer = StoreWriter(store)
    writer.write_batches(made_batches(24))
    for number in range(SESSIONS):
        writer.write_batches([varied(batch, number, random) for batch in recorded])
    writer.close_now()
    perftui(store, "export", "clickhouse", dsn, "--ttl", "36500d")
    return store, dsn


def told(store: Path, question: str, *options: str) -> dict[str, Any]:
    (line,) = perftui(store, "report", "--json", "-q", question, *options).splitlines()
    document: dict[str, Any] = json.loads(line)
    return document


def differences(here: Any, there: Any, path: str = "") -> list[str]:
    """Where two documents differ; numbers may by the last digits of a division."""
    if isinstance(here, dict) and isinstance(there, dict):
        if here.keys() != there.keys():
            return [f"{path}: {sorted(here)} and {sorted(there)}"]
        return [
            found for key in here for found in differences(here[key], there[key], f"{path}.{key}")
        ]
    if isinstance(here, list) and isinstance(there, list):
        if len(here) != len(there):
            return [f"{path}: {len(here)} and {len(there)} of {here[:3]} and {there[:3]}"]
        return [
            found
            for place, pair in enumerate(zip(here, there, strict=True))
            for found in differences(*pair, f"{path}[{place}]")
        ]
    if isinstance(here, float | int) and isinstance(there, float | int):
        if math.isclose(here, there, rel_tol=1e-9, abs_tol=0.0011):
            return []
        return [f"{path}: {here!r} and {there!r}"]
    return [] if here == there else [f"{path}: {here!r} and {there!r}"]


@pytest.mark.parametrize("question", [one.value for one in Question if one is not Question.MOMENT])
def test_the_answer_is_the_local_one(data: tuple[Path, str], question: str) -> None:
    store, dsn = data
    here = told(store, question)
    assert any(here["tables"].values()), "nothing is compared"
    assert differences(here, told(store, question, "--from", dsn)) == []


@pytest.mark.parametrize(
    ("question", "options"),
    [
        ("api", ("--filter", "slower-than:100ms -domain:cdn.test")),
        ("assets", ("--filter", "is:blocking OR type:script")),
        ("size", ("--filter", "-is:cached larger-than:2k")),
        ("third-party", ("--session", "{session}")),
        ("third-party", ("--session", "{other}")),
        ("third-party", ("--filter", "is:third-party")),
        ("compression", ("--session", "{session}", "--session", "{other}")),
        ("factors", ("--session", "{session}")),
        ("change", ("--session", "{session}")),
        ("change", ("--baseline", "{session}")),
        ("change", ("--change-at", "2026-11-24T00:00:00Z")),
        ("moment", ("--session", "{session}", "--at", "50%")),
        ("moment", ("--session", "{other}", "--at", "2.5")),
    ],
)
def test_a_part_of_it_too(data: tuple[Path, str], question: str, options: tuple[str, ...]) -> None:
    store, dsn = data
    session, other = demo_sessions(store)[1:3]
    asked = [text.format(session=session, other=other) for text in options]
    here = told(store, question, *asked)
    assert any(here["tables"].values()), "nothing is compared"
    assert differences(here, told(store, question, "--from", dsn, *asked)) == []


def demo_sessions(store: Path) -> list[str]:
    reader = StoreReader(store)
    try:
        found = [one.session_id for one in reader.sessions()]
    finally:
        reader.close()
    return sorted(one for one in found if not one.startswith(("session-", "har-")))


def test_a_part_of_the_time(data: tuple[Path, str]) -> None:
    store, dsn = data
    window = ("--since", "2026-11-23T23:30:00Z", "--until", "2026-11-24T03:00:00Z")
    here, there = told(store, "size", *window), told(store, "size", *window, "--from", dsn)
    assert here["tables"]["largest"]
    assert differences(here["tables"], there["tables"]) == []
    # Here all sessions of the store are counted, there those of the time asked for.
    assert 0 < there["coverage"]["sessions"] < here["coverage"]["sessions"]


def ask(dsn: str, store: Path, **changes: Any) -> list[Answer]:
    context = Context(Settings(), store, color=False)
    report = Report(questions=[Question.API, Question.FACTORS], **changes)
    return list(remote_answers(context, dsn, report))


def test_percentiles_of_very_many_requests_are_within_the_error_that_is_named(
    data: tuple[Path, str],
) -> None:
    store, dsn = data
    exact, near = ask(dsn, store)[0], ask(dsn, store, exact_requests=0)[0]
    assert not any("digest" in note.text for note in exact.notes)
    assert any("1 %" in note.text for note in near.notes)
    reader = StoreReader(store)
    durations: dict[str, list[float]] = {}
    for record in reader.iter_records():
        took = request_duration_us(record.entry)
        if resource_type(record.entry) in API_TYPES and took is not None:
            called = endpoint(record.entry.method, record.entry.name)
            durations.setdefault(called, []).append(took / 1000)
    reader.close()
    keys = [column.key for column in near.tables[0].shape.columns]
    for row in near.tables[0].rows:
        values = sorted(durations[str(row[0])])
        for key, level in (("p50_ms", 0.5), ("p75_ms", 0.75), ("p95_ms", 0.95)):
            figure = row[keys.index(key)]
            assert isinstance(figure, float)
            # The value lies between those one rank (of few values: one value) to either side.
            ranks = max(1, math.ceil(0.01 * len(values)))
            at = level * (len(values) - 1)
            low = values[max(0, math.floor(at) - ranks)]
            high = values[min(len(values) - 1, math.ceil(at) + ranks)]
            assert low - 0.001 <= figure <= high + 0.001, row


def test_of_very_many_sessions_some_are_looked_at_one_by_one_and_it_says_so(
    data: tuple[Path, str],
) -> None:
    store, dsn = data
    api, factors = ask(dsn, store, most_entries=1500)
    again = ask(dsn, store, most_entries=1500)[1]
    assert factors == again
    assert api == ask(dsn, store)[0], "what is about requests is of everything"
    (note,) = [note.text for note in factors.notes if note.kind is NoteKind.PARTIAL]
    fetched, everything = (int(word) for word in note.split() if word.isdigit())
    assert 0 < fetched < everything == factors.coverage.sessions


FILTERS = (
    *("is:slow", "is:very-slow", "is:large", "is:error", "is:cached", "is:third-party"),
    *("is:first-party", "is:blocking", "is:opaque", "is:duplicate", "is:in-flight", "is:event"),
    *("is:compressed", "-is:compressed", "has:size", "-has:size", "has:server-timing"),
    *("status:404", "status:4xx", "-status:200", "status>=400", "method:POST", "type:api"),
    *("type:script,stylesheet", "mime:json", "protocol:h2", "initiator:fetch", "encoding:br"),
    *("domain:cdn.test", "-domain:*.com", "endpoint:api", "url:cart", "CART", '"a b"', "/car[t]/"),
    *("slower-than:100ms", "faster-than:1ms", "larger-than:2k", "duration:10..200", "ttfb>50"),
    *("phase:dns", "phase:wait>100ms", "phase:connect>1ms", "phase:receive>5", "phase:queue>5"),
    *("entry:mark", "event:click", "session:session-1", "pageview:view-3", "text:e", "page:none"),
    *("is:slow OR (type:script -is:third-party)", "NOT (status:200 OR is:event)", "priority:high"),
)


def test_a_filter_passes_the_same_entries_there(data: tuple[Path, str]) -> None:
    store, dsn = data
    reader, clickhouse = StoreReader(store), ClickHouse(parse_target(dsn))
    there_is = FilterSql(page_site(page_sites(clickhouse)))
    passing = set()
    try:
        for text in FILTERS:
            predicate = parse(text)
            here = len(reader.index(None, predicate=predicate))
            there = clickhouse.rows(
                "SELECT count() FROM performance_entries FINAL WHERE entry_type != '' AND"
                f" {there_is.condition(predicate)}"
            )[0][0]
            assert there == here, text
            if here:
                passing.add(text)
    finally:
        clickhouse.close()
        reader.close()
    assert len(passing) > len(FILTERS) * 0.8, sorted(set(FILTERS) - passing)


@pytest.mark.parametrize("text", ["pageview:2", "set-cookie-name:sid"])
def test_what_only_the_local_store_can_tell_is_said(text: str) -> None:
    with pytest.raises(UsageError, match=r"perftui pull"):
        FilterSql().condition(parse(text))


@pytest.mark.parametrize(
    "options",
    [
        ("--filter", "status:5xx"),
        ("--filter", "is:third-party", "--limit", "4"),
        ("SHOP.test",),
        ("--since", "2026-11-23T23:30:00Z", "--until", "2026-11-24T03:00:00Z"),
        ("127.0.0.1", "--since", "2026-11-24T00:00:00Z", "--filter", "type:script larger-than:9k"),
    ],
)
def test_sessions_are_listed_as_here(
    data: tuple[Path, str], options: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, dsn = data
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()

    def listed(*more: str) -> list[dict[str, Any]]:
        lines = perftui(store, "sessions", "--json", *options, *more).splitlines()
        return [json.loads(line) for line in lines]

    here, there = listed(), listed("--from", dsn)
    assert 0 < len(here) < len(perftui(store, "sessions", "--json").splitlines())
    same = ("session_id", "started_epoch_ms", "entries", "requests", "transfer_bytes", "url")
    assert [[one[key] for key in same] for one in there] == [
        [one[key] for key in same] for one in here
    ]


@pytest.fixture(autouse=True)
def same_zone_again() -> Iterator[None]:
    yield
    time.tzset()


def test_nothing_there_is_said(data: tuple[Path, str], tmp_path: Path) -> None:
    store, dsn = data
    done = CliRunner().invoke(
        cli, ["--db", str(store), "report", "--from", dsn, "--since", "2030-01-01T00:00:00Z"]
    )
    assert done.exit_code == 1
    assert isinstance(done.exception, NotFoundError) or "no such sessions" in done.output
