"""A policy of approvals as a document: steps in order, each with whom to ask, how, when, and for how long, pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec

from kit.access import STAFF, Role
from kit.i18n import Wording
from ticketing.approvals.condition import Condition, Facts, check, holds
from ticketing.approvals.deciding import Lateness, Mode
from ticketing.definitions.documents import Checks, read

MOST_STEPS = 10
MOST_PERSONS = 50
LONGEST_WAIT_MIN = 60.0 * 24 * 90


class ManagerOf(StrEnum):
    SITE = "site"  # whoever answers for the site at that hour
    ASKER = "asker"  # the site's managers but the one who asks; the same as the site's for anybody else


class Who(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Exactly one of: everybody with a `role` at the site, named `persons`, or the `manager_of` something."""

    role: Role | None = None
    persons: tuple[UUID, ...] | None = None
    manager_of: ManagerOf | None = None


class Late(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """After so long without a decision: remind, reject, or escalate `to` others, each of whom may decide alone."""

    after_min: float
    then: Lateness
    to: Who | None = None

    @property
    def after(self) -> timedelta:
        return timedelta(minutes=self.after_min)


class StepRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`when`: only for orders it holds of; a step that does not concern an order is left out."""

    who: Who
    mode: Mode
    when: Condition | None = None
    late: Late | None = None


class PolicyDocument(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    code: str
    names: dict[str, str]
    steps: tuple[StepRule, ...]


@dataclass(frozen=True)
class Policy:
    code: str
    names: Wording
    steps: tuple[StepRule, ...]

    @property
    def named(self) -> set[UUID]:
        """Everybody whom it names as a person."""
        asked = [who for step in self.steps for who in (step.who, step.late.to if step.late else None) if who]
        return {person_id for who in asked for person_id in who.persons or ()}

    def steps_for(self, facts: Facts) -> list[StepRule]:
        """The steps that concern an order with these facts, in order; empty: nobody need be asked."""
        return [step for step in self.steps if holds(step.when, facts)]


def parse(document: Mapping[str, Any]) -> Policy:
    """Raises DocumentInvalid with everything that is wrong."""
    found = read(document, PolicyDocument)
    checks = Checks()
    checks.code(found.code, where="code")
    checks.names(found.names, where="names")
    if not 1 <= len(found.steps) <= MOST_STEPS:
        checks.add("steps_count", where="steps", most=MOST_STEPS)
    for number, step in enumerate(found.steps, start=1):
        _check_step(step, checks, where=f"steps.{number}")
    checks.raise_if_any()
    return Policy(found.code, Wording(found.names), found.steps)


def _check_step(step: StepRule, checks: Checks, *, where: str) -> None:
    _check_who(step.who, checks, where=f"{where}.who")
    is_one = step.who.manager_of is ManagerOf.SITE or len(step.who.persons or ()) == 1
    if step.mode is Mode.SINGLE and not is_one:
        checks.add("single_needs_one", where=f"{where}.mode")
    check(step.when, checks, where=f"{where}.when")
    if step.late is not None:
        _check_late(step.late, checks, where=f"{where}.late")


def _check_who(who: Who, checks: Checks, *, where: str) -> None:
    given = [each for each in (who.role, who.persons, who.manager_of) if each is not None]
    if len(given) != 1 or who.persons == ():
        checks.add("who_form", where=where)
    if who.role is not None and who.role not in STAFF:
        checks.add("who_not_staff", where=where, role=who.role.value)
    if len(who.persons or ()) > MOST_PERSONS:
        checks.add("who_too_many", where=where, most=MOST_PERSONS)
    checks.unique([str(person) for person in who.persons or ()], where=where)


def _check_late(late: Late, checks: Checks, *, where: str) -> None:
    if not 1 <= late.after_min <= LONGEST_WAIT_MIN:
        checks.add("late_after", where=f"{where}.after_min", most=LONGEST_WAIT_MIN)
    if (late.then is Lateness.ESCALATE) != (late.to is not None):
        checks.add("late_to", where=f"{where}.to")
    if late.to is not None:
        _check_who(late.to, checks, where=f"{where}.to")
