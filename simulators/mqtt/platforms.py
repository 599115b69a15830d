"""Operators' platforms: one connection forwards hundreds of battery devices that sleep most of the time.

A device reports at its own minute of the interval, at once when an alarm of its own comes or goes, and once soon after
the simulator starts, as devices do that attach to the network.
"""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from simulators.fleet.fleet import Fleet
from simulators.mqtt.connection import Connection
from simulators.mqtt.messages import status_topic, telemetry, telemetry_topic
from simulators.physics.faults import FaultName

SMOKE_INTERVAL_S = 3600.0
WATER_INTERVAL_S = 900.0


class PlatformPublisher:
    """One platform. `alarms` gives a column that changes when a device must wake up and report at once."""

    def __init__(
        self,
        fleet: Fleet,
        connection: Connection,
        *,
        codes: Sequence[str],
        alarms: Callable[[], npt.NDArray[np.int64]],
        interval_s: float,
        unix_s: float,
        first_within_s: float,
    ) -> None:
        self.connection = connection
        self._fleet = fleet
        self._codes = codes
        self._devices = [fleet.register.find(code).external_id for code in codes]
        self._index = {code: index for index, code in enumerate(codes)}
        self._alarms = alarms
        self._told = alarms().copy()
        self._interval_s = interval_s
        # Spread evenly, the first report and all later ones.
        place = np.arange(len(codes)) / max(1, len(codes))
        self._first_s = unix_s + place * first_within_s
        self._later_s = unix_s + place * interval_s
        self._next_s = self._first_s.copy()
        self._silent: set[int] = set()

    def publish(self, *, unix_s: float) -> None:
        self._mind_silence()
        alarms = self._alarms()
        changed = alarms != self._told
        due = (self._next_s <= unix_s) | changed
        self._told = alarms.copy()
        for index in np.flatnonzero(due).tolist():
            self._plan_next(index, unix_s)
            if index not in self._silent:
                self._report(index, unix_s)

    def _plan_next(self, index: int, unix_s: float) -> None:
        """The next moment of this device's own place in the interval."""
        rounds = np.floor((unix_s - self._later_s[index]) / self._interval_s) + 1
        self._next_s[index] = self._later_s[index] + max(0.0, rounds) * self._interval_s

    def _report(self, index: int, unix_s: float) -> None:
        topic = telemetry_topic(self._fleet.site.code, self._devices[index])
        values = self._fleet.values(self._codes[index])
        self.connection.publish(topic, telemetry(values, ts_ms=int(unix_s * 1000)))

    def _mind_silence(self) -> None:
        """The platform says which devices it has lost, and which are back."""
        silent = {
            self._index[code]
            for code, faults in self._fleet.faults.by_device.items()
            if code in self._index and FaultName.OFFLINE in faults
        }
        for index in silent - self._silent:
            self._say(index, "offline")
        for index in self._silent - silent:
            self._say(index, "online")
            self._next_s[index] = 0.0
        self._silent = silent

    def _say(self, index: int, status: str) -> None:
        self.connection.publish(status_topic(self._fleet.site.code, self._devices[index]), status, retain=True)


def smoke_platform(fleet: Fleet, connection: Connection, *, unix_s: float, first_within_s: float) -> PlatformPublisher:
    def alarms() -> npt.NDArray[np.int64]:
        low = fleet.smoke.battery_pct < 20
        return fleet.smoke.smoke + 2 * fleet.smoke.tamper.astype(np.int64) + 4 * low.astype(np.int64)

    return PlatformPublisher(
        fleet, connection, codes=fleet.smoke_codes, alarms=alarms, interval_s=SMOKE_INTERVAL_S,
        unix_s=unix_s, first_within_s=first_within_s,
    )  # fmt: skip


def water_platform(fleet: Fleet, connection: Connection, *, unix_s: float, first_within_s: float) -> PlatformPublisher:
    def alarms() -> npt.NDArray[np.int64]:
        low = fleet.water.battery_pct < 20
        return fleet.water.leak + 2 * low.astype(np.int64)

    return PlatformPublisher(
        fleet, connection, codes=fleet.water_codes, alarms=alarms, interval_s=WATER_INTERVAL_S,
        unix_s=unix_s, first_within_s=first_within_s,
    )  # fmt: skip
