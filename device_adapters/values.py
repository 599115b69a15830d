"""What a device said about a point, as a reading; or why not. Pure."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from building.quality import Quality
from building.reading import Reading
from catalog.directory import PointEntry

# A clock that is wrong by more than this says nothing about when smoke was seen; the hub's does.
LIFE_SAFETY_CLOCK_MS = 24 * 3600 * 1000


class Reason(StrEnum):
    """Why input was refused. Few words on purpose: they are counted and filtered by."""

    TOO_LARGE = "too_large"
    TOO_DEEP = "too_deep"
    NOT_JSON = "not_json"
    NOT_A_NUMBER = "not_a_number"
    BAD_SHAPE = "bad_shape"
    BAD_TIME = "bad_time"
    BAD_VALUE = "bad_value"
    UNKNOWN_POINT = "unknown_point"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Part of a message that cannot be used. `detail` names the place and what was found there."""

    reason: Reason
    detail: str


def to_reading(
    point: PointEntry, raw: Any, *, ts_ms: int | None, now_ms: int, words: Mapping[str, float]
) -> Reading | Refusal:
    """A reading of `point` from a JSON value: number, bool, one of `words`, a number as text, or null (gone).

    `ts_ms` None takes the hub's time. A life-safety point takes it too when the device's clock is off by more than a
    day: such a reading is never late and never lost.
    """
    moment = now_ms if ts_ms is None else ts_ms
    if point.life_safety and abs(moment - now_ms) > LIFE_SAFETY_CLOCK_MS:
        moment = now_ms
    if raw is None:
        return Reading(point.point_no, moment, math.nan, Quality.UNKNOWN)
    number = to_number(raw, words)
    if number is None:
        return Refusal(Reason.BAD_VALUE, f"{point.key}: {_shown(raw)} is neither a number, a bool nor a known word")
    if not math.isfinite(number):
        return Refusal(Reason.NOT_A_NUMBER, f"{point.key}: {_shown(raw)}")
    return Reading(point.point_no, moment, number)


def to_number(raw: Any, words: Mapping[str, float]) -> float | None:
    """The number a JSON value stands for; None when it stands for none."""
    kind = type(raw)
    if kind is float:
        return float(raw)
    if kind is int or kind is bool:
        try:
            return float(raw)
        except OverflowError:
            return math.inf
    if kind is str:
        if raw in words:
            return words[raw]
        return _number_in_text(raw)
    return None


def _number_in_text(text: str) -> float | None:
    # Gateways like to quote numbers. float() alone would also take "1_000" and digits of other scripts.
    if len(text) > 32 or not text.isascii() or "_" in text:
        return None
    try:
        return float(text)
    except ValueError:
        return None


def _shown(raw: Any) -> str:
    shown = repr(raw)
    return shown if len(shown) <= 60 else shown[:57] + "…"
