"""Questions 3, 4 and 5: what third parties cost, how large things are, and whether they are
compressed."""

from __future__ import annotations

from collections.abc import Sequence
from math import nan

import numpy as np

from perftui.analysis.critical_path import (
    INITIATOR_FIELDS,
    Spans,
    chain_places,
    initiator_url,
    target_of,
)
from perftui.analysis.endpoints import is_third_party, registrable_domain, split_url
from perftui.analysis.groups import Samples, counts, dense, firsts, sums
from perftui.analysis.insights.answer import (
    Answer,
    Cause,
    Column,
    Note,
    NoteKind,
    Question,
    Shape,
    Table,
    Unit,
    Value,
    make_table,
)
from perftui.analysis.insights.loading import MOST_ROWS, opaque_note
from perftui.analysis.insights.sentences import (
    compression_headline,
    compression_notes,
    size_headline,
    third_party_headline,
    unknown_sizes,
)
from perftui.analysis.insights.study import (
    KINDS,
    SIZE_COLUMNS,
    Requests,
    Study,
    is_kind,
    told,
    told_ms,
)
from perftui.analysis.resource_type import ResourceType
from perftui.analysis.text import format_duration
from perftui.model import JSON
from perftui.request_columns import Flags, Floats, Integers

THIRD_PARTIES = Shape(
    "third_parties",
    "By registrable domain",
    "A third party; the one with most time on the way to the LCP first, then by total time.",
    (
        Column("domain", "domain", Unit.TEXT, "Registrable domain (Public Suffix List).", 100),
        Column("requests", "requests", Unit.COUNT, "How many.", 90),
        Column("transfer_bytes", "bytes", Unit.BYTES, "Sum of the sizes that are told.", 70),
        Column("unknown_sizes", "unknown", Unit.COUNT, "Requests whose size is withheld.", 40),
        Column(
            "busy_ms",
            "busy",
            Unit.MILLISECONDS,
            "Time with any of its requests in flight, a pageview.",
            80,
        ),
        Column(
            "blocking_ms",
            "blocking",
            Unit.MILLISECONDS,
            "The same of render-blocking ones; unknown where the source tells of none of its"
            " requests whether they are.",
            75,
        ),
        Column(
            "lcp_path_ms",
            "LCP path",
            Unit.MILLISECONDS,
            "Time on the chain of requests to the LCP, a page load whose LCP is known; unknown"
            " where it is in no such load.",
            95,
        ),
        Column(
            "long_task_ms",
            "long tasks",
            Unit.MILLISECONDS,
            "Long tasks that the browser attributes to it, in all; unknown where no long task"
            " is told of at all.",
            60,
        ),
        Column("page_views", "pages", Unit.COUNT, "Pageviews that it is in.", 50),
    ),
)

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

UNCOMPRESSED = Shape(
    "uncompressed",
    "Compressible and not compressed",
    "A URL whose body is sent as it is; the one that gzip would save most of first.",
    (
        Column("url", "url", Unit.TEXT, "What was loaded.", 100),
        Column("type", "type", Unit.TEXT, "Kind of request.", 50),
        Column("requests", "requests", Unit.COUNT, "How many transfers over the network.", 60),
        Column("body_bytes", "body", Unit.BYTES, "Median of its body.", 90),
        Column("gzip_saves_bytes", "gzip saves", Unit.BYTES, "Of one transfer, by gzip -6.", 95),
        Column(
            "brotli_saves_bytes", "brotli saves", Unit.BYTES, "Of one transfer, by brotli -5.", 85
        ),
        Column(
            "basis",
            "how known",
            Unit.TEXT,
            "measured: the body itself was compressed, by the proxy or from a HAR file;"
            " estimated: by its type.",
            88,
        ),
    ),
)

COMPRESSED = Shape(
    "compressed",
    "Compressed",
    "A URL whose body is sent compressed; the largest after decompression first.",
    (
        Column("url", "url", Unit.TEXT, "What was loaded.", 100),
        Column("type", "type", Unit.TEXT, "Kind of request.", 50),
        Column(
            "coding", "coding", Unit.TEXT, "The content coding, where the browser tells it.", 80
        ),
        Column("encoded_bytes", "encoded", Unit.BYTES, "Median of its body as sent.", 85),
        Column("decoded_bytes", "decoded", Unit.BYTES, "Median after decompression.", 90),
        Column("saved_share", "saved", Unit.SHARE, "What compression saves.", 95),
    ),
)

