"""Which block reads fetch a set of points, pure: neighbours are merged, small gaps are read in vain."""

from collections.abc import Iterable
from dataclasses import dataclass

from device_adapters.modbus.registers import MAX_BITS, PointRegister, Table


@dataclass(frozen=True)
class Block:
    """One request: `count` registers (or bits) of `table` from `address` on, and the points that lie in it."""

    table: Table
    address: int
    count: int
    points: tuple[PointRegister, ...]

    @classmethod
    def of(cls, points: tuple[PointRegister, ...]) -> "Block":
        first = points[0]
        return cls(first.table, first.address, max(point.end for point in points) - first.address, points)


def plan(points: Iterable[PointRegister], *, max_gap: int, max_registers: int) -> tuple[Block, ...]:
    """Blocks of at most `max_registers` that leave out every gap wider than `max_gap`, by table and address."""
    ordered = sorted(points, key=lambda point: (point.table, point.address, point.size))
    groups: list[list[PointRegister]] = []
    end = 0
    for point in ordered:
        longest = MAX_BITS if point.table.is_bits else max_registers
        group = groups[-1] if groups else None
        joins = (
            group is not None
            and group[0].table is point.table
            and point.address - end <= max_gap
            and point.end - group[0].address <= longest
        )
        if group is not None and joins:
            group.append(point)
            end = max(end, point.end)
        else:
            groups.append([point])
            end = point.end
    return tuple(Block.of(tuple(group)) for group in groups)


def split(block: Block) -> tuple[Block, Block] | None:
    """Two halves, or None when every point lies at the same address: to find the one register a device refuses."""
    addresses = sorted({point.address for point in block.points})
    if len(addresses) == 1:
        return None
    middle = addresses[len(addresses) // 2]
    return (
        Block.of(tuple(point for point in block.points if point.address < middle)),
        Block.of(tuple(point for point in block.points if point.address >= middle)),
    )
