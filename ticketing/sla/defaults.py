"""The layer below all policies, pure: what is shipped, what a city and a site set instead under `deadlines`.

Source of the defaults: docs/ticketing.md, "Service levels".
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ticketing.kinds import LOWEST_PRIORITY, Procedure
from ticketing.setting_values import BadTargets, table
from ticketing.sla.levels import (
    BadLevel,
    CountedIn,
    Levels,
    Rung,
    chain_of,
    check_chain,
    check_counted_in,
    check_minutes,
    check_percent,
)

PRIORITIES = range(1, LOWEST_PRIORITY + 1)
WARN_PCT = 75.0
APPOINTMENT_MIN = 30.0
_ALARMING = chain_of((Rung.ASSIGNEE, 0), (Rung.DISPATCHER, 0), (Rung.DUTY_MANAGER, 0), (Rung.MANAGER, 15))
_URGENT = chain_of((Rung.ASSIGNEE, 0), (Rung.DISPATCHER, 0), (Rung.DUTY_MANAGER, 10), (Rung.MANAGER, 60))
_ORDINARY = chain_of((Rung.ASSIGNEE, 0), (Rung.DISPATCHER, 30), (Rung.DUTY_MANAGER, 120), (Rung.MANAGER, 540))
_CHECKS = {
    "response_min": check_minutes,
    "arrival_min": check_minutes,
    "resolution_min": check_minutes,
    "counted_in": check_counted_in,
    "warn_pct": check_percent,
    "chain": check_chain,
    "appointment_min": check_minutes,
}


def _always(response_min: float, arrival_min: float, resolution_min: float, *, urgent: bool = False) -> Levels:
    chain = _URGENT if urgent else _ALARMING
    return Levels(response_min, arrival_min, resolution_min, CountedIn.ALWAYS, WARN_PCT, chain, APPOINTMENT_MIN)


def _by_day(response_min: float, arrival_min: float, resolution_min: float) -> Levels:
    return Levels(response_min, arrival_min, resolution_min, CountedIn.BUSINESS, WARN_PCT, _ORDINARY, APPOINTMENT_MIN)


def _priorities() -> Mapping[int, Levels]:
    return {
        1: _always(5, 5, 240),
        2: _always(15, 15, 480, urgent=True),
        3: _by_day(60, 240, 540),
        4: _by_day(240, 540, 1620),
    }


def _procedures() -> Mapping[Procedure, Levels]:
    return {Procedure.ENTRAPMENT: _always(1, 30, 60), Procedure.SMOKE: _always(1, 5, 60)}


@dataclass(frozen=True)
class Defaults:
    """What holds at a site without a policy: by procedure where it has levels of its own, else by priority."""

    by_priority: Mapping[int, Levels] = field(default_factory=_priorities)
    by_procedure: Mapping[Procedure, Levels] = field(default_factory=_procedures)

    def of(self, *, procedure: Procedure, priority: int) -> Levels:
        return self.by_procedure.get(procedure) or self.by_priority[priority]


def parse_defaults(settings: Mapping[str, Any], *, contractor_min: float) -> Defaults:
    """The defaults that settings mean. Raises BadTargets, naming the key.

    `contractor_min`: how long the contractor has to get to an entrapment, which is when somebody is there.
    """
    shipped = Defaults()
    given = table(settings, "deadlines")
    entrapment = replace(
        shipped.by_procedure[Procedure.ENTRAPMENT], arrival_min=contractor_min,
        resolution_min=max(contractor_min + 30, 60),
    )  # fmt: skip
    procedures = {**shipped.by_procedure, Procedure.ENTRAPMENT: entrapment}
    return Defaults(
        by_priority={
            priority: _laid_over(shipped.by_priority[priority], given, f"priority_{priority}")
            for priority in PRIORITIES
        },
        by_procedure={
            procedure: _laid_over(levels, given, procedure.value) for procedure, levels in procedures.items()
        },
    )  # fmt: skip


def _laid_over(shipped: Levels, deadlines: Mapping[str, Any], key: str) -> Levels:
    changes: dict[str, Any] = {}
    for name, value in table(deadlines, key).items():
        if name not in _CHECKS:
            continue  # a setting of a later release, or of somebody's own
        try:
            changes[name] = _CHECKS[name](name, value)
        except BadLevel as error:
            raise BadTargets(f"deadlines.{key}.{error.field}: {error.allowed}") from None
    return replace(shipped, **changes)
