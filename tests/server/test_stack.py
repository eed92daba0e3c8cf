"""The production files: pinned to what prints them, and of the shape that their engines expect."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import msgspec
import pytest
import yaml
from compose_spec import PyCompose

from perftui.export.clickhouse import ClickHouse, ensure_schema, parse_target
from perftui.export.clickhouse_schema import SchemaOptions
from perftui.export.columns import batch_messages
from perftui.model import Entry
from scripts.write_schema_files import FILES
from tests.export.conftest import made_batches
from tests.export.kafka_cluster import TOPIC, Cluster

SERVER = Path(__file__).resolve().parents[2] / "server"


@pytest.mark.parametrize("name", FILES)
def test_the_pinned_sql_is_what_the_schema_prints(name: str) -> None:
    assert (SERVER / name).read_text(encoding="utf-8") == FILES[name]


def test_the_compose_file_holds_together() -> None:
    stack = yaml.safe_load((SERVER / "compose.yaml").read_text(encoding="utf-8"))
    services = stack["services"]
    assert set(services) == {"capture", "kafka", "clickhouse", "grafana"}
    for service in services.values():
        for other, condition in service.get("depends_on", {}).items():
            assert other in services
            assert condition["condition"] == "service_healthy"
            assert "healthcheck" in services[other]
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            assert source in stack["volumes"] or (SERVER / source).exists()
        for port in service.get("ports", []):
            host = port["host_ip"] if isinstance(port, dict) else port.partition(":")[0]
            assert host == "127.0.0.1", "loopback unless somebody says otherwise"


def test_the_image_copies_what_there_is_and_does_not_run_as_root() -> None:
    lines = (SERVER / "Dockerfile").read_text(encoding="utf-8").splitlines()
    for line in lines:
        if match := re.fullmatch(r"COPY (?!--from)(.+) \S+", line):
            for source in match[1].split():
                assert (SERVER.parent / source).exists(), source
    assert "USER 10001" in lines
    assert any(line.startswith("HEALTHCHECK") for line in lines)


@pytest.mark.chdb
def test_the_dashboard_s_queries_run_and_find_something(tmp_path: Path) -> None:
    board = json.loads((SERVER / "grafana/dashboards/perftui.json").read_text(encoding="utf-8"))
    engine = ClickHouse(parse_target(f"chdb://{tmp_path}/clickhouse"))
    try:
        ensure_schema(engine, SchemaOptions(ttl_days=36_500))
        navigation = Entry(
            entry_type="navigation",
            name="https://shop.test/orders/1",
            start_us=0,
            duration_us=900_000,
            response_start_us=120_000,
        )
        for batch in made_batches(60):
            if batch.entries:
                batch = msgspec.structs.replace(batch, entries=[navigation, *batch.entries])
            engine.insert_json(b"\n".join(batch_messages(batch)), token=batch.key.hex())
        queries = [target["rawSql"] for panel in board["panels"] for target in panel["targets"]]
        assert len(queries) >= 6
        for query in queries:
            # What Grafana's data source puts in for the time range that is shown.
            sql = re.sub(r"\$__timeFilter\((\w+)\)", r"\1 >= toDateTime('2020-01-01')", query)
            rows = engine.rows(sql)
            assert rows, query
            assert all(value == value for row in rows for value in row), query
    finally:
        engine.close()


def test_the_compose_file_is_what_the_specification_allows() -> None:
    text = (SERVER / "compose.yaml").read_text(encoding="utf-8")
    stack = PyCompose.from_yaml(text)
    stack.validate()
    assert sorted(stack.service_names()) == ["capture", "clickhouse", "grafana", "kafka"]
    for right, wrong in (
        ("    healthcheck:", "    helthcheck:"),
        ("service_healthy", "service_heathy"),
        ("unless-stopped", "unless-stoped"),
    ):
        assert right in text
        with pytest.raises(ValueError, match=r"services\."):
            PyCompose.from_yaml(text.replace(right, wrong))


def test_the_dockerfile_passes_its_linter() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    if not hadolint.exists():
        pytest.skip("hadolint is not installed (Linux on x86-64 only)")
    done = subprocess.run(
        [str(hadolint), "--no-color", str(SERVER / "Dockerfile")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")


def instructions(name: str) -> list[str]:
    """What follows an instruction of the Dockerfile's last stage, each as one line."""
    text = (SERVER / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    stage = text[text.rindex("\nFROM ") :]
    return [
        line.removeprefix(f"{name} ").strip()
        for line in stage.splitlines()
        if line.startswith(f"{name} ")
    ]


def environment(port: int, sink: str) -> dict[str, str]:
    """What the container's process sees: the image's ENV, and the compose file's over it."""
    found = dict(pair.split("=", 1) for line in instructions("ENV") for pair in line.split())
    stack = yaml.safe_load((SERVER / "compose.yaml").read_text(encoding="utf-8"))
    for name, value in stack["services"]["capture"]["environment"].items():
        # ${NAME:-default} and ${NAME:?message}
        found[name] = re.sub(r"\$\{(\w+):(?:-([^}]*)|\?[^}]*)\}", r"\2", value)
    return {
        **found,
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "PERFTUI_SERVER_PORT": str(port),
        "PERFTUI_SERVER_KEY": "secret-of-the-test",
        "PERFTUI_SINK": sink,
    }


@pytest.mark.kafka
def test_the_container_s_command_serves_and_ends_in_order(tmp_path: Path) -> None:
    cluster = Cluster()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    seen = environment(port, f"kafka://{cluster.brokers}/{TOPIC}")
    (command,) = (json.loads(line) for line in instructions("CMD") if line.startswith("["))
    # There is no home in the container, and its file system is read-only.
    process = subprocess.Popen(
        command, env=seen, cwd="/", stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert f":{port}" in process.stdout.readline()
        (health,) = re.findall(r"CMD (\[.*\])", instructions("HEALTHCHECK")[0])
        check = [part.replace(":8137/", f":{port}/") for part in json.loads(health)]
        subprocess.run(check, env=seen, check=True, timeout=20)
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/batch?key={seen['PERFTUI_SERVER_KEY']}",
            data=json.dumps(
                {
                    "sessionId": "s",
                    "pageViewId": "p",
                    "entries": [{"entryType": "mark", "name": "m", "startTime": 1}],
                }
            ).encode(),
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            assert answer.status == 200
        (signal_name,) = instructions("STOPSIGNAL")
        process.send_signal(getattr(signal, signal_name))
        _, errors = process.communicate(timeout=30)
        assert (process.returncode, errors) == (0, "")
        ((key, value),) = cluster.consume(1)
        assert key == b"s"
        assert json.loads(value)["name"] == "m"
    finally:
        process.kill()
        process.communicate()
        cluster.stop()
