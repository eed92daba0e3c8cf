"""``python -m examples.shop``: open the shop on loopback ports until Ctrl+C."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Sequence
from functools import partial

from . import table
from .access import Access
from .pages import Site
from .server import Shop


def parser() -> argparse.ArgumentParser:
    """The command line."""
    arguments = argparse.ArgumentParser(
        prog="python -m examples.shop",
        description="A small shop to look at with perftui: pages, assets, a JSON API and two "
        "third parties, each with delays that are known.",
    )
    arguments.add_argument(
        "--port", type=int, default=8080, help="port of the shop, 0 for any (default 8080)"
    )
    arguments.add_argument(
        "--third-party-port",
        type=int,
        default=0,
        help="port of the third party with Timing-Allow-Origin (default: any)",
    )
    arguments.add_argument(
        "--opaque-third-party-port",
        type=int,
        default=0,
        help="port of the third party without it (default: any)",
    )
    arguments.add_argument(
        "--sdk-url",
        metavar="URL",
        help="src of perftui's script tag, such as http://127.0.0.1:8137/perftui.js "
        "(default: pages without the tag)",
    )
    arguments.add_argument(
        "--delay-scale", type=float, default=1.0, help="factor on every delay (default 1)"
    )
    arguments.add_argument(
        "--csp", metavar="POLICY", help="Content-Security-Policy of the documents (default: none)"
    )
    arguments.add_argument("--quiet", action="store_true", help="do not print the access log")
    arguments.add_argument(
        "--table", action="store_true", help="print what each URL answers, and end"
    )
    return arguments


def line(access: Access) -> str:
    """One line of the access log, for people."""
    answer = access.status if access.status is not None else access.outcome
    # Whoever asks chooses the path, and control characters in it are not for the terminal.
    path = access.path.encode("unicode_escape").decode("ascii")
    return (
        f"{access.origin:8}{access.method:6}{answer!s:>9} {access.duration_ms:>7.0f} ms"
        f" {access.header_bytes + access.body_bytes:>8} B  {path}"
    )


def _has_more(shown: int, log: Sequence[Access]) -> bool:
    return len(log) > shown


def main(arguments: list[str] | None = None) -> int:
    """Run until interrupted; 0, or 1 where a port is taken."""
    options = parser().parse_args(arguments)
    if options.table:
        site = Site(cdn_url="http://localhost:8081", tracker_url="http://localhost:8082")
        print(table.text(table.build(site)))
        return 0
    shop = Shop(
        sdk_url=options.sdk_url,
        port=options.port,
        third_party_port=options.third_party_port,
        opaque_third_party_port=options.opaque_third_party_port,
        delay_scale=options.delay_scale,
        csp=options.csp,
    )
    try:
        shop.start()
    except OSError as error:
        print(f"cannot open the shop: {error.strerror}; try --port 0", file=sys.stderr)
        return 1
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        print(f"The shop is open at {shop.url}/ (Ctrl+C closes it).", flush=True)
        if options.quiet:
            threading.Event().wait()
        shown = 0
        while True:
            shop.access_log.wait_for(partial(_has_more, shown), timeout_s=threading.TIMEOUT_MAX)
            for access in shop.access_log[shown:]:
                print(line(access), flush=True)
                shown += 1
    except KeyboardInterrupt:
        return 0
    finally:
        shop.stop()


if __name__ == "__main__":
    sys.exit(main())
