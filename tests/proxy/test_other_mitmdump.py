"""The addon in somebody's own mitmdump: an environment that has mitmproxy and nothing of ours."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from playwright.sync_api import Browser

from perftui.commands.proxy import addon_path
from tests.browser.conftest import chromium
from tests.proxy.site import Site, running_site
from tests.proxy.test_page_kinds import check_log, visit
from tests.proxy.test_proxy import get, requests_in, wait_until
from tests.server.conftest import Running, capture, start

__all__ = ["capture", "chromium", "start"]

pytestmark = pytest.mark.proxy


def needed_by(name: str) -> Iterator[metadata.Distribution]:
    """A distribution and all that it needs here, each once."""
    waiting, seen = [name], set()
    while waiting:
        normal = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        if normal in seen:
            continue
        seen.add(normal)
        distribution = metadata.distribution(normal)
        yield distribution
        for told in distribution.requires or ():
            requirement = Requirement(told)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                waiting.append(requirement.name)


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python whose only packages are mitmproxy and what it needs, of the versions tested here."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    packages = Path(
        sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)})
    )
    for distribution in needed_by("mitmproxy"):
        for file in distribution.files or ():
            top = file.parts[0]
            source = Path(str(distribution.locate_file(top)))
            if top not in {"..", "__pycache__"} and not (packages / top).exists():
                (packages / top).symlink_to(source)
    return folder / "bin" / "python"


def test_the_environment_has_nothing_of_ours(python: Path) -> None:
    for module in ("perftui", "msgspec", "textual", "perftui_server"):
        done = subprocess.run(
            [python, "-I", "-c", f"import {module}"], capture_output=True, text=True
        )
        assert f"No module named '{module}'" in done.stderr


@contextmanager
def mitmdump(python: Path, folder: Path, *arguments: str) -> Iterator[tuple[str, list[str]]]:
    """A proxy with a copy of the addon, in a folder that has nothing else; its address, and what
    it has said once it has ended."""
    addon = folder / "addon.py"
    addon.write_bytes(addon_path().read_bytes())
    run = "import sys; from mitmproxy.tools.main import mitmdump; sys.exit(mitmdump())"
    said: list[str] = []
    with (folder / "said").open("w+") as output:
        process = subprocess.Popen(
            [
                *(str(python), "-I", "-u", "-c", run, "-s", str(addon)),
                *("--listen-host", "127.0.0.1", "--listen-port", "0"),
                *("--set", f"confdir={folder}", *arguments),
            ],
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env={"PATH": os.environ["PATH"], "HOME": str(folder)},
        )
        try:
            pattern = re.compile(r"listening at (?:http://)?(127\.0\.0\.1:\d+)")
            deadline = time.monotonic() + 30
            while not (found := pattern.search((folder / "said").read_text())):
                assert process.poll() is None, (folder / "said").read_text()
                assert time.monotonic() < deadline
                time.sleep(0.05)
            yield f"http://{found[1]}", said
        finally:
            process.terminate()
            process.wait(20)
            said += (folder / "said").read_text().splitlines()


@contextmanager
def before_a_site(
    python: Path, folder: Path, capture: Running, *arguments: str
) -> Iterator[tuple[Site, str, list[str]]]:
    """The site, the address of a proxy before it, and what that has said once it has ended."""
    with running_site() as site:
        told = ("--mode", f"reverse:{site.url}", "--set", f"perftui_server={capture.url}")
        with mitmdump(python, folder, *told, *arguments) as (address, said):
            yield site, address, said


def test_it_works_the_same(python: Path, tmp_path: Path, capture: Running) -> None:
    with before_a_site(python, tmp_path, capture) as (site, address, said):
        status, headers, body = get(address, "/br")
        assert (status, headers["content-encoding"]) == (200, "br")
        assert get(address, "/redirect/1")[1]["location"] == "/redirect/2"
        assert b"__perftui" in get(address, "/plain")[2]
        wait_until(lambda: len(requests_in(capture)) == len(site.log), "each in the store")
        # By default this mitmdump tells the app the app's own name; the log has the client's.
        assert {one.entry.name.rpartition("/")[0] for one in requests_in(capture)} == {
            address,
            f"{address}/redirect",
        }
    assert not [line for line in said if "Error" in line or "Traceback" in line]
    assert body


def test_its_own_file_of_flows_has_them_all(python: Path, tmp_path: Path, capture: Running) -> None:
    from mitmproxy.http import HTTPFlow
    from mitmproxy.io import FlowReader

    flows = tmp_path / "flows"
    with before_a_site(python, tmp_path, capture, "-w", str(flows)) as (_, address, said):
        paths = ["/br", "/redirect/1", "/plain"]
        for path in paths:
            get(address, path)
    with flows.open("rb") as file:
        kept = [flow for flow in FlowReader(file).stream() if isinstance(flow, HTTPFlow)]
    assert [flow.request.path for flow in kept] == paths
    # What mitmproxy says of connections stays; a line for each body that passes as it comes does not.
    assert [line for line in said if "server connect" in line]
    assert not [line for line in said if "Streaming" in line]
    assert not [line for line in said if "rror" in line or "Traceback" in line]


@pytest.mark.chromium
def test_chromium_through_it(
    python: Path, tmp_path: Path, capture: Running, chromium: Browser
) -> None:
    context = chromium.new_context()
    with before_a_site(python, tmp_path, capture) as (site, address, _):
        for path in ("/br", "/policy/none", "/activity", "/frames"):
            page = context.new_page()
            assert visit(page, address + path).has_sdk
            page.close()
        check_log(capture, site, address)
    context.close()
