"""Reading blocks from one endpoint, and writing what a command says (`device_adapters.commands`). Polls only read."""

import asyncio
import struct
from collections.abc import Mapping
from dataclasses import dataclass

from device_adapters.modbus.address import Endpoint, Framing
from device_adapters.modbus.plan import Block
from device_adapters.modbus.registers import Table
from device_adapters.modbus.wire import NoAnswer, Wire
from device_adapters.modbus.writing import WriteRequest


class EndpointUnreachable(Exception):
    """No connection: nobody behind this endpoint can be asked."""


class UnitSilent(Exception):
    """The unit gave no answer, a late one or a wrong one."""


@dataclass
class UnitRefused(Exception):
    """The unit answered with a Modbus exception."""

    code: int

    @property
    def is_certain(self) -> bool:
        """Whether nothing was done: not where it failed while doing it (4), nor where it is still at it (5)."""
        return self.code not in _HALF_DONE_CODES


_HALF_DONE_CODES = frozenset({0x04, 0x05})

# Modbus application protocol V1.1b3, 6.1 to 6.4: read coils, discrete inputs, holding registers, input registers.
FUNCTIONS: Mapping[Table, int] = {Table.COIL: 1, Table.DISCRETE: 2, Table.HOLDING: 3, Table.INPUT: 4}
_REFUSED = 0x80
_QUESTION = struct.Struct("!BHH")

# A gateway says so on behalf of a device that does not answer it (paths unavailable, target failed to respond).
_GATEWAY_CODES = frozenset({0x0A, 0x0B})


class EndpointClient:
    """Connects when first asked; `close` at the end. After an answer that is late or wrong the socket is a new one."""

    def __init__(self, endpoint: Endpoint, *, timeout_s: float, connect_timeout_s: float) -> None:
        self._endpoint = endpoint
        self._timeout_s = timeout_s
        self._connect_timeout_s = connect_timeout_s
        self._wire: Wire | None = None

    async def connect(self) -> None:
        """Raises EndpointUnreachable."""
        if self._wire is not None and self._wire.is_open:
            return
        self.close()
        endpoint = self._endpoint
        try:
            async with asyncio.timeout(self._connect_timeout_s):
                self._wire = await Wire.opened(
                    endpoint.host, endpoint.port, is_rtu=endpoint.framing is Framing.RTU
                )  # fmt: skip
        except (TimeoutError, OSError) as error:
            raise EndpointUnreachable(f"{endpoint}: {error!r}") from None

    async def read(self, block: Block, *, unit: int) -> bytes:
        """The block's registers as they came, high byte first, or its bits, eight a byte, the lowest first.

        Raises UnitSilent or UnitRefused; `connect` comes first.
        """
        function = FUNCTIONS[block.table]
        answer = await self._asked(unit, _QUESTION.pack(function, block.address, block.count))
        size = (block.count + 7) // 8 if block.table.is_bits else 2 * block.count
        if answer[0] != function or len(answer) != 2 + size or answer[1] != size:
            self.close()
            raise UnitSilent(f"{self._endpoint} unit {unit}: {len(answer) - 2} bytes for {block.count} values")
        return answer[2:]

    async def write(self, request: WriteRequest, *, unit: int) -> None:
        """Returns when the device has said that it did it.

        Raises UnitSilent (it may have done it all the same) or UnitRefused (see `UnitRefused.is_certain`); `connect`
        comes first.
        """
        answer = await self._asked(unit, request.question)
        if answer != request.echo:
            self.close()
            raise UnitSilent(f"{self._endpoint} unit {unit}: another echo than what was written")

    async def _asked(self, unit: int, question: bytes) -> bytes:
        assert self._wire is not None
        try:
            answer = await self._wire.ask(unit, question, timeout_s=self._timeout_s)
        except NoAnswer as error:
            self.close()
            raise UnitSilent(f"{self._endpoint} unit {unit}: {error}") from None
        if len(answer) == 2 and answer[0] == question[0] | _REFUSED:
            if answer[1] in _GATEWAY_CODES:
                raise UnitSilent(f"{self._endpoint} unit {unit}: the gateway gets no answer")
            raise UnitRefused(answer[1])
        return answer

    def close(self) -> None:
        if self._wire is not None:
            self._wire.close()
            self._wire = None
