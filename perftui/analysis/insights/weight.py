"""Questions 3, 4 and 5: what third parties cost, how large things are, and whether they are
compressed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from perftui.analysis.critical_path import critical_chain
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
from perftui.analysis.insights.study import (
    PageKey,
    Study,
    domain_of,
    grouped,
    kind_of,
    known_sum,
    page_key,
    plain_url,
    share,
    sum_or_none,
)
from perftui.analysis.phases import is_cached, request_duration_us, request_end_us
from perftui.analysis.resource_type import ResourceType
from perftui.analysis.statistics import Sample
from perftui.analysis.text import format_bytes, format_duration
from perftui.model import JSON, Record

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
            "blocking_ms", "blocking", Unit.MILLISECONDS, "The same of render-blocking ones.", 75
        ),
        Column(
            "lcp_path_ms",
            "LCP path",
            Unit.MILLISECONDS,
            "Time on the chain of requests to the LCP, a pageview.",
            95,
        ),
        Column(
            "long_task_ms",
            "long tasks",
            Unit.MILLISECONDS,
            "Long tasks that the browser attributes to it, in all.",
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
        Column("gzip_saves_bytes", "gzip saves", Unit.BYTES, "Estimated, of one transfer.", 95),
        Column("brotli_saves_bytes", "brotli saves", Unit.BYTES, "Estimated, of one transfer.", 85),
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


def third_party(study: Study) -> Answer:
    """Question 3: do third parties slow me down?"""
    others = [record for record in study.requests if study.is_third_party(record)]
    domains = grouped(others, domain_of)
    path = _path_us(study)
    tasks = _task_us(study)
    rows: list[tuple[Value, ...]] = []
    ranked: list[tuple[float, float, str]] = []
    for domain, group in domains.items():
        pages = grouped(group, page_key)
        busy = sum(_union_us(records) for records in pages.values()) / len(pages)
        blocking = sum(
            _union_us([one for one in records if one.entry.render_blocking_status == "blocking"])
            for records in pages.values()
        ) / len(pages)
        on_path = path.get(domain, 0) / len(pages)
        transferred, unknown = sum_or_none(record.entry.transfer_size for record in group)
        ranked.append((-on_path, -busy, domain))
        rows.append(
            (
                *(domain, len(group), transferred, unknown),
                *(round(value / 1000, 3) for value in (busy, blocking, on_path)),
                round(tasks.get(domain, 0) / 1000, 3),
                len(pages),
            )
        )
    order = [name for _, _, name in sorted(ranked)]
    rows.sort(key=lambda row: order.index(str(row[0])))
    cause, headline = None, "No third party was asked for anything."
    notes: list[Note] = []
    if order:
        first = order[0]
        on_path = -min(ranked)[0]
        cause = Cause("domain", first, round(on_path / 1000, 3), Unit.MILLISECONDS)
        part = share(len(others), len(study.requests)) or 0
        headline = f"{part:.0%} of the requests go to {len(order)} third {_parties(len(order))}"
        if on_path:
            lcp = _median_lcp_us(study)
            headline += f"; {first} lies {format_duration(round(on_path))} on the way to the LCP."
            if lcp is not None:
                notes.append(
                    Note(
                        NoteKind.ASSUMPTION,
                        f"Without {first} the median LCP of {format_duration(lcp)} would come up to"
                        f" {format_duration(round(min(on_path, lcp)))} earlier, if what waited for it"
                        " had begun as much earlier and nothing else had taken its place.",
                    )
                )
        else:
            headline += f"; none lies on the way to the LCP, the busiest is {first}."
    notes += opaque_note(sum(record.entry.is_timing_opaque for record in others))
    return Answer(
        question=Question.THIRD_PARTY.value,
        asked=Question.THIRD_PARTY.words,
        headline=headline,
        cause=cause,
        tables=(make_table(THIRD_PARTIES, rows),),
        coverage=study.coverage,
        notes=tuple(notes),
    )


def _median_lcp_us(study: Study) -> int | None:
    known = [lcp for key in study.loads() if (lcp := study.lcp_us(key)) is not None]
    median = Sample(known).percentile(0.5)
    return None if median is None else round(median)


def _path_us(study: Study) -> dict[str, int]:
    """Domain -> µs that its requests were the link in flight of a chain to an LCP, in all."""
    found: dict[str, int] = {}
    for key in study.loads():
        chain = critical_chain(study.by_page[key], study.vitals(key).lcp)
        if chain is None:
            continue
        steps = [step.record for step in chain.steps]
        for place, record in enumerate(steps):
            if not study.is_third_party(record):
                continue
            end = min(request_end_us(record.entry) or chain.target_us, chain.target_us)
            if place + 1 < len(steps):
                end = min(end, steps[place + 1].entry.start_us)
            domain = domain_of(record)
            found[domain] = found.get(domain, 0) + max(0, end - record.entry.start_us)
        # What blocks rendering holds up the LCP whether or not something was found by it.
        on_chain = {record.seq for record in steps}
        for record in study.by_page[key]:
            entry = record.entry
            end_us = request_end_us(entry) if entry.is_request else None
            if (
                end_us is not None
                and record.seq not in on_chain
                and entry.render_blocking_status == "blocking"
                and end_us <= chain.target_us
                and study.is_third_party(record)
            ):
                domain = domain_of(record)
                found[domain] = found.get(domain, 0) + end_us - entry.start_us
    return found


def _task_us(study: Study) -> dict[str, int]:
    """Domain -> µs of long animation frames' scripts that came from it."""
    from perftui.analysis.endpoints import is_third_party, registrable_domain, split_url

    found: dict[str, int] = {}
    for record in study.happenings:
        if record.entry.entry_type != "long-animation-frame":
            continue
        scripts: JSON = record.entry.extra.get("scripts")
        for script in scripts if isinstance(scripts, list) else []:
            if not isinstance(script, dict):
                continue
            url, duration = script.get("sourceURL"), script.get("duration")
            if not isinstance(url, str) or not isinstance(duration, (int, float)):
                continue
            if is_third_party(url, study.page_url(record), study.first_party):
                domain = registrable_domain(split_url(url).host)
                found[domain] = found.get(domain, 0) + round(duration * 1000)
    return found


