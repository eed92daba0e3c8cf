"""The browser SDK's built files, as they are served and printed."""

from __future__ import annotations

import base64
import gzip
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha384
from pathlib import Path

from perftui.errors import NotFoundError

MEDIA_TYPES = {".js": "text/javascript; charset=utf-8", ".mjs": "text/javascript; charset=utf-8"}
HASH_CHARACTERS = 12


@dataclass(frozen=True, slots=True)
class Asset:
    """One file.

    Attributes:
        compressed: the content, gzip -9.
        hashed_name: ``perftui.0f3a….js``: the name of this very build, which never changes.
        integrity: for ``<script integrity="…">`` (Subresource Integrity).
        etag: with its quotes.
    """

    name: str
    content: bytes
    compressed: bytes
    path: Path
    media_type: str
    hashed_name: str
    integrity: str
    etag: str


def sdk_folder() -> Path:
    """Where the built files are: within the installed package, or in the checkout."""
    import perftui

    package = Path(perftui.__file__).resolve().parent
    installed = package / "_sdk"
    return installed if installed.is_dir() else package.parent / "sdk" / "dist"


@lru_cache(maxsize=8)
def sdk_asset(name: str) -> Asset:
    """One of the SDK's files, such as ``perftui.js``.

    Raises:
        NotFoundError: there is none of that name.
    """
    path = sdk_folder() / name
    media_type = MEDIA_TYPES.get(path.suffix)
    if media_type is None or "/" in name or not path.is_file():
        raise NotFoundError(f"the SDK has no file {name!r}; it is built by `make sdk`")
    content = path.read_bytes()
    digest = sha384(content).digest()
    short = digest.hex()[:HASH_CHARACTERS]
    stem, dot, suffix = name.rpartition(".")
    return Asset(
        name=name,
        content=content,
        compressed=gzip.compress(content, 9, mtime=0),
        path=path,
        media_type=media_type,
        hashed_name=f"{stem}.{short}{dot}{suffix}",
        integrity="sha384-" + base64.b64encode(digest).decode(),
        etag=f'"{short}"',
    )


@lru_cache(maxsize=1)
def sdk_names() -> dict[str, tuple[str, bool]]:
    """Served name -> file, and whether that name is of this very build."""
    names: dict[str, tuple[str, bool]] = {}
    for path in sorted(sdk_folder().glob("*")):
        if path.suffix in MEDIA_TYPES:
            names[path.name] = (path.name, False)
            names[sdk_asset(path.name).hashed_name] = (path.name, True)
    return names
