"""How fast the parallel tasks, the dispatch and the proof of orders must go: settings with their defaults, read into
frozen values, pure. The clocks of the orders themselves are service levels (`ticketing.sla`).

Settings live under the keys `entrapment`, `smoke`, `dispatch`, `proof` and `repeat` of a site; anything left out keeps
its default. Source of the defaults: docs/ticketing.md, "Times".
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, TypeVar

from ticketing.kinds import LOWEST_PRIORITY
from ticketing.setting_values import BadTargets, minutes, table, telephone

PRIORITIES = range(1, LOWEST_PRIORITY + 1)
# In a city whose maintenance contractors are near, 30 minutes by TSG T5002; elsewhere an hour.
AREAS = {"city": 30.0, "elsewhere": 60.0}


@dataclass(frozen=True)
class EntrapmentTargets:
    """Minutes for each parallel task of an entrapment. `contractor_min`: 30 in cities, 60 elsewhere
    (`entrapment.area`), unless it is set itself."""

    intercom_min: float = 1
    guard_min: float = 5
    contractor_min: float = 30
    hotline_min: float = 5
    hotline_number: str = "96333"


@dataclass(frozen=True)
class SmokeTargets:
    """Minutes until somebody looked, and until 119 is called once it is a real fire."""

    on_site_min: float = 3
    fire_brigade_min: float = 1
    fire_brigade_number: str = "119"


def _default_answers() -> Mapping[int, float]:
    return {1: 1, 2: 5, 3: 15, 4: 30}


@dataclass(frozen=True)
class Targets:
    """All times of one site but those of service levels.

    `answer_min`: how long an offer stands before the next candidate is asked, by priority. `secure_min`: until a guard
    keeps people away from what only a certified person may repair. `proof_window_min`: how
    long telemetry has to agree with "done"; `proof_in_band_min`: for how long it must be back in band then.
    `repeat_days`: the same incident within so many days is a repeat.
    """

    entrapment: EntrapmentTargets = EntrapmentTargets()
    smoke: SmokeTargets = SmokeTargets()
    answer_min: Mapping[int, float] = field(default_factory=_default_answers)
    secure_min: float = 10
    proof_window_min: float = 30
    proof_in_band_min: float = 5
    repeat_days: float = 30


T = TypeVar("T", EntrapmentTargets, SmokeTargets)


def parse_targets(settings: Mapping[str, Any]) -> Targets:
    """The times that a site's settings mean. Raises BadTargets, naming the key."""
    defaults = Targets()
    dispatch, entrapment = table(settings, "dispatch"), table(settings, "entrapment")
    return Targets(
        entrapment=_filled(_of_area(defaults.entrapment, entrapment), entrapment, where="entrapment"),
        smoke=_filled(defaults.smoke, table(settings, "smoke"), where="smoke"),
        answer_min={
            priority: minutes(dispatch, f"answer_min_{priority}", default, where="dispatch")
            for priority, default in defaults.answer_min.items()
        },
        secure_min=minutes(dispatch, "secure_min", defaults.secure_min, where="dispatch"),
        proof_window_min=minutes(table(settings, "proof"), "window_min", defaults.proof_window_min, where="proof"),
        proof_in_band_min=minutes(table(settings, "proof"), "in_band_min", defaults.proof_in_band_min, where="proof"),
        repeat_days=minutes(table(settings, "repeat"), "within_days", defaults.repeat_days, where="repeat"),
    )  # fmt: skip


def _of_area(default: EntrapmentTargets, given: Mapping[str, Any]) -> EntrapmentTargets:
    area = given.get("area", "city")
    if not isinstance(area, str) or area not in AREAS:
        raise BadTargets(f"entrapment.area must be one of {', '.join(AREAS)}")
    return replace(default, contractor_min=AREAS[area])


def _filled(default: T, given: Mapping[str, Any], *, where: str) -> T:
    """`default` with what `given` says instead."""
    changes: dict[str, Any] = {}
    for one in fields(default):
        standing = getattr(default, one.name)
        if isinstance(standing, str):
            changes[one.name] = telephone(given, one.name, standing, where=where)
        else:
            changes[one.name] = minutes(given, one.name, standing, where=where)
    return replace(default, **changes)