def _union_us(records: Iterable[Record]) -> int:
    """Time in which any of them was in flight."""
    spans = sorted(
        (record.entry.start_us, record.entry.start_us + (request_duration_us(record.entry) or 0))
        for record in records
    )
    total, reached = 0, None
    for start, end in spans:
        if reached is None or start > reached:
            total += end - start
            reached = end
        elif end > reached:
            total += end - reached
            reached = end
    return total


# --- sizes --------------------------------------------------------------------------------------


def _size_row(name: str, group: Sequence[Record]) -> tuple[Value, ...]:
    transferred, unknown = sum_or_none(record.entry.transfer_size for record in group)
    encoded, _ = sum_or_none(record.entry.encoded_body_size for record in group)
    decoded, _ = sum_or_none(record.entry.decoded_body_size for record in group)
    return name, len(group), transferred, encoded, decoded, unknown


def _by_bytes(groups: dict[str, list[Record]]) -> list[tuple[Value, ...]]:
    rows = [_size_row(name, group) for name, group in groups.items()]
    return sorted(rows, key=lambda row: (-(row[2] if isinstance(row[2], int) else 0), str(row[0])))


def _median(values: Iterable[int | None]) -> float | None:
    return Sample([value for value in values if value is not None]).percentile(0.5)


def from_network(records: Iterable[Record]) -> list[Record]:
    """Those that came over the network as far as is known."""
    return [record for record in records if not is_cached(record.entry)]


def size(study: Study) -> Answer:
    """Question 4: how large are my assets?"""
    loaded = from_network(study.requests)
    urls = grouped(loaded, plain_url)
    sizes = {url: _median(one.entry.transfer_size for one in group) for url, group in urls.items()}
    order = sorted(
        (url for url, told in sizes.items() if told is not None),
        key=lambda url: (-(sizes[url] or 0), url),
    )
    largest = tuple(
        (
            url,
            kind_of(urls[url][0]).value,
            len(urls[url]),
            sizes[url],
            _median(one.entry.encoded_body_size for one in urls[url]),
            _median(one.entry.decoded_body_size for one in urls[url]),
        )
        for url in order[:MOST_ROWS]
    )
    total, unknown = known_sum(record.entry.transfer_size for record in study.requests)
    cause, headline = None, "Nothing was transferred whose size is known."
    if order:
        cause = Cause("asset", order[0], sizes[order[0]], Unit.BYTES)
        pages = max(1, len(study.loads()))
        headline = (
            f"{format_bytes(total)} in all, {format_bytes(round(total / pages))} for each page load;"
            f" the largest is {order[0]}, with {format_bytes(round(sizes[order[0]] or 0))}."
        )
    return Answer(
        question=Question.SIZE.value,
        asked=Question.SIZE.words,
        headline=headline,
        cause=cause,
        tables=(
            make_table(
                SIZES_BY_TYPE, _by_bytes(grouped(study.requests, lambda one: kind_of(one).value))
            ),
            make_table(SIZES_BY_DOMAIN, _by_bytes(grouped(study.requests, domain_of)), MOST_ROWS),
            Table(LARGEST, largest, len(order)),
            make_table(DUPLICATES, _duplicates(loaded), MOST_ROWS),
        ),
        coverage=study.coverage,
        notes=_unknown_sizes(unknown),
        unknown={"size": unknown} if unknown else {},
    )


def _unknown_sizes(count: int) -> tuple[Note, ...]:
    if not count:
        return ()
    return (
        Note(
            NoteKind.UNKNOWN,
            f"{count} requests do not tell their size (other origins without Timing-Allow-Origin):"
            " they are in no sum.",
        ),
    )


