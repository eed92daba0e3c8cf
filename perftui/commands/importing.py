"""``perftui import``: files into the store."""

from __future__ import annotations

import gzip
import io
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import click
import msgspec

from perftui.analysis.text import counted, sanitise
from perftui.capture.batch import decode_lines
from perftui.capture.har import SOURCE, read_har
from perftui.capture.har_archive import Unpacked, read_zip
from perftui.capture.har_bodies import Attached
from perftui.capture.intake import Intake
from perftui.capture.mitmproxy_flows import read_flows
from perftui.capture.posthog import looks_like_posthog, read_posthog
from perftui.capture.redact import Redactor
from perftui.commands.context import Context, pass_context
from perftui.config import Settings
from perftui.errors import ImportFileError, IntakeError
from perftui.model import Batch
from perftui.store.writer import StoreWriter

BATCHES_AT_ONCE = 200
"""Batches of one transaction, at most."""

ENTRIES_AT_ONCE = 5000
"""Entries of one transaction after which it ends: they are held in memory until then."""

MAX_LINE_BYTES = 64 * 1024 * 1024
"""Longest line of a ``.jsonl`` file; a longer one is no batch."""

Fault = Callable[[str], None]
"""Told of each thing that could not be imported: where it is, and why."""

FileReader = Callable[[BinaryIO, Settings, int, Fault], Iterator[Batch]]
"""Stream, settings, moment of receipt (µs since the epoch) and where to report faults -> batches,
not yet redacted."""


def read_lines(
    stream: BinaryIO, settings: Settings, received_us: int, fault: Fault
) -> Iterator[Batch]:
    """Batches of a ``.jsonl`` file, one a line."""
    lines = iter(lambda: stream.readline(MAX_LINE_BYTES), b"")
    for number, decoded in decode_lines(lines, received_us=received_us, settings=settings.server):
        if isinstance(decoded, IntakeError):
            fault(f"line {number}: {decoded}")
            continue
        for rejection in decoded.rejected:
            fault(f"line {number}, entry {rejection.index}: {rejection.reason}")
        batch = decoded.batch
        yield batch if batch.source != "sdk" else msgspec.structs.replace(batch, source="import")


def readers(body_characters: int = 0) -> dict[str, FileReader]:
    """Suffix (without ``.gz``) -> what reads such a file.

    Args:
        body_characters: how much of each textual body is kept, where the file has bodies.
    """
    of_har = partial(read_har, body_characters=body_characters)

    def of_har_with_bodies(
        stream: BinaryIO, settings: Settings, received_us: int, fault: Fault, attached: Attached
    ) -> Iterator[Batch]:
        """A HAR file of an archive."""
        return of_har(stream, settings, received_us, fault, attached=attached)

    of_flows = partial(read_flows, body_characters=body_characters)

    def of_json(
        stream: BinaryIO, settings: Settings, received_us: int, fault: Fault
    ) -> Iterator[Batch]:
        """An export of PostHog where it begins like one, else HAR."""
        reader = read_posthog if looks_like_posthog(_head(stream)) else of_har
        return reader(stream, settings, received_us, fault)

    members: dict[str, FileReader] = {
        ".jsonl": read_lines,
        ".ndjson": read_lines,
        ".json": of_json,
    }
    return {
        **members,
        ".har": of_har,
        ".zip": read_zip(members, of_har_with_bodies),
        ".flows": of_flows,
        ".flow": of_flows,
        ".mitm": of_flows,
        ".posthog": read_posthog,
    }


SUFFIXES = tuple(readers())
"""What can be imported, by the end of its name."""

_HAR_BEGINNING = re.compile(rb'\s*\{\s*"log"\s*:')
_FLOW_BEGINNING = re.compile(rb"\d+:")


