"""What is read of a session, and what of it is let go."""

from __future__ import annotations

import gc
import json
import weakref
from pathlib import Path

import msgspec
import pytest

from perftui.analysis.filters import parse
from perftui.capture.batch import decode_batch
from perftui.screens.session_feed import LiveFeed, SessionTold, load
from perftui.screens.sessions import SessionsScreen
from perftui.store.reader import StoreReader
from perftui.store.writer import StoreWriter
from tests.screens.conftest import MakeApp, opened, press, settle, until
from tests.screens.sample_store import SESSION, FrozenClock


def read(reader: StoreReader, filtering: str, known: SessionTold | None = None) -> SessionTold:
    """The last that is told of a session."""
    predicate = parse(filtering) if filtering else None
    timeline = None if known is None else known.timeline
    return [*load(reader, 1, SESSION, predicate, timeline, None, FrozenClock())][-1]


def test_without_a_filter_the_index_that_is_there_is_told_again(
    sample_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with StoreReader(sample_store) as reader:
        whole = read(reader, "")
        filtered = read(reader, "status:500", whole)
        assert 0 < filtered.length < whole.length
        monkeypatch.delattr(StoreReader, "iter_index")
        again = read(reader, "", filtered)
    assert again.index is whole.index
    assert (again.length, again.first_seq) == (whole.length, whole.first_seq)


async def test_a_session_that_is_left_is_let_go_without_the_garbage_collector(
    make_app: MakeApp,
) -> None:
    app = make_app()
    async with opened(app) as pilot:
        await press(pilot, "j", "pagedown")
        index = app.screen._told.index  # type: ignore[attr-defined]
        arrays = [weakref.ref(part) for part in (index.seqs, index.starts, index.ends)]
        del index
        gc.collect()
        gc.disable()
        try:
            await pilot.press("escape")
            await until(pilot, lambda: isinstance(app.screen, SessionsScreen))
            await settle(pilot)
            await until(pilot, lambda: not any(part() for part in arrays), "the index is let go")
        finally:
            gc.enable()


async def test_a_file_that_is_imported_is_not_followed_as_if_it_were_live(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    writer = StoreWriter(path)
    feed = LiveFeed(1, None, None)
    try:
        with StoreReader(path) as reader:
            for session, source in (("live", "sdk"), ("a-file", "har")):
                told = {
                    "sessionId": session,
                    "pageViewId": f"{session}-1",
                    "entries": [{"entryType": "mark", "name": "here", "startTime": 1}],
                }
                batch = decode_batch(json.dumps(told).encode(), received_us=1_000_000).batch
                writer.write_batches([msgspec.structs.replace(batch, source=source)])
                if source == "har":
                    assert [one.session_id for one in reader.sessions(limit=1)] == ["a-file"]
            told_of = feed.poll(reader)
    finally:
        await writer.close()
    assert isinstance(told_of, SessionTold)
    assert told_of.summary.session_id == "live"
