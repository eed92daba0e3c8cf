"""Flow files of mitmproxy, written by mitmproxy itself."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any

import pytest

from perftui.capture.mitmproxy_flows import BATCH_ENTRIES, read_flows
from perftui.config import Settings
from perftui.errors import ImportFileError
from perftui.model import Batch

pytestmark = pytest.mark.proxy

RECEIVED_US = 1_795_451_690_000_000


def written(flows: Iterable[Any]) -> bytes:
    from mitmproxy.io import FlowWriter

    content = io.BytesIO()
    writer: Any = FlowWriter(content)  # type: ignore[no-untyped-call]
    for flow in flows:
        writer.add(flow)
    return content.getvalue()


def read(content: bytes) -> tuple[list[Batch], list[str]]:
    faults: list[str] = []
    return list(read_flows(io.BytesIO(content), Settings(), RECEIVED_US, faults.append)), faults


def test_requests_of_a_flow_file() -> None:
    from mitmproxy.test import tflow

    good: Any = tflow.tflow(resp=True)
    good.request.headers["cookie"] = "a=b"
    failed: Any = tflow.tflow(err=True)
    batches, faults = read(written([good, failed, tflow.twebsocketflow(), tflow.ttcpflow()]))
    (batch,) = batches
    assert [entry.entry_type for entry in batch.entries] == ["request"] * 3
    first, second, third = batch.entries
    assert first.name == "http://address:22/path"
    assert first.response_status == 200
    assert first.encoded_body_size == len(good.response.raw_content)
    assert first.start_us == 0
    assert batch.time_origin_us == round(good.request.timestamp_start * 1_000_000)
    assert second.response_status is None
    assert second.extra["error"] == failed.error.msg
    assert third.extra["messages"]["sent"] + third.extra["messages"]["received"] == 3
    assert faults == ["1 flows of kind tcp are no HTTP requests and were left out"]
    assert batch.source == "mitmproxy"


def test_one_file_is_one_session_and_its_batches_are_told_apart() -> None:
    from mitmproxy.test import tflow

    content = written(tflow.tflow(resp=True) for _ in range(BATCH_ENTRIES + 5))
    first, second = read(content)[0], read(content)[0]
    assert [len(batch.entries) for batch in first] == [BATCH_ENTRIES, 5]
    assert [batch.key for batch in first] == [batch.key for batch in second]
    assert len({batch.key for batch in first}) == 2
    assert len({batch.session_id for batch in [*first, *second]}) == 1


def test_a_file_cut_short_gives_what_is_whole() -> None:
    from mitmproxy.test import tflow

    content = written(tflow.tflow(resp=True) for _ in range(3))
    batches, faults = read(content[:-30])
    assert [len(batch.entries) for batch in batches] == [2]
    assert faults == ["after flow 1: Invalid data format."]


@pytest.mark.parametrize("content", [b"5:hello", b"x", b"12:{}"])
def test_what_is_no_flow_file_is_one_clear_error(content: bytes) -> None:
    with pytest.raises(ImportFileError):
        read(content)
