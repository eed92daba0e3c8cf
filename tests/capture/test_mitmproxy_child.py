"""What of mitmproxy runs in the child of ``perftui proxy``."""

from __future__ import annotations

import warnings
from collections.abc import AsyncIterator
from typing import Any

import pytest

pytest.importorskip("mitmproxy")

with warnings.catch_warnings():
    # mitmproxy's addon for passwords imports ldap3 and passlib, which use old names.
    warnings.simplefilter("ignore", DeprecationWarning)
    from perftui.capture.mitmproxy_child import WAKING_OPTIONS, Master, idle_addons

from mitmproxy.options import Options

pytestmark = pytest.mark.proxy

REVERSE = "reverse:http://localhost:3000"


@pytest.fixture
async def master() -> AsyncIterator[Master]:
    """With mitmdump's options and addons; it serves nothing."""
    one = Master(Options())
    yield one
    await one.done()


async def test_every_addon_that_may_go_is_one_of_mitmdumps_with_these_options(
    master: Master,
) -> None:
    told: Any = master.options
    addons: Any = master.addons
    for name, waking in WAKING_OPTIONS.items():
        assert addons.get(name) is not None, name
        for option in waking:
            assert not told.has_changed(option)


@pytest.mark.parametrize(
    ("name", "option", "value"),
    [
        ("modifyheaders", "modify_headers", ["/~q/x-team/web"]),
        ("maplocal", "map_local", ["|example.test/a|/tmp"]),
        ("blocklist", "block_list", [":~d example.test:404"]),
        ("anticache", "anticache", True),
        ("savehar", "hardump", "/tmp/x.har"),
        ("dumper", "flow_detail", 2),
    ],
)
async def test_an_addon_stays_where_an_option_asks_for_it(
    master: Master, name: str, option: str, value: object
) -> None:
    told: Any = master.options
    told.update(mode=[REVERSE], flow_detail=0)
    assert name in idle_addons(told)
    told.update(**{option: value})
    assert name not in idle_addons(told)


async def test_the_page_for_certificates_stays_where_a_browser_can_ask_for_it(
    master: Master,
) -> None:
    told: Any = master.options
    told.update(mode=["regular"])
    assert "onboarding" not in idle_addons(told)
    told.update(mode=[REVERSE])
    assert "onboarding" in idle_addons(told)


async def test_what_makes_a_proxy_stays(master: Master) -> None:
    told: Any = master.options
    addons: Any = master.addons
    told.update(mode=[REVERSE], flow_detail=0)
    before = len(addons)
    master.let_go_of_the_idle()
    assert len(addons) < before / 2
    for name in ("core", "proxyserver", "nextlayer", "tlsconfig", "scriptloader", "errorcheck"):
        assert addons.get(name) is not None, name
