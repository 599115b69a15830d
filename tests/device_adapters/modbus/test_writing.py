"""Values to registers: what is written is what is read, and what does not fit is refused."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_adapters.modbus.codec import decode
from device_adapters.modbus.registers import Order, PointRegister, RegisterType, Table, WriteMode
from device_adapters.modbus.turns import Turns
from device_adapters.modbus.writing import CannotHold, encode, held_value, write_request

NUMBERS = [kind for kind in RegisterType if kind is not RegisterType.BOOL]


def register(kind: RegisterType, **fields: object) -> PointRegister:
    table = Table.COIL if kind is RegisterType.BOOL else Table.HOLDING
    made: dict[str, object] = {"key": "p", "table": table, "address": 10, "type": kind, "write": WriteMode.SINGLE}
    return PointRegister(**(made | fields))  # type: ignore[arg-type]


@given(
    kind=st.sampled_from(NUMBERS), word_order=st.sampled_from(Order), byte_order=st.sampled_from(Order),
    scale=st.sampled_from([1.0, 0.1, 0.01, 10.0]), offset=st.sampled_from([0.0, -40.0]),
    value=st.integers(-100_000, 100_000),
)  # fmt: skip
def test_what_is_encoded_is_decoded_as_the_same(
    kind: RegisterType, word_order: Order, byte_order: Order, scale: float, offset: float, value: int
) -> None:
    point = register(kind, word_order=word_order, byte_order=byte_order, scale=scale, offset=offset)
    wanted = value * scale + offset
    try:
        words = encode(point, wanted)
    except CannotHold:
        unsigned = kind.value[0] in "ub"
        assert (unsigned and value < 0) or abs(value) > (9_999 if kind is RegisterType.BCD16 else 32_767)
        return
    found, _ = decode(point, words)
    assert found == pytest.approx(wanted, rel=1e-6, abs=scale / 2)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 655.36, -0.5])
def test_what_a_register_cannot_hold_is_refused(value: float) -> None:
    with pytest.raises(CannotHold):
        encode(register(RegisterType.U16, scale=0.01, not_available=frozenset({0xFFFF})), value)


def test_the_code_for_no_value_is_not_written() -> None:
    with pytest.raises(CannotHold):
        encode(register(RegisterType.U16, not_available=frozenset({0xFFFF})), 0xFFFF)


@pytest.mark.parametrize(
    ("point", "value", "question", "echo"),
    [
        (register(RegisterType.BOOL), 1, "05000aff00", "05000aff00"),
        (register(RegisterType.BOOL), 0, "05000a0000", "05000a0000"),
        (register(RegisterType.BOOL, write=WriteMode.MULTIPLE), 1, "0f000a00010101", "0f000a0001"),
        (register(RegisterType.U16, scale=0.1), 21.5, "06000a00d7", "06000a00d7"),
        (register(RegisterType.U16, write=WriteMode.MULTIPLE), 7, "10000a0001020007", "10000a0001"),
        (register(RegisterType.FLOAT32), 1.5, "10000a0002043fc00000", "10000a0002"),
    ],
)
def test_the_function_code_is_the_one_the_profile_asks_for(
    point: PointRegister, value: float, question: str, echo: str
) -> None:
    request = write_request(point, value)
    assert (request.question.hex(), request.echo.hex()) == (question, echo)


async def test_commands_take_their_turn_before_whoever_waits_longer() -> None:
    turns, done = Turns(), []

    async def take(name: str, *, is_command: bool) -> None:
        async with turns.taken(is_command=is_command):
            done.append(name)
            await asyncio.sleep(0)

    async with turns.taken(is_command=False):
        waiting = [asyncio.create_task(take(f"poll {n}", is_command=False)) for n in range(3)]
        await asyncio.sleep(0)
        waiting += [asyncio.create_task(take(f"command {n}", is_command=True)) for n in range(2)]
        await asyncio.sleep(0)
        waiting.pop(0).cancel()
    await asyncio.gather(*waiting)
    assert done == ["command 0", "command 1", "poll 1", "poll 2"]
    async with asyncio.timeout(5), turns.taken(is_command=False):
        pass


def test_what_a_register_then_says_is_the_nearest_of_its_steps_and_half_a_coil_is_none() -> None:
    assert held_value(register(RegisterType.U16, scale=0.1), 21.37) == 21.4
    with pytest.raises(CannotHold):
        encode(register(RegisterType.BOOL), 0.5)
