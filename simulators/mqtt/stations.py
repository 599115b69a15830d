"""Tanks, air handlers, panels and detectors on the wire: one connection each, contacts on change, all every minute."""

from simulators.fleet.fleet import Fleet
from simulators.mqtt.terminals import Connect, TerminalPublisher

FULL_REPORT_S = 60.0


class StationPublisher(TerminalPublisher):
    def __init__(self, fleet: Fleet, connect: Connect, *, unix_s: float) -> None:
        super().__init__(
            fleet, connect, codes=list(fleet.stations), on_change=lambda code: _contacts(fleet, code),
            every_s=FULL_REPORT_S, unix_s=unix_s,
        )  # fmt: skip


def _contacts(fleet: Fleet, code: str) -> list[str]:
    """Points that are open or closed: their names say no unit."""
    ends = ("_pct", "_c", "_ma", "_pa", "_ntu", "_l", "_lel", "ph")
    return [key for key in fleet.values(code) if not key.endswith(ends)]
