"""Machines of six points that say something every minute: loads that come and go, and points that follow them."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np

from building.equipment import EquipmentKind
from building.point import PointKind, Reporting, ReportingMode
from building.reading import ReadingBatch
from catalog.directory import EquipmentEntry, PointEntry
from predictive.detectors.contract import Arrays, stacked, taken
from predictive.detectors.ensemble import Ensemble
from predictive.streaming.frames import window_of
from predictive.streaming.shape import Shape, shape_of

POINTS, MINUTE_MS = 6, 60_000
# Midnight, UTC.
START_MS = 1_795_392_000_000
_DAY_MINUTES = 1_440
_SLOPES = np.array([1.0, 0.8, -0.5, 2.0, 0.3, 1.5])


@dataclass(frozen=True)
class Machine:
    equipment_id: UUID
    shape: Shape


def machines(count: int, *, first: int = 0) -> list[Machine]:
    reporting = Reporting(ReportingMode.PERIODIC, MINUTE_MS // 1000)
    found = []
    for number in range(first, first + count):
        entry = EquipmentEntry(
            equipment_id=UUID(int=number + 1), site_id=UUID(int=0), site_code="bench", code=f"M-{number}", name="",
            kind=EquipmentKind.PUMP, profile_key="bench", protocol="mqtt", external_id="", address={}, partition=1,
            parent_id=None, building_id=None, in_service=True,
            points={
                f"p{at}": PointEntry(
                    number * POINTS + at, f"p{at}", PointKind.SENSOR, "A", -1e9, 1e9, reporting, life_safety=False
                )
                for at in range(POINTS)
            },
        )  # fmt: skip
        shape = shape_of(entry)
        assert shape is not None
        found.append(Machine(entry.equipment_id, shape))
    return found


def said(some: Sequence[Machine], *, first_minute: int, minutes: int, seed: int) -> ReadingBatch:
    """One reading a point and minute, by time."""
    chance = np.random.default_rng([seed, abs(first_minute)])
    at = first_minute + np.arange(minutes)
    load = 1.0 + 0.5 * np.sin(2 * np.pi * at / _DAY_MINUTES) + 0.3 * (at % 45 < 20)
    values = load[:, None, None] * _SLOPES + 0.05 * chance.normal(size=(minutes, len(some), POINTS)) + 5.0
    point_no = np.array([machine.shape.point_nos for machine in some], np.int32)
    ts_ms = START_MS + at.astype(np.int64) * MINUTE_MS
    return ReadingBatch(
        np.tile(point_no.ravel(), minutes), np.repeat(ts_ms, point_no.size), values.ravel(),
        np.zeros(minutes * point_no.size, np.uint8),
    )  # fmt: skip


def learnt(some: Sequence[Machine], *, days: int, different: int = 8) -> Arrays:
    """Models of all of them: as many as are `different` learnt from so many days each, and dealt out in turn."""
    models = []
    for machine in some[:different]:
        batch = said(
            [machine], first_minute=-days * _DAY_MINUTES, minutes=days * _DAY_MINUTES, seed=machine.shape.point_nos[0]
        )
        window = window_of(machine.shape, batch, start_ms=START_MS - days * _DAY_MINUTES * MINUTE_MS, end_ms=START_MS)
        models.append(Ensemble().calibrate(window))
    return taken(stacked(models), np.arange(len(some)) % len(models))
