"""InfluxDB 1.6 has no `/api/v2/write` and no `/api/v2/delete`: this gives it both, so that the client's own requests
reach it. Writes differ in their path alone; a delete is said in InfluxQL."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx

HOST = "127.0.0.1"


@contextmanager
def v2_writes_to(server: str) -> Iterator[int]:
    """The port of a server that hands v2's writes and deletes to `server` as v1's, and everything else as it came."""
    client = httpx.Client(base_url=server, trust_env=False)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            asked = urlsplit(self.path)
            body = self.rfile.read(int(self.headers["Content-Length"]))
            path, query = asked.path, asked.query
            kept = {name: value for name, value in self.headers.items() if name.startswith(("Content-", "Accept"))}
            if path == "/api/v2/write":
                wanted = parse_qs(query)
                path, query = "/write", f"db={wanted['bucket'][0]}&precision={wanted['precision'][0]}"
            if path == "/api/v2/delete":
                path, query, body, kept = "/query", _deletion(parse_qs(query)["bucket"][0], body), b"", {}
            answer = client.post(f"{path}?{query}", content=body, headers=kept)
            self.send_response(answer.status_code)
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, *_: object) -> None: ...

    shim = ThreadingHTTPServer((HOST, 0), Handler)
    thread = threading.Thread(target=shim.serve_forever, name="path shim")
    thread.start()
    try:
        yield shim.server_address[1]
    finally:
        shim.shutdown()
        thread.join()
        shim.server_close()
        client.close()


def _deletion(bucket: str, body: bytes) -> str:
    """What a v2 delete asks for, as v1's `/query` takes it. Its one predicate is that of the hub."""
    wanted = json.loads(body)
    name, _, measurement = wanted["predicate"].partition("=")
    assert name == "_measurement", wanted
    statement = f"DELETE FROM {measurement} WHERE time >= '{wanted['start']}' AND time < '{wanted['stop']}'"
    return urlencode({"db": bucket, "q": statement})
