"""Several models may speak for one prediction: who leads, and what all say together. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID

from predictive.predictions.finding import DaysLeft, Finding, Manner, Method, PointEvidence


@dataclass(frozen=True, kw_only=True)
class Voice:
    """What one method said last. Times are UTC, in ms."""

    method: Method
    model_id: UUID | None
    is_present: bool
    at_ms: int
    since_ms: int
    confidence: float
    score: float
    days_left: DaysLeft | None
    waste_a_day: float | None
    points: tuple[PointEvidence, ...]

    @classmethod
    def of(cls, finding: Finding) -> Self:
        return cls(
            method=finding.method, model_id=finding.model_id, is_present=finding.is_present, at_ms=finding.at_ms,
            since_ms=finding.since_ms, confidence=finding.confidence, score=finding.score,
            days_left=finding.days_left, waste_a_day=finding.waste_a_day, points=finding.points,
        )  # fmt: skip


@dataclass(frozen=True)
class Chorus:
    """What those who still speak say together: the surest leads, the earliest start and the best known end count."""

    lead: Voice
    since_ms: int
    days_left: DaysLeft | None
    waste_a_day: float | None


def together(voices: Iterable[Voice], *, heard_after_ms: int) -> Chorus | None:
    """None when nobody speaks for it any more. Who has said nothing since `heard_after_ms` is not heard.

    Agreement does not raise confidence here: methods look at the same readings, and are wrong together.
    """
    speaking = [one for one in voices if one.is_present and one.at_ms >= heard_after_ms]
    if not speaking:
        return None
    lead = max(speaking, key=lambda one: (one.confidence, one.score, one.method.value))
    # Whoever reckons with lives knows the end better than whoever is surest that something is wrong.
    knowing = sorted(speaking, key=lambda one: (one.method is not Method.REMAINING_LIFE, -one.confidence))
    days_left = next((one.days_left for one in knowing if one.days_left is not None), None)
    waste = max((one.waste_a_day for one in speaking if one.waste_a_day is not None), default=None)
    return Chorus(lead, min(one.since_ms for one in speaking), days_left, waste)


def as_json(points: Sequence[PointEvidence]) -> list[dict[str, Any]]:
    return [
        {
            "point_key": one.point_key, "share": one.share, "value": one.value, "usual": one.usual,
            "since_ms": one.since_ms, "peers_low": one.peers_low, "peers_high": one.peers_high,
            "manner": one.manner.value,
        }
        for one in points
    ]  # fmt: skip


def of_json(points: Iterable[dict[str, Any]]) -> tuple[PointEvidence, ...]:
    return tuple(PointEvidence(**one | {"manner": Manner(one.get("manner", Manner.LEVEL))}) for one in points)
