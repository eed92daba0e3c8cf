"""Question 4: how large is what is loaded, and what is loaded more than once?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from perftui.analysis.groups import Samples, counts, dense, firsts, sums
from perftui.analysis.insights.answer import (
    Answer,
    Cause,
    Column,
    Question,
    Shape,
    Table,
    Unit,
    Value,
    make_table,
)
from perftui.analysis.insights.loading import MOST_ROWS
from perftui.analysis.insights.requests import KINDS, SIZE_COLUMNS, Requests, is_kind
from perftui.analysis.insights.sentences import size_headline, unknown_sizes
from perftui.analysis.insights.study import Study
from perftui.analysis.insights.values import told
from perftui.analysis.resource_type import ResourceType
from perftui.request_columns import Integers

SIZES_BY_TYPE = Shape(
    "sizes_by_type",
    "By type",
    "A kind of request; the one with most transferred bytes first.",
    (
        Column("type", "type", Unit.TEXT, "Kind of request.", 100),
        Column("requests", "requests", Unit.COUNT, "How many.", 90),
        Column(
            "transfer_bytes", "transferred", Unit.BYTES, "With headers; of those that tell.", 95
        ),
        Column("encoded_bytes", "encoded", Unit.BYTES, "Bodies as sent; of those that tell.", 60),
        Column(
            "decoded_bytes",
            "decoded",
            Unit.BYTES,
            "Bodies after decompression; of those that tell.",
            70,
        ),
        Column("unknown_sizes", "unknown", Unit.COUNT, "Requests whose size is withheld.", 80),
    ),
)

SIZES_BY_DOMAIN = Shape(
    "sizes_by_domain",
    "By domain",
    "A registrable domain; most transferred bytes first.",
    (Column("domain", "domain", Unit.TEXT, "Registrable domain.", 100), *SIZES_BY_TYPE.columns[1:]),
)

LARGEST = Shape(
    "largest",
    "The largest",
    "An asset or response by its URL without the query; the largest transfer first.",
    (
        Column("url", "url", Unit.TEXT, "What was loaded.", 100),
        Column("type", "type", Unit.TEXT, "Kind of request.", 60),
        Column("requests", "requests", Unit.COUNT, "How many times.", 70),
        Column(
            "transfer_bytes",
            "transferred",
            Unit.BYTES,
            "Median of one transfer over the network.",
            95,
        ),
        Column("encoded_bytes", "encoded", Unit.BYTES, "Median of its body as sent.", 50),
        Column(
            "decoded_bytes", "decoded", Unit.BYTES, "Median of its body after decompression.", 65
        ),
    ),
)

DUPLICATES = Shape(
    "duplicates",
    "Fetched more than once",
    "A URL that one pageview fetched over the network several times; most wasted bytes first.",
    (
        Column("url", "url", Unit.TEXT, "The whole URL.", 100),
        Column("times", "times", Unit.COUNT, "How often one pageview fetched it at most.", 90),
        Column("wasted_bytes", "wasted", Unit.BYTES, "Bytes of all fetches but the first.", 95),
        Column("page_views", "pages", Unit.COUNT, "Pageviews that did.", 60),
    ),
)

SHAPES = {Question.SIZE: (SIZES_BY_TYPE, SIZES_BY_DOMAIN, LARGEST, DUPLICATES)}


def size(study: Study) -> Answer:
    """Question 4: how large is what is loaded?"""
    requests = study.will_need(*SIZE_COLUMNS, "says_cached", "method").requests
    loaded = np.flatnonzero(requests.from_network)
    names, groups = requests.by_asset
    groups = groups[loaded]
    sizes = Samples(groups, len(names), requests.numbers(SIZE_COLUMNS[0])[loaded]).median
    there = counts(groups, len(names))
    kinds = firsts(groups, len(names), requests.kinds[loaded])
    order = sorted(
        np.flatnonzero(~np.isnan(sizes)).tolist(), key=lambda place: (-sizes[place], names[place])
    )
    shown = order[:MOST_ROWS]
    is_shown = np.zeros(len(names), dtype=np.bool_)
    is_shown[shown] = True
    of_shown = is_shown[groups]
    bodies = [
        Samples(groups[of_shown], len(names), requests.numbers(name)[loaded[of_shown]]).median
        for name in SIZE_COLUMNS[1:]
    ]
    largest: tuple[tuple[Value, ...], ...] = tuple(
        (
            *(names[place], KINDS[kinds[place]].value, int(there[place])),
            *(told(one[place]) for one in (sizes, *bodies)),
        )
        for place in shown
    )
    transfer = requests.numbers("transfer_size")
    unknown = int(np.isnan(transfer).sum())
    encoded, decoded = (requests.numbers(name) for name in SIZE_COLUMNS[1:])
    undecoded = int(((encoded > 0) & np.isnan(decoded)).sum())
    total = float(np.nansum(transfer))
    duplicates = _duplicates(requests, loaded)
    cause, headline = None, "Nothing was transferred whose size is known."
    if order:
        first = order[0]
        cause = Cause("asset", names[first], told(sizes[first]), Unit.BYTES)
        headline = size_headline(total, len(study.loads), largest[0], duplicates[:MOST_ROWS])
    domains, by_domain = requests.by_domain
    return Answer(
        question=Question.SIZE.value,
        asked=Question.SIZE.words,
        headline=headline,
        cause=cause,
        tables=(
            make_table(
                SIZES_BY_TYPE,
                _size_rows(requests, requests.kinds, [kind.value for kind in KINDS]),
            ),
            make_table(SIZES_BY_DOMAIN, _size_rows(requests, by_domain, domains), MOST_ROWS),
            Table(LARGEST, largest, len(order)),
            make_table(DUPLICATES, duplicates, MOST_ROWS),
        ),
        coverage=study.coverage,
        notes=unknown_sizes(unknown, undecoded),
        unknown={"size": unknown} if unknown else {},
    )


def _size_rows(
    requests: Requests, groups: Integers, names: Sequence[str]
) -> list[tuple[Value, ...]]:
    """A row for each group that has requests; most transferred bytes first."""
    here = counts(groups, len(names))
    figures = [sums(groups, len(names), requests.numbers(name)) for name in SIZE_COLUMNS]
    rows: list[tuple[Value, ...]] = [
        (
            *(names[place], int(here[place])),
            *(int(total[place]) if known[place] else None for total, known in figures),
            int(here[place] - figures[0][1][place]),
        )
        for place in np.flatnonzero(here).tolist()
    ]
    return sorted(rows, key=_by_bytes)


def _by_bytes(row: tuple[Value, ...]) -> tuple[float, str]:
    return -(row[2] if isinstance(row[2], (int, float)) else 0), str(row[0])


def _duplicates(requests: Requests, loaded: Integers) -> list[tuple[Value, ...]]:
    """What one pageview fetched over the network several times."""
    methods = requests.identifiers("method")[loaded]
    gets = (methods == 0) | requests.equals("method", "GET")[loaded]
    rows = loaded[gets & ~is_kind(requests.kinds[loaded], {ResourceType.BEACON})]
    if not len(rows):
        return []
    pages = int(requests.pages.max()) + 1
    keys, groups = dense(requests.urls[rows] * pages + requests.pages[rows])
    times = counts(groups, len(keys))
    transfer = np.nan_to_num(requests.numbers("transfer_size")[rows])
    total = np.bincount(groups, weights=transfer, minlength=len(keys))
    wasted = total - firsts(groups, len(keys), transfer.astype(np.int64))
    repeated = np.flatnonzero(times > 1)
    urls, again = dense(keys[repeated] // pages)
    most = np.zeros(len(urls), dtype=np.int64)
    np.maximum.at(most, again, times[repeated])
    figures = (
        most.tolist(),
        np.bincount(again, weights=wasted[repeated], minlength=len(urls)).astype(int).tolist(),
        counts(again, len(urls)).tolist(),
    )
    found: list[tuple[Value, ...]] = [
        (requests.url_texts[url], *one) for url, *one in zip(urls.tolist(), *figures, strict=True)
    ]
    return sorted(found, key=_by_bytes)
