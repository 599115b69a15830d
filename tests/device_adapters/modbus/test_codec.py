import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from building.quality import Quality
from device_adapters.modbus.codec import decode
from device_adapters.modbus.registers import Order, PointRegister, RegisterMap, RegisterType, Table
from tests.device_adapters.modbus.bench import profiles


def point(kind: RegisterType, **changes: object) -> PointRegister:
    return PointRegister(key="x", table=Table.HOLDING, address=0, type=kind, **changes)  # type: ignore[arg-type]


def test_the_published_answer_of_an_sdm630_is_230_1_volts() -> None:
    frame = bytes.fromhex("010404 4366199a 85e4")
    words = struct.unpack(">2H", frame[3:7])
    voltage = next(p for p in RegisterMap.of(profiles()["eastron-sdm630"]).points if p.key == "voltage_a_v")
    value, quality = decode(voltage, words)
    assert value == pytest.approx(230.1, abs=1e-4)
    assert quality is Quality.OK


@pytest.mark.parametrize(
    ("kind", "words", "value"),
    [
        (RegisterType.U16, [0xFFFE], 65534.0),
        (RegisterType.I16, [0xFFFE], -2.0),
        (RegisterType.U32, [0x0001, 0x0000], 65536.0),
        (RegisterType.I32, [0xFFFF, 0xFFFF], -1.0),
        (RegisterType.U64, [0, 1, 0, 0], 2.0**32),
        (RegisterType.I64, [0xFFFF, 0xFFFF, 0xFFFF, 0xFFFD], -3.0),
        (RegisterType.FLOAT64, list(struct.unpack(">4H", struct.pack(">d", 3.25))), 3.25),
        (RegisterType.BCD16, [0x1234], 1234.0),
        (RegisterType.BCD32, [0x0012, 0x3456], 123456.0),
        (RegisterType.BOOL, [1], 1.0),
    ],
)
def test_each_type_reads_its_registers(kind: RegisterType, words: list[int], value: float) -> None:
    assert decode(point(kind), words) == (value, Quality.OK)


def test_zero_is_a_value_and_not_missing() -> None:
    assert decode(point(RegisterType.U16, not_available=frozenset({0xFFFF})), [0]) == (0.0, Quality.OK)


def test_not_available_is_unknown_and_never_a_number() -> None:
    for kind, words in [(RegisterType.U16, [0xFFFF]), (RegisterType.I16, [0xFFFF]), (RegisterType.U32, [0xFFFF] * 2)]:
        code = (1 << 16 * kind.registers) - 1
        value, quality = decode(point(kind, not_available=frozenset({code}), scale=0.1), words)
        assert math.isnan(value)
        assert quality is Quality.UNKNOWN


def test_a_status_register_that_is_not_available_makes_its_bits_unknown() -> None:
    value, quality = decode(point(RegisterType.U16, bit=6, not_available=frozenset({0xFFFF})), [0xFFFF])
    assert math.isnan(value)
    assert quality is Quality.UNKNOWN


@pytest.mark.parametrize("pattern", [0x7FC00000, 0x7F800000, 0xFF800000])
def test_a_float_that_is_no_number_is_unknown(pattern: int) -> None:
    value, quality = decode(point(RegisterType.FLOAT32), [pattern >> 16, pattern & 0xFFFF])
    assert math.isnan(value)
    assert quality is Quality.UNKNOWN


def test_digits_that_are_not_decimal_are_a_fault() -> None:
    value, quality = decode(point(RegisterType.BCD16), [0x12A4])
    assert math.isnan(value)
    assert quality is Quality.FAULT


def test_scale_and_offset_are_applied_and_bits_are_picked() -> None:
    assert decode(point(RegisterType.I16, scale=0.1, offset=-5), [200]) == (15.0, Quality.OK)
    assert decode(point(RegisterType.U16, bit=6), [0b0100_0000]) == (1.0, Quality.OK)
    assert decode(point(RegisterType.U16, bit=6), [0b1011_1111]) == (0.0, Quality.OK)


@pytest.mark.parametrize("scale", [0.1, 0.01, 0.001])
def test_decimal_scales_give_the_decimal_number(scale: float) -> None:
    digits = round(-math.log10(scale))
    for raw in (87, 9257, 408, 65533):
        value, _ = decode(point(RegisterType.U16, scale=scale), [raw])
        assert value == float(f"{raw}e-{digits}")
    assert decode(point(RegisterType.U16, scale=2.5), [3]) == (7.5, Quality.OK)


@given(st.floats(width=32, allow_nan=False, allow_infinity=False), st.sampled_from(Order), st.sampled_from(Order))
def test_a_float_survives_every_order_of_words_and_bytes(number: float, words: Order, order: Order) -> None:
    raw = struct.pack(">f", number)
    pairs = [raw[:2], raw[2:]]
    if order is Order.LITTLE:
        pairs = [pair[::-1] for pair in pairs]
    if words is Order.LITTLE:
        pairs.reverse()
    registers = [int.from_bytes(pair, "big") for pair in pairs]
    assert decode(point(RegisterType.FLOAT32, word_order=words, byte_order=order), registers) == (number, Quality.OK)
