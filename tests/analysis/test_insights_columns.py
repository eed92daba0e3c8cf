"""The columns that answers are made of say the same as the rules for one entry, and groups of
values the same as numpy and scipy."""

from __future__ import annotations

import asyncio
import gc
import sqlite3
from itertools import count
from math import nan
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import stats

from perftui.analysis.endpoints import endpoint, is_third_party, registrable_domain, split_url
from perftui.analysis.filters import parse
from perftui.analysis.groups import Samples, dense, firsts, in_order, mann_whitney_of_pairs, sums
from perftui.analysis.insights.phase_columns import phase_columns
from perftui.analysis.insights.reading import read_study, without_collector
from perftui.analysis.insights.requests import KINDS, Requests, plain_url
from perftui.analysis.phases import (
    PhaseName,
    is_cached,
    phase_durations,
    request_duration_us,
    request_end_us,
)
from perftui.analysis.resource_type import resource_type
from perftui.analysis.severity import is_error
from perftui.model import Batch, Entry, Page, Record
from perftui.store import column_reader
from perftui.store.connection import DRIVERS
from perftui.store.reader import StoreReader
from perftui.store.writer import StoreWriter
from tests.analysis.strategies import absurd_entries, ordinary_requests

PAGE = "https://shop.test/cart"
request_entries = st.one_of(
    ordinary_requests(), absurd_entries(("resource", "navigation", "request"))
)
PHASES = (
    *(PhaseName.QUEUE, PhaseName.DNS, PhaseName.CONNECT, PhaseName.TLS),
    *(PhaseName.REQUEST, PhaseName.WAIT, PhaseName.RECEIVE),
)
_FOLDER = TemporaryDirectory(prefix="columns-")
_NUMBERS = count(1)


def store_of(*batches: list[Entry]) -> Path:
    """A real store that holds batches, each of a pageview of its own."""
    path = Path(_FOLDER.name) / f"{next(_NUMBERS)}.db"
    writer = StoreWriter(path)
    writer.write_batches(
        [
            Batch(
                session_id=f"session-{number % 2}",
                page_view_id=f"view-{number}",
                entries=entries,
                key=number.to_bytes(16, "big"),
                time_origin_us=1_795_451_678_000_000 + number,
                received_us=1_795_451_678_000_000 + number,
                page=Page(url=PAGE),
            )
            for number, entries in enumerate(batches)
        ]
    )
    asyncio.run(writer.close())
    return path


def of_each(column: Any) -> list[Any]:
    """A column as a list, with None for NaN."""
    return [None if value != value else value for value in column.tolist()]


def _near(expected: int | None) -> set[float | None]:
    """What a double may hold of it: where a moment that it is reckoned from is beyond 2^53 µs (285
    years), not every whole number; by less than half of that no such moment can have been."""
    if expected is None or expected < 2**52:
        return {expected}
    return {float(expected + off) for off in range(-2, 3)}


def assert_columns_are_the_records(requests: Requests, records: list[Record]) -> None:
    entries = [record.entry for record in records]
    assert requests.seqs.tolist() == [record.seq for record in records]
    assert requests.start_epochs.tolist() == [record.start_epoch_us for record in records]
    for value, whole in zip(
        (*of_each(requests.durations), *of_each(requests.ends)),
        (*map(request_duration_us, entries), *map(request_end_us, entries)),
        strict=True,
    ):
        assert value in _near(whole)
    assert of_each(requests.cached) == [is_cached(entry) for entry in entries]
    assert requests.is_opaque.tolist() == [entry.is_timing_opaque for entry in entries]
    assert requests.failed.tolist() == [is_error(entry, PAGE) for entry in entries]
    assert [KINDS[kind] for kind in requests.kinds.tolist()] == [
        resource_type(entry) for entry in entries
    ]
    assert requests.is_third_party.tolist() == [is_third_party(one.name, PAGE) for one in entries]
    for (names, groups), expected_names in (
        (requests.by_asset, [plain_url(entry.name) for entry in entries]),
        (requests.by_endpoint, [endpoint(entry.method, entry.name) for entry in entries]),
        (
            requests.by_domain,
            [registrable_domain(split_url(entry.name).host) for entry in entries],
        ),
    ):
        assert [names[group] for group in groups.tolist()] == expected_names
    for name in (
        *("transfer_size", "encoded_body_size", "decoded_body_size", "response_status"),
        *("worker_start_us", "response_start_us"),
    ):
        told = [getattr(entry, name) for entry in entries]
        if name.endswith("_us"):
            told = [
                None if moment is None else moment - entry.start_us
                for moment, entry in zip(told, entries, strict=True)
            ]
        # An offset of absurd moments is beyond what a float holds exactly.
        assert of_each(requests.numbers(name)) == [
            None if value is None else float(value) for value in told
        ]
    phases = phase_columns(requests, np.arange(len(requests)))
    for place, entry in enumerate(entries):
        expected = phase_durations(entry)
        for phase in PHASES:
            value = float(phases[phase][place])
            assert (None if value != value else value) in _near(expected[phase]), phase


