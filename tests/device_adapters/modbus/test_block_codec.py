"""A block decoded at once says of every point what the decoder of one point says."""

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from building.quality import Quality
from device_adapters.modbus.block_codec import BlockCodec
from device_adapters.modbus.codec import decode
from device_adapters.modbus.plan import Block
from device_adapters.modbus.registers import Order, PointRegister, RegisterType, Table

NUMBERS = [kind for kind in RegisterType if kind is not RegisterType.BOOL]
scales = st.sampled_from([1.0, 0.1, 0.01, 0.001, 10.0, 0.3, -0.5])
orders = st.sampled_from(list(Order))


@st.composite
def blocks(draw: st.DrawFn) -> Block:
    points, address = [], draw(st.integers(0, 50))
    for number in range(draw(st.integers(1, 12))):
        kind = draw(st.sampled_from(NUMBERS))
        codes = draw(st.sets(st.sampled_from([0, 0x7FFF, 0x8000, 0xFFFF, 0xFFFFFFFF]), max_size=2))
        unsigned = kind in (RegisterType.U16, RegisterType.U32)
        points.append(
            PointRegister(
                key=f"p{number}", table=Table.HOLDING, address=address, type=kind, word_order=draw(orders),
                byte_order=draw(orders), scale=draw(scales), offset=draw(st.sampled_from([0.0, -40.0])),
                bit=draw(st.sampled_from([None, 0, 15])) if unsigned else None, not_available=frozenset(codes),
            )
        )  # fmt: skip
        address += kind.registers + draw(st.integers(0, 2))
    return Block.of(tuple(points))


@given(blocks(), st.data())
def test_a_block_at_once_is_its_points_one_by_one(block: Block, data: st.DataObject) -> None:
    words = data.draw(
        st.lists(st.one_of(st.integers(0, 0xFFFF), st.sampled_from([0, 0x7FFF, 0x8000, 0xFFFF, 0x7FC0])),
                 min_size=block.count, max_size=block.count)
    )  # fmt: skip
    values, qualities = BlockCodec(block).decode(struct.pack(f">{len(words)}H", *words))
    for index, point in enumerate(block.points):
        start = point.address - block.address
        value, quality = decode(point, words[start : start + point.size])
        assert qualities[index] == quality
        assert (math.isnan(values[index]) and math.isnan(value)) or values[index] == value


@pytest.mark.parametrize("table", [Table.COIL, Table.DISCRETE])
def test_bits_are_counted_from_the_lowest_of_the_first_byte(table: Table) -> None:
    points = tuple(PointRegister(key=f"b{at}", table=table, address=at, type=RegisterType.BOOL) for at in (3, 4, 11))
    values, qualities = BlockCodec(Block.of(points)).decode(bytes([0b10, 0b1]))
    assert values.tolist() == [0.0, 1.0, 1.0]
    assert qualities.tolist() == [Quality.OK] * 3


def test_a_scale_of_a_tenth_is_exact() -> None:
    point = PointRegister(key="t", table=Table.INPUT, address=0, type=RegisterType.I16, scale=0.1)
    values, _ = BlockCodec(Block.of((point,))).decode(struct.pack(">h", -87))
    assert values.tolist() == [-8.7]
