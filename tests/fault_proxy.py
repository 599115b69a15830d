"""A TCP proxy that does to a connection what networks do: delay, throttle, hold back, cut, or keep silent for ever."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

CHUNK_BYTES = 16 * 1024


@dataclass
class Direction:
    """What happens to bytes one way; changed at any time. Bytes that are held come on when they no longer are."""

    delay_s: float = 0.0
    bytes_per_s: float = float("inf")
    is_held: bool = False


@dataclass
class FaultProxy:
    """Listens on `port`. `up` is towards the server, `down` back to the client."""

    target: int
    port: int = 0
    up: Direction = field(default_factory=Direction)
    down: Direction = field(default_factory=Direction)
    connections: int = 0
    _clients: set[asyncio.StreamWriter] = field(default_factory=set)
    _servers: set[asyncio.StreamWriter] = field(default_factory=set)
    _orphans: set[asyncio.StreamWriter] = field(default_factory=set)

    def hold(self) -> None:
        """A partition: nothing passes, nobody is told."""
        self.up.is_held = self.down.is_held = True

    def release(self) -> None:
        self.up.is_held = self.down.is_held = False

    def reset(self) -> None:
        """Both ends get RST, as from a firewall that forgot the connection or a peer that was switched off."""
        for writer in (*self._clients, *self._servers):
            _reset(writer)

    def forget(self) -> None:
        """Half-open: the server's end is gone, the client's stays, and nobody will ever answer there."""
        self._orphans |= self._clients
        self._clients.clear()
        for writer in list(self._servers):
            _reset(writer)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            _reset(writer)
            return
        self._clients.add(writer)
        self._servers.add(server_writer)
        up = asyncio.create_task(_carry(reader, server_writer, self.up))
        down = asyncio.create_task(_carry(server_reader, writer, self.down))
        await asyncio.wait((up, down), return_when=asyncio.FIRST_COMPLETED)
        self._servers.discard(server_writer)
        server_writer.close()
        for way in (up, down):
            way.cancel()
        if writer not in self._orphans:
            self._clients.discard(writer)
            writer.close()

    def close(self) -> None:
        for writer in (*self._clients, *self._servers, *self._orphans):
            _reset(writer)


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: Direction) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(CHUNK_BYTES):
            while way.is_held:
                await asyncio.sleep(0.01)
            await asyncio.sleep(way.delay_s + len(data) / way.bytes_per_s)
            writer.write(data)
            await writer.drain()


def _reset(writer: asyncio.StreamWriter) -> None:
    """Closes with RST instead of FIN."""
    with contextlib.suppress(OSError):
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    if writer.transport is not None:
        writer.transport.abort()


@asynccontextmanager
async def fault_proxy(target: int, *, host: str = "127.0.0.1") -> AsyncIterator[FaultProxy]:
    """In front of whatever listens on that loopback port; itself it listens on `host`."""
    proxy = FaultProxy(target)
    server = await asyncio.start_server(proxy.serve, host, 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        proxy.close()
