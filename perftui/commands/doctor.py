"""``perftui doctor``: the state of it all, and what to do about each fault."""

from __future__ import annotations

import glob
import os
import platform
import sys
from collections.abc import Iterator
from importlib import metadata, util

import click
import msgspec

from perftui import __version__
from perftui.commands.context import Context, echo_json, pass_context
from perftui.errors import NewerStoreError, NotAStoreError, PerftuiError, SettingsError

KEYS_VARIABLE = "PERFTUI_APP_KEYS"
"""What would be the variable of the key map, which is a table and read from the file alone."""

EXTRAS: dict[str, tuple[str, str]] = {
    "fast": ("apsw", "a faster SQLite driver"),
    "proxy": ("mitmproxy", "perftui proxy"),
    "clickhouse": ("clickhouse_connect", "export clickhouse, pull"),
    "chdb": ("chdb", "the embedded ClickHouse engine"),
    "kafka": ("confluent_kafka", "the Kafka sink"),
    "statistics": ("scipy", "exact significance in compare and report"),
}
"""Extra -> the module that it brings, and what for."""


class Finding(msgspec.Struct, frozen=True):
    """One thing that was looked at.

    Attributes:
        status: ``ok``, ``note`` (nothing is wrong) or ``fault``.
        advice: what to do about it.
    """

    name: str
    status: str
    detail: str
    advice: str | None = None


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line.")
@click.option("--redaction", metavar="URL", help="Show what would be kept of a URL, and no more.")
@pass_context
def doctor(context: Context, as_json: bool, redaction: str | None) -> None:
    """Say how perftui is: versions, store, free space, port, optional parts, terminal.

    Each fault comes with what to do about it. The exit code is 1 where there is one.
    """
    if redaction is not None:
        _show_redaction(context, redaction, as_json)
        return
    findings = list(examine(context))
    for finding in findings:
        if as_json:
            echo_json(msgspec.to_builtins(finding))
            continue
        _echo(context, finding)
    faults = sum(finding.status == "fault" for finding in findings)
    if faults:
        raise PerftuiError(f"{faults} fault{'s' if faults > 1 else ''} found (named above)")


def _show_redaction(context: Context, url: str, as_json: bool) -> None:
    from perftui.analysis.text import sanitise
    from perftui.capture.redact import Redactor

    kept = Redactor(context.settings.redaction).url(url)
    if as_json:
        echo_json({"url": url, "kept": kept})
    else:
        click.echo(sanitise(kept))


def _echo(context: Context, finding: Finding) -> None:
    from perftui.analysis.text import sanitise

    glyph, colour = {"ok": ("✓", "green"), "note": ("·", "white"), "fault": ("✖", "red")}[
        finding.status
    ]
    click.echo(f"{context.style(glyph, fg=colour)} {finding.name:<18} {sanitise(finding.detail)}")
    if finding.advice:
        click.echo(f"  {'':<18} → {sanitise(finding.advice)}")


def examine(context: Context) -> Iterator[Finding]:
    """All findings, the most basic first."""
    yield Finding("perftui", "ok", __version__)
    yield _python()
    yield from _packages()
    yield from _settings(context)
    yield from _store(context)
    yield from _port(context)
    yield _sdk()
    yield from _extras()
    yield from _terminal(context)


def _python() -> Finding:
    version = platform.python_version()
    if (3, 11) <= sys.version_info[:2] <= (3, 13):
        return Finding("Python", "ok", version)
    return Finding("Python", "fault", version, "perftui is made for Python 3.11 to 3.13")


