"""What a body's bytes tell: whether it is text, and what compression would save.

``proxy_addon`` says the same by itself, as it must run where nothing of perftui is installed.
"""

from __future__ import annotations

import re
import zlib

LARGEST_MEASURED = 2 * 1024 * 1024
"""Bytes of a body up to which it is measured what compression would save."""

_TEXT = re.compile(
    r"\s*(?:text/|[\w.+-]+/(?:[\w.+-]*\+)?(?:json|xml|javascript|ecmascript|x-www-form-urlencoded|graphql)"
    r"|image/svg)",
    re.I,
)


def is_text(media_type: str) -> bool:
    """Whether bodies of a media type are text: what a person can read, and what compresses."""
    return _TEXT.match(media_type) is not None


def savings(body: bytes) -> dict[str, int]:
    """What an uncompressed body would be as gzip (level 6) and Brotli (quality 5), bytes: what
    servers compress with by default or as they go. Brotli is measured where its library is there
    (it comes with ``perftui[proxy]``)."""
    found = {"gzipSize": len(zlib.compress(body, 6, 31))}
    try:
        import brotli
    except ImportError:
        return found
    return {**found, "brotliSize": len(brotli.compress(body, quality=5))}