READ_WITH_OTHERS_OR_NOT = (0.0, 2.0)
"""``column_reader.MOSTLY``: all entries are read, or requests alone."""


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("mostly", READ_WITH_OTHERS_OR_NOT)
@given(batches=st.lists(st.lists(request_entries, max_size=4), min_size=1, max_size=4))
@settings(max_examples=40, deadline=None)
def test_columns_say_what_the_rules_say_of_each_entry(
    driver: str, mostly: float, batches: list[list[Entry]]
) -> None:
    happening = Entry(entry_type="mark", name="m", start_us=5, extra={"detail": 1})
    with (
        pytest.MonkeyPatch.context() as patch,
        StoreReader(store_of(*([happening, *one] for one in batches)), driver=driver) as reader,
    ):
        patch.setattr(column_reader, "MOSTLY", mostly)
        study = read_study(reader, reader.sessions())
        records = [record for record in reader.iter_records() if record.entry.is_request]
        assert_columns_are_the_records(study.requests, records)


def many(number: int) -> Entry:
    """One of a large store: most tell nothing of what is rare."""
    start = number * 10
    return Entry(
        entry_type="resource",
        name=f"https://{'cdn.other.test' if number % 3 else 'shop.test'}/a/{number % 40}.js?{number}",
        start_us=start,
        duration_us=None if number % 17 == 0 else 900 + number % 50,
        initiator_type="fetch" if number % 5 == 0 else "script",
        method="POST" if number % 11 == 0 else None,
        response_status=404 if number % 13 == 0 else 200,
        transfer_size=None if number % 3 else number % 700,
        encoded_body_size=number % 500,
        decoded_body_size=number % 900,
        worker_start_us=start + 3 if number % 29 == 0 else None,
        fetch_start_us=start + 4,
        connect_start_us=start + 5,
        connect_end_us=start + (50 if number % 23 == 0 else 5),
        request_start_us=start + 60 if number % 4 else None,
        response_start_us=start + 400 if number % 4 else None,
        response_end_us=start + 900,
        extra={"requestEnd": (start + 70) / 1000} if number % 31 == 0 else {},
    )


