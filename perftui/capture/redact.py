"""Secrets out of URLs, headers and texts, before anything is stored.

Two rules: a value goes when its name says secret (``token=…``, ``Authorization: …``), or when it
looks like one (a JSON Web Token, a long run of hexadecimal digits or of mixed letters and figures,
a card number, an e-mail address). What is replaced becomes :data:`MARK`; the rest of the URL stays
as it was, byte for byte, so that endpoints still group.

Sources: OWASP, "Information exposure through query strings in URL"; PCI DSS 3.4 (card numbers).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from urllib.parse import unquote_plus

import msgspec

from perftui.config import RedactionSettings
from perftui.entry_columns import Column, EntryColumns, once_for_each
from perftui.entry_fields import REQUEST_ENTRY_TYPES
from perftui.model import JSON, Batch, Entry, Page

MARK = "REDACTED"
"""What stands in the place of a secret."""

SECRET_NAMES: tuple[str, ...] = (
    *("token", "secret", "password", "passwd", "pwd", "passphrase", "apikey", "accesskey"),
    *("privatekey", "signature", "credential", "session", "sessid", "auth", "jwt", "bearer"),
    *("csrf", "xsrf", "otp", "assertion", "samlresponse", "samlrequest", "ssn", "cvv", "cvc"),
)
"""Parts of names (in any case, without ``-``, ``_`` and ``.``) whose values are secret."""

WHOLE_SECRET_NAMES: frozenset[str] = frozenset(
    {"key", "sig", "sign", "code", "state", "nonce", "pass", "pin", "sid", "hmac", "email", "mail"}
)
"""Names whose values are secret, but that are too short to be looked for within others."""

HARMLESS_NAMES: frozenset[str] = frozenset(
    {
        ":authority",
        "authority",
        "author",
        "authors",
        "keyword",
        "keywords",
        "sessionstorage",
        "countrycode",
        "zipcode",
    }
)
"""Names that hold a part of :data:`SECRET_NAMES` by chance."""

SECRET_HEADERS: frozenset[str] = frozenset(
    {
        *("authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key"),
        *("x-auth-token", "x-csrf-token", "x-xsrf-token", "x-amz-security-token"),
        *("www-authenticate", "proxy-authenticate", "authentication-info"),
    }
)
"""Headers (in lower case) whose values are secret whatever they hold."""

_JWT = re.compile(r"eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*)?")
_HEXADECIMAL = re.compile(r"(?<![0-9A-Za-z])[0-9a-fA-F]{32,}(?![0-9A-Za-z])")
_BASE64 = re.compile(r"(?<![0-9A-Za-z+/_-])[0-9A-Za-z+/_-]{40,}={0,2}(?![0-9A-Za-z+/_=-])")
_CARD = re.compile(
    r"(?=\d)(?:(?<=%[0-9A-Fa-f]{2})|(?<![\d.%])(?<!%[0-9A-Fa-f]))"
    r"(?:\d(?:[ +-]|%20)?){12,18}\d(?![\d.])"
)
"""Also as a form sends it, where a space is ``+`` or ``%20``; figures of an escape are none of its.
(To look for a figure first halves the time that any other text takes.)"""
_EMAIL = re.compile(
    r"[A-Za-z0-9._+-]{1,64}(?:@|%40)[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}"
)
_SEPARATORS = re.compile(r"[-_.\[\]\s]")
_USER_INFO = re.compile(r"\A([A-Za-z][A-Za-z0-9+.-]*:)?//[^/?#\s\\]*@")
_URL_IN_TEXT = re.compile(r"\b(?:https?|wss?)://[^\s\"'<>`)\]}]+")
_PARAMETER = re.compile(r"([^=&;#?]*)=([^&;#]*)")
_FORM = re.compile(r"[^\s=&<>{}\"]{1,256}=[^\s<>{}\"]*")
_JSON_FIELD = re.compile(
    r'"((?:[^"\\]|\\.){1,256})"(\s*:\s*)("(?:[^"\\]|\\.)*(?:"|\\?\Z)|-?\d[\d.eE+-]*|\[[^\]]*(?:\]|\Z))',
    re.S,
)
"""A field of a JSON text with a value that is no object, also where the text has been cut."""
_PATH_TOKEN_CHARACTERS = 24
_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.I)
_TOKEN_SEGMENT = re.compile(r"[A-Za-z0-9_~+=-]+")
_MATRIX_PARAMETER = re.compile(r"(?<=;)([^=;/]{1,256})=([^;/]*)")
"""Parameters of a part of a path (RFC 3986, 3.3), such as ``;jsessionid=…`` of Java servers."""
_EXTENSION = re.compile(r"\.[A-Za-z][A-Za-z0-9]{0,5}\Z")
_SECRET_SEGMENT = re.compile(
    r"(?<=/)(token|tokens|reset|reset-password|verify|confirm|invite|magic|unsubscribe|auth|oauth)"
    r"/([^/?#]{8,})",
    re.I,
)


REMEMBERED_URLS = 16_384
REMEMBERED_CHARACTERS = 1024
"""How many URLs are remembered, and of which length: 30 MB at most."""


class _Seen(dict[str, str]):
    """What became of each URL that was seen lately."""

    def __init__(self, redact: Callable[[str], str]) -> None:
        super().__init__()
        self._redact = redact

    def __missing__(self, url: str) -> str:
        redacted = self._redact(url)
        if len(url) <= REMEMBERED_CHARACTERS:
            if len(self) >= REMEMBERED_URLS:
                self.clear()
            self[url] = redacted
        return redacted


class Redactor:
    """Takes secrets out. One per process: what it has seen before it remembers."""

    def __init__(self, settings: RedactionSettings | None = None) -> None:
        settings = settings or RedactionSettings()
        self.enabled = settings.enabled
        self._parts = SECRET_NAMES + tuple(map(_plain, settings.names))
        self._kept = frozenset(map(_plain, settings.keep_names))
        # The same URLs come again and again.
        self.url: Callable[[str], str] = _Seen(self._url).__getitem__
        self._name_is_secret = lru_cache(maxsize=4096)(self._judge_name)

    # --- names ----------------------------------------------------------------------------

    def is_secret_name(self, name: str) -> bool:
        """Whether the value of a parameter, field or header of this name is secret."""
        return self._name_is_secret(name[:256])

    def _judge_name(self, name: str) -> bool:
        plain = _plain(unquote_plus(name))
        if plain in self._kept:
            return False
        if plain in WHOLE_SECRET_NAMES:
            return True
        return plain not in HARMLESS_NAMES and any(part in plain for part in self._parts if part)

    def _is_kept_name(self, name: str) -> bool:
        return _plain(unquote_plus(name)) in self._kept

    # --- URLs -----------------------------------------------------------------------------

    def _url(self, url: str) -> str:
        if not self.enabled or not url:
            return url
        if url.startswith("data:"):
            # Its content is nobody's address.
            head, comma, _ = url.partition(",")
            return head + comma
        if url.startswith("blob:"):
            return "blob:" + self._url(url[5:])
        url = _USER_INFO.sub(lambda match: f"{match[1] or ''}//{MARK}@", url)
        rest, hash_, fragment = url.partition("#")
        rest, question, query = rest.partition("?")
        scheme, slashes, after = rest.partition("//")
        if slashes:
            authority, slash, path = after.partition("/")
            rest = f"{scheme}//{authority}{slash}{self._path(slash + path)[1:] if slash else ''}"
        else:
            rest = self._path(rest)
        if question:
            query = self._parameters(query)
        if hash_:
            # Single-page apps put whole routes, and OAuth whole answers, behind the hash.
            fragment = (
                self._parameters(fragment)
                if "=" in fragment
                else self._path(fragment)
                if "/" in fragment
                else self._shapes(fragment)
            )
        return f"{rest}{question}{query}{hash_}{fragment}"

    def _parameters(self, query: str) -> str:
        if "=" not in query:
            return self._shapes(query)
        return _PARAMETER.sub(self._parameter, query)

    def _parameter(self, match: re.Match[str]) -> str:
        name, value = match[1], match[2]
        if not value or self._is_kept_name(name):
            return match[0]
        if self.is_secret_name(name):
            return f"{name}={MARK}"
        return f"{name}={self._value(value)}"

    def _value(self, value: str) -> str:
        if "://" in value or "%3A%2F%2F" in value or "%3a%2f%2f" in value:
            # A URL within a URL has parameters of its own.
            plain = unquote_plus(value)
            if self._url(plain) != plain:
                return MARK
        return self._shapes(value)

    def _path(self, path: str) -> str:
        path = _SECRET_SEGMENT.sub(lambda match: f"{match[1]}/{MARK}", path)
        if ";" in path:
            path = _MATRIX_PARAMETER.sub(self._parameter, path)
        if len(path) < _PATH_TOKEN_CHARACTERS and "@" not in path and "%40" not in path:
            return path
        return "/".join([_segment(segment, self._shapes) for segment in path.split("/")])

    # --- shapes ---------------------------------------------------------------------------

    def _shapes(self, text: str) -> str:
        """Replace what looks like a secret wherever it stands."""
        if len(text) < 6:
            return text
        if "eyJ" in text:
            text = _JWT.sub(MARK, text)
        if "@" in text or "%40" in text:
            text = _EMAIL.sub(MARK, text)
        if len(text) >= 13:
            text = _CARD.sub(_card, text)
        if len(text) >= 32:
            text = _HEXADECIMAL.sub(MARK, text)
            text = _BASE64.sub(_long_token, text)
        return text

    def text(self, text: str) -> str:
        """Free text, such as an error's message: URLs within it, and what looks like a secret."""
        if not self.enabled:
            return text
        if "://" in text:
            text = _URL_IN_TEXT.sub(lambda match: self.url(match[0]), text)
        return self._shapes(text)

    def body(self, text: str) -> str:
        """A request's or response's body, which may have been cut: fields of JSON and of forms
        whose names say secret, and what :meth:`text` takes out."""
        if not self.enabled:
            return text
        if _FORM.fullmatch(text):
            return self._parameters(text)

        def replace(match: re.Match[str]) -> str:
            return f'"{match[1]}"{match[2]}"{MARK}"' if self.is_secret_name(match[1]) else match[0]

        return self.text(_JSON_FIELD.sub(replace, text) if '":' in text or '" :' in text else text)

    # --- headers, bodies, fields ----------------------------------------------------------

    def header(self, name: str, value: str) -> str:
        """A header's value."""
        if not self.enabled:
            return value
        if name.lower() in SECRET_HEADERS or self.is_secret_name(name):
            return value if self._is_kept_name(name) else MARK
        return self.url(value) if "://" in value else self._shapes(value)

    def value(self, value: JSON, name: str = "") -> JSON:
        """A JSON value under a field's name, with all that lies within it."""
        if not self.enabled:
            return value
        kind = type(value)
        if kind is str:
            if name and value and self.is_secret_name(name):
                return MARK
            if name in _BODY_FIELDS:
                return self.body(value)
            if _is_url(value):
                return self.url(value)
            return self.text(value)
        if kind is dict:
            # [{"name": "Cookie", "value": "…"}], as HAR has headers and parameters.
            told = value.get("name")
            if type(told) is str and type(value.get("value")) is str:
                return {
                    key: self.header(told, child) if key == "value" else self.value(child, key)
                    for key, child in value.items()
                }
            return {key: self.value(child, key) for key, child in value.items()}
        if kind is list:
            return [self.value(child, name) for child in value]
        return value

    def _name(self, entry_type: str, name: str) -> str:
        is_url = entry_type in REQUEST_ENTRY_TYPES or _is_url(name)
        return self.url(name) if is_url else self.text(name)

    def _extra(self, extra: Mapping[str, JSON]) -> Mapping[str, JSON]:
        if extra.keys() <= _PLAIN_FIELDS:
            return extra
        return {
            key: child if key in _PLAIN_FIELDS else self.value(child, key)
            for key, child in extra.items()
        }

    def entries(self, entries: Sequence[Entry]) -> EntryColumns:
        """Entries: their names, and the fields without a column."""
        entries = EntryColumns.of(entries)
        if not self.enabled:
            return entries
        columns = entries.columns
        types, names = columns["entry_type"], columns["name"]
        changed: dict[str, Column] = {
            "name": list(
                map(self.url, names) if entries.are_requests else map(self._name, types, names)
            )
        }
        if "extra" in columns:
            changed["extra"] = once_for_each(self._extra, columns["extra"])
        return entries.replaced(**changed)

    def batch(self, batch: Batch) -> Batch:
        """A whole batch."""
        if not self.enabled:
            return batch
        page = batch.page
        return msgspec.structs.replace(
            batch,
            entries=self.entries(batch.entries),
            page=Page(
                url=None if page.url is None else self.url(page.url),
                title=None if page.title is None else self.text(page.title),
                referrer=None if page.referrer is None else self.url(page.referrer),
                navigation_type=page.navigation_type,
            ),
            client=self.value(batch.client),
        )


