"""ClickHouse's HTTP protocol over the embedded engine, with faults to order, in its own process.

``python -m tests.export.clickhouse_front FOLDER`` prints its port. Statements, parameters,
settings, compression both ways, credentials and errors go as a server has them
(https://clickhouse.com/docs/interfaces/http), so that the client's whole way through sockets is
what runs.

``POST /faults`` takes a JSON list: what happens to the inserts that follow, one after the other.
``GET /faults`` answers what is left of it.
"""

from __future__ import annotations

import base64
import json
import os
import re
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from enum import StrEnum
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit


class Fault(StrEnum):
    """What becomes of an insert."""

    NONE = "none"
    UNAVAILABLE = "503 from a proxy, nothing inserted"
    BUSY = "error 252, nothing inserted"
    DISK_FULL = "error 243, nothing inserted"
    DROPPED_BEFORE = "connection reset, nothing inserted"
    DROPPED_AFTER = "connection reset, all inserted"
    SLOW = "all inserted, answered two seconds late"


_INSERT = re.compile(r"\s*INSERT INTO (.+?) FORMAT (\w+)\s*$", re.IGNORECASE | re.DOTALL)
_TRANSPORT = frozenset(
    {
        "query",
        "query_id",
        "session_id",
        "database",
        "compress",
        "decompress",
        "client_protocol_version",
    }
    | {"wait_end_of_query", "enable_http_compression", "send_progress_in_http_headers"}
    | {"http_headers_progress_interval_ms", "role", "user", "password", "buffer_size"}
)


