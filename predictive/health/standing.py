"""Where an equipment stands: among its like, beside them at the same load, and whither it goes. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final, TypeAlias
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from building.point import PointKind
from catalog.directory import EquipmentEntry, PointEntry

Floats: TypeAlias = NDArray[np.float64]

FEWEST_PEERS: Final = 4
TREND_DAYS: Final = 28
_FEWEST_TREND_DAYS: Final = 7
# A month's change that people would call one.
_STEADY_WITHIN: Final = 3.0
_LIKE_LOAD: Final = 0.1
_NOW_H: Final = 24
_FEWEST_LIKE_HOURS: Final = 3
_FEWEST_COMPARED: Final = 3
# What a machine does, by the unit it is measured in; the first that there is.
_LOAD_UNITS: Final = ("rpm", "Hz", "kW", "W", "A", "m³/h", "L/h")


class Heading(StrEnum):
    FALLING = "falling"
    STEADY = "steady"
    RISING = "rising"


@dataclass(frozen=True, slots=True)
class Trend:
    """`per_month`: by how much health changes in 30 days; `days`: how many it was read from."""

    heading: Heading
    per_month: float
    days: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """A point beside the same point of `peers` others at a like load. peers_low, peers_high: the middle four in five.

    `load_point` None: nothing tells its load, so all hours were compared. `below`: the share of peers with less.
    """

    point_key: str
    value: float
    peers_low: float
    peers_high: float
    below: float
    peers: int
    load_point: str | None
    load: float | None


def trend(days: Sequence[date], healths: Sequence[float]) -> Trend | None:
    """By the middle of all slopes between two days (Theil–Sen: a bad day does not turn it); None from too few days."""
    if len(days) < _FEWEST_TREND_DAYS:
        return None
    at = np.array([day.toordinal() for day in days], np.float64)
    value = np.asarray(healths, np.float64)
    first, second = np.triu_indices(len(at), k=1)
    per_month = float(np.median((value[second] - value[first]) / (at[second] - at[first]))) * 30
    if abs(per_month) < _STEADY_WITHIN:
        return Trend(Heading.STEADY, round(per_month, 1), len(days))
    return Trend(Heading.FALLING if per_month < 0 else Heading.RISING, round(per_month, 1), len(days))


def percentiles(healths: Mapping[UUID, float], groups: Mapping[UUID, object]) -> dict[UUID, tuple[float, int]]:
    """Of each equipment the share (0…100) of its like that are worse, ties half, and how many they are.

    Equipment with fewer than FEWEST_PEERS of its like is left out.
    """
    by_group: dict[object, list[UUID]] = {}
    for one in healths:
        by_group.setdefault(groups[one], []).append(one)
    ranks: dict[UUID, tuple[float, int]] = {}
    for members in by_group.values():
        others = len(members) - 1
        if others < FEWEST_PEERS:
            continue
        value = np.array([healths[one] for one in members])
        equal = (value[None, :] == value[:, None]).sum(axis=1) - 1
        worse = (value[None, :] < value[:, None]).sum(axis=1) + 0.5 * equal
        ranks |= {one: (round(100 * float(rank) / others, 1), others) for one, rank in zip(members, worse, strict=True)}
    return ranks


def like(entry: EquipmentEntry) -> tuple[object, ...]:
    """Equipment with the same answer is compared: of one site, kind and profile."""
    return entry.site_id, entry.kind, entry.profile_key


def load_point(entry: EquipmentEntry, *, besides: str) -> PointEntry | None:
    """The point that tells how hard it works, other than the one compared."""
    sensors = [one for one in entry.points.values() if one.kind is PointKind.SENSOR and one.key != besides]
    by_unit = {one.unit: one for one in reversed(sensors)}
    return next((by_unit[unit] for unit in _LOAD_UNITS if unit in by_unit), None)


def compare(
    point_key: str, *, mine: Floats, my_load: Floats | None, theirs: Floats, their_load: Floats | None,
    load_key: str | None,
) -> Comparison | None:  # fmt: skip
    """mine, my_load: float64[H], hours, the newest last; theirs, their_load: float64[N, H]. None where too few hours
    of too few others are at a load like that of its last day."""
    value, load = _last(mine), None
    is_like = np.isfinite(theirs)
    if my_load is not None and their_load is not None:
        load = _last(my_load)
        if load is None:
            return None
        is_like &= np.abs(their_load - load) <= _LIKE_LOAD * max(abs(load), 1e-9)
    enough = is_like.sum(axis=1) >= _FEWEST_LIKE_HOURS
    if value is None or enough.sum() < _FEWEST_COMPARED:
        return None
    middle = np.nanmedian(np.where(is_like, theirs, np.nan)[enough], axis=1)
    return Comparison(
        point_key=point_key, value=value, peers_low=float(np.quantile(middle, 0.1)),
        peers_high=float(np.quantile(middle, 0.9)), below=round(float((middle < value).mean()), 3),
        peers=int(enough.sum()), load_point=load_key if load is not None else None, load=load,
    )  # fmt: skip


def _last(values: Floats) -> float | None:
    known = values[-_NOW_H:][np.isfinite(values[-_NOW_H:])]
    return float(np.median(known)) if len(known) else None
