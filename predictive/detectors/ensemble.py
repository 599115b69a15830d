"""All detectors together: one score, how much they agree, and whether that is an alarm."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from predictive.detectors.contract import Arrays, Evidence, Floats, Model, State, Window
from predictive.detectors.decision import decided, undecided
from predictive.detectors.registry import Seat, registered

# Divides the detector's name from the name of its array in the one flat model and the one flat state.
OF = "/"
# Where those that vote reach this much of their own thresholds on average, they alarm together.
AGREEMENT = 1.15
# From fewer normal rows nobody knows levels and relations; where a quick method suits, it decides alone then.
FEWEST_FOR_LEVELS = 120


@dataclass(frozen=True, slots=True, eq=False)
class Verdict:
    """What the hub makes of each row: arrays [E, T], and `shares` [E, T, P].

    score ≥ 0, 1.0 = alarm.  confidence 0–1: how far above and how many methods agree.  by_detector: the score of each.
    is_change: a level moved; within an alarm this ends a stage, and `is_anomaly` is false for that one row.
    """

    score: Floats
    confidence: Floats
    is_anomaly: NDArray[np.bool_]
    is_change: NDArray[np.bool_]
    shares: Floats
    by_detector: dict[str, Floats]


@dataclass(frozen=True, slots=True)
class Ensemble:
    """The registered detectors as one: itself a Detector, and `judge` says more than its `step`."""

    seats: Sequence[Seat] = field(default_factory=registered)
    name: str = "ensemble"

    def suits(self, *, points: int, step_s: float | None) -> bool:
        return any(seat.detector.suits(points=points, step_s=step_s) for seat in self.seats)

    def calibrate(self, normal: Window) -> Model:
        """The models of all detectors that suit, as one flat model: `residual/weights`, …"""
        suiting = [seat for seat in self.seats if seat.detector.suits(points=normal.points, step_s=normal.step_s)]
        quick = [seat for seat in suiting if seat.is_quick]
        model: Arrays = {}
        for seat in quick if quick and normal.rows < FEWEST_FOR_LEVELS else suiting:
            model |= _named(seat.detector.name, seat.detector.calibrate(normal))
        return model

    def begin(self, model: Model) -> State:
        state = undecided(_equipment(model))
        for seat in self._learnt(model):
            state |= _named(seat.detector.name, seat.detector.begin(_own(seat.detector.name, model)))
        return state

    def step(self, model: Model, state: State, block: Window) -> Evidence:
        verdict = self.judge(model, state, block)
        return Evidence(score=verdict.score, shares=verdict.shares)

    def judge(self, model: Model, state: State, block: Window) -> Verdict:
        """The verdict on a block of rows that follows the last one; `state` goes along."""
        evidence: dict[str, Evidence] = {}
        seats = self._learnt(model)
        for seat in seats:
            name = seat.detector.name
            own = _own(name, state)
            evidence[name] = seat.detector.step(_own(name, model), own, block)
            state.update(_named(name, own))
        score, shares = combined(seats, evidence, block)
        dividers = [evidence[seat.detector.name].score for seat in seats if seat.divides]
        change = np.max(dividers, axis=0) if dividers else np.zeros(score.shape)
        by_detector = {name: one.score for name, one in evidence.items()}
        witnesses = [evidence[seat.detector.name].score for seat in seats if not seat.divides]
        return Verdict(
            score=score,
            confidence=confidence(score, witnesses),
            is_anomaly=decided(state, score, change),
            is_change=change >= 1.0,
            shares=shares,
            by_detector=by_detector,
        )

    def _learnt(self, model: Model) -> list[Seat]:
        names = {key.partition(OF)[0] for key in model}
        return [seat for seat in self.seats if seat.detector.name in names]


def combined(seats: Sequence[Seat], evidence: Mapping[str, Evidence], block: Window) -> tuple[Floats, Floats]:
    """The score float64[E, T] and shares float64[E, T, P] of the loudest: one that decides, or the voters together."""
    score, shares = np.zeros((block.equipment, block.rows)), np.zeros(block.values.shape)
    voices = [evidence[seat.detector.name] for seat in seats if seat.decides]
    voters = [evidence[seat.detector.name] for seat in seats if seat.votes]
    if len(voters) > 1:
        voices.append(_together(voters))
    for voice in voices:
        shares = np.where((voice.score > score)[:, :, None], voice.shares, shares)
        score = np.maximum(score, voice.score)
    return score, shares


def confidence(score: Floats, witnesses: Sequence[Floats]) -> Floats:
    """0–1 for each row: a half at the threshold of the whole, more the further above and the more methods agree.

    The strength is s²/(1 + s²); what is left to certainty is halved for each further method at its own threshold.
    """
    strength = score**2 / (1.0 + score**2)
    agreeing = sum((np.clip(one, 0.0, 1.0) ** 2 for one in witnesses), start=np.zeros(score.shape))
    certain: Floats = 1.0 - (1.0 - strength) * 0.5 ** np.maximum(agreeing - 1.0, 0.0)
    return certain


def _together(voters: Sequence[Evidence]) -> Evidence:
    mean = np.mean([one.score for one in voters], axis=0)
    weighed = np.sum([one.score[:, :, None] * one.shares for one in voters], axis=0)
    total = weighed.sum(axis=2, keepdims=True)
    shares = np.divide(weighed, total, out=np.zeros_like(weighed), where=total > 0)
    return Evidence(score=mean / AGREEMENT, shares=shares)


def _named(name: str, arrays: Model) -> Arrays:
    return {f"{name}{OF}{key}": array for key, array in arrays.items()}


def _own(name: str, arrays: Model) -> Arrays:
    prefix = name + OF
    return {key.removeprefix(prefix): array for key, array in arrays.items() if key.startswith(prefix)}


def _equipment(model: Model) -> int:
    return next((len(array) for array in model.values()), 0)
