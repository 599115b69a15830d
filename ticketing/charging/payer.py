"""Who pays for a piece of work, pure: what is known of it and the site's policy → one payer, with the reasons.

The rules in their order; the first that holds decides.

1. Not work at all (a question, a complaint): the property fee.
2. Somebody broke it: they pay, warranty or not.
3. A warranty of what it is about is in force: the developer, or who else gave it.
4. It is inside a home: its owner.
5. It is shared and costs as much as a renewal: the maintenance fund (维修资金), which owners vote on.
6. It is shared: the property fee.

Source: docs/charges.md, "Who pays".
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum


class Payer(StrEnum):
    DEVELOPER = "developer"
    OWNER = "owner"
    PROPERTY_FEE = "property_fee"
    MAINTENANCE_FUND = "maintenance_fund"
    PERSON_AT_FAULT = "person_at_fault"

    @property
    def is_asked(self) -> bool:
        """Whether it is a private person, who pays nothing that they were not shown."""
        return self in (Payer.OWNER, Payer.PERSON_AT_FAULT)


class CoveredPart(StrEnum):
    """What a warranty is of. The law names the terms of most (docs/charges.md, "Warranties")."""

    STRUCTURE = "structure"
    WATERPROOFING = "waterproofing"
    HEATING_COOLING = "heating_cooling"
    ELECTRICAL = "electrical"
    PLUMBING = "plumbing"
    DECORATION = "decoration"
    ELEVATOR = "elevator"
    FIRE_SYSTEM = "fire_system"
    LOW_VOLTAGE = "low_voltage"
    OTHER = "other"


class PayerRule(StrEnum):
    """Why; the first of a verdict decided, the others are what was looked at as well."""

    NO_WORK = "no_work"
    AT_FAULT = "at_fault"
    WARRANTY = "warranty"
    WARRANTY_ENDED = "warranty_ended"
    WARRANTY_NOT_BEGUN = "warranty_not_begun"
    PART_ASSUMED = "part_assumed"
    IN_HOME = "in_home"
    SHARED_RENEWAL = "shared_renewal"
    SHARED = "shared"
    SAID_SO = "said_so"


@dataclass(frozen=True)
class Warranty:
    """What somebody warranted for, both days included. `place`: the building or equipment, as people call it."""

    part: CoveredPart
    provider: str
    place: str
    starts_on: date
    ends_on: date

    def holds(self, day: date) -> bool:
        return self.starts_on <= day <= self.ends_on


@dataclass(frozen=True, kw_only=True)
class Matter:
    """What is known. `parts`: what it may be about, exactly one once somebody looked (`is_part_known`); `warranties`
    are those of its place, whatever their part and dates; `expected_cost` in yuan, None while nobody said."""

    today: date
    is_work: bool = True
    is_in_home: bool
    parts: frozenset[CoveredPart]
    is_part_known: bool = False
    warranties: Sequence[Warranty] = ()
    somebody_at_fault: bool = False
    expected_cost: Decimal | None = None


@dataclass(frozen=True)
class PayerPolicy:
    """`fund_from`: shared work that costs as much, in yuan, is put to the maintenance fund."""

    fund_from: Decimal


@dataclass(frozen=True)
class PayerReason:
    """`facts` fill its sentence (`ticketing.payer_rule.<rule>`): plain words, ISO dates, amounts as text."""

    rule: PayerRule
    facts: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict:
    payer: Payer
    reasons: tuple[PayerReason, ...]


def decide(matter: Matter, policy: PayerPolicy) -> Verdict:
    """Who pays. Never nobody, never two; the first reason is the rule that decided."""
    if not matter.is_work:
        return Verdict(Payer.PROPERTY_FEE, (PayerReason(PayerRule.NO_WORK),))
    if matter.somebody_at_fault:
        return Verdict(Payer.PERSON_AT_FAULT, (PayerReason(PayerRule.AT_FAULT),))
    about = [one for one in matter.warranties if one.part in matter.parts]
    # The one that lasts longest is named: it is the one to quote to the developer.
    holding = max((one for one in about if one.holds(matter.today)), key=lambda one: one.ends_on, default=None)
    if holding is not None:
        assumed = () if matter.is_part_known else (PayerReason(PayerRule.PART_ASSUMED, {"part": holding.part.value}),)
        return Verdict(Payer.DEVELOPER, (_said_of(PayerRule.WARRANTY, holding), *assumed))
    payer, reason = _without_warranty(matter, policy)
    return Verdict(payer, (reason, *_past_and_future(about, matter.today)))


def _without_warranty(matter: Matter, policy: PayerPolicy) -> tuple[Payer, PayerReason]:
    if matter.is_in_home:
        return Payer.OWNER, PayerReason(PayerRule.IN_HOME)
    if matter.expected_cost is not None and matter.expected_cost >= policy.fund_from:
        facts = {"cost": f"{matter.expected_cost:.2f}", "fund_from": f"{policy.fund_from:.2f}"}
        return Payer.MAINTENANCE_FUND, PayerReason(PayerRule.SHARED_RENEWAL, facts)
    return Payer.PROPERTY_FEE, PayerReason(PayerRule.SHARED)


def _past_and_future(about: Sequence[Warranty], today: date) -> list[PayerReason]:
    ordered = sorted(about, key=lambda one: (one.ends_on, one.part))
    return [
        _said_of(PayerRule.WARRANTY_ENDED if one.ends_on < today else PayerRule.WARRANTY_NOT_BEGUN, one)
        for one in ordered
    ]


def _said_of(rule: PayerRule, warranty: Warranty) -> PayerReason:
    facts = {
        "part": warranty.part.value, "provider": warranty.provider, "place": warranty.place,
        "starts_on": warranty.starts_on.isoformat(), "ends_on": warranty.ends_on.isoformat(),
    }  # fmt: skip
    return PayerReason(rule, facts)
