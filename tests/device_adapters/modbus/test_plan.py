from hypothesis import given
from hypothesis import strategies as st

from device_adapters.modbus.plan import Block, plan, split
from device_adapters.modbus.registers import PointRegister, RegisterMap, RegisterType, Table
from tests.device_adapters.modbus.bench import profiles


def register(address: int, kind: RegisterType = RegisterType.U16, table: Table = Table.HOLDING) -> PointRegister:
    return PointRegister(key=f"{table}{address}{kind}", table=table, address=address, type=kind)


registers = st.builds(
    register,
    st.integers(0, 400),
    st.sampled_from([RegisterType.U16, RegisterType.FLOAT32, RegisterType.U64]),
    st.sampled_from([Table.HOLDING, Table.INPUT]),
) | st.builds(register, st.integers(0, 3000), st.just(RegisterType.BOOL), st.just(Table.COIL))


@given(st.lists(registers, max_size=40), st.integers(0, 30), st.integers(4, 125))
def test_every_point_is_read_once_and_no_block_is_longer_than_allowed(
    points: list[PointRegister], max_gap: int, max_registers: int
) -> None:
    blocks = plan(points, max_gap=max_gap, max_registers=max_registers)
    read = [point for block in blocks for point in block.points]
    assert sorted(map(id, read)) == sorted(map(id, points))
    for block in blocks:
        assert block.count <= (2000 if block.table.is_bits else max_registers)
        for point in block.points:
            assert point.table is block.table
            assert block.address <= point.address
            assert point.end <= block.address + block.count


def test_neighbours_within_the_gap_are_one_request_and_others_are_not() -> None:
    near, far = register(10), register(19)
    assert [block.count for block in plan([near, register(18)], max_gap=7, max_registers=125)] == [9]
    assert [block.count for block in plan([near, far], max_gap=7, max_registers=125)] == [1, 1]


def test_a_value_is_never_cut_by_the_longest_request() -> None:
    points = [register(address, RegisterType.FLOAT32) for address in range(0, 126, 2)]
    blocks = plan(points, max_gap=0, max_registers=125)
    assert [(block.address, block.count) for block in blocks] == [(0, 124), (124, 2)]


def test_a_pump_is_read_in_three_requests_and_a_meter_in_three() -> None:
    for key, wanted in [("grundfos-cim-pump", 3), ("eastron-sdm630", 3)]:
        found = RegisterMap.of(profiles()[key])
        assert len(plan(found.points, max_gap=found.max_gap, max_registers=found.max_registers)) == wanted


def test_bits_of_one_register_are_read_together() -> None:
    bits = [
        PointRegister(key=f"bit{bit}", table=Table.HOLDING, address=5, type=RegisterType.U16, bit=bit)
        for bit in range(16)
    ]
    (block,) = plan(bits, max_gap=0, max_registers=125)
    assert (block.address, block.count) == (5, 1)


def test_a_refused_block_is_halved_until_single_addresses_are_left() -> None:
    block = Block.of((register(1), register(2), register(7)))
    halves = split(block)
    assert halves is not None
    assert [(half.address, half.count) for half in halves] == [(1, 1), (2, 6)]
    assert split(halves[0]) is None
