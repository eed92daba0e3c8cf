"""What answers say first, made of the rows of their tables: the same words wherever the figures were
computed."""

from __future__ import annotations

from collections.abc import Sequence

from perftui.analysis.endpoints import split_url
from perftui.analysis.insights.answer import Note, NoteKind, Table, Value
from perftui.analysis.statistics import FEWEST_SAMPLES, Difference
from perftui.analysis.text import counted, format_bytes, format_duration

Row = Sequence[Value]


def shown(name: str) -> str:
    """A URL as a sentence shows it: without its scheme; a ``data:`` URL as its media type."""
    parts = split_url(name)
    if not parts.host:
        return f"data:{parts.path.partition(',')[0][:60]}" if parts.scheme == "data" else name
    return f"{parts.authority}{parts.path}" if parts.scheme in {"http", "https"} else name


def _number(value: Value) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0


def _duration(ms: Value) -> str:
    return format_duration(None if ms is None else round(_number(ms) * 1000))


_PHASES = (
    "waiting for its turn",
    "looking up the name",
    "connecting",
    "in the TLS handshake",
    "waiting for the server",
    "downloading",
)
"""What the phases of a table of assets are in a sentence, in their order."""


def assets_headline(p75_ms: Value, row: Row, phases: Row) -> str:
    """
    Args:
        p75_ms: of all assets.
        row: the first one by URL: URL, type, requests, p50, p75, ….
        phases: the means of its phases, ms.
    """
    known = [(_number(ms), words) for ms, words in zip(phases, _PHASES, strict=True)]
    longest, words = max(known, key=lambda one: one[0])
    total = sum(ms for ms, _ in known)
    mostly = f", {longest / total:.0%} of it {words}" if total and longest >= 0.4 * total else ""
    return (
        f"Three of four assets load within {_duration(p75_ms)}; the slowest is"
        f" {shown(str(row[0]))}, with {_duration(row[4])}{mostly}."
    )


def api_headline(p75_ms: Value, row: Row, errors: int, calls: int) -> str:
    """
    Args:
        p75_ms: of all calls.
        row: the first endpoint: endpoint, calls, p50, p75, p95, max, server, waiting, ….
        errors: of all ``calls``.
    """
    p50, server, waiting = _number(row[2]), _number(row[6]), _number(row[7])
    where = ""
    if server and server >= 0.5 * p50:
        where = f" ({_duration(server)} of it in the server)"
    elif waiting and waiting >= 0.5 * p50:
        where = " (most of it waiting for the first byte)"
    return (
        f"Three of four API calls are answered within {_duration(p75_ms)}; the slowest endpoint is"
        f" {row[0]}, with {_duration(row[3])}{where}"
        + (f"; {errors} of {calls} calls failed." if errors else ".")
    )


def third_party_headline(rows: Sequence[Row], requests: int, everything: int) -> str:
    """
    Args:
        rows: domain, requests, bytes, unknown, busy, blocking, LCP path, ….
        requests: to third parties, of all ``everything``.
    """
    if not rows:
        return "No third party was asked for anything."
    first = rows[0]
    part = requests / everything if everything else 0.0
    parties = "party" if len(rows) == 1 else "parties"
    headline = f"{part:.0%} of the requests go to {len(rows)} third {parties}"
    if _number(first[6]):
        return f"{headline}; {first[0]} lies {_duration(first[6])} on the way to the LCP."
    if all(row[6] is None for row in rows):
        headline += "; the LCP is not known, nor what lies on the way to it."
    elif any(row[6] is None for row in rows):
        headline += "; where the LCP is known, none lies on the way to it."
    else:
        headline += "; none lies on the way to the LCP."
    return (
        f"{headline} The busiest is {first[0]}, with requests in flight for"
        f" {_duration(first[4])} of a pageview."
    )


def size_headline(total: float, page_loads: int, row: Row, duplicates: Sequence[Row]) -> str:
    """
    Args:
        total: bytes of all that tell.
        row: the largest: URL, type, requests, transferred, ….
        duplicates: URL, times, wasted, ….
    """
    headline = (
        f"{_bytes(total)} in all, {_bytes(total / max(1, page_loads))} for"
        f" each page load; the largest is {shown(str(row[0]))}, with"
        f" {_bytes(_number(row[3]))}."
    )
    wasted = sum(_number(one[2]) for one in duplicates)
    if wasted and wasted >= 0.01 * total:
        headline += f" {_bytes(wasted)} are the same URL fetched again by one pageview."
    return headline


def _bytes(count: float) -> str:
    """A size in a sentence, where a bare number says nothing."""
    whole = round(count)
    return f"{format_bytes(whole)} bytes" if abs(whole) < 1000 else format_bytes(whole)


