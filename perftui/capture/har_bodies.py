"""Bodies of HAR entries: in the file itself, or beside it in an archive."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator, Mapping

import msgspec

from perftui.capture.bodies import LARGEST_MEASURED, is_text, savings
from perftui.model import JSON, Entry


class Attached:
    """Files beside a HAR file, which it may refer to. A HAR file by itself has none: what it refers
    to is somewhere else, and no path is followed."""

    def refer(self, name: str) -> None:
        """The HAR file refers to it, whether or not anybody wants to read it."""

    def read(self, name: str, byte_count: int) -> bytes | None:
        """The beginning of a file, at most so many bytes; None where there is none."""
        return None


NOTHING_ATTACHED = Attached()


def references(told: Mapping[str, JSON]) -> Iterator[str]:
    """Names of the files that an entry refers to for its bodies."""
    for message, part in (("request", "postData"), ("response", "content")):
        name = _part(told.get(message), part).get("_file")
        if isinstance(name, str):
            yield name


def with_bodies(
    entry: Entry,
    told: Mapping[str, JSON],
    characters: int,
    attached: Attached = NOTHING_ATTACHED,
) -> Entry:
    """An entry with the first characters of its textual bodies, and with what compression would
    save where the whole of one is there and came uncompressed.

    Args:
        attached: gives what Playwright puts beside the file (``_file``; ``content: "attach"``).
    """
    extra = dict(entry.extra)
    posted = _part(told.get("request"), "postData")
    sent = _body(posted, characters, attached, whole=False)
    if sent:
        extra["requestBody"] = sent.decode("utf-8", "replace")[:characters]
    if is_text(entry.content_type or ""):
        content = _part(told.get("response"), "content")
        body = _body(content, characters, attached, whole=entry.content_encoding is None)
        if body:
            extra["responseBody"] = body.decode("utf-8", "replace")[:characters]
        is_whole = body is not None and len(body) == entry.decoded_body_size
        if body and is_whole and entry.content_encoding is None and len(body) <= LARGEST_MEASURED:
            extra |= savings(body)
    return msgspec.structs.replace(entry, extra=extra)


def _part(message: JSON, name: str) -> Mapping[str, JSON]:
    part = message.get(name) if isinstance(message, dict) else None
    return part if isinstance(part, dict) else {}


def _body(
    part: Mapping[str, JSON], characters: int, attached: Attached, *, whole: bool
) -> bytes | None:
    """The bytes of ``postData`` or ``content``; None where there are none, or damaged ones.

    Args:
        whole: all of it is wanted, as far as it can be measured; else enough for its first
            characters.
    """
    text = part.get("text")
    if isinstance(text, str):
        if part.get("encoding") == "base64":
            try:
                return b64decode(text)
            except ValueError:
                return None
        return text.encode("utf-8", "replace")
    name = part.get("_file")
    media_type = part.get("mimeType")
    if not isinstance(name, str) or not isinstance(media_type, str) or not is_text(media_type):
        return None
    # A character has four bytes at most.
    return attached.read(name, max(4 * characters, LARGEST_MEASURED + 1 if whole else 0))