@pytest.mark.parametrize("driver", DRIVERS)
def test_large_selections_are_read_by_several_connections_and_sparse_columns(
    driver: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(column_reader, "CHUNK_ENTRIES", 100)
    path = store_of(*([many(30 * batch + place) for place in range(30)] for batch in range(40)))
    with StoreReader(path, driver=driver) as reader:
        study = read_study(reader, reader.sessions())
        records = list(reader.iter_records())
        assert len(records) == 1_200
        assert_columns_are_the_records(study.requests, records)


@pytest.mark.parametrize("driver", DRIVERS)
def test_entries_that_are_gone_leave_a_gap_and_nothing_else(driver: str) -> None:
    """A pruned entry leaves its batch's range as it was."""
    path = store_of([many(number) for number in range(50)], [many(number) for number in range(9)])
    connection = sqlite3.connect(path)
    connection.execute("DELETE FROM entry WHERE seq IN (1, 7, 8, 50, 51, 59)")
    connection.commit()
    connection.close()
    with StoreReader(path, driver=driver) as reader:
        study = read_study(reader, reader.sessions())
        records = list(reader.iter_records())
        assert len(records) == 53
        assert_columns_are_the_records(study.requests, records)


def test_a_filter_narrows_the_requests_and_nothing_else() -> None:
    entries = [many(number) for number in range(200)]
    path = store_of([*entries, Entry(entry_type="capture", name="bought", start_us=1)])
    predicate = parse("type:fetch method:post")
    with StoreReader(path) as reader:
        study = read_study(reader, reader.sessions(), predicate=predicate)
        expected = [
            record.seq
            for record in reader.iter_records()
            if record.entry.is_request and predicate.matches(record)
        ]
        assert study.requests.seqs.tolist() == expected != []
        assert len(study.happenings("capture")) == 1


HAPPENING_TYPES = ("mark", "navigation", "request", "resource")


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("mostly", READ_WITH_OTHERS_OR_NOT)
@given(
    batches=st.lists(
        st.lists(
            st.sampled_from(HAPPENING_TYPES).map(
                lambda kind: Entry(entry_type=kind, name="https://a.test/", start_us=5)
            ),
            max_size=30,
        ),
        min_size=1,
        max_size=4,
    ),
    types=st.sets(st.sampled_from(HAPPENING_TYPES), min_size=1),
)
@settings(max_examples=20, deadline=None)
def test_what_lies_between_the_requests_is_what_a_look_at_every_entry_finds(
    driver: str, mostly: float, batches: list[list[Entry]], types: set[str]
) -> None:
    with (
        pytest.MonkeyPatch.context() as patch,
        StoreReader(store_of(*batches), driver=driver) as it,
    ):
        patch.setattr(column_reader, "MOSTLY", mostly)
        patch.setattr(column_reader, "OTHERS_AT_ONCE", 3)
        study = read_study(it, it.sessions())
        records = list(it.iter_records())
        found = [record for _, record in study.happenings(*sorted(types))]
        assert [(one.seq, one.entry.entry_type) for one in found] == [
            (one.seq, one.entry.entry_type) for one in records if one.entry.entry_type in types
        ]
        assert study.coverage.entries == len(records)


def test_no_cycles_are_looked_for_while_an_answer_is_computed() -> None:
    assert gc.isenabled()
    with without_collector():
        with without_collector():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()
    gc.disable()
    try:
        with without_collector():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_what_arrives_later_is_in_no_column() -> None:
    path = store_of([many(number) for number in range(20)])
    with StoreReader(path) as reader:
        study = read_study(reader, reader.sessions())
        assert len(study.requests) == 20
        writer = StoreWriter(path)
        writer.write_batches(
            [
                Batch(
                    session_id="session-0",
                    page_view_id="view-0",
                    entries=[many(99)],
                    key=b"later" * 3 + b"x",
                    time_origin_us=1_795_451_678_000_000,
                    received_us=1_795_451_679_000_000,
                )
            ]
        )
        asyncio.run(writer.close())
        assert len(study.requests.numbers("transfer_size")) == 20


# --- groups -------------------------------------------------------------------------------------

grouped = st.lists(
    st.tuples(st.integers(0, 4), st.one_of(st.none(), st.integers(0, 2**40))), max_size=60
)


@given(grouped, st.sampled_from([0.0, 0.25, 0.5, 0.75, 0.95, 1.0]))
def test_percentiles_of_groups_are_numpys_to_the_last_bit(
    pairs: list[tuple[int, int | None]], share: float
) -> None:
    groups = np.array([group for group, _ in pairs], dtype=np.int64)
    values = np.array([nan if one is None else one for _, one in pairs], dtype=np.float64)
    samples = Samples(groups, 5, values)
    told = samples.percentile(share)
    totals, known = sums(groups, 5, values)
    for group in range(5):
        own = values[(groups == group) & ~np.isnan(values)]
        assert samples.of(group).tolist() == sorted(own.tolist())
        assert (int(known[group]), float(totals[group])) == (len(own), float(sum(own)))
        if len(own):
            assert told[group] == np.percentile(own, share * 100)
        else:
            assert np.isnan(told[group])


@given(
    arrays.arrays(
        np.int64,
        st.integers(1, 40),
        elements=st.one_of(st.integers(0, 9), st.integers(-(2**62), 2**62)),
    )
)
@example(np.array([2**61, 0, 2**61]))
def test_dense_keys_and_their_order_are_numpys(keys: Any) -> None:
    values, places = dense(keys)
    expected, inverse = np.unique(keys, return_inverse=True)
    assert values.tolist() == expected.tolist()
    assert places.tolist() == inverse.tolist()
    assert in_order(keys).tolist() == np.argsort(keys, kind="stable").tolist()
    first = firsts(places, len(values), np.arange(len(keys)))
    assert first.tolist() == [keys.tolist().index(value) for value in values.tolist()]


@given(
    st.lists(
        st.tuples(
            *[st.lists(st.integers(0, 30), min_size=0, max_size=14)] * 2,
        ),
        min_size=1,
        max_size=4,
    )
)
@settings(deadline=None)
def test_every_pair_of_groups_is_tested_as_scipy_does(
    pairs: list[tuple[list[int], list[int]]],
) -> None:
    sides = []
    for side in range(2):
        groups = [number for number, pair in enumerate(pairs) for _ in pair[side]]
        values = [value for pair in pairs for value in pair[side]]
        sides.append(
            Samples(np.array(groups, np.int64), len(pairs), np.array(values, dtype=np.float64))
        )
    told = mann_whitney_of_pairs(*sides)
    for (first, second), p_value in zip(pairs, told.tolist(), strict=True):
        if min(len(first), len(second)) < 5:
            assert p_value != p_value
        elif len({*first, *second}) == 1:
            assert p_value == 1.0
        else:
            assert p_value == pytest.approx(
                stats.mannwhitneyu(first, second).pvalue, rel=1e-9, abs=1e-12
            )


def test_of_very_many_values_every_kth_is_ranked() -> None:
    random = np.random.default_rng(5)
    first = Samples(
        np.zeros(9_000, np.int64), 1, random.integers(0, 1_000, 9_000).astype(np.float64)
    )
    second = Samples(
        np.zeros(9_000, np.int64), 1, random.integers(80, 1_080, 9_000).astype(np.float64)
    )
    assert mann_whitney_of_pairs(first, second)[0] < 0.001
