"""Texts to IDs: what a row holds in place of a URL or a short string."""

from __future__ import annotations

from hashlib import blake2b

from perftui.analysis.endpoints import registrable_domain, split_url, url_endpoint
from perftui.store.connection import Connection, value

CACHED_STRINGS = 20_000
CACHED_URLS = 30_000
"""How many texts are kept in memory with their IDs. Beyond it the cache starts anew: a look-up in
the file is some µs, and what a running site uses comes back at once."""

CACHED_CHARACTERS = 1024
"""Texts that are longer are looked up in the file each time, which bounds the memory."""


class Strings(dict[str | None, int | None]):
    """``strings[text]`` is its ID, made where there is none; ``strings[None]`` is None."""

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self._connection = connection
        self.forget()

    def forget(self) -> None:
        """Empty the cache: another process may have changed the table, or a transaction that
        made IDs was rolled back."""
        self.clear()
        self[None] = None

    def __missing__(self, text: str | None) -> int:
        if len(self) > CACHED_STRINGS:
            self.forget()
        found = value(self._connection, "SELECT id FROM string WHERE text = ?", (text,))
        if found is None:
            found = value(
                self._connection, "INSERT INTO string (text) VALUES (?) RETURNING id", (text,)
            )
        if text is None or len(text) <= CACHED_CHARACTERS:
            self[text] = found
        return int(found)


class Urls(dict[str, int]):
    """``urls[url]`` is its ID, made where there is none."""

    def __init__(self, connection: Connection, strings: Strings) -> None:
        super().__init__()
        self._connection = connection
        self._strings = strings

    def forget(self) -> None:
        """Empty the cache; see :meth:`Strings.forget`."""
        self.clear()

    def __missing__(self, url: str) -> int:
        if len(self) > CACHED_URLS:
            self.forget()
        key = url_hash(url)
        # Two URLs may share a hash, by chance or by intent: the text decides.
        for identifier, text in self._connection.execute(
            "SELECT id, url FROM url WHERE hash = ?", (key,)
        ).fetchall():
            if text == url:
                self._keep(url, identifier)
                return int(identifier)
        parts = split_url(url)
        strings = self._strings
        identifier = value(
            self._connection,
            "INSERT INTO url (hash, url, origin, host, site, endpoint) VALUES (?, ?, ?, ?, ?, ?)"
            " RETURNING id",
            (
                key,
                url,
                strings[parts.origin or None],
                strings[parts.host or None],
                strings[registrable_domain(parts.host) if parts.host else None],
                strings[url_endpoint(url)],
            ),
        )
        self._keep(url, identifier)
        return int(identifier)

    def _keep(self, url: str, identifier: int) -> None:
        if len(url) <= CACHED_CHARACTERS:
            self[url] = identifier


def url_hash(url: str) -> int:
    """64 bits of BLAKE2 as a signed integer, which is what SQLite holds. Indexing it in place of
    the text saves the length of the URL."""
    digest = blake2b(url.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)
