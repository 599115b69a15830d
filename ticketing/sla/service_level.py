"""The service level of one order, as it was agreed when the order opened: its picture in `order.sla`. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ticketing.sla.business_time import ROUND_THE_CLOCK, BusinessHours
from ticketing.sla.calendars import hours_as_json, hours_of_json
from ticketing.sla.levels import ChainStep, CountedIn, Rung, chain_as_json, check_chain

# Orders from before service levels were kept: told at the deadline, to whom it was told then.
_BEFORE = (ChainStep(Rung.DUTY_MANAGER, 0),)
NO_WARNING_PCT = 100.0
BEFORE_APPOINTMENT_MIN = 30.0


@dataclass(frozen=True)
class ServiceLevel:
    """`hours` the clocks count in, but for appointments, to which one may come `appointment_min` late.

    `guessed_years`: years whose public holidays nobody had published or entered.

    `sources`: ids of the policies that said what is not a default, by field.
    """

    hours: BusinessHours
    warn_pct: float
    chain: tuple[ChainStep, ...]
    sources: Mapping[str, str]
    guessed_years: Sequence[int] = ()
    appointment_min: float = BEFORE_APPOINTMENT_MIN

    @property
    def counted_in(self) -> CountedIn:
        return CountedIn.ALWAYS if self.hours is ROUND_THE_CLOCK else CountedIn.BUSINESS


def as_json(level: ServiceLevel) -> dict[str, Any]:
    return {
        "counted_in": level.counted_in.value,
        "calendar": None if level.hours is ROUND_THE_CLOCK else hours_as_json(level.hours),
        "warn_pct": level.warn_pct,
        "chain": chain_as_json(level.chain),
        "policies": dict(level.sources),
        "guessed_years": list(level.guessed_years),
        "appointment_min": level.appointment_min,
    }


def of_json(kept: Mapping[str, Any]) -> ServiceLevel:
    """The inverse of `as_json`; `{}` is what orders carry that were opened before there was one."""
    if not kept:
        return ServiceLevel(ROUND_THE_CLOCK, NO_WARNING_PCT, _BEFORE, {})
    calendar = kept["calendar"]
    return ServiceLevel(
        hours=ROUND_THE_CLOCK if calendar is None else hours_of_json(calendar),
        warn_pct=kept["warn_pct"],
        chain=check_chain("chain", kept["chain"]),
        sources=kept["policies"],
        guessed_years=kept["guessed_years"],
        appointment_min=kept["appointment_min"],
    )