class Engine:
    """The embedded engine; one statement after the other, as its connection needs it."""

    def __init__(self, folder: str) -> None:
        import chdb

        connect: Any = chdb.connect
        self._connection = connect(folder)
        self._lock = threading.Lock()
        self.faults: list[Fault] = []

    def query(self, sql: str, settings: dict[str, str], parameters: dict[str, str]) -> bytes:
        with self._lock:
            for name, value in settings.items():
                self._connection.query(f"SET {name} = '{value}'")
            return bytes(
                self._connection.query(sql, "TabSeparated", params=parameters).bytes() or b""
            )

    def has_database(self, name: str) -> bool:
        found = self.query(
            "SELECT count() FROM system.databases WHERE name = {name:String}", {}, {"name": name}
        )
        return found.strip() == b"1"

    def insert(self, into: str, form: str, data: bytes, settings: dict[str, str]) -> None:
        told = ", ".join(f"{name} = '{value}'" for name, value in settings.items())
        with tempfile.NamedTemporaryFile(suffix=".insert") as file:
            file.write(data)
            file.flush()
            with self._lock:
                self._connection.query(
                    f"INSERT INTO {into} FROM INFILE '{file.name}'"
                    f"{f' SETTINGS {told}' if told else ''} FORMAT {form}"
                )


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    engine: Engine
    password = os.environ.get("FRONT_PASSWORD", "")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Silent."""

    def do_GET(self) -> None:
        """``/ping``, and the faults that are left."""
        if self.path == "/faults":
            self._answer(200, json.dumps(self.engine.faults).encode())
        else:
            self._answer(200, b"Ok.\n")

    def do_POST(self) -> None:
        """A statement."""
        body = self._body()
        if self.path == "/faults":
            self.engine.faults[:] = [Fault(text) for text in json.loads(body)]
            self._answer(200, b"")
            return
        if not self._may_enter():
            self._fail(516, "default: Authentication failed: password is incorrect", 403)
            return
        told = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
        sql = told.get("query", "")
        if not sql or (sql.upper().startswith("INSERT") and not _INSERT.match(sql)):
            first, _, rest = body.partition(b"\n")
            sql, body = (
                (first.decode(), rest)
                if _INSERT.match(first.decode(errors="replace"))
                else (sql + body.decode(), b"")
            )
        parameters = {name[6:]: value for name, value in told.items() if name.startswith("param_")}
        settings = {
            name: value
            for name, value in told.items()
            if name not in _TRANSPORT and not name.startswith("param_")
        }
        if not self.engine.has_database(told.get("database", "default")):
            self._fail(81, f"Database {told['database']} does not exist", 404)
            return
        if match := _INSERT.match(sql):
            self._insert(match[1], match[2], body, settings)
            return
        try:
            answer = self.engine.query(sql, settings, parameters)
        except RuntimeError as error:
            self._fail(_code(error), str(error), 404 if _code(error) in {60, 81} else 500)
        else:
            self._answer(200, answer)

    def _insert(self, into: str, form: str, data: bytes, settings: dict[str, str]) -> None:
        fault = self.engine.faults.pop(0) if self.engine.faults else Fault.NONE
        match fault:
            case Fault.UNAVAILABLE:
                self._answer(503, b"<html><h1>503 Service Unavailable</h1></html>")
                return
            case Fault.BUSY:
                self._fail(
                    252, "Too many parts (300). Merges are processing slower than inserts", 500
                )
                return
            case Fault.DISK_FULL:
                self._fail(243, "Cannot reserve 1.00 MiB, not enough space", 500)
                return
            case Fault.DROPPED_BEFORE:
                self._reset()
                return
        try:
            self.engine.insert(into, form, data, settings)
        except RuntimeError as error:
            self._fail(_code(error), str(error), 500)
            return
        if fault is Fault.DROPPED_AFTER:
            self._reset()
            return
        if fault is Fault.SLOW:
            time.sleep(2)
        self._answer(200, b"")

    def _may_enter(self) -> bool:
        kind, _, told = self.headers.get("Authorization", "").partition(" ")
        given = base64.b64decode(told).decode().partition(":")[2] if kind == "Basic" else ""
        return not self.password or self.password in {
            given,
            self.headers.get("X-ClickHouse-Key", ""),
        }

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "") == "chunked":
            parts: list[bytes] = []
            while size := int(self.rfile.readline(), 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            data = b"".join(parts)
        else:
            data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        match self.headers.get("Content-Encoding"):
            case "lz4":
                import lz4.frame

                # Each block of an insert may be a frame of its own.
                out: list[bytes] = []
                while data:
                    frame = lz4.frame.LZ4FrameDecompressor()
                    out.append(frame.decompress(data))
                    data = frame.unused_data or b""
                return b"".join(out)
            case None | "identity":
                return data
            case other:
                raise ValueError(f"compressed by {other}")

    def _answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        if "lz4" in self.headers.get("Accept-Encoding", "") and body and status == 200:
            import lz4.frame

            body = lz4.frame.compress(body)
            self.send_header("Content-Encoding", "lz4")
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("X-ClickHouse-Timezone", "UTC")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _fail(self, code: int, text: str, status: int) -> None:
        if not text.startswith("Code:"):
            text = f"Code: {code}. DB::Exception: {text}"
        self._answer(status, text.encode(), **{"X-ClickHouse-Exception-Code": str(code)})

    def _reset(self) -> None:
        """End the connection with RST: what the client sees when a server dies."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        # The handler would flush into what is closed.
        self.wfile = open(os.devnull, "wb")  # noqa: SIM115, PTH123


def _code(error: BaseException) -> int:
    match = re.search(r"Code: (\d+)", str(error))
    return int(match[1]) if match else 1000


class Front:
    """The front in a process of its own, as tests use it.

    Args:
        folder: of the engine; what is in it stays when the front ends.
        password: what it asks for; nothing where empty.
    """

    def __init__(self, folder: Path, password: str = "") -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.export.clickhouse_front", str(folder)],
            env={**os.environ, "FRONT_PASSWORD": password},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())
        self.dsn = f"http://127.0.0.1:{self.port}"

    def order(self, *faults: Fault) -> None:
        """What happens to the next inserts."""
        assert self._ask("POST", json.dumps(faults)) == b""

    def left(self) -> list[Any]:
        """The faults that no insert has met yet."""
        return list(json.loads(self._ask("GET")))

    def _ask(self, method: str, body: str | None = None) -> bytes:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, "/faults", body)
            return connection.getresponse().read()
        finally:
            connection.close()

    def stop(self) -> None:
        """End it, and wait until it has let go of the folder."""
        self._process.communicate("")


def main() -> None:
    """Serve until standard input ends."""
    Handler.engine = Engine(sys.argv[1])
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(f"{server.server_address[1]}\n")
    sys.stdout.flush()
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
