"""The health of an equipment: 100 less what each of its troubles takes away, and whose share that is. Pure.

Every part says by which share it damages (0…1); what is left after all of them is multiplied, so that no order matters
and nothing falls below 0; shares are those of the logarithms, which add up. The figures below and their reasons are in
docs/predictive.md, "Health".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import exp, log
from typing import Final, assert_never

from building.equipment import EquipmentKind
from building.severity import Severity
from predictive.health.tally import EvidenceSum

# A day at a detector's threshold leaves 60: time to look. A day at twice that leaves 22.
_LEFT_AT_THRESHOLD: Final = 0.6
# A failure due today leaves a tenth; one in a month half of what it would take today.
_DUE_TODAY: Final = 0.9
_HALF_LIFE_DAYS: Final = 30.0
# An alarm that is over is forgotten by halves.
_ALARM_HALF_LIFE_H: Final = 48.0
_AGEING_FROM: Final = 0.8
_AGE_SLOPE: Final = 0.5
_MOST_BY_AGE: Final = 0.4
_MOST: Final = 0.99
_LEAST: Final = 1e-4  # less is no trouble
_TOLD_SHARE: Final = 0.005
# A day without half of its rows says too little.
FEWEST_ROWS: Final = 12

# How long such equipment is meant to serve, in years, where a Chinese standard or verification rule says so.
SERVICE_YEARS: Final[Mapping[EquipmentKind, float]] = {
    EquipmentKind.WATER_METER: 6.0,  # JJG 162-2019, up to DN 50
    EquipmentKind.GAS_METER: 10.0,  # JJG 577-2012, diaphragm meters for natural gas
    EquipmentKind.SMOKE_DETECTOR: 12.0,  # GB 29837-2013
    EquipmentKind.HEAT_DETECTOR: 12.0,  # GB 29837-2013
}


class HealthState(StrEnum):
    """READY: all parts speak. PARTIAL: no detector looks at such equipment; alarms, life and age do. Otherwise there is
    no figure."""

    READY = "ready"
    PARTIAL = "partial"
    LEARNING = "learning"
    CONSTANT = "constant"
    NO_DATA = "no_data"
    FAILED = "failed"


class HealthPart(StrEnum):
    """What takes health away."""

    BEHAVIOUR = "behaviour"
    LIFE = "life"
    ALARMS = "alarms"
    AGE = "age"


@dataclass(frozen=True, slots=True)
class LifeLeft:
    """Days until it fails in one mode, and how sure it is (0…1) that it will."""

    mode: str
    days_median: float
    confidence: float
    point_key: str | None


@dataclass(frozen=True, slots=True)
class AlarmSeen:
    """`over_h`: hours since it was over, 0 while it lasts."""

    severity: Severity
    over_h: float
    point_keys: Sequence[str]


@dataclass(frozen=True, slots=True)
class Age:
    years: float
    service_years: float


@dataclass(frozen=True, slots=True)
class Watched:
    """How far detectors are with it; `state` READY when they judge it, PARTIAL when none looks at it."""

    state: HealthState
    days_known: float
    days_needed: float


@dataclass(frozen=True, slots=True)
class PartOfHealth:
    """`damage`: 0…1, what it alone takes away. `share`: 0…1 of all that is taken away. `facts`: what it was reckoned
    from. `points`: share by point key of this part, empty where no point is to blame."""

    part: HealthPart
    damage: float
    share: float
    facts: Mapping[str, float | str]
    points: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Health:
    """`health` 0…100, None where `state` says why. `points`: share by point key of all that is taken away."""

    state: HealthState
    health: float | None
    days_known: float
    days_needed: float
    parts: Sequence[PartOfHealth] = ()
    points: Sequence[tuple[str, float]] = ()


def health_of(
    watched: Watched, *, evidence: EvidenceSum | None, lives: Sequence[LifeLeft], alarms: Sequence[AlarmSeen],
    age: Age | None,
) -> Health:  # fmt: skip
    """`evidence`: of the last day. Of equipment that is watched no figure is given without it."""
    state = _state(watched, evidence)
    if state not in (HealthState.READY, HealthState.PARTIAL):
        return Health(state, None, watched.days_known, watched.days_needed)
    parts = [_lives(lives), _alarms(alarms), _age(age)]
    if state is HealthState.READY and evidence is not None:
        parts.append(_behaviour(evidence))
    told = _shared([part for part in parts if part is not None and part.damage > _LEAST])
    left = 1.0
    for part in told:
        left *= 1 - part.damage
    return Health(
        state, round(100 * left, 1), watched.days_known, watched.days_needed, parts=told, points=_points(told)
    )


def _state(watched: Watched, evidence: EvidenceSum | None) -> HealthState:
    match watched.state:
        case HealthState.READY:
            is_enough = evidence is not None and evidence.rows >= FEWEST_ROWS
            return HealthState.READY if is_enough else HealthState.NO_DATA
        case (
            HealthState.PARTIAL | HealthState.LEARNING | HealthState.CONSTANT | HealthState.NO_DATA | HealthState.FAILED
        ):
            return watched.state
        case other:
            assert_never(other)


def _behaviour(evidence: EvidenceSum) -> PartOfHealth:
    excess = evidence.excess / evidence.rows
    return PartOfHealth(
        HealthPart.BEHAVIOUR, 1 - _LEFT_AT_THRESHOLD**excess, 0.0,
        {
            "excess": round(excess, 3), "highest": round(evidence.highest, 2),
            "above_share": round(evidence.above / evidence.rows, 3),
        },
        dict(evidence.shares),
    )  # fmt: skip


def _lives(lives: Sequence[LifeLeft]) -> PartOfHealth | None:
    """The nearest failure: what wears in two ways fails once."""
    damages = [(one.confidence * _DUE_TODAY * 0.5 ** (one.days_median / _HALF_LIFE_DAYS), one) for one in lives]
    if not damages:
        return None
    damage, worst = max(damages, key=lambda each: each[0])
    points = {worst.point_key: 1.0} if worst.point_key else {}
    facts: dict[str, float | str] = {
        "mode": worst.mode,
        "days_median": round(worst.days_median, 1),
        "confidence": worst.confidence,
    }
    return PartOfHealth(HealthPart.LIFE, damage, 0.0, facts, points)


def _weight(severity: Severity) -> float:
    match severity:
        case Severity.CRITICAL:
            return 0.5
        case Severity.MAJOR:
            return 0.3
        case Severity.MINOR:
            return 0.15
        case Severity.WARNING:
            return 0.05
        case other:
            assert_never(other)


def _alarms(alarms: Sequence[AlarmSeen]) -> PartOfHealth | None:
    if not alarms:
        return None
    left, points = 1.0, dict[str, float]()
    for one in alarms:
        damage = _weight(one.severity) * 0.5 ** (one.over_h / _ALARM_HALF_LIFE_H)
        left *= 1 - damage
        for key in one.point_keys:
            points[key] = points.get(key, 0.0) + damage / len(one.point_keys)
    whole = sum(points.values())
    lasting = sum(one.over_h == 0 for one in alarms)
    return PartOfHealth(
        HealthPart.ALARMS, 1 - left, 0.0, {"alarms": len(alarms), "lasting": lasting},
        {key: weight / whole for key, weight in points.items()} if whole > 0 else {},
    )  # fmt: skip


def _age(age: Age | None) -> PartOfHealth | None:
    if age is None:
        return None
    used = age.years / age.service_years
    damage = min(max(used - _AGEING_FROM, 0.0) * _AGE_SLOPE, _MOST_BY_AGE)
    facts: dict[str, float | str] = {"years": round(age.years, 1), "service_years": age.service_years}
    return PartOfHealth(HealthPart.AGE, damage, 0.0, facts, {})


def _shared(parts: Sequence[PartOfHealth]) -> list[PartOfHealth]:
    """With the share of each, the heaviest first."""
    held = [min(part.damage, _MOST) for part in parts]
    logs = [-log(1 - damage) for damage in held]
    whole = sum(logs)
    shared = [
        PartOfHealth(part.part, damage, taken / whole, part.facts, part.points)
        for part, damage, taken in zip(parts, held, logs, strict=True)
    ]
    return sorted(shared, key=lambda part: -part.share)


def _points(parts: Sequence[PartOfHealth]) -> list[tuple[str, float]]:
    shares: dict[str, float] = {}
    for part in parts:
        for key, share in part.points.items():
            shares[key] = shares.get(key, 0.0) + part.share * share
    return sorted(
        ((key, round(share, 4)) for key, share in shares.items() if share >= _TOLD_SHARE), key=lambda each: -each[1]
    )


def alarm_memory_h() -> float:
    """After so many hours what an alarm has left of its weight is below a hundredth."""
    return _ALARM_HALF_LIFE_H * log(100) / log(2)


def expected_health(*, score: float) -> float:
    """What a day at a steady score leaves, nothing else being wrong: for charts and for the documentation."""
    return 100 * exp(log(_LEFT_AT_THRESHOLD) * min(max((score - 0.5) / 0.5, 0.0), 4.0))