_BODY_FIELDS = frozenset({"requestBody", "responseBody"})
"""Fields of ``request`` and ``request-detail`` that hold a body's text."""

_PLAIN_FIELDS = frozenset({"flowId", "kind", "id", "selector", "serverTiming", "navigationId"})
"""Fields of the wire that hold no secret, whatever they look like: ``flowId`` and the metric
``perftui`` of ``serverTiming`` join a request's two sides."""


def _plain(name: str) -> str:
    return _SEPARATORS.sub("", name).lower()


def _is_url(text: str) -> bool:
    head = text[:12]
    return "://" in head or head.startswith(("//", "/", "data:", "blob:"))


def _card(match: re.Match[str]) -> str:
    """Replace a number only when its check digit is right (Luhn, ISO/IEC 7812-1)."""
    digits = [int(figure) for figure in match[0].replace("%20", "") if figure.isdigit()]
    total = sum(
        digit if place % 2 == 0 else (digit * 2 - 9 if digit > 4 else digit * 2)
        for place, digit in enumerate(reversed(digits))
    )
    return MARK if total % 10 == 0 and digits[0] in {2, 3, 4, 5, 6} else match[0]


def _long_token(match: re.Match[str]) -> str:
    """Long words of one kind of letter are no tokens: ``/static/very-long-name-of-a-bundle``."""
    return MARK if _is_mixed(match[0]) else match[0]


def _is_mixed(text: str) -> bool:
    """Whether it looks like chance. Words and numbers between hyphens do not, such as a heading with
    a moment behind it: ``ten-years-later-1440531624974``."""
    return (
        any(map(str.isdigit, text))
        and any(map(str.isalpha, text))
        and (not text.islower() or sum(map(str.isdigit, text)) * 4 > len(text))
        and not all(map(_is_word_or_number, text.split("-")))
    )


def _is_word_or_number(part: str) -> bool:
    return part.isdigit() or (part.isalpha() and (part.islower() or part.istitle()))


def _segment(segment: str, shapes: Callable[[str], str]) -> str:
    """A part of a path. UUIDs name things, they do not open them; a hash before an extension is
    a bundle's."""
    if len(segment) < _PATH_TOKEN_CHARACTERS and "@" not in segment and "%40" not in segment:
        return segment
    if "@" in segment or "%40" in segment:
        return shapes(segment)
    if _UUID.fullmatch(segment) or _EXTENSION.search(segment):
        return segment
    if (
        len(segment) >= 32
        and _TOKEN_SEGMENT.fullmatch(segment)
        and _is_mixed(segment)
        and segment.count("-") * 8 < len(segment)
    ):
        return MARK
    return shapes(segment)
