"""One socket to a device or gateway, through pymodbus. Reads only.

`retries=0`, and the socket is closed after every answer that is late or makes no sense: a late answer left in the
socket would be taken for the answer to the next question.
"""

import asyncio
from dataclasses import dataclass
from typing import Any, assert_never

from pymodbus import FramerType
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException

from device_adapters.modbus.address import Endpoint, Framing
from device_adapters.modbus.plan import Block
from device_adapters.modbus.registers import Table


class EndpointUnreachable(Exception):
    """No connection: nobody behind this endpoint can be asked."""


class UnitSilent(Exception):
    """The unit gave no answer, a late one or a wrong one."""


@dataclass
class UnitRefused(Exception):
    """The unit answered with a Modbus exception."""

    code: int


# A gateway says so on behalf of a device that does not answer it (paths unavailable, target failed to respond).
_GATEWAY_CODES = frozenset({0x0A, 0x0B})

FUNCTIONS = {Table.COIL: 1, Table.DISCRETE: 2, Table.HOLDING: 3, Table.INPUT: 4}


class EndpointClient:
    """Connects when first asked; `close` at the end."""

    def __init__(self, endpoint: Endpoint, *, timeout_s: float, connect_timeout_s: float) -> None:
        self._endpoint = endpoint
        self._timeout_s = timeout_s
        self._connect_timeout_s = connect_timeout_s
        self._client: AsyncModbusTcpClient | None = None

    async def connect(self) -> None:
        """Raises EndpointUnreachable."""
        if self._client is not None and self._client.connected:
            return
        self.close()
        client = AsyncModbusTcpClient(
            self._endpoint.host,
            port=self._endpoint.port,
            framer=_framer(self._endpoint.framing),
            timeout=self._timeout_s,
            retries=0,
            reconnect_delay=0,
        )
        self._client = client
        try:
            async with asyncio.timeout(self._connect_timeout_s):
                connected = await client.connect()
        except (TimeoutError, OSError) as error:
            self.close()
            raise EndpointUnreachable(f"{self._endpoint}: {error!r}") from None
        if not connected:
            self.close()
            raise EndpointUnreachable(f"{self._endpoint}: connection refused or timed out")

    async def read(self, block: Block, *, unit: int) -> list[int]:
        """The block's registers, or its bits as 0 and 1. Raises UnitSilent or UnitRefused; `connect` comes first."""
        assert self._client is not None
        try:
            async with asyncio.timeout(2 * self._timeout_s):  # pymodbus' own time-out comes first
                answer = await _request(self._client, block, unit)
        except (ModbusException, TimeoutError, OSError) as error:
            self.close()
            raise UnitSilent(f"{self._endpoint} unit {unit}: {error}") from None
        if not self._is_answer(answer, block):
            self.close()
            raise UnitSilent(f"{self._endpoint} unit {unit}: answered something else than was asked")
        if answer.isError():
            if answer.exception_code in _GATEWAY_CODES:
                raise UnitSilent(f"{self._endpoint} unit {unit}: the gateway gets no answer")
            raise UnitRefused(answer.exception_code)
        found = list(map(int, answer.bits if block.table.is_bits else answer.registers))
        # Bits come in whole bytes; registers must be as many as were asked for.
        if len(found) < block.count or (not block.table.is_bits and len(found) != block.count):
            self.close()
            raise UnitSilent(f"{self._endpoint} unit {unit}: {len(found)} values for {block.count}")
        return found[: block.count]

    def _is_answer(self, answer: Any, block: Block) -> bool:
        """pymodbus takes an answer of any function, and transaction 0 for every transaction: it would be another
        table's register, or what was asked before."""
        has_transaction = answer.transaction_id != 0 or self._endpoint.framing is not Framing.TCP
        return bool(has_transaction and answer.function_code & 0x7F == FUNCTIONS[block.table])

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None


async def _request(client: AsyncModbusTcpClient, block: Block, unit: int) -> Any:
    match block.table:
        case Table.HOLDING:
            return await client.read_holding_registers(block.address, count=block.count, device_id=unit)
        case Table.INPUT:
            return await client.read_input_registers(block.address, count=block.count, device_id=unit)
        case Table.COIL:
            return await client.read_coils(block.address, count=block.count, device_id=unit)
        case Table.DISCRETE:
            return await client.read_discrete_inputs(block.address, count=block.count, device_id=unit)
        case other:
            assert_never(other)


def _framer(framing: Framing) -> FramerType:
    match framing:
        case Framing.TCP:
            return FramerType.SOCKET
        case Framing.RTU:
            return FramerType.RTU
        case other:
            assert_never(other)
