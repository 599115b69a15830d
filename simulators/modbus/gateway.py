"""A Modbus TCP gateway with its units. Registers are written when somebody reads them, so that idle costs nothing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from kit.logs import logger
from simulators.modbus.registers import RegisterMap

log = logger(__name__)

_EVERY_OTHER_UNIT = 0  # in pymodbus: the device that answers for unit ids nobody declared


@dataclass(frozen=True)
class Unit:
    """One slave. `values` gives its points; `is_silent` says whether the gateway gets no answer from it."""

    unit_id: int
    registers: RegisterMap
    values: Callable[[], Mapping[str, float]]
    is_silent: Callable[[], bool]


class ModbusGateway:
    """One listening socket. `start` and `stop` may alternate: a gateway loses power and comes back."""

    def __init__(self, *, code: str, host: str, port: int, units: list[Unit]) -> None:
        self.code = code
        self.host = host
        self.port = port
        self._units = units
        self._server: ModbusTcpServer | None = None

    @property
    def is_listening(self) -> bool:
        return self._server is not None

    async def start(self) -> None:
        if self._server is None:
            devices = [_sim_device(unit) for unit in self._units]
            server = ModbusTcpServer([*devices, _nobody()], address=(self.host, self.port))
            await server.serve_forever(background=True)
            self._server = server

    async def stop(self) -> None:
        """Closes the socket and every connection."""
        if self._server is not None:
            server, self._server = self._server, None
            await server.shutdown()  # type: ignore[no-untyped-call]


def _sim_device(unit: Unit) -> SimDevice:
    async def refresh(
        function_code: int,
        start_address: int,
        address: int,
        count: int,
        current_registers: list[int],
        set_values: list[int] | list[bool] | None,
    ) -> ExcCodes | None:
        if unit.is_silent():
            return ExcCodes.GATEWAY_NO_RESPONSE
        if function_code != unit.registers.function_code or set_values is not None:
            return ExcCodes.ILLEGAL_FUNCTION
        if count > unit.registers.most_registers:
            return ExcCodes.ILLEGAL_VALUE
        unit.registers.write(unit.values(), current_registers, first=start_address)
        return None

    blocks = [
        SimData(first, count=last - first + 1, values=unit.registers.filler, datatype=DataType.REGISTERS)
        for first, last in unit.registers.blocks
    ]
    return SimDevice(id=unit.unit_id, simdata=blocks, action=refresh)


def _nobody() -> SimDevice:
    async def no_answer(
        function_code: int,
        start_address: int,
        address: int,
        count: int,
        current_registers: list[int],
        set_values: list[int] | list[bool] | None,
    ) -> ExcCodes | None:
        return ExcCodes.GATEWAY_NO_RESPONSE

    everything = SimData(0, count=65536, datatype=DataType.REGISTERS)
    return SimDevice(id=_EVERY_OTHER_UNIT, simdata=[everything], action=no_answer)