SHAPES = {
    Question.THIRD_PARTY: (THIRD_PARTIES,),
    Question.SIZE: (SIZES_BY_TYPE, SIZES_BY_DOMAIN, LARGEST, DUPLICATES),
    Question.COMPRESSION: (UNCOMPRESSED, COMPRESSED),
}

# --- third parties ------------------------------------------------------------------------------

_LCP_PATH = 6
"""Place of the time on the way to the LCP in a row of :data:`THIRD_PARTIES`."""


def third_party(study: Study) -> Answer:
    """Question 3: what do third parties cost?"""
    requests = study.will_need("transfer_size", "is_opaque", "render_blocking_status").requests
    others = requests.is_third_party
    names, domains = requests.by_domain
    rows = np.flatnonzero(others)
    groups = domains[rows]
    here = counts(groups, len(names))
    transferred, known = sums(groups, len(names), requests.numbers("transfer_size")[rows])
    pages = _pages_of(groups, requests.pages[rows], len(names))
    busy = _busy_us(requests, rows, groups, len(names))
    blocking_rows = np.flatnonzero(others & requests.is_blocking)
    blocking = _busy_us(requests, blocking_rows, domains[blocking_rows], len(names))
    tells_blocking = rows[requests.identifiers("render_blocking_status")[rows] != 0]
    tells_blocking_of = counts(domains[tells_blocking], len(names)) > 0
    path, loads, alone = _path_us(study, len(names))
    loads_of = _loads_with_lcp_of(study, rows, groups, len(names))
    tasks = _task_us(study)
    tells_tasks = bool(study.happenings("long-animation-frame", "longtask"))
    found: list[tuple[float, float, str, tuple[Value, ...]]] = []
    for place in np.flatnonzero(here).tolist():
        name, count = names[place], int(pages[place])
        on_path = path[place] / loads_of[place] if loads_of[place] else nan
        row: tuple[Value, ...] = (
            *(name, int(here[place]), int(transferred[place]) if known[place] else None),
            int(here[place] - known[place]),
            told_ms(busy[place] / count),
            told_ms(blocking[place] / count) if tells_blocking_of[place] else None,
            told_ms(on_path),
            told_ms(tasks.get(name, 0)) if tells_tasks else None,
            count,
        )
        found.append((0.0 if on_path != on_path else -on_path, -busy[place] / count, name, row))
    found.sort(key=lambda one: one[:3])
    rows_ = [row for *_, row in found]
    cause = None
    notes: list[Note] = []
    if found:
        first, on_path = found[0][2], rows_[0][_LCP_PATH]
        cause = Cause(
            "domain",
            first,
            on_path if isinstance(on_path, float) else None,
            Unit.MILLISECONDS,
        )
        if found[0][0]:
            notes += _without(study, first, alone[names.index(first)], loads)
    opaque = int((requests.is_opaque & others).sum())
    notes += opaque_note(opaque)
    return Answer(
        question=Question.THIRD_PARTY.value,
        asked=Question.THIRD_PARTY.words,
        headline=third_party_headline(rows_, len(rows), len(requests)),
        cause=cause,
        tables=(make_table(THIRD_PARTIES, rows_, MOST_ROWS),),
        coverage=study.coverage,
        notes=tuple(notes),
    )


def _without(study: Study, domain: str, on_path: dict[int, int], loads: int) -> list[Note]:
    """What the LCP might have been without a third party, and what that assumes."""
    lcp = study.lcp_us[study.loads] if study.loads else np.empty(0)
    lcp = lcp[~np.isnan(lcp)]
    if not len(lcp):
        return []
    without = [
        max(0.0, float(study.lcp_us[page]) - on_path.get(page, 0))
        for page in study.loads
        if study.lcp_us[page] == study.lcp_us[page]
    ]
    was, now = float(np.median(lcp)), float(np.median(without))
    affected = sum(1 for moved in on_path.values() if moved)
    return [
        Note(
            NoteKind.ASSUMPTION,
            f"Without {domain} the median LCP would have been about {format_duration(round(now))}"
            f" instead of {format_duration(round(was))} (it is on the way in {affected} of {loads}"
            " page loads), if what waited for it had begun as much earlier and nothing else had"
            " taken its place.",
        )
    ]