def _duplicates(loaded: Iterable[Record]) -> list[tuple[Value, ...]]:
    found: dict[str, dict[PageKey, list[Record]]] = {}
    for record in loaded:
        if record.entry.method in {None, "GET"} and kind_of(record) is not ResourceType.BEACON:
            pages = found.setdefault(record.entry.name, {})
            pages.setdefault(page_key(record), []).append(record)
    rows: list[tuple[Value, ...]] = []
    for url, pages in found.items():
        repeated = [records for records in pages.values() if len(records) > 1]
        if repeated:
            wasted = sum(
                record.entry.transfer_size or 0 for records in repeated for record in records[1:]
            )
            rows.append((url, max(map(len, repeated)), wasted, len(repeated)))
    return sorted(rows, key=lambda row: (-(row[2] if isinstance(row[2], int) else 0), str(row[0])))


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


def compressible_as(record: Record) -> str | None:
    """The row of :data:`GZIP_LEFT` that a body is of; None where compressing it is of no use."""
    content_type = record.entry.content_type
    if content_type:
        return next((row for part, row in _COMPRESSIBLE if part in content_type), None)
    if record.entry.name.partition("?")[0].endswith(".svg"):
        return "svg"
    return _BY_KIND.get(kind_of(record))


def is_compressed(record: Record) -> bool | None:
    """Whether a body came compressed; None where the browser does not tell."""
    entry = record.entry
    if entry.content_encoding:
        return entry.content_encoding.lower() not in {"identity", "none"}
    if entry.encoded_body_size is None or entry.decoded_body_size is None:
        return None
    return entry.encoded_body_size < entry.decoded_body_size


def compression(study: Study) -> Answer:
    """Question 5: are assets and responses compressed?"""
    bodies = [
        record
        for record in from_network(study.requests)
        if compressible_as(record) is not None
        and (record.entry.decoded_body_size is None or record.entry.decoded_body_size > 0)
    ]
    unknown = [record for record in bodies if is_compressed(record) is None]
    plain = [
        record
        for record in bodies
        if is_compressed(record) is False
        and (record.entry.decoded_body_size or 0) >= SMALLEST_COMPRESSIBLE
    ]
    packed = [record for record in bodies if is_compressed(record)]
    rows: list[tuple[Value, ...]] = []
    for url, group in grouped(plain, plain_url).items():
        body = _median(record.entry.decoded_body_size for record in group) or 0
        row = compressible_as(group[0]) or "text"
        rows.append(
            (
                *(url, kind_of(group[0]).value, len(group), body),
                *(round(body * (1 - left[row])) for left in (GZIP_LEFT, BROTLI_LEFT)),
            )
        )
    rows.sort(key=lambda row: (-(row[4] if isinstance(row[4], int) else 0), str(row[0])))
    packed_rows: list[tuple[Value, ...]] = []
    for url, group in grouped(packed, plain_url).items():
        encoded = _median(record.entry.encoded_body_size for record in group)
        decoded = _median(record.entry.decoded_body_size for record in group)
        saved = None if encoded is None or not decoded else round(1 - encoded / decoded, 4)
        coding = next(
            (one.entry.content_encoding for one in group if one.entry.content_encoding), None
        )
        packed_rows.append((url, kind_of(group[0]).value, coding, encoded, decoded, saved))
    packed_rows.sort(
        key=lambda row: (-(row[4] if isinstance(row[4], (int, float)) else 0), str(row[0]))
    )
    cause, headline = None, "Nothing was loaded that could be compressed and tells its size."
    if rows:
        first = rows[0]
        saves = first[4] if isinstance(first[4], int) else 0
        cause = Cause("asset", str(first[0]), saves, Unit.BYTES)
        headline = (
            f"{len(rows)} compressible {'URL is' if len(rows) == 1 else 'URLs are'} sent as"
            f" {'it is' if len(rows) == 1 else 'they are'}; the first is {first[0]}, of which gzip"
            f" would save about {format_bytes(saves)}."
        )
    elif packed:
        headline = f"All {len(packed)} compressible bodies whose size is known are compressed."
    notes = [
        Note(
            NoteKind.ASSUMPTION,
            "Savings are estimated by type, from what gzip and brotli leave of such files in general;"
            " the bodies themselves are not stored.",
        )
    ]
    if unknown:
        notes.append(
            Note(
                NoteKind.UNKNOWN,
                f"{len(unknown)} compressible bodies of other origins do not tell their size: they are"
                " counted neither as compressed nor as not.",
            )
        )
    return Answer(
        question=Question.COMPRESSION.value,
        asked=Question.COMPRESSION.words,
        headline=headline,
        cause=cause,
        tables=(
            make_table(UNCOMPRESSED, rows, MOST_ROWS),
            make_table(COMPRESSED, packed_rows, MOST_ROWS),
        ),
        coverage=study.coverage,
        notes=tuple(notes),
        unknown={"compression": len(unknown)} if unknown else {},
    )


def _parties(count: int) -> str:
    return "party" if count == 1 else "parties"
