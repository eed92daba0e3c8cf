"""What of the SDK is handed out: its size as served, and the npm package with its types."""

from __future__ import annotations

import gzip
import json
import subprocess
from pathlib import Path

import pytest
from perftui_server.assets import sdk_asset

from tests.browser.conftest import SDK

CONSUMER = """
import { init, type Entry, type Perftui } from 'perftui';
import detail from 'perftui/detail';

const perftui: Perftui = init({
  endpoint: '/batch',
  types: ['navigation', 'resource:fetch'],
  redact: [/secret/],
  beforeSend: (entry: Entry) => (entry.entryType === 'mark' ? null : entry),
});
perftui.use(detail);
perftui.capture('bought', { price: 12 });
const session: string | undefined = perftui.sessionId;
perftui.pageview();
perftui.flush();
export { session };
"""


@pytest.mark.parametrize(("name", "limit"), [("perftui.js", 4_000), ("perftui-detail.js", 2_000)])
def test_a_file_is_small_as_it_is_served(name: str, limit: int) -> None:
    asset = sdk_asset(name)
    assert len(gzip.compress(asset.content, 9, mtime=0)) <= limit
    assert len(asset.compressed) <= limit


@pytest.mark.parametrize("name", ["perftui.js", "perftui-detail.js"])
def test_a_policy_without_eval_is_enough(name: str) -> None:
    text = sdk_asset(name).content.decode()
    assert "eval(" not in text
    assert "Function(" not in text


@pytest.fixture(scope="module")
def consumer(node_modules: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that has installed the package as npm packs it."""
    folder = tmp_path_factory.mktemp("consumer")
    packed = subprocess.run(
        ["npm", "pack", "--silent", "--pack-destination", str(folder)],
        cwd=SDK,
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    ).stdout.split()[-1]
    package = folder / "node_modules" / "perftui"
    package.mkdir(parents=True)
    subprocess.run(
        ["tar", "-xzf", folder / packed, "-C", package, "--strip-components=1"], check=True
    )
    (folder / "package.json").write_text('{"type": "module"}')
    return folder


def compile_strictly(
    folder: Path, source: str, resolution: str
) -> subprocess.CompletedProcess[str]:
    (folder / "consumer.ts").write_text(source)
    options = {
        "target": "ES2022",
        "module": "ESNext" if resolution == "bundler" else "NodeNext",
        "moduleResolution": resolution,
        "lib": ["ES2023", "DOM"],
        "types": [],
        "strict": True,
        "exactOptionalPropertyTypes": True,
        "noEmit": True,
    }
    (folder / "tsconfig.json").write_text(
        json.dumps({"compilerOptions": options, "files": ["consumer.ts"]})
    )
    return subprocess.run(
        ["node", SDK / "node_modules/typescript/bin/tsc", "--project", folder],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.node
@pytest.mark.parametrize("resolution", ["bundler", "nodenext"])
def test_a_strict_consumer_of_the_package_compiles(consumer: Path, resolution: str) -> None:
    done = compile_strictly(consumer, CONSUMER, resolution)
    assert done.returncode == 0, done.stdout


@pytest.mark.node
def test_the_types_tell_of_a_wrong_option(consumer: Path) -> None:
    done = compile_strictly(consumer, CONSUMER.replace("'/batch'", "8137"), "bundler")
    assert "Type 'number' is not assignable to type 'string'" in done.stdout


@pytest.mark.node
def test_the_package_is_its_modules_and_their_types(consumer: Path) -> None:
    package = consumer / "node_modules" / "perftui"
    files = {str(path.relative_to(package)) for path in package.rglob("*") if path.is_file()}
    assert files == {
        "package.json",
        "dist/perftui.js",
        "dist/perftui.mjs",
        "dist/perftui.d.mts",
        "dist/perftui-detail.js",
        "dist/perftui-detail.mjs",
        "dist/perftui-detail.d.mts",
    }
    told = json.loads((package / "package.json").read_text())
    assert not told.get("dependencies")
    assert told["exports"]["."]["types"] == "./dist/perftui.d.mts"
