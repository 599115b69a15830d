"""Machines of one kind side by side, as their physics sees them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from building.equipment import EquipmentKind
from simulators.history.calendar import Calendar
from simulators.history.lives import Life, has_failed, is_serviced, load_factor, wear_of
from simulators.physics.tick import DailyCurve
from simulators.physics.wear import Column, WearFault


@dataclass(frozen=True, eq=False)
class Machines:
    """`load`, `has_failed`, `is_serviced` and each `wear` are [machines, T]; `wear` includes how severe it is: at the
    failure it is about 1."""

    span: Calendar
    lives: Sequence[Life]
    wear: Mapping[WearFault, Column]
    load: Column
    has_failed: Column
    is_serviced: Column
    chance: np.random.Generator

    @property
    def count(self) -> int:
        return len(self.lives)

    @property
    def stands(self) -> Column:
        return np.maximum(self.has_failed, self.is_serviced)

    def each(self, low: float, high: float) -> Column:
        """A constant of every machine, [machines, 1]: no two are quite alike."""
        return self.chance.uniform(low, high, (self.count, 1))

    def noise(self, sigma: float) -> Column:
        """[machines, T], no sample like the last."""
        return self.chance.normal(0, sigma, (self.count, len(self.span.ts_s)))

    def wander(self, sigma: float, *, keep_s: float) -> Column:
        """[machines, T], noise that forgets itself after about `keep_s`."""
        every = max(1, round(keep_s / self.span.step_s))
        knots = np.arange(0, len(self.span.ts_s) + every, every)
        pushed = self.chance.normal(0, sigma, (self.count, len(knots)))
        rows = np.arange(len(self.span.ts_s))
        return np.stack([np.interp(rows, knots, each) for each in pushed])


@dataclass(frozen=True)
class MachineKind:
    """`use`: by hour of day, what loads it. `sensors`: points that drift or are recalibrated, and by how much in their
    unit. `played`: point values by key, [machines, T], as the profile names them."""

    name: str
    prefix: str
    equipment: EquipmentKind
    profile: str
    faults: tuple[WearFault, ...]
    use: DailyCurve
    sensors: Mapping[str, float]
    played: Callable[[Machines], dict[str, Column]]
    reports_every_s: float = 600.0


def side_by_side(kind: MachineKind, lives: Sequence[Life], span: Calendar, chance: np.random.Generator) -> Machines:
    factor = np.stack([load_factor(life, span) for life in lives])
    load = factor * span.busy * kind.use.over(span.hour)
    wear = {fault: np.zeros(load.shape) for fault in kind.faults}
    for row, life in enumerate(lives):
        for spell in life.spells:
            wear[spell.fault][row] += spell.severity * wear_of(spell, span, load[row])
    failed = np.stack([has_failed(life, span) for life in lives])
    serviced = np.stack([is_serviced(life, span) for life in lives])
    return Machines(span, lives, wear, load, failed, serviced, chance)
