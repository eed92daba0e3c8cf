"""A filter over a session that takes long to be looked through: the first results and how far it
is are seen, keys are answered meanwhile, and another filter breaks it off."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Input

from perftui.model import IndexPiece
from perftui.screens.replay import ReplayScreen
from perftui.store.reader import StoreReader
from perftui.widgets.filter_line import FilterLine
from perftui.widgets.row_list import RowList
from tests.screens.conftest import PATIENCE_SECONDS, MakeApp, opened, settle, until
from tests.screens.sample_store import SHOP, START_US, FrozenClock, batch, request, write

LONG = "long"
BATCHES, ENTRIES = 60, 500
"""Enough for several pieces of an index (``store.index_pieces``)."""


@pytest.fixture(scope="module")
def long_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("long") / "long.db"
    write(
        path,
        [
            batch(
                LONG,
                "view",
                tuple(
                    request(
                        f"{SHOP}/api/{'needle' if at % 100 == 0 else 'straw'}",
                        number * 1_000 + at,
                        5,
                    )
                    for at in range(ENTRIES)
                ),
                url=f"{SHOP}/",
                title="Long",
                received_us=START_US + number * 1_000_000,
                number=number,
            )
            for number in range(BATCHES)
        ],
    )
    return path


class Gate:
    """Holds a filtered reading of the store after its first piece.

    Attributes:
        pieces: how many have been read by each reading: there is more than one where somebody
            types so slowly that the filter takes effect in between.
        ended: readings that are over.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, clock: FrozenClock) -> None:
        self.shut = False
        self.opened = threading.Event()
        self.pieces: list[int] = []
        self.ended = 0
        read = StoreReader.iter_index

        def held(
            reader: StoreReader, *args: Any, predicate: Any = None, **kwargs: Any
        ) -> Iterator[IndexPiece]:
            pieces = read(reader, *args, predicate=predicate, **kwargs)
            if predicate is None or not self.shut:
                yield from pieces
                return
            place = len(self.pieces)
            self.pieces.append(0)
            try:
                for piece in pieces:
                    self.pieces[place] += 1
                    clock.advance(1)
                    yield piece
                    assert self.opened.wait(PATIENCE_SECONDS)
            finally:
                self.ended += 1

        monkeypatch.setattr(StoreReader, "iter_index", held)


async def test_a_filter_tells_how_far_it_is_and_can_be_broken_off(
    make_app: MakeApp, long_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = FrozenClock()
    gate = Gate(monkeypatch, clock)
    app = make_app(store=long_store, clock=clock, session_id=LONG)
    try:
        async with opened(app) as pilot:
            screen = app.screen
            assert isinstance(screen, ReplayScreen)
            rows, line = screen.query_one(RowList), screen.query_one(FilterLine)
            assert len(rows.source) == BATCHES * ENTRIES
            gate.shut = True
            for key in ("slash", *"needle", "enter"):
                await pilot.press(key)
            await until(pilot, lambda: "looked through" in line._matches, "the progress is told")
            found = len(rows.source)
            assert 0 < found < BATCHES * ENTRIES // 100
            assert f"{found:,} of {BATCHES * ENTRIES:,}" in line._matches
            assert set(gate.pieces) == {1}

            # What there is can be used already.
            assert not isinstance(screen.focused, Input)
            place = rows.cursor
            await pilot.press("g", "j", "j")
            await until(pilot, lambda: rows.cursor == 2, f"the cursor has moved from {place}")

            # It is broken off, and what it would have found never comes.
            await pilot.press("escape")
            await until(pilot, lambda: len(rows.source) == BATCHES * ENTRIES, "all rows are back")
            assert gate.ended == 0
            gate.opened.set()
            await until(pilot, lambda: gate.ended == len(gate.pieces), "the reading is over")
            assert set(gate.pieces) == {2}, "nothing is read after the piece that was under way"
            await settle(pilot)
            assert len(rows.source) == BATCHES * ENTRIES
    finally:
        gate.opened.set()


async def test_a_filter_that_is_let_through_ends_whole(
    make_app: MakeApp, long_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = FrozenClock()
    gate = Gate(monkeypatch, clock)
    app = make_app(store=long_store, clock=clock, session_id=LONG)
    try:
        async with opened(app) as pilot:
            screen = app.screen
            assert isinstance(screen, ReplayScreen)
            rows, line = screen.query_one(RowList), screen.query_one(FilterLine)
            gate.shut = True
            for key in ("slash", *"needle", "enter"):
                await pilot.press(key)
            await until(pilot, lambda: "looked through" in line._matches, "the progress is told")
            await pilot.press("g")
            selected = rows.source.key(0)
            gate.opened.set()
            await until(pilot, lambda: "looked through" not in line._matches, "it is whole")
            await settle(pilot)
            assert gate.pieces[-1] > 2
            assert len(rows.source) == BATCHES * ENTRIES // 100
            assert rows.source.key(rows.cursor) == selected, "more rows do not move the cursor"
    finally:
        gate.opened.set()
