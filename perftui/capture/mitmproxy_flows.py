"""Flow files of mitmproxy (``mitmdump -w``), read by mitmproxy itself (extra ``perftui[proxy]``).

A file is one session with one pageview, and each HTTP flow one ``request``, as the addon makes it
of a live one. Flows of TCP, UDP and DNS are no requests: they are counted and named.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Iterator
from hashlib import blake2b
from typing import Any, BinaryIO, cast

import msgspec

from perftui.capture.batch import decode_batch
from perftui.config import Settings
from perftui.errors import ImportFileError, MissingExtraError
from perftui.model import Batch

Fault = Callable[[str], None]

BATCH_ENTRIES = 200
SOURCE = "mitmproxy"
PAGE_VIEW_ID = "flows"


def read_flows(
    stream: BinaryIO,
    settings: Settings,
    received_us: int,
    fault: Fault,
    *,
    body_characters: int = 0,
) -> Iterator[Batch]:
    """Batches of a flow file.

    Args:
        stream: the file; it must be seekable, for its hash names the session.
        received_us: the moment of the import, µs since the epoch.
        fault: told of each flow that is left out, with its number from 0.
        body_characters: how much of each textual body is kept; 0 keeps none.

    Raises:
        MissingExtraError: mitmproxy is not installed.
        ImportFileError: it is no flow file.
    """
    try:
        from mitmproxy import exceptions, http
        from mitmproxy.io import FlowReader

        from perftui.capture.proxy_addon import entry_of, passage_of, seen_of
    except ImportError as error:
        raise MissingExtraError("proxy", "Reading mitmproxy's flow files") from error
    digest = blake2b(digest_size=12)
    while piece := stream.read(1 << 20):
        digest.update(piece)
    stream.seek(0)
    session_id = f"flows-{digest.hexdigest()}"
    # mitmproxy peeks, which a bare stream of bytes cannot.
    reader = FlowReader(
        stream if hasattr(stream, "peek") else io.BufferedReader(cast("io.RawIOBase", stream))
    )
    origin: float | None = None
    entries: list[dict[str, Any]] = []
    others: Counter[str] = Counter()
    number = -1
    batch_count = 0

    def batch() -> Batch:
        nonlocal batch_count
        batch_count += 1
        document = {
            "sessionId": session_id,
            "pageViewId": PAGE_VIEW_ID,
            "batchId": str(batch_count),
            "timeOrigin": (origin or 0) * 1000,
            "source": SOURCE,
            "entries": entries,
        }
        decoded = decode_batch(
            msgspec.json.encode(document), received_us=received_us, settings=settings.server
        )
        for rejection in decoded.rejected:
            fault(f"among the {len(entries)} requests before flow {number + 1}: {rejection.reason}")
        return decoded.batch

    try:
        for flow in reader.stream():
            number += 1
            if not isinstance(flow, http.HTTPFlow):
                others[flow.type] += 1
                continue
            if origin is None:
                origin = flow.request.timestamp_start
            if flow.response is not None and flow.response.raw_content is not None:
                seen_of(flow).passage = passage = passage_of(flow, body_characters=body_characters)
                passage(flow.response.raw_content)
                passage(b"")
            wire = entry_of(flow, origin, body_characters)
            entries.append({name: value for name, value in wire.items() if value is not None})
            if len(entries) == BATCH_ENTRIES:
                yield batch()
                entries.clear()
    except exceptions.FlowReadException as error:
        if origin is None and not others:
            raise ImportFileError(f"no flow file of mitmproxy: {error}") from error
        fault(f"after flow {number}: {error}")
    if entries:
        yield batch()
    for kind, count in sorted(others.items()):
        fault(f"{count} flows of kind {kind} are no HTTP requests and were left out")
