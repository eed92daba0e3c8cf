"""Archives and compressed files: bombs, path tricks, damage."""

from __future__ import annotations

import gzip
import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from perftui.capture.har import read_har
from perftui.capture.har_archive import FREE_BYTES, Unpacked, read_zip, suffix_of_member
from perftui.config import Settings
from perftui.errors import ImportFileError
from perftui.model import Batch
from tests.capture.test_har import RECEIVED_US, har, one

READ = read_zip({".har": read_har})


def zipped(members: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in members.items():
            archive.writestr(name, body)
    return content.getvalue()


def read(archive: bytes) -> tuple[list[Batch], list[str]]:
    faults: list[str] = []
    return list(READ(io.BytesIO(archive), Settings(), RECEIVED_US, faults.append)), faults


def names(batches: list[Batch]) -> list[str]:
    return [entry.name for batch in batches for entry in batch.entries]


def perftui(
    folder: Path, *arguments: str, stdin: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "perftui", "--db", str(folder / "t.db"), *arguments],
        input=stdin,
        capture_output=True,
        timeout=120,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )


def test_all_files_of_an_archive_are_read_and_bodies_beside_them_are_not() -> None:
    batches, faults = read(
        zipped(
            {
                "har.har": har(one("https://a.test/1")),
                "b/other.har.gz": gzip.compress(har(one("https://a.test/2"))),
                "0a1b.css": b"body { }",
                "README": b"x",
            }
        )
    )
    assert sorted(names(batches)) == ["https://a.test/1", "https://a.test/2"]
    assert faults == []


@pytest.mark.parametrize(
    "name", ["../../out.har", "/tmp/out.har", "C:\\out.har", "..\\..\\out.har", "a/../../out.har"]
)
def test_tricks_with_paths_write_nothing(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "inner" / "most"
    folder.mkdir(parents=True)
    (folder / "t.zip").write_bytes(zipped({name: har(one("https://a.test/1"))}))
    done = perftui(folder, "import", "t.zip")
    assert done.returncode == 0, done.stderr
    assert b"1 entries imported" in done.stdout
    written = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert {name for name in written if not name.startswith("t.")} == set()


def test_a_bomb_in_a_zip_ends_and_its_neighbours_are_imported() -> None:
    bomb = b'{"log": {"entries": [' + b" " * (FREE_BYTES + (1 << 20))
    batches, faults = read(zipped({"bomb.har": bomb, "good.har": har(one("https://a.test/1"))}))
    assert "https://a.test/1" in names(batches)
    assert [fault for fault in faults if "bomb.har unpacks to more than 64 MiB" in fault]


def test_a_bomb_in_a_gzip_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "bomb.har.gz").write_bytes(gzip.compress(b" " * (FREE_BYTES + (1 << 20))))
    done = perftui(tmp_path, "import", "bomb.har.gz")
    assert done.returncode == 1
    assert b"bomb.har.gz unpacks to more than 64 MiB" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_gzip_cut_short_gives_what_is_whole(tmp_path: Path) -> None:
    urls = [f"https://a.test/{os.urandom(400).hex()}" for _ in range(200)]
    packed = gzip.compress(har(*(one(url) for url in urls)))
    (tmp_path / "cut.har.gz").write_bytes(packed[: len(packed) // 2])
    done = perftui(tmp_path, "import", "cut.har.gz")
    assert done.returncode == 1
    assert b"damaged" in done.stderr
    said = done.stdout.split(b" entries imported")[0]
    assert 50 < int(said) < 150


def test_an_archive_in_an_archive_is_named() -> None:
    batches, faults = read(zipped({"in.zip": zipped({}), "a.har": har(one())}))
    assert len(names(batches)) == 1
    assert faults == ["in.zip: an archive in an archive is not read"]


@pytest.mark.parametrize("archive", [b"", b"PK\x03\x04", b"PK\x05\x06" + b"\0" * 5, zipped({})])
def test_what_holds_nothing_is_one_clear_error(archive: bytes) -> None:
    with pytest.raises(ImportFileError):
        read(archive)


def test_damage_within_an_archive_is_named() -> None:
    content = bytearray(zipped({"a.har": har(*(one(os.urandom(99).hex()) for _ in range(99)))}))
    content[2000:2040] = bytes(40)
    _, faults = read(bytes(content))
    assert faults
    assert all("a.har" in fault for fault in faults)


def test_unpacking_again_from_the_beginning() -> None:
    packed = gzip.compress(b"abc" * 1000)
    stream = io.BufferedReader(
        Unpacked(gzip.GzipFile(fileobj=io.BytesIO(packed)), len(packed), "x")
    )
    assert stream.read() == b"abc" * 1000
    stream.seek(0)
    assert stream.read() == b"abc" * 1000


def test_suffixes() -> None:
    assert suffix_of_member("a/b.HAR.gz") == ".har"
    assert suffix_of_member("a.har/b") == ""


@pytest.mark.parametrize("pack", [bytes, gzip.compress, lambda body: zipped({"a.har": body})])
def test_stdin_is_known_by_how_it_begins(tmp_path: Path, pack: object) -> None:
    assert callable(pack)
    done = perftui(tmp_path, "import", "-", stdin=pack(har(one(), one("https://a.test/2"))))
    assert done.returncode == 0, done.stderr
    assert b"2 entries imported into 1 sessions" in done.stdout


def test_a_byte_order_mark_before_a_document() -> None:
    stream = io.BytesIO(b"\xef\xbb\xbf" + har(one()))
    faults: list[str] = []
    assert len(list(read_har(stream, Settings(), RECEIVED_US, faults.append))) == 1
    assert faults == []
