"""The `[modbus]` sections of a profile, checked: which register holds which point, and how it is to be read.

Profile:  `poll_interval_s`, `max_gap`, `max_registers`, `word_order`, `byte_order`.
Point:    `table`, `address` (as on the wire), `type`, `word_order`, `byte_order`, `scale`, `offset`, `bit`,
          `not_available` (raw bit patterns, unsigned), `write` ("single" or "multiple": see `writing`; only points
          with it can be switched). The value is raw × scale + offset.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from building.profile import BadProfile, DeviceProfile

MAX_REGISTERS = 125  # of one request, by the Modbus application protocol V1.1b3, 6.3
MAX_BITS = 2000


class Table(StrEnum):
    COIL = "coil"
    DISCRETE = "discrete"
    HOLDING = "holding"
    INPUT = "input"

    @property
    def is_bits(self) -> bool:
        return self in (Table.COIL, Table.DISCRETE)


class RegisterType(StrEnum):
    BOOL = "bool"
    U16 = "u16"
    I16 = "i16"
    U32 = "u32"
    I32 = "i32"
    U64 = "u64"
    I64 = "i64"
    FLOAT32 = "float32"
    FLOAT64 = "float64"
    BCD16 = "bcd16"
    BCD32 = "bcd32"

    @property
    def registers(self) -> int:
        if self is RegisterType.BOOL:
            return 1
        return int("".join(filter(str.isdigit, self.value))) // 16


class Order(StrEnum):
    """Which part of a value comes first: the high one (`big`, what the standard says of bytes) or the low one."""

    BIG = "big"
    LITTLE = "little"


class WriteMode(StrEnum):
    SINGLE = "single"
    MULTIPLE = "multiple"


@dataclass(frozen=True, kw_only=True)
class PointRegister:
    """Where a point lies. `address` counts from 0, as on the wire; `not_available` holds unsigned raw patterns."""

    key: str
    table: Table
    address: int
    type: RegisterType
    word_order: Order = Order.BIG
    byte_order: Order = Order.BIG
    scale: float = 1.0
    offset: float = 0.0
    bit: int | None = None
    not_available: frozenset[int] = frozenset()
    write: WriteMode | None = None

    @property
    def size(self) -> int:
        """Registers, or bits of a bit table."""
        return self.type.registers

    @property
    def end(self) -> int:
        return self.address + self.size


@dataclass(frozen=True, kw_only=True)
class RegisterMap:
    """All points of a profile. `max_gap`: registers read in vain at most to join two blocks."""

    poll_interval_s: float
    max_gap: int
    max_registers: int
    points: tuple[PointRegister, ...]

    @classmethod
    def of(cls, profile: DeviceProfile) -> Self:
        """Raises BadProfile, naming the profile, the point and what is wrong."""
        section = profile.sections.get("modbus", {})
        where = f"profile {profile.key}"
        _refuse_unknown(section, {"poll_interval_s", "max_gap", "max_registers", "word_order", "byte_order"}, where)
        orders = {name: section[name] for name in ("word_order", "byte_order") if name in section}
        points = tuple(
            _parse_point(point.key, {**orders, **point.sections["modbus"]}, f"{where}, point {point.key}")
            for point in profile.points.values()
            if "modbus" in point.sections
        )
        if not points:
            raise BadProfile(f"{where}: no point has a `modbus` section")
        try:
            found = cls(
                poll_interval_s=float(section.get("poll_interval_s", 10.0)),
                max_gap=int(section.get("max_gap", 16)),
                max_registers=int(section.get("max_registers", MAX_REGISTERS)),
                points=points,
            )
        except (TypeError, ValueError) as error:
            raise BadProfile(f"{where}, [modbus]: {error}") from None
        if not (found.poll_interval_s >= 0.1 and found.max_gap >= 0 and 4 <= found.max_registers <= MAX_REGISTERS):
            raise BadProfile(f"{where}, [modbus]: poll_interval_s ≥ 0.1, max_gap ≥ 0, 4 ≤ max_registers ≤ 125")
        return found


_POINT_KEYS = {
    "table", "address", "type", "word_order", "byte_order", "scale", "offset", "bit", "not_available",
    "write",
}  # fmt: skip


def _parse_point(key: str, raw: Mapping[str, Any], where: str) -> PointRegister:
    _refuse_unknown(raw, _POINT_KEYS, where)
    try:
        point = PointRegister(
            key=key,
            table=Table(raw["table"]),
            address=int(raw["address"]),
            type=RegisterType(raw.get("type", "bool" if Table(raw["table"]).is_bits else "u16")),
            word_order=Order(raw.get("word_order", "big")),
            byte_order=Order(raw.get("byte_order", "big")),
            scale=float(raw.get("scale", 1.0)),
            offset=float(raw.get("offset", 0.0)),
            bit=None if raw.get("bit") is None else int(raw["bit"]),
            not_available=frozenset(int(code) for code in raw.get("not_available", ())),
            write=None if raw.get("write") is None else WriteMode(raw["write"]),
        )
    except KeyError as missing:
        raise BadProfile(f"{where}: {missing} is missing") from None
    except (TypeError, ValueError) as error:
        raise BadProfile(f"{where}: {error}") from None
    if fault := _fault_of(point):
        raise BadProfile(f"{where}: {fault}")
    return point


def _fault_of(point: PointRegister) -> str | None:
    if not 0 <= point.address <= 0xFFFF or point.end > 0x10000:
        return "address must be 0…65535, as on the wire"
    if point.table.is_bits != (point.type is RegisterType.BOOL):
        return f"a {point.table} holds {'bool' if point.table.is_bits else 'numbers'}, not {point.type}"
    if point.bit is not None and (point.type.value[0] != "u" or not 0 <= point.bit < 16 * point.size):
        return "bit needs an unsigned type that is wide enough"
    if point.write is not None and (point.table not in (Table.COIL, Table.HOLDING) or point.bit is not None):
        return "write is for coils and whole holding registers"
    if point.scale == 0:
        return "scale must not be 0"
    return None


def _refuse_unknown(raw: Mapping[str, Any], known: set[str], where: str) -> None:
    if unknown := set(raw) - known:
        raise BadProfile(
            f"{where}, modbus: unknown key {', '.join(sorted(unknown))}; known are {', '.join(sorted(known))}"
        )
