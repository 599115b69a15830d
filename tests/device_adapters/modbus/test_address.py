from typing import Any

import pytest

from device_adapters.modbus.address import BadAddress, Endpoint, Framing, parse_address


def test_an_address_names_an_endpoint_and_a_unit() -> None:
    assert parse_address({"host": "10.0.0.7", "unit": 3}) == (Endpoint("10.0.0.7", 502, Framing.TCP), 3)
    found = parse_address({"host": "gw", "port": "15020", "unit": "1", "framing": "rtu"})
    assert found == (Endpoint("gw", 15020, Framing.RTU), 1)


@pytest.mark.parametrize(
    "raw",
    [
        {}, {"host": "x"}, {"unit": 1}, {"host": "", "unit": 1}, {"host": "x", "unit": 256}, {"host": "x", "unit": -1},
        {"host": "x", "unit": 1, "port": 0}, {"host": "x", "unit": 1, "port": 70000}, {"host": 5, "unit": 1},
        {"host": "x", "unit": 1, "framing": "ascii"}, {"host": "x", "unit": 1, "slave": 2},
    ],
)  # fmt: skip
def test_an_address_that_cannot_be_polled_is_refused(raw: dict[str, Any]) -> None:
    with pytest.raises(BadAddress, match="address"):
        parse_address(raw)
