"""``perftui serve --workers``: several processes at one port, before Kafka."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psutil
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from perftui_server.siblings import added_up

from perftui.cli import cli
from tests.export.kafka_cluster import TOPIC, Cluster
from tests.faults.load import CaptureProcess, Clients

WORKERS = 3


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    cluster = Cluster()
    yield cluster
    cluster.stop()


@pytest.fixture
def server(cluster: Cluster, tmp_path: Path) -> Iterator[CaptureProcess]:
    server = CaptureProcess(
        tmp_path / "none.db",
        *("--workers", str(WORKERS), "--sink", f"kafka://{cluster.brokers}/{TOPIC}"),
    )
    yield server
    if server.process.poll() is None:
        server.kill()


def workers(server: CaptureProcess) -> list[psutil.Process]:
    return psutil.Process(server.process.pid).children()


def metrics(port: int) -> dict[str, float]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as answer:
        text = answer.read().decode()
    return {name: float(value) for name, value in re.findall(r"^(\w\S*) (\S+)$", text, re.M)}


async def until_all_answer(port: int) -> dict[str, float]:
    """The metrics of all workers, once all have started."""
    deadline = time.monotonic() + 60
    while True:
        told = await asyncio.to_thread(metrics, port)
        if told["perftui_workers"] == WORKERS:
            return told
        assert time.monotonic() < deadline
        await asyncio.sleep(0.1)


@pytest.mark.kafka
async def test_workers_share_the_port_and_tell_one_sum(
    server: CaptureProcess, cluster: Cluster
) -> None:
    await until_all_answer(server.port)
    clients = Clients()
    await clients.send(server.port, connections=24, batches=400)
    assert clients.statuses == Counter({200: 400})
    for _ in range(4):  # whichever worker answers
        told = await until_all_answer(server.port)
        assert told["perftui_batches_total"] == 400
        assert told['perftui_entries_total{type="resource"}'] == 1200
        assert told["perftui_kafka_delivered_messages_total"] == 1200
        assert told["perftui_commit_seconds_count"] == 400
    assert server.end() == 0
    messages = await asyncio.to_thread(cluster.consume, 1200)
    names = Counter(msgspec.json.decode(value)["name"] for _, value in messages)
    assert names == Counter(dict.fromkeys(clients.acknowledged, 1))


@pytest.mark.kafka
async def test_a_worker_that_dies_is_replaced_and_all_go_with_the_one_that_watches(
    server: CaptureProcess,
) -> None:
    await until_all_answer(server.port)
    first = {process.pid for process in workers(server)}
    assert len(first) == WORKERS
    victim = min(first)
    begun = psutil.Process(victim).create_time()
    # One that ends sooner is taken for one that cannot start.
    while time.time() - begun < 2.5:
        await asyncio.sleep(0.05)
    os.kill(victim, signal.SIGKILL)
    while victim in {process.pid for process in workers(server)}:
        await asyncio.sleep(0.02)
    await until_all_answer(server.port)
    now = workers(server)
    assert len(now) == WORKERS
    assert len(first & {process.pid for process in now}) == WORKERS - 1
    assert "another one takes its place" in server.log
    clients = Clients()
    await clients.send(server.port, batches=30)
    assert clients.statuses == Counter({200: 30})
    server.kill()
    gone, alive = await asyncio.to_thread(psutil.wait_procs, now, timeout=30)
    assert alive == []
    assert len(gone) == WORKERS


def test_workers_that_cannot_start_say_why_and_end(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "perftui", "--db", str(tmp_path / "none.db"), "serve"),
            *("--port", "0", "--workers", "2", "--sink", "http://127.0.0.1:1"),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "cannot be reached" in done.stderr


@pytest.mark.parametrize("sink", ["sqlite", "chdb:///tmp/x", "sqlite,kafka://b:9092/t"])
def test_what_one_process_writes_has_one_worker(sink: str, tmp_path: Path) -> None:
    done = CliRunner().invoke(
        cli,
        ["--db", str(tmp_path / "s.db"), "serve", "--port", "0", "--workers", "2", "--sink", sink],
    )
    assert done.exit_code != 0
    assert "written by one process" in f"{done.exception}{done.output}"


@given(st.lists(st.dictionaries(st.sampled_from("abc"), st.integers(0, 2**40)), min_size=1))
def test_sums_are_of_each_sample(parts: list[dict[str, int]]) -> None:
    texts = [
        "# HELP perftui_x X.\n# TYPE perftui_x counter\n"
        + "".join(f'perftui_x{{type="{key} {{"}} {value}\n' for key, value in part.items())
        for part in parts
    ]
    lines = added_up(texts).splitlines()
    assert lines[:2] == ["# HELP perftui_x X.", "# TYPE perftui_x counter"]
    sums: Counter[str] = Counter()
    for part in parts:
        sums.update(part)
    assert {line.split('"')[1].split()[0]: int(line.split()[-1]) for line in lines[2:]} == dict(
        sums
    ) | {key: 0 for part in parts for key, value in part.items() if not sums[key]}


def test_a_sink_that_there_is_none_of_is_said_without_its_password(tmp_path: Path) -> None:
    sink = "clickhause://me:secret@host:8123/web"
    done = CliRunner().invoke(
        cli, ["--db", str(tmp_path / "s.db"), "serve", "--port", "0", "--sink", sink]
    )
    assert done.exit_code != 0
    assert "there is no sink 'clickhause://host:8123/web'" in f"{done.exception}{done.output}"
    assert "secret" not in f"{done.exception}{done.output}"
