"""From registers to a value and its quality, pure. "Not available" is never 0."""

import math
import struct
from collections.abc import Sequence
from typing import assert_never

from building.quality import Quality
from device_adapters.modbus.registers import Order, PointRegister, RegisterType

Decoded = tuple[float, Quality]

_UNKNOWN: Decoded = (math.nan, Quality.UNKNOWN)
FAULT: Decoded = (math.nan, Quality.FAULT)


def decode(point: PointRegister, words: Sequence[int]) -> Decoded:
    """The value of `point` from its own registers (or bit).

    NaN with UNKNOWN for a "not available" code or a float that is not finite; NaN with FAULT for digits that are not
    decimal.
    """
    raw = _pattern(point, words)
    if raw in point.not_available:
        return _UNKNOWN
    if point.bit is not None:
        return float(raw >> point.bit & 1), Quality.OK
    number = _number(point.type, raw)
    if number is None:
        return FAULT
    if not math.isfinite(number):
        return _UNKNOWN
    return _scaled(number, point.scale) + point.offset, Quality.OK


def _scaled(number: float, scale: float) -> float:
    """87 at a scale of 0.1 is 8.7: dividing by ten gives the nearest float, multiplying by a tenth does not."""
    parts = round(1 / scale)
    return number / parts if parts and scale == 1 / parts else number * scale


def _pattern(point: PointRegister, words: Sequence[int]) -> int:
    """All bits as one unsigned number, high word first."""
    assert len(words) == point.size
    ordered = words if point.word_order is Order.BIG else list(reversed(words))
    raw = 0
    for word in ordered:
        raw = raw << 16 | (word if point.byte_order is Order.BIG else (word & 0xFF) << 8 | word >> 8)
    return raw


def _number(kind: RegisterType, raw: int) -> float | None:
    match kind:
        case RegisterType.BOOL | RegisterType.U16 | RegisterType.U32 | RegisterType.U64:
            return float(raw)
        case RegisterType.I16 | RegisterType.I32 | RegisterType.I64:
            width = 16 * kind.registers
            return float(raw - (1 << width) if raw >> (width - 1) else raw)
        case RegisterType.FLOAT32:
            return float(struct.unpack(">f", raw.to_bytes(4, "big"))[0])
        case RegisterType.FLOAT64:
            return float(struct.unpack(">d", raw.to_bytes(8, "big"))[0])
        case RegisterType.BCD16 | RegisterType.BCD32:
            digits = f"{raw:0{4 * kind.registers}x}"
            return float(digits) if digits.isdecimal() else None
        case other:
            assert_never(other)
