"""How wear goes from new to failed: shapes of the way, each rising from 0 to 1, and nothing said of what it shows."""

from enum import StrEnum
from typing import assert_never

import numpy as np
import numpy.typing as npt

Column = npt.NDArray[np.float64]

KNEE_AT, WORN_AT_KNEE = 0.65, 0.18
EXPONENT = 4.0
STEPS = 6
CURVE_STEEPNESS = 9.0
POWER = 2.5
TEETH, TOOTH_HEIGHT, HIGHEST_TOOTH = 5, 0.16, 0.98


class WearFault(StrEnum):
    """What wears out over weeks."""

    BEARING_WEAR = "bearing-wear"
    IMPELLER_WEAR = "impeller-wear"
    MOTOR_OVERHEATING = "motor-overheating"
    FILTER_CLOGGING = "filter-clogging"
    COIL_FOULING = "coil-fouling"
    DOOR_WEAR = "door-wear"
    LEVELLING_DRIFT = "levelling-drift"
    MACHINE_ROOM_COOLING = "machine-room-cooling"
    BATTERY_DRAIN = "battery-drain"
    DETECTOR_DIRT = "detector-dirt"
    LOOSE_CONTACT = "loose-contact"
    INSULATION_AGEING = "insulation-ageing"


class WearPath(StrEnum):
    """The first four are what is worked with; the others are kept for judging what was learned from those."""

    LINEAR = "linear"
    EXPONENTIAL = "exponential"
    LATE_KNEE = "late-knee"
    STEPWISE = "stepwise"
    S_CURVE = "s-curve"
    ACCELERATING = "accelerating"
    SAWTOOTH = "sawtooth"


WORKED_WITH = (WearPath.LINEAR, WearPath.EXPONENTIAL, WearPath.LATE_KNEE, WearPath.STEPWISE)
KEPT_FOR_JUDGING = tuple(path for path in WearPath if path not in WORKED_WITH)


def wear_along(path: WearPath, used: Column) -> Column:
    """Wear in [0, 1] where a share `used` of the life is over; 0 before it begins, 1 from its end on. Any shape."""
    x = np.clip(used, 0.0, 1.0)
    match path:
        case WearPath.LINEAR:
            return x
        case WearPath.EXPONENTIAL:
            return _column(np.expm1(EXPONENT * x) / np.expm1(EXPONENT))
        case WearPath.LATE_KNEE:
            late = WORN_AT_KNEE + (1 - WORN_AT_KNEE) * (x - KNEE_AT) / (1 - KNEE_AT)
            return _column(np.where(x < KNEE_AT, WORN_AT_KNEE * x / KNEE_AT, late))
        case WearPath.STEPWISE:
            return _column(np.floor(x * STEPS) / STEPS)
        case WearPath.S_CURVE:
            low, high = _logistic(np.array([0.0, 1.0]))
            return _column((_logistic(x) - low) / (high - low))
        case WearPath.ACCELERATING:
            return _column(x**POWER)
        case WearPath.SAWTOOTH:
            # What is worn runs itself in again for a while: every tooth rises twice as fast and falls back a little.
            tooth = x * TEETH - np.floor(x * TEETH)
            swung = x + TOOTH_HEIGHT * (1 - np.abs(2 * tooth - 1))
            return _column(np.where(x < 1.0, np.minimum(swung, HIGHEST_TOOTH), 1.0))
        case _:
            assert_never(path)


def _logistic(x: Column) -> Column:
    return _column(1 / (1 + np.exp(-CURVE_STEEPNESS * (x - 0.5))))


def _column(values: npt.ArrayLike) -> Column:
    return np.asarray(values, np.float64)