def unknown_sizes(count: int, undecoded: int) -> tuple[Note, ...]:
    """How many requests are in no sum.

    Args:
        count: those that tell no size at all.
        undecoded: those that tell their body as sent, and not after decompression.
    """
    notes = _without_size(count)
    if undecoded:
        notes += (
            Note(
                NoteKind.UNKNOWN,
                f"{undecoded} {'body is' if undecoded == 1 else 'bodies are'} told only as sent:"
                " they are not in the sums of decoded bytes, which can be the smaller ones for it.",
            ),
        )
    return notes


def _without_size(count: int) -> tuple[Note, ...]:
    if not count:
        return ()
    return (
        Note(
            NoteKind.UNKNOWN,
            f"{count} {'request does' if count == 1 else 'requests do'} not tell the size (another"
            " origin without Timing-Allow-Origin, or no answer): in no sum.",
        ),
    )


def compression_headline(rows: Sequence[Row], compressed: int) -> str:
    """
    Args:
        rows: what is not compressed: URL, type, requests, body, gzip saves, brotli saves, basis.
        compressed: how many URLs are.
    """
    if rows:
        first, one = rows[0], len(rows) == 1
        about = "" if first[6] == "measured" else "about "
        return (
            f"{len(rows)} compressible {'URL is' if one else 'URLs are'} sent as"
            f" {'it is' if one else 'they are'}; the first is {shown(str(first[0]))}"
            f" ({_bytes(_number(first[3]))}), of which gzip would save"
            f" {about}{_bytes(_number(first[4]))}."
        )
    if compressed:
        return (
            f"All compressible bodies of {counted(compressed, 'URL')} whose"
            " size is known are compressed."
        )
    return "Nothing was loaded that could be compressed and tells its size."


def compression_notes(rows: Sequence[Row], unknown: int) -> tuple[Note, ...]:
    """What the savings rest on, and how many bodies are in neither table."""
    notes: list[Note] = []
    if any(row[6] == "estimated" for row in rows):
        notes.append(
            Note(
                NoteKind.ASSUMPTION,
                "Estimated savings are what gzip and brotli leave of files of that type in general;"
                " `perftui proxy` measures them on the bodies themselves.",
            )
        )
    if unknown:
        notes.append(
            Note(
                NoteKind.UNKNOWN,
                f"{counted(unknown, 'compressible body', 'compressible bodies')} of other origins or"
                " without an answer do not tell their size: counted neither as compressed nor as"
                " not.",
            )
        )
    return tuple(notes)


def events_headline(rows: Sequence[Row]) -> str:
    """
    Args:
        rows: event, times, pageviews, LCP with, without, API with, without, ….
    """
    if not rows:
        return "No analytics events were captured; perftui.capture(name) sends them."
    first = rows[0]
    headline = f"{counted(len(rows), 'kind')} of events"
    if first[5] is None or first[6] is None:
        return f"{headline}; none is on pageviews both with and without API calls."
    moved = _number(first[5]) - _number(first[6])
    return (
        f"{headline}; on pageviews with {first[0]} the median API call is"
        f" {_duration(abs(moved))} {'slower' if moved > 0 else 'faster'} than on the others"
        f" ({_duration(first[5])} against {_duration(first[6])})."
    )


_CHANGE, _VERDICT = 4, 8
"""Places in a row of a table of speeds: what, kind, before, after, change, from, to, p, real, …."""


def change_headline(change: Difference | None, name: str | None, speed: Table) -> str:
    """
    Args:
        change, name: the change that matters most, where one is more than chance.
    """
    if change is not None and name is not None and change.change is not None:
        way = "slower" if change.change > 0 else "faster"
        others = sum(row[_VERDICT] is True for row in speed.rows) - 1
        return (
            f"{shown(name)} became {format_duration(round(abs(change.change)))} {way}"
            f" (from {format_duration(round(change.before or 0))} to"
            f" {format_duration(round(change.after or 0))}): the largest change that is more than"
            " chance"
            + (
                f", beside {others} more."
                if others
                else "; nothing else changed by more than that."
            )
        )
    if not speed.rows:
        return "Nothing is on both sides."
    if any(row[_VERDICT] is not None for row in speed.rows):
        return "Nothing changed by more than chance."
    words = ""
    if by := _number(speed.rows[0][_CHANGE]):
        words = (
            f" The largest difference is {shown(str(speed.rows[0][0]))}: {_duration(abs(by))}"
            f" {'slower' if by > 0 else 'faster'}."
        )
    return f"There are too few values for a verdict; the medians alone can be compared.{words}"


def change_notes(speed: Table, before: str, after: str) -> tuple[Note, ...]:
    """Which sides are compared, and how many rows have no verdict."""
    notes = [Note(NoteKind.ASSUMPTION, f"Compared: {before} with {after}.")]
    few = sum(row[_VERDICT] is None for row in speed.rows)
    if few:
        notes.append(
            Note(
                NoteKind.CAVEAT,
                f"{few} of {len(speed.rows)} rows have too few values for a verdict (fewer than"
                f" {FEWEST_SAMPLES} on a side): medians only.",
            )
        )
    return tuple(notes)
