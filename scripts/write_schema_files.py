"""Write the pinned copies of the production schema that the compose stack applies.

``server/clickhouse/*.sql`` come from ``perftui.export.clickhouse_schema``; a test holds them to it.
"""

from __future__ import annotations

from pathlib import Path

from perftui.export.clickhouse_schema import clickhouse_schema, kafka_schema, script

SERVER = Path(__file__).resolve().parent.parent / "server"

FILES = {
    "clickhouse/01_performance_entries.sql": (
        "-- The production tables on one server; `perftui schema clickhouse` prints them, and with\n"
        "-- --cluster NAME those of a cluster. Generated: run scripts/write_schema_files.py.\n\n"
        + script(clickhouse_schema())
    ),
    "clickhouse/02_kafka_queue.sql": (
        "-- What reads Kafka's topic into performance_entries; `perftui schema kafka` prints it.\n"
        "-- Generated: run scripts/write_schema_files.py.\n\n" + script(kafka_schema())
    ),
}


def main() -> None:
    """Write them."""
    for name, text in FILES.items():
        (SERVER / name).write_text(text, encoding="utf-8")
        print(f"wrote server/{name}")


if __name__ == "__main__":
    main()
