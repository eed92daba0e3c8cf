"""Who may come in: the Host header, the Origin, the key.

A server on loopback is reachable from every page that the browser has open. So each request must
name a host that is ours (else a stranger's domain that was pointed at 127.0.0.1 would do: DNS
rebinding), and one that a page makes must come from an origin that is allowed. Beyond loopback
everything needs the key as well.
"""

from __future__ import annotations

import hmac
import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from perftui.config import ServerSettings

_ORIGIN = re.compile(r"https?://(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(?::[0-9]{1,5})?")
"""What browsers write into Origin for a page on the web (RFC 6454, 6.2); whatever else is there
is no loopback origin."""

EVERYWHERE = frozenset({"0.0.0.0", "::", ""})  # noqa: S104 - recognised, not chosen
"""Addresses to listen on that are no name to be reached by."""

KEY_HEADER = b"x-perftui-key"


@lru_cache(maxsize=64)
def is_loopback(host: str) -> bool:
    """Whether a name or address means this machine: ``localhost`` and all below it (RFC 6761),
    127.0.0.0/8 and ::1."""
    host = host.strip("[]").rstrip(".").lower()
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def host_name(header: str) -> str:
    """The name in a Host header, without its port."""
    if header.startswith("["):
        return header.partition("]")[0].lstrip("[").lower()
    return header.partition(":")[0].rstrip(".").lower()


@dataclass(frozen=True, slots=True)
class Doors:
    """The rules of one server.

    Attributes:
        hosts: names that Host may hold besides loopback ones.
        origins: origins besides loopback ones, as browsers write them.
        key: what every request beyond loopback must carry; None asks for none.
    """

    hosts: frozenset[str]
    origins: frozenset[str]
    key: bytes | None

    def host_is_allowed(self, header: str | None) -> bool:
        """Whether a Host header names this server."""
        if not header:
            return False
        name = host_name(header)
        return is_loopback(name) or name in self.hosts

    def origin_is_allowed(self, origin: str) -> bool:
        """Whether pages of an origin may send."""
        if origin in self.origins:
            return True
        match = _ORIGIN.fullmatch(origin)
        return match is not None and is_loopback(match[1])

    def key_is_right(self, headers: Iterable[tuple[bytes, bytes]], query: dict[str, str]) -> bool:
        """Whether a request carries the key: in ``?key=``, ``X-Perftui-Key`` or as a bearer
        token. Compared in constant time."""
        if self.key is None:
            return True
        told = query.get("key", "").encode("utf-8", "replace")
        for name, value in headers:
            if name == KEY_HEADER:
                told = value
            elif name == b"authorization" and value[:7].lower() == b"bearer ":
                told = value[7:]
        return hmac.compare_digest(told, self.key)


def doors(settings: ServerSettings) -> Doors:
    """The rules that settings make."""
    hosts = {host_name(host) for host in settings.allow_hosts}
    if settings.host not in EVERYWHERE:
        hosts.add(settings.host.strip("[]").lower())
    return Doors(
        hosts=frozenset(hosts),
        origins=frozenset(origin.rstrip("/") for origin in settings.allow_origins),
        key=settings.key.encode() if settings.key else None,
    )
