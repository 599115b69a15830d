"""Which physics a device that stands by itself has, by its profile."""

from collections.abc import Callable, Mapping

from simulators.physics.air_handler import AirHandler
from simulators.physics.pump_room_floor import PumpRoomFloor
from simulators.physics.safety_stations import ElectricalFireMonitor, FirePanel, GasDetector
from simulators.physics.station import Station
from simulators.physics.tank import Tank

STATIONS: Mapping[str, Callable[[str], Station]] = {
    "water-tank": lambda seed: Tank(seed=seed),
    "pump-room-monitor": lambda seed: PumpRoomFloor(seed=seed),
    "ahu-controller": lambda seed: AirHandler(seed=seed),
    "gb26875-fire-panel": lambda seed: FirePanel(seed=seed),
    "gas-detector": lambda seed: GasDetector(seed=seed),
    "electrical-fire-monitor": lambda seed: ElectricalFireMonitor(seed=seed),
}
