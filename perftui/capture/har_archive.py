"""Compressed files: what a name claims is never trusted, nothing is unpacked to disk, and a bomb
ends with one line.

A ``.zip`` is read member by member, in place: the names of its members are words in messages and
never paths. Playwright writes such archives (a ``.har`` beside the bodies it refers to), and a body is
looked up among the members, by its very name.
"""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import BinaryIO

from perftui.capture.har_bodies import Attached
from perftui.config import Settings
from perftui.errors import ImportFileError
from perftui.model import Batch

Fault = Callable[[str], None]
MemberReader = Callable[[BinaryIO, Settings, int, Fault], Iterator[Batch]]

HarReader = Callable[[BinaryIO, Settings, int, Fault, Attached], Iterator[Batch]]
"""The same of a HAR file, given the bodies beside it."""

MAX_RATIO = 200
"""Unpacked bytes per packed byte over which a file is a bomb. Deflate reaches 1032; real HAR files
of many equal requests stay below 100."""

FREE_BYTES = 64 * 1024 * 1024
"""Unpacked bytes that are read whatever the ratio: small files of spaces harm nobody."""

MAX_MEMBERS = 10_000
"""Members of one archive."""

DAMAGED = (EOFError, OSError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError)
"""What Python's readers of compressed files raise for damaged, encrypted or unknown content."""


