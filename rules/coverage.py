"""On which equipment a rule that names others can be judged, and where not, and why."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import islice

from catalog.directory import EquipmentEntry
from kit.errors import DomainError
from rules import errors
from rules.rule import CompiledRule
from rules.rule_set import is_for
from rules.surroundings import Binder, Check, LeftOut, Neighbours

_MOST_TOLD = 3
_MOST_ASKED = 100


def left_out(rule: CompiledRule, entries: Iterable[EquipmentEntry]) -> list[LeftOut]:
    """The equipment that a rule is meant for and is not judged on, because of what it names elsewhere."""
    if not rule.elsewhere:
        return []
    every = list(entries)
    binder = Binder.of(rule, Neighbours.of(every))
    refusals = [(entry, binder.refusal(entry)) for entry in meant(rule, every) if entry.in_service]
    return [LeftOut(rule.rule.key, entry, refusal) for entry, refusal in refusals if refusal is not None]


def meant(rule: CompiledRule, entries: Iterable[EquipmentEntry]) -> list[EquipmentEntry]:
    """The equipment that a rule is for and that has the points it names of it."""
    return [one for one in entries if is_for(rule.rule, one) and all(name in one.points for name in rule.own_points)]


def check_surroundings(binder: Binder, judged: Sequence[EquipmentEntry]) -> None:
    """Raises OtherInAnotherBuilding where any of these would need another judge, and where none of them can be judged
    whatever is wrong there. That something is out of service now is no reason."""
    refusals = [(entry, binder.refusal(entry)) for entry in judged]
    apart = [(entry, one) for entry, one in refusals if isinstance(one, errors.OtherInAnotherBuilding)]
    if apart:
        codes = [entry.code for entry, _ in islice(apart, _MOST_TOLD)]
        raise replace(apart[0][1], equipment=", ".join(codes) + (" …" if len(apart) > _MOST_TOLD else ""))
    found = [one for _, one in refusals]
    if found and all(one is not None and not isinstance(one, errors.OtherOutOfService) for one in found):
        raise _most_telling([one for one in found if one is not None])


def refused_by_the_nearest(
    check: Check, meant: Iterable[EquipmentEntry], neighbours: Neighbours, *, life_safety: bool
) -> DomainError | None:
    """Of a text that names a point which no device has: what the equipment that stands there says of it."""
    for entry in islice(meant, _MOST_ASKED):
        refusal = Binder((), neighbours, check, life_safety=life_safety).refusal(entry)
        if isinstance(refusal, errors.UnknownPointOfOther):
            return refusal
    return None


def _most_telling(refusals: Sequence[DomainError]) -> DomainError:
    """That there is no parent says least of what is wrong with the text."""
    return min(refusals, key=lambda one: isinstance(one, errors.NoParent))
