"""Archives and compressed files: bombs, path tricks, damage."""

from __future__ import annotations

import gzip
import io
import json
import os
import subprocess
import sys
import tracemalloc
import zipfile
import zlib
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser

from perftui.capture.har import read_har
from perftui.capture.har_archive import FREE_BYTES, Unpacked, suffix_of_member
from perftui.commands.importing import FileReader, readers
from perftui.config import Settings
from perftui.errors import ImportFileError
from perftui.model import Batch
from perftui.store.reader import StoreReader
from tests.browser.conftest import chromium
from tests.capture.test_har import RECEIVED_US, har, one
from tests.proxy.site import ICON, SCRIPT, running_site

__all__ = ["chromium"]

READ = readers()[".zip"]
READ_WITH_BODIES = readers(100)[".zip"]


def zipped(members: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in members.items():
            archive.writestr(name, body)
    return content.getvalue()


def read(archive: bytes, reader: FileReader = READ) -> tuple[list[Batch], list[str]]:
    faults: list[str] = []
    return list(reader(io.BytesIO(archive), Settings(), RECEIVED_US, faults.append)), faults


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


def test_all_files_of_an_archive_are_read_and_what_else_is_in_it_is_not() -> None:
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
    assert b"1 entry imported" in done.stdout
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
    assert b"2 entries imported into 1 session" in done.stdout


def test_a_byte_order_mark_before_a_document() -> None:
    stream = io.BytesIO(b"\xef\xbb\xbf" + har(one()))
    faults: list[str] = []
    assert len(list(read_har(stream, Settings(), RECEIVED_US, faults.append))) == 1
    assert faults == []


# --- bodies beside the HAR file, as Playwright puts them ---------------------------------------------


def attached(file: str, size: int, media_type: str = "application/json") -> dict[str, Any]:
    content = {"size": size, "mimeType": media_type, "_file": file}
    response = {"status": 200, "headers": [], "headersSize": 90, "bodySize": size}
    return one(f"https://a.test/{file[-9:]}", response={**response, "content": content})


def bodies(batches: list[Batch]) -> list[Any]:
    return [entry.extra.get("responseBody") for batch in batches for entry in batch.entries]


TEXT = b'{"items": [' + b'"an item of a list", ' * 500 + b"0]}"


@pytest.mark.parametrize("folder", ["", "of a run/"])
def test_a_body_beside_the_file_is_kept_by_option_and_measured(folder: str) -> None:
    sent = {"mimeType": "application/json", "_file": "sent.json"}
    entry = attached("1f3a.json", len(TEXT))
    entry["request"]["postData"] = sent
    archive = zipped(
        {
            f"{folder}har.har": har(entry),
            f"{folder}1f3a.json": TEXT,
            f"{folder}sent.json": b'{"asked": 1}',
        }
    )
    assert bodies(read(archive)[0]) == [None]
    batches, faults = read(archive, READ_WITH_BODIES)
    assert faults == []
    (found,) = [entry for batch in batches for entry in batch.entries]
    assert found.extra["responseBody"] == TEXT[:100].decode()
    assert found.extra["requestBody"] == '{"asked": 1}'
    assert found.extra["gzipSize"] == len(zlib.compress(TEXT, 6, 31))


@pytest.mark.parametrize(
    "name",
    ["../secret.json", "/etc/hostname", "..\\secret.json", "a/../secret.json", "", "secret.json"],
)
def test_a_body_is_never_sought_outside_of_the_archive(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "inner"
    folder.mkdir()
    for place in (tmp_path, folder):
        (place / "secret.json").write_bytes(b"SECRET")
    (folder / "t.zip").write_bytes(zipped({"a/har.har": har(attached(name, 6), one())}))
    done = perftui(folder, "import", "t.zip", "--bodies", "50")
    assert done.returncode == 1
    assert b"2 entries imported" in done.stdout
    (line, _) = done.stderr.splitlines()
    assert line.endswith(b"is not in the archive")
    assert b"SECRET" not in (folder / "t.db").read_bytes()


def test_a_body_is_read_no_further_than_it_is_wanted() -> None:
    """100 MiB of spaces: that many would be measured, or held, for each entry that names them."""
    archive = zipped({"h.har": har(*[attached("big.json", 100 << 20)] * 20), "big.json": SPACES})
    tracemalloc.start()
    batches, faults = read(archive, READ_WITH_BODIES)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert bodies(batches) == [" " * 100] * 20
    assert faults == []
    assert peak < 30 << 20
    assert not [entry for batch in batches for entry in batch.entries if "gzipSize" in entry.extra]


SPACES = b" " * (100 << 20)


def test_a_damaged_body_costs_itself_alone() -> None:
    archive = zipped({"h.har": har(attached("b.json", 9_000)), "b.json": os.urandom(9_000)})
    place = archive.rindex(b"b.json", 0, archive.index(b"PK\x01\x02")) + len("b.json")
    damaged = archive[: place + 100] + bytes(64) + archive[place + 164 :]
    batches, faults = read(damaged, READ_WITH_BODIES)
    assert bodies(batches) == [None]
    (fault,) = faults
    assert fault.startswith("h.har: the body 'b.json' is damaged: ")


def test_what_a_file_by_itself_refers_to_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "secret.json").write_bytes(b"SECRET")
    (tmp_path / "t.har").write_bytes(har(attached("secret.json", 6)))
    done = perftui(tmp_path, "import", "t.har", "--bodies", "50")
    assert done.returncode == 0, done.stderr
    assert b"SECRET" not in (tmp_path / "t.db").read_bytes()


def test_compression_of_imported_bodies_is_measured_and_not_estimated(tmp_path: Path) -> None:
    told = har(
        attached("1f3a.json", len(TEXT)),
        {**attached("css", 9_000, "text/css"), "time": 5},
    )
    (tmp_path / "t.zip").write_bytes(zipped({"h.har": told, "1f3a.json": TEXT}))
    assert perftui(tmp_path, "import", "t.zip", "--bodies", "50").returncode == 1
    done = perftui(tmp_path, "report", "--question", "compression", "--json")
    assert done.returncode == 0, done.stderr
    (answer,) = map(json.loads, done.stdout.splitlines())
    rows = {row["url"]: row for row in answer["tables"]["uncompressed"]}
    measured = rows["https://a.test/1f3a.json"]
    assert measured["basis"] == "measured"
    assert measured["gzip_saves_bytes"] == len(TEXT) - len(zlib.compress(TEXT, 6, 31))
    # Its body was not in the archive.
    assert rows["https://a.test/css"]["basis"] == "estimated"


@pytest.mark.chromium
def test_an_archive_that_playwright_writes(tmp_path: Path, chromium: Browser) -> None:
    path = tmp_path / "t.zip"
    with running_site() as site:
        context = chromium.new_context(record_har_path=path, record_har_content="attach")
        page = context.new_page()
        page.goto(f"{site.url}/gzip", wait_until="load")
        text = page.evaluate("fetch('/fragment').then(answer => answer.text())")
        context.close()
        reached = sorted(one.path for one in site.log)
    done = perftui(tmp_path, "import", "t.zip", "--bodies", "5000")
    assert done.returncode == 0, done.stderr
    with StoreReader(tmp_path / "t.db") as reader:
        found = {
            urlsplit(one.entry.name).path: one.entry
            for one in reader.iter_records()
            if one.entry.is_request and not one.entry.name.endswith(ICON)
        }
    assert sorted(found) == reached
    assert found["/fragment"].extra["responseBody"] == text
    assert found["/script.js"].extra["responseBody"] == SCRIPT
    assert "grün" in str(found["/gzip"].extra["responseBody"])
    assert found["/gzip"].content_encoding == "gzip"
    assert "gzipSize" not in found["/gzip"].extra
