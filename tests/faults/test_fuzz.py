"""Mutated real batches against a running server: nothing is a fault of the server, and what it
accepted reads back as it was accepted."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import re
import time
from collections import Counter
from hashlib import blake2b
from pathlib import Path

import msgspec
import pytest

from perftui.capture.batch import decode_batch
from perftui.capture.redact import Redactor
from perftui.config import ServerSettings
from perftui.errors import IntakeError
from perftui.model import Entry
from perftui.store.connection import connect
from perftui.store.reader import StoreReader
from tests.faults.load import ALL, CaptureProcess
from tests.faults.mutations import Mutator

pytestmark = pytest.mark.faults

log = logging.getLogger("tests.faults")

SECONDS = 60.0 if ALL else 8.0

SEED = int(os.environ.get("PERFTUI_TEST_FUZZ_SEED", random.randrange(2**32) if ALL else 1))
"""Set it to make a run of another time again."""

CONNECTIONS = 4

Key = tuple[str, bytes]


def _digest(entries: list[Entry]) -> bytes:
    return blake2b(msgspec.json.encode(entries), digest_size=16).digest()


class Fuzz:
    """Sends, and keeps in mind what should be in the store.

    Attributes:
        expected: session and key of an accepted batch -> its entries.
        faults: requests with an answer that none should have.
    """

    def __init__(self, seed: int) -> None:
        self._mutator = Mutator(seed)
        self._redactor = Redactor()
        self.statuses: Counter[int] = Counter()
        self.expected: dict[Key, bytes] = {}
        self.entries = 0
        self.faults: list[tuple[int, bytes]] = []

    async def run(self, port: int, seconds: float) -> None:
        """One connection."""
        ends = time.perf_counter() + seconds
        pair = None
        while time.perf_counter() < ends:
            document, coding, body = self._mutator.request()
            if pair is None:
                pair = await asyncio.open_connection("127.0.0.1", port)
            told = b"Content-Encoding: %s\r\n" % coding.encode("latin-1") if coding else b""
            request = (
                b"POST /batch HTTP/1.1\r\nHost: localhost\r\n%sContent-Length: %d\r\n\r\n%s"
                % (told, len(body), body)
            )
            reader, writer = pair
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            status = int(head[9:12])
            length = re.search(rb"content-length: (\d+)", head)
            assert length is not None
            answer = await reader.readexactly(int(length[1]))
            self.statuses[status] += 1
            if status in {200, 422}:
                self._remember(document, status, answer)
            elif status not in {400, 413, 415}:
                self.faults.append((status, document))
            if b"connection: close" in head:
                writer.close()
                pair = None
        if pair is not None:
            pair[1].close()

    def _remember(self, document: bytes, status: int, answer: bytes) -> None:
        try:
            decoded = decode_batch(document, received_us=1, settings=ServerSettings())
        except IntakeError:
            # Compression was damaged in a way that makes it another document, or it is no batch.
            assert status == 422, document
            return
        told = msgspec.json.decode(answer)
        if status == 422 or told.get("duplicate"):
            return
        batch = self._redactor.batch(decoded.batch)
        assert told["accepted"] == len(batch.entries), document
        assert len(told["rejected"]) == min(100, len(decoded.rejected)), document
        key = (batch.session_id, batch.key)
        assert key not in self.expected, document
        self.expected[key] = _digest(list(batch.entries))
        self.entries += len(batch.entries)


def _stored(store: Path) -> dict[Key, bytes]:
    connection = connect(store, read_only=True)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        batches = connection.execute(
            "SELECT s.session_id, b.key, b.first_seq, b.last_seq FROM batch AS b"
            " JOIN session AS s ON s.id = b.session ORDER BY b.first_seq"
        ).fetchall()
    finally:
        connection.close()
    found: dict[Key, bytes] = {}
    with StoreReader(store) as reader:
        records = reader.iter_records()
        for session_id, key, first_seq, last_seq in batches:
            entries = []
            for _ in range(last_seq - first_seq + 1):
                record = next(records)
                assert first_seq <= record.seq <= last_seq
                assert record.session_id == session_id
                entries.append(record.entry)
            found[session_id, key] = _digest(entries)
        assert next(records, None) is None
        for session in reader.sessions():
            reader.session(session.session_id)
    return found


async def test_mutated_batches_are_no_fault_and_read_back_as_accepted(tmp_path: Path) -> None:
    store = tmp_path / "perftui.db"
    server = CaptureProcess(store)
    fuzz = Fuzz(SEED)
    try:
        await asyncio.gather(*(fuzz.run(server.port, SECONDS) for _ in range(CONNECTIONS)))
    finally:
        code = server.end()
    log.info(
        "seed %d: %d requests in %.0f s, %s; %d entries in %d batches read back",
        *(SEED, fuzz.statuses.total(), SECONDS, dict(fuzz.statuses)),
        *(fuzz.entries, len(fuzz.expected)),
    )
    assert code == 0
    assert not fuzz.faults, f"seed {SEED}: {fuzz.faults[0]}"
    assert "Traceback" not in server.log, server.log
    assert "not stored" not in server.log, server.log
    assert {200, 400, 415, 422} <= fuzz.statuses.keys()
    stored = _stored(store)
    assert {key for key in fuzz.expected if stored.get(key) != fuzz.expected[key]} == set()
    assert len(fuzz.expected) > 100
