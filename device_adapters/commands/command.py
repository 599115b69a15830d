"""A command, what came of it, and where it is asked for. Pure."""

from collections.abc import Sequence
from enum import StrEnum
from uuid import UUID

import msgspec

from catalog.directory import EquipmentEntry
from device_adapters.modbus.address import BadAddress, parse_address

MODBUS, MQTT = "modbus", "mqtt"


class Outcome(StrEnum):
    """What came of a command. Only after NOT_SENT is it certain that nothing happened at the device."""

    DONE = "done"  # written, and read back as wanted
    DIFFERENT = "different"  # written, and the device says another value
    UNCONFIRMED = "unconfirmed"  # sent, and not confirmed in time: it may have happened
    REFUSED = "refused"  # the device or the broker said no
    NOT_SENT = "not_sent"  # it never left the hub


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """`value` is in the point's unit. `within_s`: how long read-back may take; `expires_at_ms`: by the wall clock,
    after which it is not begun any more, wherever it lay meanwhile."""

    command_id: UUID
    equipment_id: UUID
    point: str
    value: float
    within_s: float
    expires_at_ms: int

    def is_late(self, now_ms: int) -> bool:
        return now_ms > self.expires_at_ms


TOO_LATE = "it came too late to be begun"


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """`read_back`: what the device said last, where it said anything. `detail` is for people who know the protocol."""

    outcome: Outcome
    read_back: float | None = None
    detail: str = ""


class NoWay(Exception):
    """A point that cannot be written: the message says what is missing."""


def is_close(wanted: float, found: float) -> bool:
    """Whether a device that rounds to its own steps has taken the value."""
    return abs(wanted - found) <= max(1e-6, 1e-4 * abs(wanted))


def place_of(entry: EquipmentEntry, *, brokers: Sequence[str]) -> str:
    """Whose connection the device hangs on: the same words at the asker and at the process that holds it.

    `brokers`: those of the installation. Raises NoWay.
    """
    if entry.protocol == MODBUS:
        try:
            endpoint, _ = parse_address(entry.address)
        except BadAddress as error:
            raise NoWay(str(error)) from None
        return f"{MODBUS} {endpoint}"
    if entry.protocol == MQTT:
        named = entry.address.get("broker")
        if named is None and len(brokers) != 1:
            raise NoWay(f"{entry.code}: say in its address which broker it speaks at, one of {', '.join(brokers)}")
        return f"{MQTT} {brokers[0] if named is None else named}"
    raise NoWay(f"{entry.code}: no adapter speaks {entry.protocol or 'to it'}")


def subject_of(place: str) -> str:
    """A subject of the bus; addresses hold dots and spaces, which mean something there."""
    return f"commands.{place.encode().hex()}"