def _settings(context: Context) -> Iterator[Finding]:
    """Which file the settings are from, what of the environment wins over it, and what of them
    the capture server would refuse."""
    from perftui.config import Settings, default_config_path
    from perftui.store.retention import parse_age, parse_size

    file = context.config_path or default_config_path()
    where = str(file) if file.is_file() else f"as they come ({file} does not exist)"
    known = {
        f"PERFTUI_{section.name}_{setting.name}".upper()
        for section in msgspec.structs.fields(Settings)
        for setting in msgspec.structs.fields(type(getattr(context.settings, section.name)))
    }
    told = sorted(known & os.environ.keys() - {KEYS_VARIABLE})
    yield Finding("settings", "ok", where + (f"; over it {', '.join(told)}" if told else ""))
    if KEYS_VARIABLE in os.environ:
        yield Finding(
            KEYS_VARIABLE,
            "note",
            "is ignored: keys are settings of the file alone",
            f"write them under [app.keys] in {file}",
        )
    store = context.settings.store
    for name, text, parse in (
        ("ttl", store.ttl, parse_age),
        ("max_size", store.max_size, parse_size),
    ):
        try:
            _ = text is None or parse(text)
        except SettingsError as error:
            yield Finding(f"[store] {name}", "fault", str(error), "change it, or leave it out")
    yield from _app_settings(context)


def _app_settings(context: Context) -> Iterator[Finding]:
    """With which theme and which keys the app would not start."""
    app = context.settings.app
    if app.theme is not None:
        from perftui.widgets.themes import check_theme

        try:
            check_theme(app.theme)
            yield Finding("[app] theme", "ok", app.theme)
        except SettingsError as error:
            yield Finding(
                "[app] theme", "fault", _within(error), "choose one of these, or leave it out"
            )
    if app.keys:
        from perftui.app import PerftuiApp
        from perftui.screens.key_map import read_key_map

        _, faults = read_key_map(app.keys, PerftuiApp)
        for fault in faults:
            yield Finding(
                "[app.keys]", "fault", _within(fault), "change it in the settings, or leave it out"
            )
        if not faults:
            yield Finding("[app.keys]", "ok", f"{len(app.keys)} changed")


def _within(error: SettingsError) -> str:
    """What is wrong, without the name of the setting before it."""
    return str(error).partition(": ")[2]


def _packages() -> Iterator[Finding]:
    for package in ("textual", "uvicorn", "msgspec", "click"):
        try:
            yield Finding(package, "ok", metadata.version(package))
        except metadata.PackageNotFoundError:
            yield Finding(package, "fault", "missing", "pip install --force-reinstall perftui")


def _store(context: Context) -> Iterator[Finding]:
    import sqlite3

    path = context.store_path
    yield Finding("SQLite", "ok", sqlite3.sqlite_version)
    if not path.exists():
        yield Finding(
            "store", "note", f"{path} does not exist yet", "it is made by the first capture"
        )
    else:
        try:
            with context.open_reader() as reader:
                sessions = len(reader.sessions())
                last = reader.last_seq()
            size = sum(
                file.stat().st_size
                for suffix in ("", "-wal")
                if (file := path.with_name(path.name + suffix)).exists()
            )
            from perftui.analysis.text import counted, format_bytes
            from perftui.store.migrations import MIGRATIONS

            yield Finding(
                "store",
                "ok",
                f"{path}: schema {len(MIGRATIONS)}, {counted(sessions, 'session')}, {format_bytes(size)},"
                f" entry {last}",
            )
        except PerftuiError as error:
            yield Finding("store", "fault", str(error), _store_advice(error))
        for backup in sorted(path.parent.glob(f"{glob.escape(path.name)}.v*.backup")):
            yield Finding(
                "backup",
                "note",
                f"{backup}: from before the schema was brought up to date",
                "it goes when the store has been opened once more and is sound",
            )
        mode = path.stat().st_mode & 0o777
        if not mode & 0o222:
            yield Finding(
                "store's rights",
                "fault",
                f"{mode:o}: it can be read and nothing can be captured",
                f"chmod u+w {path}, or name another file with --db",
            )
        if mode & 0o077:
            yield Finding(
                "store's rights", "fault", f"{mode:o}: others may read it", f"chmod 600 {path}"
            )
    yield _free_space(context)


