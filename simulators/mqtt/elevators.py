"""Elevators on the wire: one connection a car, states on change, everything every ten seconds."""

from simulators.fleet.fleet import Fleet
from simulators.mqtt.terminals import Connect, TerminalPublisher

FULL_REPORT_S = 10.0
ON_CHANGE = (
    "service_mode", "running", "direction", "floor", "door_zone", "door_closed", "passenger_present",
    "passenger_trapped", "alarm_button", "fault_code",
)  # fmt: skip


class ElevatorPublisher(TerminalPublisher):
    """The monitoring terminals of all cars."""

    def __init__(self, fleet: Fleet, connect: Connect, *, unix_s: float) -> None:
        super().__init__(
            fleet, connect, codes=list(fleet.elevators), on_change=lambda _: ON_CHANGE, every_s=FULL_REPORT_S,
            unix_s=unix_s,
        )  # fmt: skip
