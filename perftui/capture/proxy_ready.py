"""How the child of ``perftui proxy`` tells that it listens: one line of its output."""

from __future__ import annotations

import json

_BEGIN = "perftui-proxy-ready "


def ready_line(wireguard: str | None) -> str:
    """The line.

    Args:
        wireguard: configuration for the other side of a WireGuard tunnel.
    """
    return _BEGIN + json.dumps({"wireguard": wireguard})


def is_ready(line: str) -> bool:
    """Whether a line of its output is that one."""
    return line.startswith(_BEGIN)


def wireguard_told(line: str) -> str | None:
    """The configuration that the line has."""
    told = json.loads(line.removeprefix(_BEGIN))["wireguard"]
    return told if isinstance(told, str) else None