def _pages_of(groups: Integers, pages: Integers, count: int) -> Integers:
    """How many pageviews each group is in."""
    if not len(groups):
        return np.zeros(count, dtype=np.int64)
    pairs, _ = dense(groups * (int(pages.max()) + 1) + pages)
    return counts(pairs // (int(pages.max()) + 1), count)


def _loads_with_lcp_of(study: Study, rows: Integers, groups: Integers, count: int) -> Integers:
    """In how many page loads whose LCP is known each group of requests is."""
    known = np.zeros(len(study.page_views), dtype=np.bool_)
    known[study.loads] = ~np.isnan(study.lcp_us[study.loads])
    pages = study.requests.pages[rows]
    return _pages_of(groups[known[pages]], pages[known[pages]], count)


def _busy_us(requests: Requests, rows: Integers, groups: Integers, count: int) -> Floats:
    """Per group: time with any of its requests in flight, summed over the pageviews."""
    if not len(rows):
        return np.zeros(count)
    begins = requests.starts[rows]
    ends = begins + np.nan_to_num(requests.durations[rows])
    _, spans = dense(groups * (int(requests.pages.max()) + 1) + requests.pages[rows])
    order = np.lexsort((begins, spans))
    begins, ends, spans = begins[order], ends[order], spans[order]
    first = np.concatenate(([True], spans[1:] != spans[:-1]))
    zero = begins[np.maximum.accumulate(np.where(first, np.arange(len(first)), 0))]
    begins, ends = begins - zero, ends - zero
    # Each span's times lie above those of the one before, so that one running maximum serves all.
    above = spans * (float(ends.max()) + 1)
    reached = np.maximum.accumulate(ends + above)
    before = np.concatenate(([0.0], reached[:-1]))
    covered = np.maximum(0, ends + above - np.maximum(begins + above, before))
    return np.bincount(groups[order], weights=covered, minlength=count).astype(np.float64)


def _path_us(study: Study, count: int) -> tuple[Floats, int, list[dict[int, int]]]:
    """Per domain: µs that its requests were the link in flight of a chain to an LCP, in all; of how
    many loads; and the same by pageview."""
    requests = study.requests
    _, domains = requests.by_domain
    others = requests.is_third_party
    blocking = requests.is_blocking
    by_page: list[dict[int, int]] = [{} for _ in range(count)]
    third_pages = set(np.unique(requests.pages[others]).tolist())
    loads = 0
    for page in study.loads:
        lcp = study.loading_vitals[page].lcp
        if lcp is None:
            continue
        loads += 1
        if page not in third_pages:
            continue
        target = target_of(lcp)
        rows = study.rows_before_lcp(page)
        rows = rows[requests.starts[rows] <= target]
        if not bool(others[rows].any()):
            continue
        chain = chain_of(study, rows, target, lcp.url)
        if not chain:
            continue
        steps = [row for row, _ in chain]
        starts = requests.starts
        for place, row in enumerate(steps):
            if others[row]:
                end = min(float(np.nan_to_num(requests.ends[row], nan=target)), target)
                if place + 1 < len(steps):
                    end = min(end, float(starts[steps[place + 1]]))
                _add(by_page[domains[row]], page, max(0.0, end - float(starts[row])))
        # What blocks rendering holds up the LCP whether or not something was found by it.
        held = rows[others[rows] & blocking[rows] & (requests.ends[rows] <= target)]
        for row in held.tolist():
            if row not in steps:
                _add(by_page[domains[row]], page, float(requests.durations[row]))
    return np.array([float(sum(one.values())) for one in by_page]), loads, by_page


def _add(found: dict[int, int], page: int, us: float) -> None:
    found[page] = found.get(page, 0) + round(us)


def chain_of(
    study: Study, rows: Integers, target_us: int, lcp_url: str | None
) -> list[tuple[int, bool]]:
    """The chain to an LCP among the requests of a pageview that began before it: the places of its
    requests, and whether the source names each as the cause of the next."""
    requests = study.requests
    told = [requests.told(field) for field in INITIATOR_FIELDS]
    seqs = requests.seqs[rows].tolist()
    ends = requests.ends[rows].tolist()
    blocking = requests.is_blocking[rows].tolist()
    silent = (requests.identifiers("render_blocking_status")[rows] == 0).tolist()
    navigations = requests.is_navigation[rows].tolist()

    def initiator(place: int) -> str | None:
        for one in told:
            if (extra := one.get(seqs[place])) is not None:
                return initiator_url(extra)
        return None

    found = chain_places(
        Spans(
            starts=requests.starts[rows].astype(np.int64).tolist(),
            ends=[None if end != end else round(end) for end in ends],
            kinds=[KINDS[kind] for kind in requests.kinds[rows].tolist()],
            navigations=navigations,
            blocking=[
                None if unknown else "blocking" if blocks else "non-blocking"
                for unknown, blocks in zip(silent, blocking, strict=True)
            ],
            urls=[requests.url_texts[url] for url in requests.urls[rows].tolist()],
            initiator=initiator,
        ),
        target_us,
        lcp_url,
    )
    return [(int(rows[place]), is_told) for place, is_told in found]


def _task_us(study: Study) -> dict[str, float]:
    """Domain -> µs of long tasks that the browser attributes to it: of a long animation frame's
    scripts by their source, of a long task by the frame that it ran in."""
    found: dict[str, float] = {}
    for page, record in study.happenings("long-animation-frame", "longtask"):
        extra = record.entry.extra
        if record.entry.entry_type == "longtask":
            parts, name = extra.get("attribution"), "containerSrc"
        else:
            parts, name = extra.get("scripts"), "sourceURL"
        for part in parts if isinstance(parts, list) else []:
            if not isinstance(part, dict) or not isinstance(url := part.get(name), str):
                continue
            whole: JSON = (
                (record.entry.duration_us or 0) / 1000
                if name == "containerSrc"
                else part.get("duration")
            )
            if not isinstance(whole, (int, float)):
                continue
            if is_third_party(url, study.page_views[page].url, study.first_party):
                domain = registrable_domain(split_url(url).host)
                found[domain] = found.get(domain, 0) + round(whole * 1000)
    return found


# --- sizes --------------------------------------------------------------------------------------


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


def from_network(requests: Requests) -> Flags:
    """Those that came over the network as far as is known."""
    return np.not_equal(requests.cached, 1)


def size(study: Study) -> Answer:
    """Question 4: how large is what is loaded?"""
    requests = study.will_need(*SIZE_COLUMNS, "says_cached", "method").requests
    loaded = np.flatnonzero(from_network(requests))
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


# --- compression --------------------------------------------------------------------------------

SMALLEST_COMPRESSIBLE = 1_400
"""Bytes below which a body fits one packet and compressing it saves no round trip (Lighthouse,
``uses-text-compression``: 1.4 KiB)."""

GZIP_LEFT = {
    "script": 0.27,
    "stylesheet": 0.24,
    "document": 0.36,
    "json": 0.16,
    "svg": 0.36,
    "text": 0.35,
}
BROTLI_LEFT = {
    "script": 0.25,
    "stylesheet": 0.23,
    "document": 0.33,
    "json": 0.16,
    "svg": 0.34,
    "text": 0.33,
}
"""What gzip -6 and brotli -5 leave of a body, by type: medians over files of 2 to 500 kB of the
packages that this project installs (``python scripts/measure_compression.py``)."""

_COMPRESSIBLE = (
    ("javascript", "script"),
    ("ecmascript", "script"),
    ("wasm", "script"),
    ("css", "stylesheet"),
    ("html", "document"),
    ("json", "json"),
    ("svg", "svg"),
    ("xml", "text"),
    ("text/", "text"),
    ("font/ttf", "text"),
    ("font/otf", "text"),
)
_BY_KIND = {
    ResourceType.SCRIPT: "script",
    ResourceType.STYLESHEET: "stylesheet",
    ResourceType.DOCUMENT: "document",
    ResourceType.IFRAME: "document",
    ResourceType.FETCH: "json",
    ResourceType.XMLHTTPREQUEST: "json",
}


_ROWS = tuple(GZIP_LEFT)
_NOT_COMPRESSIBLE = len(_ROWS)


def _compressible_as(content_type: str) -> int:
    row = next((row for part, row in _COMPRESSIBLE if part in content_type), None)
    return _NOT_COMPRESSIBLE if row is None else _ROWS.index(row)


def compressible_rows(study: Study) -> Integers:
    """The row of :data:`GZIP_LEFT` that each request's body is of, as its place; one past the last
    where compressing it is of no use."""
    requests = study.requests
    kinds = np.array(
        [_ROWS.index(_BY_KIND[kind]) if kind in _BY_KIND else _NOT_COMPRESSIBLE for kind in KINDS]
    )
    rows = kinds[requests.kinds]
    svg = np.array([url.partition("?")[0].endswith(".svg") for url in requests.url_texts], np.bool_)
    if len(requests):
        rows = np.where(svg[requests.urls], _ROWS.index("svg"), rows)
    contents, places = dense(requests.identifiers("content_type"))
    texts = study.source.texts(contents.tolist())
    by_content = np.array([_compressible_as(texts.get(key, "")) for key in contents.tolist()])
    if len(requests):
        rows = np.where(requests.identifiers("content_type") != 0, by_content[places], rows)
    return rows


def compressed(requests: Requests) -> Floats:
    """Whether each body came compressed: 1, 0, or NaN where the browser does not tell."""
    encoded, decoded = (requests.numbers(name) for name in SIZE_COLUMNS[1:])
    by_size = np.where(np.isnan(encoded) | np.isnan(decoded), np.nan, (encoded < decoded) * 1.0)
    coded = requests.identifiers("content_encoding") != 0
    return np.where(coded, ~requests.equals("content_encoding", "identity", "none") * 1.0, by_size)


def compression(study: Study) -> Answer:
    """Question 5: is it compressed?"""
    requests = study.will_need(*SIZE_COLUMNS, "says_cached", "content_encoding").requests
    decoded = requests.numbers("decoded_body_size")
    kinds = compressible_rows(study)
    bodies = from_network(requests) & (kinds != _NOT_COMPRESSIBLE) & ~(decoded <= 0)
    is_compressed = compressed(requests)
    unknown = int((bodies & np.isnan(is_compressed)).sum())
    plain = np.flatnonzero(bodies & (is_compressed == 0) & (decoded >= SMALLEST_COMPRESSIBLE))
    rows = _plain_rows(requests, plain, kinds)
    packed_rows = _packed_rows(study, np.flatnonzero(bodies & (is_compressed == 1)))
    cause = None
    if rows:
        cause = Cause("asset", str(rows[0][0]), rows[0][4], Unit.BYTES)  # type: ignore[arg-type]
    return Answer(
        question=Question.COMPRESSION.value,
        asked=Question.COMPRESSION.words,
        headline=compression_headline(rows, len(packed_rows)),
        cause=cause,
        tables=(
            make_table(UNCOMPRESSED, rows, MOST_ROWS),
            make_table(COMPRESSED, packed_rows, MOST_ROWS),
        ),
        coverage=study.coverage,
        notes=compression_notes(rows, unknown),
        unknown={"compression": unknown} if unknown else {},
    )


def _plain_rows(requests: Requests, plain: Integers, kinds: Integers) -> list[tuple[Value, ...]]:
    names, groups = requests.by_asset
    groups = groups[plain]
    body = Samples(groups, len(names), requests.numbers("decoded_body_size")[plain]).median
    there = counts(groups, len(names))
    types = firsts(groups, len(names), requests.kinds[plain])
    of_type = firsts(groups, len(names), kinds[plain])
    left = [
        Samples(groups, len(names), requests.detail(key, _number)[plain]).median
        for key in ("gzipSize", "brotliSize")
    ]
    rows: list[tuple[Value, ...]] = []
    for place in np.flatnonzero(there).tolist():
        row, whole = _ROWS[of_type[place]], float(body[place])
        is_measured = left[0][place] == left[0][place]
        rows.append(
            (
                *(names[place], KINDS[types[place]].value, int(there[place]), whole),
                *(
                    max(0, round(whole - float(one[place])))
                    if one[place] == one[place]
                    else round(whole * (1 - ratios[row]))
                    for one, ratios in zip(left, (GZIP_LEFT, BROTLI_LEFT), strict=True)
                ),
                "measured" if is_measured else "estimated",
            )
        )
    return sorted(rows, key=lambda row: (-(row[4] if isinstance(row[4], int) else 0), str(row[0])))


def _packed_rows(study: Study, packed: Integers) -> list[tuple[Value, ...]]:
    requests = study.requests
    names, groups = requests.by_asset
    groups = groups[packed]
    encoded, decoded = (
        Samples(groups, len(names), requests.numbers(name)[packed]).median
        for name in SIZE_COLUMNS[1:]
    )
    there = counts(groups, len(names))
    types = firsts(groups, len(names), requests.kinds[packed])
    codings = requests.identifiers("content_encoding")[packed]
    coded = firsts(groups[codings != 0], len(names), codings[codings != 0])
    texts = study.source.texts(np.unique(coded).tolist())
    rows: list[tuple[Value, ...]] = [
        (
            *(names[place], KINDS[types[place]].value, texts.get(int(coded[place]))),
            *(told(one[place]) for one in (encoded, decoded)),
            None
            if not decoded[place] > 0
            else told(round(float(1 - encoded[place] / decoded[place]), 4)),
        )
        for place in np.flatnonzero(there).tolist()
    ]
    return sorted(
        rows, key=lambda row: (-(row[4] if isinstance(row[4], (int, float)) else 0), str(row[0]))
    )


def _number(value: JSON) -> float | None:
    return float(value) if isinstance(value, (int, float)) and value >= 0 else None
