"""Every connection and listening socket of the fleet, counted for its health."""

from simulators.modbus.fleet_gateways import FleetGateways
from simulators.mqtt.connection import Connection


class Links:
    def __init__(self, connections: list[Connection], gateways: FleetGateways) -> None:
        self._connections = connections
        self._gateways = gateways

    def count(self) -> tuple[int, int]:
        """(up, of how many)."""
        up = sum(connection.is_up for connection in self._connections)
        up += sum(gateway.is_listening for gateway in self._gateways.gateways)
        return up, len(self._connections) + len(self._gateways.gateways)
