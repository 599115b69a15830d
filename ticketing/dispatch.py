"""Who should do it, pure: a score for each candidate with its reasons, and why the others were left out.

Never somebody unqualified or off shift (the caller passes only people on shift), and never nobody: whoever calls
goes on to the duty manager when `rank` names no one.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from building.equipment import EquipmentKind
from ticketing.kinds import Category, Procedure

# What a point is worth: qualification decides, closeness comes next, load and fairness settle the rest.
SKILL_POINTS = 100
GENERALIST_POINTS = 40
CERTIFICATE_POINTS = 30
CONTRACTOR_POINTS = 50
AREA_POINTS = 30
OPEN_ORDER_POINTS = -12
RECENT_ORDER_POINTS = -2

GENERAL_SKILL = "general"
CONTRACTOR_DUTY = "contractor"


class Refusal(StrEnum):
    """Why a candidate was not ranked."""

    NO_SKILL = "no_skill"
    NO_CERTIFICATE = "no_certificate"
    OTHER_DUTY = "other_duty"
    ASKED_BEFORE = "asked_before"


@dataclass(frozen=True)
class Need:
    """What an order asks of a person.

    `certified`: the skill counts only with a valid certificate. `duties`: who does this kind of work at all.
    `contractor_first`: the equipment's maintenance contractor goes before own staff.
    """

    skill: str
    certified: bool = False
    contractor_first: bool = False
    duties: frozenset[str] = frozenset({"engineer", CONTRACTOR_DUTY})
    building_id: UUID | None = None


@dataclass(frozen=True)
class Bidder:
    """A person on shift at the order's site. `building_ids` empty: the whole site is theirs."""

    person_id: UUID
    name: str
    duty: str
    skills: frozenset[str]
    certified_skills: frozenset[str]
    building_ids: frozenset[UUID] = frozenset()
    open_orders: int = 0
    recent_orders: int = 0


@dataclass(frozen=True)
class Reason:
    """One part of a score. `count` is what the points were multiplied with."""

    factor: str
    points: int
    count: int = 1


@dataclass(frozen=True)
class Scored:
    bidder: Bidder
    reasons: tuple[Reason, ...]

    @property
    def score(self) -> int:
        return sum(reason.points for reason in self.reasons)


@dataclass(frozen=True)
class Ranking:
    """Candidates, best first, and the others with what kept them out."""

    scored: tuple[Scored, ...]
    refused: tuple[tuple[Bidder, Refusal], ...]

    @property
    def best(self) -> Scored | None:
        return self.scored[0] if self.scored else None


def rank(need: Need, bidders: Iterable[Bidder], *, asked: Collection[UUID] = ()) -> Ranking:
    """Everybody who may do it, best first; ties go by person id, so that the same question has the same answer."""
    scored: list[Scored] = []
    refused: list[tuple[Bidder, Refusal]] = []
    for bidder in bidders:
        refusal = _refusal(need, bidder, asked)
        if refusal is None:
            scored.append(Scored(bidder, tuple(_reasons(need, bidder))))
        else:
            refused.append((bidder, refusal))
    scored.sort(key=lambda one: (-one.score, one.bidder.person_id))
    return Ranking(tuple(scored), tuple(refused))


def _refusal(need: Need, bidder: Bidder, asked: Collection[UUID]) -> Refusal | None:
    if bidder.person_id in asked:
        return Refusal.ASKED_BEFORE
    if bidder.duty not in need.duties:
        return Refusal.OTHER_DUTY
    if need.certified:
        return None if need.skill in bidder.certified_skills else Refusal.NO_CERTIFICATE
    if need.skill in bidder.skills or GENERAL_SKILL in bidder.skills:
        return None
    return Refusal.NO_SKILL


def _reasons(need: Need, bidder: Bidder) -> Iterable[Reason]:
    if need.skill in bidder.skills or need.skill in bidder.certified_skills:
        yield Reason("skill", SKILL_POINTS)
    else:
        yield Reason("generalist", GENERALIST_POINTS)
    if need.skill in bidder.certified_skills:
        yield Reason("certificate", CERTIFICATE_POINTS)
    if need.contractor_first and bidder.duty == CONTRACTOR_DUTY:
        yield Reason("contractor", CONTRACTOR_POINTS)
    if need.building_id is not None and need.building_id in bidder.building_ids:
        yield Reason("area", AREA_POINTS)
    if bidder.open_orders:
        yield Reason("load", OPEN_ORDER_POINTS * bidder.open_orders, bidder.open_orders)
    if bidder.recent_orders:
        yield Reason("fairness", RECENT_ORDER_POINTS * bidder.recent_orders, bidder.recent_orders)


_SKILL_BY_EQUIPMENT = {
    EquipmentKind.ELEVATOR: "elevator",
    EquipmentKind.ESCALATOR: "elevator",
    EquipmentKind.PUMP: "pump",
    EquipmentKind.TANK: "pump",
    EquipmentKind.RISER: "plumbing",
    EquipmentKind.VALVE: "plumbing",
    EquipmentKind.WATER_METER: "plumbing",
    EquipmentKind.ELECTRICITY_METER: "electrical",
    EquipmentKind.POWER_SUPPLY: "electrical",
    EquipmentKind.FAN: "electrical",
    EquipmentKind.AHU: "electrical",
    EquipmentKind.CHILLER: "electrical",
    EquipmentKind.SMOKE_DETECTOR: "fire",
    EquipmentKind.HEAT_DETECTOR: "fire",
    EquipmentKind.GAS_DETECTOR: "fire",
    EquipmentKind.FIRE_PANEL: "fire",
}
_SKILL_BY_CATEGORY = {
    Category.ELEVATOR: "elevator",
    Category.WATER_LEAK: "plumbing",
    Category.NO_WATER: "pump",
    Category.DRAINAGE: "plumbing",
    Category.POWER: "electrical",
    Category.LIGHTING: "electrical",
    Category.HVAC: "electrical",
    Category.INTERCOM: "electrical",
    Category.METER: "plumbing",
    Category.FIRE: "fire",
}
# Repair of these is special work by law: only with a valid certificate, which property staff rarely hold.
_CERTIFIED = frozenset({"elevator", "fire"})


def need_of(
    *, procedure: Procedure, category: Category, equipment_kind: EquipmentKind | None, building_id: UUID | None
) -> Need:
    """What an order of this procedure asks of its assignee."""
    if procedure is Procedure.SMOKE:
        # Somebody must look at once: the nearest guard, not the certified repairer of detectors.
        return Need(GENERAL_SKILL, duties=frozenset({"guard", "engineer"}), building_id=building_id)
    if procedure is Procedure.FEEDBACK:
        return Need(GENERAL_SKILL, duties=frozenset({"dispatcher"}))
    by_equipment = _SKILL_BY_EQUIPMENT.get(equipment_kind) if equipment_kind else None
    skill = by_equipment or _SKILL_BY_CATEGORY.get(category, GENERAL_SKILL)
    return Need(
        skill,
        certified=skill in _CERTIFIED,
        contractor_first=skill in _CERTIFIED,
        building_id=building_id,
    )


def least_loaded(bidders: Sequence[Bidder]) -> Bidder | None:
    """Of people with the same duty, the one with the least on their hands."""
    return min(bidders, key=lambda one: (one.open_orders, one.recent_orders, one.person_id), default=None)
