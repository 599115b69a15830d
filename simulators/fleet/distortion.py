"""Sensors that lie: values frozen or noisy on their way from the physics to the wire."""

import random

from simulators.physics.faults import DeviceFaults, FaultName, number


class Distortions:
    """Keeps what stuck sensors froze at."""

    def __init__(self, *, seed: int) -> None:
        self._random = random.Random(seed)
        self._frozen: dict[tuple[str, str], float] = {}

    def apply(self, device: str, values: dict[str, float], faults: DeviceFaults) -> dict[str, float]:
        if noise := faults.get(FaultName.NOISE):
            point = str(noise["point"])
            values[point] += self._random.gauss(0, number(noise, "sigma"))
        if stuck := faults.get(FaultName.STUCK_SENSOR):
            point = str(stuck["point"])
            values[point] = self._frozen.setdefault((device, point), values[point])
        return values

    def forget(self, device: str) -> None:
        """A sensor that is well again, or sticks anew, freezes at another value next time."""
        for key in [key for key in self._frozen if key[0] == device]:
            del self._frozen[key]
