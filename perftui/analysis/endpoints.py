"""URLs in their parts: what counts as one endpoint, whose server it is, and how it is shown.

Nothing here raises on any text: what is no URL is a path.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList

_URL = re.compile(
    r"(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?://([^/?#\\]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?", re.S
)
_DEFAULT_PORTS = {"http": "80", "https": "443", "ws": "80", "wss": "443"}
_IPV4 = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")


class Url(NamedTuple):
    """A URL in its parts.

    Attributes:
        scheme: in lower case; empty where there is none.
        host: in lower case, without user, port, brackets and a final dot.
        port: as digits; empty where it is the scheme's own.
        path: as it is; empty for ``https://host``.
        query: without the question mark; None where there is none.
        fragment: without the hash; None where there is none.
    """

    scheme: str
    host: str
    port: str
    path: str
    query: str | None
    fragment: str | None

    @property
    def origin(self) -> str:
        """``scheme://host:port``; empty for URLs without a host."""
        return f"{self.scheme}://{self.authority}" if self.host else ""

    @property
    def authority(self) -> str:
        """``host`` or ``host:port``, IPv6 addresses in brackets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}" if self.port else host


@lru_cache(maxsize=8192)
def split_url(url: str) -> Url:
    """Split a URL (RFC 3986, appendix B). Any text has a split; ``blob:`` URLs have the host of
    the origin that made them."""
    match = _URL.match(url)
    assert match is not None
    scheme, authority, path, query, fragment = match.groups()
    scheme = (scheme or "").lower()
    if scheme == "blob" and authority is None:
        inner = split_url(path)
        return inner._replace(scheme="blob", query=query, fragment=fragment)
    authority = (authority or "").rpartition("@")[2]
    if authority.startswith("["):
        host, _, port = authority[1:].partition("]")
        port = port.removeprefix(":")
    else:
        host, _, port = authority.partition(":")
    if port == _DEFAULT_PORTS.get(scheme):
        port = ""
    return Url(scheme, host.lower().rstrip("."), port, path, query, fragment)


# --- path templates ---------------------------------------------------------------------------

PLACEHOLDER = ":id"

_UUID = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}", re.I)
_DIGITS = re.compile(r"\d+")
_DATE = re.compile(r"\d{4}-\d\d(?:-\d\d)?(?:T[\d:.%A-Za-z+-]*)?")
_TOKEN = re.compile(r"[^._~!$&'()*+,;=:@-]+")
_EXTENSION = re.compile(r"(.+)(\.[A-Za-z][A-Za-z0-9]{0,5})")
_HEX = re.compile(r"[0-9a-f]+", re.I)
_OPAQUE = re.compile(r"[A-Za-z0-9_-]+")
_CLASS_CHANGE = re.compile(r"(?<=[a-z])(?=[A-Z0-9])|(?<=[A-Z])(?=[0-9])|(?<=[0-9])(?=[A-Za-z])")

MINIMUM_HASH = 8
"""Characters from which a word of hexadecimal digits (with at least one figure and one letter)
is a hash: what bundlers put into file names (esbuild and Vite 8, webpack 20)."""

MINIMUM_OPAQUE = 16
"""Characters from which a word that changes between figures, small and capital letters all the
time is an opaque identifier."""

MINIMUM_NUMBER = 4
"""Figures from which a number inside a word-like segment (``order-20431``) is an identifier."""


def path_template(path: str) -> str:
    """The path with its variable parts replaced by ``:id``: numbers, UUIDs, dates, hashes and
    long opaque words, also within a file name (``app.9f2c31aa.css`` is ``app.:id.css``).

    ``/api/v2/users/8812/orders`` is ``/api/v2/users/:id/orders``. Applying it twice changes
    nothing. Path parameters (``;jsessionid=…``) are left out.
    """
    return "/".join([_segment_template(segment) for segment in path.split("/")])


@lru_cache(maxsize=8192)
def _segment_template(segment: str) -> str:
    if ";" in segment:
        segment = segment.partition(";")[0]
    if not segment or segment.isalpha():
        # A word; only one of senseless length or mixture is an identifier.
        return PLACEHOLDER if _is_opaque(segment) else segment
    stem, extension = segment, ""
    if match := _EXTENSION.fullmatch(segment):
        stem, extension = match.groups()
    if (
        _DIGITS.fullmatch(stem)
        or _UUID.fullmatch(stem)
        or _DATE.fullmatch(stem)
        or _is_opaque(stem)
    ):
        return PLACEHOLDER + extension
    return (
        _UUID.sub(PLACEHOLDER, _TOKEN.sub(_token_template, _UUID.sub(PLACEHOLDER, stem)))
        + extension
    )


def _token_template(match: re.Match[str]) -> str:
    token = match[0]
    if token.isdigit() and token.isascii():
        # A lone number has been dealt with; a short one says something (`page-2`, `10-tips`).
        return PLACEHOLDER if len(token) >= MINIMUM_NUMBER else token
    if len(token) < MINIMUM_HASH or token.isalpha():
        return PLACEHOLDER if _is_opaque(token) else token
    if _HEX.fullmatch(token) or _is_opaque(token):
        return PLACEHOLDER
    return token


def _is_opaque(text: str) -> bool:
    length = len(text)
    if length < MINIMUM_HASH or not _OPAQUE.fullmatch(text):
        return False
    changes = len(_CLASS_CHANGE.findall(text))
    if length >= MINIMUM_OPAQUE:
        return changes * 5 >= length
    # Short ones must be wilder: `BkPq2a7X` is a hash of a file, `getUserById2` a name.
    return changes * 5 >= length * 2 and any(map(str.isdigit, text))


@lru_cache(maxsize=2048)
def url_endpoint(url: str) -> str:
    """The endpoint of a URL without its method: host, port where it is not the scheme's own,
    and the path's template: ``shop.test/api/cart/:id``. Of ``data:`` and other URLs without a
    host only the scheme is left."""
    parts = split_url(url)
    if parts.host:
        if parts.scheme == "blob":
            return f"blob:{parts.authority}"
        return parts.authority + (path_template(parts.path) or "/")
    if parts.scheme:
        return f"{parts.scheme}:"
    return path_template(parts.path)


def endpoint(method: str | None, url: str) -> str:
    """What calls are grouped by: ``POST shop.test/api/cart/:id``. Where the method is not known
    (a browser does not tell it in a PerformanceEntry), it is :func:`url_endpoint` alone."""
    return f"{method.upper()} {url_endpoint(url)}" if method else url_endpoint(url)


# --- whose server -----------------------------------------------------------------------------

_suffixes: PublicSuffixList | None = None


def load_public_suffixes() -> None:
    """Read the Public Suffix List (about 70 ms). :func:`registrable_domain` does it when first
    asked; an app calls this from a worker beforehand, so that drawing never waits for it."""
    global _suffixes
    if _suffixes is None:
        from publicsuffixlist import PublicSuffixList

        _suffixes = PublicSuffixList()


@lru_cache(maxsize=8192)
def registrable_domain(host: str) -> str:
    """The domain that somebody registered (eTLD+1): ``cdn.shop.co.uk`` is ``shop.co.uk``.

    IP addresses, ``localhost`` (with all its subdomains), single words and public suffixes
    themselves are their own. Source: https://publicsuffix.org, private section included, as for
    the "site" of browsers.
    """
    host = host.lower().rstrip(".").strip("[]")
    if _IPV4.fullmatch(host) or ":" in host or "." not in host:
        return host
    if host.endswith(".localhost"):
        return "localhost"
    load_public_suffixes()
    assert _suffixes is not None
    found = _suffixes.privatesuffix(host)
    return found if isinstance(found, str) else host


def is_third_party(url: str, page_url: str | None, first_party: Iterable[str] = ()) -> bool:
    """Whether a URL belongs to somebody else than the page: another registrable domain, which is
    none of ``first_party`` (registrable domains of the page's own company). False for URLs
    without a host (``data:``), and where the page is not known."""
    if not page_url:
        return False
    host, page_host = split_url(url).host, split_url(page_url).host
    if not host or not page_host or host == page_host:
        return False
    domain = registrable_domain(host)
    return domain != registrable_domain(page_host) and domain not in set(first_party)


def is_same_origin(url: str, page_url: str | None) -> bool:
    """Whether scheme, host and port are the page's; False where the page is not known."""
    if not page_url:
        return False
    origin = _origin(url)
    return bool(origin) and origin == _origin(page_url)


@lru_cache(maxsize=8192)
def _origin(url: str) -> str:
    return split_url(url).origin


def short_url(url: str, page_url: str | None = None) -> str:
    """A URL as a list shows it: path and query where it has the page's origin, else host, path
    and query; never scheme and fragment. A ``data:`` URL is its media type. Not sanitised."""
    parts = split_url(url)
    if not parts.host:
        if parts.scheme == "data":
            return f"data:{parts.path.partition(',')[0][:60]},…"
        return url
    if parts.scheme == "blob":
        return f"blob:{parts.authority}{parts.path}"
    rest = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return rest if is_same_origin(url, page_url) else parts.authority + rest
