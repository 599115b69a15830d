"""From point values to registers, by a profile's map. Written apart from the adapter, so that no codec tests itself."""

import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from building.profile import BadProfile, DeviceProfile, PointSpec

_FORMATS = {
    "u16": "H", "i16": "h", "u32": "I", "i32": "i", "u64": "Q", "i64": "q", "float32": "f", "float64": "d",
}  # fmt: skip
_FUNCTION_OF_TABLE = {"holding": 3, "input": 4}
_JOIN_WITHIN = 256  # registers this close to each other lie in one block of the device


@dataclass(frozen=True, slots=True)
class RegisterField:
    """Where one point lies and how its number is written: raw = (value − offset) / scale."""

    key: str
    address: int
    letter: str
    scale: float
    offset: float
    bit: int | None
    words_swapped: bool
    bytes_swapped: bool
    not_available: int

    @property
    def width(self) -> int:
        """Registers."""
        return struct.calcsize(self.letter) // 2

    def words(self, value: float) -> tuple[int, ...]:
        """The registers that say `value`; a value beyond the type is cut to its limit, NaN says "not available"."""
        raw = self._pack((value - self.offset) / self.scale) if math.isfinite(value) else self._absent()
        words = struct.unpack(f">{self.width}H", raw)
        if self.bytes_swapped:
            words = tuple((word & 0xFF) << 8 | word >> 8 for word in words)
        return words[::-1] if self.words_swapped else words

    def _pack(self, number: float) -> bytes:
        if self.letter in "fd":
            return struct.pack(f">{self.letter}", number)
        bits = 16 * self.width
        low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if self.letter.islower() else (0, (1 << bits) - 1)
        return struct.pack(f">{self.letter}", min(high, max(low, round(number))))

    def _absent(self) -> bytes:
        if self.letter in "fd":
            return struct.pack(f">{self.letter}", math.nan)
        return self.not_available.to_bytes(2 * self.width, "big")


@dataclass(frozen=True)
class RegisterMap:
    """All fields of a profile and the blocks of addresses the device answers for, as (first, last)."""

    function_code: int
    most_registers: int
    filler: int
    fields: tuple[RegisterField, ...]
    blocks: tuple[tuple[int, int], ...]

    def write(self, values: Mapping[str, float], registers: list[int], *, first: int) -> None:
        """Writes every point into `registers`, whose index 0 is address `first`. A point without a value is absent."""
        bits: dict[int, int] = {}
        for field in self.fields:
            value = values.get(field.key, math.nan)
            if field.bit is not None:
                bits[field.address] = bits.get(field.address, 0) | int(value > 0.5) << field.bit
                continue
            at = field.address - first
            registers[at : at + field.width] = field.words(value)
        for address, word in bits.items():
            registers[address - first] = word


def register_map(profile: DeviceProfile) -> RegisterMap:
    """The map in a profile's `modbus` sections. Raises BadProfile when it cannot be served."""
    section = profile.sections.get("modbus", {})
    swapped = section.get("word_order", "big") == "little"
    points = [point for point in profile.points.values() if "modbus" in point.sections]
    fields = tuple(_field(profile.key, point, swapped=swapped) for point in points)
    tables = {str(point.sections["modbus"].get("table", "holding")) for point in points}
    if len(tables) != 1 or not tables <= _FUNCTION_OF_TABLE.keys():
        raise BadProfile(f"profile {profile.key}: the simulator serves one table, holding or input, not {tables}")
    # Devices with a code for "not available" fill their gaps with it; others fill them with 0.
    has_code = any("not_available" in point.sections["modbus"] for point in points)
    return RegisterMap(
        function_code=_FUNCTION_OF_TABLE[tables.pop()],
        most_registers=int(section.get("max_registers", 125)),
        filler=0xFFFF if has_code else 0,
        fields=fields,
        blocks=_blocks(fields),
    )


def _field(profile: str, point: PointSpec, *, swapped: bool) -> RegisterField:
    raw = point.sections["modbus"]
    if raw.get("type", "u16") not in _FORMATS:
        raise BadProfile(f"profile {profile}, point {point.key}: the simulator cannot write type {raw['type']}")
    letter = _FORMATS[raw.get("type", "u16")]
    codes = raw.get("not_available", [])
    return RegisterField(
        key=point.key,
        address=int(raw["address"]),
        letter=letter,
        scale=float(raw.get("scale", 1.0)),
        offset=float(raw.get("offset", 0.0)),
        bit=int(raw["bit"]) if "bit" in raw else None,
        words_swapped=raw["word_order"] == "little" if "word_order" in raw else swapped,
        bytes_swapped=raw.get("byte_order", "big") == "little",
        not_available=int(codes[0]) if codes else 0,
    )


def _blocks(fields: Sequence[RegisterField]) -> tuple[tuple[int, int], ...]:
    blocks: list[tuple[int, int]] = []
    for field in sorted(fields, key=lambda field: field.address):
        last = field.address + field.width - 1
        if blocks and field.address - blocks[-1][1] <= _JOIN_WITHIN:
            blocks[-1] = (blocks[-1][0], max(last, blocks[-1][1]))
        else:
            blocks.append((field.address, last))
    return tuple(blocks)
