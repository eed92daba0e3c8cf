"""Sessions as HAR 1.2: valid, and the same session when they come back."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from perftui.capture.har import read_har
from perftui.commands.demo import recorded_batches
from perftui.commands.importing import import_batches
from perftui.config import Settings
from perftui.export.har import har_pieces, har_timings
from perftui.model import Batch, Entry
from perftui.store.reader import StoreReader
from perftui.store.writer import StoreWriter
from tests.capture.test_har import FILES
from tests.export.conftest import StoreOf

SCHEMA = json.loads((Path(__file__).parent / "har-1.2.schema.json").read_bytes())


def exported(path: Path) -> bytes:
    with StoreReader(path) as reader:
        session_id = reader.find_session("last")
        return b"".join(
            har_pieces(
                reader.session(session_id),
                reader.page_views(session_id),
                reader.iter_records(session_id),
            )
        )


def imported(document: bytes) -> list[Batch]:
    faults: list[str] = []
    batches = list(read_har(io.BytesIO(document), Settings(), 1_795_451_690_000_000, faults.append))
    assert faults == []
    return batches


def told(path: Path) -> list[Any]:
    """Everything that a session holds, whatever the order in which it came."""
    with StoreReader(path) as reader:
        session_id = reader.find_session("last")
        views = [
            (view.page_view_id, view.number, view.url, view.title, view.kind, view.time_origin_us)
            for view in reader.page_views(session_id)
        ]
        entries = sorted(
            (record.page_view_id, record.start_epoch_us, msgspec.json.encode(record.entry))
            for record in reader.iter_records(session_id)
        )
    return [session_id, views, entries]


def check(document: bytes) -> None:
    """It is valid HAR 1.2, and every request lies within its own parts."""
    har = json.loads(document)
    jsonschema.validate(har, SCHEMA)
    for entry in har["log"]["entries"]:
        parts = entry["timings"]
        total = sum(max(0, parts[name]) for name in parts if name != "ssl")
        assert entry["time"] == pytest.approx(total)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("har") / "demo.db"
    writer = StoreWriter(path)
    import_batches(writer, recorded_batches(), Settings())
    writer.close_now()
    return path


def test_the_recorded_session_there_and_back(demo: Path, store_of: StoreOf) -> None:
    document = exported(demo)
    check(document)
    again = store_of(imported(document))
    assert told(again) == told(demo)
    assert told(store_of(imported(exported(again)))) == told(demo)


@pytest.mark.parametrize("name", FILES)
def test_real_files_there_and_back(har_folder: Path, store_of: StoreOf, name: str) -> None:
    first = store_of(imported((har_folder / name).read_bytes()))
    document = exported(first)
    check(document)
    assert told(store_of(imported(document))) == told(first)


def test_one_pageview_alone(demo: Path) -> None:
    with StoreReader(demo) as reader:
        session_id = reader.find_session("last")
        view = reader.page_views(session_id)[1]
        document = b"".join(
            har_pieces(
                reader.session(session_id),
                [view],
                reader.iter_records(session_id, page_view_id=view.page_view_id),
            )
        )
    check(document)
    log = json.loads(document)["log"]
    assert [page["id"] for page in log["pages"]] == [view.page_view_id]
    assert len(log["entries"]) == view.request_count


def test_what_is_unknown_is_minus_one() -> None:
    opaque = Entry(entry_type="resource", name="https://cdn.test/", start_us=5, duration_us=9000)
    assert har_timings(opaque) == {
        "blocked": -1.0,
        "dns": -1.0,
        "connect": -1.0,
        "ssl": -1.0,
        "send": 0.0,
        "wait": 9.0,
        "receive": 0.0,
    }
