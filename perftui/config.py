"""Settings: ``perftui.toml``, then the environment, then flags; each explains itself.

A setting ``name`` in the table ``[section]`` is ``PERFTUI_SECTION_NAME`` in the environment.
Checked and converted by msgspec, which the wire needs anyway: importing pydantic-settings takes
about as long as importing Textual, at every start.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from perftui.errors import SettingsError

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8137


class ServerSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[server]``: the capture server and its limits."""

    host: str = DEFAULT_HOST
    """Address to listen on. Anything but loopback needs ``key``."""
    port: int = DEFAULT_PORT
    """Port to listen on; 0 takes any free one."""
    allow_origins: tuple[str, ...] = ()
    """Origins whose pages may send, besides loopback ones and ``*.localhost``."""
    allow_hosts: tuple[str, ...] = ()
    """Names that the Host header may hold, besides loopback ones."""
    key: str | None = None
    """The ingest key that every batch must carry when the server listens beyond loopback."""
    max_header_bytes: int = 16 * 1024
    """Longest request header, in bytes."""
    header_timeout_seconds: float = 5.0
    """How long a client may take to send its header, in seconds."""
    max_body_bytes: int = 2 * 1024 * 1024
    """Longest body as received, in bytes."""
    max_decoded_bytes: int = 8 * 1024 * 1024
    """Longest body after decompression, in bytes."""
    body_timeout_seconds: float = 5.0
    """How long a body may stall between two pieces, in seconds; then it is answered 408."""
    max_body_seconds: float = 30.0
    """How long a body may take in all, in seconds: a byte every few seconds does not stall."""
    keep_alive_seconds: float = 15.0
    """How long a connection may wait for its next request, in seconds."""
    max_connections: int = 512
    """Connections open at once. For one more the one that has waited longest without a request
    makes room; where none waits it gets 503 with Retry-After."""
    max_pipelined_requests: int = 500
    """Requests of one connection that may wait behind the one that is answered; for one more these
    are answered, and the connection ends."""
    max_in_flight_bytes: int = 64 * 1024 * 1024
    """Bodies held in memory at once, as decompressed, in bytes; more get 503 with Retry-After."""
    max_wait_seconds: float = 2.0
    """How long a body may wait for its turn to be decoded, in seconds; then it gets 503 with
    Retry-After."""
    max_nesting: int = 64
    """Deepest nesting of arrays and objects in a body."""
    max_values: int = 500_000
    """Most values (items of arrays, members of objects) in a body, of which at most a fifth are
    arrays and objects themselves; signs within strings count too."""
    max_entries: int = 5000
    """Most entries in one batch."""
    max_string_characters: int = 8192
    """Longest string kept; longer ones are cut, with a mark."""
    shutdown_seconds: float = 5.0
    """How long finishing what was read may take after SIGTERM, in seconds."""


class StoreSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[store]``: the SQLite file."""

    path: str | None = None
    """Where the file is; by default in the user's data folder."""
    ttl: str | None = None
    """Sessions older than this go, such as ``30d``, ``12h``; pinned ones stay. None keeps all."""
    max_size: str | None = None
    """When the file grows beyond this, the oldest unpinned sessions go, such as ``2GB``."""
    min_free_bytes: int = 64 * 1024 * 1024
    """Batches get 507 when the disk has less free than this, in bytes."""
    max_wal_bytes: int = 32 * 1024 * 1024
    """The write-ahead log is checkpointed before it grows beyond this, in bytes."""


