"""Where a Modbus device is: the `address` of its equipment."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec

# What is written to it is done by every device of a serial line, and answered by none.
BROADCAST_UNIT = 0


class BadAddress(ValueError):
    """An equipment's address that cannot be polled. The message says what to change."""


class Framing(StrEnum):
    TCP = "tcp"  # Modbus TCP, with the MBAP header
    RTU = "rtu"  # RTU frames with CRC through a transparent serial gateway


class Endpoint(msgspec.Struct, frozen=True):
    """One socket to a device or gateway."""

    host: str
    port: int
    framing: Framing

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class _Address(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    host: str
    unit: int
    port: int = 502
    framing: Framing = Framing.TCP


def parse_address(raw: Mapping[str, Any]) -> tuple[Endpoint, int]:
    """The endpoint and the unit id of `{"host", "port", "unit", "framing"}`. Raises BadAddress."""
    try:
        address = msgspec.convert(dict(raw), _Address, strict=False)
    except msgspec.ValidationError as error:
        raise BadAddress(f"address {dict(raw)}: {error}") from None
    if not address.host or not 1 <= address.port <= 65535 or not 0 <= address.unit <= 255:
        raise BadAddress(f"address {dict(raw)}: needs a host, a port of 1…65535 and a unit of 0…255")
    return Endpoint(address.host, address.port, address.framing), address.unit
