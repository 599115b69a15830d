"""A real HTTP server for webhooks, which answers as it is told and keeps what came."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

HANG = "hang"
HANG_UP = ""


@dataclass(frozen=True)
class Received:
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """`answers`: what is said to the next requests, whole responses, HANG or HANG_UP; afterwards 200."""

    port: int = 0
    answers: list[str] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hooks?site=1"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            request, *lines = head.split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines if line)}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            self.received.append(Received(request.split(" ")[1], headers, body))
            answer = self.answers.pop(0) if self.answers else response("200 OK")
            if answer == HANG:
                await reader.read()
            else:
                writer.write(answer.encode())
                await writer.drain()
        finally:
            writer.close()


def response(status: str, *, body: str = "", **headers: str) -> str:
    lines = [f"HTTP/1.1 {status}", f"content-length: {len(body.encode())}", "connection: close"]
    return "\r\n".join([*lines, *(f"{name}: {value}" for name, value in headers.items()), "", body])


@asynccontextmanager
async def receiving(tls: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    receiver = Receiver()
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0, ssl=tls)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
