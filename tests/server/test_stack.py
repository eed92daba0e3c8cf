"""The production files: pinned to what prints them, and of the shape that their engines expect."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from scripts.write_schema_files import FILES

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
            assert port.startswith("127.0.0.1:"), "loopback unless somebody says otherwise"


def test_the_image_copies_what_there_is_and_does_not_run_as_root() -> None:
    lines = (SERVER / "Dockerfile").read_text(encoding="utf-8").splitlines()
    for line in lines:
        if match := re.fullmatch(r"COPY (?!--from)(.+) \S+", line):
            for source in match[1].split():
                assert (SERVER.parent / source).exists(), source
    assert "USER perftui" in lines
    assert any(line.startswith("HEALTHCHECK") for line in lines)


def test_the_dashboard_asks_tables_that_there_are() -> None:
    board = json.loads((SERVER / "grafana/dashboards/perftui.json").read_text(encoding="utf-8"))
    schema = "".join(FILES.values())
    for panel in board["panels"]:
        for target in panel["targets"]:
            for table in re.findall(r"FROM (performance_\w+)", target["rawSql"]):
                assert table in schema