def kind_of(head: bytes) -> str:
    """The suffix of a file of no name that begins so."""
    if head.startswith(b"PK\x03\x04"):
        return ".zip"
    if _FLOW_BEGINNING.match(head):
        return ".flows"
    head = head.removeprefix(b"\xef\xbb\xbf")
    if _HAR_BEGINNING.match(head):
        return ".har"
    return ".posthog" if looks_like_posthog(head) else ".jsonl"


def _head(stream: BinaryIO) -> bytes:
    """The first bytes of a stream, which stay in it."""
    assert isinstance(stream, io.BufferedReader)
    return stream.peek(4096)


@click.command("import")
@click.argument(
    "files",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    metavar="FILE…",
)
@click.option(
    "--as",
    "kind",
    type=click.Choice(sorted(suffix[1:] for suffix in SUFFIXES)),
    help="What kind of file it is [default: by its name; stdin by how it begins].",
)
@click.option(
    "--bodies",
    type=click.IntRange(0, 100_000),
    default=0,
    metavar="CHARACTERS",
    help="Keep so many characters of each textual body of HAR and flow files, redacted."
    "  [default: none]",
)
@pass_context
def import_(context: Context, files: tuple[Path, ...], kind: str | None, bodies: int) -> None:
    """Import FILEs (- is stdin) into the store: HAR 1.2 (.har), batches, one a line
    (.jsonl), mitmproxy's flows (.flows), exports of PostHog (.json); also compressed
    (.gz) or in an archive (.zip).

    A file imported twice adds nothing. What cannot be read is named with its place, and the rest
    is imported.
    """
    faults = 0

    def fault(message: str) -> None:
        nonlocal faults
        faults += 1
        click.echo(f"perftui: {sanitise(message)}", err=True)

    by_suffix = readers(bodies)
    total = 0
    sessions: dict[str, None] = {}
    known: set[tuple[str, str]] = set()
    with context.open_writer() as writer:
        for file in files:
            suffix = f".{kind}" if kind else suffix_of(file)
            with _opened(file) as (stream, length):
                reader = by_suffix[suffix or kind_of(_head(stream))]
                total += _import_file(
                    context,
                    writer,
                    reader(stream, context.settings, context.clock.now_us(), _named(file, fault)),
                    sessions,
                    known,
                    label=sanitise(file.name) if str(file) != "-" else "stdin",
                    stream=stream,
                    length=length,
                )
    said = ", ".join(map(sanitise, list(sessions)[:3])) + (", …" if len(sessions) > 3 else "")
    click.echo(
        f"{counted(total, 'entry', 'entries')} imported into {counted(len(sessions), 'session')}"
        f"{f': {said}' if said else ''}"
    )
    if known:
        click.echo(
            f"pageviews that the store has from elsewhere, left as they are there: {len(known)}"
        )
    if faults:
        raise ImportFileError(
            f"{faults} things could not be imported (named above); the rest is in {context.store_path}"
        )


def suffix_of(file: Path) -> str:
    """The suffix that says what a file is; empty for stdin, which has no name.

    Raises:
        ImportFileError: it is none that can be read.
    """
    if str(file) == "-":
        return ""
    suffixes = [suffix.lower() for suffix in file.suffixes]
    if suffixes and suffixes[-1] == ".gz":
        suffixes.pop()
    if not suffixes or suffixes[-1] not in SUFFIXES:
        raise ImportFileError(
            f"{file}: only {', '.join(SUFFIXES)} (also .gz) can be imported; --as says what it is"
        )
    return suffixes[-1]


def _named(file: Path, fault: Fault) -> Fault:
    return lambda message: fault(f"{file}: {message}")


@contextmanager
def _opened(file: Path) -> Iterator[tuple[BinaryIO, int | None]]:
    """The file's bytes, decompressed, and its length on disk."""
    if str(file) == "-":
        # A pipe cannot be read twice, which a HAR file needs; one file has one name, too.
        with tempfile.TemporaryFile(prefix="perftui-stdin-") as copy:
            shutil.copyfileobj(sys.stdin.buffer, copy, 1 << 20)
            copy.seek(0)
            with _unpacked(copy.fileno(), "stdin") as found:
                yield found
        return
    try:
        raw = file.open("rb")
    except OSError as error:
        raise ImportFileError(f"cannot read {file}: {error.strerror}") from error
    with raw, _unpacked(raw.fileno(), file.name) as found:
        yield found


