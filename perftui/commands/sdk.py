"""``perftui sdk``: the browser SDK and how to put it into a page."""

from __future__ import annotations

import click

from perftui.commands.context import Context, pass_context
from perftui.errors import UsageError


@click.command()
@click.option(
    "--format",
    "what",
    type=click.Choice(["help", "tag", "snippet", "integrity", "source", "path"]),
    default="help",
    show_default=True,
    help="Print all of it with a word on each, or one thing alone.",
)
@click.option("--url", help="The capture server's URL [default: as in the settings].")
@pass_context
def sdk(context: Context, what: str, url: str | None) -> None:
    """Show the script tag to paste into a page, or print the SDK itself."""
    from perftui_server.assets import sdk_asset

    settings = context.settings.server
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    base = (url or f"http://{host}:{settings.port}").rstrip("/")
    if not base.isprintable() or any(sign in base for sign in "<>\"' "):
        raise UsageError(f"{base!r} is no URL to put into a page")
    asset = sdk_asset("perftui.js")
    tag = f'<script src="{base}/perftui.js"></script>'
    pinned = (
        f'<script src="{base}/{asset.hashed_name}" integrity="{asset.integrity}"'
        ' crossorigin="anonymous"></script>'
    )
    snippet = (
        "<script>(p=>{for(const m of ['capture','pageview','flush','optOut','optIn'])"
        "p[m]=(...a)=>p.q.push([m,...a])})(window.perftui={q:[]})</script>\n"
        f'<script async src="{base}/perftui.js"></script>'
    )
    match what:
        case "tag":
            click.echo(tag)
        case "snippet":
            click.echo(snippet)
        case "integrity":
            click.echo(asset.integrity)
        case "source":
            click.echo(asset.content.decode())
        case "path":
            click.echo(asset.path)
        case _:
            import gzip

            compressed = len(gzip.compress(asset.content, 9, mtime=0))
            click.echo(
                "Paste this as the first script of your page's <head>:\n\n"
                f"  {tag}\n\n"
                "Without blocking the parser (calls before it loads are queued):\n\n"
                + "".join(f"  {line}\n" for line in snippet.splitlines())
                + "\nPinned to this very build (immutable URL, Subresource Integrity):\n\n"
                f"  {pinned}\n\n"
                f"The file: {asset.path} ({len(asset.content)} bytes, {compressed} gzipped)"
            )
