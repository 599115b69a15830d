"""What happens to one machine in its months: parts that wear out and are repaired, and much that harms nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from simulators.history.calendar import Calendar
from simulators.physics.tick import DAY_S
from simulators.physics.wear import Column, WearFault, WearPath, wear_along

QUIET_DAYS = 21.0  # no wear begins before: whoever watches must know first what is normal
LIFE_DAYS = (25.0, 100.0)
REPAIR_DAYS = (0.5, 3.0)
SEVERITY = (0.75, 1.3)
ROUGHNESS = 0.02  # of wear, from one part of the life to the next


class BenignKind(StrEnum):
    """Changes after which nothing is wrong."""

    LOAD_STEP = "load-step"
    LOAD_RAMP = "load-ramp"
    RECALIBRATED = "recalibrated"
    SERVICED = "serviced"
    SILENT = "silent"
    STUCK = "stuck"
    PART_CHANGED = "part-changed"


# How many a machine sees in a year, and how long they last at least and at most, in days.
_A_YEAR = {
    BenignKind.LOAD_STEP: 0.5, BenignKind.LOAD_RAMP: 0.5, BenignKind.RECALIBRATED: 0.4, BenignKind.SERVICED: 2.0,
    BenignKind.SILENT: 3.0, BenignKind.STUCK: 0.7, BenignKind.PART_CHANGED: 0.4,
}  # fmt: skip
_LASTS_DAYS = {
    BenignKind.LOAD_RAMP: (10.0, 40.0), BenignKind.SERVICED: (0.05, 0.3), BenignKind.SILENT: (0.04, 2.0),
    BenignKind.STUCK: (0.1, 1.0),
}  # fmt: skip


@dataclass(frozen=True)
class WearSpell:
    """A part wears from `begins_s` on, has failed at `fails_s` and is as new at `repaired_s` (Unix time)."""

    fault: WearFault
    path: WearPath
    severity: float
    begins_s: float
    fails_s: float
    repaired_s: float
    seed: int


@dataclass(frozen=True)
class Benign:
    """`size` in about ±1: what it means is said where it is applied."""

    kind: BenignKind
    begins_s: float
    ends_s: float
    size: float
    seed: int


@dataclass(frozen=True)
class Life:
    spells: tuple[WearSpell, ...]
    benign: tuple[Benign, ...]


@dataclass(frozen=True)
class Fate:
    """How often machines fail, and how. `share`: of machines that fail within the history."""

    share: float
    paths: tuple[WearPath, ...]


def draw_life(span: Calendar, faults: Sequence[WearFault], fate: Fate, chance: np.random.Generator) -> Life:
    """A machine's life. At most one of its parts fails; every failure lies within the history."""
    begins_s, ends_s = float(span.ts_s[0]), float(span.ts_s[-1])
    spells = (_spell(begins_s, ends_s, faults, fate, chance),) if chance.random() < fate.share else ()
    benign = [_benign(kind, begins_s, ends_s, chance) for kind in BenignKind for _ in range(_times(kind, span, chance))]
    return Life(tuple(each for each in spells if each is not None), tuple(benign))


def wear_of(spell: WearSpell, span: Calendar, load: Column) -> Column:
    """Wear[T] in [0, 1]: what works harder wears faster; 0 before it begins and after the repair."""
    inside = (span.ts_s >= spell.begins_s) & (span.ts_s < spell.fails_s)
    used = np.zeros(len(span.ts_s))
    work = np.cumsum(load[inside] + 0.2)  # the calendar alone wears a little too
    if len(work):
        used[inside] = work / work[-1]
    chance = np.random.default_rng(spell.seed)
    knots = np.cumsum(chance.normal(0, ROUGHNESS, 30))
    rough = np.interp(used, np.linspace(0, 1, 30), knots - np.linspace(knots[0], knots[-1], 30))
    wear = np.clip(wear_along(spell.path, used) + rough * (used > 0) * (used < 1), 0, 1)
    wear[(span.ts_s >= spell.fails_s) & (span.ts_s < spell.repaired_s)] = 1.0
    return wear


def has_failed(life: Life, span: Calendar) -> Column:
    """1.0 where the machine stands still because something in it has failed."""
    failed = np.zeros(len(span.ts_s))
    for spell in life.spells:
        failed[(span.ts_s >= spell.fails_s) & (span.ts_s < spell.repaired_s)] = 1.0
    return failed


def load_factor(life: Life, span: Calendar) -> Column:
    """What the harmless changes make of a machine's load: new tenants, other opening hours."""
    factor = np.ones(len(span.ts_s))
    for event in life.benign:
        if event.kind in (BenignKind.LOAD_STEP, BenignKind.LOAD_RAMP):
            share = np.clip((span.ts_s - event.begins_s) / max(1.0, event.ends_s - event.begins_s), 0, 1)
            factor *= 1 + 0.18 * event.size * share
    return np.clip(factor, 0.6, 1.5)


def is_serviced(life: Life, span: Calendar) -> Column:
    """1.0 where the machine is switched off for planned work."""
    off = np.zeros(len(span.ts_s))
    for event in life.benign:
        if event.kind is BenignKind.SERVICED:
            off[(span.ts_s >= event.begins_s) & (span.ts_s < event.ends_s)] = 1.0
    return off


def _spell(
    begins_s: float, ends_s: float, faults: Sequence[WearFault], fate: Fate, chance: np.random.Generator
) -> WearSpell | None:
    room_days = (ends_s - begins_s) / DAY_S - QUIET_DAYS - REPAIR_DAYS[1]
    if room_days < LIFE_DAYS[0]:
        return None
    lasts_days = chance.uniform(LIFE_DAYS[0], min(LIFE_DAYS[1], room_days))
    onset_s = begins_s + (QUIET_DAYS + chance.uniform(0, room_days - lasts_days)) * DAY_S
    fails_s = onset_s + lasts_days * DAY_S
    fault, path = faults[int(chance.integers(len(faults)))], fate.paths[int(chance.integers(len(fate.paths)))]
    severity, repair_days = chance.uniform(*SEVERITY), chance.uniform(*REPAIR_DAYS)
    seed = int(chance.integers(2**31))
    return WearSpell(fault, path, severity, onset_s, fails_s, fails_s + repair_days * DAY_S, seed)


def _times(kind: BenignKind, span: Calendar, chance: np.random.Generator) -> int:
    return int(chance.poisson(_A_YEAR[kind] * float(span.day[-1]) / 365))


def _benign(kind: BenignKind, begins_s: float, ends_s: float, chance: np.random.Generator) -> Benign:
    at_s = chance.uniform(begins_s, ends_s)
    lasts_s = chance.uniform(*_LASTS_DAYS.get(kind, (0.0, 0.0))) * DAY_S
    return Benign(kind, at_s, at_s + lasts_s, float(np.clip(chance.normal(0, 0.8), -2, 2)), int(chance.integers(2**31)))
