"""What a device that stands by itself has to offer: it is stepped with its own faults, and reports its points."""

from typing import Protocol

from simulators.physics.faults import DeviceFaults
from simulators.physics.tick import Tick


class Station(Protocol):
    def step(self, tick: Tick, faults: DeviceFaults) -> None: ...

    def values(self) -> dict[str, float]:
        """Point values by key, as the device's profile names them."""
        ...


def toward(value: float, target: float, *, dt_s: float, tau_s: float) -> float:
    """A first-order lag's next value: two thirds of the way after `tau_s`."""
    return target + (value - target) * tau_s / (tau_s + dt_s)
