"""The one shape in which detectors, remaining lives, drifts and meters say that something is coming, or is gone."""

from dataclasses import dataclass, field
from enum import StrEnum
from math import isfinite
from uuid import UUID


class Method(StrEnum):
    """Who found it: the family of models that a prediction is counted under."""

    DETECTORS = "detectors"  # streaming detectors
    DRIFT = "drift"  # a slow drift of days against its own past and its peers
    REMAINING_LIFE = "remaining_life"
    CONSUMPTION = "consumption"  # forecasts of meters


class Manner(StrEnum):
    """What of a point it is that has changed."""

    LEVEL = "level"  # its value
    UNREST = "unrest"  # how much it changes from one reading to the next, in its unit
    RELATION = "relation"  # how far it is from what the other points say of it, in its unit
    SHARE = "share"  # the part of the day, 0…1, for which a state stands


@dataclass(frozen=True, kw_only=True)
class PointEvidence:
    """One point that speaks for it, all values in the point's own unit, or as `manner` says.

    share: 0…1 of the whole evidence. value: as it is now. usual: its own normal value, or None. since_ms: since when it
    has left its normal values, UTC. peers_low, peers_high: the middle of what its peers have at the same load.
    """

    point_key: str
    share: float
    value: float | None = None
    usual: float | None = None
    since_ms: int | None = None
    peers_low: float | None = None
    peers_high: float | None = None
    manner: Manner = Manner.LEVEL

    @property
    def is_reading(self) -> bool:
        """Whether `value` is one that the point itself could show."""
        return self.manner is Manner.LEVEL

    @property
    def change(self) -> float | None:
        """Since its normal value, as a part of that: 0.38 is 38 % more. None where nothing can be said."""
        if self.value is None or self.usual is None or abs(self.usual) < 1e-9:
            return None
        return (self.value - self.usual) / abs(self.usual)


@dataclass(frozen=True, kw_only=True)
class DaysLeft:
    """Until it fails: an interval with its middle, 0 ≤ low ≤ median ≤ high."""

    low: float
    median: float
    high: float

    def __post_init__(self) -> None:
        assert 0 <= self.low <= self.median <= self.high, "days left in the wrong order"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What one model says of one equipment and one mode of failure at `at_ms`.

    mode: stable key as `bearing_wear`, `filter_clogging`, `night_leak`; `unusual` when no cause is named. `is_present`
    False: the evidence that there was is gone. Not saying anything is no evidence of either: a finding is repeated
    while it stands, daily or more often, or its prediction expires.
    confidence: 0…1, that this fails (or wastes) unless somebody looks, calibrated where history allows.
    score: how unusual, 1.0 = the model's own threshold. since_ms: when it began. points: the heaviest first.
    model_id: of the model store, None for a method that is not trained. is_shadow: recorded, raises nothing.
    waste_a_day: what it costs a day while nobody comes (a leak), in the site's currency; None where it costs nothing.
    """

    site_id: UUID
    equipment_id: UUID
    method: Method
    mode: str
    at_ms: int
    since_ms: int
    confidence: float
    score: float
    is_present: bool = True
    points: tuple[PointEvidence, ...] = field(default=())
    days_left: DaysLeft | None = None
    model_id: UUID | None = None
    is_shadow: bool = False
    waste_a_day: float | None = None

    def __post_init__(self) -> None:
        assert 0 <= self.confidence <= 1, "confidence is 0…1"
        assert isfinite(self.score), "a score is finite"
        assert self.score >= 0, "a score is ≥ 0"
        assert self.since_ms <= self.at_ms, "it began before it was found"


@dataclass(frozen=True)
class PredictionKey:
    """At most one prediction is open for each: of one equipment and mode, whichever models say so."""

    equipment_id: UUID
    mode: str
