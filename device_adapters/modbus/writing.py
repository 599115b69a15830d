"""From a value to the request that writes it, pure. The other way round is `codec`.

A point is written where its profile says `write = "single"` (FC 5 and 6) or `"multiple"` (FC 15 and 16: for devices
that know no other, and for values of several registers).
"""

import math
import struct
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from device_adapters.modbus.codec import decode
from device_adapters.modbus.registers import Order, PointRegister, RegisterType, Table, WriteMode

_TWO_WORDS = struct.Struct("!BHH")
_MANY = struct.Struct("!BHHB")
COIL_ON, COIL_OFF = 0xFF00, 0x0000


class WriteFunction(StrEnum):
    """Modbus application protocol V1.1b3, 6.5, 6.6, 6.11, 6.12."""

    COIL = "coil"
    REGISTER = "register"
    COILS = "coils"
    REGISTERS = "registers"

    @property
    def code(self) -> int:
        return {"coil": 5, "register": 6, "coils": 15, "registers": 16}[self.value]


class CannotHold(ValueError):
    """The register cannot hold this value. The message says why."""


@dataclass(frozen=True)
class WriteRequest:
    """`question` as it goes on the wire; a device that did it answers `echo`."""

    question: bytes
    echo: bytes


def why_unwritable(point: PointRegister) -> str | None:
    """What a profile would have to say for this point to be written; None where it is."""
    if point.write is None:
        return 'its profile says no `write = "single"` or "multiple" for it'
    if point.table not in (Table.COIL, Table.HOLDING):
        return f"a {point.table} is read-only"
    if point.bit is not None:
        return "a bit of a register is not written: the other bits may change between reading and writing"
    return None


def write_request(point: PointRegister, value: float) -> WriteRequest:
    """Raises CannotHold. `point` is writable (`why_unwritable`)."""
    words = encode(point, value)
    function = _function(point)
    match function:
        case WriteFunction.COIL:
            whole = _TWO_WORDS.pack(function.code, point.address, COIL_ON if words[0] else COIL_OFF)
            return WriteRequest(whole, whole)
        case WriteFunction.REGISTER:
            whole = _TWO_WORDS.pack(function.code, point.address, words[0])
            return WriteRequest(whole, whole)
        case WriteFunction.COILS:
            head = _TWO_WORDS.pack(function.code, point.address, 1)
            return WriteRequest(_MANY.pack(function.code, point.address, 1, 1) + bytes([words[0]]), head)
        case WriteFunction.REGISTERS:
            count = len(words)
            data = struct.pack(f"!{count}H", *words)
            head = _TWO_WORDS.pack(function.code, point.address, count)
            return WriteRequest(_MANY.pack(function.code, point.address, count, len(data)) + data, head)
        case other:
            assert_never(other)


def held_value(point: PointRegister, value: float) -> float:
    """What the register then says: the nearest of its steps. Raises CannotHold."""
    found = decode(point, encode(point, value))[0]
    return float(found)


def encode(point: PointRegister, value: float) -> list[int]:
    """The registers (or the bit) that `codec.decode` reads as `value`, within half a step. Raises CannotHold."""
    if not math.isfinite(value):
        raise CannotHold(f"{point.key}: {value} is no number")
    raw = (value - point.offset) / point.scale
    pattern = _pattern(point, raw)
    if pattern in point.not_available:
        raise CannotHold(f"{point.key}: {value:g} is what the device says when it has no value")
    words = _words(point, pattern)
    # A value between two steps of the register would be another one there.
    found = decode(point, words)[0]
    if not abs(found - value) <= abs(point.scale) / 2 + 1e-9 * abs(value) + 1e-6 * abs(value) * _is_float(point):
        raise CannotHold(f"{point.key}: the register cannot hold {value:g}")
    return words


def _is_float(point: PointRegister) -> bool:
    return point.type in (RegisterType.FLOAT32, RegisterType.FLOAT64)


def _function(point: PointRegister) -> WriteFunction:
    is_single = point.write is WriteMode.SINGLE and point.size == 1
    if point.table is Table.COIL:
        return WriteFunction.COIL if is_single else WriteFunction.COILS
    return WriteFunction.REGISTER if is_single else WriteFunction.REGISTERS


def _pattern(point: PointRegister, raw: float) -> int:
    """All bits as one unsigned number."""
    width = 16 * point.type.registers
    number = round(raw)
    match point.type:
        case RegisterType.BOOL:
            if raw not in (0, 1):
                raise CannotHold(f"{point.key}: {raw:g} is neither 0 nor 1")
            lowest, highest, pattern = 0, 1, number
        case RegisterType.U16 | RegisterType.U32 | RegisterType.U64:
            lowest, highest, pattern = 0, (1 << width) - 1, number
        case RegisterType.I16 | RegisterType.I32 | RegisterType.I64:
            lowest, highest, pattern = -(1 << (width - 1)), (1 << (width - 1)) - 1, number & ((1 << width) - 1)
        case RegisterType.BCD16 | RegisterType.BCD32:
            lowest, highest = 0, 10 ** (4 * point.type.registers) - 1
            pattern = int(str(number), 16) if lowest <= number <= highest else 0
        case RegisterType.FLOAT32 | RegisterType.FLOAT64:
            return _float_pattern(point, raw)
        case other:
            assert_never(other)
    if not lowest <= number <= highest:
        raise CannotHold(f"{point.key}: the register holds {lowest}…{highest}, not {number}")
    return pattern


def _float_pattern(point: PointRegister, raw: float) -> int:
    try:
        return int.from_bytes(struct.pack(">f" if point.type is RegisterType.FLOAT32 else ">d", raw), "big")
    except OverflowError:
        raise CannotHold(f"{point.key}: {raw:g} is too large for the register") from None


def _words(point: PointRegister, pattern: int) -> list[int]:
    size = point.size
    words = [pattern >> 16 * (size - 1 - at) & 0xFFFF for at in range(size)]
    if point.byte_order is Order.LITTLE:
        words = [(word & 0xFF) << 8 | word >> 8 for word in words]
    return words if point.word_order is Order.BIG else words[::-1]