@contextmanager
def _unpacked(descriptor: int, name: str) -> Iterator[tuple[BinaryIO, int | None]]:
    """An open file from its beginning, decompressed where it is gzip, and its length on disk."""
    with open(descriptor, "rb", closefd=False) as raw:
        length = os.fstat(descriptor).st_size
        if raw.peek(2)[:2] != b"\x1f\x8b":
            yield raw, length
            return
        with gzip.GzipFile(fileobj=raw) as unpacked:
            bounded = Unpacked(unpacked, length, name)
            yield io.BufferedReader(bounded, 1 << 16), None


def _import_file(
    context: Context,
    writer: StoreWriter,
    batches: Iterator[Batch],
    sessions: dict[str, None],
    known: set[tuple[str, str]],
    *,
    label: str,
    stream: BinaryIO,
    length: int | None,
) -> int:
    redactor = Redactor(context.settings.redaction)
    count = 0
    with click.progressbar(
        length=length or 0,
        label=label,
        file=sys.stderr,
        show_pos=False,
        hidden=length is None or not sys.stderr.isatty(),
    ) as bar:
        at = 0
        try:
            fresh = _without_what_is_there(writer, batches, known)
            for group in _grouped(map(redactor.batch, fresh)):
                for batch, receipt in zip(group, writer.write_batches(group), strict=True):
                    sessions[batch.session_id] = None
                    count += receipt.accepted
                if length is not None:
                    now = stream.tell()
                    bar.update(now - at)
                    at = now
        except (EOFError, gzip.BadGzipFile, OSError) as error:
            raise ImportFileError(f"{label}: the file is damaged: {error}") from error
    return count


def _without_what_is_there(
    writer: StoreWriter, batches: Iterable[Batch], known: set[tuple[str, str]]
) -> Iterator[Batch]:
    """Leave out pageviews that the store has from elsewhere, and add them to ``known``.

    A HAR file that perftui wrote has the session's own ID, but not its batches, by which the store
    knows what it has: beside the recording its entries would count twice.
    """
    decided: set[tuple[str, str]] = set()
    for batch in batches:
        page_view = (batch.session_id, batch.page_view_id)
        if batch.source == SOURCE and page_view not in decided:
            decided.add(page_view)
            if writer.has_page_view_from_elsewhere(batch):
                known.add(page_view)
        if page_view not in known:
            yield batch


def import_batches(
    writer: StoreWriter, documents: Iterable[dict[str, Any]], settings: Settings
) -> int:
    """Store batches of the wire (with ``receivedAt``, epoch ms, where it is known); return how
    many entries there were.

    Raises:
        IntakeError: one of them is no batch.
    """
    intake = Intake(writer, settings)
    lines = (msgspec.json.encode(document) for document in documents)
    count = 0
    for batches in _grouped(_decoded(intake, lines, settings)):
        writer.write_batches(batches)
        count += sum(len(batch.entries) for batch in batches)
    return count


def _decoded(intake: Intake, lines: Iterator[bytes], settings: Settings) -> Iterator[Batch]:
    for _, decoded in decode_lines(lines, received_us=1, settings=settings.server):
        if isinstance(decoded, IntakeError):
            raise decoded
        yield intake.redacted(decoded)


def _grouped(batches: Iterable[Batch]) -> Iterator[list[Batch]]:
    group: list[Batch] = []
    entries = 0
    for batch in batches:
        group.append(batch)
        entries += len(batch.entries)
        if len(group) == BATCHES_AT_ONCE or entries >= ENTRIES_AT_ONCE:
            yield group
            group = []
            entries = 0
    if group:
        yield group
