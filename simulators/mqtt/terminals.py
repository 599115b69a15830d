"""Devices with a connection of their own: some points when they change, everything every so often, a last will."""

from collections.abc import Callable, Mapping, Sequence

from simulators.fleet.fleet import Fleet
from simulators.mqtt.connection import Connection
from simulators.mqtt.messages import status_topic, telemetry, telemetry_topic

Connect = Callable[[str, str, str | None], Connection]
"""username, client id, status topic → a connection that is not open yet."""


class Terminal:
    """One device. `on_change`: points that are told at once when they are others; `every_s`: of the full report."""

    def __init__(
        self, connection: Connection, *, topic: str, on_change: Sequence[str], every_s: float, first_report_s: float
    ) -> None:
        self.connection = connection
        self._topic = topic
        self._on_change = on_change
        self._every_s = every_s
        self._next_full_s = first_report_s
        self._told: Mapping[str, float] = {}

    def report(self, values: Mapping[str, float], *, unix_s: float) -> None:
        if unix_s >= self._next_full_s:
            self._next_full_s = unix_s + self._every_s
            news = dict(values)
        else:
            news = {key: values[key] for key in self._on_change if self._told.get(key) != values[key]}
        if news:
            self._told = {key: values[key] for key in self._on_change}
            self.connection.publish(self._topic, telemetry(news, ts_ms=int(unix_s * 1000)))


class TerminalPublisher:
    """Some of the fleet's devices. `publish` follows every step of the physics; `on_change` is asked once a device."""

    def __init__(
        self,
        fleet: Fleet,
        connect: Connect,
        *,
        codes: Sequence[str],
        on_change: Callable[[str], Sequence[str]],
        every_s: float,
        unix_s: float,
    ) -> None:
        self._fleet = fleet
        site = fleet.site.code
        self._terminals: dict[str, Terminal] = {}
        for number, code in enumerate(codes):
            device = fleet.register.find(code).external_id
            connection = connect(f"{site}/{device}", f"sim-{site}-{device}", status_topic(site, device))
            first_s = unix_s + every_s * number / max(1, len(codes))  # not all in the same instant
            self._terminals[code] = Terminal(
                connection, topic=telemetry_topic(site, device), on_change=on_change(code), every_s=every_s,
                first_report_s=first_s,
            )  # fmt: skip
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
