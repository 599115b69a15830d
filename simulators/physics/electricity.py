"""A three-phase electricity meter and the load behind it."""

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from simulators.physics.faults import DeviceFaults, FaultName, number
from simulators.physics.tick import BASEMENT, COMING_HOME, LIGHTING, YEAR_S, DailyCurve, Tick

NOMINAL_V = 230.0
DROP_V_PER_A = 0.06  # the feeder's resistance
RESIDUAL_V = 4.0  # what a lost phase still shows, by coupling
LOAD_TAU_S = 45.0
PHASES = ("a", "b", "c")


class LoadKind(StrEnum):
    ELEVATOR = "elevator"
    LIGHTING = "lighting"
    POWER = "power"


@dataclass(frozen=True, slots=True)
class LoadSpec:
    """A load: its standing part and the part that follows the day, in kW; how restless it is; its power factor."""

    standing_kw: float
    daily_kw: float
    curve: DailyCurve
    restlessness: float
    power_factor: float

    def mean_kw(self) -> float:
        return self.standing_kw + self.daily_kw * self.curve.mean


LOADS: Mapping[LoadKind, LoadSpec] = {
    LoadKind.ELEVATOR: LoadSpec(0.6, 9.0, COMING_HOME, 0.35, 0.87),
    LoadKind.LIGHTING: LoadSpec(0.8, 6.5, LIGHTING, 0.05, 0.95),
    LoadKind.POWER: LoadSpec(2.5, 12.0, BASEMENT, 0.12, 0.9),
}


class ElectricityMeter:
    """What an SDM630 shows. Energy only ever grows; nothing is exported."""

    def __init__(self, load: LoadSpec, *, seed: str, started_unix_s: float) -> None:
        self._load = load
        self._random = random.Random(seed)
        shares = [self._random.uniform(0.9, 1.1) for _ in PHASES]
        self._shares = [share / sum(shares) for share in shares]
        self._offset_v = [self._random.uniform(-2.0, 2.0) for _ in PHASES]
        years = self._random.uniform(1, 3) + (started_unix_s - 1_750_000_000) / YEAR_S
        self.energy_kwh = load.mean_kw() * 8760 * years
        self._swing = 0.0
        self._voltage = [NOMINAL_V] * 3
        self._current = [0.0] * 3
        self._power_kw = [0.0] * 3
        self._frequency_hz = 50.0

    def step(self, tick: Tick, faults: DeviceFaults) -> None:
        keep = math.exp(-tick.dt_s / LOAD_TAU_S)
        swing = self._random.gauss(0, self._load.restlessness) * math.sqrt(1 - keep**2)
        self._swing = self._swing * keep + swing
        wanted_kw = self._load.standing_kw + self._load.daily_kw * self._load.curve.at(tick.hour)
        wanted_kw *= max(0.1, 1 + self._swing)
        if overload := faults.get(FaultName.OVERLOAD):
            wanted_kw = number(overload, "kw") * (1 + 0.02 * self._swing)
        lost = faults[FaultName.PHASE_LOSS]["phase"] if FaultName.PHASE_LOSS in faults else None
        for index, phase in enumerate(PHASES):
            self._step_phase(index, wanted_kw * self._shares[index], is_lost=phase == lost)
        # The grid is one: every meter of the site sees the same slow swing.
        self._frequency_hz = 50.0 + 0.02 * math.sin(tick.unix_s / 37.0)
        self.energy_kwh += sum(self._power_kw) * tick.dt_s / 3600

    def values(self) -> dict[str, float]:
        """Point values by key, as the profile `eastron-sdm630` names them."""
        values = {
            "power_kw": sum(self._power_kw),
            "power_factor": self._load.power_factor,
            "frequency_hz": self._frequency_hz,
            "energy_import_kwh": self.energy_kwh,
            "energy_export_kwh": 0.0,
            "energy_total_kwh": self.energy_kwh,
        }
        for index, phase in enumerate(PHASES):
            values[f"voltage_{phase}_v"] = self._voltage[index]
            values[f"current_{phase}_a"] = self._current[index]
            values[f"power_{phase}_kw"] = self._power_kw[index]
        return values

    def _step_phase(self, index: int, wanted_kw: float, *, is_lost: bool) -> None:
        if is_lost:
            self._voltage[index] = RESIDUAL_V + self._random.uniform(0, 1)
            self._current[index] = self._power_kw[index] = 0.0
            return
        current_a = wanted_kw * 1000 / (NOMINAL_V * self._load.power_factor)
        self._voltage[index] = NOMINAL_V + self._offset_v[index] - DROP_V_PER_A * current_a + self._random.gauss(0, 0.3)
        self._current[index] = current_a
        self._power_kw[index] = self._voltage[index] * current_a * self._load.power_factor / 1000