def _store_advice(error: PerftuiError) -> str:
    match error:
        case NewerStoreError():
            return "pip install --upgrade perftui"
        case NotAStoreError():
            return "name another file with --db"
        case _:
            return "rescue it, or move it away: the next capture makes a new one"


def _free_space(context: Context) -> Finding:
    from perftui.analysis.text import format_bytes

    folder = context.store_path.parent
    while not folder.exists():
        folder = folder.parent
    status = os.statvfs(folder)
    free = status.f_bavail * status.f_frsize
    minimum = context.settings.store.min_free_bytes
    detail = f"{format_bytes(free)} where the store is"
    if free < minimum:
        return Finding(
            "free space",
            "fault",
            f"{detail}, less than [store] min_free_bytes: batches get 507",
            "free some, or run `perftui prune`",
        )
    if not os.access(folder, os.W_OK):
        return Finding("free space", "fault", f"{folder} cannot be written to", "change its rights")
    return Finding("free space", "ok", detail)


def _port(context: Context) -> Iterator[Finding]:
    from perftui_server.doors import is_loopback

    from perftui.commands.capture_server import health, program_on

    settings = context.settings.server
    if not is_loopback(settings.host) and not settings.key:
        yield Finding(
            f"host {settings.host}",
            "fault",
            "other machines can reach it, and there is no key: the capture server will not start",
            "choose a key with --key or PERFTUI_SERVER_KEY, or listen on 127.0.0.1",
        )
    answer = health(settings.host, settings.port)
    name = f"port {settings.port}"
    if answer is None:
        yield Finding(name, "ok", "free")
    elif answer.get("name") != "perftui":
        yield Finding(
            name,
            "fault",
            f"taken by {program_on(settings.port)}",
            "end it, or choose another port: perftui --port N",
        )
    else:
        running = f"a perftui capture server ({answer.get('version')})"
        if answer.get("ready"):
            yield Finding(name, "ok", f"{running}, ready")
        else:
            yield Finding(
                name,
                "fault",
                f"{running}, which refuses batches: {answer.get('reason')}",
                "it takes them again once that is mended; its pages send them anew",
            )


def _sdk() -> Finding:
    import gzip

    from perftui_server.assets import sdk_asset

    try:
        asset = sdk_asset("perftui.js")
    except PerftuiError as error:
        return Finding("browser SDK", "fault", str(error), "pip install --force-reinstall perftui")
    size = len(gzip.compress(asset.content, 9, mtime=0))
    return Finding("browser SDK", "ok", f"{asset.path} ({size} bytes gzipped)")


def _extras() -> Iterator[Finding]:
    for extra, (module, purpose) in EXTRAS.items():
        if util.find_spec(module) is None:
            yield Finding(
                f"perftui[{extra}]",
                "note",
                f"not installed ({purpose})",
                f"pip install 'perftui[{extra}]'",
            )
            continue
        yield Finding(f"perftui[{extra}]", "ok", f"{_version(module)} ({purpose})")


def _version(module: str) -> str:
    for distribution in metadata.packages_distributions().get(module, []):
        return f"{distribution} {metadata.version(distribution)}"
    return module


def _terminal(context: Context) -> Iterator[Finding]:
    if not context.has_terminal:
        yield Finding("terminal", "note", "none: commands print text instead of the app")
        return
    size = os.get_terminal_size()
    colours = os.environ.get("COLORTERM") or os.environ.get("TERM") or "unknown"
    detail = f"{size.columns}x{size.lines}, {colours}"
    if not context.color:
        detail += ", no colour (NO_COLOR or --no-color)"
    if size.columns < 80 or size.lines < 24:
        yield Finding("terminal", "fault", detail, "the app needs 80x24")
    else:
        yield Finding("terminal", "ok", detail)
    encoding = (sys.stdout.encoding or "").lower()
    if "utf" not in encoding:
        yield Finding(
            "characters",
            "fault",
            f"{encoding}: no blocks",
            "set LANG=C.UTF-8, or say --ascii ([app] ascii = true)",
        )
