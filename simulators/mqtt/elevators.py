"""Elevators on the wire: one connection a car, states on change, everything every ten seconds."""

from collections.abc import Callable, Mapping

from simulators.fleet.fleet import Fleet
from simulators.mqtt.connection import Connection
from simulators.mqtt.messages import status_topic, telemetry, telemetry_topic

FULL_REPORT_S = 10.0
ON_CHANGE = (
    "service_mode", "running", "direction", "floor", "door_zone", "door_closed", "passenger_present",
    "passenger_trapped", "alarm_button", "fault_code",
)  # fmt: skip

Connect = Callable[[str, str, str | None], Connection]
"""username, client id, status topic → a connection that is not open yet."""


class ElevatorTerminal:
    """The monitoring terminal of one car."""

    def __init__(self, connection: Connection, *, topic: str, first_report_s: float) -> None:
        self.connection = connection
        self._topic = topic
        self._next_full_s = first_report_s
        self._told: Mapping[str, float] = {}

    def report(self, values: Mapping[str, float], *, unix_s: float) -> None:
        if unix_s >= self._next_full_s:
            self._next_full_s = unix_s + FULL_REPORT_S
            news = dict(values)
        else:
            news = {key: values[key] for key in ON_CHANGE if self._told.get(key) != values[key]}
        if news:
            self._told = {key: values[key] for key in ON_CHANGE}
            self.connection.publish(self._topic, telemetry(news, ts_ms=int(unix_s * 1000)))


class ElevatorPublisher:
    """All terminals of the fleet. `publish` follows every step of the physics."""

    def __init__(self, fleet: Fleet, connect: Connect, *, unix_s: float) -> None:
        self._fleet = fleet
        site = fleet.site.code
        self._terminals: dict[str, ElevatorTerminal] = {}
        for number, code in enumerate(fleet.elevators):
            device = fleet.register.find(code).external_id
            connection = connect(f"{site}/{device}", f"sim-{site}-{device}", status_topic(site, device))
            first_s = unix_s + FULL_REPORT_S * number / max(1, len(fleet.elevators))  # not all in the same instant
            self._terminals[code] = ElevatorTerminal(
                connection, topic=telemetry_topic(site, device), first_report_s=first_s
            )
        self._cut: set[str] = set()

    @property
    def connections(self) -> list[Connection]:
        return [terminal.connection for terminal in self._terminals.values()]

    def publish(self, *, unix_s: float) -> None:
        for code, terminal in self._terminals.items():
            if self._fleet.is_offline(self._fleet.register.find(code)):
                if code not in self._cut:
                    self._cut.add(code)
                    terminal.connection.cut()
                continue
            if code in self._cut:
                self._cut.discard(code)
                terminal.connection.open()
            terminal.report(self._fleet.values(code), unix_s=unix_s)
