"""All detectors together: one score, how much they agree, and whether that is an alarm."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from predictive.detectors.contract import Arrays, Detector, Evidence, Floats, Model, State, Window
from predictive.detectors.decision import with_hysteresis
from predictive.detectors.registry import registered

# Divides the detector's name from the name of its array in the one flat model and the one flat state.
OF = "/"


@dataclass(frozen=True, slots=True, eq=False)
class Verdict:
    """What the hub makes of each row: arrays [E, T], and `shares` [E, T, P].

    score ≥ 0, 1.0 = alarm.  confidence 0–1: how far above and how many methods agree.  by_detector: the score of each.
    """

    score: Floats
    confidence: Floats
    is_anomaly: NDArray[np.bool_]
    shares: Floats
    by_detector: dict[str, Floats]


@dataclass(frozen=True, slots=True)
class Ensemble:
    """The registered detectors as one: itself a Detector, and `judge` says more than its `step`."""

    detectors: Sequence[Detector] = field(default_factory=registered)
    name: str = "ensemble"

    def suits(self, *, points: int, step_s: float | None) -> bool:
        return any(detector.suits(points=points, step_s=step_s) for detector in self.detectors)

    def calibrate(self, normal: Window) -> Model:
        """The models of all detectors that suit, as one flat model: `residual/weights`, …"""
        model: Arrays = {}
        for detector in self._suiting(normal):
            model |= _named(detector, detector.calibrate(normal))
        return model

    def begin(self, model: Model) -> State:
        state: State = {"alarmed": np.zeros(_equipment(model), dtype=np.bool_)}
        for detector in self._learnt(model):
            state |= _named(detector, detector.begin(_own(detector, model)))
        return state

    def step(self, model: Model, state: State, block: Window) -> Evidence:
        verdict = self.judge(model, state, block)
        return Evidence(score=verdict.score, shares=verdict.shares)

    def judge(self, model: Model, state: State, block: Window) -> Verdict:
        """The verdict on a block of rows that follows the last one; `state` goes along."""
        evidence: dict[str, Evidence] = {}
        for detector in self._learnt(model):
            own = _own(detector, state)
            evidence[detector.name] = detector.step(_own(detector, model), own, block)
            state.update(_named(detector, own))
        return _verdict(state, evidence, block)

    def _suiting(self, window: Window) -> list[Detector]:
        return [one for one in self.detectors if one.suits(points=window.points, step_s=window.step_s)]

    def _learnt(self, model: Model) -> list[Detector]:
        names = {key.partition(OF)[0] for key in model}
        return [detector for detector in self.detectors if detector.name in names]


def _verdict(state: State, evidence: dict[str, Evidence], block: Window) -> Verdict:
    shape = (block.equipment, block.rows)
    if not evidence:
        nothing = np.zeros(shape)
        return Verdict(nothing, nothing, np.zeros(shape, dtype=np.bool_), np.zeros(block.values.shape), {})
    scores = np.stack([one.score for one in evidence.values()])
    loudest = scores.argmax(axis=0)
    score = np.take_along_axis(scores, loudest[None], axis=0)[0]
    shares = np.take_along_axis(np.stack([one.shares for one in evidence.values()]), loudest[None, :, :, None], axis=0)[
        0
    ]
    alarmed = state["alarmed"].copy()
    verdict = with_hysteresis(alarmed, score)
    state["alarmed"] = alarmed
    by_detector = {name: one.score for name, one in evidence.items()}
    return Verdict(score, confidence(scores), verdict, shares, by_detector)


def confidence(scores: Floats) -> Floats:
    """0–1 for each row of scores float64[D, E, T]: every method is asked, a loud one counts at most as one voice.

    A voice is s²/(1 + s²): a half at the method's own threshold. Voices join as independent witnesses do.
    """
    voices = scores**2 / (1.0 + scores**2)
    joined: Floats = 1.0 - np.prod(1.0 - voices, axis=0)
    return joined


def _named(detector: Detector, arrays: Model) -> Arrays:
    return {f"{detector.name}{OF}{key}": array for key, array in arrays.items()}


def _own(detector: Detector, arrays: Model) -> Arrays:
    prefix = detector.name + OF
    return {key.removeprefix(prefix): array for key, array in arrays.items() if key.startswith(prefix)}


def _equipment(model: Model) -> int:
    return next((len(array) for array in model.values()), 0)
