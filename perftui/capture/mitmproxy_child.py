"""The mitmproxy that ``perftui proxy`` runs as its child: mitmdump without what has nothing to do.

Arguments are mitmdump's own, and so is ``~/.mitmproxy/config.yaml``::

    python -m perftui.capture.mitmproxy_child --mode reverse:http://localhost:3000

mitmproxy asks each of its addons at each event of a flow, twice, whether it has a hook for it. Over
half of what a request costs there goes into that, and most of the addons do nothing unless an option
asks for it.

With ``--exit-with-stdin`` before them it ends when its stdin does: with the program that started it,
also where that one was killed.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import Any

from mitmproxy.tools import cmdline, dump, main

from perftui.capture.proxy_ready import ready_line

WAKING_OPTIONS: dict[str, tuple[str, ...]] = {
    "anticache": ("anticache",),
    "anticomp": ("anticomp",),
    "blocklist": ("block_list",),
    "browser": (),
    "commandhistory": (),
    "comment": (),
    "cut": (),
    "export": (),
    "maplocal": ("map_local",),
    "mapremote": ("map_remote",),
    "modifybody": ("modify_body",),
    "modifyheaders": ("modify_headers",),
    "proxyauth": ("proxyauth",),
    "save": ("save_stream_file",),
    "savehar": ("hardump",),
    "serverplayback": ("server_replay",),
    "stickyauth": ("stickyauth",),
    "stickycookie": ("stickycookie",),
    "upstreamauth": ("upstream_auth",),
}
"""Name of an addon of mitmproxy -> the options without which it does nothing. Those with none only
have commands for a console, and mitmdump has no console. An addon that is not named here stays."""


class Master(dump.DumpMaster):
    """mitmdump's master. Once its options are known it lets go of the addons that would be idle."""

    async def run(self) -> None:
        """Serve until it is ended."""
        self.let_go_of_the_idle()
        await super().run()

    async def running(self) -> None:
        """Its servers listen: say so."""
        await super().running()
        addons: Any = self.addons
        told = [server.to_json() for server in addons.get("proxyserver").servers]
        confs = [one["wireguard_conf"] for one in told if one.get("wireguard_conf")]
        sys.stdout.write(ready_line(confs[0] if confs else None) + "\n")
        sys.stdout.flush()

    def let_go_of_the_idle(self) -> None:
        """Take out the addons that would do nothing."""
        addons: Any = self.addons
        for name in idle_addons(self.options):
            addon = addons.get(name)
            if addon is not None:
                addons.remove(addon)


def idle_addons(told: Any) -> list[str]:
    """Names of those of mitmproxy's addons that do nothing.

    Args:
        told: mitmproxy's options (``mitmproxy.options.Options``).
    """
    idle = [
        name
        for name, waking in WAKING_OPTIONS.items()
        if not any(option in told and told.has_changed(option) for option in waking)
    ]
    if told.flow_detail == 0:
        idle.append("dumper")
    if all(mode.startswith("reverse:") for mode in told.mode):
        # http://mitm.it, from which a browser gets the authority's certificate: before an app
        # nobody can ask for another host.
        idle.append("onboarding")
    return idle


def run(arguments: list[str]) -> Any:
    """Run it with mitmdump's arguments, until a signal ends it."""
    return main.run(Master, cmdline.mitmdump, arguments)


def _stop_with_stdin() -> None:
    # Not sys.stdin: its lock, held by a thread that waits, is fatal when the interpreter ends.
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    told = sys.argv[1:]
    if told[:1] == ["--exit-with-stdin"]:
        del told[0]
        threading.Thread(target=_stop_with_stdin, daemon=True).start()
    run(told)
