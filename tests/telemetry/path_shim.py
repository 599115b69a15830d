"""InfluxDB 1.6 has no `/api/v2/write`: this gives it one, by path alone, so that the client's own requests reach it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import httpx

HOST = "127.0.0.1"


@contextmanager
def v2_writes_to(server: str) -> Iterator[int]:
    """The port of a server that hands `/api/v2/write` to `/write` of `server`, and everything else as it came."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            asked = urlsplit(self.path)
            body = self.rfile.read(int(self.headers["Content-Length"]))
            path, query = asked.path, asked.query
            if path == "/api/v2/write":
                wanted = parse_qs(query)
                path, query = "/write", f"db={wanted['bucket'][0]}&precision={wanted['precision'][0]}"
            kept = {name: value for name, value in self.headers.items() if name.startswith(("Content-", "Accept"))}
            answer = httpx.post(f"{server}{path}?{query}", content=body, headers=kept, trust_env=False)
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
