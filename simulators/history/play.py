"""A fleet's months, machine by machine: lives are drawn, physics played, sensors and radio do their harm."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

import numpy as np

from simulators.history.air_handlers import AIR_HANDLERS
from simulators.history.calendar import Calendar, calendar
from simulators.history.detectors import BOARDS, SMOKE_DETECTORS
from simulators.history.elevators import ELEVATORS
from simulators.history.lives import Benign, BenignKind, Fate, Life, draw_life
from simulators.history.machines import MachineKind, side_by_side
from simulators.history.pumps import PUMPS
from simulators.physics.wear import WORKED_WITH, Column, WearPath

KINDS: Mapping[str, MachineKind] = {
    kind.name: kind for kind in (PUMPS, AIR_HANDLERS, ELEVATORS, SMOKE_DETECTORS, BOARDS)
}
USUAL_COUNTS: Mapping[str, int] = {
    "pumps": 12, "air-handlers": 12, "elevators": 12, "smoke-detectors": 12, "boards": 12,
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class HistoryOrder:
    """What is wanted: so many machines of each kind for so long. The same order gives the same months."""

    begins_s: float
    days: float = 180.0
    step_s: float = 600.0
    seed: int = 1
    counts: Mapping[str, int] = field(default_factory=lambda: USUAL_COUNTS)
    share_failing: float = 0.4
    paths: tuple[WearPath, ...] = WORKED_WITH
    timezone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Asia/Shanghai"))


@dataclass(frozen=True, eq=False)
class PlayedKind:
    """Values by point key, [machines, T]; NaN where nothing was reported."""

    kind: MachineKind
    codes: Sequence[str]
    lives: Sequence[Life]
    span: Calendar
    values: Mapping[str, Column]


def play(order: HistoryOrder) -> list[PlayedKind]:
    """Every kind with at least one machine, each from a chance of its own: one kind more changes no other."""
    site = np.random.default_rng([order.seed, 0])
    span = calendar(begins_s=order.begins_s, days=order.days, step_s=order.step_s, timezone=order.timezone, chance=site)
    fate = Fate(order.share_failing, order.paths)
    return [
        _play_kind(kind, order.counts.get(name, 0), span, fate, np.random.default_rng([order.seed, place]))
        for place, (name, kind) in enumerate(KINDS.items(), start=1)
        if order.counts.get(name, 0)
    ]


def _play_kind(kind: MachineKind, count: int, span: Calendar, fate: Fate, chance: np.random.Generator) -> PlayedKind:
    lives = [draw_life(span, kind.faults, fate, chance) for _ in range(count)]
    # Copies: a point that mirrors another (a command its status) is lost, stuck and recalibrated by itself.
    values = {key: np.array(column) for key, column in kind.played(side_by_side(kind, lives, span, chance)).items()}
    for row, life in enumerate(lives):
        for event in life.benign:
            _befall(event, kind, values, row, span)
    every = max(1, round(kind.reports_every_s / span.step_s))
    if every > 1:
        unreported = np.arange(len(span.ts_s)) % every != 0
        for column in values.values():
            column[:, unreported] = np.nan
    codes = [f"{kind.prefix}-{number:03}" for number in range(1, count + 1)]
    return PlayedKind(kind, codes, lives, span, values)


def _befall(event: Benign, kind: MachineKind, values: dict[str, Column], row: int, span: Calendar) -> None:
    """What a change does to the points themselves; to the machine it was done in its physics."""
    chance = np.random.default_rng(event.seed)
    sensors = list(kind.sensors)
    after = span.ts_s >= event.begins_s
    while_it_lasts = after & (span.ts_s < event.ends_s)
    if event.kind is BenignKind.SILENT:
        for column in values.values():
            column[row, while_it_lasts] = np.nan
    elif event.kind is BenignKind.STUCK and while_it_lasts.any():
        stuck = values[sensors[chance.integers(len(sensors))]]
        stuck[row, while_it_lasts] = stuck[row, int(np.argmax(while_it_lasts))]
    elif event.kind in (BenignKind.RECALIBRATED, BenignKind.PART_CHANGED):
        count = 1 if event.kind is BenignKind.RECALIBRATED else 2
        for key in chance.choice(sensors, size=min(count, len(sensors)), replace=False):
            live = after & (values[key][row] != 0)  # a standing machine's zero stays a zero
            moved_to = values[key][row, live] + event.size * kind.sensors[key]
            values[key][row, live] = np.maximum(moved_to, 0.0) if np.nanmin(values[key]) >= 0 else moved_to
