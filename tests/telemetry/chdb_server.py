"""ClickHouse's own engine (`chdb`) behind ClickHouse's HTTP interface, as far as `clickhouse-connect` uses it.

A process of its own, so that it can be killed, and because the engine lives once a process:
`python -m tests.telemetry.chdb_server FOLDER PORT`.
"""

import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx

from kit.supervision.ports import free_port
from tests.conftest import LIVENESS_S

ROOT = Path(__file__).parents[2]
HOST = "127.0.0.1"
# Of HTTP itself; everything else in a request's parameters is a setting of its query.
HTTP_PARAMETERS = frozenset(
    [
        "query",
        "database",
        "default_format",
        "session_id",
        "session_timeout",
        "session_check",
        "query_id",
        "role",
        "wait_end_of_query",
        "enable_http_compression",
        "send_progress_in_http_headers",
        "http_headers_progress_interval_ms",
        "client_protocol_version",
        "compress",
        "decompress",
    ]
)


@dataclass
class ChdbServer:
    """`stop`, `kill` and `start` as often as you like: the data stays."""

    home: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def url(self, database: str) -> str:
        return f"clickhouse://{HOST}:{self.port}/{database}"

    def start(self) -> None:
        command = [sys.executable, "-m", "tests.telemetry.chdb_server", str(self.home / "data"), str(self.port)]
        with (self.home / "log").open("ab") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
        end = time.monotonic() + LIVENESS_S
        while time.monotonic() < end:
            assert self.process.poll() is None, (self.home / "log").read_text()
            try:
                httpx.get(f"http://{HOST}:{self.port}/ping", trust_env=False)
                return
            except httpx.TransportError:
                time.sleep(0.05)
        raise AssertionError("chdb did not start")

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(LIVENESS_S)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(LIVENESS_S)


class Engine:
    """One query at a time."""

    def __init__(self, folder: Path) -> None:
        import chdb

        connect: Any = chdb.connect  # untyped
        self._connection = connect(f"file:{folder}")
        self._turn = threading.Lock()

    def run(self, sql: str, data: bytes, *, settings: dict[str, str], output: str) -> bytes:
        """The answer in `output`, or in the format the query names. Raises RuntimeError in ClickHouse's words."""
        with self._turn:
            try:
                for name, value in settings.items():
                    self._connection.query(f"SET {name} = '{value}'")
                return self._run(sql, data, output)
            finally:
                for name in settings:
                    self._connection.query(f"SET {name} = DEFAULT")

    def _run(self, sql: str, data: bytes, output: str) -> bytes:
        if not data:
            return bytes(self._connection.query(sql, output).bytes() or b"")
        with tempfile.NamedTemporaryFile() as file:
            file.write(data)
            file.flush()
            insert, _, form = sql.rpartition(" FORMAT ")
            return bytes(self._connection.query(f"{insert} FROM INFILE '{file.name}' FORMAT {form}", output).bytes())


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    engine: Engine

    def do_GET(self) -> None:
        self._answer(200, b"Ok.\n")

    def do_POST(self) -> None:
        parameters = dict(parse_qsl(urlsplit(self.path).query))
        body = self._body()
        named = parameters.get("query")
        sql, data = (named, body) if named else (body.decode(), b"")
        settings = {name: value for name, value in parameters.items() if name not in HTTP_PARAMETERS}
        try:
            output = parameters.get("default_format", "TabSeparated")
            self._answer(200, self.engine.run(sql, data, settings=settings, output=output))
        except RuntimeError as error:
            words = str(error)
            code = words.partition("Code: ")[2].partition(".")[0]
            self._answer(500, words.encode(), **{"X-ClickHouse-Exception-Code": code})

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _answer(self, status: int, content: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None: ...


def main(folder: Path, port: int) -> None:
    Handler.engine = Engine(folder)
    ThreadingHTTPServer((HOST, port), Handler).serve_forever()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