class Thresholds(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[thresholds]``: what counts as slow or large. Milliseconds and bytes.

    The API figures are the colours of PostHog's network inspector; the vitals are web.dev's
    (https://web.dev/articles/vitals).
    """

    api_slow_ms: float = 500.0
    """A fetch or XMLHttpRequest is slow from here."""
    api_very_slow_ms: float = 2000.0
    """A fetch or XMLHttpRequest is very slow from here."""
    asset_slow_ms: float = 1000.0
    """A document or asset is slow from here."""
    asset_very_slow_ms: float = 3000.0
    """A document or asset is very slow from here."""
    large_bytes: int = 500_000
    """A response is large from here (transferred bytes)."""
    usual_factor: float = 2.0
    """Slower than usual: at least this many times the endpoint's median …"""
    usual_excess_ms: float = 100.0
    """… and at least this much more …"""
    usual_minimum_calls: int = 5
    """… over at least this many earlier calls."""
    lcp_ms: tuple[float, float] = (2500.0, 4000.0)
    """Largest Contentful Paint: needs improvement above the first, poor above the second."""
    inp_ms: tuple[float, float] = (200.0, 500.0)
    """Interaction to Next Paint: needs improvement above the first, poor above the second."""
    cls: tuple[float, float] = (0.1, 0.25)
    """Cumulative Layout Shift (no unit): needs improvement above the first, poor above the second."""
    fcp_ms: tuple[float, float] = (1800.0, 3000.0)
    """First Contentful Paint: needs improvement above the first, poor above the second."""
    ttfb_ms: tuple[float, float] = (800.0, 1800.0)
    """Time to First Byte: needs improvement above the first, poor above the second."""


class RedactionSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[redaction]``: what is taken out before anything is stored."""

    enabled: bool = True
    """Whether values that look like secrets are replaced at all."""
    names: tuple[str, ...] = ()
    """More query parameter, header and field names whose values are secret (parts of names,
    in any case), besides the built-in ones."""
    keep_names: tuple[str, ...] = ()
    """Names whose values are kept whatever they look like."""


class SiteSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[sites]``: whose servers are whose."""

    first_party: tuple[str, ...] = ()
    """Registrable domains that belong to the page's own company (its CDN, its API)."""


class AppSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[app]``: the terminal app."""

    theme: str | None = None
    """A theme of the command palette; by default perftui's own dark one."""
    ascii: bool = False
    """Draw with ASCII only, for terminals and fonts without block characters."""
    idle_limit_seconds: float | None = 1.0
    """In a replay, stretches without any activity are cut to this; None plays them whole."""
    keys: dict[str, str] = {}
    """Keys by binding ID, such as ``replay.play = "space"`` (see the help screen)."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of ``perftui.toml``."""

    server: ServerSettings = ServerSettings()
    store: StoreSettings = StoreSettings()
    thresholds: Thresholds = Thresholds()
    redaction: RedactionSettings = RedactionSettings()
    sites: SiteSettings = SiteSettings()
    app: AppSettings = AppSettings()


def default_config_path() -> Path:
    """Where ``perftui.toml`` is looked for when ``--config`` does not say."""
    from platformdirs import user_config_path

    local = Path("perftui.toml")
    return local if local.is_file() else user_config_path("perftui") / "perftui.toml"


def default_store_path(environment: Mapping[str, str] = os.environ) -> Path:
    """The store file when neither ``--db`` nor ``[store] path`` says: ``PERFTUI_DB``, else
    ``perftui.db`` in the user's data folder."""
    if told := environment.get("PERFTUI_DB"):
        return Path(told).expanduser()
    from platformdirs import user_data_path

    return user_data_path("perftui") / "perftui.db"


def load_settings(
    path: Path | None = None, environment: Mapping[str, str] = os.environ
) -> Settings:
    """Read the settings.

    Args:
        path: a file that must exist; None takes the default one, if it is there.
        environment: ``PERFTUI_SECTION_NAME`` variables, which win over the file.

    Raises:
        SettingsError: naming the file or variable, the setting and what it should be.
    """
    tables: dict[str, Any] = {}
    file = path or default_config_path()
    if path is not None or file.is_file():
        try:
            tables = tomllib.loads(file.read_text(encoding="utf-8"))
        except OSError as error:
            raise SettingsError(f"cannot read {file}: {error.strerror}") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SettingsError(f"{file} is not valid TOML: {error}") from error
    try:
        settings = msgspec.convert(tables, Settings)
    except msgspec.ValidationError as error:
        raise SettingsError(f"{file}: {error}") from error
    return _with_environment(settings, environment)


def _with_environment(settings: Settings, environment: Mapping[str, str]) -> Settings:
    """Apply the ``PERFTUI_SECTION_NAME`` variables; lists are separated by commas."""
    changed: dict[str, Any] = {}
    for section in msgspec.structs.fields(Settings):
        table = getattr(settings, section.name)
        values: dict[str, Any] = {}
        for setting in msgspec.structs.fields(type(table)):
            variable = f"PERFTUI_{section.name}_{setting.name}".upper()
            if variable not in environment:
                continue
            text = environment[variable]
            current = getattr(table, setting.name)
            told: Any = text
            if isinstance(current, tuple):
                told = [part.strip() for part in text.split(",") if part.strip()]
            elif isinstance(current, bool):
                told = text.lower() in {"1", "true", "yes", "on"}
            elif isinstance(current, dict):
                continue
            try:
                values[setting.name] = msgspec.convert(told, setting.type, strict=False)
            except msgspec.ValidationError as error:
                raise SettingsError(f"{variable}: {error}") from error
        if values:
            changed[section.name] = msgspec.structs.replace(table, **values)
    return msgspec.structs.replace(settings, **changed) if changed else settings