class Unpacked(io.RawIOBase):
    """A stream of unpacked bytes that refuses to go on where it grows like a bomb.

    Args:
        stream: gives the unpacked bytes.
        packed_bytes: how long it is when packed.
        name: what messages call it.
    """

    def __init__(self, stream: BinaryIO | gzip.GzipFile, packed_bytes: int, name: str) -> None:
        super().__init__()
        self._stream = stream
        # Of a damaged stream, `read` loses what came before the damage; `read1` gives it.
        self._read: Callable[[int], bytes] = getattr(stream, "read1", stream.read)
        self._name = name
        self._limit = max(FREE_BYTES, packed_bytes * MAX_RATIO)
        self._at = 0

    def readable(self) -> bool:
        """It is there to be read."""
        return True

    def seekable(self) -> bool:
        """To its beginning, by unpacking it again."""
        return True

    def tell(self) -> int:
        """Unpacked bytes read."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """To a place, counted in unpacked bytes."""
        self._at = self._stream.seek(offset, whence)
        return self._at

    def readinto(self, buffer: object) -> int:
        """Read on.

        Raises:
            ImportFileError: it is damaged, or a bomb.
        """
        view = memoryview(buffer)  # type: ignore[arg-type]
        try:
            piece = self._read(len(view))
        except DAMAGED as error:
            raise ImportFileError(
                f"{self._name} is damaged after {self._at} unpacked bytes: {error}"
            ) from error
        view[: len(piece)] = piece
        self._at += len(piece)
        if self._at > self._limit:
            raise ImportFileError(
                f"{self._name} unpacks to more than {self._limit >> 20} MiB, over {MAX_RATIO} times "
                "its size; unpack it yourself if you trust it"
            )
        return len(piece)


def read_zip(readers: Mapping[str, MemberReader], har_reader: HarReader) -> MemberReader:
    """What reads an archive, given what reads its members by their suffix. Members of other kinds
    are passed over, unless a HAR file refers to them; archives within it are named as faults."""

    def read(
        stream: BinaryIO, settings: Settings, received_us: int, fault: Fault
    ) -> Iterator[Batch]:
        import tempfile

        if not stream.seekable():
            with tempfile.TemporaryFile(prefix="perftui-zip-") as copy:
                while piece := stream.read(1 << 20):
                    copy.write(piece)
                copy.seek(0)
                yield from read(copy, settings, received_us, fault)
            return
        try:
            archive = zipfile.ZipFile(stream)
        except DAMAGED as error:
            raise ImportFileError(f"no zip archive: {error}") from error
        with archive:
            members = archive.infolist()
            if len(members) > MAX_MEMBERS:
                fault(f"{len(members)} members; only the first {MAX_MEMBERS} are looked at")
                members = members[:MAX_MEMBERS]
            bodies: set[str] = set()
            found = 0
            # HAR files first: they say which of the others are bodies of theirs.
            for member in sorted(members, key=lambda one: suffix_of_member(one.filename) != ".har"):
                suffix = suffix_of_member(member.filename)
                if member.is_dir() or suffix == "" or member.filename in bodies:
                    continue
                if suffix == ".zip":
                    fault(f"{member.filename}: an archive in an archive is not read")
                    continue
                if suffix == ".har":
                    reader: MemberReader = partial(
                        _read_har, har_reader, archive, member.filename, bodies
                    )
                elif suffix in readers:
                    reader = readers[suffix]
                else:
                    continue
                found += 1
                yield from _member(
                    archive, member, reader, settings, received_us, fault, is_gzip=_is_gzip(member)
                )
            if not found:
                kinds = ", ".join([".har", *readers])
                raise ImportFileError(f"nothing in it that can be imported ({kinds})")

    return read


def suffix_of_member(name: str) -> str:
    """The last suffix, without ``.gz``, of the last part of a name; empty where there is none."""
    last = name.replace("\\", "/").rpartition("/")[2].lower().removesuffix(".gz")
    _, dot, suffix = last.rpartition(".")
    return f".{suffix}" if dot and suffix else ""


def _is_gzip(member: zipfile.ZipInfo) -> bool:
    return member.filename.lower().endswith(".gz")


class _Members(Attached):
    """The other members of an archive, for a HAR file in it.

    Args:
        name: of the HAR file: it refers to what is in its folder.
        bodies: gets the names of the members that it refers to.
    """

    def __init__(self, archive: zipfile.ZipFile, name: str, bodies: set[str], fault: Fault) -> None:
        self._archive = archive
        self._folder = name[: name.rfind("/") + 1]
        self._bodies = bodies
        self._fault = fault

    def refer(self, name: str) -> None:
        """It is no file to be imported by itself."""
        member = self._folder + name
        if member in self._archive.NameToInfo:
            self._bodies.add(member)

    def read(self, name: str, byte_count: int) -> bytes | None:
        """The beginning of a member, looked up by its very name."""
        try:
            with self._archive.open(self._folder + name) as body:
                return body.read(byte_count)
        except KeyError:
            self._fault(f"the body {name[:120]!r} is not in the archive")
        except DAMAGED as error:
            self._fault(f"the body {name[:120]!r} is damaged: {error}")
        return None


def _read_har(
    har_reader: HarReader,
    archive: zipfile.ZipFile,
    name: str,
    bodies: set[str],
    stream: BinaryIO,
    settings: Settings,
    received_us: int,
    fault: Fault,
) -> Iterator[Batch]:
    members = _Members(archive, name, bodies, fault)
    return har_reader(stream, settings, received_us, fault, members)


def _member(
    archive: zipfile.ZipFile,
    member: zipfile.ZipInfo,
    reader: MemberReader,
    settings: Settings,
    received_us: int,
    fault: Fault,
    *,
    is_gzip: bool,
) -> Iterator[Batch]:
    name = member.filename
    try:
        with archive.open(member) as packed:
            plain: BinaryIO = packed  # type: ignore[assignment]
            if is_gzip:
                plain = gzip.GzipFile(fileobj=packed)  # type: ignore[assignment]
            bounded = io.BufferedReader(Unpacked(plain, member.compress_size, name), 1 << 16)
            yield from reader(
                bounded, settings, received_us, lambda message: fault(f"{name}: {message}")
            )
    except ImportFileError as error:
        told = str(error)
        fault(told if told.startswith(name) else f"{name}: {told}")
    except DAMAGED as error:
        fault(f"{name}: {error}")
