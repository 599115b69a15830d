"""All points of a block at once, pure: what `device_adapters.modbus.codec` says of one, worked out on columns."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from building.quality import Quality
from device_adapters.modbus.codec import decode
from device_adapters.modbus.plan import Block
from device_adapters.modbus.registers import Order, PointRegister, RegisterType

Values = npt.NDArray[np.float64]
Qualities = npt.NDArray[np.uint8]

# How the usual types lie in registers whose high word and high byte come first. The others are decoded one by one.
_TYPES = {
    RegisterType.U16: (">u2", ">u2"), RegisterType.I16: (">u2", ">i2"), RegisterType.U32: (">u4", ">u4"),
    RegisterType.I32: (">u4", ">i4"), RegisterType.FLOAT32: (">u4", ">f4"), RegisterType.FLOAT64: (">u8", ">f8"),
}  # fmt: skip


class BlockCodec:
    """`decode` gives a value and a quality for every point of the block, in the order of `block.points`."""

    def __init__(self, block: Block) -> None:
        self._block = block
        kinds: dict[tuple[RegisterType, Order, frozenset[int]], list[int]] = defaultdict(list)
        self._single: list[int] = []
        for index, point in enumerate(block.points):
            if point.type in _TYPES and point.bit is None:
                kinds[point.type, point.byte_order, point.not_available].append(index)
            else:
                self._single.append(index)
        self._groups = [_Group.of(block, indexes) for indexes in kinds.values()]

    def decode(self, data: bytes) -> tuple[Values, Qualities]:
        """`data` as `EndpointClient.read` gives it. NaN wherever the quality is not OK."""
        values = np.empty(len(self._block.points))
        qualities = np.zeros(len(self._block.points), np.uint8)
        words = _words(self._block, data)
        with np.errstate(all="ignore"):  # a device may send any pattern: what is no number is UNKNOWN, not a warning
            for group in self._groups:
                group.decode(words, values, qualities)
        for index in self._single:
            point = self._block.points[index]
            start = point.address - self._block.address
            values[index], qualities[index] = decode(point, words[start : start + point.size].tolist())
        return values, qualities


@dataclass(frozen=True, eq=False)
class _Group:
    """Points of one type. `registers` has shape (points, registers a point), high words first."""

    where: npt.NDArray[np.intp]
    registers: npt.NDArray[np.intp]
    kind: RegisterType
    is_swapped: bool
    not_available: tuple[int, ...]
    divisor: Values
    factor: Values
    offset: Values

    @classmethod
    def of(cls, block: Block, indexes: Sequence[int]) -> "_Group":
        points = [block.points[index] for index in indexes]
        scales = [_exact(point.scale) for point in points]
        return cls(
            where=np.array(indexes, np.intp),
            registers=np.array([_high_first(point, point.address - block.address) for point in points], np.intp),
            kind=points[0].type,
            is_swapped=points[0].byte_order is Order.LITTLE,
            not_available=tuple(points[0].not_available),
            divisor=np.array([divisor for divisor, _ in scales]),
            factor=np.array([factor for _, factor in scales]),
            offset=np.array([point.offset for point in points]),
        )

    def decode(self, words: npt.NDArray[np.uint16], values: Values, qualities: Qualities) -> None:
        found = words[self.registers]
        if self.is_swapped:
            found = found.byteswap()
        raw_type, type_ = _TYPES[self.kind]
        raw = found.view(raw_type)[:, 0]
        numbers = raw.view(type_).astype(np.float64)
        gone = ~np.isfinite(numbers)
        for code in self.not_available:
            gone |= raw == code
        result = numbers / self.divisor * self.factor + self.offset
        if gone.any():
            result[gone] = np.nan
            qualities[self.where[gone]] = Quality.UNKNOWN
        values[self.where] = result


def _words(block: Block, data: bytes) -> npt.NDArray[np.uint16]:
    """Registers high byte first; bits as words of 0 and 1."""
    if not block.table.is_bits:
        return np.frombuffer(data, ">u2")
    bits = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little")
    return bits[: block.count].astype(">u2")


def _high_first(point: PointRegister, start: int) -> list[int]:
    places = list(range(start, start + point.size))
    return places if point.word_order is Order.BIG else places[::-1]


def _exact(scale: float) -> tuple[float, float]:
    """(divisor, factor): 87 at a scale of 0.1 is 8.7, which dividing by ten gives and multiplying by a tenth not."""
    parts = round(1 / scale)
    return (float(parts), 1.0) if parts and scale == 1 / parts else (1.0, scale)
